"""What one client subscribed to: sampled quotes, single ticks, bars and headlines; market events in, messages out."""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, count
from typing import TypeVar

from momentum_kit.simgateway.client.bars import STEP, BarFeed, step_floor
from momentum_kit.simgateway.events import HaltEvent, MarketEvent, NewsEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol import epoch_ms
from momentum_kit.simgateway.protocol.text import (
    LAST_KINDS,
    TickType,
    tick_by_tick_last,
    tick_by_tick_midpoint,
    tick_by_tick_quote,
    tick_generic,
    tick_news,
    tick_price,
    tick_size,
    tick_string,
)

Subscription = TypeVar("Subscription")
SAMPLING = timedelta(milliseconds=250)  # IB samples stock quotes; prints of RTTradeVolume are not sampled
DELAY = timedelta(minutes=15)  # of data without a subscription
RT_VOLUME = 48  # generic 233
TICK_KINDS = (*LAST_KINDS, "BidAsk", "MidPoint")
SIZE_OF = {TickType.BID: TickType.BID_SIZE, TickType.ASK: TickType.ASK_SIZE, TickType.LAST: TickType.LAST_SIZE}


@dataclass(slots=True, kw_only=True)
class MarketDataLine:
    """One market data line; sizes in shares. print_ticks are the tick types that carry every print as text."""

    version: int  # server version of the client
    request_id: int
    item: Instrument
    delayed: bool = False
    print_ticks: tuple[int, ...] = ()
    quote: QuoteEvent | None = None
    trade: TradeEvent | None = None
    sent_at: datetime | None = None
    due: datetime | None = None
    _sent: dict[TickType, tuple[float, int]] | None = None
    _volume: int = -1

    def sample(self, now: datetime) -> bytes:
        """Everything that changed since the last sample."""
        self.sent_at, self.due = now, None
        parts: list[bytes] = []
        if self.quote is not None:
            parts.append(self._price(TickType.BID, self.quote.bid, self.quote.bid_size))
            parts.append(self._price(TickType.ASK, self.quote.ask, self.quote.ask_size))
        if self.trade is not None and self.trade.total_volume != self._volume:
            parts.append(self._price(TickType.LAST, self.trade.price, self.trade.size))
            parts.append(
                tick_size(self.version, self.request_id, self._number(TickType.VOLUME), self.trade.total_volume)
            )
            seconds = str(int(self.trade.time.timestamp()))
            parts.append(tick_string(self.version, self.request_id, self._number(TickType.LAST_TIMESTAMP), seconds))
            self._volume = self.trade.total_volume
        return b"".join(parts)

    def prints(self, trade: TradeEvent) -> bytes:
        """One print as IB's RTVolume text: price;size;time;total volume;vwap;single."""
        if not self.print_ticks:
            return b""
        numbers = f"{trade.price};{trade.size};{epoch_ms(trade.time)};{trade.total_volume};{trade.vwap:.8f};true"
        return b"".join(tick_string(self.version, self.request_id, tick, numbers) for tick in self.print_ticks)

    def _price(self, tick: TickType, price: float, size: int) -> bytes:
        self._sent = self._sent or {}
        before = self._sent.get(tick)
        if before == (price, size):
            return b""
        self._sent[tick] = (price, size)
        if before is not None and before[0] == price:
            return tick_size(self.version, self.request_id, self._number(SIZE_OF[tick]), size)
        return tick_price(self.version, self.request_id, self._number(tick), price, size, 1)

    def _number(self, tick: TickType) -> int:
        return tick.delayed if self.delayed else tick


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlineFeed:
    """A subscription to headlines: of one provider's broad tape, or of one contract (providers empty: all)."""

    version: int  # server version of the client
    request_id: int
    con_id: int | None
    providers: frozenset[str]

    def wants(self, event: NewsEvent) -> bool:
        """True if this headline belongs here."""
        if not (event.broad_tape if self.con_id is None else self.con_id in event.con_ids):
            return False
        return not self.providers or event.provider in self.providers


