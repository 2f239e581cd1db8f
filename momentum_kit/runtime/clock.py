"""Market time behind the Clock port: the wall, a scaled copy of the broker's, or lock-step."""

import time
from datetime import UTC, datetime, timedelta

from momentum_kit.config import ClockSettings

# Linux stops CLOCK_MONOTONIC while a machine sleeps, macOS does not and has no other name for it
_SLEEPLESS = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_s() -> float:
    """Seconds since the machine started, those of its sleep included."""
    return time.clock_gettime(_SLEEPLESS)


class WallClock:
    """Real time."""

    def start(self, at: datetime) -> None:
        """The wall needs no origin; `at` (the broker's time) is ignored."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)

    def elapsed(self) -> float:
        """Seconds since the machine started."""
        return boot_s()

    def wall_limit(self, market_s: float) -> float:
        """The same."""
        return market_s


class ScaledClock:
    """The broker's time at start, then `rate` market seconds per wall second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._origin = datetime.now(UTC)
        self._started = boot_s()

    def start(self, at: datetime) -> None:
        """Market time is `at` from this instant."""
        self._origin, self._started = at, boot_s()

    def now(self) -> datetime:
        """Aware UTC market time."""
        return self._origin + timedelta(seconds=(boot_s() - self._started) * self._rate)

    def elapsed(self) -> float:
        """Market seconds, `rate` of them for each second since the machine started."""
        return boot_s() * self._rate

    def wall_limit(self, market_s: float) -> float:
        """Wall seconds in which so many pass."""
        return market_s / self._rate


class SteppedClock:
    """Market time that moves only when told: what arrives during a step is stamped with the step's end."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)
        self._elapsed = 0.0

    def start(self, at: datetime) -> None:
        """Stand at `at`; a market that begins anew at an earlier time lets nothing elapse."""
        self._elapsed += max((at - self._now).total_seconds(), 0.0)
        self._now = at

    def now(self) -> datetime:
        """Aware UTC market time."""
        return self._now

    def elapsed(self) -> float:
        """Market seconds of all steps so far."""
        return self._elapsed

    def wall_limit(self, market_s: float) -> None:
        """None: the market waits for whoever is at work."""


AnyClock = WallClock | ScaledClock | SteppedClock


def make_clock(settings: ClockSettings) -> AnyClock:
    """The clock that the settings ask for."""
    if settings.kind == "scaled":
        return ScaledClock(settings.rate)
    return SteppedClock() if settings.kind == "stepped" else WallClock()
