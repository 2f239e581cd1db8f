"""What the simulated broker has still to do, in market-time order: matching.py puts it in and lets it run."""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count

from momentum_kit.simgateway.events import OrderEvent

Task = Callable[[datetime], list[OrderEvent]]


class Agenda:
    """Tasks by market time; those due at the same instant run in the order in which they were put."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Task]] = []
        self._order = count()

    def put(self, due: datetime, task: Task) -> None:
        """Run `task` when market time reaches `due`."""
        heapq.heappush(self._heap, (due, next(self._order), task))

    def run(self, to: datetime) -> list[OrderEvent]:
        """Everything due by `to`, including what these tasks put in themselves."""
        events: list[OrderEvent] = []
        while self._heap and self._heap[0][0] <= to:
            due, _, task = heapq.heappop(self._heap)
            events += task(due)
        return events

    def next_due(self) -> datetime | None:
        """When the next task is due; None if there is none."""
        return self._heap[0][0] if self._heap else None
