import math
from dataclasses import astuple, replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from momentum_kit.detection.live import Tape, build_baseline, compute_features
from momentum_kit.detection.live.baseline import half_tick_return
from momentum_kit.detection.live.features import (
    average_true_range,
    barndorff_nielsen_shephard,
    gumbel_limits,
    gumbel_quantile,
    lee_mykland,
    luld_width,
    z_time_of_day,
)
from momentum_kit.models.market import Bar

OPEN_MINUTES = 60  # the shock comes this long after the open


@pytest.fixture(scope="session")
def baseline(earlier, today, make_minutes):
    """Ten quiet sessions: 1000 shares a minute, 10 bps a minute."""
    bars = [bar for i, session in enumerate(earlier) for bar in make_minutes(session, seed=i)]
    return build_baseline(bars, earlier, today.open)


@pytest.fixture(scope="session")
def shock(today, make_bar):
    """A quiet hour at $10, then one minute up to $10.60 on 12 bars of 2000 shares and 5 trades each."""
    quiet = [make_bar(today.open + timedelta(seconds=5 * k), 10.0, volume=80) for k in range(12 * OPEN_MINUTES)]
    start = today.open + timedelta(minutes=OPEN_MINUTES)
    jump = [
        make_bar(start + timedelta(seconds=5 * k), 10.05 + 0.05 * k, volume=2000, count=5, low=10.0 + 0.05 * k)
        for k in range(12)
    ]
    return quiet, jump


@pytest.fixture(scope="session")
def features(today, baseline, shock, make_item, make_quote):
    """Features one minute after the headline."""
    quiet, jump = shock
    tape = Tape(today)
    tape.extend(quiet + jump)
    start = today.open + timedelta(minutes=OPEN_MINUTES)
    item = make_item(start, sentiment=0.5, confidence=0.9)
    quote = make_quote(10.59, 10.61)
    return compute_features(start + timedelta(seconds=60), tape, baseline, item, quote, 1.5)


def test_prices_and_returns(features):
    """Returns are ln over exactly 60 s and 300 s, simple since the last price before publication."""
    assert features.price == pytest.approx(10.60)
    assert features.anchor == 10.0
    assert features.age_s == 60
    assert features.ret_60s == features.ret_300s == pytest.approx(math.log(1.06))
    assert features.ret_news == pytest.approx(0.06)


def test_volume_features(features, baseline):
    """24,000 shares against a usual 1000 a minute; the day so far against its usual."""
    assert features.rvol_bar == pytest.approx(24.0)
    assert features.rvol_cum == pytest.approx((80 * 12 * 60 + 24_000) / 61_000)
    assert features.trades_60s == 60
    assert features.trade_rate == 1.0
    assert features.dollar_volume_60s == pytest.approx(sum(2000 * (10.05 + 0.05 * k) for k in range(12)))


def test_sizes_of_the_move(features, baseline):
    """The z divides by the usual size at this time of day, L by the bipower size without pi/2."""
    bucket = 60 // 5
    usual = max(baseline.s_day * baseline.tod_factor[bucket], half_tick_return(10.60))
    assert features.z_tod == pytest.approx(math.log(1.06) / usual)
    assert features.jump_lm == pytest.approx(math.log(1.06) / baseline.s_day * math.sqrt(math.pi / 2))


def test_range_quote_and_headline_features(features):
    """Close location, range over ATR, spread, imbalance, ages and the headline's own numbers."""
    assert features.clv == pytest.approx(1.0)
    assert features.range_atr == pytest.approx(0.60 / features.atr)
    assert features.spread_bps == pytest.approx(0.02 / 10.60 * 1e4)
    assert features.imbalance == pytest.approx(0.5)
    assert (features.quote_age_s, features.sentiment, features.confidence) == (1.5, 0.5, 0.9)
    assert (features.n_tickers, features.baseline_days) == (1, 10)


def test_vwap_and_band(features):
    """Deviation from the regular session's VWAP, and the room to the upper band over five minutes' mean price."""
    assert features.vwap_dev_bps > 300
    reference = (48 * 10.0 + 5 * sum(10.05 + 0.05 * k for k in range(12))) / (48 + 60)
    assert features.luld_dist == pytest.approx(reference * 1.10 / 10.60 - 1)


