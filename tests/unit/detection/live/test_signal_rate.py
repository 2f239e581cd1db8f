import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from momentum_kit.detection.live import departs
from momentum_kit.detection.live.signal_rate import at_most


@given(st.integers(0, 200), st.floats(0.01, 150), st.floats(0.01, 10))
def test_the_tails_are_those_of_scipy(count, mean, excess):
    """Poisson and negative binomial probabilities agree with an independent implementation."""
    assert at_most(count, mean) == pytest.approx(stats.poisson.cdf(count, mean), abs=1e-9)
    negative = stats.nbinom.cdf(count, mean / excess, 1 / (1 + excess))
    assert at_most(count, mean, excess) == pytest.approx(negative, abs=1e-7)


@pytest.mark.parametrize(
    ("signals", "sessions", "expected"),
    [
        (0, 0.0, ""),  # nothing has passed
        (0, 0.5, ""),  # an hour or three of silence is usual
        (0, 2.0, "few"),
        (4, 1.0, ""),
        (14, 1.0, "many"),
        (14, 3.0, ""),
        (5, 0.02, "many"),  # five in eight minutes
    ],
)
def test_a_rate_outside_the_band_is_told_by_direction(signals, sessions, expected):
    """With four to five signals a session expected, only what can hardly be chance is told."""
    assert departs(signals, sessions, 4.0, 5.0) == expected


def test_waves_of_news_widen_the_band():
    """The same count is no news where sessions differ much."""
    assert departs(14, 1.0, 4.0, 5.0, dispersion=4.0) == ""
    assert departs(40, 1.0, 4.0, 5.0, dispersion=4.0) == "many"


def test_no_signals_expected_and_none_seen_is_fine():
    """A band at zero is left by the first signals only."""
    assert departs(0, 10, 0.0, 0.0) == ""
    assert departs(1, 10, 0.0, 0.0) == "many"
