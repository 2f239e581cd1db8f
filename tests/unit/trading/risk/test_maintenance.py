from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from momentum_kit.config import MaintenanceWindow, RiskSettings
from momentum_kit.trading.risk import maintenance_until, to_maintenance_s

NEW_YORK = ZoneInfo("America/New_York")
IB = RiskSettings().maintenance


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        ("2026-11-25 00:00", 900),  # Wednesday
        ("2026-11-25 00:15", 0),
        ("2026-11-25 01:44", 0),
        ("2026-11-25 01:45", 22.5 * 3600),
        ("2026-11-27 22:59", 60),  # Friday
        ("2026-11-27 23:30", 0),
        ("2026-11-28 02:59", 0),  # Saturday: the weekend's window, begun on Friday
        ("2026-11-28 03:00", 21.25 * 3600),
        ("2026-11-28 00:30", 0),
        ("2026-11-01 00:30", 0),  # the night on which the clocks go back
    ],
)
def test_the_broker_resets_its_servers_at_night(at, seconds):
    """Sunday to Friday 00:15 to 01:45 New York, and from Friday 23:00 to Saturday 03:00."""
    now = datetime.fromisoformat(at).replace(tzinfo=NEW_YORK)
    assert to_maintenance_s(now, IB) == seconds


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-25 00:14", None),  # Wednesday
        ("2026-11-25 00:15", "2026-11-25 01:45"),
        ("2026-11-25 01:45", None),
        ("2026-11-27 23:30", "2026-11-28 03:00"),  # Friday: the weekend's
        ("2026-11-28 02:59", "2026-11-28 03:00"),
        ("2026-11-28 12:00", None),
        ("2026-11-01 01:30", "2026-11-01 01:45"),  # the night on which the clocks go back
    ],
)
def test_a_window_ends(at, until):
    """Whoever waits for the gateway in it waits until then."""
    now = datetime.fromisoformat(at).replace(tzinfo=NEW_YORK)
    found = maintenance_until(now, IB)
    assert (f"{found.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" if found else None) == until


def test_windows_that_follow_each_other_are_one():
    """A second one that begins before the first has ended makes the wait longer."""
    first = MaintenanceWindow(days=("Tue",), start="10:00", end="11:00")
    second = MaintenanceWindow(days=("Tue",), start="11:00", end="12:30")
    now = datetime(2026, 3, 10, 10, 30, tzinfo=NEW_YORK)
    assert maintenance_until(now, [second, first]) == datetime(2026, 3, 10, 12, 30, tzinfo=NEW_YORK)


def test_a_window_is_dated():
    """Before its first day and after its last one it does not hold; without any, none is near."""
    window = MaintenanceWindow(
        days=("Tue",),
        start="10:00",
        end="11:00",
        zone="Europe/Berlin",
        since=date(2026, 3, 10),
        until=date(2026, 3, 17),
    )
    berlin = ZoneInfo("Europe/Berlin")
    inside = [to_maintenance_s(datetime(2026, 3, day, 10, 30, tzinfo=berlin), [window]) for day in (3, 10, 17, 24)]
    assert inside == [6 * 86_400 + 23.5 * 3_600, 0, 0, float("inf")]
    assert to_maintenance_s(datetime(2026, 3, 10, 10, 30, tzinfo=berlin), []) == float("inf")


@pytest.mark.parametrize("change", [{"start": "24:00"}, {"end": "9:00"}, {"days": ("Tuesday",)}, {"zone": "Mars"}])
def test_a_window_that_says_nothing_is_refused(change):
    """A time of day, a day and a time zone are what they are called."""
    with pytest.raises(ValidationError, match=next(iter(change))):
        MaintenanceWindow(**{"days": ("Tue",), "start": "10:00", "end": "11:00", **change})
