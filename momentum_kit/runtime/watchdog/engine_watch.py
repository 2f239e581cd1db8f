"""EngineWatch: the engine's side of its watchdog: starts it, beats, says what is read, and ends it in the end."""

import subprocess
import sys
from contextlib import suppress

from momentum_kit.runtime.watchdog.life_page import LifePage
from momentum_kit.runtime.watchdog.order import WatchOrder

END_S = 5.0


class EngineWatch:
    """The page is there from the beginning, the process from `start` to `end`."""

    def __init__(self) -> None:
        self.page = LifePage.create()
        self._order: WatchOrder | None = None
        self._process: subprocess.Popen[str] | None = None
        self._unwatched = False  # it has ended and none could be started, which was told

    def start(self, order: WatchOrder) -> None:
        """Have the engine of this process watched from now on."""
        self._order = order
        self._process = subprocess.Popen(
            [sys.executable, "-m", "momentum_kit.runtime.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(order.page, *order.hand_over),
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
        try:
            self.start(self._order)
        except OSError as error:  # no memory for a process, say: the engine goes on, and tries again at the next look
            told, self._unwatched = self._unwatched, True
            return "" if told else f"the watchdog had ended with status {status}, and NONE could be started: {error}"
        self._unwatched = False
        return f"the watchdog had ended with status {status}; another one watches"

    def end(self, *, failed: bool) -> str:
        """The engine ends in order: nobody watches any more. failed: its watchdog goes on calling for a human.

        In words where the watchdog had to be killed; an engine's end does not hang on it.
        """
        self.page.end(failed=failed)
        process = self._process
        if failed or process is None or process.poll() is not None:
            return ""
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            with suppress(subprocess.TimeoutExpired):  # held by the system itself: init takes it when we have ended
                process.wait(END_S)
            return f"the watchdog (pid {process.pid}) did not end within {END_S:g} s and was killed"
        return ""

    def close(self) -> None:
        """Give the page back."""
        self.page.close()
