"""Both trading services on the real bridge and a real socket: a bracket from signal to flat, whatever the broker does.

The market is a path of touches that the test gives, one a second; the gateway runs in lock-step.
"""

import asyncio
import itertools
import math
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.models.contracts import Contract
from momentum_kit.models.decisions import TradeSignal
from momentum_kit.models.market import MarketDataType, Quote
from momentum_kit.models.news import Catalyst
from momentum_kit.models.session import TradingState
from momentum_kit.runtime.beats import beat_in_steps
from momentum_kit.runtime.clock import SteppedClock
from momentum_kit.services import PriceRules, SessionContext
from momentum_kit.services.execution import ExecutionService
from momentum_kit.services.positions import JournaledFills, PositionManager
from momentum_kit.simgateway.embedding import (
    AAPL,
    BarSeries,
    BrokerAssumptions,
    DayTape,
    Market,
    Scenario,
    build_tape,
    to_ms,
)
from momentum_kit.simgateway.scenario import BrokerSpec
from momentum_kit.simgateway.server import SimulatedGateway
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal
from momentum_kit.storage.journal.sqlite import read_table
from momentum_kit.trading.account import Ledger
from tests.helpers.features import features_of

CONTRACT = Contract("AAPL", AAPL.con_id)
Touch = tuple[float, float, int]  # bid, ask, shares on each side


class PathSource:
    """AAPL at the touches given, one a second, with a print at the bid in each."""

    def __init__(self, opening: datetime, path: list[Touch], halts: tuple[tuple[int, int], ...] = ()) -> None:
        self.instruments = {AAPL.con_id: AAPL}
        self.headlines = ()
        self.truth: dict[str, list[Any]] = {"planted": [], "decoys": []}
        self.earlier_days: tuple[date, ...] = ()
        start = to_ms(opening)
        at = start + np.arange(len(path)) * 1_000 + 100
        bids, asks, sizes = (np.array(column) for column in zip(*path, strict=True))
        quotes = (at, bids, asks, sizes, sizes)
        prints = (at + 50, bids, np.full(len(path), 100))
        self._tape = build_tape(AAPL.con_id, prints, quotes, tuple((start + s * 1_000, state) for s, state in halts))

    def tape(self, _: int, _day: date) -> DayTape:
        """The one day there is."""
        return self._tape

    def minutes(self, *_: object) -> BarSeries:
        """No history."""
        return BarSeries.empty()


@dataclass
class Told:
    """Alerts as they came."""

    texts: list[tuple[str, str]]

    def send(self, level: str, text: str) -> None:
        """Keep it."""
        self.texts.append((level, text))


