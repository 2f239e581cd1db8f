"""What no API client sent: orders a person enters or trades in TWS, the broker's liquidations, and undone sales.

A manual order is client 0's, with order id 0 until client 0 binds it to a negative id.
https://interactivebrokers.github.io/tws-api/open_orders.html
"""

from datetime import datetime
from decimal import Decimal

from momentum_kit.simgateway.broker.fills import REMOVED, book_execution
from momentum_kit.simgateway.broker.order_book import OrderBook, Ticket
from momentum_kit.simgateway.broker.order_life import OrderLife
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.events import OrderBound, OrderEvent, SimOrder

LIQUIDATION_ORDER_ID = -1  # a liquidation is nobody's order; bound manual orders count down from here
TWS_CLIENT = 0
UNBOUND = 0  # the order id of a manual order that no client has bound
_KEY = -1  # no API client has this id: keeps unbound orders apart in the book


class ManualOrders:
    """Keys of manual orders in the book, and their binding."""

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._entered = 0
        self._bound = 0
        self.bind_new = False  # what reqAutoOpenOrders asked for

    def new_key(self) -> tuple[int, int]:
        """Where the next manual order is kept until it is bound."""
        self._entered += 1
        return _KEY, self._entered

    def bind(self) -> list[OrderEvent]:
        """Give every unbound open order the next negative id of client 0."""
        events: list[OrderEvent] = []
        for ticket in self._book:
            order = ticket.order
            if order.order_id != UNBOUND or not ticket.is_open:
                continue  # what has ended keeps id 0: several of them are told apart by perm id alone
            self._bound += 1
            order.order_id = LIQUIDATION_ORDER_ID - self._bound
            self._book.rekey(ticket, (TWS_CLIENT, order.order_id))
            events.append(OrderBound(perm_id=order.perm_id, client_id=TWS_CLIENT, order_id=order.order_id))
        return events


def is_manual(client_id: int, order_id: int) -> bool:
    """True for an order entered in TWS, bound or not."""
    return client_id == TWS_CLIENT and order_id <= UNBOUND


def liquidate(state: BrokerState, life: OrderLife, con_id: int, at: datetime) -> list[OrderEvent]:
    """Close a holding at the touch, in one execution with liquidation=1 and order id -1; [] if nothing is held."""
    held = state.account.quantity(con_id)
    if not held:
        return []
    events: list[OrderEvent] = []
    if state.assumptions.liquidated_orders == "cancelled":
        for ticket in state.book.working(con_id):
            events += life.close(ticket, "Cancelled", at) if ticket.is_open else []
    ticket = Ticket(_order_of_nobody(state, con_id, -held, LIQUIDATION_ORDER_ID), ("", 0))
    return events + _fill_at_once(state, ticket, _price_now(state, ticket), at, liquidation=True)


def trade_by_hand(
    state: BrokerState, key: tuple[int, int], con_id: int, signed: Decimal, at: datetime, price: float | None
) -> list[OrderEvent]:
    """A person buys (or, negative, sells) so many shares at `price` (USD) or at the touch; key: see ManualOrders."""
    state.top.watch(con_id)
    ticket = Ticket(_order_of_nobody(state, con_id, signed, UNBOUND), ("", 0))
    state.book.add(ticket, key)
    state.book.finish(ticket, at)
    return _fill_at_once(state, ticket, price or _price_now(state, ticket), at)


def bust_last_sale(state: BrokerState, con_id: int, at: datetime) -> None:
    """Give back what an API client sold last of a contract, at its price, and strike the execution off the list."""
    sales = [
        report
        for report in state.executions
        if report.order.con_id == con_id
        and report.side == "SLD"
        and not is_manual(report.order.client_id, report.order.order_id)
    ]
    if not sales:
        return
    state.executions.remove(sales[-1])
    state.commissions.pop(sales[-1].exec_id, None)  # nor is it corrected any more
    state.account.book(con_id, sales[-1].shares, sales[-1].price, 0.0)
    state.holdings.append((at, state.account.holding(con_id)))


def _price_now(state: BrokerState, ticket: Ticket) -> float:
    touch = state.top.touch(ticket.order.con_id)
    return touch.opposite(ticket.sign)[0] if touch else state.top.mark(ticket.order.con_id) or 0.0


def _fill_at_once(
    state: BrokerState, ticket: Ticket, price: float, at: datetime, *, liquidation: bool = False
) -> list[OrderEvent]:
    """In one piece, whatever the touch shows: neither waits for size."""
    order = ticket.order
    order.filled, order.average_price, order.last_fill_price, order.status = order.quantity, price, price, "Filled"
    ticket.value_usd = price * float(order.quantity)
    fill = book_execution(
        state, ticket, shares=order.quantity, price=price, at=at, liquidity=REMOVED, liquidation=liquidation
    )
    return [fill.report, fill.commission]


def _order_of_nobody(state: BrokerState, con_id: int, signed: Decimal, order_id: int) -> SimOrder:
    return SimOrder(
        client_id=TWS_CLIENT,
        order_id=order_id,
        perm_id=state.ids.perm_id(),
        con_id=con_id,
        account=state.account.name,
        action="BUY" if signed > 0 else "SELL",
        quantity=abs(signed),
        order_type="MKT",
    )
