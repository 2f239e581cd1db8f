"""The queue between the ibapi thread and the loop: whole messages in, one wake-up a batch."""

import asyncio
import queue
import time
from collections import deque
from collections.abc import Callable
from typing import Any

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
