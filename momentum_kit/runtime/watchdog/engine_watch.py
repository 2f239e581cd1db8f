"""EngineWatch: the engine's side of its watchdog: starts it, beats, says what is read, and ends it in the end."""

import subprocess
import sys

from momentum_kit.runtime.watchdog.life_page import LifePage
from momentum_kit.runtime.watchdog.order import WatchOrder

END_S = 5.0


class EngineWatch:
    """The page is there from the beginning, the process from `start` to `end`."""

    def __init__(self) -> None:
        self.page = LifePage.create()
        self._order: WatchOrder | None = None
        self._process: subprocess.Popen[str] | None = None

    def start(self, order: WatchOrder) -> None:
        """Have the engine of this process watched from now on."""
        self._order = order
        self._process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.runtime.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(order.page,),
            start_new_session=True,  # no signal to the engine's group may end who watches it
            text=True,
        )
        assert self._process.stdin
        with self._process.stdin as pipe:
            pipe.write(order.as_line())

    def look(self) -> str:
        """Called by the engine now and then: a watchdog that has ended is started anew; in words, empty without one."""
        if self._order is None or self._process is None or self._process.poll() is None:
            return ""
        status = self._process.returncode
        self.start(self._order)
        return f"the watchdog had ended with status {status}; another one watches"

    def end(self, *, failed: bool) -> None:
        """The engine ends in order: nobody watches any more. failed: its watchdog goes on calling for a human."""
        self.page.end(failed=failed)
        if not failed and self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(END_S)

    def close(self) -> None:
        """Give the page back."""
        self.page.close()
