"""A grid of thresholds over an event table: the first trigger of every event in every cell, and what it brought.

    result = sweep(table, grid, Thresholds(), ["bracket"], ledger)
    result.frame("bracket")        one row a cell
    result.plateau("bracket")      the good region, and the cell at its centre

What is swept is the signal, before the risk gate: events do not interact, so every cell is exact in one pass.
research/sweep/risk_gate_simulation.py runs the gate for a few cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable
from momentum_kit.research.sweep.grid import Cell, Grid
from momentum_kit.research.sweep.ledger import TrialLedger
from momentum_kit.research.sweep.plateau import Plateau, find_plateau
from momentum_kit.research.sweep.sums import UNIT_BPS, CellSums, sum_table

LEAST_EVENTS = 30
"""A study with fewer is refused, and a cell with fewer fills is marked thin: its t says nothing."""

LINE_COLUMNS = (
    "signals", "fills", "no_fill_share", "hit_rate", "mean_bps", "se_bps", "t_day", "sharpe_day", "thin",
)  # fmt: skip
"""Statistics on the line through a cell along one axis."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CellStatistics:
    """Per cell, (C,), for one exit rule; nan where it cannot be known. All returns are net, per fill or per day.

    signals: events that trigger. fills: those with an outcome; no_fill_share: the others. hit_rate: share of fills with
    a gain. mean_bps: of the fills, with the standard error se_bps and t_day, both by clusters of days. sharpe_day: mean
    over standard deviation of a day's sum, over all days of the table, a day without fills as 0; not annualised.
    worst_day_bps: the least sum of a day, in bps of one position. thin: fewer fills than LEAST_EVENTS.
    """

    signals: npt.NDArray[np.int64]
    fills: npt.NDArray[np.int64]
    no_fill_share: Values
    hit_rate: Values
    mean_bps: Values
    se_bps: Values
    t_day: Values
    sharpe_day: Values
    worst_day_bps: Values
    thin: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SweepResult:
    """Every cell of a grid by day. D days with an event, E exit rules, C cells (flattened grid, last axis fastest).

    sums: the exact sums. statistics: exit rule to its cells. marks: what a reader must be told, from the table.
    trials: all there are in the ledger now on these data, new_trials: those that this sweep added.
    """

    grid: Grid
    base: Thresholds
    exits: tuple[str, ...]
    sums: CellSums
    statistics: Mapping[str, CellStatistics]
    marks: tuple[str, ...]
    trials: int
    new_trials: int

    @property
    def days(self) -> npt.NDArray[np.datetime64]:
        """(D,) datetime64[D]."""
        return self.sums.days

    @property
    def count(self) -> npt.NDArray[np.int32]:
        """(D, *shape) signals."""
        return self.sums.signals.reshape(len(self.days), *self.grid.shape)

    @property
    def fills(self) -> npt.NDArray[np.int32]:
        """(D, *shape, E) signals with an outcome."""
        return np.moveaxis(self.sums.fills.reshape(self._shape), 0, -1)

    @property
    def hits(self) -> npt.NDArray[np.int32]:
        """(D, *shape, E) fills with a gain."""
        return np.moveaxis(self.sums.hits.reshape(self._shape), 0, -1)

    @property
    def sum_bps(self) -> Values:
        """(D, *shape, E) net returns added up, bps of one position."""
        return np.moveaxis(_in_bps(self.sums.units).reshape(self._shape), 0, -1)

    def daily_bps(self, exit_name: str | None = None) -> Values:
        """(D, C) a day's net returns added up, bps of one position; 0 on a day without fills."""
        return _in_bps(self.sums.units[self._position(exit_name)])

    def cells(self, exit_name: str | None = None) -> CellStatistics:
        """The statistics of one exit rule; None for the first."""
        return self.statistics[self.exits[self._position(exit_name)]]

    def frame(self, exit_name: str | None = None) -> pd.DataFrame:
        """One row a cell: its thresholds, then its statistics."""
        cells = self.cells(exit_name)
        return pd.DataFrame(self.grid.columns() | {field.name: getattr(cells, field.name) for field in fields(cells)})

    def thresholds(self, cell: Cell) -> Thresholds:
        """The thresholds of one cell."""
        return self.grid.thresholds(self.base, cell)

    def plateau(self, exit_name: str | None = None) -> Plateau:
        """The region of good cells among good neighbours; ResearchError where there is none."""
        cells = self.cells(exit_name)
        return find_plateau(self.grid, np.where(cells.thin, np.nan, cells.t_day).reshape(self.grid.shape))

    def sensitivity(self, cell: Cell, exit_name: str | None = None) -> pd.DataFrame:
        """One row a step of every axis, the others at the cell: axis, step, value, chosen, and the cell's statistics.

        change_bps, change_signals: against one step looser on that axis; nan at the loosest. Raises ResearchError where
        the grid has no such cell.
        """
        self.thresholds(cell)
        frame = self.frame(exit_name)[list(LINE_COLUMNS)]
        numbers = np.arange(self.grid.size).reshape(self.grid.shape)
        lines: list[pd.DataFrame] = []
        for axis, (name, values) in enumerate(self.grid.axes.items()):
            line = frame.iloc[np.moveaxis(numbers, axis, -1)[(*cell[:axis], *cell[axis + 1 :])]].reset_index(drop=True)
            place = {"axis": name, "step": range(len(values)), "value": values}
            place["chosen"] = [step == cell[axis] for step in range(len(values))]
            line = pd.concat([pd.DataFrame(place), line], axis=1)
            line["change_bps"], line["change_signals"] = line["mean_bps"].diff(), line["signals"].diff()
            lines.append(line)
        return pd.concat(lines, ignore_index=True)

    @property
    def _shape(self) -> tuple[int, ...]:
        return (len(self.exits), len(self.days), *self.grid.shape)

    def _position(self, exit_name: str | None) -> int:
        if exit_name is None:
            return 0
        if exit_name not in self.exits:
            raise ResearchError(f"sweep: no exit rule {exit_name}; swept: {', '.join(self.exits)}")
        return self.exits.index(exit_name)


