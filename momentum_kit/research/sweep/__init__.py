"""Every cell of a grid of thresholds over an event table, the ledger of trials, and the cells worth a look."""

from momentum_kit.research.sweep.cluster import Cluster
from momentum_kit.research.sweep.finalist_table import finalists, plateau_or_reason, side_by_side
from momentum_kit.research.sweep.grid import Cell, Grid
from momentum_kit.research.sweep.grid_file import Definition, grid_of, read_axes, read_grid
from momentum_kit.research.sweep.ledger import TrialLedger
from momentum_kit.research.sweep.plateau import Plateau, find_plateau
from momentum_kit.research.sweep.sensitivity_lines import sensitivity
from momentum_kit.research.sweep.sums import DaySums, add_sums, sum_table
from momentum_kit.research.sweep.sweep import LEAST_EVENTS, SweepResult, conclude
from momentum_kit.research.sweep.triggers import Outcomes, by_day, first_triggers, holds, outcomes

__all__ = [
    "LEAST_EVENTS",
    "Cell",
    "Cluster",
    "DaySums",
    "Definition",
    "Grid",
    "Outcomes",
    "Plateau",
    "SweepResult",
    "TrialLedger",
    "add_sums",
    "by_day",
    "conclude",
    "finalists",
    "find_plateau",
    "first_triggers",
    "grid_of",
    "holds",
    "outcomes",
    "plateau_or_reason",
    "read_axes",
    "read_grid",
    "sensitivity",
    "side_by_side",
    "sum_table",
]
