import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from momentum_kit.notebook.kit.waiting import wait_here


class Forever:
    """Awaited without an end; no coroutine, which would complain that nobody awaited it."""

    def __await__(self) -> Any:
        """Never done."""
        while True:
            yield


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
        await Forever()

    if when == "later":
        with pytest.raises(KeyboardInterrupt):
            wait_here(interrupted())
        return
    monkeypatch.setattr(signal, "signal", take_over)
    with pytest.raises(KeyboardInterrupt):
        wait_here(Forever())
