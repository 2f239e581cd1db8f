"""Daily results of every cell as arrays, and the choice of a cell from some of the days: what validation works on."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter  # type: ignore[import-untyped]

from momentum_kit.errors import ResearchError
from momentum_kit.research.folds import Days, Mask, as_days
from momentum_kit.research.statistics import Array

LEAST_SIGNALS = 30  # of a cell within the days it is chosen from; also of any study


@dataclass(frozen=True, slots=True, eq=False)
class DailyCells:
    """Net results by day and cell.

    days: (D,) datetime64[D], ascending. sums: (D, C), sum of net returns in bps of notional over the day's filled
    signals. fills: (D, C), their number. signals: (D, C), filled or not. shape: (E, *steps of the grid's axes), C cells
    in its flat order; cells next to each other along an axis of the grid are neighbours, exit rules are not.
    """

    days: Days
    sums: Array
    fills: Array
    signals: Array
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        expected = (len(self.days), math.prod(self.shape))
        for name in ("sums", "fills", "signals"):
            if getattr(self, name).shape != expected:
                raise ResearchError(f"validation: {name} has the shape {getattr(self, name).shape}, not {expected}")
        if not expected[0] or np.any(np.diff(as_days(self.days)) <= np.timedelta64(0)):
            raise ResearchError("validation: days must be ascending, each once, and at least one")
        if not np.isfinite(self.sums).all():
            day, cell = np.argwhere(~np.isfinite(self.sums))[0]
            raise ResearchError(f"validation: cell {cell} has no number on {self.days[day]}; an outcome is broken")

    def select(self, mask: Mask) -> "DailyCells":
        """The days where the mask is True; ResearchError if there are none."""
        return DailyCells(self.days[mask], self.sums[mask], self.fills[mask], self.signals[mask], self.shape)


def t_by_day(cells: DailyCells, least_signals: int = LEAST_SIGNALS) -> Array:
    """(C,) mean daily result over its standard error; -inf for cells with fewer filled signals than asked for."""
    days = len(cells.days)
    mean = cells.sums.mean(axis=0)
    error = cells.sums.std(axis=0) / math.sqrt(days)
    ratio = np.divide(mean, error, out=np.zeros_like(mean), where=error > 1e-12)
    return np.where(cells.fills.sum(axis=0) >= least_signals, ratio, -np.inf)


def plateau_score(scores: Array, shape: tuple[int, ...]) -> Array:
    """Mean of each cell's score with those of its neighbours in the grid; the rim repeats, -inf counts as zero.

    A good cell among good neighbours outlives the next sample; a lonely peak is luck.
    """
    grid = np.where(np.isfinite(scores), scores, 0.0).reshape(shape)
    smooth = uniform_filter(grid, size=[1] + [3] * (len(shape) - 1), mode="nearest").reshape(-1)
    return np.where(np.isfinite(scores), smooth, -np.inf)


def choose_cell(cells: DailyCells, least_signals: int = LEAST_SIGNALS) -> int | None:
    """The cell with the best plateau of t by day; None where no cell has enough signals."""
    scores = plateau_score(t_by_day(cells, least_signals), cells.shape)
    best = int(scores.argmax())
    return best if np.isfinite(scores[best]) else None
