"""The Parquet archive: bars, quotes, headlines, executions and dated symbol masters, each with its provenance.

    ROOT/bars_1m/symbol=SPY/month=2013-10/bars.parquet       trades by minute, as Bar; bars_5s the same by 5 s
    ROOT/quotes_1m/symbol=SPY/month=2013-10/bars.parquet     bids and asks, as QuoteBar; quotes_5s the same by 5 s
    ROOT/headlines/month=2013-10/headlines.parquet           headlines by the month of their publication
    ROOT/executions/month=2013-10/executions.parquet         our own executions with their commissions
    ROOT/symbols/day=2013-10-11/symbols.parquet              what was listed on a day: the symbol master

The folders follow Hive's naming, so any tool reads them. Times are UTC and stamp a bar's START, days and months are
New York's, prices USD, sizes shares. A series is raw or adjusted, never both: see Provenance.adjusted. The footer of a
month file has, for each of its days, the number of rows and their provenance; a day with no rows is a recorded gap.
A change is visible as a whole or not at all, also when the process is killed, and writers wait for each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Bar
from momentum_kit.storage.archive.changes import changes
from momentum_kit.storage.archive.events import Events
from momentum_kit.storage.archive.files import StoredDay, read_columns, read_days
from momentum_kit.storage.archive.rows import (
    BARS,
    BARS_5S,
    FILE,
    QUOTES,
    QUOTES_5S,
    SECONDS,
    Columns,
    Provenance,
    QuoteBar,
    Series,
    day_bounds,
    in_days,
    row_type,
    symbol_folder,
    to_rows,
)
from momentum_kit.storage.archive.writer import Writer

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BARS", "BARS_5S", "QUOTES", "QUOTES_5S", "Archive", "Provenance", "QuoteBar", "Series", "in_days"]


class Archive(Events):
    """Reads and extends an archive folder; a folder that does not exist yet is an empty archive.

    Raises ArchiveError, one line with the file and the remedy, for what is missing, unreadable or unwritable.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def days(self, symbol: str = "*", kind: str = BARS) -> tuple[date, ...]:
        """Exchange days with rows (of this symbol), ascending."""
        found = {day for file in self._files(kind, symbol) for day, at in read_days(file).items() if at.count}
        return tuple(sorted(found))

    def symbols(self, day: date | None = None, kind: str = BARS) -> tuple[str, ...]:
        """Symbols with rows (on this day), ascending."""
        files = self._files(kind, "*", f"{day:%Y-%m}" if day else "*")
        found = {_value(file.parent.parent) for file in files if day is None or _count(file, day)}
        return tuple(sorted(found))

    def bars(self, symbol: str, day: date, kind: str = BARS) -> tuple[Bar, ...]:
        """Bars of trades, extended hours included, oldest first; kind BARS or BARS_5S."""
        return self._rows(kind, symbol, day)

    def quotes(self, symbol: str, day: date, kind: str = QUOTES) -> tuple[QuoteBar, ...]:
        """Bars of quotes, extended hours included, oldest first; kind QUOTES or QUOTES_5S."""
        return self._rows(kind, symbol, day)

    def columns(
        self, kind: str, symbol: str, first_day: date, last_day: date, names: Sequence[str] | None = None
    ) -> Columns:
        """All rows of a symbol from first_day to last_day (both included), for vectorised work.

        start: int64 microseconds since the epoch; the rest float64. names: only these (and start), which is faster.
        Raises ArchiveError where there is not a single row.
        """
        first, last = f"month={first_day:%Y-%m}", f"month={last_day:%Y-%m}"
        files = [file for file in self._files(kind, symbol) if first <= file.parent.name <= last]
        parts = [read_columns(file, kind, names) for file in files]
        if parts:
            joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            bounds = day_bounds(first_day)[0], day_bounds(last_day)[1]
            begin, end = np.searchsorted(joined["start"], bounds)
            if begin < end:
                return {name: column[begin:end] for name, column in joined.items()}
        raise ArchiveError(self._missing(kind, symbol, f"from {first_day} to {last_day}"))

    def provenance(self, kind: str, symbol: str, day: date) -> Provenance:
        """Where the rows of a symbol and day come from; for a recorded gap, who had nothing."""
        return self._stored(kind, symbol, day).provenance

    def provenances(self, kind: str, symbol: str) -> dict[date, tuple[int, Provenance]]:
        """Every recorded day of a symbol, ascending: its number of rows (0: a gap) and provenance."""
        files = self._files(kind, symbol)
        return {day: (at.count, at.provenance) for file in files for day, at in read_days(file).items()}

    def holds(self, kind: str, symbol: str, day: date) -> bool:
        """True if there are rows of this kind for the symbol and day."""
        file = self._file(kind, symbol, day)
        return file.is_file() and _count(file, day) > 0

    def extend(self, series: Iterable[Series]) -> int:
        """Add or replace days; returns how many series. If anything fails on the way, the archive is as it was before.

        A day given twice in one call is joined, and refused where its parts overlap. The order of the series does
        not matter; one symbol after the other is fastest.
        """
        with changes(self.root) as pending:
            writer = Writer(self.root, pending)
            for each in series:
                writer.add(self._file(each.kind, each.symbol, each.day), each)
            writer.flush()
            pending.commit()
        return writer.count

    def sql(self, query: str) -> "pa.Table":
        """Ask the whole archive at once: a table for each kind; bars and quotes have symbol and day as columns."""
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for name, source in self._views():
                connection.execute(f"CREATE VIEW {name} AS {source}")
            try:
                return connection.sql(query).to_arrow_table()
            except duckdb.Error as error:
                raise ArchiveError(f"{self.root}: {str(error).splitlines()[0]}") from None

    def _views(self) -> Iterator[tuple[str, str]]:
        for kind in SECONDS:
            if next(self._files(kind, "*"), None):
                pattern = str(self.root / kind / "symbol=*" / "month=*" / FILE).replace("'", "''")
                source = f"read_parquet('{pattern}', hive_types = {{symbol: VARCHAR, month: VARCHAR}})"
                yield kind, f"SELECT *, CAST(timezone('America/New_York', start) AS DATE) AS day FROM {source}"
        yield from self._event_views()

    def _files(self, kind: str, symbol: str, month: str = "*") -> Iterator[Path]:
        """Month files, by symbol and then by month."""
        row_type(kind)
        folder = symbol_folder(symbol) if symbol != "*" else "symbol=*"
        yield from sorted((self.root / kind).glob(f"{folder}/month={month}/{FILE}"))

    def _file(self, kind: str, symbol: str, day: date) -> Path:
        row_type(kind)
        return self.root / kind / symbol_folder(symbol) / f"month={day:%Y-%m}" / FILE

    def _stored(self, kind: str, symbol: str, day: date) -> StoredDay:
        file = self._file(kind, symbol, day)
        stored = read_days(file).get(day) if file.is_file() else None
        if stored is None:
            raise ArchiveError(self._missing(kind, symbol, f"on {day}"))
        return stored

    def _rows(self, kind: str, symbol: str, day: date) -> tuple[Any, ...]:
        at = self._stored(kind, symbol, day)
        if not at.count:
            raise ArchiveError(f"{self.root}: {kind} of {symbol} on {day} is a recorded gap: {at.provenance.source}")
        columns = read_columns(self._file(kind, symbol, day), kind)
        return to_rows(kind, {name: column[at.first : at.first + at.count] for name, column in columns.items()})

    def _missing(self, kind: str, symbol: str, when: str) -> str:
        """Names what there is instead, and the remedy."""
        what = kind if kind not in (BARS, QUOTES) else {BARS: "bars", QUOTES: "quotes"}[kind]
        known = self.days(symbol, kind)
        if known:
            listed = ", ".join(map(str, known)) if len(known) <= 10 else f"{len(known)} from {known[0]} to {known[-1]}"
            return f"{self.root}: no {what} of {symbol} {when}; days in the archive: {listed}"
        symbols = ", ".join(self.symbols()[:20]) or "none"
        remedy = "momentum-kit data import lean PATH adds some"
        return f"{self.root}: no {what} of {symbol} on any day; symbols in the archive: {symbols}; {remedy}"


def _value(folder: Path) -> str:
    return folder.name.partition("=")[2]


def _count(file: Path, day: date) -> int:
    stored = read_days(file).get(day)
    return stored.count if stored else 0
