"""When Interactive Brokers' gateway goes away by itself: nightly reset, weekend reset, weekly log-in; pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from momentum_kit.sessions import NEW_YORK

SATURDAY, SUNDAY = 5, 6
# North America, New York time: Sunday to Friday 00:15 to 01:45; weekend Friday 23:00 to Saturday 03:00; a gateway that
# restarts by itself needs a log-in by hand once its token has expired, Sunday 01:00.
NIGHTLY = (time(0, 15), time(1, 45))
WEEKEND_FROM, WEEKEND_UNTIL = time(23), time(3)
LOG_IN = time(1)
LOG_IN_KIND = "weekly log-in"


@dataclass(frozen=True, slots=True)
class Window:
    """Aware UTC times; the log-in ends when a human has done it, so it has no length of its own."""

    kind: str  # nightly reset, weekend reset or weekly log-in
    starts_at: datetime
    ends_at: datetime

    @property
    def needs_a_person(self) -> bool:
        """Nothing trades again before somebody has logged in."""
        return self.kind == LOG_IN_KIND

    @property
    def advice(self) -> str:
        """What a human should know or do."""
        if self.needs_a_person:
            return "log in to the gateway by hand with the second factor"
        return "orders that the broker simulates, stops among them, and execution reports are delayed meanwhile"


def next_windows(at: datetime) -> tuple[Window, ...]:
    """The next window of each kind that has not ended by an aware time, earliest first."""
    first: dict[str, Window] = {}
    today = at.astimezone(NEW_YORK).date()
    windows = (window for days in range(-1, 9) for window in _windows(today + timedelta(days=days)))
    for window in sorted(windows, key=lambda window: window.starts_at):
        if window.ends_at > at or window.starts_at >= at:
            first.setdefault(window.kind, window)
    return tuple(first.values())


def _windows(day: date) -> Iterator[Window]:
    """What starts on one day of New York."""
    if day.weekday() != SATURDAY:
        yield Window("nightly reset", _utc(day, NIGHTLY[0]), _utc(day, NIGHTLY[1]))
    if day.weekday() == SATURDAY - 1:
        yield Window("weekend reset", _utc(day, WEEKEND_FROM), _utc(day + timedelta(days=1), WEEKEND_UNTIL))
    if day.weekday() == SUNDAY:
        yield Window(LOG_IN_KIND, _utc(day, LOG_IN), _utc(day, LOG_IN))


def _utc(day: date, at: time) -> datetime:
    return datetime.combine(day, at, NEW_YORK).astimezone(UTC)
