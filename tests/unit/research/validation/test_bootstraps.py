"""Sizes of the jump tests and of the tests over many cells, by seeded simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from momentum_kit.detection.live.features import barndorff_nielsen_shephard, gumbel_limits, gumbel_quantile
from momentum_kit.research.validation.bootstraps import MIN_DAYS, mean_band, resampled_days, spa_test
from momentum_kit.research.validation.overfitting import probability_of_overfitting, representatives

MINUTES = 390


def lee_mykland_share(returns: np.ndarray, level: float) -> float:
    """Share of days (rows, a warm-up day of 390 first) with at least one return beyond the Gumbel limit."""
    size = np.abs(returns)
    products = size[:, 1:-1] * size[:, :-2]  # |r_j||r_j-1| for j up to i-1
    window = MINUTES - 2
    total = np.cumsum(products, axis=1)
    sums = total[:, window:] - total[:, :-window]
    scale = np.sqrt(sums / window)
    ratio = np.abs(returns[:, -scale.shape[1] :]) / scale
    limits = gumbel_limits(MINUTES)
    return float((((ratio[:, -MINUTES:] - limits.c_n) / limits.s_n).max(axis=1) > gumbel_quantile(level)).mean())


def test_the_published_gumbel_limits_are_reproduced():
    """4.6001 and 2.9702; at n = 390 the 1% limit is 5.47 for the raw ratio and 4.36 after scaling by sqrt(2/pi)."""
    assert (gumbel_quantile(0.01), gumbel_quantile(0.05)) == (
        pytest.approx(4.6001, abs=5e-5),
        pytest.approx(2.9702, abs=5e-5),
    )
    limits = gumbel_limits(MINUTES)
    raw = limits.c_n + limits.s_n * gumbel_quantile(0.01)
    assert (round(raw, 2), round(raw * math.sqrt(2 / math.pi), 2)) == (5.47, 4.36)


def test_lee_mykland_holds_its_size_for_normal_returns_only():
    """At nominal 1% about 1% of normal days are flagged, and about nine in ten jump-free days of t(4) returns."""
    rng = np.random.default_rng(7)
    normal = lee_mykland_share(rng.normal(size=(1500, 2 * MINUTES)), 0.01)
    heavy = lee_mykland_share(rng.standard_t(4, size=(1500, 2 * MINUTES)), 0.01)
    assert 0.003 <= normal <= 0.025
    assert heavy == pytest.approx(0.89, abs=0.03)


def test_the_ratio_max_test_has_about_its_nominal_size():
    """Barndorff-Nielsen and Shephard, ratio-max form, n = 390: about 5 and 1% of jump-free days."""
    rng = np.random.default_rng(11)
    z = np.array([barndorff_nielsen_shephard(row) for row in rng.normal(size=(5000, MINUTES))])
    sizes = [(z > stats.norm.isf(level)).mean() for level in (0.05, 0.01)]
    assert sizes[0] == pytest.approx(0.05, abs=0.012)
    assert sizes[1] == pytest.approx(0.01, abs=0.006)


def test_without_any_edge_overfitting_is_about_one_half():
    """The null of PBO is one half, not zero, and the best of one half loses in about half of the others."""
    rng = np.random.default_rng(3)
    found = [probability_of_overfitting(rng.normal(size=(96, 10))) for _ in range(40)]
    assert np.mean([one.probability for one in found]) == pytest.approx(0.5, abs=0.08)
    assert np.mean([one.loss for one in found]) == pytest.approx(0.5, abs=0.1)


def test_columns_without_their_mean_are_overfitted_exactly():
    """What is good in one half is bad in the other by construction: PBO is exactly 1."""
    returns = np.random.default_rng(4).normal(size=(160, 12))
    assert probability_of_overfitting(returns - returns.mean(axis=0)).probability == 1.0


def test_one_good_cell_among_noise_is_not_overfitted():
    """A real edge in one cell gives a PBO near zero."""
    returns = np.random.default_rng(4).normal(size=(160, 12))
    returns[:, 5] += 0.5
    found = probability_of_overfitting(returns)
    assert found.probability < 0.02
    assert found.loss < 0.02


def test_a_plateau_is_punished_until_its_cells_are_one_idea():
    """Near-identical good cells look overfitted; one representative of them does not."""
    rng = np.random.default_rng(6)
    good = rng.normal(0.35, 1, size=(160, 1)) + 0.02 * rng.normal(size=(160, 20))
    returns = np.hstack([good, rng.normal(size=(160, 5))])
    leaders = representatives(returns)
    assert len(leaders) == 6
    plain, by_idea = probability_of_overfitting(returns), probability_of_overfitting(returns[:, leaders])
    assert plain.probability > 0.3 > 0.15 > by_idea.probability
    assert plain.loss < 0.1


def test_representatives_are_chosen_by_activity_and_never_stand_still():
    """The most active cell leads its cluster; a cell that never trades stands for nothing."""
    rng = np.random.default_rng(8)
    one, two = rng.normal(size=(2, 100))
    returns = np.column_stack([one, one * 2, two, np.zeros(100)])
    assert representatives(returns, np.array([1, 9, 5, 99])).tolist() == [1, 2]


@pytest.mark.parametrize(("days", "cells"), [(31, 5), (100, 1)])
def test_too_little_for_cscv_is_not_known(days, cells):
    """Fewer than two days a block, or nothing to choose from: nan, never a number."""
    assert math.isnan(probability_of_overfitting(np.random.default_rng(0).normal(size=(days, cells))).probability)


def test_a_single_idea_can_lose_but_not_be_overfitted():
    """With one column there is no choice to be wrong about; how often it loses in the other half is known."""
    returns = np.random.default_rng(3).normal(0.4, 1, size=(160, 1))
    found = probability_of_overfitting(returns)
    assert math.isnan(found.probability)
    assert found.loss < 0.05
    assert probability_of_overfitting(-returns).loss > 0.95


def test_the_tests_over_all_cells_hold_their_size():
    """Without an edge SPA and White's Reality Check reject in about 5% of the worlds."""
    rng = np.random.default_rng(12)
    found = [spa_test(rng.standard_t(4, size=(120, 8)), reps=200, seed=number) for number in range(80)]
    assert np.mean([one.p_value < 0.05 for one in found]) <= 0.11
    assert np.mean([one.p_white < 0.05 for one in found]) <= 0.11
    assert np.mean([one.p_white for one in found]) == pytest.approx(0.5, abs=0.1)


