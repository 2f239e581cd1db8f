"""DetectionEngine: judges news items against the tape at each 5 s bar close; NewsHandler feeds it."""

import asyncio
import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from momentum_kit.config import DetectionSettings, Thresholds
from momentum_kit.detection.live import BAR_S, Gates, floor_time
from momentum_kit.models import Beat, Contract, Decision, MarkRow, NewsItem, Quote, Skip, TradeSignal
from momentum_kit.ports import MarketData
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.detection.background import BackgroundLoader
from momentum_kit.services.detection.judging import Job, final_skip, judge, no_capacity, write_decision
from momentum_kit.services.detection.watch_list import Followed, WatchList

STEP = timedelta(seconds=BAR_S)


class DetectionEngine:
    """Watches the contract of every news item and decides, at each decision time, on a signal or a skip.

    A decision time T (a multiple of 5 s) is judged when a beat of T + grace_s has come, from bars that ended by T
    and the quote as it then stands. queues: the internal ones, for whoever must know whether work is left.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        market: MarketData,
        rules: PriceRules,
        settings: DetectionSettings,
        thresholds: Thresholds,
        items: asyncio.Queue[NewsItem],
        beats: asyncio.Queue[Beat],
        signals: asyncio.Queue[TradeSignal],
        grace_s: float,
        max_lines: int,
    ) -> None:
        self._context = context
        self._settings = settings
        self._thresholds = self._retuned = thresholds
        self._items = items
        self._beats = beats
        self._signals = signals
        self._grace = timedelta(seconds=grace_s)
        self._gates = Gates(settings.min_baseline_sessions, settings.max_quote_age_s)
        self._background = BackgroundLoader(context, market=market, settings=settings)
        self._watches = WatchList(context, market=market, rules=rules, background=self._background, max_lines=max_lines)
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._closed_until: datetime | None = None
        self.queues: dict[str, asyncio.Queue[Any]] = {
            "loads": self._watches.loads, "rules": self._watches.unruled, "jobs": self._jobs,
        }  # fmt: skip

    async def run(self) -> None:
        """Run until cancelled; a lost connection or a bug ends it with that error."""
        workers = [consume(self._jobs, self._work) for _ in range(self._settings.workers)]
        items, beats = consume(self._items, self._accept), consume(self._beats, self._on_beat)
        try:
            await run_together(items, beats, self._watches.run(), *workers)
        finally:
            for watch in self._watches:
                for followed in watch.followed.values():
                    self._finish(followed, self._context.clock.now())

    # -- what others may ask -----------------------------------------------------------------------------------------

    def quote(self, con_id: int) -> Quote | None:
        """The latest quote of a watched contract, as old as its last tick of any kind: a quote may be quiet."""
        watch = self._watches.get(con_id)
        if watch is None or watch.quote is None or watch.updated_at is None:
            return None
        return replace(watch.quote, received_at=watch.updated_at, halted_at=watch.halted_at)

    def last_price(self, con_id: int) -> float:
        """The last traded price of a watched contract, USD; nan if there is none."""
        watch = self._watches.get(con_id)
        return watch.price if watch else math.nan

    @property
    def contracts(self) -> list[Contract]:
        """What is watched."""
        return [watch.contract for watch in self._watches]

    def hold(self, con_ids: Iterable[int]) -> None:
        """The contracts with a position, all of them: their lines are kept until a later call leaves them out."""
        self._watches.hold(con_ids)

    async def watch(self, contract: Contract) -> bool:
        """Watch a contract without a headline (a position found at start); call hold first. False without a line."""
        watch, displaced = await self._watches.admit(contract, None)
        self._give_up(displaced, self._context.clock.now())
        return watch is not None

    def retune(self, thresholds: Thresholds) -> None:
        """Judge by these from the next decision time on."""
        self._retuned = thresholds

    def data_ages_s(self, now: datetime) -> dict[str, float]:
        """Market seconds since each watched symbol last ticked; nan before its first tick."""
        return {watch.contract.symbol: watch.quote_age_s(now) for watch in self._watches}

    async def warm(self, contracts: Iterable[Contract]) -> None:
        """Fetch baselines ahead of the open."""
        for contract in contracts:
            await self._background.warm(contract, self._context.clock.now())

    # -- news items --------------------------------------------------------------------------------------------------

    async def _accept(self, item: NewsItem) -> None:
        """Follow a news item; one that is followed comes again with a second reading, its article or an update."""
        watch = self._watches.get(item.contract.con_id)
        if watch and item.item_id in watch.followed:
            followed = watch.followed[item.item_id]
            known = followed.item
            said = item if item.update or not known.update else known  # no later word lifts the bar of an update
            followed.item = replace(
                item,
                catalyst=said.catalyst,
                catalyst_rule=said.catalyst_rule,
                update=said.update,
                reading=item.reading or known.reading,
                body_dilution=item.body_dilution or known.body_dilution,
            )
            return
        if item.reading is not None or item.body_dilution or item.update:
            return  # its line has been given to another since it first came
        received = item.headline.received_at or self._context.clock.now()
        followed = Followed(
            item=item,
            received_at=received,
            judge_until=received + timedelta(seconds=self._settings.judge_until_s),
            observe_until=received + timedelta(seconds=self._settings.observe_until_s),
        )
        watch, displaced = await self._watches.admit(item.contract, followed)
        self._give_up([followed] if watch is None else displaced, self._context.clock.now())

    def _give_up(self, followed: list[Followed], now: datetime) -> None:
        for each in followed:
            each.open = False
            self._record_final(each, no_capacity(each.item, now, self._watches.max_lines), now)

    # -- decision times ----------------------------------------------------------------------------------------------

    async def _on_beat(self, beat: Beat) -> None:
        newest = floor_time(beat.now - self._grace)
        at = self._closed_until + STEP if self._closed_until else newest
        while at <= newest:
            self._close_bars(at)
            # after a stall the quote of now says nothing about a bar of long ago: only the newest may signal
            await self._judge(at, beat, may_signal=at == newest)
            self._closed_until = at
            at += STEP
        await self._watches.release(beat.now)
        self._watches.reload_stale(beat.now)

    def _close_bars(self, at: datetime) -> None:
        for watch in self._watches:
            for bar in watch.close_bars(at):
                quote = watch.quote
                self._context.journal.write(
                    MarkRow(
                        at=bar.end,
                        con_id=watch.contract.con_id,
                        symbol=watch.contract.symbol,
                        price=bar.close,
                        bid=quote.bid if quote else None,
                        ask=quote.ask if quote else None,
                    )
                )

    async def _judge(self, at: datetime, beat: Beat, *, may_signal: bool) -> None:
        self._thresholds = self._retuned  # one set for a whole decision time
        following = [(watch, followed) for watch in self._watches for followed in watch.followed.values()]
        jobs = [Job(watch=watch, followed=each, at=at, beat=beat) for watch, each in following if each.judged_at(at)]
        jobs.sort(key=lambda job: job.key)
        if may_signal:
            for job in jobs:
                self._jobs.put_nowait(job)
            await self._jobs.join()
            for job in jobs:
                await self._conclude(job)
        elif jobs:
            self._context.counts["late decision times"] += len(jobs)
        for _, followed in following:
            if followed.open and followed.last_at(at):
                self._finish(followed, at)

    async def _work(self, job: Job) -> None:
        judge(job, self._thresholds, self._gates)

    async def _conclude(self, job: Job) -> None:
        decision, followed = job.decision, job.followed
        if decision is None:
            raise RuntimeError("a job came back undecided")
        self._context.counts["decisions"] += 1
        write_decision(self._context.journal, followed.item, decision, job.beat.now, job.features_ms, job.rules_ms)
        if isinstance(decision.outcome, Skip):
            followed.remember(decision, job.at)
            return
        followed.open, followed.signalled = False, True
        self._context.counts["signals"] += 1
        await self._signals.put(replace(decision.outcome, elapsed_s=self._context.clock.elapsed()))

    def _finish(self, followed: Followed, at: datetime) -> None:
        """The last word on an item that did not signal."""
        if followed.open:
            followed.open = False
            self._record_final(followed, final_skip(followed, at), at)

    def _record_final(self, followed: Followed, decision: Decision, at: datetime) -> None:
        outcome = decision.outcome
        if isinstance(outcome, Skip):
            self._context.counts[f"skip: {outcome.reason}"] += 1
        write_decision(self._context.journal, followed.item, decision, at)
