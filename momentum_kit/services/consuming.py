"""How services wait for work: an item is done only when all it led to is visible elsewhere, as lock-step needs it."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_outside: "weakref.WeakSet[asyncio.Future[Any]]" = weakref.WeakSet()


async def consume(queue: "asyncio.Queue[_Item]", handle: Callable[[_Item], Awaitable[None]]) -> None:
    """Handle a queue's items in order, for ever; an item counts as done after its handling, not before."""
    while True:
        item = await queue.get()
        try:
            await handle(item)
        finally:
            queue.task_done()


async def outside(work: Awaitable[_Item]) -> _Item:
    """Wait for what neither the loop nor the broker does: a thread, a disk, another server.

    While a broker's answer is held back, lock-step cannot tell by queues who is at work: it asks for this.
    """
    job = asyncio.ensure_future(work)
    _outside.add(job)
    return await job


def work_outside() -> list[asyncio.Future[Any]]:
    """What somebody on this loop awaits by `outside`, and is not done."""
    loop = asyncio.get_running_loop()
    return [job for job in list(_outside) if job.get_loop() is loop and not job.done()]


async def run_together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run parts of a service until one fails; the others are cancelled and the failure is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