class Floor:
    """The wiring of runtime/session.py without news and detection: signals and quotes come from the test."""

    def __init__(self, gateway: SimulatedGateway, folder: Path, **exits: float) -> None:
        self.gateway, self.folder = gateway, folder
        self.clock, self.ledger, self.alerts = SteppedClock(), Ledger(), Told([])
        self.state, self.halts = TradingState.RUNNING, list[str]()
        self.quote: Quote | None = None
        self._touch: Quote | None = None
        self._exits = ExitSettings(**exits)
        self.worst = self.bare_s = self.longest_bare_s = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Floor"]:
        """Connect, reconcile, run; everything is given back."""
        self.intents = SqliteIntents(self.folder / "intents.db")
        self.journal = SqliteJournal(self.folder / "journal.db")
        async with IBKRBridge(
            port=self.gateway.port, now=self.clock.now, messages_per_s=math.inf, small_bar_pacing=False
        ) as self.bridge:
            self.clock.start(await self.bridge.fetch_current_time())
            rules = PriceRules(self.bridge)
            await rules.learn(CONTRACT)
            self._build(rules)
            await self.positions.reconcile()
            self.tasks = [asyncio.create_task(part.run()) for part in (self.execution, self.positions)]
            try:
                yield self
            finally:
                for task in self.tasks:
                    task.cancel()
                ended = await asyncio.gather(*self.tasks, return_exceptions=True)
                self.journal.close()
                self.intents.close()
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended

    def _build(self, rules: PriceRules) -> None:
        signals, exits, fills = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.beats = (asyncio.Queue(), asyncio.Queue())
        self.queues = [signals, exits, fills, *self.beats]
        self.signals = signals
        context = SessionContext(
            account=self.bridge.accounts[0], calendar="XNYS", clock=self.clock, journal=self.journal,
            intents=self.intents, alerts=self.alerts, counts=Counter(), state=lambda: self.state,
            halt_entries=self.halts.append,
        )  # fmt: skip
        self.execution = ExecutionService(
            context, broker=self.bridge, rules=rules, risk=RiskSettings(), exits=self._exits,
            ledger=self.ledger, signals=signals, exit_requests=exits, beats=self.beats[1], fills=fills,
            quote=lambda _: self.quote or self._touch, health=lambda: self.bridge.health,
        )  # fmt: skip
        self.queues += self.execution.queues.values()
        self.positions = PositionManager(
            context, broker=self.bridge, exits=self._exits, ledger=self.ledger, fills=fills, exit_requests=exits,
            beats=self.beats[0], last_price=lambda _: float("nan"), exit_reason=self.execution.exit_reason,
            journaled=JournaledFills(),
        )  # fmt: skip

    def signal(self, ask: float) -> None:
        """Buy AAPL, now, at an ask as it was just quoted."""
        now = self.clock.now()
        self._touch = Quote(AAPL.con_id, ask - 0.01, ask, 1, 1, ask, False, MarketDataType.LIVE, now)
        self.signals.put_nowait(
            TradeSignal(
                item_id="story:1",
                story_id="story",
                contract=CONTRACT,
                catalyst=Catalyst.FDA,
                decided_at=now,
                reference_price=ask,
                atr=0.01,
                features=features_of(now, ask),
                deciding_ns=1,
                elapsed_s=self.clock.elapsed(),
            )
        )

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

        driver = asyncio.create_task(
            beat_in_steps(self.clock, self.bridge, 1.0, math.inf, self.beats, self.queues, after)
        )
        done, _ = await asyncio.wait([driver, *self.tasks], return_when=asyncio.FIRST_COMPLETED)
        driver.cancel()
        for task in done:
            task.result()

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


def gateway_on(path: list[Touch], halts: tuple[tuple[int, int], ...] = (), **assumptions: Any) -> SimulatedGateway:
    """A gateway whose AAPL follows the path, then stays."""
    scenario = Scenario(start=time(10, 0), end=time(10, 30), broker=BrokerSpec(latency_ms=20, partial_fill_share=0.0))
    source = PathSource(scenario.starts_at, path + path[-1:] * 600, halts)
    return SimulatedGateway(Market(scenario, source), lock_step_s=1.0, assumptions=assumptions)


def steady(bid: float, seconds: int, size: int = 5_000) -> list[Touch]:
    """A touch that does not move."""
    return [(bid, round(bid + 0.01, 2), size)] * seconds


UP = steady(4.99, 5) + steady(5.30, 20)
DOWN = steady(4.99, 5) + steady(4.80, 20)
FLAT = steady(4.99, 40)
THIN = steady(4.99, 2, 300) + steady(5.10, 8, 300) + steady(4.95, 30)  # runs away after a part of the entry
CRUMBS = steady(4.99, 5) + [(5.20 + 0.01 * (i % 2), 5.30, 100) for i in range(20)]  # the target fills bit by bit

ENDS = {id(UP): "target", id(CRUMBS): "target", id(DOWN): "stop", id(FLAT): "time stop", id(THIN): "time stop"}


async def test_target(tmp_path: Path) -> None:
    """The price runs to the target: one entry, one exit, a round trip with R, and nothing left at the broker."""
    async with gateway_on(UP) as gateway, Floor(gateway, tmp_path).open() as floor:
        await floor.run(20, {2: lambda: floor.signal(5.0)})
        (trip,) = floor.rows("round_trips")
        assert (trip["reason"], trip["quantity"]) == ("target", "833")
        assert trip["r"] > 1
        assert floor.intents.unresolved() == ()
        assert [row["change"] for row in floor.rows("orders")] == ["place"] * 3
        assert floor.rows("orders")[2]["decide_to_sent_ms"] > 0
        assert (floor.halts, floor.alerts.texts) == ([], [])