def test_without_baseline_or_quote_the_rest_is_still_known(today, shock, make_item):
    """What cannot be known is nan; the other numbers stand."""
    tape = Tape(today)
    tape.extend(shock[0] + shock[1])
    start = today.open + timedelta(minutes=OPEN_MINUTES)
    features = compute_features(start + timedelta(seconds=60), tape, None, make_item(start), None, math.nan)
    assert features
    assert features.ret_60s > 0
    for name in ("z_tod", "jump_lm", "rvol_bar", "rvol_cum", "gap", "spread_bps", "imbalance", "luld_dist"):
        assert math.isnan(getattr(features, name)), name


def test_no_bar_no_features(today, baseline, make_item):
    """Without any price there is nothing to say."""
    assert compute_features(today.open, Tape(today), baseline, make_item(today.open), None, math.nan) is None


def test_the_first_minute_has_no_return(today, baseline, make_bar, make_item):
    """A night's gap is not a return over 60 s; the anchor before the first trade is the previous close."""
    tape = Tape(today)
    tape.extend([make_bar(today.open + timedelta(seconds=5 * k), 12.0) for k in range(6)])
    features = compute_features(
        today.open + timedelta(seconds=30), tape, baseline, make_item(today.open), None, math.nan
    )
    assert features
    assert math.isnan(features.ret_60s)
    assert features.anchor == baseline.previous_close
    assert features.gap == pytest.approx(12.0 / baseline.previous_close - 1)


def test_outside_regular_hours_nothing_is_usual(today, baseline, make_bar, make_item):
    """The baseline knows regular hours only; before the open its features are nan."""
    tape = Tape(today)
    tape.extend([make_bar(today.open - timedelta(seconds=300 - 5 * k), 10.0 + k) for k in range(60)])
    features = compute_features(today.open, tape, baseline, make_item(today.open), None, math.nan)
    assert features
    assert features.ret_60s > 0
    assert all(math.isnan(x) for x in (features.z_tod, features.rvol_bar, features.rvol_cum, features.luld_dist))


def test_a_flat_range_has_no_close_location(today, baseline, shock, make_item):
    """One price alone is neither high nor low."""
    tape = Tape(today)
    tape.extend(shock[0])
    at = today.open + timedelta(minutes=OPEN_MINUTES)
    features = compute_features(at, tape, baseline, make_item(at - timedelta(seconds=30)), None, math.nan)
    assert features
    assert math.isnan(features.clv)


def test_the_anchor_precedes_the_publication(today, baseline, shock, make_item):
    """A bar that held the publication is not the anchor, however late the news came; a fast clock is not believed."""
    tape = Tape(today)
    tape.extend(shock[0] + shock[1])
    start = today.open + timedelta(minutes=OPEN_MINUTES)
    item = make_item(start + timedelta(seconds=30))
    published = replace(item.headline, published_at=start + timedelta(seconds=2))
    late = replace(item, headline=published)
    ahead = replace(item, headline=replace(published, published_at=start + timedelta(hours=5)))
    at = start + timedelta(seconds=60)
    assert compute_features(at, tape, baseline, late, None, 0.0).anchor == 10.0
    assert compute_features(at, tape, baseline, ahead, None, 0.0).anchor == pytest.approx(10.30)


steps = st.lists(st.tuples(st.integers(1, 40), st.floats(-0.05, 0.05), st.integers(1, 5000)), min_size=2, max_size=60)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(0, 58))
def test_later_bars_never_change_an_earlier_answer(today, baseline, make_item, make_quote, rows, cut):
    """Features at t from the tape up to t are, to the last bit, those from a tape that already knows the future."""
    bars, price, start = [], 10.0, today.open
    for gap, change, volume in rows:
        start += timedelta(seconds=5 * gap)
        price *= math.exp(change)
        bars.append(Bar(start, 5, price, price * 1.001, price * 0.999, price, volume, price, 3))
    known = bars[: min(cut, len(bars) - 2) + 1]
    at = known[-1].end
    past, future = Tape(today), Tape(today)
    past.extend(known)
    future.extend(bars)
    item = make_item(today.open + timedelta(seconds=20))
    one = compute_features(at, past, baseline, item, make_quote(), 0.0)
    two = compute_features(at, future, baseline, item, make_quote(), 0.0)
    assert one
    assert two
    assert np.array_equal(astuple(one)[1:], astuple(two)[1:], equal_nan=True)


