"""What a flatten, stop or kill waits for, and when a human hears of it; time is moved by the test."""

import pytest

from momentum_kit.runtime.engine import flatten_deadline
from momentum_kit.runtime.engine.flatten_deadline import FlattenDeadline


class Watched:
    """A way out for a kill, with all that it told."""

    def __init__(self, limit_s: float = 30.0) -> None:
        self.now = 0.0
        self.told: list[str] = []
        self.deadline = FlattenDeadline(
            limit_s, lambda: self.now, call=lambda _, text: self.told.append(text), settle=self._settle
        )
        self.settled: list[tuple[str, str]] = []
        self.deadline.take("kill", bounded=False)

    def _settle(self, matter: str, text: str) -> None:
        self.settled.append((matter, text))

    def run(self, seconds: int, waits: dict[str, str]) -> None:
        """A look a second."""
        for _ in range(seconds):
            self.deadline.look(waits)
            self.now += 1.0


def test_a_human_hears_at_once_and_after_two_and_ten_minutes() -> None:
    """With symbol, reason and for how long; never again, however long it lasts."""
    watched = Watched()
    watched.run(1200, {"ACME": "halted"})
    assert watched.told == [
        "kill is not done: ACME: halted, for 0 s",
        "kill is not done: ACME: halted, for 120 s",
        "kill is not done: ACME: halted, for 600 s",
    ]


def test_all_that_is_in_the_way_at_a_moment_is_one_alert() -> None:
    """Twenty positions and no gateway: one call, not twenty."""
    watched = Watched()
    watched.run(3, dict.fromkeys(("ACME", "BOLT", "CRUX"), "gateway away"))
    (text,) = watched.told
    assert text.count("gateway away") == 3


def test_a_reason_that_comes_and_goes_is_told_once() -> None:
    """A broker that refuses every try: for each step and reason one alert, whatever lies between; seconds go on."""
    watched = Watched()
    for _ in range(10):
        watched.run(1, {"ACME": "order refused"})
        watched.run(1, {"ACME": "halted"})
    assert len(watched.told) == 2
    assert watched.told[1] == "kill is not done: ACME: halted, for 1 s"
    assert [str(wait) for wait in watched.deadline.waits] == ["ACME: halted, for 20 s"]


def test_what_goes_its_way_is_no_wait() -> None:
    """A position that is being sold waits for nothing; what it waited for before is over."""
    watched = Watched()
    watched.run(10, {"ACME": "halted"})
    watched.run(1, {"ACME": ""})
    assert watched.deadline.waits == ()
    assert watched.settled[-1] == ("kill not done", "nothing is in the way of the kill any more")


def test_lists_that_are_asked_for_after_a_sale_are_no_news() -> None:
    """Positions trail by seconds; where they stay away a human hears."""
    watched = Watched()
    watched.run(5, {"": "lists unknown"})
    assert watched.told == []
    watched.run(2, {"": "lists unknown"})
    assert watched.told == ["kill is not done: account: lists unknown, for 5 s"]


def test_only_a_stop_runs_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill and a flatten have no deadline; a stop has, told once."""
    monkeypatch.setattr(flatten_deadline, "monotonic", lambda: 0.0)
    watched = Watched(limit_s=30.0)
    monkeypatch.setattr(flatten_deadline, "monotonic", lambda: 3600.0)
    assert not watched.deadline.late
    watched.deadline.take("session end", bounded=True)
    assert not watched.deadline.late
    monkeypatch.setattr(flatten_deadline, "monotonic", lambda: 3630.0)
    assert watched.deadline.late
    assert (watched.deadline.first_late(), watched.deadline.first_late()) == (True, False)
