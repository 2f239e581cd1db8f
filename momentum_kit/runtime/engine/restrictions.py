"""What a human forbade the session: it stands over a start and over the engine's death, until `resume` lifts it."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime

from momentum_kit.errors import StorageError
from momentum_kit.models import TradingState
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.ownership import LATCHES, Restriction, StateFolder
from momentum_kit.sessions import in_words

_STATES = {"pause": TradingState.PAUSED}  # the others: REDUCE_ONLY


class Restrictions:
    """The one in force, in memory and as the latch of the account's state folder."""

    def __init__(self, folder: StateFolder, session_state: SessionState) -> None:
        self.current: Restriction | None = None
        self._folder = folder
        self._session_state = session_state
        self._weakening: asyncio.Task[None] | None = None

    def read(self) -> None:
        """What stands from before."""
        self.current = self._folder.latched()

    @property
    def words(self) -> str:
        """What stands, for a person; empty without any."""
        return f"{self.current} stands until resume" if self.current else ""

    @property
    def start_state(self) -> TradingState:
        """What a start leads to."""
        return _STATES.get(self.current.name, TradingState.REDUCE_ONLY) if self.current else TradingState.RUNNING

    async def impose(self, name: str, source: str, meanwhile: Awaitable[None]) -> None:
        """Latch it beside `meanwhile`, which does what it says: a disk that stalls holds up no order.

        A weaker one never takes the place of a stronger one.
        """
        order = list(LATCHES)
        given = Restriction(name, f"by {source} at {in_words(datetime.now(UTC))}")
        if self.current is None or order.index(name) >= order.index(self.current.name):
            self.current = given
        writing = asyncio.create_task(asyncio.to_thread(self._folder.latch, given), name="latch")
        try:
            await meanwhile
        finally:
            await self._written(writing, name)

    def flat(self) -> None:
        """A flatten has done what it was given for: what is left of it is reduce-only. No beat waits for the disk."""
        if self.current is None or self.current.name != "flatten":
            return
        self.current = Restriction("reduce_only", self.current.reason)
        writing = asyncio.create_task(asyncio.to_thread(self._weaken, self.current), name="latch")
        self._weakening = asyncio.create_task(self._written(writing, "reduce_only"), name="latch written")

    async def lift(self) -> None:
        """A human wants entries again; StorageError, and nothing is lifted, if the disk keeps it."""
        await asyncio.to_thread(self._folder.lift, *(name for name in LATCHES if name != "kill"))
        self.current = None

    def _weaken(self, left: Restriction) -> None:
        self._folder.latch(left)
        self._folder.lift("flatten")

    async def _written(self, writing: "asyncio.Task[None]", name: str) -> None:
        try:
            await writing
        except StorageError as error:  # what it forbids matters more than that it is kept
            self._session_state.alarm(name, f"{name.replace('_', '-')} holds for this session only: {error}")
