"""Lock-step with answers that the gateway holds back: the market goes on, and two runs say the same."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import Beat, Contract, OrderAction, OrderRequest
from momentum_kit.runtime.beats import PATIENCE_S, beat_in_steps
from momentum_kit.runtime.clock import SteppedClock
from momentum_kit.services import outside
from momentum_kit.services.consuming import consume
from momentum_kit.simgateway.embedding import Lag, LateAnswer
from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway

AAPL = Contract("AAPL", 265598)
SCENARIO = {
    "seed": 5,
    "start": "09:35",
    "end": "10:30",
    "history_sessions": 2,
    "universe": {"small_caps": 0, "large_caps": 0},
}


@dataclass
class Rig:
    """Two services on a real bridge: one handles each beat in `first`, the other in `second`; events are noted."""

    gateway: SimulatedGateway
    bridge: IBKRBridge
    clock: SteppedClock
    seconds: int = 0
    events: list[tuple[int, str]] = field(default_factory=list)

    def note(self, words: str) -> None:
        """Keep what happened with the market second in which it did."""
        self.events.append((self.seconds, words))

    async def buy(self, quantity: int) -> None:
        """A market order."""
        order = OrderRequest(action=OrderAction.BUY, quantity=Decimal(quantity), order_type="MKT")
        await self.bridge.place_order(AAPL, order)

    async def run(
        self, seconds: int, first: Callable[[Beat], Awaitable[None]], second: Callable[[Beat], Awaitable[None]]
    ) -> None:
        """Let so many market seconds pass."""
        beats: list[asyncio.Queue[Beat]] = [asyncio.Queue(), asyncio.Queue()]

        async def after(_: Any) -> bool:
            self.seconds += 1
            return self.seconds >= seconds

        async def listen() -> None:
            async for event in self.bridge.stream_order_events():
                self.note(f"{type(event).__name__} {getattr(event, 'status', '')}{getattr(event, 'shares', '')}")

        services = [consume(beats[0], first), consume(beats[1], second), listen()]
        tasks = [asyncio.create_task(service) for service in services]
        driver = asyncio.create_task(beat_in_steps(self.clock, self.bridge, 1.0, math.inf, beats, beats, after))
        async with asyncio.timeout(90):
            done, _ = await asyncio.wait([driver, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in (driver, *tasks):
            task.cancel()
        await asyncio.gather(driver, *tasks, return_exceptions=True)
        for task in done:
            task.result()


@asynccontextmanager
async def rig(*faults: Any) -> AsyncIterator[Rig]:
    """A gateway in lock-step and a bridge."""
    clock = SteppedClock()
    async with (
        SimulatedGateway(parse_scenario(SCENARIO), lock_step_s=1, faults=faults) as gateway,
        IBKRBridge(
            port=gateway.port, now=clock.now, messages_per_s=math.inf, small_bar_pacing=False, in_order=True
        ) as bridge,
    ):
        clock.start(await bridge.fetch_current_time())
        yield Rig(gateway, bridge, clock)


async def nothing(_: Beat) -> None:
    """A service without work."""


async def test_the_market_goes_on_without_an_answer() -> None:
    """Executions come 20 market seconds after they were asked for, positions at once; nobody waits by the wall."""
    async with rig(LateAnswer(requests=("reqExecutions",), delay_ms=20_000)) as floor:
        answered: list[int] = []

        async def ask(_: Beat) -> None:
            if floor.seconds == 2:
                assert await floor.bridge.fetch_positions() == ()
                answered.append(floor.seconds)
                await floor.bridge.fetch_executions()
                answered.append(floor.seconds)

        await floor.run(40, ask, nothing)
        assert answered == [2, 22]  # whoever waited by the wall would run into the time-out of the request


async def test_who_waits_behind_somebody_who_waits_does_not_stop_it() -> None:
    """A lock that is held over a held-back list: its other user gets it when the answer has come."""
    async with rig(LateAnswer(requests=("reqPositions",), delay_ms=5_000)) as floor:
        lock, got = asyncio.Lock(), list[int]()

        async def ask(_: Beat) -> None:
            async with lock:
                if floor.seconds == 1:
                    await floor.bridge.fetch_positions()

        async def want(_: Beat) -> None:
            async with lock:
                got.append(floor.seconds)

        await floor.run(12, ask, want)
        assert got[:3] == [0, 6, 6], "the beat of second 1 waited for the answer"
        assert len(got) == 12


async def test_a_second_request_behind_a_held_one_waits_its_turn() -> None:
    """Lists without an id are asked for one at a time: the next is sent when the late one has come."""
    async with rig(LateAnswer(requests=("reqPositions",), delay_ms=5_000)) as floor:
        got: list[int] = []

        async def ask(_: Beat) -> None:
            if floor.seconds == 1:
                await asyncio.gather(floor.bridge.fetch_positions(), floor.bridge.fetch_positions())
                got.append(floor.seconds)

        await floor.run(9, ask, nothing)
        assert got == [6]


async def test_work_outside_is_waited_for() -> None:
    """While an answer is held back, a thread's slow work still belongs to its own second, every time."""
    async with rig(LateAnswer(requests=("reqExecutions",), delay_ms=10_000)) as floor:
        done: list[int] = []

        async def ask(_: Beat) -> None:
            if floor.seconds == 1:
                await floor.bridge.fetch_executions()

        async def write(_: Beat) -> None:
            asked = floor.seconds
            await outside(asyncio.to_thread(time.sleep, 2 * PATIENCE_S))
            done.append(floor.seconds - asked)

        await floor.run(8, ask, write)
        assert done == [0] * 8


