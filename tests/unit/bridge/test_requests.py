"""Requests: answers, time-outs, cancels, and answers that carry no id."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from momentum_kit.bridge.events import FIRST_REQUEST_ID, Answer, Unreadable
from momentum_kit.bridge.requests import Requests
from momentum_kit.errors import AnswerIncomplete, NoData, NotConnected, RequestTimeout
from tests.helpers.shifted_wall import ShiftedWall

TIMEOUT_S = 60.0


async def sent(at_hand_over: Callable[[], None] = lambda: None) -> None:
    """A send that succeeds."""
    at_hand_over()


def refuse(error: Exception) -> Callable[..., Any]:
    """A send that fails at the socket."""

    async def send(at_hand_over: Callable[[], None] = lambda: None) -> None:
        at_hand_over()
        raise error

    return send


async def end_of_turn() -> None:
    """Whoever can go on goes on."""
    for _ in range(5):
        await asyncio.sleep(0)


async def started(requests: Requests, key: int | str) -> None:
    """Wait until a request of this key is open."""
    while not requests.waits_for(key):  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0)


def requests_of(timeout_s: float, changed: Callable[[], None] = lambda: None, unclaimed: Any = None) -> Requests:
    """Requests to which everything received has been handled already."""
    return Requests(
        timeout_s,
        changed=changed,
        mark=lambda call: call(),
        unclaimed=unclaimed or (lambda _: None),
        stray=lambda _: None,
    )


@pytest.fixture
async def requests() -> Requests:
    """Requests that wait a minute, which only a test lets pass."""
    return requests_of(TIMEOUT_S)


async def give_up(wall: ShiftedWall, requests: Requests) -> None:
    """A list is asked for and not answered in time."""
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    await wall.pass_time(TIMEOUT_S)
    with pytest.raises(RequestTimeout):
        await asking


async def test_pieces_make_one_answer(requests: Requests) -> None:
    """Values arrive one by one and are complete with the last."""
    asking = asyncio.create_task(requests.ask(7, sent, "news"))
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


async def test_no_answer_raises_and_cancels(wall: ShiftedWall, requests: Requests) -> None:
    """After the time-out the broker is told, and the caller learns the broker's last word."""
    cancelled: list[int] = []
    asking = asyncio.create_task(requests.ask(7, sent, "news", cancel=lambda: cancelled.append(7)))
    await started(requests, 7)
    requests.remark(7, "be patient (2999)")
    await wall.pass_time(TIMEOUT_S)
    with pytest.raises(RequestTimeout, match=r"be patient \(2999\)"):
        await asking
    assert (cancelled, requests.active) == ([7], 0)
    assert not requests.answer(Answer(7, ("late",), True))


async def test_a_cancelled_caller_cancels_at_the_broker(requests: Requests) -> None:
    """Nobody waits any more: the broker is told."""
    cancelled: list[int] = []
    asking = asyncio.create_task(requests.ask(7, sent, "news", cancel=lambda: cancelled.append(7)))
    await started(requests, 7)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (cancelled, requests.active) == ([7], 0)


async def test_what_was_never_sent_is_not_cancelled(requests: Requests) -> None:
    """A send that failed leaves nothing to cancel, and no debt."""
    cancelled: list[int] = []
    with pytest.raises(NotConnected):
        await requests.ask(7, refuse(NotConnected("down")), "news", cancel=lambda: cancelled.append(7))
    with pytest.raises(NotConnected):
        await requests.ask_by_name("positions", refuse(NotConnected("down")))
    assert cancelled == []
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("all",), True))
    assert await asking == ("all",)


async def test_a_refusal_reaches_the_caller(requests: Requests) -> None:
    """The broker's error is the caller's exception."""
    asking = asyncio.create_task(requests.ask(7, sent, "news"))
    await started(requests, 7)
    requests.fail(7, NoData(162, "nothing"))
    requests.fail(7, NoData(162, "twice"))
    requests.fail(8, NoData(162, "somebody else's"))
    with pytest.raises(NoData, match="nothing"):
        await asking


async def test_a_lost_connection_fails_everything(requests: Requests) -> None:
    """Nobody waits for a dead connection."""
    asking = [asyncio.create_task(requests.ask(key, sent, "news")) for key in (1, 2)]
    await started(requests, 2)
    requests.fail_all("connection lost")
    for error in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(error, NotConnected)


async def test_an_answer_that_began_must_end(wall: ShiftedWall) -> None:
    """Half a list is not a list: without its end it is a time-out, and what came is handed on as no answer's."""
    left: list[Any] = []
    requests = requests_of(TIMEOUT_S, unclaimed=left.extend)
    asking = asyncio.create_task(requests.ask(7, sent, "news"))
    await started(requests, 7)
    requests.answer(Answer(7, ("one",), False))
    await wall.pass_time(TIMEOUT_S)
    with pytest.raises(RequestTimeout, match="news: no whole answer"):
        await asking
    assert left == ["one"]


async def test_nameless_answers_go_to_one_request_at_a_time(requests: Requests) -> None:
    """Two callers of the same thing: the second is sent when the first is answered."""
    log: list[str] = []

    async def send(at_hand_over: Callable[[], None]) -> None:
        at_hand_over()
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


