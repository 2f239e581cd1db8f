"""Requests: answers, time-outs, cancels, and answers that carry no id."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from momentum_kit.bridge.events import FIRST_REQUEST_ID, Answer
from momentum_kit.bridge.requests import Requests
from momentum_kit.errors import NoData, NotConnected, RequestTimeout


async def sent() -> None:
    """A send that succeeds."""


def refuse(error: Exception) -> Callable[[], Any]:
    """A send that fails."""

    async def send() -> None:
        raise error

    return send


async def started(requests: Requests, key: int | str) -> None:
    """Wait until a request of this key is open."""
    while not requests.waits_for(key):  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0)


@pytest.fixture
async def requests() -> Requests:
    """Requests that wait 50 ms."""
    return Requests(0.05, lambda: None)


async def test_pieces_make_one_answer(requests: Requests) -> None:
    """Values arrive one by one and are complete with the last."""
    asking = asyncio.create_task(requests.ask(7, sent))
    await started(requests, 7)
    assert requests.answer(Answer(7, ("a",), False))
    assert requests.answer(Answer(7, ("b", "c"), False))
    assert requests.answer(Answer(7, (), True))
    assert await asking == ("a", "b", "c")
    assert (requests.active, requests.waits_for(7)) == (0, False)


async def test_ids_are_far_from_order_ids_and_never_repeat(requests: Requests) -> None:
    """An error's id alone says whether it is about an order or a request."""
    ids = [requests.next_id() for _ in range(100)]
    assert len(set(ids)) == 100
    assert min(ids) >= FIRST_REQUEST_ID


async def test_no_answer_raises_and_cancels(requests: Requests) -> None:
    """After the time-out the broker is told, and the caller learns the broker's last word."""
    cancelled: list[int] = []
    asking = asyncio.create_task(requests.ask(7, sent, cancel=lambda: cancelled.append(7)))
    await started(requests, 7)
    requests.remark(7, "be patient (2999)")
    with pytest.raises(RequestTimeout, match=r"be patient \(2999\)"):
        await asking
    assert (cancelled, requests.active) == ([7], 0)
    assert not requests.answer(Answer(7, ("late",), True))


async def test_a_cancelled_caller_cancels_at_the_broker(requests: Requests) -> None:
    """Nobody waits any more: the broker is told."""
    cancelled: list[int] = []
    asking = asyncio.create_task(requests.ask(7, sent, cancel=lambda: cancelled.append(7)))
    await started(requests, 7)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (cancelled, requests.active) == ([7], 0)


async def test_what_was_never_sent_is_not_cancelled(requests: Requests) -> None:
    """A send that failed leaves nothing to cancel, and no debt."""
    cancelled: list[int] = []
    with pytest.raises(NotConnected):
        await requests.ask(7, refuse(NotConnected("down")), cancel=lambda: cancelled.append(7))
    with pytest.raises(NotConnected):
        await requests.ask_by_name("positions", refuse(NotConnected("down")))
    assert cancelled == []
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("all",), True))
    assert await asking == ("all",)


async def test_a_refusal_reaches_the_caller(requests: Requests) -> None:
    """The broker's error is the caller's exception."""
    asking = asyncio.create_task(requests.ask(7, sent))
    await started(requests, 7)
    requests.fail(7, NoData(162, "nothing"))
    requests.fail(7, NoData(162, "twice"))
    requests.fail(8, NoData(162, "somebody else's"))
    with pytest.raises(NoData, match="nothing"):
        await asking


async def test_a_lost_connection_fails_everything(requests: Requests) -> None:
    """Nobody waits for a dead connection."""
    asking = [asyncio.create_task(requests.ask(key, sent)) for key in (1, 2)]
    await started(requests, 2)
    requests.fail_all("connection lost")
    for error in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(error, NotConnected)


async def test_an_answer_that_never_begins_is_empty_where_that_is_known() -> None:
    """An empty day's executions may never end: quiet means none."""
    requests = Requests(30, lambda: None)
    assert await requests.ask(7, sent, quiet_s=0.01) == ()


async def test_an_answer_that_began_must_end(requests: Requests) -> None:
    """Half a list is not a list: without its end it is a time-out."""
    asking = asyncio.create_task(requests.ask(7, sent, quiet_s=0.02))
    await started(requests, 7)
    requests.answer(Answer(7, ("one",), False))
    with pytest.raises(RequestTimeout):
        await asking


async def test_nameless_answers_go_to_one_request_at_a_time(requests: Requests) -> None:
    """Two callers of the same thing: the second is sent when the first is answered."""
    log: list[str] = []

    async def send() -> None:
        log.append("sent")

    both = [asyncio.create_task(requests.ask_by_name("positions", send)) for _ in range(2)]
    await started(requests, "positions")
    assert (log, requests.active) == (["sent"], 2)
    requests.answer(Answer("positions", (1,), True))
    assert await both[0] == (1,)
    await started(requests, "positions")
    requests.answer(Answer("positions", (2,), True))
    assert await both[1] == (2,)
    assert (log, requests.active) == (["sent", "sent"], 0)


async def test_a_late_nameless_answer_is_never_taken_for_the_next(requests: Requests) -> None:
    """After a time-out the late answer is awaited and thrown away before anything new is asked."""
    with pytest.raises(RequestTimeout):
        await requests.ask_by_name("positions", sent)
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await asyncio.sleep(0)
    requests.answer(Answer("positions", ("old",), False))
    requests.answer(Answer("positions", (), True))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("new",), True))
    assert await asking == ("new",)


async def test_a_debt_that_is_never_paid_is_written_off(requests: Requests) -> None:
    """If the late answer does not come either, the next request says so and the one after is free."""
    with pytest.raises(RequestTimeout):
        await requests.ask_by_name("positions", sent)
    with pytest.raises(RequestTimeout, match="nothing was sent"):
        await requests.ask_by_name("positions", sent)
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("new",), True))
    assert await asking == ("new",)


async def test_every_end_is_reported() -> None:
    """Lock-step hears of each request that ends."""
    ends: list[int] = []
    requests = Requests(0.01, lambda: ends.append(1))
    with pytest.raises(RequestTimeout):
        await requests.ask(7, sent)
    with pytest.raises(NotConnected):
        await requests.ask(8, refuse(NotConnected("down")))
    assert ends == [1, 1]