def test_a_noisy_cell_hides_an_edge_from_white_but_not_from_hansen():
    """Columns are divided by their deviation: one wild cell without an edge does not drown a quiet one with an edge."""
    rng = np.random.default_rng(13)
    returns = np.column_stack([rng.normal(0.35, 1, 200), rng.normal(0, 60, 200)])
    found = spa_test(returns, reps=300)
    assert found.p_value < 0.02
    assert found.p_white > 0.2
    assert found.lower <= found.p_value <= found.upper


def test_without_enough_days_nothing_is_tested():
    """Under 20 days, and for cells that never trade, the answer is nan."""
    assert math.isnan(spa_test(np.ones((MIN_DAYS - 1, 2))).p_value)
    assert math.isnan(spa_test(np.zeros((100, 2))).p_value)
    assert math.isnan(mean_band(np.ones(10), np.ones(10)).low)
    assert math.isnan(mean_band(np.zeros(40), np.zeros(40)).estimate)


def test_a_band_by_days_covers_the_truth_where_one_by_events_would_not():
    """Events of one day move together: bands from whole days cover the mean about as often as they say."""
    rng = np.random.default_rng(14)
    covered = 0
    for number in range(150):
        counts = rng.integers(0, 12, size=80).astype(float)
        mood = rng.normal(0, 50, size=80)
        sums = counts * (10 + mood) + np.sqrt(counts) * rng.normal(0, 100, size=80)
        band = mean_band(sums, counts, reps=300, seed=number)
        covered += band.low <= 10 <= band.high
    assert covered / 150 >= 0.86


def test_resampled_days_are_blocks_of_neighbours():
    """Each draw consists of runs of consecutive days, around the end of the sample too."""
    drawn = resampled_days(30, 50, seed=1)
    assert drawn.shape == (50, 30)
    steps = np.diff(drawn, axis=1) % 30
    assert (steps == 1).mean() > 0.75
    assert set(np.unique(drawn)) == set(range(30))
