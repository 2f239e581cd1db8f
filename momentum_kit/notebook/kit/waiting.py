"""wait_here: how the plain twins of a kit wait, also inside the running loop of a notebook."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def wait_here(awaitable: Awaitable[T]) -> T:
    """Wait for an outcome from plain code; inside a running loop (a notebook) other tasks go on meanwhile."""

    async def outcome() -> T:
        return await awaitable

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return _wait_alone(outcome())
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(outcome())


def _wait_alone(outcome: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(outcome)
    except asyncio.CancelledError:
        # Nobody else knows the outermost task: it was Ctrl-C, in the moment in which asyncio's runner has taken the
        # signal over and not yet begun to count, so that it does not say so itself.
        raise KeyboardInterrupt from None
