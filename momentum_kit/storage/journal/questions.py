"""Read-only questions to a journal, also while its session writes; under summary, digest and the notebook's tables."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from momentum_kit.errors import StorageError

BUSY_TIMEOUT_S = 5.0


def query(path: str | Path, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of one SELECT, values as stored (text and numbers).

    Raises StorageError, one line, for a missing file, table or column.
    """
    return read(path, sql, values)[1]


def read(path: str | Path, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The same with the names of its columns first."""
    file = Path(path)
    if not file.is_file():
        raise StorageError(f"{file}: no such journal")
    try:
        with closing(
            sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
        ) as connection:
            cursor = connection.execute(sql, values)
            return [column[0] for column in cursor.description], cursor.fetchall()
    except sqlite3.Error as error:
        raise StorageError(f"{file}: {error}") from None
