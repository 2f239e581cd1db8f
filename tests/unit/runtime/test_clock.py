from datetime import UTC, datetime, timedelta

import pytest

from momentum_kit.runtime.clock import ScaledClock, SteppedClock, WallClock

DAY = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("make", [WallClock, lambda: ScaledClock(20.0), SteppedClock], ids=["wall", "scaled", "steps"])
def test_elapsed_never_goes_back(make) -> None:
    """An earlier time of the broker, at a reconnect, takes nothing of what has elapsed."""
    clock = make()
    before = clock.elapsed()
    clock.start(DAY)
    clock.start(DAY - timedelta(minutes=10))
    assert clock.elapsed() >= before


def test_steps_elapse() -> None:
    """In lock-step only the market's steps count, and all of them."""
    clock = SteppedClock()
    clock.start(DAY)
    begun = clock.elapsed()
    clock.start(DAY + timedelta(seconds=1.5))
    clock.start(DAY + timedelta(seconds=4))
    assert clock.elapsed() - begun == 4.0
    assert clock.now() == DAY + timedelta(seconds=4)


def test_a_scaled_clock_elapses_at_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs of a market at twenty times its speed are twenty times as short on the wall."""
    boot_s = 100.0
    monkeypatch.setattr("momentum_kit.runtime.clock.boot_s", lambda: boot_s)
    clock = ScaledClock(20.0)
    clock.start(DAY)
    begun = clock.elapsed()
    boot_s = 101.0
    assert clock.elapsed() - begun == 20.0
    assert clock.now() == DAY + timedelta(seconds=20)


@pytest.mark.parametrize(("clock", "wall_s"), [(WallClock(), 6.0), (ScaledClock(20.0), 0.3), (SteppedClock(), None)])
def test_how_long_the_wall_may_take(clock, wall_s) -> None:
    """Market seconds are as many of the wall, fewer at a rate, and in lock-step none that could decide anything."""
    assert clock.wall_limit(6.0) == wall_s
