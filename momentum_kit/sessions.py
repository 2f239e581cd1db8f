"""Trading calendars: when the regular session of a day opens and closes, half days and holidays included.

exchange-calendars knows, but it imports pandas, and every process that trades or simulates asks for New York's days.
So new_york_days.txt holds what one version of the library says of them; any other version is asked itself, and so is
any version for other days and calendars.
"""

import warnings
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from momentum_kit.errors import ConfigError

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

NEW_YORK = ZoneInfo("America/New_York")
NEW_YORK_DAYS = Path(__file__).with_name("new_york_days.txt")
_OPENS, _CLOSES = time(9, 30), time(16)  # New York's regular hours
PRE_MARKET_OPENS = 4  # o'clock
AFTER_HOURS = 4  # hours after the close of the regular session


def in_words(at: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """An aware time as people read it: New York's, with its zone, such as `2026-11-20 09:31:05 EST`."""
    return f"{at.astimezone(NEW_YORK):{form} %Z}"


@dataclass(frozen=True, slots=True)
class TradingSession:
    """Regular hours of one day, aware UTC; close is early on a half day."""

    day: date
    open: datetime
    close: datetime

    def contains(self, at: datetime) -> bool:
        """True in regular hours."""
        return self.open <= at < self.close


@cache
def _calendar(code: str) -> "ExchangeCalendar":
    from exchange_calendars import get_calendar  # imports pandas: only where a calendar is needed
    from exchange_calendars.errors import InvalidCalendarName

    with warnings.catch_warnings():
        # exchange-calendars 4.13 reads Series.values, whose coming change pandas 3.1 announces; its results are right
        warnings.filterwarnings("ignore", message="Series.values returning an ndarray", category=DeprecationWarning)
        try:
            return get_calendar(code, start="2005-01-01")
        except InvalidCalendarName:
            raise ConfigError(f"calendar: {code} is not a code of exchange-calendars; New York is XNYS") from None


@dataclass(frozen=True, slots=True)
class NewYorkDays:
    """New York's sessions from `first` to `last`: each weekday but those `closed`, and the half days' early closes."""

    version: str
    first: date
    last: date
    closed: frozenset[date]
    early: dict[date, time]

    @classmethod
    def read(cls, text: str) -> "NewYorkDays":
        """What a text like new_york_days.txt says."""
        (_, told_by), (_, reach), *rows = (line.split(": ") for line in text.splitlines() if not line.startswith("#"))
        first, last = map(date.fromisoformat, reach.split(" to "))
        closed = frozenset(date.fromisoformat(day) for day, word in rows if word == "closed")
        early = {date.fromisoformat(day): time.fromisoformat(word) for day, word in rows if word != "closed"}
        return cls(told_by, first, last, closed, early)

    def session_on(self, day: date) -> TradingSession | None:
        """The session of a day between `first` and `last`; None where there is none."""
        if day.isoweekday() > 5 or day in self.closed:
            return None
        hours = (_OPENS, self.early.get(day, _CLOSES))
        return TradingSession(day, *(datetime.combine(day, hour, NEW_YORK).astimezone(UTC) for hour in hours))


@cache
def _new_york_days() -> NewYorkDays:
    return NewYorkDays.read(NEW_YORK_DAYS.read_text(encoding="utf-8"))


@cache
def session_on(day: date, calendar: str = "XNYS") -> TradingSession | None:
    """The regular session of an exchange day; None on weekends and holidays.

    Raises ConfigError for a day the calendar does not reach (before 2005, or more than about a year ahead).
    """
    known = _new_york_days()
    if calendar == "XNYS" and known.first <= day <= known.last and known.version == _installed():
        return known.session_on(day)
    return _ask_library(day, calendar)


@cache
def _installed() -> str:
    return version("exchange-calendars")


def _ask_library(day: date, calendar: str) -> TradingSession | None:
    exchange = _calendar(calendar)
    if not exchange.first_session.date() <= day <= exchange.last_session.date():
        reach = f"{exchange.first_session.date()} to {exchange.last_session.date()}"
        raise ConfigError(f"calendar: {calendar} knows {reach}, not {day}")
    label = day.isoformat()
    if not exchange.is_session(label):
        return None
    opens, closes = exchange.session_open_close(label)
    # datetime's own UTC: comparing times of two different UTC objects takes ten times as long
    return TradingSession(day, *(at.to_pydatetime().astimezone(UTC) for at in (opens, closes)))


def session_at(at: datetime, calendar: str = "XNYS") -> TradingSession | None:
    """The session of the exchange day that contains `at` (aware); None if that day has none."""
    return session_on(exchange_day(at), calendar)


def tradable(at: datetime, calendar: str = "XNYS") -> bool:
    """True while US stocks trade at all: 4:00 to 20:00 New York on a day with a session, to 17:00 on a half day."""
    session = session_at(at, calendar)
    if session is None:
        return False
    hour, closes = at.astimezone(NEW_YORK).hour, session.close.astimezone(NEW_YORK).hour
    return PRE_MARKET_OPENS <= hour < closes + AFTER_HOURS


def previous_sessions(day: date, count: int, calendar: str = "XNYS") -> list[TradingSession]:
    """The `count` sessions before `day`, oldest first."""
    found: list[TradingSession] = []
    step = day
    while len(found) < count:
        step -= timedelta(days=1)
        session = session_on(step, calendar)
        if session:
            found.append(session)
    return found[::-1]


def next_session(day: date, calendar: str = "XNYS") -> TradingSession:
    """The first session after `day`."""
    while True:
        day += timedelta(days=1)
        if session := session_on(day, calendar):
            return session


def exchange_day(at: datetime) -> date:
    """The New York calendar day of an aware time; ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError(f"naive time {at.isoformat()}: every time here is aware")
    return at.astimezone(NEW_YORK).date()
