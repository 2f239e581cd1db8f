"""Which alerts are worth a human's attention now: levels, repeats and quiet hours; decides before anything is sent."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from momentum_kit.config import AlertSettings
from momentum_kit.sessions import in_words

LEVELS = {"info": 20, "warning": 30, "critical": 50}
REMEMBERED = 1_000  # texts; above this the oldest are forgotten


@dataclass(slots=True)
class _Seen:
    at: datetime
    repeats: int = 0


class AlertPolicy:
    """Asked once an alert, from one thread at a time."""

    def __init__(self, settings: AlertSettings) -> None:
        self._least = LEVELS[settings.min_level]
        self._apart = timedelta(seconds=settings.repeat_after_s)
        self._quiet = (_time(settings.quiet_from), _time(settings.quiet_until))
        self._zone = ZoneInfo(settings.quiet_zone)
        self._seen: dict[tuple[str, str], _Seen] = {}

    def passes(self, level: str, text: str, at: datetime) -> str:
        """The text to send at an aware time, with how often it was held back; empty if it is not to be sent."""
        if LEVELS[level] < self._least:
            return ""
        if level != "critical" and self.quiet(at):
            return ""
        seen = self._seen.get((level, text))
        if seen and at - seen.at < self._apart:
            seen.repeats += 1
            return ""
        words = (
            f"{text} (and {seen.repeats} times since {in_words(seen.at, '%H:%M')})" if seen and seen.repeats else text
        )
        self._seen.pop((level, text), None)
        self._seen[level, text] = _Seen(at)
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return words

    def quiet(self, at: datetime) -> bool:
        """True in the quiet hours, which may span midnight."""
        start, end = self._quiet
        if start is None or end is None:
            return False
        now = at.astimezone(self._zone).time()
        return start <= now < end if start <= end else now >= start or now < end


def _time(text: str) -> time | None:
    return time.fromisoformat(text) if text else None