async def test_stop(tmp_path: Path) -> None:
    """The price falls: the stop at the broker ends it, with no message of ours."""
    async with gateway_on(DOWN) as gateway, Floor(gateway, tmp_path).open() as floor:
        await floor.run(20, {2: lambda: floor.signal(5.0)})
        assert [row["reason"] for row in floor.rows("round_trips")] == ["stop"]
        assert len(floor.rows("orders")) == 3


async def test_time_stop(tmp_path: Path) -> None:
    """Nothing happens: the resting stop is turned to MKT, and its group takes the target along."""
    async with gateway_on(FLAT) as gateway, Floor(gateway, tmp_path, time_stop_s=15).open() as floor:
        await floor.run(30, {2: lambda: floor.signal(5.0)})
        assert [row["reason"] for row in floor.rows("round_trips")] == ["time stop"]
        changes = [(row["leg"], row["change"], row["order_type"]) for row in floor.rows("orders")[3:]]
        assert changes == [("exit", "modify", "MKT")]
        assert floor.intents.unresolved() == ()


async def test_entry_that_never_fills(tmp_path: Path) -> None:
    """The price is gone: the entry is cancelled in time and its children with it."""
    async with gateway_on(steady(5.50, 30)) as gateway, Floor(gateway, tmp_path).open() as floor:
        await floor.run(20, {2: lambda: floor.signal(5.0)})
        assert floor.rows("round_trips") == []
        assert floor.intents.unresolved() == ()
        assert floor.execution.working_entries == 0


async def test_halt_while_leaving(tmp_path: Path) -> None:
    """In a halt the exit waits and the stop stays; after it the position goes."""
    async with (
        gateway_on(FLAT, ((10, 1), (20, 0))) as gateway,
        Floor(gateway, tmp_path).open() as floor,
    ):

        def halted(state: bool) -> None:
            floor.quote = Quote(AAPL.con_id, 4.99, 5.0, 1, 1, 5.0, state, MarketDataType.LIVE, floor.clock.now())

        await floor.run(
            19,
            {
                2: lambda: floor.signal(5.0),
                11: lambda: halted(True),
                12: lambda: floor.positions.request_flatten("flatten"),
            },
        )
        assert floor.held() == 833
        assert len(floor.rows("orders")) == 3
        halted(False)
        await floor.run(10)
        assert floor.held() == 0
        assert [row["reason"] for row in floor.rows("round_trips")] == ["flatten"]


async def test_crash_and_restart(tmp_path: Path) -> None:
    """A second session on the same account takes the bracket over and leads it to its end."""
    async with gateway_on(steady(4.99, 20) + steady(5.30, 30)) as gateway:
        async with Floor(gateway, tmp_path).open() as floor:
            await floor.run(8, {2: lambda: floor.signal(5.0)})
            assert floor.held() == 833
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with Floor(gateway, tmp_path).open() as floor:
            assert floor.ledger.position(AAPL.con_id) == 833
            await floor.run(30)
            assert [(row["reason"], row["costs_usd"] > 0) for row in floor.rows("round_trips")] == [("target", True)]
            assert floor.rows("orders") == []
            assert floor.intents.unresolved() == ()


def known_answers() -> dict[str, list[str]]:
    """The gateway's open questions with their alternatives."""
    hints = get_type_hints(BrokerAssumptions)
    switches = {name: get_args(hint) for name, hint in hints.items() if get_args(hint)}
    return {name: [a for a in answers if a not in ("seeded", "silence")] for name, answers in switches.items()}


def pairwise_rows() -> Iterator[dict[str, str]]:
    """Few sets of answers that together show every pair of two answers to the gateway's open questions.

    Left out: seeded, which only mixes the others, and silence, in which the bridge waits by the wall.
    """
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


ROWS = list(pairwise_rows())


