"""One contract's market data in a replay: trades by groups, the quote once a step; what ReplayGateway streams from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from momentum_kit.bridge.streams import Feed
from momentum_kit.models import MarketDataType, Quote, TradeTick
from momentum_kit.simgateway.embedding import Floats, Ints, RecordedSymbol, from_ms, to_ms

NAN = float("nan")
CHUNK = 512  # rows made into values at once: lazy, because a line seldom lives through the day
SHORTABLE = 3.0  # as the simulated gateway answers where nothing else is said


class ReplayLine:
    """Tells the groups of a recorded day as ticks that stand for several trades each."""

    def __init__(self, con_id: int, recorded: RecordedSymbol, at: datetime) -> None:
        self.trades: list[Feed[TradeTick]] = []
        self.quotes: list[Feed[Quote]] = []
        self._con_id = con_id
        groups, quotes = recorded.groups, recorded.quote_events
        trades = (groups.ms, groups.price, groups.size, groups.count, groups.total_volume)
        self._trades, self._quotes = _Rows(trades, to_ms(at)), _Rows(quotes, to_ms(at))

    @property
    def feeds(self) -> list[Feed[Any]]:
        """Everyone who reads this line."""
        return [*self.trades, *self.quotes]

    def drop(self, feed: Feed[Any]) -> None:
        """One reader fewer."""
        for feeds in (self.trades, self.quotes):
            if feed in feeds:
                feeds.remove(feed)

    def greet(self, feed: Feed[Quote], now: datetime, ns: int) -> list[Feed[Any]]:
        """Tell a new reader the quote in force, if anything ticked before."""
        if self._quotes.latest or self._trades.latest:
            feed.put(self._quote(now, ns))
            return [feed]
        return []

    def advance(self, to: datetime, now: datetime, ns: int) -> list[Feed[Any]]:
        """Tell what happened up to `to`; the feeds that heard of it."""
        traded, quoted = self._trades.until(to_ms(to)), self._quotes.until(to_ms(to))
        for ms, price, size, count, total in traded:
            tick = TradeTick(self._con_id, from_ms(ms), price, size, total, NAN, now, ns, count)
            for trades in self.trades:
                trades.put(tick)
        if not traded and not quoted:
            return []
        for quotes in self.quotes:
            quotes.put(self._quote(now, ns))
        return [*self.quotes, *self.trades] if traded else [*self.quotes]

    def _quote(self, now: datetime, ns: int) -> Quote:
        last = self._trades.latest[1] if self._trades.latest else NAN
        _, bid, ask, bid_size, ask_size = self._quotes.latest or (0, NAN, NAN, NAN, NAN)
        bid, ask = (price if price > 0 else NAN for price in (bid, ask))
        sizes = float(bid_size), float(ask_size)
        return Quote(self._con_id, bid, ask, *sizes, last, False, MarketDataType.LIVE, now, ns, SHORTABLE)


class _Rows:
    """Rows of columns in time order (ms first), taken step by step. latest: the row before the next one."""

    def __init__(self, columns: Sequence[Ints | Floats], after_ms: int) -> None:
        self._columns = columns
        self._next = int(np.searchsorted(columns[0], after_ms, side="right"))
        self.latest: tuple[Any, ...] | None = None
        self._chunk: list[tuple[Any, ...]] = []  # the rows to come, the next one last
        if self._next:
            self.latest = tuple(column[self._next - 1].item() for column in columns)

    def until(self, ms: int) -> list[tuple[Any, ...]]:
        """The rows up to and including ms that have not been taken yet."""
        found: list[tuple[Any, ...]] = []
        while (self._chunk or self._read()) and self._chunk[-1][0] <= ms:
            found.append(self._chunk.pop())
        if found:
            self.latest = found[-1]
        return found

    def _read(self) -> bool:
        rows = slice(self._next, self._next + CHUNK)
        self._next += CHUNK
        self._chunk = list(zip(*(column[rows].tolist() for column in self._columns), strict=True))[::-1]
        return bool(self._chunk)