@settings(max_examples=30, deadline=None)
@example([(1, 0.014862818619667262, 1), (1, 0.014862818619667262, 748), (1, 0.014862818619667262, 1)], 9)  # 0 of a sum
@given(steps, st.integers(1, 40))
def test_history_and_live_bars_give_the_same_features(today, baseline, make_item, rows, cut):
    """Minutes from history and 5 s bars after them say what 5 s bars from the open would have said."""
    bars, start = [], today.open
    for gap, change, volume in rows:
        start += timedelta(seconds=5 * gap)
        price = 10 * math.exp(change)
        bars.append(Bar(start, 5, price, price, price, price, volume, price, 3))
    whole = Tape(today)
    whole.extend(bars)
    asked_at = today.open + timedelta(seconds=7 * cut)
    minutes = whole.minutes_until(asked_at)
    joined = Tape(today, minutes, asked_at)
    joined.extend(bars)
    at = max(bars[-1].end, asked_at) + timedelta(seconds=5)  # nobody judges a time before history was asked for
    item = make_item(today.open + timedelta(seconds=20))
    one = compute_features(at, whole, baseline, item, None, 0.0)
    two = compute_features(at, joined, baseline, item, None, 0.0)
    assert one
    assert two
    np.testing.assert_allclose(astuple(one)[1:], astuple(two)[1:], rtol=1e-9, atol=1e-9)


def test_published_quantiles_of_lee_and_mykland():
    """The Gumbel limits of the paper at 1% and 5%, and the limits they mean for n = 390."""
    assert round(gumbel_quantile(0.01), 4) == 4.6001
    assert round(gumbel_quantile(0.05), 4) == 2.9702
    limits = gumbel_limits(390)
    raw = limits.c_n + limits.s_n * gumbel_quantile(0.01)
    assert round(raw, 2) == 5.47
    assert round(raw * math.sqrt(2 / math.pi), 2) == 4.36


def test_lee_mykland_has_its_size_for_normal_returns():
    """Of jump-free days of iid normal minutes about 1% hold a flagged minute at nominal 1%."""
    rng = np.random.default_rng(7)
    limits = gumbel_limits(390)
    raw = limits.c_n + limits.s_n * gumbel_quantile(0.01)
    returns = np.abs(rng.normal(size=(3000, 780)))
    s = np.sqrt((returns[:, 1:390] * returns[:, :389]).mean(axis=1))
    flagged = (returns[:, 390:].max(axis=1) / s > raw).mean()
    assert 0.002 < flagged < 0.025


@pytest.mark.parametrize(("alpha", "limit"), [(0.05, 1.645), (0.01, 2.326)])
def test_bns_has_its_published_size(alpha, limit):
    """At n = 390 about 5% and 1% of jump-free days exceed the one-sided normal limits."""
    rng = np.random.default_rng(11)
    z = np.array([barndorff_nielsen_shephard(day) for day in rng.normal(0, 0.001, (4000, 390))])
    assert abs((z > limit).mean() - alpha) < 3.5 * math.sqrt(alpha / 4000) + 0.002


def test_bns_sees_a_jump():
    """One return of fifteen times the usual makes the ratio large."""
    day = np.random.default_rng(3).normal(0, 0.001, 390)
    day[200] += 0.015
    assert barndorff_nielsen_shephard(day) > 4


def test_bns_needs_a_tape_that_moves():
    """Too few returns, or none but zeros, say nothing."""
    assert math.isnan(barndorff_nielsen_shephard(np.full(10, 0.001)))
    assert math.isnan(barndorff_nielsen_shephard(np.zeros(100)))


def test_z_is_floored_at_half_a_tick(baseline):
    """At $1.00 a usual return of 10 bps is finer than a cent can be; half a cent counts instead."""
    assert z_time_of_day(0.05, baseline, 120.0, 1.0) == pytest.approx(0.05 / 0.005)
    assert math.isnan(lee_mykland(0.05, None))


def test_average_true_range(today, make_bar):
    """The mean over fourteen bars, gaps between them included; the bar before lends its close."""
    bars = [make_bar(today.open + timedelta(minutes=k), 10.0, seconds=60, high=10.1, low=9.9) for k in range(15)]
    assert average_true_range(bars) == pytest.approx(0.2)
    assert average_true_range([bars[0], replace(bars[1], high=10.5, low=10.4)]) == pytest.approx(0.5)
    assert math.isnan(average_true_range(bars[:1]))


@pytest.mark.parametrize(
    ("close", "price", "doubled", "width"),
    [(10, 10, False, 0.10), (10, 10, True, 0.10), (2, 2, False, 0.20), (2, 2, True, 0.40), (0.5, 0.5, False, 0.30)],
)
def test_luld_width(close, price, doubled, width):
    """Tier 2 bands by previous close; doubled near the close up to $3."""
    assert luld_width(close, price, doubled=doubled) == pytest.approx(width)
