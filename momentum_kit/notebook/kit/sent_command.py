"""A command of the kit on its way: sent where it is called, awaited by whoever wants its outcome.

An ordinary coroutine does nothing until it is awaited, and in a notebook a forgotten `await` looks like an order that
was given. So a call sends at once, from a thread of its own: today's kernels run no task of theirs between two cells.
"""

import asyncio
import concurrent.futures
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")

SHOWN_AFTER_S = 2.0  # for so long a cell that shows the command waits for its outcome


class SentCommand(Coroutine[Any, Any, T]):
    """`await` gives the outcome or raises its error; shown in a cell it says either; dropped, it tells a failure."""

    def __init__(
        self,
        name: str,
        act: Callable[[], Any],
        *,
        after: "concurrent.futures.Future[Any] | None" = None,
        then: Callable[[], Awaitable[T]] | None = None,
    ) -> None:
        """act: blocks until it is obeyed. after: what was sent before it. then: waits for more than the answer."""
        self.answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.answer.set_running_or_notify_cancel()  # nothing takes back what is under way
        self._name = name
        self._then = then
        self._awaited: Coroutine[Any, Any, T] | None = None
        self._heard = False
        threading.Thread(target=_answer, args=(self.answer, act, after), name=f"kit {name}").start()

    async def _wait(self) -> T:
        outcome = await asyncio.wrap_future(self.answer)
        if self._then is None:
            answer: T = outcome
            return answer
        return await self._then()

    def __await__(self) -> Generator[Any, Any, T]:
        self._heard = True
        return self._wait().__await__()

    def __repr__(self) -> str:
        self._heard = True
        concurrent.futures.wait([self.answer], SHOWN_AFTER_S)
        if not self.answer.done():
            return f"{self._name}: SENT, not answered within {SHOWN_AFTER_S:g} s; await it for the outcome"
        if error := self.answer.exception():
            return _refusal(self._name, error)
        return f"{self._name}: {self.answer.result()}"

    def __del__(self) -> None:
        if not self._heard:  # nobody will await it any more
            name = self._name
            self.answer.add_done_callback(lambda answer: _tell(name, answer))

    # what asyncio.create_task and its like want of a coroutine

    def send(self, value: Any) -> Any:
        """One step of waiting."""
        return self._waiting().send(value)

    def throw(self, *error: Any) -> Any:
        """An error into the waiting, such as a cancellation: the command stays sent."""
        return self._waiting().throw(*error)

    def close(self) -> None:
        """Wait no more."""
        if self._awaited is not None:
            self._awaited.close()

    def _waiting(self) -> Coroutine[Any, Any, T]:
        self._heard = True
        if self._awaited is None:
            self._awaited = self._wait()
        return self._awaited


def _answer(
    answer: "concurrent.futures.Future[Any]", act: Callable[[], Any], after: "concurrent.futures.Future[Any] | None"
) -> None:
    """On the command's own thread."""
    if after is not None:
        concurrent.futures.wait([after])  # commands arrive in the order in which they were given
    try:
        answer.set_result(act())
    except BaseException as error:  # noqa: BLE001  (whatever it is, it belongs to whoever awaits)
        answer.set_exception(error)


def _refusal(name: str, error: BaseException) -> str:
    return f"{name}: NOT OBEYED: {str(error) or type(error).__name__}"


def _tell(name: str, answer: "concurrent.futures.Future[Any]") -> None:
    if error := answer.exception():
        print(_refusal(name, error), file=sys.stderr)  # noqa: T201  (where the call stands)
