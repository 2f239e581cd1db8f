"""Sharpe ratios that know how often one tried, and how much data a claim needs; the formulas behind every verdict.

All Sharpe ratios are per period (here: per day), never annualised. Sources: Bailey and Lopez de Prado (2012, 2014),
MacKinlay (1997), Clopper and Pearson (1934).
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

Array = npt.NDArray[np.float64]

EULER_GAMMA = 0.5772156649015329


def sharpe(returns: npt.ArrayLike) -> Array:
    """Mean over standard deviation (divisor T) down axis 0; 0 where nothing varies (a cell that never trades)."""
    values = np.asarray(returns, dtype=float)
    spread = values.std(axis=0)
    means: Array = values.mean(axis=0)
    ratio: Array = np.divide(means, spread, out=np.zeros_like(means), where=spread > 1e-12)
    return ratio


def psr(observed: float, benchmark: float, periods: int, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Probabilistic Sharpe ratio: the probability that the true one exceeds `benchmark`.

    Phi((SR - SR*) sqrt(T-1) / sqrt(1 - g3 SR + (g4-1)/4 SR^2)); kurtosis is the raw one, 3 for a normal.
    """
    return float(
        stats.norm.cdf((observed - benchmark) * math.sqrt(periods - 1) / _sharpe_noise(observed, skew, kurtosis))
    )


def expected_max_sharpe(variance: float, trials: float) -> float:
    """The Sharpe ratio that the best of `trials` skill-less trials shows on average; 0 for a single one.

    sqrt(V) ((1-g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), V the variance of the trials' Sharpe ratios.
    """
    if trials <= 1:
        return 0.0
    low, high = stats.norm.isf([1 / trials, 1 / (trials * math.e)])
    return math.sqrt(variance) * float((1 - EULER_GAMMA) * low + EULER_GAMMA * high)


def deflated_sharpe(
    observed: float, variance: float, trials: float, periods: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """DSR: the PSR against what luck alone would have shown after so many trials."""
    return psr(observed, expected_max_sharpe(variance, trials), periods, skew, kurtosis)


def moments(returns: npt.ArrayLike) -> tuple[float, float]:
    """Skewness and raw kurtosis; those of a normal where nothing varies."""
    values = np.asarray(returns, dtype=float)
    if values.size < 4 or values.std() <= 1e-12:
        return 0.0, 3.0
    return float(stats.skew(values)), float(stats.kurtosis(values, fisher=False))


def min_track_record(
    observed: float, benchmark: float, skew: float = 0.0, kurtosis: float = 3.0, level: float = 0.95
) -> float:
    """Periods until a Sharpe ratio like the observed one exceeds the benchmark at this level; inf if it never does."""
    if observed <= benchmark:
        return math.inf
    return 1 + (float(stats.norm.ppf(level)) * _sharpe_noise(observed, skew, kurtosis) / (observed - benchmark)) ** 2


def event_study_power(abnormal: float, sigma: float, events: int, size: float = 0.05) -> float:
    """Chance that a two-sided test sees a mean abnormal return of `abnormal` in so many events (MacKinlay 1997)."""
    shift = abnormal * math.sqrt(events) / sigma
    limit = float(stats.norm.isf(size / 2))
    return float(stats.norm.sf(limit - shift) + stats.norm.cdf(-limit - shift))


def power_table(
    abnormal: Sequence[float], sigma: float, events: Sequence[int], size: float = 0.05
) -> dict[tuple[float, int], float]:
    """`event_study_power` for every (abnormal return, number of events)."""
    return {(edge, count): event_study_power(edge, sigma, count, size) for edge in abnormal for count in events}


def events_needed(abnormal: float, sigma: float, power: float = 0.8, size: float = 0.05) -> int:
    """Least number of events at which `event_study_power` reaches `power`."""
    shift = float(stats.norm.isf(size / 2) + stats.norm.ppf(power))
    return max(1, math.ceil((shift * sigma / abnormal) ** 2))


def share_upper_bound(hits: int, runs: int, level: float = 0.95) -> float:
    """Upper confidence bound of a share (Clopper-Pearson, two-sided level): false accepts of so many placebo runs."""
    return 1.0 if hits >= runs else float(stats.beta.ppf(1 - (1 - level) / 2, hits + 1, runs - hits))


def _sharpe_noise(observed: float, skew: float, kurtosis: float) -> float:
    # the moments of few, skewed observations can leave no variance at all: then nothing is known, not everything
    return math.sqrt(max(1 - skew * observed + (kurtosis - 1) / 4 * observed**2, 1e-3))
