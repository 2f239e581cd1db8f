"""One contract's day as columns: prints, quotes and halts; made by a tape source, read by market and history."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from momentum_kit.simgateway.events import HaltEvent, NewsEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import Instrument

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
TapeEvent = QuoteEvent | TradeEvent | HaltEvent
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)
CHUNK = 512  # rows turned into events at once: few enough to stay lazy, enough to be cheap


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware time, rounded down."""
    return (at - _EPOCH) // _MILLISECOND


def from_ms(ms: int) -> datetime:
    """Aware UTC time of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True, slots=True)
class BarSeries:
    """Bars as columns, oldest first; start in ms since 1970 UTC, prices USD, volume shares.

    Quote bars (BID, ASK, MIDPOINT) carry -1 in volume, wap and count, as IB does.
    """

    start_ms: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    wap: Floats
    count: Ints

    def __len__(self) -> int:
        return len(self.start_ms)

    @classmethod
    def empty(cls) -> "BarSeries":
        """No bars."""
        none, no_ms = np.empty(0), np.empty(0, dtype=np.int64)
        return cls(no_ms, none, none, none, none, none, none, no_ms)

    @classmethod
    def of_quotes(cls, start_ms: Ints, opened: Floats, high: Floats, low: Floats, close: Floats) -> "BarSeries":
        """Bars of a quoted price."""
        nothing = np.full(len(start_ms), -1.0)
        return cls(start_ms, opened, high, low, close, nothing, nothing, nothing.astype(np.int64))

    def rows(self, chosen: Any) -> "BarSeries":
        """The bars a slice or a mask picks."""
        return BarSeries(
            self.start_ms[chosen],
            self.open[chosen],
            self.high[chosen],
            self.low[chosen],
            self.close[chosen],
            self.volume[chosen],
            self.wap[chosen],
            self.count[chosen],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTape:
    """One contract's day in ms since 1970 UTC, USD and shares; all columns in time order."""

    con_id: int
    trade_ms: Ints
    price: Floats
    size: Ints | Floats  # whole shares, but for retold bars (prints_from_bars.py)
    total_volume: Ints | Floats
    vwap: Floats
    quote_ms: Ints
    bid: Floats
    ask: Floats
    bid_size: Ints
    ask_size: Ints
    halts: tuple[tuple[int, int], ...] = ()  # (ms, state)

    def quote_at(self, ms: int) -> QuoteEvent | None:
        """The quote in force at ms."""
        row = int(np.searchsorted(self.quote_ms, ms, side="right")) - 1
        return self._quotes(row, row + 1)[0][2] if row >= 0 else None

    def last_at(self, ms: int) -> TradeEvent | None:
        """The last print up to ms."""
        row = int(np.searchsorted(self.trade_ms, ms, side="right")) - 1
        return self._trades(row, row + 1)[0][2] if row >= 0 else None

    def halted_at(self, ms: int) -> int:
        """The halt state at ms, 0 while trading."""
        return next((state for at, state in reversed(self.halts) if at <= ms), 0)

    def events(self, after_ms: int) -> Iterator[tuple[int, TapeEvent]]:
        """(ms, event) after a moment, in time order; at the same ms halts, then quotes, then prints."""
        quote = int(np.searchsorted(self.quote_ms, after_ms, side="right"))
        trade = int(np.searchsorted(self.trade_ms, after_ms, side="right"))
        halts = [(ms, 0, HaltEvent(from_ms(ms), self.con_id, state)) for ms, state in self.halts if ms > after_ms]
        while quote < len(self.quote_ms) or trade < len(self.trade_ms) or halts:
            # A chunk ends where one of the columns runs out, so that both stay in step.
            ends = [
                int(column[min(row + CHUNK, len(column)) - 1])
                for column, row in ((self.quote_ms, quote), (self.trade_ms, trade))
                if row < len(column)
            ]
            until = min(ends) if ends else halts[-1][0]
            quote_end = int(np.searchsorted(self.quote_ms, until, side="right"))
            trade_end = int(np.searchsorted(self.trade_ms, until, side="right"))
            due = [halt for halt in halts if halt[0] <= until]
            halts = halts[len(due) :]
            chunk = due + self._quotes(quote, quote_end) + self._trades(trade, trade_end)
            chunk.sort(key=lambda entry: entry[:2])  # stable: prints of one ms keep their order
            quote, trade = quote_end, trade_end
            for ms, _, event in chunk:
                yield ms, event

    def quotes_between(self, start: int, end: int) -> list[QuoteEvent]:
        """Quotes by row."""
        return [event for _, _, event in self._quotes(start, end)]

    def trades_between(self, start: int, end: int) -> list[TradeEvent]:
        """Prints by row."""
        return [event for _, _, event in self._trades(start, end)]

    def _quotes(self, start: int, end: int) -> list[tuple[int, int, Any]]:
        columns = (self.quote_ms, self.bid, self.ask, self.bid_size, self.ask_size)
        return [
            (ms, 1, QuoteEvent(from_ms(ms), self.con_id, bid, ask, bid_size, ask_size))
            for ms, bid, ask, bid_size, ask_size in zip(*(c[start:end].tolist() for c in columns), strict=True)
        ]

    def _trades(self, start: int, end: int) -> list[tuple[int, int, Any]]:
        columns = (self.trade_ms, self.price, self.size, self.total_volume, self.vwap)
        return [
            (ms, 2, TradeEvent(from_ms(ms), self.con_id, price, size, total, vwap))
            for ms, price, size, total, vwap in zip(*(c[start:end].tolist() for c in columns), strict=True)
        ]


class TapeSource(Protocol):
    """Where a market's tapes, earlier sessions and headlines come from."""

    instruments: dict[int, Instrument]
    headlines: tuple[NewsEvent, ...]  # in order of relay, earlier days included
    truth: dict[str, list[dict[str, Any]]]
    earlier_days: tuple[date, ...]  # oldest first, the served day excluded

    def tape(self, con_id: int, day: date) -> DayTape | None:
        """The whole tape of the served day or of an earlier one."""

    def minutes(self, con_id: int, day: date, what: str) -> BarSeries | None:
        """Minute bars (TRADES, BID or ASK) of an earlier day."""


def build_tape(
    con_id: int,
    trades: tuple[Ints, Floats, Ints | Floats],
    quotes: tuple[Ints, Floats, Floats, Ints, Ints],
    halts: tuple[tuple[int, int], ...] = (),
) -> DayTape:
    """A tape from (ms, price, size) and (ms, bid, ask, bid size, ask size), with running volume and VWAP."""
    trade_ms, price, size = trades
    total: Any = np.cumsum(size)  # of the sizes' own type
    vwap = np.round(np.cumsum(price * size) / np.maximum(total, 1), 6)
    quote_ms, bid, ask, bid_size, ask_size = quotes
    return DayTape(
        con_id=con_id,
        trade_ms=trade_ms,
        price=price,
        size=size,
        total_volume=total,
        vwap=vwap,
        quote_ms=quote_ms,
        bid=bid,
        ask=ask,
        bid_size=bid_size,
        ask_size=ask_size,
        halts=halts,
    )
