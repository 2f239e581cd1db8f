"""Values of a Flex file: numbers and moments, each as IB writes it, or refused."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from momentum_kit.sessions import NEW_YORK
from momentum_kit.storage.flex.values import date_of, moment_of, number_of


@pytest.mark.parametrize(
    ("text", "number"),
    [("-1.000720223", "-1.000720223"), ("1,234,567.5", "1234567.5"), ("0", "0"), ("-.5", "-0.5"), ("2E-5", "0.00002")],
)
def test_numbers_are_exact(text: str, number: str) -> None:
    """With thousands' commas, without a leading zero, as small as an exponent makes them."""
    assert number_of(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "--", "N/A", "nan", "Infinity", "1e999", "12,34", "1.2.3", "٣", "0x10", "1_000"])
def test_what_is_no_number_is_refused(text: str) -> None:
    """Nothing is taken for zero, and no exponent makes a number that fills the memory."""
    with pytest.raises(ValueError, match="is no number"):
        number_of(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("20260715;093815", datetime(2026, 7, 15, 13, 38, 15, tzinfo=UTC)),
        ("20261120;093815", datetime(2026, 11, 20, 14, 38, 15, tzinfo=UTC)),
        ("2025-04-25;10:19:55 EDT", datetime(2025, 4, 25, 14, 19, 55, tzinfo=UTC)),
        ("2022-02-1510:20:26", datetime(2022, 2, 15, 15, 20, 26, tzinfo=UTC)),
        ("20261120, 093815 Europe/Berlin", datetime(2026, 11, 20, 8, 38, 15, tzinfo=UTC)),
    ],
)
def test_a_moment_is_in_the_zone_that_it_names_or_else_in_the_statements(text: str, at: datetime) -> None:
    """In summer and winter, with any separator of date and time."""
    assert moment_of(text, day_first=False, zone=NEW_YORK) == (at.astimezone(NEW_YORK).date(), at)


def test_a_date_alone_has_no_time() -> None:
    """A booking without an execution has none."""
    assert moment_of("20261120", day_first=False, zone=NEW_YORK) == (date(2026, 11, 20), None)


def test_slashes_are_read_as_told() -> None:
    """Nothing in the value says whether the month or the day comes first."""
    assert date_of("02/11/2026", day_first=False) == date(2026, 2, 11)
    assert date_of("02/11/2026", day_first=True) == date(2026, 11, 2)
    assert date_of("02/11/26", day_first=True) == date(2026, 11, 2)


@pytest.mark.parametrize("text", ["", "20261320", "2026-11-20;256000", "20261120;0938", "yesterday"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """Neither guessed nor cut to fit."""
    with pytest.raises(ValueError):
        moment_of(text, day_first=False, zone=NEW_YORK)
