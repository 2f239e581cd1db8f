"""IB's time formats."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.bridge.times import from_epoch_ms, news_request_time, parse_time, request_time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260402 09:30:00 US/Eastern", datetime(2026, 4, 2, 13, 30, tzinfo=UTC)),
        ("20260413 15:27:04 US/Eastern", datetime(2026, 4, 13, 19, 27, 4, tzinfo=UTC)),
        ("20260115  09:30:00 America/New_York", datetime(2026, 1, 15, 14, 30, tzinfo=UTC)),
        ("20260415-15:37:37", datetime(2026, 4, 15, 15, 37, 37, tzinfo=UTC)),
        ("20260415-15:37:37Z", datetime(2026, 4, 15, 15, 37, 37, tzinfo=UTC)),
        ("2026-04-14 14:58:42.0Z", datetime(2026, 4, 14, 14, 58, 42, tzinfo=UTC)),
        ("20260402 09:30:00", datetime(2026, 4, 2, 13, 30, tzinfo=UTC)),
        ("1775136600", datetime(2026, 4, 2, 13, 30, tzinfo=UTC)),
        ("20260402", datetime(2026, 4, 2, 4, tzinfo=UTC)),
    ],
)
def test_each_format_becomes_utc(text: str, expected: datetime) -> None:
    """Every format seen on the wire is read, with its zone or New York's."""
    assert parse_time(text) == expected
    assert parse_time(text).tzinfo is UTC


def test_news_times_take_the_zone_they_are_given() -> None:
    """A zone-less news time is read in the zone that the caller assumes."""
    assert parse_time("2026-04-14 14:58:42.0", default=UTC) == datetime(2026, 4, 14, 14, 58, 42, tzinfo=UTC)
    assert parse_time("2026-04-14 14:58:42.125", default=UTC).microsecond == 125_000


@pytest.mark.parametrize(
    ("zone", "utc_hour"),
    [
        ("EDT", 13), ("CEST", 7), ("JST", 0), ("PDT", 16), ("GMT+02:00", 7), ("GMT-5", 14), ("UTC+0530", 3),
        ("-04:00", 13), ("Etc/GMT+4", 13), ("Central Standard Time", 14), ("Eastern Daylight Time", 13),
        ("Central European Standard Time", 7), ("W. Europe Standard Time", 7), ("China Standard Time", 1),
        ("Japan Standard Time", 0), ("GMT", 9), ("EST5EDT", 13), ("Asia/Hong_Kong", 1),
    ],
)  # fmt: skip
def test_zones_that_iana_lacks_are_read_where_they_name_one(zone: str, utc_hour: int) -> None:
    """Short names, offsets, Windows' and Java's names: 09:00 on a summer day; Windows says Standard all the year."""
    at = parse_time(f"20260402 09:00:00 {zone}")
    assert (at.hour, at.minute) == (utc_hour, 30 if zone == "UTC+0530" else 0)


@pytest.mark.parametrize("zone", ["CST", "IST", "BST", "Nowhere Standard Time", "GMT+25:00", "../etc/passwd", "Europe"])
def test_a_zone_of_several_places_or_none_is_not_guessed(zone: str) -> None:
    """CST is Chicago's and Shanghai's: 14 hours apart."""
    with pytest.raises(ValueError, match="unknown time zone"):
        parse_time(f"20260402 09:00:00 {zone}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "20261302",
        "20260402 25:00:00",
        "20260402 09:30:00 Mars/Olympus",
        "2026",
        "0402",
        "093000",
        "17751366000",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Nothing is guessed: a year alone, a time without its day and a day without its year are no moments."""
    with pytest.raises(ValueError):
        parse_time(text)


@given(st.integers(min_value=0, max_value=4_000_000_000))
def test_what_we_write_we_read(epoch_s: int) -> None:
    """Request times survive the way there and back, to the second."""
    aware = datetime.fromtimestamp(epoch_s, UTC)
    assert parse_time(request_time(aware)) == aware
    assert parse_time(news_request_time(aware), default=UTC) == aware


@given(st.integers(min_value=0, max_value=4_000_000_000_000))
def test_milliseconds_are_exact(milliseconds: int) -> None:
    """Epoch milliseconds lose nothing to floating point."""
    assert (from_epoch_ms(milliseconds) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000 == pytest.approx(
        milliseconds, abs=1e-3
    )
    assert from_epoch_ms(milliseconds).microsecond == milliseconds % 1000 * 1000


def test_no_time_means_now_or_open() -> None:
    """None is IB's empty field."""
    assert request_time(None) == news_request_time(None) == ""
