import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from momentum_kit.notebook.kit.waiting import wait_here


class Later:
    """A minute off; no coroutine, which would complain that nobody awaited it."""

    def __await__(self) -> Any:
        """Sleeps."""
        return asyncio.sleep(60).__await__()


@pytest.fixture
def heard() -> Iterator[None]:
    """SIGINT interrupts, which a shell ignores for what runs in its background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("when", ["as the signal is taken over", "later"])
def test_ctrl_c_ends_the_waiting_at_any_moment(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a KeyboardInterrupt, also between asyncio's taking the signal over and its counting of interrupts."""
    install = signal.signal

    def take_over(number: int, handler: Callable[..., Any]) -> Any:
        before = install(number, handler)
        if number == signal.SIGINT and handler is not signal.default_int_handler:
            os.kill(os.getpid(), signal.SIGINT)
        return before

    async def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await Later()

    if when == "later":
        with pytest.raises(KeyboardInterrupt):
            wait_here(interrupted())
        return
    monkeypatch.setattr(signal, "signal", take_over)
    with pytest.raises(KeyboardInterrupt):
        wait_here(Later())


def test_a_cancelled_outcome_is_no_interrupt() -> None:
    """Nobody pressed anything: what was awaited has been cancelled, and that is what is told."""

    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        wait_here(cancelled())
