"""One contract under watch: its streams, its tape, and the news items that are followed on it."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from momentum_kit.detection.live import BAR_S, BarBuilder, Baseline, Tape, merge, split_history
from momentum_kit.detection.news import STRENGTH
from momentum_kit.errors import RequestFailed
from momentum_kit.models import Bar, Contract, Decision, NewsItem, Quote, TradeTick
from momentum_kit.ports import MarketData
from momentum_kit.services.detection.background import Background

T = TypeVar("T")


@dataclass(slots=True)
class Followed:
    """One news item on its way to a decision. closest: the skip that failed least, open: may still signal."""

    item: NewsItem
    received_at: datetime
    judge_until: datetime
    observe_until: datetime
    open: bool = True
    signalled: bool = False
    closest: Decision | None = None
    closest_rank: tuple[int, datetime] | None = None

    def judged_at(self, t: datetime) -> bool:
        """True if t is one of its decision times."""
        return self.open and self.received_at + timedelta(seconds=BAR_S) <= t <= self.judge_until

    def last_at(self, t: datetime) -> bool:
        """True if no decision time comes after t."""
        return t + timedelta(seconds=BAR_S) > self.judge_until

    def remember(self, decision: Decision, at: datetime) -> None:
        """Keep the skip that came closest: most rules passed, then the latest."""
        rank = (sum(verdict.passed for verdict in decision.rules), at)
        if self.closest_rank is None or rank >= self.closest_rank:
            self.closest, self.closest_rank = decision, rank


@dataclass(slots=True)
class Watch:
    """Everything known of one watched contract; owned and changed by the detection engine alone.

    updated_at: market time of the last tick of any kind; a quiet quote beside a live tape is not stale.
    """

    contract: Contract
    opened_at: datetime
    on_failure: Callable[[str], None]
    followed: dict[str, Followed] = field(default_factory=dict)
    baseline: Baseline | None = None
    tape: Tape | None = None
    quote: Quote | None = None
    last_price: float = math.nan
    updated_at: datetime | None = None
    asked_at: datetime | None = None
    loading: bool = False
    complete: bool = False
    _builder: BarBuilder = field(default_factory=BarBuilder)
    _early: list[Bar] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def open(self, market: MarketData, group: asyncio.TaskGroup, asked_at: datetime) -> None:
        """Subscribe; trades after `asked_at` become bars here, earlier ones are history's."""
        self.asked_at, self.tape, self._early = asked_at, None, []
        self._builder = BarBuilder(BAR_S, asked_at)
        if not self._tasks:
            trades, quotes = market.stream_trades(self.contract), market.stream_quotes(self.contract)
            self._tasks = [
                group.create_task(self._read(trades, self._on_trade), name=f"trades {self.contract}"),
                group.create_task(self._read(quotes, self._on_quote), name=f"quotes {self.contract}"),
            ]

    async def close(self) -> None:
        """Unsubscribe; returns when the line is free."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def load(self, background: Background) -> None:
        """Join history with what has been built since it was asked for."""
        closed, partial = split_history(background.recent, background.asked_at)
        early, self._early = self._early, []
        if partial and not self._builder.seed(partial):
            same = bool(early) and early[0].start == partial.start
            early[:1] = [merge(partial, early[0], partial.start, BAR_S)] if same else [partial, *early[:1]]
        tape = Tape(background.session, background.minutes, background.asked_at)
        tape.extend([*closed, *early])
        self.tape, self.baseline, self.complete = tape, background.baseline, background.complete

    def close_bars(self, t: datetime) -> list[Bar]:
        """The live bars that ended at or before t, now part of the tape."""
        bars = self._builder.close_until(t)
        if self.tape is None:
            self._early += bars
        else:
            self.tape.extend(bars)
        return bars

    @property
    def price(self) -> float:
        """The last traded price, USD: of the tape, else as the quote has it; nan without either."""
        return self.quote.last if math.isnan(self.last_price) and self.quote else self.last_price

    def quote_age_s(self, at: datetime) -> float:
        """Market seconds since anything ticked; nan before the first tick."""
        return max(0.0, (at - self.updated_at).total_seconds()) if self.updated_at else math.nan

    def precedence(self, held: bool) -> tuple[int, int, datetime, int]:
        """Higher keeps its line: positions, signals, what is still judged; then strength of catalyst, then recency.

        Two news items of the same instant are told apart by con_id, so that load never decides.
        """
        follows = self.followed.values()
        state = 3 if held else 2 if any(f.signalled for f in follows) else int(any(f.open for f in follows))
        strength = max((STRENGTH[f.item.catalyst] for f in follows), default=-1)
        newest = max((f.received_at for f in follows), default=self.opened_at)
        return (state, strength, newest, -self.contract.con_id)

    async def _read(self, stream: AsyncIterator[T], take: Callable[[T], None]) -> None:
        try:
            async for value in stream:
                take(value)
        except RequestFailed as error:  # no permission, a competing session: this symbol stays blind and never trades
            self.on_failure(f"{self.contract}: {error}")
        finally:
            if aclose := getattr(stream, "aclose", None):
                await aclose()

    def _on_trade(self, tick: TradeTick) -> None:
        self._builder.add(tick)
        self.last_price, self.updated_at = tick.price, tick.received_at

    def _on_quote(self, quote: Quote) -> None:
        self.quote, self.updated_at = quote, quote.received_at