async def test_a_late_nameless_answer_is_never_taken_for_the_next(wall: ShiftedWall, requests: Requests) -> None:
    """After a time-out the next End is the old request's: what came before it is thrown away, and we ask once more."""
    await give_up(wall, requests)
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("old",), False))
    requests.answer(Answer("positions", (), True))
    await end_of_turn()
    requests.answer(Answer("positions", ("new",), True))
    assert await asking == ("new",)


async def test_a_late_answer_that_comes_while_nobody_asks_pays_its_debt(wall: ShiftedWall, requests: Requests) -> None:
    """The request after it is asked once, and its End is its own."""
    await give_up(wall, requests)
    assert not requests.answer(Answer("positions", ("old",), True))
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("new",), True))
    assert await asking == ("new",)


async def test_a_late_answer_that_never_comes_stops_nothing(wall: ShiftedWall, requests: Requests) -> None:
    """A gateway that lost one request: each later one is asked twice, and what counts is the answer to the second."""
    await give_up(wall, requests)
    for _ in range(3):
        asked: list[str] = []

        async def send(at_hand_over: Callable[[], None], asked: list[str] = asked) -> None:
            at_hand_over()
            asked.append(f"answer to {len(asked)}")

        asking = asyncio.create_task(requests.ask_by_name("positions", send))
        for number in range(2):
            while len(asked) <= number:  # noqa: ASYNC110  what is waited for has no event
                await asyncio.sleep(0)
            requests.answer(Answer("positions", (asked[number],), True))
        assert await asking == ("answer to 1",)


async def test_a_burst_of_old_ends_is_counted(wall: ShiftedWall, requests: Requests) -> None:
    """Three given up, three Ends at once, and a fourth: the answer is what came between the third and the fourth."""
    for _ in range(3):
        await give_up(wall, requests)
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    for value in ("a", "b", "c", "ours"):
        requests.answer(Answer("positions", (value,), True))
    assert await asking == ("ours",)


async def test_an_end_that_nobody_owes_completes_nothing() -> None:
    """Rows and Ends that had been received when the request went out are not its answer."""
    marks: list[Callable[[], None]] = []
    strays: list[str] = []
    requests = Requests(
        TIMEOUT_S, changed=lambda: None, mark=marks.append, unclaimed=lambda _: None, stray=strays.append
    )
    requests.answer(Answer("positions", (), True))  # before the first question: a greeting
    assert strays == []
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await end_of_turn()
    (reached,) = marks
    assert not requests.answer(Answer("positions", ("before",), False))
    requests.answer(Answer("positions", (), True))
    reached()
    requests.answer(Answer("positions", ("after",), False))
    await end_of_turn()
    assert not asking.done()
    requests.answer(Answer("positions", (), True))
    assert await asking == ("after",)
    assert strays == ["positions"]
    requests.answer(Answer("positions", (), True))
    assert strays == ["positions"] * 2


async def test_a_cancelled_list_leaves_its_end_behind(requests: Requests) -> None:
    """Nobody waits for it any more, and it comes all the same: the next caller does not get it."""
    first = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("first",), True))
    await end_of_turn()
    requests.answer(Answer("positions", ("second",), True))
    assert await second == ("second",)


async def test_a_row_that_cannot_be_read_spoils_its_list(requests: Requests) -> None:
    """The End is awaited, then the list is unknown; the next one is not touched by it."""
    row = Unreadable("position", "no number", "['DU1']", "positions")
    requests.spoil(row)  # nobody asks: no harm
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("one",), False))
    requests.spoil(row)
    await end_of_turn()
    assert not asking.done()
    requests.answer(Answer("positions", ("two",), True))
    with pytest.raises(AnswerIncomplete, match=r"positions: unknown, a row could not be read: no number in \['DU1'\]"):
        await asking
    again = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.answer(Answer("positions", ("all",), True))
    assert await again == ("all",)


async def test_a_spoilt_old_answer_is_not_ours(wall: ShiftedWall, requests: Requests) -> None:
    """What was thrown away with the old request's End may have been unreadable."""
    await give_up(wall, requests)
    asking = asyncio.create_task(requests.ask_by_name("positions", sent))
    await started(requests, "positions")
    requests.spoil(Unreadable("position", "no number", "[]", "positions"))
    requests.answer(Answer("positions", (), True))
    await end_of_turn()
    requests.answer(Answer("positions", ("ours",), True))
    assert await asking == ("ours",)


async def test_every_end_is_reported(wall: ShiftedWall) -> None:
    """Lock-step hears of each request that ends."""
    ends: list[int] = []
    requests = requests_of(TIMEOUT_S, lambda: ends.append(1))
    asking = asyncio.create_task(requests.ask(7, sent, "news"))
    await started(requests, 7)
    await wall.pass_time(TIMEOUT_S)
    with pytest.raises(RequestTimeout):
        await asking
    with pytest.raises(NotConnected):
        await requests.ask(8, refuse(NotConnected("down")), "news")
    assert ends == [1, 1]
