"""How services wait for work: an item is done only when all it led to is visible elsewhere, as lock-step needs it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

_Item = TypeVar("_Item")


async def consume(queue: "asyncio.Queue[_Item]", handle: Callable[[_Item], Awaitable[None]]) -> None:
    """Handle a queue's items in order, for ever; an item counts as done after its handling, not before."""
    while True:
        item = await queue.get()
        try:
            await handle(item)
        finally:
            queue.task_done()


async def run_together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run parts of a service until one fails; the others are cancelled and the failure is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
