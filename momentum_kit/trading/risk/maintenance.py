"""When the broker's maintenance windows begin and end, by its dated list; for the risk gate and for reconnecting."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from momentum_kit.config import MaintenanceWindow

DAY = timedelta(days=1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def to_maintenance_s(now: datetime, windows: Iterable[MaintenanceWindow]) -> float:
    """Seconds from an aware time until the next window begins; 0 in one, inf where none begins within a week."""
    waits = (max((start - now).total_seconds(), 0.0) for start, end in _windows(now, windows) if now < end)
    return min(waits, default=float("inf"))


def maintenance_until(now: datetime, windows: Iterable[MaintenanceWindow]) -> datetime | None:
    """When the window that an aware time is in ends, windows that overlap counted as one; None outside any."""
    spans, until = sorted(_windows(now, windows)), None
    for start, end in spans:
        if start <= (until or now) < end:
            until = end
    return until


def _windows(now: datetime, windows: Iterable[MaintenanceWindow]) -> Iterator[tuple[datetime, datetime]]:
    """Beginning and end, aware UTC, of all that begin from yesterday on, whose may still be open, within a week."""
    for window in windows:
        zone = ZoneInfo(window.zone)
        begins, ends = time.fromisoformat(window.start), time.fromisoformat(window.end)
        today = now.astimezone(zone).date()
        for ahead in range(-1, 8):
            day = today + ahead * DAY
            if WEEKDAYS[day.weekday()] not in window.days:
                continue
            if (window.since and day < window.since) or (window.until and day > window.until):
                continue
            start = datetime.combine(day, begins, zone).astimezone(UTC)
            yield start, datetime.combine(day if ends > begins else day + DAY, ends, zone).astimezone(UTC)
