"""What a human forbade the session: it stands over a start and over the engine's death, until `resume` lifts it."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog

from momentum_kit.errors import StorageError
from momentum_kit.models import TradingState
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.ownership import LATCHES, Restriction, StateFolder
from momentum_kit.sessions import in_words

log = structlog.get_logger("engine")

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

    async def lift(self, refusal: Callable[[], str]) -> str:
        """A human wants entries again. Empty, or why not, by what came while the disk was asked: all stands as it did.

        refusal: asked once the disk has answered. StorageError, and nothing is lifted, if the disk keeps it.
        """
        imposed = self._imposed
        if self._weakening:
            await self._weakening
        self._lifting = True
        try:
            await self._forget()
            no = refusal() or ("" if self._imposed == imposed else self._forbidden)
            if not no:
                self.current = None
            kept: Restriction | None = None
            while self.current and kept is not self.current:  # it was lifted with the others
                kept = self.current
                writing = asyncio.create_task(asyncio.to_thread(self._keep, kept), name="latch")
                await self._written(writing, kept.name)
        finally:
            self._lifting = False
        return no

    @property
    def _forbidden(self) -> str:
        state = self._session_state
        return f"entries were forbidden again meanwhile; {state.state}: {state.reason}"

    async def _forget(self) -> None:
        """Take the latches from the disk; what is in force stands there again where nobody waits for it any more."""
        disk = ThreadPoolExecutor(1, "latch")
        forgetting = disk.submit(self._folder.lift, *(name for name in LATCHES if name != "kill"))
        disk.shutdown(wait=False)
        try:
            await asyncio.wrap_future(forgetting)
        except asyncio.CancelledError:  # the session ends, but nothing ends what hangs in the disk
            forgetting.add_done_callback(lambda _: self._put_back())
            raise

    def _put_back(self) -> None:
        """On the disk's thread, at the end of its work, or on the loop where that is done."""
        try:
            if self.current:
                self._keep(self.current)
        except StorageError as error:
            log.error("what was forbidden is latched no more", error=str(error))

    def _keep(self, standing: Restriction) -> None:
        self._folder.latch(standing)
        if standing.name == "reduce_only":  # what is left of a flatten that is done
            self._folder.lift("flatten")

    async def _written(self, writing: "asyncio.Task[None]", name: str) -> None:
        try:
            await writing
        except StorageError as error:  # what it forbids matters more than that it is kept
            self._session_state.alarm(name, f"{name.replace('_', '-')} holds for this session only: {error}")
