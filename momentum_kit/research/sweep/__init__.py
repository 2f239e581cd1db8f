"""Every cell of a grid of thresholds over an event table, the ledger of trials, and the cells worth a look."""

from momentum_kit.research.sweep.bins import EITHER, bin_table
from momentum_kit.research.sweep.grid import (
    TUNABLE,
    Cell,
    Grid,
    SweepDefinition,
    grid_of,
    read_axes,
    read_grid,
    stricter_upwards,
)
from momentum_kit.research.sweep.ledger import TrialLedger
from momentum_kit.research.sweep.plateau import Plateau, find_plateau
from momentum_kit.research.sweep.risk_gate_simulation import RiskGateSimulation, simulate_risk_gate
from momentum_kit.research.sweep.shortlisting import best_cell, shortlist
from momentum_kit.research.sweep.sums import CellSums, add_sums, sum_table
from momentum_kit.research.sweep.sweep import LEAST_EVENTS, SweepResult, conclude
from momentum_kit.research.sweep.triggers import (
    Outcomes,
    by_day,
    first_triggers,
    holds,
    margin_frame,
    only_failure,
    outcomes,
)

__all__ = [
    "EITHER",
    "LEAST_EVENTS",
    "TUNABLE",
    "Cell",
    "CellSums",
    "Grid",
    "Outcomes",
    "Plateau",
    "RiskGateSimulation",
    "SweepDefinition",
    "SweepResult",
    "TrialLedger",
    "add_sums",
    "best_cell",
    "bin_table",
    "by_day",
    "conclude",
    "find_plateau",
    "first_triggers",
    "grid_of",
    "holds",
    "margin_frame",
    "only_failure",
    "outcomes",
    "read_axes",
    "read_grid",
    "shortlist",
    "simulate_risk_gate",
    "stricter_upwards",
    "sum_table",
]
