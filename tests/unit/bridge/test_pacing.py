"""Request limits on a clock that the test moves."""

import asyncio
import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.bridge.pacing import RESEARCH_SHARE, HistoryPacer, Outbox, Pacing, RateWindow, SendRate
from momentum_kit.errors import NotConnected


class Wall:
    """A clock to wind."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200), st.integers(1, 10))
def test_no_window_ever_holds_more_than_its_limit(gaps: list[float], limit: int) -> None:
    """Whoever waits as told never exceeds the limit in any span, wherever it starts."""
    window, now, times = RateWindow(limit, 2.0), 0.0, []
    for gap in gaps:
        now += gap
        now += window.delay_s(now)
        assert window.delay_s(now + 1e-9) == 0
        window.record(now)
        times.append(now)
    for index, start in enumerate(times):
        assert sum(start <= at < start + 2.0 - 1e-6 for at in times[index:]) <= limit


def test_a_weight_waits_for_as_many_to_leave() -> None:
    """BID_ASK counts twice."""
    window = RateWindow(3, 10.0)
    window.record(0.0)
    window.record(4.0)
    assert window.delay_s(5.0, weight=1) == 0
    assert window.delay_s(5.0, weight=2) == pytest.approx(5.0)
    assert window.delay_s(5.0, weight=3) == pytest.approx(9.0)


def test_without_a_limit_nothing_waits() -> None:
    """A simulated gateway may be asked at any rate."""
    window = RateWindow(math.inf, 1.0)
    for _ in range(1000):
        assert window.delay_s(0.0) == 0
        window.record(0.0)


async def test_requests_leave_more_than_half_of_the_rate_to_orders() -> None:
    """However many requests wait, 20 of a second's 45 messages are theirs; orders overtake them and have the rest."""
    wall, log = Wall(), []
    outbox = Outbox(SendRate(45, wall))
    ordinary = [outbox.post(lambda: log.append("request")) for _ in range(100)]
    assert len(log) == 20
    urgent = [outbox.post(lambda: log.append("order"), urgent=True) for _ in range(26)]
    assert log[20:] == ["order"] * 25
    assert (sum(one.done() for one in ordinary), sum(one.done() for one in urgent)) == (20, 25)
    wall.now += 1.251
    ordinary.append(outbox.post(lambda: log.append("request")))
    assert log[45:] == ["order"] + ["request"] * 20
    outbox.close(NotConnected("over"))
    errors = await asyncio.gather(*ordinary, *urgent, return_exceptions=True)
    assert sum(isinstance(error, NotConnected) for error in errors) == 101 - 20 - 20
    assert outbox.empty


async def test_orders_may_take_the_whole_rate() -> None:
    """Nothing is kept from them; requests then wait."""
    wall, log = Wall(), []
    outbox = Outbox(SendRate(45, wall))
    for _ in range(46):
        outbox.post(lambda: log.append("order"), urgent=True)
    outbox.post(lambda: log.append("request"))
    assert log == ["order"] * 45
    wall.now += 1.251
    outbox.post(lambda: log.append("request"))
    assert log[45:] == ["order", "request", "request"]


async def test_a_client_that_never_orders_keeps_nothing_back() -> None:
    """A download asks at the whole rate."""
    wall, log = Wall(), []
    outbox = Outbox(SendRate(45, wall, orders=False))
    for _ in range(46):
        outbox.post(lambda: log.append("request"))
    assert len(log) == 45


async def test_what_waits_is_sent_in_time_by_itself() -> None:
    """The queue moves on without another post."""
    outbox, log = Outbox(SendRate(2, orders=False)), []
    waiting = [outbox.post(lambda: log.append(1)) for _ in range(3)]
    assert (len(log), outbox.empty) == (2, False)
    await asyncio.wait_for(waiting[2], 60)
    assert (len(log), outbox.empty) == (3, True)


async def test_a_cancelled_post_is_never_sent() -> None:
    """Whoever stopped waiting before his turn sends nothing."""
    wall, log = Wall(), []
    outbox = Outbox(SendRate(1, wall))
    outbox.post(lambda: log.append("first"))
    outbox.post(lambda: log.append("second")).cancel()
    wall.now += 2
    outbox.post(lambda: log.append("third"))
    assert log == ["first", "third"]


async def test_a_failed_send_is_its_posters() -> None:
    """An error reaches the one who posted, and the others go on."""
    outbox = Outbox(SendRate(math.inf))

    def fail() -> None:
        raise NotConnected("down")

    failed, fine = outbox.post(fail), outbox.post(lambda: None)
    await fine
    with pytest.raises(NotConnected):
        await failed


