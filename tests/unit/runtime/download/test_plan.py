import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.errors import NoData, PacingViolation, RequestFailed, RequestTimeout
from momentum_kit.runtime.download import asking as download_asking
from momentum_kit.runtime.download.asking import Asked, Asker, TimeLeft
from momentum_kit.runtime.download.plan import SMALL_SPAN, pieces, trading_days, uncovered, weeks

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
minutes = st.integers(0, 300)
spans = st.tuples(minutes, st.integers(1, 90)).map(
    lambda span: (AT + timedelta(minutes=span[0]), AT + timedelta(minutes=span[0] + span[1]))
)


@given(spans, st.lists(spans, max_size=5))
def test_what_is_asked_for_and_what_is_known_make_the_whole(wanted, covered):
    """Every minute of a span is either known or asked for, never both, in requests that IB takes."""
    asked = [piece for part in uncovered(wanted, covered) for piece in pieces(part)]
    assert all(end - start <= SMALL_SPAN for start, end in asked)
    for number in range(int((wanted[1] - wanted[0]) / timedelta(minutes=1))):
        at = wanted[0] + timedelta(minutes=number)
        known = any(start <= at < end for start, end in covered)
        assert sum(start <= at < end for start, end in asked) == (not known)


def test_weeks_are_runs_of_trading_days():
    """A request covers at most five exchange days that follow each other; holidays do not break a run."""
    days = trading_days(date(2026, 11, 23), date(2026, 12, 4))
    assert date(2026, 11, 26) not in days
    assert [len(week) for week in weeks(days)] == [5, 4]
    days.remove(date(2026, 11, 24))
    assert [len(week) for week in weeks(days)] == [1, 5, 2]


def test_the_time_left_knows_the_limits():
    """Small bars cannot go on as fast as they began: the estimate waits for IB's window."""
    now = 0.0
    left = TimeLeft(100, floor_s=15.0, free=40, clock=lambda: now)
    assert math.isnan(left.after(0))
    now = 1.0
    assert left.after(10) == (90 - 30) * 15.0
    now = 3000.0
    assert left.after(50) == 3000.0


class Gateway:
    """Answers from a script: values, or errors to raise."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.connects = 0

    async def connect(self) -> None:
        """Count it."""
        self.connects += 1

    async def fetch(self) -> object:
        """The next answer."""
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Asks a scripted gateway without the long waits."""
    monkeypatch.setattr(download_asking, "SILENCE_WAIT_S", 0.0)
    monkeypatch.setattr(download_asking, "PACING_WAIT_S", 0.0)

    async def ask(*script: object) -> tuple[Asked, Gateway]:
        gateway = Gateway(*script)
        return await Asker(gateway).ask(gateway.fetch, "a question"), gateway  # type: ignore[arg-type]

    return ask


NONE = NoData(162, "Historical Market Data Service error message:HMDS query returned no data")
SILENT = NoData(162, "no TRADES bars of SPY for 1 D of 1 min")


async def test_pacing_and_silence_are_asked_again(ask):
    """A pacing violation waits and asks again on a connection that is up; so does an empty answer."""
    asked, gateway = await ask(PacingViolation(162, "pacing"), "bars")
    assert (asked.value, gateway.connects) == ("bars", 2)
    asked, _ = await ask(SILENT, "bars")
    assert asked.value == "bars"


async def test_an_honest_none_is_believed_at_once_and_a_silent_one_when_it_repeats(ask):
    """IB's words for no data count; an empty answer, which may be pacing in disguise, counts when it comes twice."""
    asked, gateway = await ask(NONE)
    assert (asked.value, asked.none, gateway.connects) == (None, NONE.text, 1)
    asked, _ = await ask(SILENT, SILENT)
    assert asked.none == f"empty answer, twice: {SILENT.text}"


async def test_a_refusal_is_not_asked_again(ask):
    """What asking again cannot change goes to the caller."""
    with pytest.raises(RequestFailed, match="Not subscribed"):
        await ask(RequestFailed(321, "Not subscribed for 'BZ' provider"))


async def test_a_gateway_that_stays_silent_is_an_error():
    """When patience is over the last error goes to the caller, in its own words."""
    gateway = Gateway(*[RequestTimeout("no answer within 5 s")] * 3)
    with stamina.set_testing(True, attempts=2), pytest.raises(RequestTimeout, match="no answer within 5 s"):
        await Asker(gateway).ask(gateway.fetch, "a question")  # type: ignore[arg-type]
    assert gateway.connects == 2
