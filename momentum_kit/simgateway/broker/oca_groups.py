"""Bracket families and OCA groups: how much of an order may fill, and what one order's fill does to the others."""

from decimal import ROUND_FLOOR, Decimal

from momentum_kit.simgateway.broker.order_book import OrderBook, Ticket
from momentum_kit.simgateway.broker.state import BrokerState

REDUCE_WITHOUT_BLOCK = 3


def join_bracket(child: Ticket, parent: Ticket) -> None:
    """Children of one parent without a group of their own form one, named by its perm id, as peers saw at IB."""
    if not child.order.oca_group:
        child.order.oca_group = str(parent.order.perm_id)
        child.order.oca_type = REDUCE_WITHOUT_BLOCK


def fillable(ticket: Ticket, state: BrokerState) -> Decimal:
    """Shares that may fill now: never more than remain, than the family holds, or than the OCA group leaves."""
    room, book = ticket.order.remaining, state.book
    parent = book.parent(ticket)
    if parent is not None and state.assumptions.family_cap != "uncapped":
        room = min(room, family_room(ticket, parent, book))
    # Type 1 "with block": once a member has filled in part, the others may not fill until the group is decided.
    if not reduces(ticket) and state.assumptions.oca_cancels_on == "last_fill":
        room = Decimal(0) if any(other.order.filled for other in book.oca_others(ticket)) else room
    return max(room, Decimal(0))


def family_room(child: Ticket, parent: Ticket, book: OrderBook) -> Decimal:
    """Shares this child may still fill: what the parent filled less what its children closed already."""
    if child.sign == parent.sign:
        return child.order.remaining
    closed = sum((c.order.filled for c in book.children(parent) if c.sign != parent.sign), Decimal(0))
    return max(parent.order.filled - closed, Decimal(0))


def reduces(ticket: Ticket) -> bool:
    """True in OCA groups of types 2 and 3."""
    return ticket.order.oca_type in (2, REDUCE_WITHOUT_BLOCK)


def outside_group(ticket: Ticket, state: BrokerState) -> bool:
    """True where an order and its OCA group have no effect on each other: a time exit, if that is how it is."""
    return ticket.order.good_after is not None and state.assumptions.good_after_time_in_group == "alone"


def oca_leftovers(ticket: Ticket, shares: Decimal, state: BrokerState) -> list[tuple[Ticket, Decimal]]:
    """Each other member of the group with what remains of it after this order has filled `shares` (0: cancel it).

    Type 1 cancels the others. Types 2 and 3 reduce them in proportion to the part that filled, rounded down; they
    differ at IB in whether two members may be at the market at once, which atomic matching cannot show.
    """
    if outside_group(ticket, state):
        return []
    others = [other for other in state.book.oca_others(ticket) if not outside_group(other, state)]
    if reduces(ticket):
        before = ticket.order.remaining + shares  # of this order, ahead of the fill
        part = ticket.order.remaining / before
        return [(o, (o.order.remaining * part).to_integral_value(ROUND_FLOOR)) for o in others]
    if state.assumptions.oca_cancels_on == "first_fill" or not ticket.order.remaining:
        return [(other, Decimal(0)) for other in others]
    return []
