"""The wall clock against elapsed time, both moved by the test."""

from datetime import timedelta

import pytest

from momentum_kit.runtime.engine.clock_watch import ClockWatch
from tests.helpers.broker_in_memory import TestClock


class Machine:
    """A clock, what it was asked to do, and what a human was told; `awake` stands still while it sleeps."""

    def __init__(self) -> None:
        self.clock = TestClock()
        self.awake = 0.0
        self.told: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.watch = ClockWatch(
            self.clock,
            incident=lambda kind, text: self.told.append((kind, text)),
            ask_anew=self.asked.append,
            awake=lambda: self.awake,
        )

    def run(self, seconds: float, *, asleep: bool = False, stepped_s: float = 0.0) -> None:
        """Let time pass, then look."""
        self.clock.time += timedelta(seconds=seconds)
        self.clock.stepped += timedelta(seconds=stepped_s)
        self.awake += 0.0 if asleep else seconds
        self.watch.look()


@pytest.mark.parametrize("step_s", [-3600.0, -2.5, 2.5, 86_400.0])
def test_a_wall_clock_that_is_set_is_told_with_the_numbers(step_s: float) -> None:
    """Either way; nothing is asked, and the next look has nothing new."""
    machine = Machine()
    machine.run(0.25)
    machine.run(0.25, stepped_s=step_s)
    machine.run(0.25)
    ((kind, text),) = machine.told
    assert kind == "clock"
    assert f"set by {step_s:+.1f} s" in text
    assert "while 0.2 s passed" in text
    assert machine.asked == []


def test_a_clock_that_is_slewed_is_not_told() -> None:
    """Time daemons move it by parts of a second; so may a beat that was late by less than the tolerance."""
    machine = Machine()
    for step_s in (0.5, -1.9, 1.9):
        machine.run(4.9, stepped_s=step_s)
    assert (machine.told, machine.asked) == ([], [])


def test_a_machine_that_slept_is_told_and_the_broker_is_asked_anew() -> None:
    """The lid was closed for ten minutes: elapsed time counts it, beats did not come."""
    machine = Machine()
    machine.run(600.0, asleep=True)
    ((kind, text),) = machine.told
    assert kind == "clock"
    assert "nothing ran here for 600.0 s, 600.0 s of it the machine slept" in text
    assert machine.asked == ["nothing ran here for 600.0 s, 600.0 s of it the machine slept"]


def test_a_process_that_stood_still_is_as_stale_as_one_that_slept() -> None:
    """SIGSTOP, or a loop that was held: no sleep of the machine, and yet nothing was heard."""
    machine = Machine()
    machine.run(12.0)
    assert machine.asked == ["nothing ran here for 12.0 s, 0.0 s of it the machine slept"]


def test_a_sleep_after_which_the_clock_is_set_tells_both() -> None:
    """A laptop that wakes and is then put right by its time daemon."""
    machine = Machine()
    machine.run(600.0, asleep=True, stepped_s=-30.0)
    assert [text.partition(",")[0] for _, text in machine.told] == [
        "the wall clock was set by -30.0 s",
        "nothing ran here for 600.0 s",
    ]
