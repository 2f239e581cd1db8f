"""Orders that a person enters in TWS: client 0's, with order id 0 until client 0 binds them to negative ids.

Part of matching.py. https://interactivebrokers.github.io/tws-api/open_orders.html
"""

from momentum_kit.simgateway.broker.order_book import OrderBook
from momentum_kit.simgateway.events import OrderBound, OrderEvent

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
                continue
            self._bound += 1
            order.order_id = -1 - self._bound  # -1 is the broker's own
            self._book.rekey(ticket, (TWS_CLIENT, order.order_id))
            events.append(OrderBound(order.perm_id, TWS_CLIENT, order.order_id))
        return events


def is_manual(client_id: int, order_id: int) -> bool:
    """True for an order entered in TWS, bound or not."""
    return client_id == TWS_CLIENT and order_id <= UNBOUND
