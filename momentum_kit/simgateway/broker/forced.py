"""What the broker does on its own to a holding: it liquidates; part of matching.py."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from momentum_kit.simgateway.broker.fills import REMOVED, BrokerState
from momentum_kit.simgateway.broker.life import OrderLife
from momentum_kit.simgateway.broker.order_book import Ticket
from momentum_kit.simgateway.broker.reports import execution
from momentum_kit.simgateway.events import OrderEvent, SimOrder

BROKER_ORDER_ID = -1  # a liquidation is nobody's order


def liquidate(state: BrokerState, life: OrderLife, con_id: int, at: datetime) -> list[OrderEvent]:
    """Close a holding at the touch, in one execution with liquidation=1 and order id -1; [] if nothing is held."""
    held = state.account.quantity(con_id)
    if not held:
        return []
    events: list[OrderEvent] = []
    if state.assumptions.liquidated_orders == "cancelled":
        for ticket in state.book.working(con_id):
            events += life.close(ticket, "Cancelled", at) if ticket.is_open else []
    ticket = Ticket(_broker_order(state, con_id, -held), ("", 0))
    order = ticket.order
    touch = state.depth.touch(con_id)
    price = touch.opposite(ticket.sign)[0] if touch else state.depth.mark(con_id) or 0.0
    order.filled, order.average_price, order.last_fill_price, order.status = order.quantity, price, price, "Filled"
    venue = state.market.instruments[con_id].primary_exchange
    exec_id = state.ids.exec_id(order.perm_id, 1)
    report = replace(execution(ticket, exec_id, at, venue, order.quantity, price, REMOVED), liquidation=True)
    ticket.value_usd = price * float(order.quantity)
    cost, _ = state.charge(ticket, order.quantity, price, exec_id)
    state.executions.append(report)
    return [*events, report, cost]


def _broker_order(state: BrokerState, con_id: int, signed: Decimal) -> SimOrder:
    return SimOrder(
        client_id=0,
        order_id=BROKER_ORDER_ID,
        perm_id=state.ids.perm_id(),
        con_id=con_id,
        account=state.account.name,
        action="BUY" if signed > 0 else "SELL",
        quantity=abs(signed),
        order_type="MKT",
        limit_price=None,
        stop_price=None,
        tif="DAY",
        outside_rth=False,
        transmit=True,
        parent_id=0,
        oca_group="",
        oca_type=0,
        order_ref="",
    )
