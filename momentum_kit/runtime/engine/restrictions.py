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
        self._imposed = 0  # so often something was forbidden
        self._lifting = False

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
        self._imposed += 1
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
        if self._lifting:  # which keeps what is left, or nothing
            return
        writing = asyncio.create_task(asyncio.to_thread(self._keep, self.current), name="latch")
        self._weakening = asyncio.create_task(self._written(writing, "reduce_only"), name="latch written")

    async def lift(self) -> bool:
        """A human wants entries again; False where one forbade them while the disk was asked, and that stands.

        StorageError, and nothing is lifted, if the disk keeps it.
        """
        imposed = self._imposed
        if self._weakening:
            await self._weakening
        self._lifting = True
        try:
            await asyncio.to_thread(self._folder.lift, *(name for name in LATCHES if name != "kill"))
            if self._imposed == imposed:
                self.current = None
            kept: Restriction | None = None
            while self.current and kept is not self.current:  # it may have been lifted with the others
                kept = self.current
                await asyncio.to_thread(self._keep, kept)
        finally:
            self._lifting = False
        return self._imposed == imposed

    def _keep(self, standing: Restriction) -> None:
        self._folder.latch(standing)
        if standing.name == "reduce_only":  # what is left of a flatten that is done
            self._folder.lift("flatten")

    async def _written(self, writing: "asyncio.Task[None]", name: str) -> None:
        try:
            await writing
        except StorageError as error:  # what it forbids matters more than that it is kept
            self._session_state.alarm(name, f"{name.replace('_', '-')} holds for this session only: {error}")
