"""Runs the parts of a service as one: the first error ends them all and is raised as it is."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def run_together(group: asyncio.TaskGroup, *parts: Coroutine[Any, Any, None]) -> None:
    """Run `parts` and whatever they start in `group`; their first error is raised plain, not in a group.

    Callers tell a lost connection from a bug by the type of the error.
    """
    try:
        async with group:
            for part in parts:
                group.create_task(part)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
