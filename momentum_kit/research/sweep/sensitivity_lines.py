"""How a result moves with each threshold alone: the cells on the lines through a chosen cell, one line an axis."""

import numpy as np
import pandas as pd

from momentum_kit.research.sweep.grid import Cell
from momentum_kit.research.sweep.sweep import SweepResult

COLUMNS = ("signals", "fills", "no_fill_share", "hit_rate", "mean_bps", "se_bps", "t_day", "sharpe_day", "thin")


def sensitivity(result: SweepResult, cell: Cell, exit_name: str | None = None) -> pd.DataFrame:
    """One row a step of every axis, the others at the cell: axis, step, value, chosen, and the cell's statistics.

    change_bps, change_signals: against one step looser on that axis; nan at the loosest. Raises ResearchError where
    the grid has no such cell.
    """
    result.thresholds(cell)
    frame = result.frame(exit_name)[list(COLUMNS)]
    numbers = np.arange(result.grid.size).reshape(result.grid.shape)
    lines: list[pd.DataFrame] = []
    for axis, (name, values) in enumerate(result.grid.axes.items()):
        line = frame.iloc[np.moveaxis(numbers, axis, -1)[(*cell[:axis], *cell[axis + 1 :])]].reset_index(drop=True)
        place = {"axis": name, "step": range(len(values)), "value": values}
        place["chosen"] = [step == cell[axis] for step in range(len(values))]
        line = pd.concat([pd.DataFrame(place), line], axis=1)
        line["change_bps"], line["change_signals"] = line["mean_bps"].diff(), line["signals"].diff()
        lines.append(line)
    return pd.concat(lines, ignore_index=True)
