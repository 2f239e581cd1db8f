import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest

from momentum_kit.errors import GuardRefused
from momentum_kit.notebook.kit.sent_command import SentCommand


def fail_without_a_word() -> str:
    """As Python's own time-outs do."""
    raise TimeoutError


def refuse() -> str:
    """What an engine says to a command that it does not obey."""
    raise GuardRefused("the session is stopped")


def through(*sent: "SentCommand[Any]") -> None:
    """Return once all were answered; no loop turns meanwhile."""
    for each in sent:
        each.answer.exception(60)


def test_a_call_alone_sends() -> None:
    """Without an await and without a loop, as in a cell that computes on."""
    done = threading.Event()
    SentCommand("pause", done.set)
    assert done.wait(60)


def test_commands_arrive_in_the_order_in_which_they_were_given() -> None:
    """A resume that was given before a pause does not come after it, however slow its answer is."""
    free, order = threading.Event(), list[str]()

    def slow() -> None:
        assert free.wait(60)
        order.append("resume")

    first: SentCommand[None] = SentCommand("resume", slow)
    second: SentCommand[None] = SentCommand("pause", lambda: order.append("pause"), after=first.answer)
    assert order == []
    free.set()
    through(second)
    assert order == ["resume", "pause"]


@pytest.mark.parametrize("wait", [lambda sent: sent, asyncio.ensure_future, asyncio.create_task, asyncio.gather])
async def test_an_await_gives_the_outcome_or_raises_the_refusal(wait: Callable[[Any], Any]) -> None:
    """In each way in which a coroutine can be awaited."""
    assert await wait(SentCommand("pause", lambda: "paused: pause by kit")) in (
        "paused: pause by kit",
        ["paused: pause by kit"],
    )
    with pytest.raises(GuardRefused, match="stopped"):
        await wait(SentCommand("pause", refuse))


async def test_more_than_the_answer_can_be_waited_for() -> None:
    """A stop is sent by the call, and its await lasts until the session is over."""

    async def end() -> str:
        await asyncio.sleep(0)
        return "over"

    assert await SentCommand("stop", lambda: "stopping", then=end) == "over"


async def test_a_cancelled_await_takes_nothing_back() -> None:
    """As an interrupt of a cell does: the command stays sent."""
    free = threading.Event()
    sent: SentCommand[bool] = SentCommand("kill", lambda: free.wait(60))
    waiting = asyncio.create_task(sent)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    free.set()
    assert sent.answer.result(60)


def test_a_cell_that_shows_it_says_what_became_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's line, its refusal, or that no answer has come yet."""
    monkeypatch.setattr("momentum_kit.notebook.kit.sent_command.SHOWN_AFTER_S", 60)
    assert repr(SentCommand("pause", lambda: "paused: pause by kit")) == "pause: paused: pause by kit"
    assert repr(SentCommand("pause", refuse)) == "pause: NOT OBEYED: the session is stopped"
    assert repr(SentCommand("pause", fail_without_a_word)) == "pause: NOT OBEYED: TimeoutError"
    monkeypatch.setattr("momentum_kit.notebook.kit.sent_command.SHOWN_AFTER_S", 0.01)
    free = threading.Event()
    sent: SentCommand[bool] = SentCommand("pause", lambda: free.wait(60))
    assert "SENT, not answered" in repr(sent)
    free.set()
    through(sent)


def test_a_refusal_that_nobody_awaits_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, where the call stands; what was obeyed, or awaited, says nothing of itself."""
    gc.collect()
    capsys.readouterr()  # what others have left tells itself before
    obeyed, refused = SentCommand[str]("flatten", lambda: "flattening"), SentCommand[str]("pause", refuse)
    through(obeyed, refused)
    heard = SentCommand[str]("resume", refuse)
    with pytest.raises(GuardRefused):
        asyncio.run(asyncio.wait_for(heard, 60))
    for thread in threading.enumerate():
        if thread.name.startswith("kit "):
            thread.join(60)
    del obeyed, refused, heard
    gc.collect()
    assert capsys.readouterr().err == "pause: NOT OBEYED: the session is stopped\n"
