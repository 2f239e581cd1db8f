from dataclasses import replace
from decimal import Decimal

import pytest

from momentum_kit.config import RiskSettings
from momentum_kit.models.session import TradingState
from momentum_kit.trading.risk import Exposure, check_entry

FREE = Exposure(
    state=TradingState.RUNNING,
    may_enter=True,
    symbol_quantity=Decimal(0),
    entries_on_item=0,
    opposite_orders=0,
    slots=0,
    notional_usd=0.0,
    entries_last_minute=0,
    since_last_entry_s=float("inf"),
    to_close_s=3600.0,
    day_pnl_usd=0.0,
)
SETTINGS = RiskSettings()


def reason(quantity=100, price=5.0, **changes):
    """Why an entry is refused; empty if it is not."""
    return check_entry(replace(FREE, **changes), Decimal(quantity), price, SETTINGS).reason


def test_nothing_against_it():
    """With every limit kept the entry is accepted, and every rule has been looked at."""
    verdict = check_entry(FREE, Decimal(100), 5.0, SETTINGS)
    assert verdict.accepted
    assert len(verdict.checks) == 12


@pytest.mark.parametrize("state", [state for state in TradingState if state is not TradingState.RUNNING])
def test_only_running_enters(state):
    """Every other state refuses; KILLED in particular, for as long as it lasts."""
    assert reason(state=state) == "not running"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"may_enter": False}, "connection"),
        ({"to_close_s": 899.0}, "near close"),
        ({"to_close_s": float("nan")}, "near close"),
        ({"to_close_s": -5.0}, "near close"),
        ({"day_pnl_usd": -500.0}, "daily loss"),
        ({"symbol_quantity": Decimal(1)}, "already held"),
        ({"symbol_quantity": Decimal(-1)}, "already held"),
        ({"entries_on_item": 1}, "already held"),
        ({"opposite_orders": 1}, "opposite order"),
        ({"since_last_entry_s": 899.9}, "cool-down"),
        ({"slots": 4}, "max positions"),
        ({"entries_last_minute": 10}, "order rate"),
        ({"quantity": 0}, "too small"),
        ({"quantity": 2001}, "order notional"),
        ({"notional_usd": 39_501.0}, "total notional"),
        ({"day_pnl_usd": float("nan")}, "daily loss"),
    ],
)
def test_each_limit_refuses(changes, expected):
    """One broken limit names itself."""
    assert reason(**changes) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"to_close_s": 900.0},
        {"day_pnl_usd": -499.99},
        {"since_last_entry_s": 900.0},
        {"slots": 3},
        {"entries_last_minute": 9},
        {"quantity": 2000},
        {"notional_usd": 39_500.0},
    ],
)
def test_limits_are_inclusive(changes):
    """A value at its limit passes; only the daily loss ends at it."""
    assert reason(**changes) == ""


def test_a_refusal_shows_everything():
    """The first broken rule is the reason, the others stand beside it."""
    verdict = check_entry(replace(FREE, state=TradingState.PAUSED, slots=9), Decimal(0), 5.0, SETTINGS)
    assert verdict.reason == "not running"
    assert [check.rule for check in verdict.checks if not check.passed] == ["not running", "max positions", "too small"]
