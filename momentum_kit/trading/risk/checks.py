"""The checks of the risk gate, one function each: facts and settings to a verdict with the numbers that decided.

A number that is nan, that is unknown, fails its check. A limit that is none is off: its number is shown all the same.
"""

import math
from dataclasses import replace
from typing import Literal

from momentum_kit.config import RiskSettings
from momentum_kit.models import RiskCheck, TradingState, canonical_symbol
from momentum_kit.trading.risk.facts import EntryFacts

PRESETS = (
    "the gateway's order presets would refuse it, and the sale after it: raise them there (Global Configuration, "
    "Presets, Precautionary Settings), or size smaller"
)


# -- whether anything may be entered ----------------------------------------------------------------------------------


def running(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """Only RUNNING opens positions: a kill stays latched for as long as the state says KILLED."""
    state = facts.exposure.state
    return _at_least("not running", float(state is TradingState.RUNNING), 1, state)


def account(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """The account is the one that the session proved at its start, and still there."""
    return _at_least("account", float(facts.account.proven), 1)


def connection(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """Socket, broker and data farms are up, and no other session takes the data."""
    return _at_least("connection", float(facts.market.may_enter), 1)


def restricted(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The symbol is on no list of ours, however it is spelled."""
    barred = {canonical_symbol(symbol) for symbol in settings.restricted_symbols}
    return _at_most("restricted", float(canonical_symbol(facts.order.symbol) in barred), 0)


def near_close(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The session lasts long enough for the position."""
    return _at_least("near close", facts.exposure.to_close_s, settings.no_entry_before_close_s)


def maintenance(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The broker does not reset its servers now or soon: executions and simulated stops would be late."""
    to_start = facts.exposure.to_maintenance_s
    limit = settings.no_entry_before_maintenance_s
    return RiskCheck(rule="maintenance", value=to_start, limit=limit, passed=to_start > 0 and to_start >= limit)


# -- the signal and its market ----------------------------------------------------------------------------------------


def market_rule(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """The broker has told the symbol's price grid; a signal never waits for it."""
    known = facts.order.grid_known
    return _at_least("market rule", float(known), 1, "" if known else "the broker has not told the price grid yet")


def permission(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """The broker has not refused a what-if order for the symbol."""
    return _at_most("permission", float(bool(facts.account.not_permitted)), 0, facts.account.not_permitted)


def signal_age(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """What was decided is still news when the order is sent."""
    return _at_most("signal age", facts.market.signal_age_s, settings.max_signal_age_s)


def stale_symbol(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """The bridge hears this symbol's ticks."""
    return _at_most("stale symbol", float(facts.market.stale), 0)


def quote_age(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The symbol has ticked lately."""
    return _at_most("quote age", facts.market.quote_age_s, settings.max_quote_age_s)


def live_data(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """Its data are live, neither delayed nor frozen."""
    return _at_least("live data", float(facts.market.live), 1)


def halt(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """It is not halted."""
    return _at_most("halt", float(facts.market.halted), 0)


def reopening(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """It has traded for some minutes since its last halt: reopening prints are no prices."""
    return _at_least("reopening", facts.market.since_halt_s, settings.no_entry_after_halt_s)


def signal_price(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The ask is near the one that was decided on."""
    market = facts.market
    words = f"ask {market.ask:g}, decided on {market.reference_price:g}"
    return _at_most("signal price", market.drift_bps, settings.max_signal_drift_bps, words)


def price_collar(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The limit lies near the market, per cent above the middle of bid and ask."""
    mid = facts.market.mid
    above = (facts.order.limit_price / mid - 1) * 100 if mid > 0 else math.nan
    return _at_most("price collar", above, settings.price_collar_pct)


def luld_distance(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The limit lies below the limit-up band, by so many per cent of itself."""
    limit = facts.order.limit_price
    room = (facts.market.luld_band / limit - 1) * 100 if limit > 0 else math.nan
    return _at_least("luld band", room, settings.luld_room_pct, f"band {facts.market.luld_band:g}")


# -- what was lost ----------------------------------------------------------------------------------------------------


def daily_loss(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The day has not lost its limit; at it entries end."""
    return _below("daily loss", 0.0 - facts.exposure.day_pnl_usd, settings.max_daily_loss_usd)


def symbol_loss(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The symbol has not lost its limit today."""
    return _below("symbol loss", 0.0 - facts.exposure.symbol_pnl_usd, settings.max_symbol_loss_usd)


def losses_in_a_row(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """Not too many round trips in a row have lost."""
    return _below("losses in a row", facts.exposure.losses_in_a_row, settings.max_losses_in_a_row)


# -- what is open -----------------------------------------------------------------------------------------------------


def already_held(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """One position a symbol, one entry a news item."""
    exposure = facts.exposure
    return _at_most("already held", float(abs(exposure.symbol_quantity)) + exposure.entries_on_item, 0)


def opposite_order(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """No order of ours would sell to it (FINRA 5210)."""
    return _at_most("opposite order", facts.exposure.opposite_orders, 0)


def evidence(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """The broker's word on the symbol is whole and agrees with itself, and nobody else is in it."""
    return _at_most("evidence", float(bool(facts.exposure.doubt)), 0, facts.exposure.doubt)


def cool_down(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The symbol has rested since its last entry."""
    return _at_least("cool-down", facts.exposure.since_last_entry_s, settings.cool_down_s)


def max_positions(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """Positions and working entries, this one included."""
    return _at_most("max positions", facts.exposure.slots + 1, settings.max_positions)


def concentration(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The same on one kind of catalyst: a headline of a kind moves all its symbols."""
    return _at_most("catalyst", facts.exposure.catalyst_slots + 1, settings.max_per_catalyst, facts.order.catalyst)


def order_rate(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """Entries in any 60 s."""
    return _at_most("order rate", facts.exposure.entries_last_minute + 1, settings.max_orders_per_minute)


# -- its size and its money -------------------------------------------------------------------------------------------


def too_small(facts: EntryFacts, _: RiskSettings) -> RiskCheck:
    """There is something to buy."""
    return _at_least("too small", float(facts.order.quantity), 1)


def order_shares(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """No fat finger: shares."""
    return _at_most("order shares", float(facts.order.quantity), settings.max_order_shares)


def order_notional(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """No fat finger: USD."""
    return _at_most("order notional", facts.order.notional_usd, settings.max_order_notional_usd)


def symbol_notional(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """Position, working entry and this order in the symbol."""
    notional = facts.exposure.symbol_notional_usd + facts.order.notional_usd
    return _at_most("symbol notional", notional, settings.max_symbol_notional_usd)


def total_notional(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """All positions, all working entries and this order."""
    notional = facts.exposure.notional_usd + facts.order.notional_usd
    return _at_most("total notional", notional, settings.max_total_notional_usd)


def preset_shares(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The gateway's size limit (383)."""
    return _at_most("preset size", float(facts.order.quantity), settings.preset_max_shares, f"383: {PRESETS}")


def preset_value(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The gateway's total value limit (451)."""
    return _at_most("preset value", facts.order.notional_usd, settings.preset_max_value_usd, f"451: {PRESETS}")


def preset_percentage(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """The gateway's percentage (109): how far the limit lies from the ask."""
    ask = facts.market.ask
    away = abs(facts.order.limit_price / ask - 1) * 100 if ask > 0 else math.nan
    return _at_most("preset percentage", away, settings.preset_max_pct, f"109: {PRESETS}")


def buying_power(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """Available funds cover this order and what they do not show yet; negative is a deficit.

    At the margin rate of the settings or the one that the broker has told, whichever is higher.
    """
    account = facts.account
    ordered = account.ordered_usd * _higher(settings.margin_rate, account.ordered_rate)
    needed = ordered + facts.order.notional_usd * _higher(settings.margin_rate, account.margin_rate)
    check = _covered("buying power", needed, account.available_usd, settings.buying_power, facts, settings)
    told = math.isfinite(account.margin_rate)
    rate = f"rate {account.margin_rate:.4g} by what-if" if told else "no rate by what-if"
    passed = check.passed and (told or settings.buying_power != "required")
    return replace(check, passed=passed, detail=f"{check.detail}, {rate}")


def settled_cash(facts: EntryFacts, settings: RiskSettings) -> RiskCheck:
    """On a cash account settled cash covers them in full."""
    needed = facts.account.ordered_usd + facts.order.notional_usd
    return _covered("settled cash", needed, facts.account.settled_usd, settings.settled_cash, facts, settings)


def _higher(setting: float, told: float) -> float:
    """The setting where nothing was told; never less than it."""
    return max(setting, told) if math.isfinite(told) else setting


def _covered(
    rule: str,
    needed: float,
    money: float,
    how: Literal["unchecked", "known", "required"],
    facts: EntryFacts,
    settings: RiskSettings,
) -> RiskCheck:
    age_s = facts.account.age_s
    known = math.isfinite(money) and age_s <= settings.max_funds_age_s
    words = f"told {age_s:.0f} s ago" if math.isfinite(money) else "not told"
    passed = how == "unchecked" or (needed <= money if known else how == "known")
    return RiskCheck(rule=rule, value=needed, limit=money, passed=passed, detail=f"{how}, {words}")


def _at_most(rule: str, value: float, limit: float | None, detail: str = "") -> RiskCheck:
    if limit is None:
        return _off(rule, value)
    passed = value <= limit
    return RiskCheck(rule=rule, value=value, limit=limit, passed=passed, detail="" if passed else detail)


def _below(rule: str, value: float, limit: float | None) -> RiskCheck:
    if limit is None:
        return _off(rule, value)
    return RiskCheck(rule=rule, value=value, limit=limit, passed=value < limit)


def _at_least(rule: str, value: float, limit: float, detail: str = "") -> RiskCheck:
    passed = value >= limit
    return RiskCheck(rule=rule, value=value, limit=limit, passed=passed, detail="" if passed else detail)


def _off(rule: str, value: float) -> RiskCheck:
    return RiskCheck(rule=rule, value=value, limit=math.inf, passed=True, detail="off")
