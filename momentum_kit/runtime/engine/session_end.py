"""When a session shall end, in the words people use: '15:55', 'close-5m', '90m', or a full time with zone."""

import re
from datetime import UTC, datetime, timedelta

from momentum_kit.errors import InputError
from momentum_kit.sessions import NEW_YORK, in_words, session_at

_CLOSE = re.compile(r"close(?:-(\d+)m)?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})")
_MINUTES = re.compile(r"(\d+)m")
_ANY_DAY = datetime(2026, 1, 2, tzinfo=UTC)


def parse_until(text: str, now: datetime, calendar: str = "XNYS") -> datetime | None:
    """The aware end of a session that starts at `now` (market time); None for an empty text.

    '15:55' is New York time of the day of `now`; 'close-5m' five minutes before that day's close, half days too;
    '90m' minutes from now. InputError if it cannot be read or lies in the past.
    """
    if not text:
        return None
    until = _read(text.strip(), now, calendar)
    if until <= now:
        raise InputError(
            f"until {text!r} is {in_words(until, '%Y-%m-%d %H:%M')}, which is not after market time "
            f"{in_words(now, '%H:%M')}"
        )
    return until


def check_until(text: str, calendar: str = "XNYS") -> None:
    """InputError for a text that can be no end on any day; for whoever does not know market time yet."""
    if text and not _CLOSE.fullmatch(text.strip()):
        _read(text.strip(), _ANY_DAY, calendar)


def _read(text: str, now: datetime, calendar: str) -> datetime:
    if close := _CLOSE.fullmatch(text):
        session = session_at(now, calendar)
        if session is None:
            raise InputError(f"until {text!r}: {now.astimezone(NEW_YORK):%Y-%m-%d} has no session")
        return session.close - timedelta(minutes=int(close[1] or 0))
    if clock := _CLOCK.fullmatch(text):
        if int(clock[1]) > 23 or int(clock[2]) > 59:
            raise InputError(f"until {text!r} is no time of day")
        return now.astimezone(NEW_YORK).replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
    if minutes := _MINUTES.fullmatch(text):
        return now + timedelta(minutes=int(minutes[1]))
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"until {text!r}: expected 15:55, close-5m, 90m or an ISO time with zone") from None
    if until.tzinfo is None:
        raise InputError(f"until {text!r} has no time zone; write 15:55 for New York or add +00:00")
    return until
