"""Sessions of New York and elsewhere.

As a script it writes new_york_days.txt anew, from the library that is installed: python tests/unit/test_sessions.py
"""

import subprocess
import sys
import warnings
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit import sessions
from momentum_kit.errors import ConfigError
from momentum_kit.sessions import NEW_YORK, NEW_YORK_DAYS, exchange_day, previous_sessions, session_at, session_on

FIRST, LAST = date(2005, 1, 1), date(2027, 12, 31)
HEAD = """# Weekdays on which New York (XNYS) does not trade from 9:30 to 16:00: closed, or its early close. Written by
# tests/unit/test_sessions.py from exchange-calendars; another version of the library is asked itself.
"""


def as_the_library_has_them() -> str:
    """The text of new_york_days.txt by the installed exchange-calendars."""
    import exchange_calendars
    import pandas

    lines = [f"exchange-calendars: {version('exchange-calendars')}", f"days: {FIRST} to {LAST}"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own, see sessions.py
        calendar = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST)
        hours = {at.date(): calendar.session_open_close(at) for at in calendar.sessions}
    assert not any(day.isoweekday() > 5 for day in hours)
    for day in (at.date() for at in pandas.bdate_range(FIRST, LAST)):
        opens, closes = (at.tz_convert(NEW_YORK).time() for at in hours[day]) if day in hours else (None, None)
        assert opens in (None, time(9, 30))
        if closes != time(16):
            lines.append(f"{day}: {f'{closes:%H:%M}' if closes else 'closed'}")
    return HEAD + "\n".join(lines) + "\n"


@pytest.fixture
def forgetful():
    """What sessions remembers is forgotten before and after."""
    kept = (sessions._installed, sessions._new_york_days, session_on)
    for each in kept:
        each.cache_clear()
    yield
    for each in kept:
        each.cache_clear()


def test_the_written_days_are_those_of_the_library():
    """Every day of new_york_days.txt is as the locked exchange-calendars computes it; the head says how to renew it."""
    assert NEW_YORK_DAYS.read_text(encoding="utf-8") == as_the_library_has_them()


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("installed", ["4.13.2", "4.14"])
def test_another_version_of_the_library_is_asked_itself(installed, monkeypatch, tmp_path):
    """The written days stand for one version only: an exchange that closes at short notice comes with the next."""
    written = tmp_path / "days.txt"
    written.write_text("exchange-calendars: 4.13.2\ndays: 2013-10-01 to 2013-10-31\n2013-10-11: closed\n")
    monkeypatch.setattr(sessions, "NEW_YORK_DAYS", written)
    monkeypatch.setattr(sessions, "version", lambda _: installed)
    assert (session_on(date(2013, 10, 11)) is None) == (installed == "4.13.2")
    assert session_on(date(2013, 12, 25)) is None  # outside the written days the library is asked, whatever its version


def test_a_session_of_new_york_costs_no_import_of_pandas():
    """Every process that trades asks for New York's sessions: pandas would be half of its start."""
    asked = "import sys; from datetime import date; from momentum_kit.sessions import previous_sessions"
    says = f"{asked}; previous_sessions(date(2026, 11, 20), 60); sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", says], check=False).returncode == 0


def test_a_normal_day_runs_from_half_past_nine_to_four_in_new_york():
    """Regular hours are 9:30 to 16:00 New York, given in aware UTC, in winter as in summer."""
    winter, summer = session_on(date(2013, 12, 2)), session_on(date(2013, 7, 1))
    assert winter.open == datetime(2013, 12, 2, 14, 30, tzinfo=UTC)
    assert winter.close == datetime(2013, 12, 2, 21, 0, tzinfo=UTC)
    assert summer.open == datetime(2013, 7, 1, 13, 30, tzinfo=UTC)


def test_a_half_day_closes_early():
    """The day after Thanksgiving closes at 13:00 New York."""
    assert session_on(date(2013, 11, 29)).close.astimezone(NEW_YORK).time() == time(13, 0)


@pytest.mark.parametrize("day", [date(2013, 10, 12), date(2013, 12, 25), date(2012, 10, 29)])
def test_weekends_holidays_and_storms_have_no_session(day):
    """A weekend, Christmas and the day of hurricane Sandy have no session."""
    assert session_on(day) is None


def test_the_close_itself_is_outside_the_session():
    """A session contains its open and not its close."""
    session = session_on(date(2013, 10, 11))
    assert session.contains(session.open)
    assert session.contains(session.close - timedelta(microseconds=1))
    assert not session.contains(session.close)


def test_the_session_of_a_moment_is_that_of_its_new_york_day():
    """Shortly after midnight UTC it is still the evening of the day before in New York."""
    late = datetime(2013, 10, 12, 1, 0, tzinfo=UTC)
    assert exchange_day(late) == date(2013, 10, 11)
    assert session_at(late) == session_on(date(2013, 10, 11))


def test_previous_sessions_skip_the_weekend_and_are_oldest_first():
    """The five sessions before a Friday reach over the weekend before it, without the day itself."""
    days = [session.day for session in previous_sessions(date(2013, 10, 11), 5)]
    assert days == [date(2013, 10, 4), date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 9), date(2013, 10, 10)]


@pytest.mark.parametrize("day", [date(1999, 1, 4), date(2200, 1, 2)])
def test_a_day_out_of_reach_is_named(day):
    """A day outside the calendar is refused with the reach of the calendar."""
    with pytest.raises(ConfigError, match=rf"XNYS knows 2005-.* to .*, not {day}"):
        session_on(day)


def test_an_unknown_calendar_is_named():
    """A calendar code that does not exist is a ConfigError, with the code of New York as the remedy."""
    with pytest.raises(ConfigError, match="MARS is not a code of exchange-calendars; New York is XNYS"):
        session_on(date(2013, 10, 11), "MARS")


def test_a_naive_time_is_refused():
    """A time without a zone is a programming error, never guessed to be local."""
    with pytest.raises(ValueError, match="naive time"):
        exchange_day(datetime(2013, 10, 11, 12, 0))  # noqa: DTZ001 - the point of the test


@given(st.dates(date(2006, 1, 1), date(2025, 12, 31)))
def test_every_session_lies_within_its_own_new_york_day(day):
    """Open is before close, both aware, both on the session's own day in New York."""
    session = session_on(day)
    if session is not None:
        assert session.open < session.close
        assert exchange_day(session.open) == exchange_day(session.close) == session.day == day


if __name__ == "__main__":
    NEW_YORK_DAYS.write_text(as_the_library_has_them(), encoding="utf-8")
