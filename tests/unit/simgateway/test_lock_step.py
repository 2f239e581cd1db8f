"""The rhythm of a market that waits: leaps pass time in which nothing happens, and nothing else."""

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.simgateway.lock_step import LockStep

START = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
STEP = timedelta(seconds=2.5)
END = START + timedelta(minutes=20)


class Told:
    """A market with headlines at these times; the time to which it moved, step by step, is kept."""

    def __init__(self, stops: list[datetime]) -> None:
        self.now = START
        self.seen: list[datetime] = []
        self._stops = stops

    def next_stop(self, until: datetime) -> datetime | None:
        """The next headline before a time."""
        index = bisect_right(self._stops, self.now)
        return self._stops[index] if index < len(self._stops) and self._stops[index] < until else None

    def lived(self, leaps: list[timedelta]) -> list[datetime]:
        """To the end; before each whole step the client leaps so far, in turn."""
        rhythm, due, turn = LockStep(self, STEP), self.now + STEP, 0
        while self.now < END:
            if leaps:
                due += rhythm.leap(leaps[turn % len(leaps)])
                turn += 1
            while True:
                to, moves = rhythm.next()
                if moves:
                    self.now = to
                    self.seen.append(to)
                if to >= due:
                    break
            assert to == due, "the step ends when the client was told that it would"
            due += STEP
        return self.seen


@given(
    st.lists(st.integers(0, 1_200_000), max_size=12, unique=True),
    st.lists(st.integers(0, 40).map(lambda steps: steps * STEP), min_size=1, max_size=6),
)
def test_leaps_leave_out_steps_in_which_nothing_is_told_and_add_none(ms: list[int], leaps: list[timedelta]) -> None:
    """Every headline is told at its own time, between the same two steps of the grid as without a leap."""
    stops = sorted(START + timedelta(milliseconds=each) for each in ms)
    exact, leapt = Told(stops).lived([]), Told(stops).lived(leaps)
    last = leapt[-1]
    assert set(leapt) - {last} <= set(exact)
    told = [each for each in stops if START < each <= END]
    assert [each for each in leapt if each in told] == [each for each in exact if each in told]
    for stop in told:
        if stop in exact[1:]:
            before = exact[exact.index(stop) - 1]
            assert leapt[leapt.index(stop) - 1] == before, "what the client knew of the time just before it"
