import math
from datetime import timedelta

import numpy as np
import pytest

from momentum_kit.detection.live import build_baseline
from momentum_kit.detection.live.baseline import half_tick_return
from momentum_kit.sessions import session_on


def test_volume_and_cumulative_volume(today, earlier, make_minutes):
    """With 1000 shares each minute the usual minute is 1000 and the usual day grows by 1000 a minute."""
    bars = [bar for session in earlier for bar in make_minutes(session)]
    baseline = build_baseline(bars, earlier, today.open)
    assert baseline
    assert baseline.days == 10
    assert baseline.volume.shape == baseline.tod_factor.shape == (78,)
    assert np.allclose(baseline.volume, 1000)
    assert baseline.usual_until(0) == 0
    assert baseline.usual_until(7.5) == pytest.approx(7500)
    assert baseline.usual_until(390) == pytest.approx(390_000)
    assert (baseline.bucket(0), baseline.bucket(389.9), baseline.bucket(390), baseline.bucket(-1)) == (
        0,
        77,
        None,
        None,
    )


def test_one_wild_day_does_not_move_the_usual_minute(today, earlier, make_minutes):
    """The median over sessions shrugs off a day of a hundred times the volume; the mean of the day so far does not."""
    bars = [b for i, s in enumerate(earlier) for b in make_minutes(s, volume=100_000.0 if i == 3 else 1000.0)]
    baseline = build_baseline(bars, earlier, today.open)
    assert baseline
    assert np.allclose(baseline.volume, 1000)
    assert baseline.usual_until(5) == pytest.approx((9 * 5000 + 500_000) / 10)


def test_today_never_counts(today, earlier, make_minutes):
    """Bars of today, however wild, leave the baseline as it is."""
    bars = [bar for session in earlier for bar in make_minutes(session)]
    wild = make_minutes(today, price=99.0, volume=1e6)
    one = build_baseline(bars, earlier, today.open)
    two = build_baseline(bars + wild, [*earlier, today], today.open)
    assert one
    assert two
    assert (two.days, two.previous_close, two.s_day) == (one.days, one.previous_close, one.s_day)
    assert np.array_equal(one.volume, two.volume)
    assert two.previous_close == bars[-1].close
    assert two.last_minutes == tuple(bars[-15:])


def test_usual_size_of_a_return(today, earlier, make_minutes):
    """For normal returns s_day estimates their standard deviation, and no time of day stands out."""
    bars = [bar for i, session in enumerate(earlier) for bar in make_minutes(session, seed=i, size=0.002)]
    baseline = build_baseline(bars, earlier, today.open)
    assert baseline
    assert baseline.s_day == pytest.approx(0.002, rel=0.12)
    assert float(np.median(baseline.tod_factor)) == pytest.approx(1.0, rel=0.12)


def test_a_lively_open_has_a_factor_above_one(today, earlier, make_minutes, make_bar):
    """Ten times the usual return in the first minutes shows in their buckets only."""
    bars = []
    for i, session in enumerate(earlier):
        price = 10.0
        for k, bar in enumerate(make_minutes(session)):
            price *= 1 + (0.02 if k < 10 else 0.002) * (-1) ** (k + i)
            bars.append(make_bar(bar.start, price, seconds=60))
    baseline = build_baseline(bars, earlier, today.open)
    assert baseline
    assert baseline.tod_factor[0] == pytest.approx(10, rel=0.05)
    assert baseline.tod_factor[40] == pytest.approx(1, rel=0.05)


def test_a_tape_that_stands_still_is_floored_at_half_a_tick(today, earlier, make_bar):
    """A median return of 0, usual in small caps, must not make every move infinite."""
    bars = [make_bar(s.open + timedelta(minutes=m), 2.0, seconds=60) for s in earlier for m in range(0, 390, 7)]
    baseline = build_baseline(bars, earlier, today.open)
    assert baseline
    assert baseline.s_day == half_tick_return(2.0) == pytest.approx(0.0025)
    assert np.allclose(baseline.tod_factor, 1.0)


def test_half_days_and_absent_days(make_minutes):
    """A half day counts where it traded; a day without a bar does not count; a late listing has fewer days."""
    half, friday = session_on(half_day()), session_on(half_day() + timedelta(days=3))
    assert half
    assert friday
    before = session_on(half_day() - timedelta(days=2))
    assert before
    bars = make_minutes(before, volume=1000) + make_minutes(half, volume=3000)
    baseline = build_baseline(bars, [before, half], friday.open)
    assert baseline
    assert baseline.days == 2
    assert baseline.volume[0] == 2000
    assert baseline.volume[77] == 1000
    only = build_baseline(make_minutes(half), [before, half], friday.open)
    assert only
    assert (only.days, only.volume.size) == (1, 42)


def half_day():
    """The Friday after Thanksgiving 2026 closes at 13:00."""
    from datetime import date

    return date(2026, 11, 27)


def test_no_bars_no_baseline(today, earlier):
    """An honest nothing."""
    assert build_baseline([], earlier, today.open) is None


def test_half_tick_below_a_dollar():
    """Below a dollar prices move in hundredths of a cent."""
    assert half_tick_return(0.5) == pytest.approx(0.0001)
    assert math.isclose(half_tick_return(10), 0.0005)
