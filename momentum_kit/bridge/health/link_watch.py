"""LinkWatch: looks twice a second, on the wall, at what nobody says: a gateway that is silent, lines that stay so.

A gateway whose machine is gone, or that hangs, ends no connection: TCP would take minutes to notice. Where no whole
message has come for QUIET_S it is asked for the time; where none comes for ANSWER_S after that either, it is gone. A
part of a message is none: what hangs in the middle of one never says anything again.
"""

import asyncio
import time
from collections.abc import Callable

QUIET_S = 10.0
ANSWER_S = 8.0
LOOK_S = 0.5
HELD_S = 1.0  # a look that is later by this much: our loop was held, which says nothing of the gateway


class LinkWatch:
    """heard() is the time.monotonic of the latest whole message; probe() asks the gateway for something it answers.

    gone(why): the gateway is not there. look(): what else wants a look.
    """

    def __init__(
        self,
        *,
        heard: Callable[[], float],
        probe: Callable[[], None],
        gone: Callable[[str], None],
        look: Callable[[], None],
    ) -> None:
        self._heard = heard
        self._probe = probe
        self._gone = gone
        self._look = look
        self._asked: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look from now on."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._on_time, time.monotonic() + LOOK_S)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time(self, due: float) -> None:
        now = time.monotonic()
        self.start()
        if self._asked is not None and self._heard() >= self._asked:
            self._asked = None
        if self._asked is None:
            if now - self._heard() >= QUIET_S:
                self._asked = now
                self._probe()
        elif now - due > HELD_S:
            self._asked += now - due
        elif now - self._asked >= ANSWER_S:
            self.stop()
            self._gone(
                f"the gateway has said nothing for {now - self._heard():.0f} s and does not answer when it is asked "
                "for the time"
            )
        self._look()
