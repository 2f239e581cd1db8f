import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.trading import US_STOCK_BANDS
from momentum_kit.trading.fills.tape import floor_tick
from momentum_kit.trading.risk import plan_bracket

RISK, EXITS = RiskSettings(), ExitSettings()


def test_small_atr_takes_the_least_distance():
    """Two per cent of the ask below it is the stop, four above it the target, and R is 100 USD at most."""
    plan = plan_bracket(5.0, 0.01, RISK, EXITS, US_STOCK_BANDS)
    assert (plan.limit_price, plan.stop_price, plan.target_price) == (5.02, 4.90, 5.20)
    assert plan.quantity == 833
    assert plan.risk_usd == pytest.approx(833 * 0.12)


def test_large_atr_widens_the_stop():
    """One and a half ATR below the ask, and the size shrinks with it."""
    plan = plan_bracket(5.0, 0.20, RISK, EXITS, US_STOCK_BANDS)
    assert (plan.stop_price, plan.target_price, plan.quantity) == (4.70, 5.60, 312)


def test_unknown_atr_leaves_the_least_distance():
    """A nan ATR is not a reason for a nan stop."""
    assert plan_bracket(5.0, float("nan"), RISK, EXITS, US_STOCK_BANDS).stop_price == 4.90


def test_notional_limits_the_size():
    """A large R is cut by the largest order."""
    plan = plan_bracket(20.0, 0.01, RiskSettings(risk_per_order_usd=10_000), EXITS, US_STOCK_BANDS)
    assert plan.quantity == math.floor(10_000 / plan.limit_price)
    assert plan.notional_usd <= 10_000


def test_a_stop_at_zero_is_no_bracket():
    """Where the stop distance exceeds the price nothing is planned."""
    assert plan_bracket(0.5, 1.0, RISK, EXITS, US_STOCK_BANDS).quantity == 0


@given(ask=st.floats(0.05, 50), atr=st.floats(0, 5), risk_usd=st.floats(1, 1000))
def test_risk_and_notional_hold(ask, atr, risk_usd):
    """A filled stop never costs more than R, an entry never more than the largest order, and legs stand apart."""
    risk = RiskSettings(risk_per_order_usd=risk_usd)
    plan = plan_bracket(ask, atr, risk, EXITS, US_STOCK_BANDS)
    assert plan.quantity == plan.quantity.to_integral_value()
    assert plan.risk_usd <= risk_usd + 1e-6
    assert plan.notional_usd <= risk.max_order_notional_usd + 1e-6
    assert plan.stop_price < plan.limit_price
    assert plan.target_price >= ask
    assert plan.quantity >= Decimal(0)


def test_a_stop_stands_still_unless_it_is_asked_to_trail():
    """No distance without the setting; with it so many stop distances, in whole cents."""
    assert plan_bracket(5.0, 0.01, RISK, EXITS, US_STOCK_BANDS).trail_usd is None
    assert plan_bracket(5.0, 0.01, RISK, ExitSettings(trail_r=0.5), US_STOCK_BANDS).trail_usd == 0.05
    assert plan_bracket(5.01, 0.01, RISK, ExitSettings(trail_r=1.0), US_STOCK_BANDS).trail_usd == 0.11
    assert plan_bracket(0.8, 0.0, RISK, ExitSettings(trail_r=30.0), US_STOCK_BANDS).trail_usd == 0.48


@given(
    ask=st.integers(500, 20_000),
    atr=st.integers(0, 20_000),
    trail=st.integers(1, 300),
    rise=st.integers(0, 5_000),
)
def test_a_trail_stands_where_researchs_stop_does(ask, atr, trail, rise):
    """So far below the highest price is the stop of research's fills, whose tick rounds down; down to a dollar."""
    ask, atr, trail_r = ask / 100, atr / 10_000, trail / 100
    plan = plan_bracket(ask, atr, RISK, ExitSettings(trail_r=trail_r), US_STOCK_BANDS)
    highest, distance = ask + rise / 100, max(ask * EXITS.stop_min_pct / 100, EXITS.stop_atr * atr)
    if (stop := highest - trail_r * distance) >= 1.01:
        assert round(highest - plan.trail_usd, 4) == pytest.approx(floor_tick(stop), abs=1e-9)
