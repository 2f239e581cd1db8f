"""How long until the broker's next maintenance window, by its dated list; for the risk gate."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from momentum_kit.config import MaintenanceWindow

DAY = timedelta(days=1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def to_maintenance_s(now: datetime, windows: Iterable[MaintenanceWindow]) -> float:
    """Seconds from an aware time until the next window begins; 0 in one, inf where none begins within a week."""
    return min((_until(now, window) for window in windows), default=float("inf"))


def _until(now: datetime, window: MaintenanceWindow) -> float:
    zone = ZoneInfo(window.zone)
    begins, ends = time.fromisoformat(window.start), time.fromisoformat(window.end)
    today = now.astimezone(zone).date()
    for ahead in range(-1, 8):  # from yesterday: its window may still be open
        day = today + ahead * DAY
        if WEEKDAYS[day.weekday()] not in window.days:
            continue
        if (window.since and day < window.since) or (window.until and day > window.until):
            continue
        start = datetime.combine(day, begins, zone).astimezone(UTC)
        end = datetime.combine(day if ends > begins else day + DAY, ends, zone).astimezone(UTC)
        if now < end:
            return max((start - now).total_seconds(), 0.0)
    return float("inf")
