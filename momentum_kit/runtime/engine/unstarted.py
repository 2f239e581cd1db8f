"""An engine that is open and not started: what is looked at meanwhile, and how long it may wait for nobody."""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

from momentum_kit.models import LinkState
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.session import Session

LOOK_S = 0.25  # wall seconds between two looks at the connection
HELD_ALARM_S = 60.0  # wall seconds for which something may be held before a human is told that nobody has started
FORSAKEN_S = 3600.0  # wall seconds without a client after which an engine with nothing to do ends by itself


class UnstartedWatch:
    """Tells a human what an open engine leaves undone: its exits by time, like its entries, wait for a start."""

    def __init__(self, session_state: SessionState) -> None:
        self._session_state = session_state
        self._since = monotonic()
        self._told = False

    def look(self, session: Session) -> bool:
        """False where the connection is lost and has to be made anew."""
        if session.health.socket is not LinkState.UP:
            if session.exposed:  # the bridge has told of the loss
                self._session_state.alarm("connection", f"no gateway, and nobody has started; {session.exposure}")
            return False
        if session.exposed and not self._told and monotonic() - self._since >= HELD_ALARM_S:
            self._told = True
            waits = f"nobody has started the session for {HELD_ALARM_S:.0f} s, and exits by time wait for it"
            self._session_state.alarm("not started", f"{session.exposure}; {waits}")
        return True


async def wake_within(event: asyncio.Event, seconds: float) -> None:
    """Return when it is set, or when the time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def unless(work: Coroutine[Any, Any, None], event: asyncio.Event, pointless: Callable[[], bool]) -> None:
    """Do the work to its end, but leave it where the event is set and it has become pointless."""
    working = asyncio.create_task(work, name="unless")
    waiting = asyncio.create_task(event.wait(), name="event")
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not pointless():
            await working
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