async def once(pause_s: float) -> list[tuple[int, str]]:
    """Orders while answers and executions are late; pause_s: what the disk takes before each of them."""
    late = LateAnswer(requests=("reqExecutions", "reqPositions"), delay_ms=7_000, count=4)
    async with rig(late, Lag(of="executions", lag_ms=3_000), Lag(of="positions", lag_ms=5_000)) as floor:

        async def ask(_: Beat) -> None:
            if floor.seconds % 5 == 1:
                rows = await floor.bridge.fetch_positions()
                floor.note(f"positions {[f'{row.quantity:f}' for row in rows]}")
                floor.note(f"executions {len(await floor.bridge.fetch_executions())}")

        async def trade(_: Beat) -> None:
            if floor.seconds % 4 == 2:
                await outside(asyncio.to_thread(time.sleep, pause_s))
                await floor.buy(10 + floor.seconds)

        await floor.run(50, ask, trade)
        return floor.events


async def test_such_a_run_repeats_itself() -> None:
    """The same events in the same market seconds, whatever the disk takes."""
    usual = await once(0.0)
    assert {words.partition(" ")[0] for _, words in usual} >= {"positions", "executions", "OrderUpdate", "Execution"}
    assert await once(0.0) == usual
    assert await once(PATIENCE_S) == usual


@pytest.mark.parametrize("held", [False, True])
async def test_the_clock_is_asked_only_where_something_is_held(held: bool) -> None:
    """A run whose answers all come has not one message more than before; one ping finds a held-back answer."""
    async with rig(*([LateAnswer(requests=("reqPositions",), delay_ms=5_000)] if held else [])) as floor:
        asked: list[int] = []
        serve = floor.gateway.hub.may_handle

        def count(session: Any, request: Any) -> bool:
            asked.append(request.kind)
            return serve(session, request)

        floor.gateway.hub.may_handle = count  # type: ignore[method-assign]

        async def ask(_: Beat) -> None:
            if floor.seconds == 1:
                await floor.bridge.fetch_positions()

        before = floor.clock.now()
        await floor.run(10, ask, nothing)
        assert floor.clock.now() - before == timedelta(seconds=10)
        assert asked.count(49) == (1 if held else 0)  # 49: reqCurrentTime
