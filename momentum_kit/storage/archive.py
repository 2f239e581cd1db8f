"""The Parquet archive: minute bars of trades and quotes, one file a symbol and day, each with its provenance.

    ROOT/bars_1m/symbol=SPY/day=2013-10-11/bars.parquet      trades, as Bar
    ROOT/quotes_1m/symbol=SPY/day=2013-10-11/bars.parquet    bids and asks, as QuoteBar

The folders follow Hive's naming, so any tool reads them with symbol and day as columns. Prices are USD as they were
traded (`adjusted` in the provenance says so), sizes are shares, times are UTC and stamp a bar's START.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Bar

if TYPE_CHECKING:
    import pyarrow as pa

BARS, QUOTES = "bars_1m", "quotes_1m"
FILE = "bars.parquet"
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9. -]*")  # IB's class shares carry a blank: BRK B
PROVENANCE = b"momentum_kit"


@dataclass(frozen=True, slots=True)
class QuoteBar:
    """Best bid and ask over one interval, stamped at its START; prices in USD, sizes in shares at its end."""

    start: datetime
    seconds: int
    bid_open: float
    bid_high: float
    bid_low: float
    bid_close: float
    bid_size: float
    ask_open: float
    ask_high: float
    ask_low: float
    ask_close: float
    ask_size: float

    @property
    def end(self) -> datetime:
        """The first instant at which the bar may be used."""
        return self.start + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a file of the archive comes from; sha256 is that of the source, adjusted: for splits and dividends."""

    source: str
    sha256: str
    imported_at: datetime
    adjusted: bool


@dataclass(frozen=True, slots=True)
class Series:
    """One file's worth: the bars of a symbol and day, oldest first, and where they come from."""

    kind: str  # BARS or QUOTES
    symbol: str
    day: date
    rows: Sequence[Bar] | Sequence[QuoteBar]
    provenance: Provenance


