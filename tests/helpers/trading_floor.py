"""Both trading services on the real bridge and a real socket; the market is a path of touches that the test gives.

The gateway runs in lock-step, so that a run repeats itself.
"""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import Catalyst, Contract, MarketDataType, Quote, TradeSignal
from momentum_kit.ports import Intents, Journal
from momentum_kit.runtime.beats import beat_in_steps, busy, settle
from momentum_kit.runtime.clock import SteppedClock
from momentum_kit.simgateway.embedding import (
    AAPL,
    BarSeries,
    BrokerAssumptions,
    DayTape,
    Instrument,
    Market,
    Scenario,
    build_tape,
    to_ms,
)
from momentum_kit.simgateway.scenario import BrokerSpec
from momentum_kit.simgateway.server import SimulatedGateway
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal
from momentum_kit.storage.journal.sqlite import read_table
from tests.helpers.features import features_of
from tests.helpers.trading_services import TradingServices

CONTRACT = Contract("AAPL", AAPL.con_id)
Touch = tuple[float, float, int]  # bid, ask, shares on each side
Halts = tuple[tuple[int, int], ...]  # second, and what is told: 0 trading, 1 general halt, 2 volatility pause


class PathSource:
    """Each instrument at the touches given, one a second, with a print at the bid in each; halts by con_id."""

    def __init__(
        self, opening: datetime, paths: Mapping[Instrument, list[Touch]], halts: Mapping[int, Halts] | None = None
    ) -> None:
        self.instruments = {instrument.con_id: instrument for instrument in paths}
        self.headlines = ()
        self.truth: dict[str, list[Any]] = {"planted": [], "decoys": []}
        self.earlier_days: tuple[date, ...] = ()
        self._tapes = {
            instrument.con_id: _tape(instrument.con_id, to_ms(opening), path, (halts or {}).get(instrument.con_id, ()))
            for instrument, path in paths.items()
        }

    def tape(self, con_id: int, _day: date) -> DayTape:
        """The one day there is."""
        return self._tapes[con_id]

    def minutes(self, *_: object) -> BarSeries:
        """No history."""
        return BarSeries.empty()


def _tape(con_id: int, start_ms: int, path: list[Touch], halts: Halts) -> DayTape:
    at = start_ms + np.arange(len(path)) * 1_000 + 100
    bids, asks, sizes = (np.array(column) for column in zip(*path, strict=True))
    quotes = (at, bids, asks, sizes, sizes)
    prints = (at + 50, bids, np.full(len(path), 100))
    return build_tape(con_id, prints, quotes, tuple((start_ms + s * 1_000, state) for s, state in halts))


