import math
from dataclasses import fields, replace
from decimal import Decimal

import pytest

from momentum_kit.config import RiskSettings
from momentum_kit.models.session import TradingState
from momentum_kit.trading.risk import (
    CHECKS,
    AccountFacts,
    EntryFacts,
    EntryOrder,
    Exposure,
    MarketFacts,
    check_entry,
)

NAN = math.nan
FREE = EntryFacts(
    order=EntryOrder(symbol="ABC", catalyst="fda", quantity=Decimal(100), limit_price=5.0),
    market=MarketFacts(
        signal_age_s=0.5, quote_age_s=0.2, reference_price=4.98, bid=4.97, ask=4.98, may_enter=True, stale=False,
        live=True, halted=False, since_halt_s=math.inf, luld_band=5.5,
    ),
    exposure=Exposure(
        state=TradingState.RUNNING, symbol_quantity=Decimal(0), entries_on_item=0, doubt="", opposite_orders=0, slots=0,
        catalyst_slots=0, notional_usd=0.0, symbol_notional_usd=0.0, entries_last_minute=0,
        since_last_entry_s=math.inf, to_close_s=3600.0, to_maintenance_s=36_000.0, day_pnl_usd=0.0,
        symbol_pnl_usd=0.0, losses_in_a_row=0,
    ),
    account=AccountFacts(available_usd=25_000.0, settled_usd=25_000.0, age_s=30.0),
)  # fmt: skip
SETTINGS = RiskSettings(
    max_symbol_notional_usd=8_000, max_per_catalyst=2, max_symbol_loss_usd=150, max_losses_in_a_row=3,
    restricted_symbols=("BRK.B",), luld_room_pct=1, settled_cash="known", preset_max_shares=2_500,
    preset_max_value_usd=9_500, preset_max_pct=2,
)  # fmt: skip


def facts(**changes):
    """FREE with fields changed, wherever they belong."""
    parts = {}
    for part in fields(FREE):
        own = getattr(FREE, part.name)
        names = {each.name for each in fields(own)}
        parts[part.name] = replace(own, **{name: value for name, value in changes.items() if name in names})
    assert changes.keys() <= {each.name for part in fields(FREE) for each in fields(getattr(FREE, part.name))}
    return EntryFacts(**parts)


def failed(settings=SETTINGS, **changes):
    """Names of the checks that fail."""
    return [check.rule for check in check_entry(facts(**changes), settings).checks if not check.passed]


def test_nothing_against_it():
    """With every limit kept the entry is accepted, and every check has been made, each under a name of its own."""
    verdict = check_entry(FREE, SETTINGS)
    assert (verdict.accepted, verdict.reason) == (True, "")
    assert len({check.rule for check in verdict.checks}) == len(CHECKS) == 37


@pytest.mark.parametrize("state", [state for state in TradingState if state is not TradingState.RUNNING])
def test_only_running_enters(state):
    """Every other state refuses; KILLED in particular, for as long as it lasts."""
    assert failed(state=state) == ["not running"]


