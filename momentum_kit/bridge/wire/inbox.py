"""The way from the ibapi thread to the loop: Inbox takes what was received, Dispatcher routes it.

Headlines, order events and answers overtake ticks: there are few of the ones and many of the others, and a burst of
them takes longer to apply than an exit may wait. What is said about a line (that its data is delayed, that another
session has taken it) keeps its place among the line's ticks, and so does the end of the connection. In lock-step
everything does.
"""

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from momentum_kit.bridge.events import Ticks, Unreadable

log = logging.getLogger(__name__)

TURN = 1000  # values, or ticks, that are handled before other tasks get a turn
TICK = 32  # bytes that one takes, about
MOST_BEHIND = 1 << 23  # bytes of ticks that wait; then the gateway has to wait as well

Batch = list[Any]  # the values of all messages that were received at once, in their order


class Values:
    """What is said while messages are read, in order. now: the market clock."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._values: Batch = []
        self.received_at = now()
        self.last_received_ns = 0  # perf_counter_ns of the latest message

    def arrived(self) -> None:
        """What is said from here on was received now: both clocks are read once a batch."""
        self.received_at, self.last_received_ns = self.now(), time.perf_counter_ns()

    def post(self, value: Any) -> None:
        """Say it."""
        self._values.append(value)

    def unreadable(self, what: str, why: str, row: str, answer: int | str | None = None) -> None:
        """A message, or a callback's values, cannot be turned into a value; answer: what it is a row of, if known."""
        self.post(Unreadable(what, why, row, answer))

    @property
    def said(self) -> int:
        """How many values there are."""
        return len(self._values)

    def take_back(self, kept: int) -> None:
        """Unsay all but the first values: their message is not what it seemed to be."""
        del self._values[kept:]

    def taken(self) -> Batch:
        """What was said since the last time."""
        values, self._values = self._values, []
        return values


class Inbox(Values):
    """One queue entry a batch; `on_batch` is called on the loop once for all that came since the last `take`.

    The ibapi thread waits while the loop is too far behind: the gateway has to, then, and memory stays bounded.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_batch: Callable[[], None], now: Callable[[], datetime]
    ) -> None:
        super().__init__(now)
        self._loop = loop
        self._on_batch = on_batch
        self._queue: queue.Queue[Batch] = queue.Queue()
        self._woken = False
        self._received = self._applied = 0  # bytes of ticks; the one is the ibapi thread's, the other the loop's
        self._room = threading.Event()
        self.more = False  # ticks wait

    def ticks(self, frames: bytes) -> None:
        """From the ibapi thread: add ticks."""
        self.post(Ticks(frames, self.received_at, self.last_received_ns))
        self._received += len(frames)

    def commit(self, *, more: bool) -> None:
        """From the ibapi thread: the batch is read; queue its values and wake the loop. Never raises.

        more: the next batch is looked through at once, and ticks are not applied before that: something may overtake
        them, and the interpreter's lock would pass from thread to thread meanwhile.
        """
        held, self.more = self.more, more and self._received - self._applied <= MOST_BEHIND
        if self.said:
            self._queue.put(self.taken())
            self._wake()
        elif held and not self.more:
            self._wake()
        while self._received - self._applied > MOST_BEHIND and not self._loop.is_closed():
            self._room.clear()
            if self._received - self._applied > MOST_BEHIND:  # still, now that we would be told
                self._room.wait(1.0)

    @property
    def abandoned(self) -> bool:
        """The loop is closed: nobody is left to tell."""
        return self._loop.is_closed()

    def applied(self, size: int) -> None:
        """On the loop: so many bytes of ticks more."""
        self._applied += size
        self._room.set()

    def mark(self, value: Any) -> None:
        """On the loop: queue a value of our own behind everything that has been received."""
        self._queue.put([value])
        self._wake()

    def _wake(self) -> None:
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._on_batch)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                return

    def take(self) -> deque[Batch]:
        """On the loop: everything queued, under one lock."""
        self._woken = False  # before looking: a batch queued from here on wakes the loop again
        with self._queue.mutex:
            batches: deque[Batch] = self._queue.queue
            self._queue.queue = deque()
        return batches

    @property
    def drained(self) -> bool:
        """Nothing queued."""
        return not self._queue.queue


class Dispatcher:
    """Wakes once a batch. route(value) handles one value; after_turn() follows; quiet() is the rest of `idle`.

    in_order(value): it stays behind the ticks that were received before it.
    """

    def __init__(
        self,
        *,
        route: Callable[[Any], None],
        in_order: Callable[[Any], bool],
        after_turn: Callable[[], None],
        quiet: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.inbox = Inbox(self._loop, self._on_batch, now)
        self._route = route
        self._in_order = in_order
        self._after_turn = after_turn
        self._quiet = quiet
        self._first: deque[Any] = deque()
        self._rest: deque[Any] = deque()
        self._draining = False
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def idle(self) -> bool:
        """Everything received has been handled, and `quiet` holds."""
        return self.delivered and self._quiet()

    @property
    def delivered(self) -> bool:
        """Everything received has been handed over."""
        return not (self._first or self._rest) and self.inbox.drained

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
        self._take()
        self.inbox.more = False
        while self._first or self._rest:
            self._turn()

    def _on_batch(self) -> None:
        self._take()
        if not self._draining:
            self._drain()

    def _take(self) -> None:
        for batch in self.inbox.take():
            for value in batch:
                (self._rest if self._in_order(value) else self._first).append(value)

    def _drain(self) -> None:
        self._turn()
        self._draining = bool(self._first or (self._rest and not self.inbox.more))
        if self._draining:
            self._loop.call_soon(self._drain)
        else:
            self.changed()

    def _turn(self) -> None:
        left = TURN
        while left > 0 and (self._first or (self._rest and not self.inbox.more)):
            value = self._first.popleft() if self._first else self._rest.popleft()
            size = len(value.frames) if type(value) is Ticks else 0
            left -= size // TICK or 1
            try:
                self._route(value)
            except Exception:  # one value that cannot be handled must not hold the others up
                log.exception("cannot handle %.500r", value)
            self.inbox.applied(size)
        self._after_turn()
