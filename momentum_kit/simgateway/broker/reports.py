"""What a client hears of its orders, in which order: the broker's events built from a ticket."""

from copy import copy
from datetime import datetime
from decimal import Decimal

from momentum_kit.simgateway.broker.order_book import Ticket
from momentum_kit.simgateway.broker.rules import Listing, Refusal
from momentum_kit.simgateway.events import (
    ExecutionReport,
    OpenOrderReport,
    OrderErrorReport,
    OrderEvent,
    SimOrder,
    StatusReport,
)


def echo(order: SimOrder) -> list[OrderEvent]:
    """OpenOrder alone."""
    return [OpenOrderReport(copy(order))]


def status(order: SimOrder) -> list[OrderEvent]:
    """OrderStatus alone."""
    return [StatusReport(copy(order), order.status)]


def both(order: SimOrder) -> list[OrderEvent]:
    """openOrder, then orderStatus."""
    return echo(order) + status(order)


def error(order: SimOrder, refusal: Refusal) -> list[OrderEvent]:
    """An error on the order's id."""
    return [OrderErrorReport(order.client_id, order.order_id, refusal.code, refusal.text)]


CANCELLED = Refusal(202, "Order Canceled - reason:")


def hours_warning(order: SimOrder, listing: Listing, opens: str) -> Refusal:
    """399 for an order that waits for its hours; `opens` as '2026-04-14 09:30:00 US/Eastern'."""
    name = f"{listing.symbol} {listing.primary_exchange}.{listing.trading_class}"
    return Refusal(
        399,
        f"Order Message:\n{order.action} {order.quantity:f} {name}\n"
        f"Warning: Your order will not be placed at the exchange until {opens}.",
    )


def execution(
    ticket: Ticket, exec_id: str, at: datetime, exchange: str, shares: Decimal, price: float, liquidity: int
) -> ExecutionReport:
    """ExecDetails of one match; the ticket already counts it."""
    order = ticket.order
    return ExecutionReport(
        order=copy(order),
        exec_id=exec_id,
        time=at,
        exchange=exchange,
        side="BOT" if order.action == "BUY" else "SLD",
        shares=shares,
        price=price,
        cumulative=order.filled,
        average_price=order.average_price,
        liquidity=liquidity,
    )
