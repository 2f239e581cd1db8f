"""One contract's market data in a replay: trades by groups, the quote once a step; under replay_gateway.py."""

from bisect import bisect_right
from datetime import datetime
from typing import Any

from momentum_kit.bridge.streams import Feed
from momentum_kit.models import MarketDataType, Quote, TradeTick
from momentum_kit.simgateway.recorded_market import RecordedSymbol
from momentum_kit.simgateway.retelling import quote_events
from momentum_kit.simgateway.tape import from_ms, to_ms

NAN = float("nan")
SHORTABLE = 3.0  # as the simulated gateway answers where nothing else is said


class ReplayLine:
    """Tells the groups of a recorded day as ticks that stand for several trades each."""

    def __init__(self, con_id: int, recorded: RecordedSymbol, at: datetime) -> None:
        self.trades: list[Feed[TradeTick]] = []
        self.quotes: list[Feed[Quote]] = []
        self._con_id = con_id
        groups = recorded.groups
        self._trade_ms: list[int] = groups.ms.tolist()
        self._trades = list(
            zip(*(c.tolist() for c in (groups.price, groups.size, groups.count, groups.total_volume)), strict=True)
        )
        quotes = quote_events(recorded.quotes)
        self._quote_ms: list[int] = quotes[0].tolist()
        self._quotes = list(zip(*(c.tolist() for c in quotes[1:]), strict=True))
        self._next_trade = bisect_right(self._trade_ms, to_ms(at))
        self._next_quote = bisect_right(self._quote_ms, to_ms(at))

    @property
    def feeds(self) -> list[Feed[Any]]:
        """Everyone who reads this line."""
        return [*self.trades, *self.quotes]

    def drop(self, feed: Feed[Any]) -> None:
        """One reader fewer."""
        for feeds in (self.trades, self.quotes):
            if feed in feeds:
                feeds.remove(feed)

    def greet(self, feed: Feed[Quote], at: datetime, now: datetime, ns: int) -> list[Feed[Any]]:
        """Tell a new reader the quote in force, if there is one."""
        if bisect_right(self._quote_ms, to_ms(at)) or self._next_trade:
            feed.put(self._quote(now, ns))
            return [feed]
        return []

    def advance(self, to: datetime, now: datetime, ns: int) -> list[Feed[Any]]:
        """Tell what happened up to `to`; the feeds that heard of it."""
        to_in_ms, heard = to_ms(to), list[Feed[Any]]()
        if not self.trades and not self.quotes:
            return heard
        trade, quote = self._next_trade, self._next_quote
        while self._next_trade < len(self._trade_ms) and self._trade_ms[self._next_trade] <= to_in_ms:
            tick = self._tick(self._next_trade, now, ns)
            for trades in self.trades:
                trades.put(tick)
            self._next_trade += 1
        if self._next_trade > trade:
            heard += self.trades
        self._next_quote = bisect_right(self._quote_ms, to_in_ms, lo=quote)
        if self._next_quote > quote or self._next_trade > trade:
            for quotes in self.quotes:
                quotes.put(self._quote(now, ns))
            heard += self.quotes
        return heard

    def _tick(self, row: int, now: datetime, ns: int) -> TradeTick:
        price, size, count, total = self._trades[row]
        return TradeTick(self._con_id, from_ms(self._trade_ms[row]), price, size, total, NAN, now, ns, count)

    def _quote(self, now: datetime, ns: int) -> Quote:
        last = self._trades[self._next_trade - 1][0] if self._next_trade else NAN
        if not self._next_quote:
            return Quote(self._con_id, NAN, NAN, NAN, NAN, last, False, MarketDataType.LIVE, now, ns, SHORTABLE)
        bid, ask, bid_size, ask_size = self._quotes[self._next_quote - 1]
        bid, ask = (price if price > 0 else NAN for price in (bid, ask))
        sizes = float(bid_size), float(ask_size)
        return Quote(self._con_id, bid, ask, *sizes, last, False, MarketDataType.LIVE, now, ns, SHORTABLE)
