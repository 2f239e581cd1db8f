"""The ledger of trials, trials.db: every sweep writes each cell once, and the deflated Sharpe ratio counts them.

It lies in the user's state folder and knows on which instrument days each sweep ran (seals/content.py), so that
trials count against the same days in whatever archive or study folder they are tried next.

The more was tried, the better the best looks by luck alone. So what nobody counted is not shown: a sweep whose trials
could not be written fails.
"""

import json
import sqlite3
import time
from collections.abc import Iterable
from hashlib import blake2b
from itertools import repeat
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.errors import StorageError
from momentum_kit.research.sweep.grid import Grid
from momentum_kit.storage.journal import open_database, query

APPLICATION_ID = 0x6D6B7431  # PRAGMA application_id, "mkt1"

_APPEND_ONLY = tuple(
    f"""CREATE TRIGGER {table}_{change.lower()} BEFORE {change} ON {table}
        BEGIN SELECT RAISE(ABORT, 'trials are never changed or forgotten'); END"""
    for table in ("trials", "sweeps")
    for change in ("UPDATE", "DELETE")
)

SCHEMA: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE sweeps (id INTEGER PRIMARY KEY, wall_ns INTEGER NOT NULL, data_key TEXT NOT NULL,
            exit_name TEXT NOT NULL, events INTEGER NOT NULL, first_day TEXT NOT NULL, last_day TEXT NOT NULL,
            grid TEXT NOT NULL, base TEXT NOT NULL, cells INTEGER NOT NULL, new INTEGER NOT NULL)""",
        "CREATE TABLE trials (id INTEGER PRIMARY KEY, sweep INTEGER NOT NULL, sharpe_day REAL)",
        *_APPEND_ONLY,
    ),
    (
        "ALTER TABLE sweeps ADD COLUMN data_set INTEGER",
        "CREATE TABLE data_sets (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE)",
        """CREATE TABLE data_days (content TEXT NOT NULL, data_set INTEGER NOT NULL,
            PRIMARY KEY (content, data_set)) WITHOUT ROWID""",
        "CREATE INDEX trials_by_sweep ON trials (sweep)",
    ),
)

Ids = npt.NDArray[np.int64]


class TrialLedger:
    """An append-only SQLite file of trials; several processes may write to it at once.

    A trial is one set of thresholds with one exit rule on one selection of data. Trying it again, in whatever grid,
    is the same trial; other data, other costs or other thresholds are new ones.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        # FULL: what was shown to somebody must have been counted, whatever happens to the machine
        self._connection = open_database(self._path, SCHEMA, APPLICATION_ID, "FULL")

    def __enter__(self) -> "TrialLedger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def record(
        self,
        key: int,
        exit_name: str,
        grid: Grid,
        base: Thresholds,
        sharpe_day: npt.NDArray[np.float64],
        events: int,
        days: npt.NDArray[np.datetime64],
        contents: Iterable[str] = (),
    ) -> int:
        """Count the cells of one sweep for one exit rule; returns how many of them nobody had tried.

        key: of the data (CellSums.keys). contents: its instrument days. sharpe_day: (C,), nan where a cell has none.
        All or nothing, durable on return. Raises StorageError where it could not be written.
        """
        ids = trial_ids(grid, base, key, exit_name)
        axes = json.dumps({name: list(values) for name, values in grid.axes.items()})
        about = (time.time_ns(), f"{key:016x}", exit_name, events, str(days[0]), str(days[-1]), axes)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                before = self._connection.total_changes
                (sweep,) = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM sweeps").fetchone()
                rows = sorted(zip(ids.tolist(), repeat(sweep), sharpe_day.tolist()))  # SQLite keeps a nan as NULL
                self._connection.executemany("INSERT OR IGNORE INTO trials VALUES (?, ?, ?)", rows)
                new = self._connection.total_changes - before
                self._connection.execute(
                    "INSERT INTO sweeps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (sweep, *about, base.model_dump_json(), grid.size, new, self._data_set(contents)),
                )
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: trials not counted: {error}") from None
        return new

    def adopt(self, file: Path, contents: Iterable[str]) -> int:
        """Take over, once, the trials of a ledger that lay in a study folder; returns how many were new.

        contents: the instrument days of that study. Raises StorageError where the file is no ledger.
        """
        key = f"adopted {blake2b(str(file.resolve()).encode(), digest_size=8).hexdigest()}"
        if self._connection.execute("SELECT 1 FROM sweeps WHERE data_key = ?", (key,)).fetchone():
            return 0
        rows = query(file, "SELECT id, sharpe_day FROM trials")
        days = query(file, "SELECT min(first_day), max(last_day) FROM sweeps")[0]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            before = self._connection.total_changes
            (sweep,) = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM sweeps").fetchone()
            told = [(number, sweep, sharpe) for number, sharpe in rows]
            self._connection.executemany("INSERT OR IGNORE INTO trials VALUES (?, ?, ?)", told)
            new = self._connection.total_changes - before
            about = (sweep, time.time_ns(), key, "", 0, days[0] or "", days[1] or "", "{}", "{}", len(rows), new)
            self._connection.execute(
                "INSERT INTO sweeps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*about, self._data_set(contents))
            )
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return new

    def count(self, contents: Iterable[str] | None = None) -> int:
        """How many trials there have been: on data that hold any of these instrument days, or ever."""
        if contents is None:
            (count,) = self._query("SELECT count(*) FROM trials")[0]
            return int(count)
        self._connection.execute("CREATE TEMP TABLE IF NOT EXISTS asked (content TEXT PRIMARY KEY) WITHOUT ROWID")
        self._connection.execute("DELETE FROM asked")
        self._connection.executemany("INSERT OR IGNORE INTO asked VALUES (?)", ((each,) for each in contents))
        shared = "SELECT DISTINCT data_set FROM data_days NATURAL JOIN asked"
        (count,) = self._query(
            f"SELECT count(*) FROM trials WHERE sweep IN (SELECT id FROM sweeps WHERE data_set IN ({shared}))"
        )[0]
        return int(count)

    def sharpes(self) -> npt.NDArray[np.float64]:
        """The Sharpe ratio by day of every trial that had one."""
        return np.array([value for (value,) in self._query("SELECT sharpe_day FROM trials WHERE sharpe_day NOTNULL")])

    def sharpe_variance(self) -> float:
        """Variance of the Sharpe ratios by day over all trials, the V of the deflated Sharpe ratio; nan below two."""
        sharpes = self.sharpes()
        return float(sharpes.var(ddof=1)) if len(sharpes) > 1 else float("nan")

    def sweeps(self) -> pd.DataFrame:
        """One row a sweep and exit rule, in the order run: when, on what data, which grid, how many cells were new."""
        cursor = self._connection.execute("SELECT * FROM sweeps ORDER BY id")
        frame = pd.DataFrame(cursor.fetchall(), columns=[column[0] for column in cursor.description])
        frame.insert(1, "at", pd.to_datetime(frame.pop("wall_ns"), utc=True))
        return frame

    def _data_set(self, contents: Iterable[str]) -> int | None:
        """The number of a set of instrument days, which is written down once."""
        distinct = sorted(set(contents))
        if not distinct:
            return None
        digest = blake2b("\n".join(distinct).encode(), digest_size=16).hexdigest()
        if known := self._connection.execute("SELECT id FROM data_sets WHERE digest = ?", (digest,)).fetchone():
            return int(known[0])
        number = self._connection.execute("INSERT INTO data_sets (digest) VALUES (?)", (digest,)).lastrowid
        self._connection.executemany("INSERT INTO data_days VALUES (?, ?)", zip(distinct, repeat(number)))
        return number

    def _query(self, sql: str) -> list[tuple[float, ...]]:
        try:
            return self._connection.execute(sql).fetchall()
        except sqlite3.Error as error:
            raise StorageError(f"{self._path}: {error}") from None


def trial_ids(grid: Grid, base: Thresholds, key: int, exit_name: str) -> Ids:
    """(C,) one number a trial, the same for the same thresholds in any grid: the sum of a hash of each limit."""
    values = grid.with_base(base)
    total = np.full(1, np.uint64(key) ^ _hash("exit", exit_name), np.uint64)
    for name in sorted(values.keys() - set(grid.names)):
        total += _hash(name, values[name][0])
    for name in grid.names:
        total = (total[:, np.newaxis] + np.array([_hash(name, value) for value in values[name]])).reshape(-1)
    return total.view(np.int64)


def _hash(name: str, value: float | str) -> np.uint64:
    plain = value if isinstance(value, str) else value + 0.0  # -0.0 is 0.0
    return np.uint64(int.from_bytes(blake2b(f"{name}={plain!r}".encode(), digest_size=8).digest()))
