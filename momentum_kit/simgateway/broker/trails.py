"""Trailing stops (TRAIL): how they follow the last price, where a modify leaves them, and what echoes say of them.

What nobody has documented of that is a switch in assumptions.py.
"""

from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.events import SimOrder


def begin_trail(order: SimOrder, state: BrokerState) -> None:
    """Note what the echoes of an order, new or with new terms, say of its trail."""
    if order.order_type == "TRAIL":
        order.told_stop = order.stop_price if state.assumptions.trail_told == "as_sent" else None
        order.amount_told = state.assumptions.trail_amount_told == "told"


def never_trails(order: SimOrder, state: BrokerState) -> bool:
    """True where the broker takes a TRAIL with a parent or a group, and lets it work never."""
    grouped = bool(order.parent_id or order.oca_group)
    return order.order_type == "TRAIL" and grouped and state.assumptions.trail_in_group == "inactive"


def trail(order: SimOrder, last: float) -> bool:
    """Move a trailing stop after the last price (USD), to four places; it never moves back. True if it moved."""
    if order.order_type != "TRAIL":
        return False
    sign = 1 if order.action == "SELL" else -1
    wanted = _behind(order, last)
    if order.stop_price is not None and sign * (wanted - order.stop_price) <= 0:
        return False
    order.stop_price = wanted
    return True


def stop_after_modify(order: SimOrder, wanted: SimOrder, last: float | None, state: BrokerState) -> float | None:
    """Where the stop of an order stands once it has the terms wanted; last: the last price (USD), if there is one."""
    if (order.order_type, wanted.order_type) != ("TRAIL", "TRAIL") or order.stop_price is None:
        return wanted.stop_price
    match state.assumptions.trail_modified:
        case "keeps":
            return order.stop_price
        case "as_sent":
            return wanted.stop_price
        case _:
            return wanted.stop_price if last is None else _behind(wanted, last)


def _behind(order: SimOrder, last: float) -> float:
    gap = order.trailing_amount if order.trailing_amount is not None else last * (order.trailing_percent or 0.0) / 100
    return round(last - gap if order.action == "SELL" else last + gap, 4)
