"""The rhythm of a market that waits for its client: step by step, with a stop where a headline is relayed in between.

What arrives in a step is received at its end, as far as the client can tell. A recorded headline has a time of its
own, so the market announces it first: it answers with that time and does not move. The client sets its clock and asks
again; now the market moves up to the headline, tells it, and answers the same time. Then the step goes on.
"""

from datetime import datetime, timedelta
from typing import Protocol

_INSTANT = timedelta(microseconds=1)


class StoppingMarket(Protocol):
    """What the rhythm asks of a market."""

    @property
    def now(self) -> datetime:
        """Market time."""
        ...

    def next_stop(self, until: datetime) -> datetime | None:
        """When something is to be told at its own time before `until`, if anything is."""
        ...


class LockStep:
    """Says how far the market goes when its client asks for a step of `step`."""

    def __init__(self, market: StoppingMarket, step: timedelta) -> None:
        self._market = market
        self._step = step
        self._due = market.now + step
        self._announced: datetime | None = None

    def leap(self, most: timedelta) -> timedelta:
        """Make the next step longer by whole steps, at most so much, so that it ends before the next headline.

        By how much it is longer. For a client to whom nothing but headlines can happen.
        """
        stop = self._market.next_stop(self._due + most + _INSTANT)
        room = most if stop is None else stop - self._due - _INSTANT
        longer = max(room // self._step, 0) * self._step
        self._due += longer
        return longer

    def next(self) -> tuple[datetime, bool]:
        """The time to answer, and whether the market moves up to it now."""
        stop = self._market.next_stop(self._due)
        if stop is not None:
            moves = stop == self._announced
            self._announced = None if moves else stop
            return stop, moves
        due, self._due = self._due, self._due + self._step
        return due, True