ONE_EACH = [
    ({"proven": False}, "account"),
    ({"may_enter": False}, "connection"),
    ({"symbol": "BRK-B"}, "restricted"),
    ({"to_close_s": 899.0}, "near close"),
    ({"to_close_s": NAN}, "near close"),
    ({"to_close_s": -5.0}, "near close"),
    ({"to_maintenance_s": 899.0}, "maintenance"),
    ({"to_maintenance_s": 0.0}, "maintenance"),
    ({"grid_known": False}, "market rule"),
    ({"not_permitted": "201: No trading permission"}, "permission"),
    ({"signal_age_s": 5.01}, "signal age"),
    ({"signal_age_s": NAN}, "signal age"),
    ({"stale": True}, "stale symbol"),
    ({"halted": True}, "halt"),
    ({"since_halt_s": 299.0}, "reopening"),
    ({"live": False}, "live data"),
    ({"quote_age_s": 5.01}, "quote age"),
    ({"quote_age_s": NAN}, "quote age"),
    ({"reference_price": 4.94}, "signal price"),
    ({"reference_price": 5.01}, "signal price"),
    ({"reference_price": 0.0}, "signal price"),
    ({"day_pnl_usd": -500.0}, "daily loss"),
    ({"day_pnl_usd": NAN}, "daily loss"),
    ({"symbol_pnl_usd": -150.0}, "symbol loss"),
    ({"losses_in_a_row": 3}, "losses in a row"),
    ({"symbol_quantity": Decimal(1)}, "already held"),
    ({"symbol_quantity": Decimal(-1)}, "already held"),
    ({"entries_on_item": 1}, "already held"),
    ({"opposite_orders": 1}, "opposite order"),
    ({"doubt": "the broker's words differ"}, "evidence"),
    ({"since_last_entry_s": 899.9}, "cool-down"),
    ({"slots": 4}, "max positions"),
    ({"catalyst_slots": 2}, "catalyst"),
    ({"entries_last_minute": 10}, "order rate"),
    ({"quantity": Decimal(0)}, "too small"),
    ({"bid": 4.7}, "price collar"),
    ({"bid": NAN}, "price collar"),
    ({"luld_band": 5.04}, "luld band"),
    ({"luld_band": NAN}, "luld band"),
    ({"symbol_notional_usd": 7_501.0}, "symbol notional"),
    ({"notional_usd": 39_501.0}, "total notional"),
    ({"available_usd": 499.0}, "buying power"),
    ({"available_usd": -10.0}, "buying power"),
    ({"settled_usd": 499.0}, "settled cash"),
]


@pytest.mark.parametrize(("changes", "expected"), ONE_EACH)
def test_each_limit_refuses(changes, expected):
    """One broken limit names itself, and nothing else is against the entry."""
    assert failed(**changes) == [expected]


@pytest.mark.parametrize(
    ("settings", "changes", "expected"),
    [
        ({"max_order_shares": 99}, {}, "order shares"),
        ({"max_order_notional_usd": 499}, {}, "order notional"),
        ({"preset_max_shares": 99}, {}, "preset size"),
        ({"preset_max_value_usd": 499}, {}, "preset value"),
        ({"preset_max_pct": 0.3}, {}, "preset percentage"),
        ({"buying_power": "required"}, {"available_usd": NAN, "margin_rate": 1.0}, "buying power"),
        ({"buying_power": "required"}, {"age_s": 301.0, "margin_rate": 1.0}, "buying power"),
        ({"settled_cash": "required"}, {"settled_usd": NAN}, "settled cash"),
        ({"margin_rate": 2}, {"available_usd": 999.0}, "buying power"),
        ({"buying_power": "required"}, {}, "buying power"),  # no rate was told
        ({}, {"margin_rate": 1.5, "available_usd": 749.0}, "buying power"),
    ],
)
def test_each_setting_refuses(settings, changes, expected):
    """A tighter setting refuses what another lets pass."""
    assert failed(RiskSettings(**settings), **changes) == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"to_close_s": 900.0},
        {"to_maintenance_s": 900.0},
        {"signal_age_s": 5.0},
        {"quote_age_s": 5.0},
        {"day_pnl_usd": -499.99},
        {"symbol_pnl_usd": -149.99},
        {"losses_in_a_row": 2},
        {"since_last_entry_s": 900.0},
        {"slots": 3},
        {"catalyst_slots": 1},
        {"entries_last_minute": 9},
        {"quantity": Decimal(1_600)},
        {"symbol_notional_usd": 7_500.0},
        {"notional_usd": 39_500.0},
        {"luld_band": math.inf},
        {"available_usd": 500.0, "settled_usd": 500.0},
        {"symbol": "BRK A"},
    ],
)
def test_limits_are_inclusive(changes):
    """A value at its limit passes; only losses end entries at it."""
    assert failed(**changes) == []


