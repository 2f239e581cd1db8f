"""Several numbers a session, watched together: which have drifted since when, and how much each could hide."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from momentum_kit.research.drift.evidence import drift_evidence

ALARM_RATE = 0.05  # of stable worlds in which any of the numbers ever alarms, however often one looks
HORIZONS = (10, 20, 60)  # sessions
LEAST_REFERENCE = 20  # sessions: with fewer no rank is high or low enough to mean much
FOUND = 0.8  # of worlds in which a drift is seen, for it to count as one that can be seen
WORLDS = 200
SIZES = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0)  # drifts tried, in standard deviations

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesWatch:
    """One number: what it was, what it is, and what can be said.

    sessions: with a value, lived. since: which of them (from 1) raised the alarm; None while quiet. smallest: by
    horizon, the least lasting change of the mean that is found within so many sessions in four worlds of five, in the
    number's own unit; inf where none is, or where the reference never moved.
    """

    name: str
    reference_sessions: int
    reference_mean: float
    sessions: int
    mean: float
    since: int | None
    smallest: Mapping[int, float]

    @property
    def words(self) -> str:
        """The verdict; quiet is never "holds"."""
        if self.reference_sessions < LEAST_REFERENCE:
            return f"not judged: {self.reference_sessions} sessions of reference, {LEAST_REFERENCE} are needed"
        if self.since is not None:
            direction = "higher" if self.mean > self.reference_mean else "lower"
            return f"drifted ({direction}), seen after {self.since} sessions"
        reached = [size for horizon, size in self.smallest.items() if horizon <= self.sessions]
        if not reached or not math.isfinite(reached[-1]):
            return "quiet; so few sessions cannot tell"
        return f"quiet; cannot tell below a change of {reached[-1]:.3g}"


def watch_drift(
    reference: Mapping[str, Sequence[float]],
    lived: Mapping[str, Sequence[float]],
    *,
    alarm_rate: float = ALARM_RATE,
    horizons: Sequence[int] = HORIZONS,
) -> tuple[SeriesWatch, ...]:
    """Watch every number that both have, one value a session in order of time; nan where a session has none.

    Valid after each new session: stable sessions (independent of each other, and like the reference) raise any alarm in
    any of the numbers with a probability of `alarm_rate` at most. The same input gives the same answer, and a session
    more changes none of the earlier ones. A number with too short a reference is told and not judged.
    """
    known = {name: (_known(reference[name]), _known(lived[name])) for name in reference if name in lived}
    judged = sum(len(before) >= LEAST_REFERENCE for before, _ in known.values())
    return tuple(
        _watch(name, before, after, alarm_rate / max(judged, 1), sorted(horizons))
        for name, (before, after) in known.items()
    )


def _watch(name: str, reference: Floats, lived: Floats, rate: float, horizons: Sequence[int]) -> SeriesWatch:
    enough = len(reference) >= LEAST_REFERENCE
    ties = np.random.default_rng(crc32(name.encode())).random((1, len(lived)))
    evidence = drift_evidence(reference, lived[None, :], ties)[0]
    alarms = np.flatnonzero(evidence >= 1 / rate) if enough else np.array([], dtype=int)
    return SeriesWatch(
        name=name,
        reference_sessions=len(reference),
        reference_mean=float(reference.mean()) if len(reference) else math.nan,
        sessions=len(lived),
        mean=float(lived.mean()) if len(lived) else math.nan,
        since=int(alarms[0]) + 1 if len(alarms) else None,
        smallest=_smallest(name, reference, rate, horizons) if enough else dict.fromkeys(horizons, math.inf),
    )


def _smallest(name: str, reference: Floats, rate: float, horizons: Sequence[int]) -> dict[int, float]:
    """Play worlds that go on like the reference but for a shift, up and down, until the larger of both is found."""
    spread = float(reference.std())
    found = dict.fromkeys(horizons, math.inf)
    if not horizons or not spread:
        return found
    generator = np.random.default_rng(crc32(f"worlds of {name}".encode()))
    shape = (WORLDS, horizons[-1])
    for size in SIZES:
        seen = np.ones(len(horizons))
        for sign in (-1, 1):
            world = generator.choice(reference, shape) + sign * size * spread
            most = np.maximum.accumulate(drift_evidence(reference, world, generator.random(shape)), axis=1)
            seen = np.minimum(seen, [(most[:, horizon - 1] >= 1 / rate).mean() for horizon in horizons])
        for horizon, share in zip(horizons, seen, strict=True):
            if share >= FOUND and math.isinf(found[horizon]):
                found[horizon] = size * spread
        if not any(map(math.isinf, found.values())):
            break
    return found


def _known(values: Sequence[float]) -> Floats:
    return np.array([value for value in values if math.isfinite(value)], dtype=float)