def sweep(
    table: EventTable,
    grid: Grid,
    base: Thresholds,
    exits: Sequence[str],
    ledger: TrialLedger,
    threads: int | None = None,
) -> SweepResult:
    """Run every cell of the grid over the table, once, and count the trials.

    exits: names of the table's outcomes. threads: None for all cores. Raises ResearchError for a table of fewer than
    LEAST_EVENTS events, StorageError where the trials could not be counted: what nobody counted is not shown.
    """
    _check_events(len(table))
    sums = sum_table(table, grid, base, exits, threads)
    return conclude(sums, grid, base, exits, ledger, table.marks, np.unique(table.instrument_days).tolist())


def conclude(
    sums: CellSums, grid: Grid, base: Thresholds, exits: Sequence[str], ledger: TrialLedger, marks: Sequence[str] = (),
    contents: Sequence[str] = (),
) -> SweepResult:  # fmt: skip
    """Statistics of sums, perhaps added up from parts (add_sums), and their trials counted; as `sweep`.

    contents: the instrument days of the table, by which earlier trials on the same data are found.
    """
    _check_events(sums.events)
    statistics = {name: _statistics(sums, position) for position, name in enumerate(exits)}
    new = [
        ledger.record(int(key), name, grid, base, statistics[name].sharpe_day, sums.events, sums.days, contents)
        for key, name in zip(sums.keys, exits, strict=True)
    ]
    return SweepResult(
        grid=grid,
        base=base,
        exits=tuple(exits),
        sums=sums,
        statistics=statistics,
        marks=tuple(marks),
        trials=ledger.count(contents) if contents else ledger.count(),
        new_trials=sum(new),
    )


def _statistics(sums: CellSums, position: int) -> CellStatistics:
    from momentum_kit.research.sweep.passes import day_moments

    moments = np.empty((8, sums.signals.shape[1]))
    day_moments(sums.fills[position], sums.hits[position], sums.units[position], moments)
    fills, hits, total, squares, cross, fills_squared, worst, filled_days = moments
    signals, days = sums.signals.sum(axis=0, dtype=np.int64), len(sums.days)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / fills
        # a day's deviation from what its fills should have brought: sum - fills x mean; G/(G-1) for few clusters
        deviations = np.maximum(squares - 2 * mean * cross + mean**2 * fills_squared, 0.0)
        se = np.sqrt(deviations * np.where(filled_days > 1, filled_days / (filled_days - 1), np.nan)) / fills
        spread = (
            np.sqrt(np.maximum(squares - total**2 / days, 0.0) / (days - 1)) if days > 1 else np.full_like(se, np.nan)
        )
        t_day = np.where(se > 0, mean / se, np.nan)
        sharpe = np.where(spread > 0, total / days / spread, np.nan)
        return CellStatistics(
            signals=signals, fills=fills.astype(np.int64), no_fill_share=1 - fills / signals,
            hit_rate=hits / fills, mean_bps=mean, se_bps=se, t_day=t_day, sharpe_day=sharpe,
            worst_day_bps=np.where(fills > 0, worst, np.nan), thin=fills < LEAST_EVENTS,
        )  # fmt: skip


def _in_bps(units: npt.NDArray[np.int64]) -> Values:
    return np.multiply(units, UNIT_BPS, dtype=np.float64)


def _check_events(events: int) -> None:
    if events < LEAST_EVENTS:
        raise ResearchError(f"sweep: {events} events; at least {LEAST_EVENTS} are needed: choose more days or symbols")
