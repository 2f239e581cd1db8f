import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from momentum_kit.errors import BrokerError
from momentum_kit.models.session import Beat
from momentum_kit.runtime.beats import beat_by_wall, beat_in_steps, settle
from momentum_kit.runtime.clock import ScaledClock, SteppedClock, WallClock

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


class Gateway:
    """Steps by a fixed amount whenever it is asked for the time."""

    idle = True
    held_back, unheard = 0, False
    last_received_ns = 5

    def __init__(self, step_s: float) -> None:
        self.now = START
        self.step = timedelta(seconds=step_s)

    async def settled(self) -> None:
        """Nothing is ever under way here."""

    async def waits_in_vain(self) -> bool:
        """Nobody waits for an answer."""
        return False

    async def fetch_current_time_millis(self) -> datetime:
        """One step."""
        self.now += self.step
        return self.now


async def test_lock_step_beats_once_a_step_and_stamps_its_end() -> None:
    """Each step moves the clock first and beats after everything of the step was handled."""
    clock, beats, seen = SteppedClock(), asyncio.Queue[Beat](), list[tuple[datetime, datetime]]()
    clock.start(START)

    async def serve() -> None:
        while True:
            beat = await beats.get()
            seen.append((beat.now, clock.now()))
            beats.task_done()

    server = asyncio.create_task(serve())
    end = START + timedelta(seconds=3)

    async def after(now: datetime) -> bool:
        assert len(seen) == (now - START).total_seconds(), "the service must have handled the beat by now"
        return now >= end

    await beat_in_steps(clock, Gateway(1.0), 1.0, 1e9, [beats], [beats], after)
    server.cancel()
    assert seen == [(START + timedelta(seconds=n), START + timedelta(seconds=n)) for n in (1, 2, 3)]


async def test_a_gateway_that_does_not_step_with_us_is_an_error() -> None:
    """A free-running gateway, or another step, breaks lock-step in words."""
    clock = SteppedClock()
    clock.start(START)

    async def never(_now: datetime) -> bool:
        return False

    with pytest.raises(BrokerError, match="lock-step broken"):
        await beat_in_steps(clock, Gateway(0.5), 1.0, 1e9, [], [], never)


async def test_settle_waits_for_work_that_makes_more_work() -> None:
    """An item that puts another item into an earlier queue is followed to its end."""
    first, second = asyncio.Queue[int](), asyncio.Queue[int]()
    handled: list[int] = []

    async def serve(source: asyncio.Queue[int], target: asyncio.Queue[int]) -> None:
        while True:
            left = await source.get()
            await asyncio.sleep(0)
            if left:
                target.put_nowait(left - 1)
            handled.append(left)
            source.task_done()

    servers = [asyncio.create_task(serve(first, second)), asyncio.create_task(serve(second, first))]
    first.put_nowait(7)
    await settle(Gateway(1.0), [first, second])
    for server in servers:
        server.cancel()
    assert handled == [7, 6, 5, 4, 3, 2, 1, 0]


async def test_a_service_that_is_behind_gets_only_the_latest_beat() -> None:
    """By the wall, beats are conflated instead of piling up."""
    beats, count = asyncio.Queue[Beat](), 0

    async def after(_now: datetime) -> bool:
        nonlocal count
        count += 1
        return count == 5

    await beat_by_wall(WallClock(), 0.001, [beats], after)
    assert beats.qsize() == 1


def test_a_scaled_clock_runs_at_its_rate() -> None:
    """Market time passes `rate` times as fast as the wall, from the broker's time on."""
    clock = ScaledClock(1000.0)
    clock.start(START)
    first = clock.now()
    while clock.now() - first < timedelta(seconds=1):
        pass
    assert clock.now() >= START + timedelta(seconds=1)
