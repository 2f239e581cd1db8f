"""Bars and quotes of one contract as arrays, oldest first: what the vectorised twins read instead of lists of Bar."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ResearchError
from momentum_kit.models import Bar

Times = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

SECOND = 1_000_000
MINUTE = 60 * SECOND
NO_SESSION = -1
_FIELDS = ("open", "high", "low", "close", "volume", "wap", "count")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BarColumns(NamedTuple):
    """Bars of trades, each (M,): start and end in microseconds since the epoch UTC; trades: nan is unknown."""

    start: Times
    end: Times
    open: Values
    high: Values
    low: Values
    close: Values
    volume: Values
    wap: Values
    trades: Values


class QuoteColumns(NamedTuple):
    """The standing quote as each interval ended, each (Q,): end in microseconds since the epoch UTC, USD, shares."""

    end: Times
    bid: Values
    ask: Values
    bid_size: Values
    ask_size: Values


class EventColumns(NamedTuple):
    """N news items of one contract, each (N,): times in microseconds, row: their exchange day in DayColumns."""

    received_at: Times
    published_at: Times
    row: Indices
    sentiment: Values
    confidence: Values
    n_tickers: Values


class DayColumns(NamedTuple):
    """D exchange days of one contract: the regular session of each and the baseline before it.

    open_at, close_at: microseconds, NO_SESSION where the day has none. lo, hi: its regular bars in the minutes.
    days: sessions behind the baseline, 0 where there is none (the rest of that row then means nothing).
    buckets: 5-minute buckets that its volume (D, B), cumulative (D, B + 1) and tod_factor (D, B) have.
    last_lo, last_hi: the newest minutes of its newest session.
    """

    open_at: Times
    close_at: Times
    lo: Indices
    hi: Indices
    days: Indices
    buckets: Indices
    previous_close: Values
    s_day: Values
    volume: Values
    cumulative: Values
    tod_factor: Values
    last_lo: Indices
    last_hi: Indices


def bar_columns(columns: Mapping[str, npt.NDArray[Any]], seconds: int, what: str = "bars") -> BarColumns:
    """From the columns of the archive: start (int64 microseconds, or datetime64 in UTC) and the fields of Bar.

    Raises ResearchError where bars are unsorted, overlap, or have a price that cannot be: with the row and the remedy.
    """
    start = _micros(columns["start"])
    values = {name: np.ascontiguousarray(columns[name], dtype=np.float64) for name in _FIELDS}
    count = values.pop("count")
    trades = np.where(count < 0, np.nan, count)  # -1 is IB's word for not known
    _refuse_overlap(start, seconds, what)
    bad = np.flatnonzero(~(values["low"] > 0) | ~(values["high"] < np.inf) | (values["volume"] < 0))
    if bad.size:
        raise ResearchError(f"{_row(what, start, bad[0])}: a price or volume that cannot be; import the day again")
    return BarColumns(start=start, end=start + seconds * SECOND, **values, trades=trades)


def quote_columns(columns: Mapping[str, npt.NDArray[Any]], seconds: int, what: str = "quotes") -> QuoteColumns:
    """From the columns of the archive: start and the closing bid, ask and sizes of QuoteBar; errors as bar_columns."""
    start = _micros(columns["start"])
    _refuse_overlap(start, seconds, what)
    names = ("bid_close", "ask_close", "bid_size", "ask_size")
    return QuoteColumns(start + seconds * SECOND, *(np.ascontiguousarray(columns[n], dtype=np.float64) for n in names))


def columns_of(bars: Iterable[Bar]) -> dict[str, npt.NDArray[Any]]:
    """Bar values as the columns of the archive; ResearchError for a naive time."""
    rows = list(bars)
    starts = np.array([micros(bar.start) for bar in rows], dtype=np.int64)
    values = {name: np.array([getattr(bar, name) for bar in rows], dtype=np.float64) for name in _FIELDS}
    return {"start": starts, **values}


def micros(at: datetime) -> int:
    """Microseconds since the epoch, exactly; ResearchError for a naive time."""
    if at.tzinfo is None:
        raise ResearchError(f"naive time {at.isoformat()}: every time here is aware; add its zone")
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def _micros(start: npt.NDArray[Any]) -> Times:
    whole = start.astype("datetime64[us]").astype(np.int64) if start.dtype.kind == "M" else start
    return np.ascontiguousarray(whole, dtype=np.int64)


def _refuse_overlap(start: Times, seconds: int, what: str) -> None:
    late = np.flatnonzero(np.diff(start) < seconds * SECOND)
    if late.size:
        raise ResearchError(
            f"{_row(what, start, late[0] + 1)}: starts before the bar above it ended; sort, or import again"
        )


def _row(what: str, start: Times, index: int) -> str:
    return f"{what}: row {index} ({np.datetime64(int(start[index]), 'us').item():%Y-%m-%d %H:%M:%S} UTC)"