class Archive:
    """Reads and extends an archive folder; a folder that does not exist yet is an empty archive.

    Raises ArchiveError, one line with the file and the remedy, for what is missing, unreadable or unwritable.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def days(self, symbol: str = "*") -> tuple[date, ...]:
        """Exchange days with bars (of this symbol), ascending."""
        return self._days(BARS, symbol)

    def symbols(self, day: date | None = None) -> tuple[str, ...]:
        """Symbols with bars (on this day), ascending."""
        pattern = f"symbol=*/day={day or '*'}/{FILE}"
        return tuple(sorted({_value(file.parent.parent) for file in (self.root / BARS).glob(pattern)}))

    def bars(self, symbol: str, day: date) -> tuple[Bar, ...]:
        """Minute bars of trades, extended hours included, oldest first."""
        return tuple(starmap(Bar, self._rows(BARS, symbol, day)))

    def quotes(self, symbol: str, day: date) -> tuple[QuoteBar, ...]:
        """Minute bars of quotes, extended hours included, oldest first."""
        return tuple(starmap(QuoteBar, self._rows(QUOTES, symbol, day)))

    def provenance(self, kind: str, symbol: str, day: date) -> Provenance:
        """Where the bars (kind BARS or QUOTES) of a symbol and day come from."""
        stored = json.loads(self._open(kind, symbol, day).schema.metadata[PROVENANCE])
        return Provenance(**{**stored, "imported_at": datetime.fromisoformat(stored["imported_at"])})

    def sql(self, query: str) -> "pa.Table":
        """Ask the whole archive at once: tables bars_1m and quotes_1m, each with symbol and day as columns."""
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for kind in (BARS, QUOTES):
                if self._days(kind, "*"):
                    pattern = str(self.root / kind / "symbol=*" / "day=*" / FILE).replace("'", "''")
                    source = f"read_parquet('{pattern}', hive_types = {{symbol: VARCHAR, day: DATE}})"
                    connection.execute(f"CREATE VIEW {kind} AS SELECT * FROM {source}")
            try:
                return connection.sql(query).to_arrow_table()
            except duckdb.Error as error:
                raise ArchiveError(f"{self.root}: {str(error).splitlines()[0]}") from None

    def extend(self, series: Iterable[Series]) -> int:
        """Add or replace files; returns how many. If anything fails on the way, the archive is as it was before.

        All files are written beside the archive's first; only then is each moved to its place.
        """
        stage: Path | None = None
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            stage = Path(tempfile.mkdtemp(prefix=".import-", dir=self.root))
            staged = {self._file(each.kind, each.symbol, each.day): _write(each, stage) for each in series}
            for target, file in staged.items():
                target.parent.mkdir(parents=True, exist_ok=True)
                file.replace(target)
            return len(staged)
        except OSError as error:
            raise ArchiveError(f"{self.root}: cannot write to the archive: {error.strerror or error}") from None
        finally:
            if stage:
                shutil.rmtree(stage, ignore_errors=True)

    def holds(self, kind: str, symbol: str, day: date) -> bool:
        """True if there is a file of this kind for the symbol and day."""
        return self._file(kind, symbol, day).is_file()

    def _days(self, kind: str, symbol: str) -> tuple[date, ...]:
        files = (self.root / kind).glob(f"symbol={symbol}/day=*/{FILE}")
        return tuple(sorted({date.fromisoformat(_value(file.parent)) for file in files}))

    def _file(self, kind: str, symbol: str, day: date) -> Path:
        if not SYMBOL.fullmatch(symbol):
            raise ArchiveError(f"{symbol!r} is not a symbol: capital letters, digits, dot, blank and hyphen only")
        return self.root / kind / f"symbol={symbol}" / f"day={day}" / FILE

    def _open(self, kind: str, symbol: str, day: date) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = self._file(kind, symbol, day)
        if not file.is_file():
            raise ArchiveError(self._missing(kind, symbol, day))
        try:
            table = pq.read_table(file, partitioning=None)
        except (OSError, pa.ArrowInvalid) as error:
            raise ArchiveError(f"{file}: not readable ({str(error).splitlines()[0]}); import the day again") from None
        if PROVENANCE not in (table.schema.metadata or {}):
            raise ArchiveError(f"{file}: not written by momentum_kit; remove it")
        return table

    def _rows(self, kind: str, symbol: str, day: date) -> Iterable[tuple[Any, ...]]:
        table = self._open(kind, symbol, day)
        starts = [start.replace(tzinfo=UTC) for start in table.column("start").to_pylist()]
        return zip(starts, *(column.to_pylist() for column in table.columns[1:]), strict=True)

    def _missing(self, kind: str, symbol: str, day: date) -> str:
        """Names what there is instead, and the remedy."""
        what = {BARS: "bars", QUOTES: "quotes"}[kind]
        known = self._days(kind, symbol)
        if known:
            return f"{self.root}: no {what} of {symbol} on {day}; days in the archive: {', '.join(map(str, known))}"
        symbols = ", ".join(self.symbols()) or "none"
        remedy = "momentum-kit data import lean PATH adds some"
        return f"{self.root}: no {what} of {symbol} on any day; symbols in the archive: {symbols}; {remedy}"


def _value(folder: Path) -> str:
    return folder.name.partition("=")[2]


@cache
def _schema(row: type[Bar] | type[QuoteBar]) -> "pa.Schema":
    import pyarrow as pa

    types = {"start": pa.timestamp("us", tz="UTC"), "seconds": pa.int32(), "count": pa.int64()}
    return pa.schema([pa.field(field.name, types.get(field.name, pa.float64()), False) for field in fields(row)])


def _write(series: Series, stage: Path) -> Path:
    """Write one file into the staging folder and make it durable; returns its path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(Bar if series.kind == BARS else QuoteBar)
    columns = {name: [getattr(row, name) for row in series.rows] for name in schema.names}
    stored = {**asdict(series.provenance), "imported_at": series.provenance.imported_at.isoformat()}
    table = pa.table(columns, schema=schema.with_metadata({PROVENANCE: json.dumps(stored)}))
    file = stage / f"{series.kind}-{series.symbol}-{series.day}.parquet"
    with file.open("wb") as sink:
        pq.write_table(table, sink, compression="zstd")
        sink.flush()
        os.fsync(sink.fileno())
    return file
