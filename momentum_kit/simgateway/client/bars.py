"""Bars that go on: 5 s bars of reqRealTimeBars, and the growing last bar of a history that is kept up to date."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import ClassVar

from momentum_kit.models import Bar
from momentum_kit.sessions import NEW_YORK, exchange_day, session_at
from momentum_kit.simgateway.events import MarketEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol import DAY_S
from momentum_kit.simgateway.protocol.text import historical_data_update, real_time_bar

STEP = timedelta(seconds=5)
PRE_MARKET, POST_MARKET_HOURS = time(4, 0), timedelta(hours=4)


def step_floor(at: datetime) -> datetime:
    """The start of the 5 s interval that contains `at`."""
    return datetime.fromtimestamp(int(at.timestamp()) // 5 * 5, UTC)


@dataclass(slots=True, kw_only=True)
class BarFeed:
    """One subscription to 5 s bars. Empty intervals repeat the last price with volume 0, as IB sends them."""

    takes_line: ClassVar[bool] = True  # it counts as a market data line
    version: int  # server version of the client
    request_id: int
    item: Instrument
    what: str
    use_rth: bool
    start: datetime  # of the interval that is building
    last: float | None = None  # USD
    _high: float = 0.0
    _low: float = 0.0
    _open: float = 0.0
    _volume: int = 0
    _value: float = 0.0
    _count: int = 0

    def add(self, event: MarketEvent) -> None:
        """Take one event of this contract into the building bar."""
        if isinstance(event, TradeEvent) and self.what == "TRADES" and event.con_id == self.item.con_id:
            self._take(event.price, event.size)
        elif isinstance(event, QuoteEvent) and self.what != "TRADES" and event.con_id == self.item.con_id:
            prices = {"BID": event.bid, "ASK": event.ask}
            self._take(prices.get(self.what, (event.bid + event.ask) / 2), 0)

    def close_until(self, now: datetime) -> Iterator[bytes]:
        """Messages of all intervals that ended by `now`."""
        if self.last is None:
            self.start = max(self.start, step_floor(now))  # nothing to show before the first price
        while self.start + STEP <= now:
            if self._in_hours(self.start) and self.last is not None:
                yield from self._messages(self._bar(self.last))
            self.start += STEP
            self._volume = self._count = 0
            self._value = 0.0

    def skip_to(self, start: datetime) -> None:
        """Begin anew with the interval at `start`, unless that one is building already."""
        if start > self.start:
            self.start, self._volume, self._count, self._value = start, 0, 0, 0.0

    def _messages(self, bar: Bar) -> Iterator[bytes]:
        yield real_time_bar(self.version, self.request_id, bar)

    def _take(self, price: float, size: int) -> None:
        if self._count == 0:
            in_force = price if self.what == "TRADES" or self.last is None else self.last
            self._open = self._high = self._low = in_force  # a quote holds until the next one
        self._high, self._low, self.last = max(self._high, price), min(self._low, price), price
        self._volume += size
        self._value += price * size
        self._count += 1

    def _bar(self, last: float) -> Bar:
        if self._count == 0:
            return Bar(self.start, 5, last, last, last, last, 0.0, last, 0)
        wap = self._value / self._volume if self._volume else last
        traded = self.what == "TRADES"
        volume, count = (float(self._volume), self._count) if traded else (-1.0, -1)
        return Bar(self.start, 5, self._open, self._high, self._low, last, volume, wap if traded else -1.0, count)

    def _in_hours(self, at: datetime) -> bool:
        session = session_at(at)
        if session is None:
            return False
        if self.use_rth:
            return session.contains(at)
        return at.astimezone(NEW_YORK).time() >= PRE_MARKET and at < session.close + POST_MARKET_HOURS


@dataclass(slots=True, kw_only=True)
class HistoryFeed(BarFeed):
    """What reqHistoricalData with keepUpToDate started: the bar that is building, of `seconds`."""

    takes_line: ClassVar[bool] = False
    seconds: int = 60
    format_date: int = 1
    growing: Bar | None = None

    def _messages(self, bar: Bar) -> Iterator[bytes]:
        self.growing = bar = self._grown(bar)
        yield historical_data_update(self.version, self.request_id, bar, self.format_date)

    def _grown(self, bar: Bar) -> Bar:
        before = self.growing
        if before is None or not self._same(before.start, bar.start):
            return replace(bar, start=self._floor(bar.start), seconds=self.seconds)
        volume = before.volume + bar.volume
        wap = (before.wap * before.volume + bar.wap * bar.volume) / volume if volume > 0 else bar.wap
        high, low = max(before.high, bar.high), min(before.low, bar.low)
        traded = bar.volume >= 0  # quotes carry -1 for volume and count
        return replace(
            before,
            high=high,
            low=low,
            close=bar.close,
            volume=volume if traded else before.volume,
            wap=wap if traded else before.wap,
            count=before.count + bar.count if traded else before.count,
        )

    def _same(self, start: datetime, other: datetime) -> bool:
        if self.seconds >= DAY_S:
            return exchange_day(start) == exchange_day(other)
        return start == self._floor(other)

    def _floor(self, start: datetime) -> datetime:
        if self.seconds >= DAY_S:
            return start
        return datetime.fromtimestamp(int(start.timestamp()) // self.seconds * self.seconds, start.tzinfo)
