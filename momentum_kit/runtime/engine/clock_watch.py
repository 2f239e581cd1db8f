"""ClockWatch: notices a wall clock that was set and a machine that slept, and tells; for an engine on the wall clock.

Protection follows elapsed time, which no step changes and which counts a sleep (runtime/clock.py), so nothing is done
to it here. After a sleep what was heard is old, also what the socket had kept: entries wait for the broker's lists.
"""

import time
from collections.abc import Callable
from datetime import datetime

from momentum_kit.ports import Clock
from momentum_kit.sessions import in_words

STEP_S = 2.0  # the wall may move so much more or less than elapsed time between two looks
STILL_S = 5.0  # without a look for so long, nothing has run here


class ClockWatch:
    """Looked at before every beat and several times a second beside them.

    incident(kind, text): tell a human. ask_anew(why): what was heard is old. awake: seconds, those asleep not counted.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        incident: Callable[[str, str], None],
        ask_anew: Callable[[str], None],
        awake: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._incident = incident
        self._ask_anew = ask_anew
        self._awake = awake
        self._last = self._read()

    def look(self) -> None:
        """Compare with the look before."""
        (wall, elapsed, awake), self._last = self._last, self._read()
        now = self._last[0]
        passed_s, awake_s = self._last[1] - elapsed, self._last[2] - awake
        step_s = (now - wall).total_seconds() - passed_s
        if abs(step_s) > STEP_S:
            set_to = f"from {in_words(wall)} to {in_words(now)} while {passed_s:.1f} s passed"
            self._incident("clock", f"the wall clock was set by {step_s:+.1f} s, {set_to}; protection is unchanged")
        if passed_s > STILL_S:
            asleep_s = max(passed_s - awake_s, 0.0)
            words = f"nothing ran here for {passed_s:.1f} s, {asleep_s:.1f} s of it the machine slept"
            self._incident("clock", f"{words}; quotes are stale, entries wait for the broker's lists")
            self._ask_anew(words)

    def _read(self) -> tuple[datetime, float, float]:
        return self._clock.now(), self._clock.elapsed(), self._awake()
