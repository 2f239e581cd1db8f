"""What the archive keeps, row by row: its kinds, their columns on disk, and where each symbol-day comes from."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Bar
from momentum_kit.sessions import NEW_YORK, exchange_day

if TYPE_CHECKING:
    import pyarrow as pa

BARS, BARS_5S = "bars_1m", "bars_5s"
QUOTES, QUOTES_5S = "quotes_1m", "quotes_5s"
SECONDS = {BARS: 60, BARS_5S: 5, QUOTES: 60, QUOTES_5S: 5}
FILE = "bars.parquet"
HEADLINES, EXECUTIONS, SYMBOLS = "headlines", "executions", "symbols"
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9. -]*")  # IB's class shares carry a blank: BRK B

Columns = Mapping[str, npt.NDArray[Any]]
"""Rows by column: "start" int64 microseconds since the epoch (UTC), the rest float64; all of one length."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class QuoteBar:
    """Best bid and ask over one interval, stamped at its START; prices in USD, sizes in shares at its end.

    Sizes are nan where the source has none (history of a gateway), and so is a side that nobody quoted.
    """

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

    @property
    def two_sided(self) -> bool:
        """Whether both bid and ask are known."""
        return not (math.isnan(self.bid_close) or math.isnan(self.ask_close))


Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a symbol's day comes from.

    sha256: of the source's bytes, '' where it has none. adjusted: for splits (and perhaps dividends), as of
    imported_at. covered: the times that the rows speak for; () means the whole day. A minute inside them without a
    row had no trade; a minute outside them was never asked for.
    """

    source: str
    sha256: str
    imported_at: datetime
    adjusted: bool
    covered: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One symbol and day of one kind, oldest row first, and where it comes from.

    rows may be values or, for bulk work, Columns; empty rows record an honest gap: the source has nothing.
    """

    kind: str  # BARS, BARS_5S, QUOTES or QUOTES_5S
    symbol: str
    day: date
    rows: Sequence[Bar] | Sequence[QuoteBar] | Columns
    provenance: Provenance

    def columns(self) -> Columns:
        """The rows by column. Raises ArchiveError where they are unsorted or do not belong to the day."""
        rows = self.rows
        columns = rows if isinstance(rows, Mapping) else to_columns(self.kind, rows)
        missing = [name for name in names(self.kind) if name not in columns]
        if missing:
            raise ArchiveError(f"{self}: no column {missing[0]}")
        starts = columns["start"]
        first, end = day_bounds(self.day)
        if starts.size and (starts[0] < first or starts[-1] >= end):
            outside = starts[0] if starts[0] < first else starts[-1]
            raise ArchiveError(f"{self}: {from_micros(outside)} is not on that day in New York")
        steps = np.flatnonzero(np.diff(starts) < SECONDS[self.kind] * 1_000_000)
        if steps.size:
            before, after = (from_micros(starts[steps[0] + index]) for index in (0, 1))
            raise ArchiveError(f"{self}: unsorted or overlapping: {after} after {before}")
        return columns

    def __str__(self) -> str:
        return f"{self.kind} of {self.symbol} on {self.day}"


def in_days(kind: str, symbol: str, columns: Columns, provenance: Provenance) -> Iterator[Series]:
    """Cut columns over many days into series of one day each; rows must be sorted by start."""
    starts = columns["start"]
    at = 0
    while at < starts.size:
        day = exchange_day(from_micros(starts[at]))
        end = int(np.searchsorted(starts, day_bounds(day)[1], side="left"))
        if end <= at:
            raise ArchiveError(f"{kind} of {symbol}: unsorted at {from_micros(starts[at])}")
        yield Series(
            kind=kind,
            symbol=symbol,
            day=day,
            rows={name: column[at:end] for name, column in columns.items()},
            provenance=provenance,
        )
        at = end


def micros(at: datetime) -> int:
    """Aware time -> microseconds since the epoch."""
    return (at - _EPOCH) // _US


def from_micros(value: Any) -> datetime:
    """Microseconds since the epoch -> aware UTC."""
    return _EPOCH + int(value) * _US


@cache
def day_bounds(day: date) -> tuple[int, int]:
    """First microsecond of a New York day and of the next."""
    first, after = (datetime.combine(each, time(), NEW_YORK) for each in (day, day + timedelta(days=1)))
    return micros(first.astimezone(UTC)), micros(after.astimezone(UTC))


def row_type(kind: str) -> type[Bar] | type[QuoteBar]:
    """Bar or QuoteBar; ArchiveError for a kind that the archive does not have."""
    if kind not in SECONDS:
        raise ArchiveError(f"no such kind: {kind!r}; known: {', '.join(SECONDS)}")
    return Bar if kind in (BARS, BARS_5S) else QuoteBar


@cache
def names(kind: str) -> tuple[str, ...]:
    """The columns of a kind, those that vary: all but `seconds`, which the kind implies."""
    return tuple(field.name for field in fields(row_type(kind)) if field.name != "seconds")


def to_columns(kind: str, rows: Sequence[Any]) -> Columns:
    """Rows -> columns. Raises ArchiveError for a row of another length of interval."""
    seconds = SECONDS[kind]
    for row in rows:
        if row.seconds != seconds:
            raise ArchiveError(f"{kind}: the row at {row.start} lasts {row.seconds} s, not {seconds}")
    columns = {name: np.array([getattr(row, name) for row in rows], np.float64) for name in names(kind)[1:]}
    return {"start": np.array([micros(row.start) for row in rows], np.int64), **columns}


def to_rows(kind: str, columns: Columns) -> tuple[Any, ...]:
    """Columns -> Bar or QuoteBar values."""
    row, seconds = row_type(kind), SECONDS[kind]
    starts = [from_micros(start) for start in columns["start"].tolist()]
    values = [columns[name].tolist() for name in names(kind)[1:]]
    if row is Bar:
        values[-1] = [int(count) for count in values[-1]]
    return tuple(row(start, seconds, *rest) for start, *rest in zip(starts, *values, strict=True))


def symbol_folder(symbol: str) -> str:
    """The folder name of a symbol; ArchiveError for what is none."""
    if not SYMBOL.fullmatch(symbol):
        raise ArchiveError(f"{symbol!r} is not a symbol: capital letters, digits, dot, blank and hyphen only")
    return f"symbol={symbol}"


@cache
def schema(kind: str) -> "pa.Schema":
    """The Arrow schema of a kind on disk: times in microseconds UTC, counts whole, nothing null."""
    import pyarrow as pa

    types = {"start": pa.timestamp("us", tz="UTC"), "count": pa.int64()}
    return pa.schema([pa.field(name, types.get(name, pa.float64()), nullable=False) for name in names(kind)])
