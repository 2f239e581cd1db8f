"""A time exit that rests at the broker: the third leg of a bracket's group, a market order that wakes at its hour.

It sells what is left when nobody here does: its hour is the latest at which a position may still be held, so that the
exit of this machine comes first wherever there is one. About the hour itself the two would sell at once; then the
broker's goes, and ours waits for what becomes of it.
"""

from datetime import datetime, timedelta

from momentum_kit.config import ExitSettings
from momentum_kit.models import Intent, OrderAction, OrderRequest
from momentum_kit.sessions import TradingSession
from momentum_kit.trading.orders.bracket import OCA_REDUCE_WITH_BLOCK, Leg, oca_group

AHEAD = timedelta(seconds=2)  # so long before its hour no other order is made to sell
PATIENCE = timedelta(seconds=5)  # so long after it, it may still be on its way to the exchange


def gone_by(ordered_at: datetime, session: TradingSession | None, exits: ExitSettings) -> datetime | None:
    """When what is ordered now must be gone: its holding time's end, or the session's deadline if that is earlier.

    In whole seconds, rounded up; the holding time begins once the entry has filled, which may take its whole patience.
    None where a market order could not sell then: outside regular hours.
    """
    if session is None:
        return None
    hold_s = exits.entry_timeout_s + exits.time_stop_s
    hour = min(ordered_at + timedelta(seconds=hold_s), session.close - timedelta(seconds=exits.flat_before_close_s))
    if hour.microsecond:
        hour = hour.replace(microsecond=0) + timedelta(seconds=1)
    return hour if session.contains(hour) and hour > ordered_at else None


def time_exit_order(intent: Intent, hour: datetime) -> OrderRequest:
    """The leg: a child of the entry, in the group of target and stop, and not the one that transmits them."""
    return OrderRequest(
        action=OrderAction.SELL,
        quantity=intent.quantity,
        order_type="MKT",
        tif="GTC",
        good_after=hour,
        transmit=False,
        order_id=intent.timed_order_id,
        parent_id=intent.entry_order_id,
        oca_group=oca_group(intent),
        oca_type=OCA_REDUCE_WITH_BLOCK,
        order_ref=intent.intent_id,
        account=intent.account,
    )


def wakes(leg: Leg, now: datetime) -> bool:
    """True from a moment before its hour on: it may sell at any time."""
    hour = leg.request.good_after
    return hour is None or now >= hour - AHEAD


def goes_first(leg: Leg, now: datetime) -> bool:
    """True about its hour: another order that sold now would sell beside it, if its group did not hold them apart."""
    hour = leg.request.good_after
    return leg.protecting and hour is not None and hour - AHEAD <= now < hour + PATIENCE
