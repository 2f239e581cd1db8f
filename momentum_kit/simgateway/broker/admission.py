"""Whether the broker takes an order as account and market stand: funds, family, number, price check, shares to borrow.

Called by order_entry.py once an order is transmitted; order_rules.py has judged the order by itself before.
"""

from momentum_kit.simgateway.broker.fills import BrokerState
from momentum_kit.simgateway.broker.order_book import Ticket
from momentum_kit.simgateway.broker.rules import Refusal

MOST_ACTIVE_ORDERS = 20  # a contract, side and account; TWS API, order limitations
FAR_SHARE = 0.10  # through the opposite side of the touch; IB's own distance is not published
HARD_TO_BORROW, EASY_TO_BORROW = 1.5, 2.5  # tick 46: none at or below the one, a locate up to the other
IMMEDIATE = frozenset({"IOC", "FOK"})

TOO_FAR = Refusal(202, "Order Canceled - reason:Limit price too far through the market")
LOCATING = Refusal(
    404,
    "Shares for this order are not immediately available for short sale. The order will be held while we attempt to "
    "locate the shares.",
)
HOURS_IGNORED = Refusal(
    2109,
    "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order type and "
    "destination. PlaceOrder is now being processed.",
)


def admission(ticket: Ticket, parent: Ticket | None, state: BrokerState) -> Refusal | None:
    """The first reason to refuse a transmitted order; None if there is none."""
    order = ticket.order
    if order.oca_group in state.book.spent_groups:
        return _rejected("OCA group is already filled.")
    active = sum(other.sign == ticket.sign for other in state.book.working(order.con_id))
    if active >= MOST_ACTIVE_ORDERS:
        return _rejected(f"Maximum of {MOST_ACTIVE_ORDERS} active orders on one side of a contract is reached.")
    if parent is not None:
        return None if parent.is_open else Refusal(135, f"Can't find order with id ={order.parent_id}")
    immediate = order.tif in IMMEDIATE and bool(state.book.children(ticket))
    if immediate and state.assumptions.ioc_parent == "refused":
        return _rejected(f"{order.tif} orders cannot have attached orders.")
    if _shorts(ticket, state) and state.market.shortable(order.con_id) <= HARD_TO_BORROW:
        return _rejected("This contract is not available for short sale.")
    if state.assumptions.far_limit == "refused" and far_limit(ticket, state) is not None:
        return TOO_FAR
    return _funds(ticket, state)


def must_locate(ticket: Ticket, state: BrokerState) -> bool:
    """True for a sale that opens or adds to a short position in shares that have to be found first."""
    return _shorts(ticket, state) and state.market.shortable(ticket.order.con_id) <= EASY_TO_BORROW


def cap_price(ticket: Ticket, state: BrokerState) -> Refusal | None:
    """Cap a limit far through the market and say so with 2161; None where it may stand."""
    order = ticket.order
    order.market_cap_price = 0.0
    cap = far_limit(ticket, state) if state.assumptions.far_limit == "capped" else None
    if cap is None:
        return None
    order.market_cap_price = cap
    return Refusal(
        2161,
        "In accordance with our regulatory obligations as a broker, we cannot initially accept orders with limit "
        f"prices that are too far through the market. Your order was capped at {cap}.",
    )


def far_limit(ticket: Ticket, state: BrokerState) -> float | None:
    """The furthest price (USD) that a limit may have now, if this one is beyond it."""
    touch = state.depth.touch(ticket.order.con_id)
    limit = ticket.order.limit_price
    if touch is None or limit is None or ticket.order.order_type != "LMT":
        return None
    reference, _ = touch.opposite(ticket.sign)
    if not reference > 0:
        return None
    furthest = reference * (1 + ticket.sign * FAR_SHARE)
    cap = round(furthest, 2 if furthest >= 1 else 4)
    return cap if ticket.sign * (limit - cap) > 0 else None


def ignores_hours(ticket: Ticket) -> bool:
    """True if outsideRth was asked for an order that never trades outside."""
    return ticket.order.outside_rth and ticket.order.order_type == "MKT"


def _shorts(ticket: Ticket, state: BrokerState) -> bool:
    order = ticket.order
    return order.action == "SELL" and state.account.quantity(order.con_id) < order.remaining


def _funds(ticket: Ticket, state: BrokerState) -> Refusal | None:
    order = ticket.order
    touch = state.depth.touch(order.con_id)
    price = order.limit_price or order.stop_price or (touch.opposite(ticket.sign)[0] if touch else 0.0)
    words = state.account.refusal(order.con_id, ticket.signed(order.quantity), price, state.marks())
    return _rejected(words) if words else None


def _rejected(reason: str) -> Refusal:
    return Refusal(201, f"Order rejected - reason:{reason}")
