"""Requests on their way: a future for each, with a time-out, a cancel and typed errors."""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from momentum_kit.bridge.events import FIRST_REQUEST_ID, Answer
from momentum_kit.errors import NotConnected, RequestTimeout

Send = Callable[[], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class _Pending:
    future: "asyncio.Future[tuple[Any, ...]]"
    sent: bool = False
    values: list[Any] = field(default_factory=list)
    remark: str = ""


class Requests:
    """Open requests by key: our request id, or a name where IB's answer carries none.

    changed is called whenever a request ends.
    """

    def __init__(self, timeout_s: float, changed: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._changed = changed
        self._ids = itertools.count(FIRST_REQUEST_ID)
        self._open: dict[int | str, _Pending] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._owed: dict[str, asyncio.Future[None]] = {}
        self._held: set[asyncio.Future[Any]] = set()  # what the gateway was seen to hold back
        self._sent = self._heard = 0  # messages handed over; those of them that are known to be handled
        self.active = 0

    def next_id(self) -> int:
        """A request id that was never used and that no order can have."""
        return next(self._ids)

    async def ask(
        self, key: int | str, send: Send, *, cancel: Callable[[], Any] | None = None, quiet_s: float | None = None
    ) -> tuple[Any, ...]:
        """Send and wait for the whole answer. The time-out starts when the request was sent.

        cancel: called if the request was sent and its answer is not awaited to the end.
        quiet_s: an answer of which nothing came within this time is an empty one (executions of an empty day).
        Raises RequestTimeout (outcome unknown), NotConnected, and what fail() was given.
        """
        with self._counted():
            return await self._ask(key, send, cancel, quiet_s)

    async def ask_by_name(self, name: str, send: Send, *, cancel: Callable[[], Any] | None = None) -> tuple[Any, ...]:
        """As ask(), for requests whose answers carry no id: one at a time.

        After a time-out the next request waits for the late answer, and never takes it for its own.
        """
        with self._counted():
            async with self._locks[name]:
                if name in self._owed:
                    await self._collect_debt(name)
                return await self._ask(name, send, cancel, None)

    async def _collect_debt(self, name: str) -> None:
        owed = self._owed[name]
        await asyncio.wait((owed,), timeout=self._timeout_s)
        self._owed.pop(name, None)
        if not owed.done():
            raise RequestTimeout(f"still no answer to the earlier request for {name}; nothing was sent")

    async def _ask(
        self, key: int | str, send: Send, cancel: Callable[[], Any] | None, quiet_s: float | None
    ) -> tuple[Any, ...]:
        pending = self._open[key] = _Pending(future=asyncio.get_running_loop().create_future())
        try:
            await send()
            pending.sent, asked_at = True, self._sent
            if quiet_s is not None:
                await asyncio.wait((pending.future,), timeout=quiet_s)
                if not pending.values and not pending.future.done():
                    return ()
            await asyncio.wait((pending.future,), timeout=self._timeout_s)
            if pending.future.done():
                self._heard = max(self._heard, asked_at)
                return pending.future.result()
            remark = f"; the broker's last word: {pending.remark}" if pending.remark else ""
            raise RequestTimeout(f"no answer to request {key} within {self._timeout_s:g} s{remark}")
        finally:
            del self._open[key]
            if pending.future.done():
                pending.future.exception()  # marks it as seen where a cancelled caller never looks
            elif pending.sent:
                if isinstance(key, str):
                    self._owed[key] = asyncio.get_running_loop().create_future()
                if cancel:
                    cancel()

    def count_sent(self) -> None:
        """Any message is on its way, an order or a request."""
        self._sent += 1

    @property
    def unheard(self) -> bool:
        """Something was sent after the latest request that was answered: there may be words to come at once."""
        return self._heard < self._sent

    @property
    def held_back(self) -> int:
        """Answers that the gateway is known to hold back."""
        return len(self._held & self._outstanding())

    @property
    def stuck(self) -> bool:
        """Somebody waits, and every answer that is due is known to be held back."""
        outstanding = self._outstanding()
        known = bool(outstanding) and outstanding <= self._held
        return known and not self.unheard and self.active > 0 and all(asked.sent for asked in self._open.values())

    async def find_held_back(self, ping: Callable[[], Awaitable[Any]]) -> None:
        """Learn which answers are held back: those to requests sent before a ping that is answered before them.

        Right for a gateway that answers in the order of the requests, as the simulated one does.
        """
        asked = self._outstanding()
        await ping()
        self._held = {answer for answer in asked if not answer.done()}

    def _outstanding(self) -> set[asyncio.Future[Any]]:
        """Answers to what was sent, late ones that nobody waits for any more included."""
        answers: set[asyncio.Future[Any]] = {asked.future for asked in self._open.values() if asked.sent}
        return {answer for answer in answers.union(self._owed.values()) if not answer.done()}

    def answer(self, answer: Answer) -> bool:
        """Take a piece of an answer; False if nobody waits for it."""
        pending = self._open.get(answer.key)
        if pending is None or pending.future.done():
            owed = self._owed.get(answer.key) if isinstance(answer.key, str) else None
            if owed and answer.complete and not owed.done():
                owed.set_result(None)
            return False
        pending.values += answer.values
        if answer.complete:
            pending.future.set_result(tuple(pending.values))
        return True

    def waits_for(self, key: int | str) -> bool:
        """True if a request of this key is open."""
        return key in self._open

    def fail(self, key: int | str, error: Exception) -> None:
        """End one request with an error."""
        pending = self._open.get(key)
        if pending and not pending.future.done():
            pending.future.set_exception(error)

    def remark(self, key: int | str, text: str) -> None:
        """Keep what the broker remarked on a request that goes on; a time-out will quote it."""
        if key in self._open:
            self._open[key].remark = text

    def fail_all(self, reason: str) -> None:
        """The connection ended: every open request fails with NotConnected."""
        for key in list(self._open):
            self.fail(key, NotConnected(reason))
        for owed in self._owed.values():
            owed.cancel()
        self._owed.clear()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.active += 1  # from the call to its end, its waits for a turn included
        try:
            yield
        finally:
            self.active -= 1
            self._changed()
