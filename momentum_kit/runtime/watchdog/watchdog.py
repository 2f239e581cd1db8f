"""The watchdog: a process beside an engine that tells when it is held or dead, and by policy or word replaces it.

Whatever holds the engine's interpreter, a regular expression without end or a library that never comes back, holds its
heartbeat, its endpoint and its signal handlers with it. So it is watched from another process, the engine's child,
which needs nothing of it: it counts the beats on a page of memory that both share. At first it has loaded nothing but
Python's own modules, and takes 10 MB; the rest is loaded once the engine has lived for a while, or when it is needed.

Time is counted in looks, not by a clock: a machine that slept, or is too busy to run this process, is no engine that
hangs. The engine is this process's parent, and its process id cannot be another's until the system has given us another
parent; what else must fit before it is ended is in ownership/engine_identity.
"""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from momentum_kit.runtime.stop_file import word_in
from momentum_kit.runtime.watchdog.hand_over import HandOver
from momentum_kit.runtime.watchdog.life_page import LifePage
from momentum_kit.runtime.watchdog.order import WatchOrder

if TYPE_CHECKING:
    from momentum_kit.runtime.watchdog.takeover import Takeover

LOOK_S = 0.25
WORD_AFTER_S = 5.0  # without a beat for so long a kill, stop or flatten that waits for the engine ends it
LOADED_AFTER = 80  # looks, 20 s: what is needed when it hangs is then loaded, whatever becomes of the files meanwhile
WORDS = ("kill", "stop", "flatten")  # of a stop-file, that end an engine which hangs; an empty one is a stop
ERRORS = "watchdog.err"


class Watchdog:
    """Looks until the engine has ended.

    takeover(order, hand_over): what tells, ends and starts, made when it is needed.
    """

    def __init__(
        self, order: WatchOrder, page: LifePage, takeover: "Callable[[WatchOrder, HandOver], Takeover]"
    ) -> None:
        self._order = order
        self._page = page
        self._hand_over = HandOver(order.hand_over)
        self._make = takeover
        self._takeover: Takeover | None = None
        self._beats = -1
        self._still = 0  # looks without a beat
        self._told = False
        self._left_alone = False  # it could not be ended, and that was told

    def run(self) -> None:
        """Return when the engine has ended, in order or not, or another one has taken its place."""
        looks = 0
        while not self._page.over:
            time.sleep(LOOK_S)
            looks += 1
            if looks == LOADED_AFTER:
                self._acting()
            if os.getppid() != self._order.pid:
                if not self._page.over:
                    self._died()
                break
            if self._look():
                break
        self._hand_over.release()  # nobody takes over from an engine that has ended in words
        if self._page.failed:
            while os.getppid() == self._order.pid:  # it still has its last words to write
                time.sleep(LOOK_S)
            self._acting().failed()
        if self._takeover:
            self._takeover.close()

    def _died(self) -> None:
        """Nobody had said that it ends."""
        acting, word = self._acting(), self._word()
        if word or self._order.then != "alert":
            acting.succeed(self._page.marked, word)
        else:
            acting.gone(self._page.marked)

    def _look(self) -> bool:
        """True where another engine has taken the place of this one, or none could."""
        beats = self._page.beats
        if beats != self._beats:
            self._beats, self._still, self._left_alone = beats, 0, False
            if self._told:
                self._told = False
                self._acting().goes_on()
            return False
        self._still += 1
        seconds = self._still * LOOK_S
        if seconds < WORD_AFTER_S:
            return False
        word = self._word()
        if not self._told and (word or seconds >= self._order.held_after_s):
            self._told = True
            self._acting().held(seconds, self._page.marked, word)
        if self._left_alone or not (word or (self._told and self._order.then != "alert")):
            return False
        done = self._acting().replace(word)
        self._left_alone = not done
        return done

    def _word(self) -> str:
        """What a person has said that the engine does not hear; empty without it."""
        for file in map(Path, self._order.stop_files):
            try:
                given = word_in(file)
            except OSError:
                continue
            word = None if given is None else given.lower() or "stop"
            if word in WORDS:
                return word
        return ""

    def _acting(self) -> "Takeover":
        if self._takeover is None:
            self._takeover = self._make(self._order, self._hand_over)
        return self._takeover


def _load(order: WatchOrder, hand_over: HandOver) -> "Takeover":
    from momentum_kit.runtime.watchdog.takeover import Takeover

    return Takeover(order, hand_over)


def main() -> int:
    """Entry of the process: its order is the first line of stdin."""
    order = WatchOrder.of_line(sys.stdin.readline())
    try:
        Watchdog(order, LifePage(order.page), _load).run()
    except Exception:  # noqa: BLE001  (nobody reads the stderr of this process, and the engine may be held)
        (Path(order.run_dir) / ERRORS).write_text(traceback.format_exc(), encoding="utf-8")
        return 1
    return 0