async def test_a_pause_holds_requests_and_not_orders() -> None:
    """After error 100 requests rest; a cancel does not."""
    wall, log = Wall(), []
    outbox = Outbox(SendRate(math.inf, wall))
    outbox.pause(1.0)
    outbox.post(lambda: log.append("request"))
    outbox.post(lambda: log.append("cancel"), urgent=True)
    assert log == ["cancel"]
    wall.now += 1.1
    outbox.post(lambda: log.append("later"))
    assert log == ["cancel", "request", "later"]


async def waits(pacer: HistoryPacer, *args: object) -> bool:
    """True if a request must wait for its turn."""

    async def take() -> None:
        async with pacer.slot(*args):  # type: ignore[arg-type]
            pass

    try:
        await asyncio.wait_for(take(), 0.02)
    except TimeoutError:
        return True
    return False


async def test_the_same_request_waits_15_s() -> None:
    """IB answers an identical small-bar request within 15 s with an error, or with silence; half a second is margin."""
    wall = Wall()
    pacer = HistoryPacer(clock=wall)
    assert not await waits(pacer, 1, "a", 5, "TRADES")
    assert await waits(pacer, 1, "a", 5, "TRADES")
    assert not await waits(pacer, 1, "b", 5, "TRADES")
    wall.now += 15.51
    assert not await waits(pacer, 1, "a", 5, "TRADES")


async def test_one_contract_takes_five_in_two_seconds() -> None:
    """Six for the same contract and tick type within 2 s are a violation; BID_ASK counts twice."""
    pacer = HistoryPacer(clock=Wall())
    for request in range(5):
        assert not await waits(pacer, 1, request, 30, "TRADES")
    assert await waits(pacer, 1, 6, 30, "TRADES")
    for request in range(2):
        assert not await waits(pacer, 2, ("ba", request), 5, "BID_ASK")
    assert await waits(pacer, 2, ("ba", 2), 5, "BID_ASK")


async def test_sixty_in_ten_minutes() -> None:
    """Over all contracts."""
    wall = Wall()
    pacer = HistoryPacer(clock=wall)
    for contract in range(60):
        assert not await waits(pacer, contract, contract, 5, "TRADES")
    wall.now += 599
    assert await waits(pacer, 99, 99, 5, "TRADES")
    wall.now += 2
    assert not await waits(pacer, 99, 99, 5, "TRADES")


@pytest.mark.parametrize("make", [lambda: HistoryPacer(clock=Wall()), lambda: HistoryPacer(small_bar_rules=False)])
async def test_larger_bars_and_simulated_gateways_are_free(make: Callable[[], HistoryPacer]) -> None:
    """The hard rules are for bars up to 30 s at the real broker."""
    pacer = make()
    bar_s = 60 if pacer._rules else 5
    for _ in range(100):
        assert not await waits(pacer, 1, "same", bar_s, "TRADES")


async def test_at_most_fifty_requests_are_open() -> None:
    """The fifty-first waits until one has ended."""
    pacer = HistoryPacer()
    slots = [pacer.slot(1, index, 60, "TRADES") for index in range(50)]
    for slot in slots:
        await slot.__aenter__()
    assert await waits(pacer, 1, 51, 60, "TRADES")
    await slots[0].__aexit__(None, None, None)
    assert not await waits(pacer, 1, 51, 60, "TRADES")


async def test_old_keys_are_forgotten() -> None:
    """A long session does not remember every request it ever made."""
    wall = Wall()
    pacer = HistoryPacer(clock=wall)
    for contract in range(1100):
        wall.now += 20
        assert not await waits(pacer, contract, contract, 5, "TRADES")
    assert len(pacer._requests) <= 1001
    assert len(pacer._contracts) <= 1001


async def test_a_notebook_takes_a_share_of_the_history_and_a_session_finds_the_rest() -> None:
    """Both draw on the windows of one login; what a notebook may not take any more a headline still gets."""
    session = Pacing()
    notebook = session.for_research(45.0)
    assert notebook.messages is not session.messages
    for number in range(RESEARCH_SHARE):
        assert not await waits(notebook.history, number, number, 5, "TRADES")
    assert await waits(notebook.history, "more", "more", 5, "TRADES")
    assert not await waits(notebook.history, "minutes", "minutes", 60, "TRADES")
    for number in range(60 - RESEARCH_SHARE):
        assert not await waits(session.history, -number - 1, -number - 1, 5, "TRADES")
    assert await waits(session.history, "one more", "one more", 5, "TRADES")
