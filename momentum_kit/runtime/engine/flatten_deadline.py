"""How long a session that was told to get flat may take, what it waits for, and when a human hears of it."""

from collections.abc import Callable, Mapping
from time import monotonic

from momentum_kit.models import ExitWait
from momentum_kit.services.execution import LISTS_UNKNOWN

ALERT_AFTER_S = (0.0, 120.0, 600.0)  # elapsed seconds for which something is in the way
USUAL_S = 5.0  # the lists may be unknown for so long after any sale


class FlattenDeadline:
    """why: what the session is told to get flat for, empty if it is not. waits: what is in its way, by symbol.

    bounded: it ends when its time is over, flat or not; a flatten and a kill go on until flat. call(matter, text): a
    person is needed; settle(matter, text): no more.
    """

    def __init__(
        self,
        limit_s: float,
        elapsed: Callable[[], float],
        *,
        call: Callable[[str, str], None],
        settle: Callable[[str, str], None],
    ) -> None:
        self.why = ""
        self.bounded = False
        self._limit_s = limit_s
        self._elapsed = elapsed
        self._call = call
        self._settle = settle
        self._taken = 0.0
        self._late_told = False
        self._why: dict[str, str] = {}  # by symbol, what is in the way just now
        self._since: dict[str, float] = {}  # by symbol, when the first of it came
        self._told: set[tuple[str, str, float]] = set()

    def take(self, why: str, *, bounded: bool) -> None:
        """From now on every position is on its way out."""
        self.abandon()
        self.why, self.bounded, self._taken = why, bounded, monotonic()

    def abandon(self) -> None:
        """No more."""
        if self.why:
            self._settle(f"{self.why} not done", f"the {self.why} is over")
        self.why, self.bounded, self._late_told = "", False, False
        self._why, self._since, self._told = {}, {}, set()

    def look(self, waits: Mapping[str, str]) -> None:
        """What is in the way now: symbol, empty for the account, to why. A human is told at once and of what lasts."""
        now = self._elapsed()
        self._why = {symbol: why for symbol, why in waits.items() if why}
        self._since = {symbol: self._since.get(symbol, now) for symbol in self._why}
        due = [wait for wait in self.waits if self._is_due(wait)]
        if due:
            self._call(f"{self.why} not done", f"{self.why} is not done: {'; '.join(map(str, due))}")
        elif self._told and not self._why:
            self._settle(f"{self.why} not done", f"nothing is in the way of the {self.why} any more")

    @property
    def waits(self) -> tuple[ExitWait, ...]:
        """By symbol."""
        now = self._elapsed()
        return tuple(
            ExitWait(symbol=symbol, why=why, seconds=now - self._since[symbol])
            for symbol, why in sorted(self._why.items())
        )

    @property
    def seconds(self) -> float:
        """Wall seconds since it was taken."""
        return monotonic() - self._taken

    @property
    def late(self) -> bool:
        """True once it takes longer than it may."""
        return self.bounded and self.seconds >= self._limit_s

    def first_late(self) -> bool:
        """True once, for a human who must be told."""
        first = self.late and not self._late_told
        self._late_told = self._late_told or first
        return first

    def _is_due(self, wait: ExitWait) -> bool:
        """The latest of the times that are over, if it has not been told of this symbol and reason."""
        steps = [step for step in ALERT_AFTER_S if wait.seconds >= step]
        if wait.why == LISTS_UNKNOWN and wait.seconds < USUAL_S:
            return False
        told = (wait.symbol, wait.why, steps[-1])
        new = told not in self._told
        self._told.add(told)
        return new
