"""The market-data lines: each watched contract with its streams, tape and news items, and who gives way to whom."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from momentum_kit.detection.live import BAR_S, BarBuilder, Baseline, Tape, merge, split_history
from momentum_kit.detection.news import STRENGTH
from momentum_kit.errors import BrokerError, RequestFailed
from momentum_kit.models import Bar, Contract, Decision, NewsItem, Quote, TradeTick
from momentum_kit.ports import MarketData
from momentum_kit.services.consuming import consume
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.detection.background import Background, BackgroundLoader
from momentum_kit.sessions import exchange_day

RETRY = timedelta(seconds=15)  # IB takes an identical history request within 15 s for a pacing violation
LOADERS = 4  # contracts whose history is fetched at once, and whose market rule

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
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


@dataclass(slots=True, kw_only=True)
class Watch:
    """Everything known of one watched contract; owned and changed by the detection engine alone.

    updated_at: market time of the last tick of any kind; a quiet quote beside a live tape is not stale. halted_at: of
    the last word on a halt, its end included.
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
    halted_at: datetime | None = None
    asked_at: datetime | None = None
    rule_asked_at: datetime | None = None
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
        if quote.halted or (self.quote is not None and self.quote.halted):  # the quote that ends a halt is its end
            self.halted_at = quote.received_at
        self.quote, self.updated_at = quote, quote.received_at


class WatchList:
    """At most `max_lines` watches.

    Loads run as items of the named queue `loads`, and the questions for the market rule, which a signal must not wait
    for, as items of `unruled`, so that idleness can see them.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        market: MarketData,
        rules: PriceRules,
        background: BackgroundLoader,
        max_lines: int,
    ) -> None:
        self.loads: asyncio.Queue[Watch] = asyncio.Queue()
        self.unruled: asyncio.Queue[Contract] = asyncio.Queue()
        self.max_lines = max_lines
        self._rules = rules
        self._context = context
        self._market = market
        self._background = background
        self._watches: dict[int, Watch] = {}
        self._held: frozenset[int] = frozenset()

    def __len__(self) -> int:
        return len(self._watches)

    def __iter__(self) -> Iterator[Watch]:
        """In order of con_id, so that nothing depends on who came first."""
        return iter([self._watches[con_id] for con_id in sorted(self._watches)])

    def get(self, con_id: int) -> Watch | None:
        """The watch of a contract, if there is one."""
        return self._watches.get(con_id)

    def hold(self, con_ids: Iterable[int]) -> None:
        """The contracts with a position: their watches are neither displaced nor given back."""
        self._held = frozenset(con_ids)

    async def admit(self, contract: Contract, follow: Followed | None) -> tuple[Watch | None, list[Followed]]:
        """Watch a contract for a news item (None: for a position); also returns the items that had to give way.

        Without a free line the least watch gives way, if the newcomer precedes it; else there is no watch.
        """
        watch = self._watches.get(contract.con_id)
        displaced: list[Followed] = []
        if watch is None:
            watch = Watch(
                contract=contract,
                opened_at=self._context.clock.now(),
                on_failure=partial(self._context.incident, "market data"),
            )
            if follow:
                watch.followed[follow.item.item_id] = follow
            if len(self._watches) >= self.max_lines:
                least = min(self._watches.values(), key=self._precedence)
                if self._precedence(watch) < self._precedence(least):
                    return None, []
                displaced = [followed for followed in least.followed.values() if followed.open]
                await self._close(least)
            self._watches[contract.con_id] = watch
            self._reload(watch)
            self._ask_rule(watch)
        elif follow:
            watch.followed[follow.item.item_id] = follow
        return watch, displaced

    async def release(self, now: datetime) -> None:
        """Give back every line whose items have been observed to the end and which no position needs."""
        for watch in self:
            watch.followed = {key: f for key, f in watch.followed.items() if f.open or f.observe_until > now}
            if not watch.followed and watch.contract.con_id not in self._held:
                await self._close(watch)

    def reload_stale(self, now: datetime) -> None:
        """Ask again where the broker failed to answer, and where another exchange day has begun."""
        for watch in self:
            if watch.rule_asked_at is None or now - watch.rule_asked_at >= RETRY:
                self._ask_rule(watch)
            if watch.loading or watch.asked_at is None:
                continue
            another_day = exchange_day(watch.asked_at) != exchange_day(now)
            wanted = any(followed.open for followed in watch.followed.values())
            if another_day or (wanted and not watch.complete and now - watch.asked_at >= RETRY):
                self._reload(watch)

    async def run(self) -> None:
        """Load what is asked for and read the watches' streams, for ever; the first failure is raised as itself."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(LOADERS):
                    group.create_task(consume(self.loads, partial(self._load, group)))
                    group.create_task(consume(self.unruled, self._learn_rule))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _load(self, group: asyncio.TaskGroup, watch: Watch) -> None:
        """Subscribe first, then fetch history as of that moment, so that nothing falls between."""
        if self._watches.get(watch.contract.con_id) is watch:
            asked_at = self._context.clock.now()
            watch.open(self._market, group, asked_at)
            watch.load(await self._background.load(watch.contract, asked_at))
        watch.loading = False

    def _ask_rule(self, watch: Watch) -> None:
        """Have the market rule asked for, unless it is known."""
        if self._rules.told(watch.contract) is None:
            watch.rule_asked_at = self._context.clock.now()
            self.unruled.put_nowait(watch.contract)

    async def _learn_rule(self, contract: Contract) -> None:
        try:
            await self._rules.learn(contract)
        except BrokerError as error:  # asked again while it is watched; until then it is not entered
            self._context.incident("market rule", f"{contract}: {error}")

    def _reload(self, watch: Watch) -> None:
        watch.loading = True
        self.loads.put_nowait(watch)

    async def _close(self, watch: Watch) -> None:
        del self._watches[watch.contract.con_id]
        await watch.close()

    def _precedence(self, watch: Watch) -> tuple[int, int, datetime, int]:
        return watch.precedence(watch.contract.con_id in self._held)
