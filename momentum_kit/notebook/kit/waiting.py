"""wait_here: how the plain twins of a kit wait, also inside the running loop of a notebook."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


def wait_here(awaitable: Awaitable[T]) -> T:
    """Wait for an outcome from plain code; inside a running loop (a notebook) other tasks go on meanwhile."""
    begun = False

    async def outcome() -> T:
        nonlocal begun
        begun = True
        return await awaitable

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    if loop is None:
        try:
            return asyncio.run(outcome())
        except asyncio.CancelledError:
            if begun:
                raise
            # Ctrl-C, in the moment in which asyncio's runner has taken the signal over and not yet begun to count
            raise KeyboardInterrupt from None
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(outcome())
