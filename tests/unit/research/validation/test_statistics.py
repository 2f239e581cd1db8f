import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from momentum_kit.research.validation.statistics import (
    deflated_sharpe,
    event_study_power,
    events_needed,
    expected_max_sharpe,
    min_track_record,
    moments,
    power_table,
    psr,
    share_upper_bound,
    sharpe,
)


def test_the_published_deflated_sharpe_ratio_is_reproduced():
    """Bailey and Lopez de Prado's example: annual 2.5, 1250 days, V 1/2, skew -3, kurtosis 10, N 100 gives 0.9004."""
    assert deflated_sharpe(2.5 / math.sqrt(250), 0.5 / 250, 100, 1250, -3, 10) == pytest.approx(0.9004, abs=5e-5)


def test_the_published_power_of_an_event_study_is_reproduced():
    """MacKinlay 1997: sigma 2%, abnormal return 1%, two-sided 5%: 0.08, 0.35 and 0.61 with 1, 10 and 20 events."""
    table = power_table([0.01], 0.02, [1, 10, 20])
    assert [round(table[0.01, events], 2) for events in (1, 10, 20)] == [0.08, 0.35, 0.61]


def test_power_is_what_a_simulation_shows():
    """The formula agrees with the share of rejections among simulated studies."""
    rng = np.random.default_rng(5)
    means = rng.normal(0.01, 0.02 / math.sqrt(10), size=40_000)
    seen = np.mean(np.abs(means) * math.sqrt(10) / 0.02 > 1.959964)
    assert seen == pytest.approx(event_study_power(0.01, 0.02, 10), abs=0.01)


def test_the_events_needed_reach_the_power_and_one_fewer_does_not():
    """The least number of events is the least one."""
    needed = events_needed(0.002, 0.02)
    assert event_study_power(0.002, 0.02, needed) >= 0.8 > event_study_power(0.002, 0.02, needed - 1)


def test_the_expected_best_of_many_is_what_a_simulation_shows():
    """The best of 100 skill-less trials lies where the formula says, and a single trial is owed nothing."""
    best = np.random.default_rng(2).normal(size=(4000, 100)).max(axis=1).mean()
    assert expected_max_sharpe(1.0, 100) == pytest.approx(best, abs=0.05)
    assert expected_max_sharpe(1.0, 1) == 0


@given(st.floats(0.01, 0.3), st.integers(2, 5000), st.integers(30, 1000))
def test_more_trials_never_make_a_result_better(observed, trials, periods):
    """The deflated ratio falls with the number of trials and never exceeds the plain one."""
    few = deflated_sharpe(observed, 1 / periods, trials, periods)
    many = deflated_sharpe(observed, 1 / periods, trials + 1, periods)
    assert 0 <= many <= few <= psr(observed, 0, periods) <= 1


def test_a_track_record_of_the_least_length_just_proves_it():
    """At the least length the probabilistic Sharpe ratio is the level; what is below the benchmark never gets there."""
    periods = min_track_record(0.1, 0.0, -1, 6)
    assert psr(0.1, 0.0, round(periods), -1, 6) == pytest.approx(0.95, abs=1e-3)
    assert min_track_record(0.0, 0.0) == math.inf


def test_moments_are_raw_and_survive_a_constant():
    """Kurtosis of a normal is 3; a cell that never trades has the moments of a normal, and no Sharpe ratio."""
    skew, kurtosis = moments(np.random.default_rng(1).normal(size=20_000))
    assert (skew, kurtosis) == (pytest.approx(0, abs=0.05), pytest.approx(3, abs=0.1))
    assert moments(np.zeros(50)) == (0.0, 3.0)
    assert sharpe(np.zeros((5, 2))).tolist() == [0, 0]


@pytest.mark.parametrize(("hits", "expected"), [(0, 0.0183), (4, 0.0504), (3, 0.0432)])
def test_the_upper_bound_of_false_accepts_is_exact(hits, expected):
    """Clopper-Pearson at 200 runs."""
    assert share_upper_bound(hits, 200) == pytest.approx(expected, abs=1e-4)
    assert stats.binom.cdf(hits, 200, share_upper_bound(hits, 200)) == pytest.approx(0.025)


def test_if_everything_was_accepted_the_bound_is_one():
    """200 of 200 exclude nothing."""
    assert share_upper_bound(200, 200) == 1
