"""Stops: when a print triggers them and how a trailing stop follows the last price. Pure, used by order_life.py."""

from momentum_kit.simgateway.events import SimOrder

STOP_TYPES = frozenset({"STP", "STP LMT", "TRAIL"})


def is_triggered(order: SimOrder, last: float) -> bool:
    """True if a print at `last` (USD) triggers this stop: at the stop price or through it."""
    if order.stop_price is None:
        return False
    return last >= order.stop_price if order.action == "BUY" else last <= order.stop_price


def trail(order: SimOrder, last: float) -> None:
    """Move a trailing stop after the last price (USD); it never moves back."""
    if order.order_type != "TRAIL":
        return
    gap = order.trailing_amount if order.trailing_amount is not None else last * (order.trailing_percent or 0.0) / 100
    if order.action == "SELL":
        order.stop_price = last - gap if order.stop_price is None else max(order.stop_price, last - gap)
    else:
        order.stop_price = last + gap if order.stop_price is None else min(order.stop_price, last + gap)