@dataclass(slots=True, kw_only=True)
class TickFeed:
    """What one reqTickByTickData started; ignore_size: a BidAsk feed tells price changes only."""

    version: int  # server version of the client
    request_id: int
    item: Instrument
    kind: str
    ignore_size: bool
    _touch: tuple[float, float] | None = None

    def message_for(self, event: QuoteEvent | TradeEvent) -> bytes:
        """What this event means to the subscription; empty if nothing."""
        if isinstance(event, TradeEvent):
            if self.kind not in LAST_KINDS:
                return b""
            return tick_by_tick_last(self.version, self.request_id, self.kind, event, self.item.primary_exchange)
        if self.kind in LAST_KINDS or (self._is_unchanged(event) and (self.ignore_size or self.kind == "MidPoint")):
            return b""
        self._touch = (event.bid, event.ask)
        build = tick_by_tick_midpoint if self.kind == "MidPoint" else tick_by_tick_quote
        return build(self.version, self.request_id, event)

    def _is_unchanged(self, quote: QuoteEvent) -> bool:
        return self._touch == (quote.bid, quote.ask)


class ClientFeeds:
    """All subscriptions of one client; `send` takes finished messages."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self.lines: dict[int, MarketDataLine] = {}
        self.news: dict[int, HeadlineFeed] = {}
        self.bars: dict[int, BarFeed] = {}
        self.ticks: dict[int, TickFeed] = {}
        self._by_contract: dict[int, list[MarketDataLine]] = {}
        self._bars_by_contract: dict[int, list[BarFeed]] = {}
        self._bars_due: datetime | None = None
        self._due: list[tuple[datetime, int]] = []
        self._late: list[tuple[datetime, int, MarketDataLine, QuoteEvent | TradeEvent]] = []
        self._count = count()

    def __contains__(self, request_id: int) -> bool:
        return any(request_id in kind for kind in (self.lines, self.news, self.bars, self.ticks))

    @property
    def lines_used(self) -> int:
        """Market data lines in use: quotes and 5 s bars draw on the same allowance."""
        return len(self.lines) + sum(feed.takes_line for feed in self.bars.values())

    def add_line(self, line: MarketDataLine, *, frozen: bool = False) -> None:
        """Start a market data line; a frozen one is in use and hears nothing."""
        self.lines[line.request_id] = line
        if not frozen:
            self._by_contract.setdefault(line.item.con_id, []).append(line)

    def drop_market_data(self, request_id: int) -> bool:
        """End what reqMktData started; False if there was nothing."""
        line = self.lines.pop(request_id, None)
        if line is not None:
            _leave(self._by_contract, line.item.con_id, line)
        return self.news.pop(request_id, None) is not None or line is not None

    def add_bars(self, feed: BarFeed) -> None:
        """Start 5 s bars."""
        self.bars[feed.request_id] = feed
        self._bars_by_contract.setdefault(feed.item.con_id, []).append(feed)
        self._bars_due = min(self._bars_due or feed.start + STEP, feed.start + STEP)

    def drop_bars(self, request_id: int) -> bool:
        """End what reqRealTimeBars started; False if there was nothing."""
        feed = self.bars.pop(request_id, None)
        if feed is not None:
            _leave(self._bars_by_contract, feed.item.con_id, feed)
        return feed is not None

    def add_ticks(self, feed: TickFeed) -> None:
        """Start single ticks."""
        self.ticks[feed.request_id] = feed

    def drop_ticks(self, request_id: int) -> bool:
        """End what reqTickByTickData started; False if there was nothing."""
        return self.ticks.pop(request_id, None) is not None

    def silence(self, con_id: int) -> None:
        """Subscriptions of this contract go on and hear nothing any more."""
        for line in self._by_contract.pop(con_id, ()):
            line.due = None
        for feed in self._bars_by_contract.pop(con_id, ()):
            feed.last = None  # without a price there is no bar

    def lose_all(self) -> None:
        """Every subscription is gone."""
        for subscriptions in (self.lines, self.news, self.bars, self.ticks, self._by_contract, self._bars_by_contract):
            subscriptions.clear()

    def skip_bars(self, now: datetime) -> None:
        """Intervals that ended without being told are not made up for."""
        for feed in self.bars.values():
            feed.skip_to(step_floor(now))

    def on_market(self, event: MarketEvent) -> None:
        """Send what this event means to this client."""
        self.on_time(event.time)
        match event:
            case QuoteEvent() | TradeEvent():
                self._on_price(event)
            case HaltEvent():
                for line in self._by_contract.get(event.con_id, ()):
                    self._send(tick_generic(line.version, line.request_id, TickType.HALTED, float(event.state)))
            case NewsEvent():
                self.send_headlines(self.news.values(), [event])

    def on_time(self, now: datetime) -> None:
        """Send what has fallen due by `now`: conflated quotes and closed bars."""
        while self.send_next_due(now):
            pass

    def send_next_due(self, now: datetime) -> bool:
        """Send the next thing that has fallen due by `now`; False if there is none."""
        if self._late and self._late[0][0] <= now:
            late, _, delayed, event = heapq.heappop(self._late)
            if self.lines.get(delayed.request_id) is delayed:
                self._send_price(delayed, event, late)
        elif self._due and self._due[0][0] <= now:
            due, request_id = heapq.heappop(self._due)
            line = self.lines.get(request_id)
            if line is not None and line.due == due:
                self._send(line.sample(due))
        elif self._bars_due is not None and self._bars_due <= now:
            self._bars_due = step_floor(now) + STEP
            for feed in self.bars.values():
                self._send(b"".join(feed.close_until(now)))
        else:
            return False
        return True

    def send_headlines(self, feeds: Iterable[HeadlineFeed], events: Iterable[NewsEvent]) -> None:
        """Send headlines to the subscriptions among `feeds` that want them."""
        wanted = chain.from_iterable(((feed, event) for feed in feeds if feed.wants(event)) for event in events)
        for feed, event in wanted:
            self._send(tick_news(feed.version, feed.request_id, event))

    def send_what_is_delayed(self, line: MarketDataLine, events: Iterable[QuoteEvent | TradeEvent]) -> None:
        """Let a delayed line tell what happened within the delay before it began, each in its time."""
        for event in events:
            self._send_later(line, event)

    def _on_price(self, event: QuoteEvent | TradeEvent) -> None:
        for line in self._by_contract.get(event.con_id, ()):
            if line.delayed:
                self._send_later(line, event)
            else:
                self._send_price(line, event, event.time)
        for feed in self._bars_by_contract.get(event.con_id, ()):
            feed.add(event)
        for ticks in self.ticks.values():
            if ticks.item.con_id == event.con_id:
                self._send(ticks.message_for(event))

    def _send_later(self, line: MarketDataLine, event: QuoteEvent | TradeEvent) -> None:
        heapq.heappush(self._late, (event.time + DELAY, next(self._count), line, event))

    def _send_price(self, line: MarketDataLine, event: QuoteEvent | TradeEvent, now: datetime) -> None:
        if isinstance(event, TradeEvent):
            line.trade = event
            self._send(line.prints(event))
        else:
            line.quote = event
        self._sample(line, now)

    def _sample(self, line: MarketDataLine, now: datetime) -> None:
        if line.due is not None:
            return
        if line.sent_at is None or now - line.sent_at >= SAMPLING:
            self._send(line.sample(now))
            return
        line.due = line.sent_at + SAMPLING
        heapq.heappush(self._due, (line.due, line.request_id))


def _leave(by_contract: dict[int, list[Subscription]], con_id: int, subscription: Subscription) -> None:
    subscriptions = by_contract.get(con_id, [])
    if subscription in subscriptions:  # not where a fault has silenced it
        subscriptions.remove(subscription)
