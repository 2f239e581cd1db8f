"""Watches an engine's heartbeat from outside, so that whoever started it is told of one that hangs."""

import threading
from collections.abc import Callable
from time import monotonic

import structlog

from momentum_kit.errors import StorageError
from momentum_kit.runtime.ownership import SILENT_AFTER_S, Heartbeat, StateFolder, read_heartbeat

EVERY_S = 0.5

log = structlog.get_logger("watch")


class HeartbeatMonitor:
    """While it is entered: tells once that the engine gives no sign of life, and once that it does again.

    Ages are measured by this process: a machine that slept is no engine that hangs.
    """

    def __init__(self, folder: StateFolder, tell: Callable[[str], None]) -> None:
        self.last: Heartbeat | None = None
        self._folder = folder
        self._tell = tell
        self._changed = monotonic()
        self._silent = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine watch", daemon=True)

    def __enter__(self) -> "HeartbeatMonitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_S):
            try:
                now = read_heartbeat(self._folder)
            except StorageError as error:
                log.warning("no heartbeat to be read", error=str(error))
                continue
            if now != self.last:
                self.last, self._changed = now, monotonic()
            self._judge(monotonic() - self._changed)

    def _judge(self, seconds: float) -> None:
        last, owned = self.last, self._folder.owned
        if last is None:
            return
        silent = seconds >= SILENT_AFTER_S and owned and not last.ended
        if silent is self._silent:
            return
        self._silent = silent
        if silent:
            words = f"the engine (pid {last.pid}) hangs: no sign of life for {seconds:.0f} s; then: {last.words}"
        elif owned:
            words = f"the engine (pid {last.pid}) gives signs of life again: {last.words}"
        else:
            return
        self._tell(words)