@pytest.mark.parametrize("path", [UP, DOWN, FLAT, THIN, CRUMBS], ids=["up", "down", "flat", "thin", "crumbs"])
@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
async def test_safe_under_every_pair_of_assumptions(tmp_path: Path, row: dict[str, str], path: list[Touch]) -> None:
    """Whatever the broker does where nobody knows: never short, never bare for long, and all is gone at the end."""
    async with gateway_on(path, **row) as gateway, Floor(gateway, tmp_path, time_stop_s=25).open() as floor:
        await floor.run(60, {2: lambda: floor.signal(5.0)})
        assert floor.worst == 0, "short"
        assert floor.longest_bare_s <= 4
        assert floor.held() == 0
        assert floor.positions.flat
        assert floor.execution.working_entries == 0
        assert floor.intents.unresolved() == ()
        assert floor.halts == []
        assert len([r for r in floor.rows("orders") if r["leg"] == "entry" and r["change"] == "place"]) == 1
        assert [(r["item_id"], r["reason"]) for r in floor.rows("round_trips")] == [("story:1", ENDS[id(path)])]


def two_answers() -> list[dict[str, str]]:
    """Every two settings that are not the defaults, all else by default; a seeded few unless all are asked for."""
    usual, answers = BrokerAssumptions(), known_answers()
    others = [(name, answer) for name in answers for answer in answers[name] if answer != getattr(usual, name)]
    pairs = [dict(pair) for pair in itertools.combinations(others, 2) if pair[0][0] != pair[1][0]]
    everything = os.environ.get("MOMENTUM_KIT_ALL_PAIRS") == "1"
    return pairs if everything else random.Random(7).sample(pairs, 12)


@pytest.mark.parametrize("pair", two_answers(), ids=lambda pair: "+".join(pair.values()))
async def test_safe_under_two_answers(tmp_path: Path, pair: dict[str, str]) -> None:
    """Each pair by itself, on every path; `make chaos` tries them all."""
    for number, path in enumerate((UP, DOWN, FLAT, THIN, CRUMBS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with gateway_on(path, **pair) as gateway, Floor(gateway, folder, time_stop_s=25).open() as floor:
            await floor.run(60, {2: lambda floor=floor: floor.signal(5.0)})
            assert floor.worst == 0, "short"
            assert floor.longest_bare_s <= 4
            assert floor.held() == 0
            assert floor.positions.flat
            assert floor.execution.working_entries == 0
            assert floor.intents.unresolved() == ()


def liquidation(gateway: SimulatedGateway) -> Callable[[], None]:
    """The broker sells AAPL by force, now."""

    def force() -> None:
        hub = gateway.hub
        hub.deliver(hub.broker.liquidate(AAPL.con_id, hub.now))
        gateway.flush()

    return force


@pytest.mark.parametrize("answer", ["cancelled", "live"])
@pytest.mark.parametrize("second", [5, 26])
async def test_liquidation(tmp_path: Path, answer: str, second: int) -> None:
    """The broker sells by force: flat, not short, told to a human, and nothing of ours is left working."""
    async with (
        gateway_on(FLAT, liquidated_orders=answer) as gateway,
        Floor(gateway, tmp_path, time_stop_s=25).open() as floor,
    ):
        await floor.run(50, {2: lambda: floor.signal(5.0), second: liquidation(gateway)})
        assert (floor.worst, floor.held()) == (0, 0)
        assert floor.positions.flat
        assert gateway.hub.broker.open_orders() == []
        assert floor.intents.unresolved() == ()
        assert [row["reason"] for row in floor.rows("round_trips")] == ["liquidation"]
        assert any("liquidated" in text for _, text in floor.alerts.texts)


async def test_liquidation_while_we_sell(tmp_path: Path) -> None:
    """Both sell at once and nobody can prevent it: nothing is sent after that, entries stop, a human is called."""
    async with (
        gateway_on(FLAT, liquidated_orders="live") as gateway,
        Floor(gateway, tmp_path, time_stop_s=25).open() as floor,
    ):
        await floor.run(50, {2: lambda: floor.signal(5.0), 27: liquidation(gateway)})
        assert floor.held() == -833
        assert [row["change"] for row in floor.rows("orders")] == ["place"] * 3 + ["modify"]
        assert floor.halts
        assert any("short 833" in text for _, text in floor.alerts.texts)


def test_pairs_are_covered() -> None:
    """The chosen sets are few, and between them show any two answers together."""
    assert 4 <= len(ROWS) <= 20
    for one, two in itertools.combinations(ROWS[0], 2):
        seen = {(row[one], row[two]) for row in ROWS}
        assert len(seen) == len({row[one] for row in ROWS}) * len({row[two] for row in ROWS})
