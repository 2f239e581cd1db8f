"""Finds the plateau of a sweep, the good cells among good neighbours, so that nothing hangs on one lucky cell.

In words. A cell's score is its t by day clusters: the mean net return over its standard error. The summit is the good
cell with the best mean score over itself and its neighbours, one step away along any axes; so a lucky cell among bad
ones is none. The plateau is all that can be reached from the summit, one step along one axis at a time, over cells
(1) whose score is within one standard error of the summit's smoothed one (a t has a standard error of 1), and (2) whose
lower 95% confidence bound of the mean net return exceeds zero (t above 1.645, one-sided). What we recommend is the cell
at its centre, with the fewest steps in all to the other cells of the region, and not the best one: the best of many is
the luckiest. The bound is per cell; research/validation judges for the search as a whole.
"""

from collections import deque
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ResearchError
from momentum_kit.research.sweep.grid import Cell, Grid

WITHIN_T = 1.0
"""How far below the summit's smoothed t the region reaches: one standard error."""

LEAST_T = 1.645
"""The cell's own t from which the lower 95% bound of its mean exceeds zero."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Plateau:
    """A region of good cells, and the cell to take from it.

    members: grid shape, True inside. smoothed: grid shape, the neighbourhood's mean t, nan where no cell has one.
    center: the recommended cell; best: the best smoothed one. low, high: the region's loosest and strictest step on
    each axis, inclusive. on_edge: axes at whose first or last step the region ends: there it may go on outside.
    """

    members: npt.NDArray[np.bool_]
    smoothed: Values
    center: Cell
    best: Cell
    low: Cell
    high: Cell
    on_edge: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(self.members.sum())

    def __contains__(self, cell: Cell) -> bool:
        return bool(self.members[cell])

    def summary(self, grid: Grid) -> dict[str, Any]:
        """Plain values: its size, the edges it reaches, and on each axis the loosest, strictest and central value."""
        steps = zip(grid.axes.items(), self.low, self.high, self.center, strict=True)
        return {
            "cells": self.size,
            "on_edge": list(self.on_edge),
            "axes": {name: {"low": v[low], "high": v[high], "center": v[at]} for (name, v), low, high, at in steps},
        }


def find_plateau(grid: Grid, t_day: Values) -> Plateau:
    """The plateau of a grid whose cells have these t (grid shape, nan: not to be judged).

    Raises ResearchError where no cell's own bound exceeds zero.
    """
    smoothed = smooth(t_day)
    good = t_day > LEAST_T
    if not good.any():
        highest = f"the highest t is {np.nanmax(t_day):.2f}" if np.isfinite(t_day).any() else "no cell has enough fills"
        raise ResearchError(f"sweep: no plateau: no cell's net return is above zero beyond doubt; {highest}")
    scores = np.where(good, smoothed, -np.inf)
    best = _cell(scores, int(scores.argmax()))
    members = _connected(good & (t_day >= scores[best] - WITHIN_T), best)
    inside = np.argwhere(members)
    low, high = tuple(inside.min(axis=0).tolist()), tuple(inside.max(axis=0).tolist())
    on_edge = tuple(
        name for name, steps, first, last in zip(grid.names, grid.shape, low, high, strict=True)
        if steps > 1 and (first == 0 or last == steps - 1)
    )  # fmt: skip
    return Plateau(
        members=members, smoothed=smoothed, center=_center(members), best=best, low=low, high=high, on_edge=on_edge
    )


def smooth(values: Values) -> Values:
    """Mean over a cell and its neighbours, one step away along any axes; nan counts for nothing, and stays nan."""
    known = np.isfinite(values)
    total, weight = np.where(known, values, 0.0), known.astype(float)
    for axis in range(values.ndim):
        total, weight = _three(total, axis), _three(weight, axis)
    mean = np.divide(total, weight, out=np.full(values.shape, np.nan), where=weight > 0)
    return np.where(known, mean, np.nan)


def _three(values: Values, axis: int) -> Values:
    """Each value with the one before and the one after."""
    summed = values.copy()
    here, there = np.moveaxis(summed, axis, 0), np.moveaxis(values, axis, 0)
    here[1:] += there[:-1]
    here[:-1] += there[1:]
    return summed


def _connected(wanted: npt.NDArray[np.bool_], start: Cell) -> npt.NDArray[np.bool_]:
    """The wanted cells that can be reached from start by single steps along one axis."""
    reached = np.zeros_like(wanted)
    reached[start] = True
    waiting = deque([start])
    while waiting:
        cell = waiting.popleft()
        for axis, step in product(range(wanted.ndim), (-1, 1)):
            at = cell[axis] + step
            near = (*cell[:axis], at, *cell[axis + 1 :])
            if 0 <= at < wanted.shape[axis] and wanted[near] and not reached[near]:
                reached[near] = True
                waiting.append(near)
    return reached


def _center(members: npt.NDArray[np.bool_]) -> Cell:
    """The member with the fewest steps in all to the other members; of equals the loosest."""
    inside = np.argwhere(members)
    steps = np.zeros(len(inside))
    for axis in range(members.ndim):
        at = inside[:, axis]
        counts = np.bincount(at, minlength=members.shape[axis])
        distance = np.abs(np.subtract.outer(np.arange(members.shape[axis]), np.arange(members.shape[axis])))
        steps += (distance @ counts)[at]
    return tuple(inside[steps.argmin()].tolist())


def _cell(values: npt.NDArray[np.generic], flat: int) -> Cell:
    return tuple(int(i) for i in np.unravel_index(flat, values.shape))
