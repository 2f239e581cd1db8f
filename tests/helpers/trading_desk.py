"""Execution service and position manager on the in-memory broker, for tests of single behaviours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from momentum_kit.models.decisions import TradeSignal
from momentum_kit.models.market import Quote
from momentum_kit.models.news import Catalyst
from momentum_kit.models.session import Beat
from momentum_kit.services.execution.funds import Funds
from momentum_kit.services.execution.margins import MarginTerms
from momentum_kit.storage.journal import SqliteIntents
from tests.helpers.broker_in_memory import ACCOUNT, HEALTHY, MemoryBroker, TestClock, contract_of, quote_of
from tests.helpers.features import features_of
from tests.helpers.journal_rows import Rows
from tests.helpers.trading_services import TradingServices

BEAT = timedelta(seconds=0.25)


class Desk(TradingServices):
    """Both services, their queues, and a market that moves when the test says so."""

    def __init__(self, broker: MemoryBroker, clock: TestClock, intents: SqliteIntents, **settings: Any) -> None:
        self.broker, self.clock, self.intents = broker, clock, intents
        self.journal = Rows()
        self.quotes: dict[int, Quote] = {}
        self.health = HEALTHY
        self.funds: Funds | None = None
        self.margins: dict[int, MarginTerms] = {}
        self.tasks: list[asyncio.Task[None]] = []
        super().__init__(
            account=ACCOUNT, broker=broker, clock=clock, journal=self.journal, intents=intents, quote=self.quotes.get,
            last_price=self._last_price, health=lambda: self.health, funds=lambda: self.funds, margins=self.margins.get,
            settings=settings,
        )  # fmt: skip

    def _last_price(self, con_id: int) -> float:
        return self.quotes[con_id].last if con_id in self.quotes else float("nan")

    async def settle(self) -> None:
        """Until everything said and asked has been handled."""
        queues = [self.broker.events, self.broker.rows, self.signals, self.exits, self.fills]
        queues += [self.execution_beats, self.position_beats]
        if not any(isinstance(trouble, asyncio.Event) for trouble in self.broker.trouble.values()):
            queues += self.execution.queues.values()  # else a list that hangs is not waited for
        while any(queue._unfinished_tasks for queue in queues):
            for queue in (each for each in queues if each._unfinished_tasks):
                handled = asyncio.ensure_future(queue.join())
                await asyncio.wait([handled, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
                if not handled.done():
                    handled.cancel()
                    raise AssertionError("a service has ended") from next(t for t in self.tasks if t.done()).exception()

    async def beat(self, seconds: float = 0.25) -> None:
        """Let market time pass, beat by beat."""
        for _ in range(max(1, round(seconds / 0.25))):
            self.clock.time += BEAT
            for queue in (self.position_beats, self.execution_beats):
                queue.put_nowait(Beat(self.clock.now()))
                await self.settle()

    async def signal(self, con_id: int = 1, ask: float = 5.0, atr: float = 0.05, item: str = "") -> None:
        """A signal of a watched symbol, handled; where the test gives no quote, the ask is that of the signal."""
        await self.rules.learn(contract_of(con_id))
        given = self.quotes.get(con_id)
        if given is None:
            self.quotes[con_id] = quote_of(con_id, round(ask - 0.01, 4), ask, at=self.clock.now())
        self.signals.put_nowait(signal_of(con_id, ask, atr, self.clock, item))
        await self.settle()
        if given is None:
            del self.quotes[con_id]

    async def enter(self, con_id: int = 1, ask: float = 5.0) -> Decimal:
        """A signal whose entry fills at once; the quantity."""
        await self.signal(con_id, ask)
        entry = self.broker.leg(con_id, "entry")
        self.broker.fill(entry, int(entry.request.quantity), ask)
        await self.settle()
        return entry.request.quantity

    def position(self, con_id: int = 1) -> Decimal:
        """The broker's word."""
        return self.broker.positions.get(con_id, (Decimal(0), 0.0))[0]


def signal_of(con_id: int, ask: float, atr: float, clock: TestClock, item: str = "") -> TradeSignal:
    """A signal with the fields that execution reads."""
    item_id = item or f"story:{con_id}:{clock.now().timestamp()}"
    return TradeSignal(
        item_id=item_id, story_id="story", contract=contract_of(con_id), catalyst=Catalyst.FDA, decided_at=clock.now(),
        reference_price=ask, atr=atr, features=features_of(clock.now(), ask), deciding_ns=1, elapsed_s=clock.elapsed(),
    )  # fmt: skip


@asynccontextmanager
async def trading_desk(folder: Path, broker: MemoryBroker | None = None, **settings: Any) -> AsyncIterator[Desk]:
    """Services running; with a broker given, a restart against what it holds. cool_down_s is 0 unless set."""
    clock = broker.clock if broker else TestClock()
    settings = {"cool_down_s": 0.0, **settings}
    intents = SqliteIntents(folder / "intents.db")
    desk = Desk(broker or MemoryBroker(clock), clock, intents, **settings)
    await desk.positions.reconcile()
    tasks = desk.tasks = desk.start()
    try:
        await desk.beat()
        yield desk
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        intents.close()
    for result in results:
        if not isinstance(result, asyncio.CancelledError):
            raise result
