"""Overfill protection: of an OCA group with block one order at a time is routed, the next waits for its recall.

What could trade asks for the way to the market. A resting limit order takes it if it is free. A market order or a
triggered stop has the one that is there called back, which takes recall_ms: until then that one may still fill, from
then on only the new one may.
https://interactivebrokers.github.io/tws-api/oca.html
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from momentum_kit.simgateway.broker.order_book import Ticket

_WITH_BLOCK = (1, 2)


class Routing:
    """Who of each OCA group is at the market, and who comes next. recall None: everybody is there, as if at once."""

    def __init__(self, recall: timedelta | None) -> None:
        self._recall = recall
        self._routed: dict[str, Ticket] = {}
        self._coming: dict[str, Ticket] = {}

    def admits(self, ticket: Ticket, at: datetime, later: Callable[[datetime, Callable[[], None]], None]) -> bool:
        """True if an order may trade now. later(moment, action): how a recall takes effect."""
        group = ticket.order.oca_group
        if self._recall is None or not group or ticket.order.oca_type not in _WITH_BLOCK:
            return True
        routed, coming = self._routed.get(group), self._coming.get(group)
        if routed is None or not routed.is_open or routed is ticket:
            self._routed[group] = ticket
            return True
        urgent = ticket.triggered or ticket.order.order_type == "MKT"
        if urgent and (coming is None or not coming.is_open):
            self._coming[group] = ticket
            later(at + self._recall, lambda: self._recalled(group, ticket))
        return False

    def _recalled(self, group: str, ticket: Ticket) -> None:
        if self._coming.get(group) is ticket:
            del self._coming[group]
            if ticket.is_open:
                self._routed[group] = ticket
