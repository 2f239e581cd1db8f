"""The orders themselves: bracket legs, a standalone stop, and the exit that a resting stop turns into."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from momentum_kit.models import Intent, OrderAction, OrderRequest, PriceIncrement
from momentum_kit.trading.prices import round_price

# type 1 would cancel the whole stop on the first shares of the target, and leave the rest bare
OCA_REDUCE_WITH_BLOCK = 2


def bracket_legs(
    intent: Intent, *, regular_hours: bool, stop_slack_pct: float, bands: Sequence[PriceIncrement]
) -> tuple[OrderRequest, OrderRequest, OrderRequest]:
    """Entry, target and stop in sending order; only the last is transmitted, which releases all three.

    The intent carries prices and the three order ids. Outside regular hours a plain stop sleeps, so the stop is
    STP LMT with outsideRth, its limit stop_slack_pct per cent below the trigger.
    """
    assert intent.limit_price is not None and intent.target_price is not None and intent.stop_price is not None
    entry = OrderRequest(
        intent.action,
        intent.quantity,
        "LMT",
        limit_price=intent.limit_price,
        tif="DAY",
        outside_rth=not regular_hours,
        transmit=False,
        order_id=intent.entry_order_id,
        order_ref=intent.intent_id,
        account=intent.account,
    )
    target = replace(
        entry,
        action=intent.action.opposite,
        limit_price=intent.target_price,
        tif="GTC",  # a DAY leg dies at a close that a halt may carry us through
        order_id=intent.target_order_id,
        parent_id=intent.entry_order_id,
        oca_group=oca_group(intent),
        oca_type=OCA_REDUCE_WITH_BLOCK,
    )
    stop = replace(
        stop_order(intent, intent.quantity, regular_hours=regular_hours, stop_slack_pct=stop_slack_pct, bands=bands),
        parent_id=intent.entry_order_id,
    )
    return entry, target, stop


def stop_order(
    intent: Intent,
    quantity: Decimal,
    *,
    regular_hours: bool,
    stop_slack_pct: float,
    bands: Sequence[PriceIncrement],
) -> OrderRequest:
    """A protective stop that stands alone: GTC, transmitted, triggerable in this trading session."""
    assert intent.stop_price is not None
    limit = None
    if not regular_hours:
        limit = round_price(intent.stop_price * (1 - stop_slack_pct / 100), bands, "down")
    return OrderRequest(
        OrderAction.SELL,
        quantity,
        "STP" if regular_hours else "STP LMT",
        limit_price=limit,
        stop_price=intent.stop_price,
        tif="GTC",
        outside_rth=not regular_hours,
        order_id=intent.stop_order_id,
        oca_group=oca_group(intent),
        oca_type=OCA_REDUCE_WITH_BLOCK,
        order_ref=intent.intent_id,
        account=intent.account,
    )


def as_market(stop: OrderRequest, quantity: Decimal) -> OrderRequest:
    """The same order turned into a market order: it sells at once and its OCA group takes the target along."""
    return replace(
        stop,
        quantity=quantity,
        order_type="MKT",
        limit_price=None,
        stop_price=None,
        outside_rth=False,
        transmit=True,
    )


def as_limit(stop: OrderRequest, quantity: Decimal, limit_price: float) -> OrderRequest:
    """The same order turned into a marketable limit that works outside regular hours."""
    return replace(
        stop,
        quantity=quantity,
        order_type="LMT",
        limit_price=limit_price,
        stop_price=None,
        outside_rth=True,
        transmit=True,
    )


def oca_group(intent: Intent) -> str:
    """Name of the group in which each fill of one leg reduces the other."""
    return f"oca-{intent.intent_id}"
