"""Beside the engine, by the wall: gives its signs of life, measures its loop, and obeys the stop-file."""

import asyncio
import time

import structlog

from momentum_kit.errors import GuardRefused, StorageError
from momentum_kit.runtime.control import COMMANDS, REDUCING
from momentum_kit.runtime.engine.engine import Engine
from momentum_kit.runtime.ownership import HEARTBEAT_S, StateFolder, heartbeat_of
from momentum_kit.runtime.watchdog import EngineWatch

LOOK_S = 0.1  # wall seconds between two looks: a stop-file is obeyed within twice that
GAP_S = 0.25  # a later look says that something held the loop

log = structlog.get_logger("engine")


class EngineHeartbeat:
    """Runs for as long as the engine listens."""

    def __init__(self, engine: Engine, folder: StateFolder, watch: EngineWatch | None = None) -> None:
        self._engine = engine
        self._folder = folder
        self._watch = watch
        self._task: asyncio.Task[None] | None = None
        self._beaten = float("-inf")
        self._told = False

    async def start(self) -> None:
        """The first sign of life, and one a second from now on; what waits for the engine is obeyed before that."""
        self.beat()
        await self._obey_file()
        self._task = asyncio.create_task(self._run(), name="heartbeat")

    async def stop(self) -> None:
        """The last sign of life says how it ended."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self.beat()

    def beat(self) -> None:
        """Leave a sign of life; a disk that refuses it is told once and costs nothing else."""
        self._beaten = time.monotonic()
        try:
            self._folder.leave_heartbeat(heartbeat_of(self._engine.status(), self._engine.ended.is_set()))
            self._told = False
        except StorageError as error:
            if not self._told:
                self._told = True
                log.warning("no sign of life could be left", error=str(error))

    async def _run(self) -> None:
        while True:
            due = time.monotonic() + LOOK_S
            await asyncio.sleep(LOOK_S)
            late_s = max(0.0, time.monotonic() - due)
            self._engine.loop_lag_s = late_s
            if self._watch:
                self._watch.page.beat()
            self._engine.look_at_clock()  # also while nothing beats
            if late_s > GAP_S:
                log.warning("the event loop was held", seconds=round(late_s, 3))
            if time.monotonic() - self._beaten >= HEARTBEAT_S:
                self.beat()
                if self._watch and (words := self._watch.look()):
                    self._engine.session_state.incident("watchdog", words)
                if self._engine.forsaken:
                    await self._command("stop", "the engine itself: not started, and nobody asks for it any more")
            await self._obey_file()

    async def _obey_file(self) -> None:
        try:
            text = self._folder.take_command()
        except OSError as error:
            text = ""
            log.error("a stop-file that cannot be read or removed: stopping", error=str(error))
        if text is None:
            return
        name = text.replace("-", "_").lower() or "stop"
        if name not in REDUCED:  # whoever left it wanted less, and a file may lie there for long
            self._engine.session_state.incident(
                "stop-file", f"says {text!r}, which is none of {', '.join(REDUCED)}: stopping"
            )
            name = "stop"
        await self._command(name, "stop-file")

    async def _command(self, name: str, source: str) -> None:
        try:
            await self._engine.command(name, source)
        except GuardRefused as error:
            log.info("refused", command=name, source=source, why=str(error))


REDUCED = tuple(name for name in COMMANDS if name in REDUCING)
