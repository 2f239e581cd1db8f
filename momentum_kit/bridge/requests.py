"""Requests on their way: a future for each, with a time-out, a cancel and typed errors.

Most answers carry the id of their request. IB's lists (orders, positions) and a few single answers carry none, only an
End; whose End it is, is a matter of counting. One request of a name is in flight at a time, and nothing that was
received before it was sent belongs to it. Ends come in the order of the requests, so while one is owed to a request
that was given up, the next End counts as that one's, what came before it is thrown away, and the list is asked for once
more: should the late answer never come, the End that was thrown away was ours, and the second one is needed. An answer
is therefore never older than its question.
"""

import asyncio
import itertools
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from momentum_kit.bridge.events import FIRST_REQUEST_ID, LISTS, Answer, Unreadable
from momentum_kit.bridge.held_back import HeldBack
from momentum_kit.errors import AnswerIncomplete, NotConnected, RequestFailed, RequestTimeout

Send = Callable[[Callable[[], None]], Awaitable[None]]
"""Sends, and calls what it is given at the moment at which the bytes are handed over."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Pending:
    what: str
    future: "asyncio.Future[tuple[Any, ...]]"
    sent: int = 0  # requests handed over: by name, one more for each End that was another's
    asked_at: int = 0  # messages handed over up to the first of them
    heard: bool = False  # what is received now was received after the request was sent
    again: "asyncio.Future[None] | None" = None  # done: an End was another's, ask once more
    values: list[Any] = field(default_factory=list)
    spoilt: AnswerIncomplete | None = None
    remark: str = ""

    def hear(self) -> None:
        """All that had been received when the request was sent has been handled."""
        self.heard = True


class Requests:
    """Open requests by key: our request id, or a name where IB's answer carries none.

    changed is called whenever a request ends. mark(call) calls back when everything received so far has been handled.
    unclaimed(values) gets what came of an answer that was not awaited to its end: it was said all the same.
    stray(name) is told of an End that no request is owed: the answer before it may not have been whole.
    """

    def __init__(
        self,
        timeout_s: float,
        *,
        changed: Callable[[], None],
        mark: Callable[[Callable[[], None]], None],
        unclaimed: Callable[[tuple[Any, ...]], None],
        stray: Callable[[str], None],
    ) -> None:
        self._timeout_s = timeout_s
        self._changed = changed
        self._mark = mark
        self._unclaimed = unclaimed
        self._stray = stray
        self._ids = itertools.count(FIRST_REQUEST_ID)
        self._open: dict[int | str, _Pending] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._owed: defaultdict[str, deque[object]] = defaultdict(deque)  # Ends of requests that were given up, by name
        self.held_back = HeldBack(self._outstanding)
        self.active = 0

    def next_id(self) -> int:
        """A request id that was never used and that no order can have."""
        return next(self._ids)

    async def ask(
        self, req_id: int, send: Send, what: str, *, cancel: Callable[[], Any] | None = None
    ) -> tuple[Any, ...]:
        """Send and wait for the whole answer. The time-out starts when the request was sent.

        what: the list, for a person. cancel: called if the request was sent and its answer is not awaited to the end.
        Raises RequestTimeout (outcome unknown), AnswerIncomplete, NotConnected, and what fail() was given.
        """
        with self._counted():
            pending = self._begin(req_id, what)
            try:
                await self._send(pending, send)
                await asyncio.wait((pending.future,), timeout=self._timeout_s)
                return self._result(pending)
            finally:
                self._end(req_id, pending)
                if pending.sent and not pending.future.done() and cancel:
                    cancel()

    async def ask_by_name(self, name: str, send: Send) -> tuple[Any, ...]:
        """As ask(), for requests whose answers carry no id: one at a time, and never another's answer."""
        with self._counted():
            async with self._locks[name]:
                pending = self._begin(name, name)
                try:
                    return await self._until_ours(pending, send)
                finally:
                    self._end(name, pending)
                    self._owe(name, pending.sent)

    async def _until_ours(self, pending: _Pending, send: Send) -> tuple[Any, ...]:
        loop = asyncio.get_running_loop()
        deadline = None
        while True:
            again = pending.again = loop.create_future()
            await self._send(pending, send)
            deadline = deadline or loop.time() + self._timeout_s
            waits = (pending.future, again)
            await asyncio.wait(waits, timeout=deadline - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            if pending.future.done() or not again.done():
                return self._result(pending)

    async def _send(self, pending: _Pending, send: Send) -> None:
        before = pending.sent
        try:
            await send(lambda: self._handed_over(pending))
        except (NotConnected, RequestFailed):  # nothing was sent
            pending.sent = before
            raise

    def _handed_over(self, pending: _Pending) -> None:
        pending.sent += 1
        pending.asked_at = pending.asked_at or self.held_back.handed_over
        if not pending.heard:
            self._mark(pending.hear)

    def _begin(self, key: int | str, what: str) -> _Pending:
        pending = _Pending(what=what, future=asyncio.get_running_loop().create_future(), heard=isinstance(key, int))
        self._open[key] = pending
        return pending

    def _result(self, pending: _Pending) -> tuple[Any, ...]:
        if pending.future.done():
            self.held_back.answered(pending.asked_at)
            return pending.future.result()
        remark = f"; the broker's last word: {pending.remark}" if pending.remark else ""
        raise RequestTimeout(f"{pending.what}: no whole answer within {self._timeout_s:g} s{remark}")

    def _end(self, key: int | str, pending: _Pending) -> None:
        del self._open[key]
        if pending.future.done():
            pending.future.exception()  # marks it as seen where a cancelled caller never looks
        self._let_go(pending)

    def _let_go(self, pending: _Pending) -> None:
        values, pending.values = tuple(pending.values), []
        if values:
            self._unclaimed(values)

    # -- what does not arrive: for lock-step --------------------------------------------------------------------------

    @property
    def stuck(self) -> bool:
        """Somebody waits, and every answer that is due is known to be held back."""
        return self.active > 0 and self.held_back.all_known and all(asked.sent for asked in self._open.values())

    def _outstanding(self) -> set[object]:
        asked = (pending for pending in self._open.values() if pending.sent and not pending.future.done())
        return {*asked, *itertools.chain.from_iterable(self._owed.values())}

    # -- what arrives -------------------------------------------------------------------------------------------------

    def answer(self, answer: Answer) -> bool:
        """Take a piece of an answer; False if nobody waits for it."""
        key, pending = answer.key, self._open.get(answer.key)
        if pending is None or not pending.heard or pending.future.done():
            pending = None
        else:
            pending.values += answer.values
        if answer.complete:
            if isinstance(key, str) and self._owed[key]:
                self._owed[key].popleft()
                if pending is not None:
                    self._ask_again(pending)
            elif pending is not None:
                self._complete(key, pending)
            elif key in LISTS and key in self._locks:  # before the first request it may be a greeting of the gateway's
                self._stray(str(key))
        return pending is not None

    def _ask_again(self, pending: _Pending) -> None:
        pending.values.clear()
        pending.spoilt = None
        if pending.again is not None and not pending.again.done():
            pending.again.set_result(None)

    def _complete(self, key: int | str, pending: _Pending) -> None:
        if isinstance(key, str):
            self._owe(key, pending.sent - 1)
            pending.sent = 0
        if pending.spoilt is not None:
            pending.future.set_exception(pending.spoilt)
            self._let_go(pending)
        else:
            values, pending.values = tuple(pending.values), []
            pending.future.set_result(values)

    def spoil(self, row: Unreadable) -> None:
        """A row could not be read: the answers it may belong to are unknown."""
        for key, pending in self._open.items():
            if row.answer in (key, pending.what) and pending.heard and not pending.future.done():
                pending.spoilt = AnswerIncomplete(pending.what, row.row, row.why)
                if key not in LISTS:  # the others may wait for an End in vain: this was the answer, or its id is theirs
                    self._complete(key, pending)

    def _owe(self, name: str, ends: int) -> None:
        self._owed[name] += (object() for _ in range(ends))

    def what(self, key: int | str) -> str:
        """What an open request asks for, for a person; '' if there is none."""
        return self._open[key].what if key in self._open else ""

    def waits_for(self, key: int | str) -> bool:
        """True if a request of this key is open and was sent."""
        return key in self._open and self._open[key].heard

    def fail(self, key: int | str, error: Exception) -> None:
        """End one request with an error."""
        pending = self._open.get(key)
        if pending and not pending.future.done():
            pending.future.set_exception(error)
            self._let_go(pending)

    def remark(self, key: int | str, text: str) -> None:
        """Keep what the broker remarked on a request that goes on; a time-out will quote it."""
        if key in self._open:
            self._open[key].remark = text

    def fail_all(self, reason: str) -> None:
        """The connection ended: every open request fails with NotConnected."""
        for key in list(self._open):
            self.fail(key, NotConnected(reason))

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.active += 1  # from the call to its end, its waits for a turn included
        try:
            yield
        finally:
            self.active -= 1
            self._changed()