class Floor(TradingServices):
    """Both services on a bridge to a simulated gateway; signals come from the test, quotes from the market or it."""

    def __init__(
        self,
        gateway: SimulatedGateway,
        bridge: IBKRBridge,
        clock: SteppedClock,
        *,
        broker: Any,
        intents: Intents,
        journal: Journal,
        settings: dict[str, Any],
    ) -> None:
        self.gateway, self.bridge, self.clock = gateway, bridge, clock
        self.intents, self.journal = intents, journal
        self.quotes: dict[int, Quote] = {}  # what the test says in place of the market
        self.tasks: list[asyncio.Task[None]] = []
        super().__init__(
            account=bridge.accounts[0], broker=broker, clock=clock, journal=journal, intents=intents,
            quote=self.quote, last_price=lambda _: float("nan"), health=lambda: bridge.health, settings=settings,
        )  # fmt: skip

    def quote(self, con_id: int) -> Quote | None:
        """What the test says of a contract, else its touch at the gateway's market."""
        market = self.gateway.hub.market
        touch, last = market.quote(con_id), market.last(con_id)
        if con_id in self.quotes or touch is None or last is None:
            return self.quotes.get(con_id)
        return Quote(
            con_id, touch.bid, touch.ask, touch.bid_size, touch.ask_size, last.price, bool(market.halted(con_id)),
            MarketDataType.LIVE, self.clock.now(),
        )  # fmt: skip

    async def begin(self, *contracts: Contract) -> None:
        """Learn price rules, rebuild from the broker's lists, run; the market goes on while an answer is held back."""
        starting: asyncio.Queue[None] = asyncio.Queue()
        starting.put_nowait(None)

        async def ask() -> None:
            try:
                for contract in contracts:
                    await self.rules.learn(contract)
                await self.positions.reconcile()
            finally:
                starting.task_done()

        asking = asyncio.create_task(ask())

        async def after(_: datetime) -> bool:
            return asking.done()

        await settle(self.bridge, [starting])
        if busy(starting):
            await self._drive((), [starting], after)
        await asking
        self.tasks = self.start()

    async def drive(self, after: Callable[[datetime], Awaitable[bool]]) -> None:
        """Let the market run, step by step, until `after` says so; what ends a service is raised."""
        driver = asyncio.create_task(self._drive(self.beats, self.queues, after))
        done, _ = await asyncio.wait([driver, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
        driver.cancel()
        await asyncio.gather(driver, return_exceptions=True)
        for task in done:
            task.result()

    def _drive(self, beats: Any, queues: list[Any], after: Callable[[datetime], Awaitable[bool]]) -> Any:
        return beat_in_steps(self.clock, self.bridge, 1.0, math.inf, beats, queues, after)

    def buy(self, contract: Contract, ask: float, *, item: str, atr: float = 0.01) -> None:
        """A signal of a contract, now, at an ask."""
        now = self.clock.now()
        self.signals.put_nowait(
            TradeSignal(
                item_id=item,
                story_id=item.partition(":")[0],
                contract=contract,
                catalyst=Catalyst.FDA,
                decided_at=now,
                reference_price=ask,
                atr=atr,
                features=features_of(now, ask),
                deciding_ns=1,
                elapsed_s=self.clock.elapsed(),
            )
        )


class AaplFloor(Floor):
    """One symbol, AAPL, from signal to flat; what is held and bare is watched at every second."""

    journal: SqliteJournal

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worst = self.bare_s = self.longest_bare_s = 0

    def signal(self, ask: float, item: str = "story:1") -> None:
        """Buy AAPL, now, at an ask as it was just quoted."""
        now = self.clock.now()
        self.quotes[AAPL.con_id] = Quote(AAPL.con_id, ask - 0.01, ask, 1, 1, ask, False, MarketDataType.LIVE, now)
        self.buy(CONTRACT, ask, item=item)

    async def run(self, seconds: int, at: Mapping[int, Callable[[], Any]] | None = None) -> None:
        """Let the market run; `at` says what happens after which second. A short position is noticed at every step."""
        passed = itertools.count(1)

        async def after(_: datetime) -> bool:
            second = next(passed)
            outcome = (at or {}).get(second, lambda: None)()
            if isinstance(outcome, Awaitable):
                await outcome
            self.worst = min(self.worst, self.held())
            self.bare_s = self.bare_s + 1 if self.held() > self.protected() else 0
            self.longest_bare_s = max(self.longest_bare_s, self.bare_s)
            return second >= seconds

        await self.drive(after)

    def held(self) -> int:
        """The broker's own word on the position."""
        return sum(int(row["quantity"]) for row in self.gateway.truth()["positions"])

    def protected(self) -> int:
        """Shares that an order which can sell right now, or on its trigger, would sell."""
        orders = self.gateway.truth()["orders"]
        selling = [o for o in orders if o["open"] and o["action"] == "SELL" and o["order_type"] != "LMT"]
        return max((int(o["quantity"]) - int(o["filled"]) for o in selling), default=0)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """A journal table as far as it goes."""
        self.journal.flush()
        return read_table(self.journal.path, table)


@asynccontextmanager
async def trading_floor(gateway: SimulatedGateway, folder: Path, **settings: Any) -> AsyncIterator[AaplFloor]:
    """Connect, reconcile, run; everything is given back."""
    clock = SteppedClock()
    intents, journal = SqliteIntents(folder / "intents.db"), SqliteJournal(folder / "journal.db")
    async with bridge_to(gateway, clock) as bridge:
        clock.start(await bridge.fetch_current_time())
        floor = AaplFloor(
            gateway, bridge, clock, broker=bridge, intents=intents, journal=journal, settings=settings
        )  # fmt: skip
        await floor.begin(CONTRACT)
        try:
            yield floor
        finally:
            for task in floor.tasks:
                task.cancel()
            ended = await asyncio.gather(*floor.tasks, return_exceptions=True)
            journal.close()
            intents.close()
    assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended


def bridge_to(gateway: SimulatedGateway, clock: SteppedClock) -> IBKRBridge:
    """A bridge that keeps no pace: the market waits for it."""
    return IBKRBridge(port=gateway.port, now=clock.now, messages_per_s=math.inf, small_bar_pacing=False, in_order=True)


def gateway_on(
    path: list[Touch], halts: Halts = (), *, server_version: int = 200, **assumptions: Any
) -> SimulatedGateway:
    """A gateway whose AAPL follows the path, then stays; 200 speaks text, 226 protobuf."""
    scenario = Scenario(start=time(10, 0), end=time(10, 30), broker=BrokerSpec(latency_ms=20, partial_fill_share=0.0))
    source = PathSource(scenario.starts_at, {AAPL: path + path[-1:] * 600}, {AAPL.con_id: halts})
    market = Market(scenario, source)
    return SimulatedGateway(market, lock_step_s=1.0, server_version=server_version, assumptions=assumptions)


def steady(bid: float, seconds: int, size: int = 5_000) -> list[Touch]:
    """A touch that does not move."""
    return [(bid, round(bid + 0.01, 2), size)] * seconds


def known_answers() -> dict[str, list[str]]:
    """The gateway's open questions with their alternatives.

    Left out: seeded, which only mixes the others, and silence, in which the bridge waits by the wall.
    """
    hints = get_type_hints(BrokerAssumptions)
    switches = {name: get_args(hint) for name, hint in hints.items() if get_args(hint)}
    return {name: [a for a in answers if a not in ("seeded", "silence")] for name, answers in switches.items()}


def pairwise_rows() -> Iterator[dict[str, str]]:
    """Few sets of answers that together show every pair of two answers to the gateway's open questions."""
    switches = known_answers()
    missing = {
        frozenset({(one, a), (two, b)})
        for one, two in itertools.combinations(switches, 2)
        for a in switches[one]
        for b in switches[two]
    }
    while missing:
        row = dict(sorted(min(missing, key=sorted)))
        for name in switches:
            if name not in row:
                row[name] = max(
                    switches[name],
                    key=lambda answer, name=name: sum(
                        frozenset({(name, answer), each}) in missing for each in row.items()
                    ),
                )
        missing -= {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}
        yield row
