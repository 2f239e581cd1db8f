"""Market time behind the Clock port: the wall, a scaled copy of the broker's, or lock-step."""

import time
from datetime import UTC, datetime, timedelta

from momentum_kit.config import ClockSettings


class WallClock:
    """Real time."""

    def start(self, at: datetime) -> None:
        """The wall needs no origin; `at` (the broker's time) is ignored."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


class ScaledClock:
    """The broker's time at start, then `rate` market seconds per wall second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._origin = datetime.now(UTC)
        self._started = time.perf_counter()

    def start(self, at: datetime) -> None:
        """Market time is `at` from this instant."""
        self._origin, self._started = at, time.perf_counter()

    def now(self) -> datetime:
        """Aware UTC market time."""
        return self._origin + timedelta(seconds=(time.perf_counter() - self._started) * self._rate)


class SteppedClock:
    """Market time that moves only when told: what arrives during a step is stamped with the step's end."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def start(self, at: datetime) -> None:
        """Stand at `at`."""
        self._now = at

    def now(self) -> datetime:
        """Aware UTC market time."""
        return self._now


AnyClock = WallClock | ScaledClock | SteppedClock


def make_clock(settings: ClockSettings) -> AnyClock:
    """The clock that the settings ask for."""
    if settings.kind == "scaled":
        return ScaledClock(settings.rate)
    return SteppedClock() if settings.kind == "stepped" else WallClock()
