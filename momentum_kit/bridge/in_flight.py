"""InFlight: identical questions that are on their way at the same time are one, asked once and answered to all."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class _Shared:
    task: "asyncio.Task[Any]"
    waiters: int = 0


class InFlight:
    """The questions of one connection, by what makes them identical."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Shared] = {}

    async def share(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The answer to a question that is asked already, or to this one; given up when nobody waits any more."""
        shared = self._open.get(key)
        if shared is None:
            task = asyncio.create_task(ask(), name="shared request")
            shared = self._open[key] = _Shared(task)
            task.add_done_callback(lambda _: self.leave(key, shared))
        shared.waiters += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.waiters -= 1
            if not shared.waiters and not shared.task.done():
                self.leave(key, shared)
                shared.task.cancel()

    def leave(self, key: Hashable, shared: "_Shared | None" = None) -> None:
        """Nobody joins this question from now on: it is over, or its answer may be older than another's question."""
        if shared is None or self._open.get(key) is shared:
            self._open.pop(key, None)
