from datetime import UTC, datetime

import pytest

from momentum_kit.errors import InputError
from momentum_kit.runtime.engine import check_until, parse_until

OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15:55", datetime(2026, 11, 20, 20, 55, tzinfo=UTC)),
        ("close", datetime(2026, 11, 20, 21, 0, tzinfo=UTC)),
        ("close-5m", datetime(2026, 11, 20, 20, 55, tzinfo=UTC)),
        ("90m", datetime(2026, 11, 20, 16, 0, tzinfo=UTC)),
        ("2026-11-20T15:00:00+00:00", datetime(2026, 11, 20, 15, 0, tzinfo=UTC)),
    ],
)
def test_every_form_of_an_end(text: str, expected: datetime) -> None:
    """Clock times are New York's of that day, closes the calendar's, minutes count from now."""
    assert parse_until(text, OPEN) == expected


def test_half_day_closes_early() -> None:
    """On the day after Thanksgiving the market closes at 13:00 New York."""
    morning = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
    assert parse_until("close-5m", morning) == datetime(2026, 11, 27, 17, 55, tzinfo=UTC)


def test_empty_means_until_told() -> None:
    """Without a text the session has no end of its own."""
    assert parse_until("", OPEN) is None


@pytest.mark.parametrize("text", ["tomorrow", "9:00", "2026-11-20T15:00:00", "25:99", "close-5"])
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    """Unreadable ends, ends in the past and times without a zone are one clear line."""
    with pytest.raises(InputError):
        parse_until(text, OPEN)


def test_a_day_without_a_session_has_no_close() -> None:
    """A Sunday has no close to count back from."""
    with pytest.raises(InputError, match="no session"):
        parse_until("close-5m", datetime(2026, 11, 22, 15, 0, tzinfo=UTC))


@pytest.mark.parametrize("text", ["", "close", "close-5m", "15:55", "9:30", "90m", "2020-01-02T15:00:00+00:00"])
def test_what_may_be_an_end_is_let_through_before_market_time_is_known(text: str) -> None:
    """Whether it is past, or the day has a session, is asked once the gateway has told the time."""
    check_until(text)


@pytest.mark.parametrize("text", ["close-5", "later", "25:00", "2026-11-20T15:00:00"])
def test_what_can_be_no_end_on_any_day_is_refused_at_once(text: str) -> None:
    """A typing error is no reason to start a session."""
    with pytest.raises(InputError):
        check_until(text)
