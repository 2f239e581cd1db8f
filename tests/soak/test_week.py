"""The days of `make week` in small: what is held over a weekend, with a log-in in it that comes late."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from momentum_kit.notebook.review import Review
from tests.soak.week import CLEAN, ROUGH, Day, Lived, desk, wrong_with, wrong_with_all

FRIDAY = Day(day=date(2026, 10, 30), crash="machine")
MONDAY = Day(day=date(2026, 11, 2), log_in="late", ids_anew=True)


@pytest.mark.timeout(300)  # two engines and two kernels start on a machine that may be busy
def test_what_is_held_over_a_weekend_is_sold_after_a_late_log_in(tmp_path: Path) -> None:
    """Cut off on Friday with a stop at the broker; on Monday, at another hour of UTC, somebody is called, then flat."""
    with desk(tmp_path, hours=0.6) as held:
        lived = [held.live(FRIDAY), held.live(MONDAY)]
        assert wrong_with_all((FRIDAY, MONDAY), lived, Review(tmp_path / "runs")) == []


def test_the_stretches_hold_what_they_are_there_for() -> None:
    """A change of summer time and a weekend in the clean one; half day, both log-ins and crashes in the rough one."""
    days = [what.day for what in CLEAN]
    assert days[1] < date(2026, 11, 1) < days[2]
    assert {what.log_in for what in ROUGH} == {"", "late", "missed"}
    assert {what.crash for what in ROUGH} == {"", "engine", "machine"}
    assert date(2026, 11, 27) in {what.day for what in ROUGH}
    assert not any(what.crash or what.log_in or what.restart for what in CLEAN)


FINE = Lived(
    day=date(2026, 10, 29), exit_status=0, wall_s=1.0, held={}, stops={}, summary={"entries": 1}, flight_log=True
)


@pytest.mark.parametrize(
    ("what", "lived", "found"),
    [
        (Day(day=FINE.day), FINE, []),
        (Day(day=FINE.day), replace(FINE, held={1: 5.0}), ["flat"]),
        (Day(day=FINE.day), replace(FINE, stops={1: 5.0}), ["flat"]),
        (Day(day=FINE.day), replace(FINE, exit_status=3), ["exit status"]),
        (Day(day=FINE.day), replace(FINE, pages=["x"]), ["nobody is called for nothing"]),
        (Day(day=FINE.day), replace(FINE, flight_log=False), ["a flight log"]),
        (Day(day=date(2026, 10, 30)), FINE, ["the log-in is reminded of"]),
        (
            Day(day=FINE.day, crash="machine"),
            replace(FINE, exit_status=-9, held={1: 5.0}, stops={}, summary={}, flight_log=False),
            ["held with its stop"],
        ),
    ],
)
def test_what_is_wrong_with_a_day_is_seen(what: Day, lived: Lived, found: list[str]) -> None:
    """Each check of a day can fail."""
    assert wrong_with(what, lived) == [f"{FINE.day}: {name}" for name in found]
