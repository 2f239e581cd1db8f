"""Probability of backtest overfitting (CSCV), and how many different ideas a grid of near-identical cells holds."""

import math
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
import numpy.typing as npt

from momentum_kit.research.validation.statistics import Array

SPLITS = 16
SAME_IDEA = 0.7  # correlation of daily returns from which two cells count as one
MIN_DAYS_A_SPLIT = 2
_CHUNK = 2145  # halves at once: a sixth of all; bounds the memory on wide grids


@dataclass(frozen=True, slots=True)
class Pbo:
    """How often the best cell of one half of the days is a poor one in the other half.

    probability: share of halves in which the best falls to the median or below (about one half without any edge);
    loss: share of halves in which the best has a Sharpe ratio of zero or less in the other half.
    """

    probability: float
    loss: float
    cells: int


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """The best cell of each half of the days: its Sharpe ratio there and in the other half, and its rank there, 0 to 1.

    Each (H,); empty where there are too few days to be split.
    """

    seen: Array
    unseen: Array
    rank: Array


def best_in_halves(returns: Array, splits: int = SPLITS) -> Halves:
    """Every choice of half of `splits` blocks of days, its best cell, and what that is in the other half.

    returns: (D, C) by day.
    """
    days, cells = returns.shape
    if cells < 1 or days < MIN_DAYS_A_SPLIT * splits:
        return Halves(*(np.empty(0) for _ in range(3)))
    blocks = np.array_split(np.arange(days), splits)
    size = np.array([len(block) for block in blocks], dtype=float)
    sums = np.array([returns[block].sum(axis=0) for block in blocks])
    squares = np.array([(returns[block] ** 2).sum(axis=0) for block in blocks])
    found = []
    halves = _halves(splits)
    for chunk in np.array_split(halves, max(1, len(halves) // _CHUNK)):
        seen = _sharpe(chunk @ size, chunk @ sums, chunk @ squares)
        unseen = _sharpe((1 - chunk) @ size, (1 - chunk) @ sums, (1 - chunk) @ squares)
        best = seen.argmax(axis=1)[:, None]
        there = np.take_along_axis(unseen, best, axis=1)
        rank = (unseen < there).sum(axis=1) + ((unseen == there).sum(axis=1) + 1) / 2
        found.append((seen.max(axis=1), there[:, 0], rank / (cells + 1)))
    return Halves(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def probability_of_overfitting(returns: Array, splits: int = SPLITS) -> Pbo:
    """PBO by combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de Prado, Zhu 2017).

    returns: (D, C) by day, best on representatives of clusters: near-identical good cells take each other's ranks and
    look overfitted. nan for fewer than 2 x `splits` days; a probability of nan where there is nothing to choose from:
    a single idea can still lose.
    """
    halves, cells = best_in_halves(returns, splits), returns.shape[1]
    if not halves.rank.size:
        return Pbo(math.nan, math.nan, cells)
    below = float((halves.rank <= 0.5).mean())  # ln(w / (1 - w)) <= 0
    return Pbo(below if cells > 1 else math.nan, float((halves.unseen <= 0).mean()), cells)


def representatives(
    returns: Array, activity: npt.NDArray[np.floating | np.integer] | None = None, same: float = SAME_IDEA
) -> npt.NDArray[np.intp]:
    """Columns that stand for all others: each column correlates with one of them at `same` or more.

    Leaders are taken by `activity` (such as signals per cell), never by their result: choosing the best of each
    cluster would be selection once more. Cells that never vary stand for nothing. Their number is the effective N.
    """
    deviation = returns.std(axis=0)
    left = np.flatnonzero(deviation > 1e-12)
    order = left if activity is None else left[np.argsort(-activity[left], kind="stable")]
    scale = np.where(deviation > 1e-12, deviation, 1) * math.sqrt(max(len(returns), 1))
    unit = ((returns - returns.mean(axis=0)) / scale).T.astype(np.float32)  # (C, D), half the memory to walk through
    leaders: list[int] = []
    while order.size:
        leader = int(order[0])
        leaders.append(leader)
        alike = unit[order] @ unit[leader] >= same
        alike[0] = True
        order = order[~alike]
    return np.array(leaders, dtype=np.intp)


@cache
def _halves(splits: int) -> Array:
    chosen = np.array(list(combinations(range(splits), splits // 2)))
    masks = np.zeros((len(chosen), splits))
    np.put_along_axis(masks, chosen, 1.0, axis=1)
    return masks


def _sharpe(size: Array, sums: Array, squares: Array) -> Array:
    mean = sums / size[:, None]
    variance = squares / size[:, None] - mean**2
    return np.divide(mean, np.sqrt(np.maximum(variance, 0)), out=np.zeros_like(mean), where=variance > 1e-12)
