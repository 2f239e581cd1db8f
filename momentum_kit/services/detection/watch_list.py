"""The market-data lines: who is watched, who gives way when lines run out, who is given back."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial

from momentum_kit.models import Contract, IncidentRow
from momentum_kit.ports import Clock, Journal, MarketData
from momentum_kit.services.consuming import consume
from momentum_kit.services.detection.background import BackgroundLoader
from momentum_kit.services.detection.watch import Followed, Watch
from momentum_kit.sessions import exchange_day

RETRY = timedelta(seconds=15)  # IB takes an identical history request within 15 s for a pacing violation
LOADERS = 4  # contracts whose history is fetched at once


class WatchList:
    """At most `max_lines` watches; loads run as items of the named queue `loads`, so that idleness can see them."""

    def __init__(
        self, market: MarketData, journal: Journal, clock: Clock, background: BackgroundLoader, max_lines: int
    ) -> None:
        self.loads: asyncio.Queue[Watch] = asyncio.Queue()
        self.max_lines = max_lines
        self._market = market
        self._journal = journal
        self._clock = clock
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
            watch = Watch(contract, self._clock.now(), self._incident)
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
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _load(self, group: asyncio.TaskGroup, watch: Watch) -> None:
        """Subscribe first, then fetch history as of that moment, so that nothing falls between."""
        if self._watches.get(watch.contract.con_id) is watch:
            asked_at = self._clock.now()
            watch.open(self._market, group, asked_at)
            watch.load(await self._background.load(watch.contract, asked_at))
        watch.loading = False

    def _reload(self, watch: Watch) -> None:
        watch.loading = True
        self.loads.put_nowait(watch)

    async def _close(self, watch: Watch) -> None:
        del self._watches[watch.contract.con_id]
        await watch.close()

    def _precedence(self, watch: Watch) -> tuple[int, int, datetime, int]:
        return watch.precedence(watch.contract.con_id in self._held)

    @property
    def _incident(self) -> Callable[[str], None]:
        return lambda text: self._journal.write(IncidentRow(at=self._clock.now(), kind="market data", text=text))
