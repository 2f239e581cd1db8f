"""How much a headline's times can tell: stamps that are rounded, receptions that nobody measured.

A stamp cut to its minute names a moment up to a minute before anybody could have read the headline. A study that takes
it for the reception buys before the news and finds an edge where there is none. So a reception that carries no
information of its own is a guess: it is marked like an imputed one, and the grain of the stamp is added to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from momentum_kit.models import Headline, HeadlinePhase
from momentum_kit.sessions import NEW_YORK, session_on

GRAINS_S = (3600, 1800, 900, 600, 300, 60, 30, 15, 10, 5)
"""Steps that a clock of a feed may have, longest first; whole seconds are told apart below."""

MOST_BY_CHANCE = 0.2  # share of stamps on a whole minute or more: clocks with seconds put one in sixty there
WHOLE = 0.95  # share on whole seconds
SAME = 0.5  # share of receptions with one and the same delay, to the millisecond
LEAST_HEADLINES = 20  # of a provider, below which only what is true of all of them tells
NOBODY_TRADES = 0.5  # share of headlines at times when no venue is open
ZERO = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class StampHabits:
    """Of one provider's headlines: how its times are made.

    published_grain_s, received_grain_s: the step of the clock, 0 for one without. one_delay_ms: the delay that most
    receptions share, none where they differ. zero: share of receptions equal to their publication. headlines, received:
    how many there are, and with a reception.
    """

    headlines: int
    received: int
    published_grain_s: int
    received_grain_s: int
    one_delay_ms: int | None
    zero: float

    @classmethod
    def of(cls, lines: Iterable[Headline]) -> "StampHabits":
        """Measured on headlines; receptions of those that were told live."""
        known = list(lines)
        heard = [(line.published_at, line.received_at) for line in known if line.received_at is not None]
        delays = np.array([round((at - published) / ZERO) for published, at in heard], np.int64)
        return cls(
            headlines=len(known),
            received=len(heard),
            published_grain_s=_grain_s(_micros(line.published_at for line in known)),
            received_grain_s=_grain_s(_micros(at for _, at in heard)),
            one_delay_ms=_one_delay(delays),
            zero=float((delays == 0).mean()) if delays.size else 0.0,
        )


@dataclass(frozen=True, slots=True)
class Stamps:
    """The habits of every provider of an archive; "" stands for all of them together."""

    habits: Mapping[str, StampHabits]

    @classmethod
    def of(cls, lines: Iterable[Headline]) -> "Stamps":
        """Measured on the headlines of an archive."""
        told: dict[str, list[Headline]] = {"": []}
        for line in lines:
            told[""].append(line)
            told.setdefault(line.provider, []).append(line)
        return cls({provider: StampHabits.of(each) for provider, each in told.items()})

    def reception(self, line: Headline) -> tuple[datetime | None, bool]:
        """When a headline can have been read at the earliest, and whether that is a guess.

        None where nobody recorded it. A guess is later than what stands in the file by the grain of its stamp.
        """
        if line.received_at is None:
            return None, False
        habits = self._of(line.provider)
        delay = line.received_at - line.published_at
        rounded = _on(line.received_at, habits.received_grain_s) and habits.received_grain_s > 0
        same = habits.one_delay_ms is not None and abs(round(delay / ZERO) - habits.one_delay_ms) <= 1
        if line.phase is not HeadlinePhase.LIVE or not (abs(delay) < ZERO or rounded or same):
            return line.received_at, False
        return line.received_at + max(self.grain(line), timedelta(seconds=habits.received_grain_s * rounded)), True

    def grain(self, line: Headline) -> timedelta:
        """By how much a headline's publication may have been cut."""
        grain_s = self._of(line.provider).published_grain_s
        return timedelta(seconds=grain_s if _on(line.published_at, grain_s) else 0)

    def _of(self, provider: str) -> StampHabits:
        own = self.habits.get(provider)
        return own if own and own.headlines >= LEAST_HEADLINES else self.habits[""]


def nobody_trades_at(at: datetime) -> bool:
    """Whether no US venue is open: before 04:00, after 20:00, and on days without a session."""
    local = at.astimezone(NEW_YORK)
    return not 4 <= local.hour < 20 or session_on(local.date()) is None


def _grain_s(moments: npt.NDArray[np.int64]) -> int:
    times = np.unique(moments)  # many headlines of one moment say no more about a clock than one
    if times.size < LEAST_HEADLINES:
        return 0
    for grain_s in GRAINS_S:
        # of a coarser clock all stamps are on the finer one too: the longest step that most keep
        most = MOST_BY_CHANCE if grain_s == 60 else WHOLE
        if (times % (grain_s * 1_000_000) == 0).mean() > most:
            return grain_s
    return int((times % 1_000_000 == 0).mean() > WHOLE)


def _one_delay(delays_ms: npt.NDArray[np.int64]) -> int | None:
    if delays_ms.size < LEAST_HEADLINES:
        return None
    values, counts = np.unique(delays_ms, return_counts=True)
    most = int(counts.argmax())
    return int(values[most]) if counts[most] > SAME * delays_ms.size else None


def _on(at: datetime, grain_s: int) -> bool:
    return grain_s > 0 and (at - _EPOCH) % timedelta(seconds=grain_s) == timedelta()


def _micros(times: Iterable[datetime]) -> npt.NDArray[np.int64]:
    return np.array([(at - _EPOCH) // timedelta(microseconds=1) for at in times], np.int64)
