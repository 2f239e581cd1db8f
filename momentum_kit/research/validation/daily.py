"""Daily results of every cell as arrays, and the choice of a cell from some of the days, for validation.py."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ResearchError
from momentum_kit.research.sweep import LEAST_EVENTS, Cell, Grid, SweepResult, find_plateau
from momentum_kit.research.validation.folds import Days, Mask, as_days
from momentum_kit.research.validation.statistics import Array


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class DailyCells:
    """Net results by day, exit rule and cell; X = exits x cells columns, exit rules outermost.

    days: (D,) datetime64[D], ascending. sums: (D, X), net returns of the day's filled signals added up, in bps of one
    position. fills: (D, X), their number. signals: (D, X), filled or not.
    """

    grid: Grid
    exits: tuple[str, ...]
    days: Days
    sums: Array
    fills: npt.NDArray[np.integer]
    signals: npt.NDArray[np.integer]

    def __post_init__(self) -> None:
        expected = (len(self.days), len(self.exits) * self.grid.size)
        for name in ("sums", "fills", "signals"):
            if getattr(self, name).shape != expected:
                raise ResearchError(f"validation: {name} has the shape {getattr(self, name).shape}, not {expected}")
        if not expected[0] or np.any(np.diff(as_days(self.days)) <= np.timedelta64(0, "D")):
            raise ResearchError("validation: days must be ascending, each once, and at least one")
        if not np.isfinite(self.sums).all():
            day, column = np.argwhere(~np.isfinite(self.sums))[0]
            raise ResearchError(f"validation: column {column} has no number on {self.days[day]}: an outcome is broken")

    @classmethod
    def of(cls, result: SweepResult) -> "DailyCells":
        """The sums of a sweep."""
        return cls(
            grid=result.grid,
            exits=result.exits,
            days=result.days,
            sums=np.concatenate([result.daily_bps(name) for name in result.exits], axis=1),
            fills=np.concatenate(list(result.sums.fills), axis=1),
            signals=np.tile(result.sums.signals, (1, len(result.exits))),
        )

    def select(self, mask: Mask) -> "DailyCells":
        """The days where the mask is True; ResearchError if there are none."""
        return DailyCells(
            grid=self.grid,
            exits=self.exits,
            days=self.days[mask],
            sums=self.sums[mask],
            fills=self.fills[mask],
            signals=self.signals[mask],
        )

    def place(self, column: int) -> tuple[str, Cell]:
        """Exit rule and cell of a column."""
        exit_number, cell = divmod(column, self.grid.size)
        return self.exits[exit_number], tuple(int(step) for step in np.unravel_index(cell, self.grid.shape))


def t_by_day(cells: DailyCells, least_fills: int = LEAST_EVENTS) -> Array:
    """(X,) mean net return per fill over its standard error by clusters of days, as the sweep computes it.

    nan for columns with fewer fills than asked for, or without any variation.
    """
    fills = cells.fills.sum(axis=0)
    active = (cells.fills > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = cells.sums.sum(axis=0) / fills
        squares = ((cells.sums - mean * cells.fills) ** 2).sum(axis=0)
        error = np.sqrt(squares * active / (active - 1)) / fills
        known = (fills >= least_fills) & (active > 1) & (error > 0)
        return np.asarray(np.where(known, mean / error, np.nan), dtype=float)


def choose(cells: DailyCells, least_fills: int = LEAST_EVENTS) -> int | None:
    """The column at the centre of the best plateau (`find_plateau`) over all exit rules.

    None where no cell stands out: then nothing is traded. The same choice is made from all open days for the candidate
    and from the earlier days of each month in the walk-forward.
    """
    best: tuple[float, int] | None = None
    for number, scores in enumerate(t_by_day(cells, least_fills).reshape(len(cells.exits), -1)):
        try:
            plateau = find_plateau(cells.grid, scores.reshape(cells.grid.shape))
        except ResearchError:  # no cell's own lower bound exceeds zero
            continue
        score = float(plateau.smoothed[plateau.best])
        if best is None or score > best[0]:
            cell = int(np.ravel_multi_index(plateau.center, cells.grid.shape))
            best = score, number * cells.grid.size + cell
    return None if best is None else best[1]