def test_what_is_not_set_refuses_nothing():
    """As installed the optional limits are off, and say so beside the number that they would look at."""
    wild = {
        "symbol_notional_usd": 1e6, "catalyst_slots": 3, "symbol_pnl_usd": -1e6, "losses_in_a_row": 99,
        "available_usd": NAN, "settled_usd": 0.0, "age_s": NAN, "luld_band": 5.0,
    }  # fmt: skip
    verdict = check_entry(facts(**wild), RiskSettings())
    assert verdict.accepted
    off = {check.rule: check.value for check in verdict.checks if check.detail == "off"}
    assert off == {
        "symbol loss": 1e6, "losses in a row": 99, "catalyst": 4, "symbol notional": 1_000_500.0, "preset size": 100.0,
        "preset value": 500.0, "preset percentage": pytest.approx(0.4016, abs=1e-4),
    }  # fmt: skip


def test_money_that_is_ordered_already_is_not_spent_twice():
    """What working entries will take, and what was sent after the amounts were told, counts with the order."""
    assert failed(ordered_usd=24_500.0) == []
    assert failed(ordered_usd=24_500.01) == ["buying power", "settled cash"]


@pytest.mark.parametrize(
    ("setting", "told", "others", "needed"),
    [
        (1.0, NAN, NAN, 2_500.0),  # nothing was told: the setting, and never zero
        (1.0, 0.25, 0.25, 2_500.0),  # less than the setting loosens nothing
        (1.0, 2.0, NAN, 3_000.0),
        (1.0, 2.0, 1.5, 4_000.0),
        (0.5, 1.0, 1.0, 2_500.0),
        (0.5, 0.25, NAN, 1_250.0),
        (1.0, math.inf, NAN, 2_500.0),
    ],
)
def test_the_margin_that_the_broker_told_binds(setting, told, others, needed):
    """The higher of setting and what-if, of this order's 500 USD and of the 2,000 that are ordered already."""
    settings = RiskSettings(margin_rate=setting)
    checks = check_entry(facts(margin_rate=told, ordered_rate=others, ordered_usd=2_000.0), settings).checks
    (check,) = (each for each in checks if each.rule == "buying power")
    assert check.value == needed
    assert ("no rate by what-if" in check.detail) is not math.isfinite(told)


def test_what_the_broker_does_not_let_us_buy_is_named_in_its_words():
    """The refusal carries them, so that a person need not look for the order that was refused."""
    refusal = check_entry(facts(not_permitted="201: Order rejected"), SETTINGS).refusal
    assert (refusal.rule, refusal.detail) == ("permission", "201: Order rejected")


def test_old_or_unknown_funds_are_shown_as_such():
    """By default an entry passes on them; the row says how old they are, or that nothing was told."""
    details = {}
    for name, change in {"old": {"age_s": 301.0, "available_usd": 1.0}, "none": {"available_usd": NAN}}.items():
        checks = {check.rule: check for check in check_entry(facts(**change), RiskSettings()).checks}
        assert checks["buying power"].passed
        details[name] = checks["buying power"].detail
    assert details == {
        "old": "known, told 301 s ago, no rate by what-if", "none": "known, not told, no rate by what-if",
    }  # fmt: skip


def test_a_preset_that_would_refuse_says_what_to_change():
    """The gateway's own order presets meet the sale as well: the refusal names the code and the place to raise it."""
    verdict = check_entry(facts(quantity=Decimal(600)), RiskSettings(preset_max_shares=500))
    (check,) = (each for each in verdict.checks if not each.passed)
    assert (check.rule, check.value, check.limit) == ("preset size", 600, 500)
    assert "383" in check.detail
    assert "Presets" in check.detail


def test_a_refusal_shows_everything():
    """The first broken check is the reason, the others stand beside it, with both numbers."""
    verdict = check_entry(facts(state=TradingState.PAUSED, slots=9, signal_age_s=20.0), SETTINGS)
    assert verdict.reason == "not running"
    broken = {check.rule: (check.value, check.limit) for check in verdict.checks if not check.passed}
    assert broken == {"not running": (0, 1), "signal age": (20.0, 5.0), "max positions": (10, 4)}
