"""The cells of a sweep worth a closer look: the plateau's centre and the best of the others, as they would trade."""

from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from momentum_kit.config import Config
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable
from momentum_kit.research.sweep.grid import Cell
from momentum_kit.research.sweep.plateau import smooth
from momentum_kit.research.sweep.risk_gate_simulation import simulate_risk_gate
from momentum_kit.research.sweep.sweep import SweepResult

SIGNALLED = ("signals", "fills", "hit_rate", "mean_bps", "se_bps", "t_day", "worst_day_bps")
TRADED = ("entries", "net_usd", "drawdown_usd", "turnover_a_day_usd")


def shortlist(result: SweepResult, table: EventTable, config: Config) -> pd.DataFrame:
    """One row a cell, named in `finalist`: exit, thresholds, signals, and what passed the session's risk gate in order.

    Per exit rule the centre of the plateau, where there is one, the best cell among its neighbours, and the loosest.
    """
    found = []
    for name in result.exits:
        frame = result.frame(name)
        for title, cell in _cells(result, name).items():
            row: dict[str, Any] = {"finalist": f"{title}, {name}", "exit": name}
            swept = frame.iloc[int(np.ravel_multi_index(cell, result.grid.shape))]
            row |= {axis: swept[axis] for axis in result.grid.names} | {each: swept[each] for each in SIGNALLED}
            summary = _traded(table, result, cell, name, config)
            found.append(row | {each: summary.get(each, np.nan) for each in TRADED})
    return pd.DataFrame(found)


def best_cell(result: SweepResult, exit_name: str | None = None) -> Cell:
    """The cell whose t, smoothed over its neighbours, is highest; the one with most fills where no t is known."""
    cells = result.cells(exit_name)
    scores = smooth(np.where(cells.thin, np.nan, cells.t_day).reshape(result.grid.shape))
    flat = int(np.nanargmax(scores)) if np.isfinite(scores).any() else int(cells.fills.argmax())
    return tuple(int(step) for step in np.unravel_index(flat, result.grid.shape))


def _cells(result: SweepResult, name: str) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    with suppress(ResearchError):  # no cell stands out: the best one is shown, and is only the luckiest
        cells["centre of the plateau"] = result.plateau(name).center
    return cells | {"best of its neighbourhood": best_cell(result, name), "loosest": (0,) * len(result.grid.shape)}


def _traded(
    table: EventTable, result: SweepResult, cell: Cell, name: str, config: Config
) -> dict[str, float | int | dict[str, int]]:
    try:
        return simulate_risk_gate(table, result.thresholds(cell), name, risk=config.risk, exits=config.exits).summary()
    except ResearchError:  # nothing signals there
        return {}
