"""Canary: a liquid line as the witness of its farm: while it ticks, a quiet symbol is quiet; for the session's look.

A farm can be broken while its light is green: IB says nothing, and every symbol is just silent. One stock that trades
many times a second in regular hours tells the two apart. Where it is silent in them, and neither halted nor taken by
another session, its farm is down whatever was said, until it ticks again.
"""

from collections.abc import Callable
from typing import Protocol

from momentum_kit.models import LineState

SILENT_S = 30.0  # wall seconds


class WatchedLine(Protocol):
    """What of a market-data line it looks at."""

    alive_ns: int
    state: LineState

    @property
    def halted(self) -> bool:
        """No trading in it, by the exchange's word."""
        ...


class Canary:
    """line() is None where it was refused. expected(): it should tick now.

    fell_silent(seconds), sings() and rests() are told once each: it is silent though it should tick; it ticks again;
    nobody expects it to tick any more.
    """

    def __init__(
        self,
        *,
        line: Callable[[], WatchedLine | None],
        expected: Callable[[], bool],
        fell_silent: Callable[[float], None],
        sings: Callable[[], None],
        rests: Callable[[], None],
    ) -> None:
        self._line = line
        self._expected = expected
        self._fell_silent = fell_silent
        self._sings = sings
        self._rests = rests
        self._since_ns = 0  # it has been expected to tick without a break since then; 0: it is not
        self._silent_ns = 0  # when it was found silent; 0: it is not

    def look(self, now_ns: int) -> None:
        """At perf_counter_ns `now_ns`."""
        line = self._line()
        if line is not None and self._silent_ns and line.alive_ns > self._silent_ns:
            self._silent_ns = 0
            self._sings()
        elsewhere = line is None or line.halted or line.state in (LineState.TAKEN, LineState.NOT_LIVE)
        if line is None or elsewhere or not self._expected():
            self._since_ns = 0
            if self._silent_ns:
                self._silent_ns = 0
                self._rests()
            return
        self._since_ns = self._since_ns or now_ns
        silent_s = (now_ns - max(self._since_ns, line.alive_ns)) / 1e9
        if silent_s > SILENT_S and not self._silent_ns:
            self._silent_ns = now_ns
            self._fell_silent(silent_s)
