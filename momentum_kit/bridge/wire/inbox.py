"""The way from the ibapi thread to the loop: Inbox takes whole messages, Dispatcher routes them in batches."""

import asyncio
import logging
import queue
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

BATCH = 1000  # messages handled before other tasks get a turn

Message = list[Any]  # the values of one message of the gateway, which belong together (a price and its size)


class Inbox(queue.Queue[Message]):
    """A queue.Queue that calls `on_batch` on the loop once for all that arrived since the last `take`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_batch: Callable[[], None]) -> None:
        super().__init__()
        self._loop = loop
        self._on_batch = on_batch
        self._message: Message = []
        self._woken = False
        self.last_received_ns = 0  # perf_counter_ns of the latest message

    def post(self, value: Any) -> None:
        """From the ibapi thread: add a value to the message that is being read; never raises."""
        self._message.append(value)

    def commit(self) -> None:
        """From the ibapi thread: the message is read; queue its values and wake the loop. Never raises."""
        if not self._message:
            return
        self.last_received_ns = time.perf_counter_ns()
        self.put(self._message)
        self._message = []
        self._wake()

    def mark(self, value: Any) -> None:
        """On the loop: queue a value of our own behind everything that has been received."""
        self.put([value])
        self._wake()

    @property
    def reading(self) -> bool:
        """The message that is being read has brought a value."""
        return bool(self._message)

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._on_batch)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                return

    def take(self) -> deque[Message]:
        """On the loop: everything queued, under one lock."""
        self._woken = False  # before looking: a message queued from here on wakes the loop again
        with self.mutex:
            batch: deque[Message] = self.queue
            self.queue = deque()
        return batch

    @property
    def drained(self) -> bool:
        """Nothing queued."""
        return not self.queue


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
        return self.delivered and self._quiet()

    @property
    def delivered(self) -> bool:
        """Everything received has been handed over."""
        return not self._backlog and self.inbox.drained

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
