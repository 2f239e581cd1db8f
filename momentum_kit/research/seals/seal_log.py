"""The record of what was sealed, looked at and opened, by instrument day: the memory of an honest analyst.

It lies in the user's state folder, not beside an archive, and knows days by their content (content.py): copies,
temporary folders and other names of the same days find it. Whoever deletes it deletes the proof that a seal ever held.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from momentum_kit.errors import DatabaseTooNew, GuardRefused, StorageError
from momentum_kit.research.code_hash import code_version
from momentum_kit.storage.journal import open_database

APPLICATION_ID = 0x6D6B7432  # PRAGMA application_id, "mkt2"
Role = Literal["open", "sealed", "opened"]
"""What an instrument day became: free to study, kept back, or kept back and looked at once."""

COLUMNS = (
    "id", "at", "what", "first_day", "last_day", "events", "candidate", "code_version", "opening", "net_bps", "low_bps",
    "high_bps", "fills",
)  # fmt: skip
_NAMES = ", ".join(COLUMNS)
_VALUES = ", ".join(f":{name}" for name in COLUMNS)

SCHEMA: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE records (id INTEGER PRIMARY KEY, at TEXT NOT NULL, what TEXT NOT NULL, first_day TEXT NOT NULL,
            last_day TEXT NOT NULL, events INTEGER, candidate TEXT, code_version TEXT NOT NULL, opening INTEGER,
            net_bps REAL, low_bps REAL, high_bps REAL, fills INTEGER)""",
        """CREATE TABLE instrument_days (content TEXT NOT NULL, record INTEGER NOT NULL, role TEXT NOT NULL,
            PRIMARY KEY (content, record)) WITHOUT ROWID""",
        *(
            f"""CREATE TRIGGER {table}_{change.lower()} BEFORE {change} ON {table}
                BEGIN SELECT RAISE(ABORT, 'what was looked at is never changed or forgotten'); END"""
            for table in ("records", "instrument_days")
            for change in ("UPDATE", "DELETE")
        ),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRecord:
    """One entry: `sealed`, `looked at`, `more days`, `traded live`, `opened`, or the `result` of an opening."""

    what: str
    first_day: date
    last_day: date
    id: int = 0
    at: str = ""
    events: int | None = None
    candidate: str = ""
    code_version: str = ""
    opening: int | None = None
    net_bps: float | None = None
    low_bps: float | None = None
    high_bps: float | None = None
    fills: int | None = None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is on record about some instrument days: records that concern any of them, and the latest role of each."""

    records: tuple[SealRecord, ...]
    roles: Mapping[str, Role]

    def of(self, what: str) -> list[SealRecord]:
        """The records of one kind, oldest first."""
        return [record for record in self.records if record.what == what]


Entry = tuple[SealRecord, Mapping[str, Role]]


class SealLog:
    """An append-only SQLite file; several processes may write to it at once.

    Raises StorageError where it cannot be read or written: without a record nothing is opened.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def about(self, contents: Iterable[str]) -> Remembered:
        """What is on record about these instrument days; nothing where there is no file yet."""
        if not self.path.exists():
            return Remembered((), {})
        with self._open() as connection:
            return _about(connection, contents)

    def append(self, contents: Iterable[str], decide: Callable[[Remembered], Entry | None]) -> int:
        """Write what `decide` makes of what is on record, durably, while nobody else can; None writes nothing.

        Returns the number of the record, 0 for none.
        """
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                entry = decide(_about(connection, contents))
                number = _write(connection, *entry) if entry else 0
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        return number

    def _open(self) -> "_Connection":
        return _Connection(self.path)


class _Connection:
    """The file for one reading or writing; its errors name what they mean here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._connection = open_database(path, SCHEMA, APPLICATION_ID, "FULL")
        except DatabaseTooNew:
            raise
        except StorageError as error:
            raise StorageError(f"{error}; without a record nothing is opened") from None

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise StorageError(f"{self._path}: {error}; without a record nothing is opened") from None


def _about(connection: sqlite3.Connection, contents: Iterable[str]) -> Remembered:
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS asked (content TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("DELETE FROM asked")
    connection.executemany("INSERT OR IGNORE INTO asked VALUES (?)", ((content,) for content in contents))
    found = "SELECT DISTINCT record FROM instrument_days NATURAL JOIN asked"
    with closing(
        connection.execute(f"SELECT {_NAMES} FROM records WHERE id IN ({found}) OR opening IN ({found}) ORDER BY id")
    ) as rows:
        records = tuple(_record(dict(zip(COLUMNS, row, strict=True))) for row in rows)
    roles = connection.execute(
        """SELECT content, role, max(record) FROM instrument_days NATURAL JOIN asked
            WHERE role <> 'opened' GROUP BY content"""
    )
    return Remembered(records, {content: role for content, role, _ in roles})


def _write(connection: sqlite3.Connection, record: SealRecord, roles: Mapping[str, Role]) -> int:
    values: dict[str, Any] = {name: getattr(record, name) for name in COLUMNS}
    values |= {
        "id": None, "at": datetime.now(UTC).isoformat(timespec="seconds"), "code_version": code_version(),
        "first_day": record.first_day.isoformat(), "last_day": record.last_day.isoformat(),
    }  # fmt: skip
    number = connection.execute(f"INSERT INTO records ({_NAMES}) VALUES ({_VALUES})", values).lastrowid or 0
    connection.executemany(
        "INSERT INTO instrument_days VALUES (?, ?, ?)", [(content, number, role) for content, role in roles.items()]
    )
    return number


def _record(row: dict[str, Any]) -> SealRecord:
    days = {name: date.fromisoformat(row[name]) for name in ("first_day", "last_day")}
    return SealRecord(**{**row, **days, "candidate": row["candidate"] or ""})


def record_opening(
    log: SealLog, contents: Collection[str], days: tuple[date, date], candidate: str, events: int | None = None
) -> int:
    """Put on record that these sealed instrument days are looked at; returns the number of the opening.

    Raises GuardRefused, with the first opening, if any of them was opened before.
    """

    def decide(known: Remembered) -> Entry:
        if opened := known.of("opened"):
            first = opened[0]
            raise GuardRefused(
                f"the sealed days {first.first_day}..{first.last_day} were opened at {first.at} for candidate "
                f"{first.candidate[:19]} ({first.code_version}); a second look would be selection: wait for new days "
                f"({log.path})"
            )
        record = SealRecord(what="opened", first_day=days[0], last_day=days[1], events=events, candidate=candidate)
        return record, dict.fromkeys(contents, "opened")

    return log.append(contents, decide)
