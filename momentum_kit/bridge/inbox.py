"""The queue between the ibapi thread and the loop: one wake-up a batch, however many values it holds."""

import asyncio
import queue
import time
from collections import deque
from collections.abc import Callable
from typing import Any


class Inbox(queue.Queue[Any]):
    """A queue.Queue that calls `on_batch` on the loop once for all that arrived since the last `take`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_batch: Callable[[], None]) -> None:
        super().__init__()
        self._loop = loop
        self._on_batch = on_batch
        self._woken = False
        self.last_received_ns = 0  # perf_counter_ns of the latest value

    def post(self, value: Any) -> None:
        """From the ibapi thread; never raises."""
        self.last_received_ns = time.perf_counter_ns()
        self.put(value)
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._on_batch)
            except RuntimeError:  # the loop is closed: nobody is left to tell
                return

    def take(self) -> deque[Any]:
        """On the loop: everything queued, under one lock."""
        self._woken = False  # before looking: a value posted from here on wakes the loop again
        with self.mutex:
            batch: deque[Any] = self.queue
            self.queue = deque()
        return batch

    @property
    def drained(self) -> bool:
        """Nothing queued."""
        return not self.queue
