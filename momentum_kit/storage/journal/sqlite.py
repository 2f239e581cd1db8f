"""Opens and asks SQLite files: WAL, migrated, never a newer or foreign one; for journal, intents and readers."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Literal

from momentum_kit.errors import DatabaseTooNew, MomentumKitError, StorageError
from momentum_kit.plain_text import plain_text
from momentum_kit.private_files import make_private_folder, open_private

BUSY_TIMEOUT_S = 5.0
RETRY_S = 0.01
UNREADABLE = (  # NameError: a frame is asked for a column that is not there
    ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RecursionError, TypeError, ValueError,
)  # fmt: skip
NO_ROOM = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def open_database(
    path: Path,
    migrations: Sequence[Sequence[str]],
    application_id: int,
    synchronous: Literal["FULL", "NORMAL"],
) -> sqlite3.Connection:
    """Open or create a file and bring it to the newest version, in autocommit mode.

    Usable from any thread, one at a time. Raises DatabaseTooNew for a file of a later kit, which is not touched,
    and StorageError where the file is not ours, is damaged, or cannot be written.
    """
    try:
        if path.exists() and path.stat().st_size:
            _refuse_foreign(path, application_id, len(migrations))
        make_private_folder(path.parent)
        os.close(open_private(path, os.O_RDWR | os.O_CREAT))  # SQLite gives its own files beside it the same mode
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{path}: {error}") from None
    try:
        _write_ahead(connection)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        _migrate(connection, migrations, application_id)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise StorageError(f"{path}: {error}") from None
        raise
    return connection


def is_database(path: Path, application_id: int) -> bool:
    """Whether a file, and no link to one, was written by the kit as a database of this kind."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        with closing(open_read_only(path)) as connection:
            (owner,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.Error:
        return False
    return bool(owner == application_id)


def read_table(path: str | Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table in the order written, read without disturbing a writer; values as stored (text, numbers).

    Raises StorageError for a missing file or table.
    """
    try:
        connection = open_read_only(Path(path))
        try:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            if table not in names:
                raise StorageError(f"{path}: no table {table!r}")
            rows = connection.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in rows.description]
            return [dict(zip(columns, row, strict=True)) for row in rows]
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from None


def query(path: str | Path, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """The rows of one SELECT, values as stored (text and numbers), also while a session writes.

    Raises StorageError, one line, for a missing file, table or column.
    """
    return read(path, sql, values)[1]


def read(path: str | Path, sql: str, values: Sequence[Any] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The same with the names of its columns first."""
    file = Path(path)
    if not file.is_file():
        raise StorageError(f"{file}: no such journal")
    try:
        with closing(open_read_only(file)) as connection:
            cursor = connection.execute(sql, values)
            return [column[0] for column in cursor.description], cursor.fetchall()
    except sqlite3.Error as error:
        raise StorageError(f"{file}: {error}") from None


@contextmanager
def readable(path: str | Path) -> Iterator[None]:
    """While rows of a journal are made sense of: StorageError, one line, where they are not as a session writes them.

    The file may be of another version, damaged, or by another hand, and hold anything; it shall hide no other session.
    """
    try:
        yield
    except MomentumKitError:
        raise
    except UNREADABLE as error:
        words = plain_text(str(error).partition("\n")[0], 120) or "no words"
        told = f"not as a session of this version writes it ({type(error).__name__}: {words})"
        raise StorageError(f"{path}: {told}") from None


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that only reads, whatever another one writes meanwhile; usable from any thread, one at a time.

    Also where nothing can be written beside the file, by a full disk or a folder that only others may write to.
    """
    try:
        return _reader(path, "mode=ro")
    except sqlite3.OperationalError as error:
        # Readers of a write-ahead log want a small file of their own beside it. Where there is no room for one and no
        # log either, nobody is writing, and the file alone is all there is. https://www.sqlite.org/wal.html#readonly
        if error.sqlite_errorcode & 0xFF not in NO_ROOM or not _at_rest(path):
            raise
        return _reader(path, "mode=ro&immutable=1")


def _reader(path: Path, how: str) -> sqlite3.Connection:
    where = f"{path.resolve().as_uri()}?{how}"
    connection = sqlite3.connect(where, uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False)
    try:
        connection.execute("PRAGMA query_only=1")
        connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()  # SQLite opens nothing before
    except BaseException:
        connection.close()
        raise
    return connection


def _at_rest(path: Path) -> bool:
    log = path.with_name(f"{path.name}-wal")
    try:
        return log.stat().st_size == 0
    except FileNotFoundError:
        return path.is_file()
    except OSError:
        return False


def _refuse_foreign(path: Path, application_id: int, known: int) -> None:
    connection = open_read_only(path)
    try:
        connection.execute("BEGIN")  # one look: another process may be making the file right now
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    finally:
        connection.close()
    if not owner and not tables:
        return  # nothing in it yet
    if owner != application_id:
        raise StorageError(f"{path}: a database, but not one of this kind written by momentum_kit")
    if version > known:
        raise DatabaseTooNew(
            f"{path}: written by a newer momentum_kit (version {version}, this one knows {known}); update the kit"
        )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; while another process writes, SQLite refuses that at once and waits for nobody."""
    begun = time.monotonic()
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() - begun > BUSY_TIMEOUT_S:
                raise
        time.sleep(RETRY_S)


def _migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]], application_id: int) -> None:
    """Each step is one transaction together with its version number: a crash leaves the step before it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, statements in enumerate(migrations[version:], start=version + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number}")
        connection.execute(f"PRAGMA application_id={application_id}")
        connection.execute("COMMIT")
    except sqlite3.Error:
        connection.execute("ROLLBACK")
        raise
