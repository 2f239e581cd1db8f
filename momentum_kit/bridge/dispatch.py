"""The loop's end of the inbox: takes what arrived in batches, routes it, and knows when all is quiet."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from momentum_kit.bridge.wire import Inbox, Message

log = logging.getLogger(__name__)

BATCH = 1000  # messages handled before other tasks get a turn


class Dispatcher:
    """Wakes once a batch. route(value) handles one value; after_batch() follows; quiet() is the rest of `idle`."""

    def __init__(
        self, route: Callable[[Any], None], after_batch: Callable[[], None], quiet: Callable[[], bool]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.inbox = Inbox(self._loop, self._on_batch)
        self._route = route
        self._after_batch = after_batch
        self._quiet = quiet
        self._backlog: deque[Message] = deque()
        self._draining = False
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def idle(self) -> bool:
        """Everything received has been handled, and `quiet` holds."""
        return not self._backlog and self.inbox.drained and self._quiet()

    async def settled(self) -> None:
        """Return when `idle`."""
        while not self.idle:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def changed(self) -> None:
        """Something that `idle` depends on has changed."""
        if self._waiters and self.idle:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def finish(self) -> None:
        """Handle all that is left, now: the connection has ended."""
        self._backlog += self.inbox.take()
        while self._backlog:
            self._handle(len(self._backlog))

    def _on_batch(self) -> None:
        self._backlog += self.inbox.take()
        if not self._draining:
            self._drain()

    def _drain(self) -> None:
        self._handle(min(BATCH, len(self._backlog)))
        self._draining = bool(self._backlog)
        if self._draining:
            self._loop.call_soon(self._drain)
        else:
            self.changed()

    def _handle(self, count: int) -> None:
        for _ in range(count):
            for value in self._backlog.popleft():
                try:
                    self._route(value)
                except Exception:  # one value that cannot be handled must not hold the others up
                    log.exception("cannot handle %r", value)
        self._after_batch()
