"""False accepts and power of the cut-offs on simulated worlds; the long form: MOMENTUM_KIT_WORLDS=400."""

import os

import numpy as np

from momentum_kit.config import Thresholds
from momentum_kit.research.sweep import TrialLedger
from momentum_kit.research.sweep.sweep import sweep
from momentum_kit.research.validation import judge, validate
from momentum_kit.research.validation.statistics import share_upper_bound

WORLDS = int(os.environ.get("MOMENTUM_KIT_WORLDS", "6"))


def accepted(planted, grid, folder, seed: int, **world: float) -> bool:
    """Whether the verdict before the seal accepts the best of one world."""
    table = planted(seed=1000 + seed, days=150, events=2000, **world)
    with TrialLedger(folder / f"{seed}.db") as ledger:
        result = sweep(table, grid, Thresholds(), ["a"], ledger)
    return judge(validate(result, table, reps=400, seed=seed)).word == "accept"


def test_luck_is_hardly_ever_accepted(planted, planted_grid, tmp_path):
    """In worlds in which every signal nets nothing on average, the hardest null, the best cell is not accepted."""
    false = sum(accepted(planted, planted_grid, tmp_path, seed, edge_bps=0, elsewhere_bps=0) for seed in range(WORLDS))
    assert false <= max(1, np.ceil(0.02 * WORLDS))
    if WORLDS >= 200:
        assert share_upper_bound(false, WORLDS) <= 0.05


def test_an_edge_that_the_data_can_show_is_accepted(planted, planted_grid, tmp_path):
    """Planted 30 bps among losers, sigma 100 bps, some four standard errors: most worlds are accepted."""
    right = sum(
        accepted(planted, planted_grid, tmp_path, seed, edge_bps=30, elsewhere_bps=-40, sigma_bps=100)
        for seed in range(WORLDS)
    )
    assert right >= 0.7 * WORLDS
