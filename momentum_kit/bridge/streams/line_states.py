"""LineStates: what of the market-data lines can be trusted; moved by ticks, codes and farms, told to health."""

import time
from collections.abc import Callable, Collection
from typing import Any

from momentum_kit.bridge.health import LineWord
from momentum_kit.bridge.streams.buffers import Feed
from momentum_kit.bridge.streams.lines import MarketLine
from momentum_kit.models import LineState

LineMoved = Callable[[str, LineState, LineState, str], None]

FARM_GRACE_S = 2.0  # a tick so soon after its farm broke may have been on its way
CARE_S = 5.0  # a doubted line that is silent for so long is asked for again...
TAKEN_CARE_S = 60.0  # ...or, where another session has its data, for so long...
MOST_CARE_S = 300.0  # ...then after twice as long, up to this
CARED_FOR = 5  # lines at one look: what repairs must not hold up what works
_UNTRUSTED = (LineState.DOUBTED, LineState.TAKEN)


class LineStates:
    """lines: all that are open. moved(contract, before, after, why): one has another state.

    incident(kind, text): what a person is told. witness: reads a line for the sake of its farm alone.
    """

    def __init__(
        self, lines: Callable[[], Collection[MarketLine]], moved: LineMoved, *, incident: Callable[[str, str], None]
    ) -> None:
        self._lines = lines
        self._moved = moved
        self._incident = incident
        self._conflict = False  # a person knows that another session has the data of some line
        self.witness: Feed[Any] | None = None

    def move(self, line: MarketLine, word: LineWord, why: str) -> None:
        """Something has happened to a line."""
        self._tell(line, line.move(word), why)

    def asked_again(self, line: MarketLine) -> None:
        """It has a new id, whose first live tick proves it."""
        self.move(line, LineWord.ASKED_AGAIN, "asked for again")
        line.care_s = max(line.care_s, CARE_S)
        line.doubted_ns, line.asked_ns, line.ticked = 0, time.perf_counter_ns(), False

    def closed(self) -> None:
        """A line is no more; with the last that was taken a conflict is over."""
        self._end_conflict("nothing that it took is asked for any more")

    def taken(self, req_id: int, text: str) -> None:
        """Another session of this user has the data of a line, or of all where IB names none (an id below 1)."""
        lines = [line for line in self._lines() if req_id < 1 or line.req_id == req_id]
        for line in lines:
            line.asked_ns, line.care_s = time.perf_counter_ns(), max(line.care_s, TAKEN_CARE_S)
            self.move(line, LineWord.TAKEN, text)
        if lines and not self._conflict:
            self._conflict = True
            self._incident("session conflict", text)

    def doubt_all(self, why: str, grace_s: float = 0.0) -> None:
        """Something happened that may have silenced any line: each must tick live before it is traded again."""
        for line in self._lines():
            line.care_s = max(line.care_s, CARE_S)
            self._tell(line, line.doubt(grace_s), why)

    def silent(self) -> list[MarketLine]:
        """Lines that have not ticked since they were doubted, or at all."""
        return [line for line in self._lines() if not line.ticked or line.alive_ns < line.doubted_ns]

    def due(self) -> list[MarketLine]:
        """Doubted and taken lines that stay silent and are to be asked for again: a few a look, ever more rarely."""
        now_ns = time.perf_counter_ns()
        waiting = (line for line in self._lines() if line.state in _UNTRUSTED and _waits(line, now_ns))
        due = list(waiting)[:CARED_FOR]
        for line in due:
            line.care_s = min(2 * line.care_s, MOST_CARE_S)
        return due

    def stale(self, after_s: float) -> frozenset[int]:
        """con_ids of lines without a tick for `after_s` wall seconds, or without a live one since they were doubted."""
        limit = time.perf_counter_ns() - after_s * 1e9
        lines = (line for line in self._lines() if line.feeds != [self.witness])
        return frozenset(line.contract.con_id for line in lines if line.alive_ns < limit or line.state in _UNTRUSTED)

    def by_con_id(self) -> dict[int, LineState]:
        """The state of each line."""
        return {line.contract.con_id: line.state for line in self._lines()}

    def _tell(self, line: MarketLine, before: LineState, why: str) -> None:
        if line.state is before:
            return
        self._moved(str(line.contract), before, line.state, why)
        if line.state is LineState.LIVE:
            line.care_s = 0.0
            self._end_conflict("live market data flows again")

    def _end_conflict(self, why: str) -> None:
        if self._conflict and not any(line.robbed for line in self._lines()):
            self._conflict = False
            self._incident("session conflict", f"over: {why}")


def _waits(line: MarketLine, now_ns: int) -> bool:
    since_doubt_s = (now_ns - line.doubted_ns) / 1e9
    return now_ns - line.asked_ns > line.care_s * 1e9 and since_doubt_s > CARE_S
