"""Whether what is judged looks as it did: the distribution of each feature, sessions of now against sessions of then.

The population stability index (PSI) compares shares by tenth of the reference: sum of (now - then) x ln(now / then).
Its usual limits (0.1, 0.25) know nothing of how many values there are, nor that headlines of a session share a market.
So it is held against itself: the sessions of both are dealt anew many times, whole ones, and what that gives by chance
is the measure. All features together raise an alarm in 5% of stable worlds, at one look; for daily looks watch.py is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ALARM_RATE = 0.05  # of stable worlds in which any of the features is said to have moved
TENTHS = np.linspace(0.1, 0.9, 9)
DEALS = 2_000  # of the sessions, for what chance gives
LEAST_SESSIONS = 5  # of each side
TIED = 0.05  # share of the reference that is one value, for it to be a bin of its own
WORLDS = 20
FOUND = 0.8  # of worlds in which a move is seen, for it to count as one that can be seen
SIZES = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # moves tried, in standard deviations of the reference
SMOOTHING = 0.5  # counts added to each tenth: an empty one is no infinite surprise


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionWatch:
    """One feature. chance_95: the PSI that sessions dealt anew stay below in 95 of 100 deals.

    smallest: the least shift of all its values that would be found in four worlds of five, in its own unit; inf where
    none of those tried is. why_not: why it is not judged, empty where it is. p_value: share of the deals with a PSI at
    least as large.
    """

    name: str
    reference_values: int
    values: int
    reference_median: float
    median: float
    psi: float
    chance_95: float
    p_value: float
    moved: bool
    smallest: float
    why_not: str

    @property
    def words(self) -> str:
        """The verdict; quiet is never "holds"."""
        if self.why_not:
            return f"not judged: {self.why_not}"
        if self.moved:
            return "moved"
        if not math.isfinite(self.smallest):
            return "quiet; so few values cannot tell"
        return f"quiet; cannot tell below a shift of {self.smallest:.3g}"


def watch_distributions(
    reference: Sequence[Mapping[str, Floats]], lived: Sequence[Mapping[str, Floats]], *, alarm_rate: float = ALARM_RATE
) -> tuple[DistributionWatch, ...]:
    """Watch every feature. reference, lived: one mapping a session, feature to its values.

    The same input gives the same answer. A value that is not known is left out.
    """
    names = list(dict.fromkeys(name for side in (reference, lived) for each in side for name in each))
    return tuple(_watch(name, reference, lived, alarm_rate / max(len(names), 1)) for name in names)


def psi(then: Floats, now: Floats) -> float:
    """Of counts by bin; 0 where the shares are equal."""
    return float(_psi(then, now))


def _psi(then: Floats, now: Floats) -> Floats:
    """The same over the last axis."""
    p, q = ((each + SMOOTHING) / (each + SMOOTHING).sum(axis=-1, keepdims=True) for each in (then, now))
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


def _watch(
    name: str, reference: Sequence[Mapping[str, Floats]], lived: Sequence[Mapping[str, Floats]], rate: float
) -> DistributionWatch:
    then, now = (
        [kept for each in side if name in each and (kept := _known(each[name])).size] for side in (reference, lived)
    )
    before, after = (np.concatenate([np.empty(0), *side]) for side in (then, now))
    why = _why_not(len(then), len(now), rate)
    found, chance, p_value, smallest = math.nan, np.full(1, math.nan), math.nan, math.inf
    if not why:
        edges = _edges(before)
        deals = _deals(len(then), len(now), name)
        found, chance = _against_chance(np.array([_counts(each, edges) for each in (*then, *now)]), deals)
        p_value, smallest = _p_value(found, chance), _smallest(then, len(now), edges, deals[: DEALS // 2], rate, name)
    return DistributionWatch(
        name=name,
        reference_values=before.size,
        values=after.size,
        reference_median=_median(before),
        median=_median(after),
        psi=found,
        chance_95=float(np.quantile(chance, 0.95)),
        p_value=p_value,
        moved=p_value <= rate,
        smallest=smallest,
        why_not=why,
    )


def _why_not(then: int, now: int, rate: float) -> str:
    """What keeps a feature from being judged; empty for nothing."""
    if not then or not now:
        return f"known {'then' if then else 'now'} only"
    if min(then, now) < LEAST_SESSIONS:
        return f"{LEAST_SESSIONS} sessions of each are needed"
    if math.comb(then + now, then) * rate < 2:  # a deal and its mirror image are one
        return f"{then} sessions and {now} can be dealt in too few ways for so many features"
    return ""


def _edges(reference: Floats) -> Floats:
    """Tenths; a value that many share is a bin of its own, so that what lies above it is seen as well as below."""
    tenths = np.unique(np.quantile(reference, TENTHS))
    shared = np.array([each for each in tenths if (reference == each).mean() > TIED])
    return np.unique(np.concatenate([tenths, np.nextafter(shared, np.inf)]))


def _deals(first: int, second: int, name: str) -> Floats:
    """(DEALS + 1, sessions) of ones and zeros: which sessions are dealt to the first side; row 0 as they were."""
    generator = np.random.default_rng(crc32(f"deals of {name}".encode()))
    order = np.argsort(generator.random((DEALS, first + second)), axis=1)
    dealt = np.zeros((DEALS + 1, first + second))
    dealt[0, :first] = 1
    np.put_along_axis(dealt[1:], order[:, :first], 1.0, axis=1)
    return dealt


def _against_chance(counts: Floats, deals: Floats) -> tuple[float, Floats]:
    """PSI as the sessions were, and as they were dealt. counts: sessions x bins."""
    there = deals @ counts
    found = _psi(there, counts.sum(axis=0) - there)
    return float(found[0]), found[1:]


def _p_value(found: float, chance: Floats) -> float:
    return float((1 + (chance >= found - 1e-12).sum()) / (1 + len(chance)))


def _smallest(then: Sequence[Floats], sessions: int, edges: Floats, deals: Floats, rate: float, name: str) -> float:
    """Draw as many sessions from the reference, shift all their values up or down, until both are seen."""
    generator = np.random.default_rng(crc32(f"worlds of {name}".encode()))
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.concatenate(then).std())
    if not 0 < spread < math.inf:
        return math.inf
    before = [_counts(each, edges) for each in then]
    worlds = [[then[at] for at in generator.integers(0, len(then), sessions)] for _ in range(WORLDS)]

    def seen(shift: float) -> float:
        found = (
            _p_value(*_against_chance(np.array([*before, *(_counts(each + shift, edges) for each in world)]), deals))
            for world in worlds
        )
        return sum(p_value <= rate for p_value in found) / WORLDS

    for size in SIZES:
        if seen(size * spread) >= FOUND and seen(-size * spread) >= FOUND:
            return size * spread
    return math.inf


def _counts(values: Floats, edges: Floats) -> Floats:
    counted: npt.NDArray[np.intp] = np.bincount(np.searchsorted(edges, values, "right"), minlength=len(edges) + 1)
    return counted.astype(np.float64)


def _known(values: Floats) -> Floats:
    return np.array([value for value in values if math.isfinite(value)], dtype=np.float64)


def _median(values: Floats) -> float:
    return float(np.median(values)) if values.size else math.nan
