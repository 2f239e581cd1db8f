"""The append-only record of a session: rows are buffered by services and written in batches; journal.db."""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from momentum_kit.errors import StorageError
from momentum_kit.models import JournalRow
from momentum_kit.models.journal_rows import columns_of
from momentum_kit.storage.journal.encoding import Column, to_column
from momentum_kit.storage.journal.migrations import JOURNAL, JOURNAL_ID
from momentum_kit.storage.journal.sqlite import is_database, open_database

MAX_BUFFERED_ROWS = 200_000  # some 100 MB: hours of a session on a full disk

_REFUSED = (ValueError, TypeError, OverflowError, sqlite3.ProgrammingError, sqlite3.InterfaceError, sqlite3.DataError)
_Encoded = tuple[type[JournalRow], tuple[Column, ...]]


def is_journal(path: Path) -> bool:
    """Whether a session's journal stands there."""
    return is_database(path, JOURNAL_ID)


class SqliteJournal:
    """ports.Journal on SQLite (WAL, synchronous NORMAL).

    write() only encodes and buffers; flush() may run on another thread. A flush that fails keeps its rows for the
    next one, tells `on_failure` once until it works again, and never raises: a full disk must not stop an exit.
    """

    def __init__(self, path: str | Path, on_failure: Callable[[str], None] | None = None) -> None:
        self.path = Path(path)
        self.lost_rows = 0
        self._on_failure = on_failure or (lambda _text: None)
        self._connection = open_database(self.path, JOURNAL, JOURNAL_ID, "NORMAL")
        self._rows: list[_Encoded] = []
        self._swap = threading.Lock()  # held for the moment in which _rows is exchanged
        self._writing = threading.Lock()  # held while SQLite writes
        self._failing = False

    def write(self, row: JournalRow) -> None:
        """Queue one row. TypeError or ValueError for a value that cannot be stored."""
        values = (time.time_ns(), *[to_column(value) for value in row.columns().values()])
        with self._swap:
            if len(self._rows) >= MAX_BUFFERED_ROWS:
                self.lost_rows += 1
                return
            self._rows.append((type(row), values))

    @property
    def failing(self) -> bool:
        """True from a flush that failed to the next one that works."""
        return self._failing

    @property
    def buffered(self) -> int:
        """Rows not on disk yet."""
        return len(self._rows)

    def flush(self) -> bool:
        """Write everything buffered in one transaction; False if it failed and the rows are kept."""
        with self._writing:
            with self._swap:
                rows, self._rows = self._rows, []
            if not rows:
                return True
            try:
                self._insert(rows)
            except _REFUSED:  # a row's own fault: the others shall not wait for it for ever
                return self._leave_out(rows)
            except sqlite3.Error as error:
                with self._swap:
                    self._rows = rows + self._rows
                self._report(f"journal {self.path}: {error}; {len(self._rows)} rows wait")
                return False
            if self._failing:
                self._failing = False
                self._on_failure(f"journal {self.path}: writing again; {self.lost_rows} rows lost")
            return True

    def close(self) -> None:
        """Flush and close; StorageError if rows could not be written."""
        flushed = self.flush()
        with self._writing:
            self._connection.close()
        if not flushed or self.lost_rows:
            raise StorageError(f"journal {self.path}: {len(self._rows) + self.lost_rows} rows were not written")

    def _insert(self, rows: list[_Encoded]) -> None:
        batches: dict[type[JournalRow], list[tuple[Column, ...]]] = {}
        for kind, values in rows:
            batches.setdefault(kind, []).append(values)
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            for kind, batch in batches.items():
                names = ("wall_ns", *columns_of(kind))
                sql = f'INSERT INTO "{kind.table}" ({", ".join(names)}) VALUES ({", ".join("?" * len(names))})'
                self._connection.executemany(sql, batch)
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk may have rolled back by itself
                execute("ROLLBACK")
            raise

    def _leave_out(self, rows: list[_Encoded]) -> bool:
        """Write one row at a time; those that the store refuses for what they are, are lost and told."""
        for at, row in enumerate(rows):
            try:
                self._insert([row])
            except _REFUSED as error:
                self.lost_rows += 1
                self._on_failure(f"journal {self.path}: a row of {row[0].table} was refused and is lost: {error}")
            except sqlite3.Error as error:
                with self._swap:
                    self._rows = rows[at:] + self._rows
                self._report(f"journal {self.path}: {error}; {len(self._rows)} rows wait")
                return False
        return True

    def _report(self, text: str) -> None:
        if not self._failing:
            self._failing = True
            self._on_failure(text)
