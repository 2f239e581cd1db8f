"""The times that clients write into their requests."""

from datetime import UTC, datetime

import pytest

from momentum_kit.simgateway.protocol.times import parse_time
from momentum_kit.simgateway.protocol.wire import WireError

AT = datetime(2026, 11, 19, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "20261119 16:00:00 US/Eastern",
        "20261119 16:00:00",
        "20261119-21:00:00",
        "20261119-21:00:00Z",
        "2026-11-19 21:00:00.0",
        "2026-11-19 21:00:00.0Z",
        "20261119 21:00:00Z",
    ],
)
def test_every_form_of_a_moment_is_read(text: str) -> None:
    """A zone by name, New York's where there is none, UTC after a dash, in the dashed form, or by a Z."""
    assert parse_time(text) == AT


@pytest.mark.parametrize(
    "text", ["Z", "20261119Z", "20261119-21:00:00ZZ", "20261332", "20261119 16:00:00 Mars/Olympus"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(WireError):
        parse_time(text)
