"""One contract of a recorded session: its ticks and quotes become the bars that the session itself had."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from momentum_kit.detection.live import BAR_S, BarBuilder, floor_time, split_history
from momentum_kit.models import Bar, Contract, MarketDataType, Quote, TradeTick
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import QuoteBar, Span
from momentum_kit.storage.recording.recorder import HistoryAnswer

GRACE_S = 0.5  # clock.bar_grace_s: what comes later than this after a bar's end came too late for the session as well


@dataclass(slots=True, kw_only=True)
class RecordedLine:
    """One contract's market data as it comes in."""

    contract: Contract
    builder: BarBuilder | None = None
    bars: dict[datetime, Bar] = field(default_factory=dict)
    quotes: list[QuoteBar] = field(default_factory=list)
    quote: Quote | None = None
    building: QuoteBar | None = None
    minutes: dict[date, tuple[datetime, list[Bar]]] = field(default_factory=dict)  # asked at, rows
    covered: list[Span] = field(default_factory=list)
    opened: datetime | None = None

    def trade(self, tick: TradeTick) -> None:
        """A trade; bars that ended a grace ago are closed first, as the session did."""
        builder = self._closed_until(tick.received_at - timedelta(seconds=GRACE_S))
        builder.add(tick)

    def history(self, answer: HistoryAnswer) -> None:
        """What the session knew before its own ticks: 5 s bars, and minutes by day."""
        if answer.bar_size == "5 secs" and answer.bars:
            closed, partial = split_history(answer.bars, answer.asked_at)
            self.bars |= {bar.start: bar for bar in closed if bar.volume > 0}
            self.builder = BarBuilder(BAR_S, answer.asked_at)
            if partial:
                self.builder.seed(partial)
            self.covered.append((floor_time(answer.bars[0].start), answer.asked_at))
        for bar in answer.bars if answer.bar_size == "1 min" else ():
            day = exchange_day(bar.start)
            asked_at, rows = self.minutes.get(day, (answer.asked_at, []))
            if asked_at < answer.asked_at:
                asked_at, rows = answer.asked_at, []
            if bar.volume > 0 and bar.end <= answer.asked_at:
                rows.append(bar)
            self.minutes[day] = (asked_at, rows)

    def update(self, quote: Quote) -> None:
        """A quote; only live ones with both sides make bars. One received at a bar's very end is known there."""
        start = floor_time(quote.received_at - timedelta(microseconds=1))
        if self.building and self.building.start != start:
            self._end_quote_bar()
        if quote.data_type is MarketDataType.LIVE and quote.bid > 0 and quote.ask > 0:
            self.building = _extended(self.building, self.quote, quote, start)
            self.quote = quote

    def close(self, at: datetime) -> None:
        """No more of this line: what is complete by now becomes rows."""
        self._closed_until(at)
        if self.building and self.building.end <= at:
            self._end_quote_bar()
        self.building = self.quote = None
        if self.opened:
            self.covered.append((floor_time(self.opened), floor_time(at)))
        self.opened = self.builder = None

    def _closed_until(self, at: datetime) -> BarBuilder:
        self.builder = self.builder or BarBuilder(BAR_S)
        for bar in self.builder.close_until(at):
            self.bars[bar.start] = bar
        return self.builder

    def _end_quote_bar(self) -> None:
        if self.building:
            self.quotes.append(self.building)
            self.building = None


def _extended(bar: QuoteBar | None, before: Quote | None, quote: Quote, start: datetime) -> QuoteBar:
    bid, ask = quote.bid, quote.ask
    if bar is None:
        was_bid, was_ask = (before.bid, before.ask) if before else (bid, ask)
        return QuoteBar(
            start, BAR_S, was_bid, max(was_bid, bid), min(was_bid, bid), bid, quote.bid_size,
            was_ask, max(was_ask, ask), min(was_ask, ask), ask, quote.ask_size,
        )  # fmt: skip
    return QuoteBar(
        start, BAR_S, bar.bid_open, max(bar.bid_high, bid), min(bar.bid_low, bid), bid, quote.bid_size,
        bar.ask_open, max(bar.ask_high, ask), min(bar.ask_low, ask), ask, quote.ask_size,
    )  # fmt: skip
