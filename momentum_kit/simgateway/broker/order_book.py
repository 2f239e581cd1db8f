"""Every order the simulated broker knows, each with the notes that only the broker has of it."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto

from momentum_kit.simgateway.events import SimOrder

STOP_TYPES = frozenset({"STP", "STP LMT", "TRAIL"})


class Stage(Enum):
    """Where an order is in its life at the broker."""

    STAGED = auto()  # transmit=False: known to the gateway only
    SENT = auto()  # on its way to the market (latency, or its hours have not begun)
    CHILD = auto()  # held until its parent fills
    LIVE = auto()  # may trigger and fill
    DONE = auto()


@dataclass(slots=True, eq=False)
class Ticket:
    """An order and the broker's notes on it.

    asked_oca: OCA group and type as the client last sent them (the broker groups bracket children itself).
    locating: held until shares to sell short are found.
    resting: it has been seen uncrossed at the market, so that it fills at its own limit from then on.
    era: how often order ids had begun anew when it came: within one its id is its client's alone. parent_era: that of
    the parent it names.
    """

    order: SimOrder
    asked_oca: tuple[str, int]
    _: KW_ONLY
    stage: Stage = Stage.STAGED
    triggered: bool = False
    resting: bool = False
    modified: bool = False
    cancelling: bool = False
    locating: bool = False
    expires: datetime | None = None
    executions: int = 0
    value_usd: float = 0.0
    commission_usd: float = 0.0
    done_at: datetime | None = None
    held_until: datetime | None = None  # its good-after time, while it is held for that
    arrived: datetime | None = None  # when these terms first met an open market
    cap: float | None = None  # USD, what a market order is held to, told once it rests there
    era: int = 0
    parent_era: int = 0

    @property
    def is_open(self) -> bool:
        """Transmitted and not at its end."""
        return self.stage not in (Stage.STAGED, Stage.DONE)

    @property
    def awaits_trigger(self) -> bool:
        """A stop that has not been triggered."""
        return self.order.order_type in STOP_TYPES and not self.triggered

    def waits_for_time(self, at: datetime) -> bool:
        """Its good-after time has not come."""
        return self.order.good_after is not None and at < self.order.good_after

    @property
    def limit(self) -> float | None:
        """The limit (USD) it trades under now; None for what trades at the market."""
        order = self.order
        if order.order_type == "MKT":
            return self.cap
        if order.order_type not in ("LMT", "STP LMT") or order.limit_price is None:
            return None
        if not order.market_cap_price:
            return order.limit_price
        return min(self.sign * order.limit_price, self.sign * order.market_cap_price) * self.sign

    @property
    def extended(self) -> bool:
        """May trade outside regular hours; a market order never does."""
        return self.order.outside_rth and self.order.order_type != "MKT"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self.order.action == "BUY" else -1

    def show(self, status: str) -> None:
        """Change the status a client sees; a pending cancel hides what the market does."""
        if self.order.status != "PendingCancel":
            self.order.status = status

    def signed(self, shares: Decimal) -> Decimal:
        """Shares with the order's sign."""
        return shares * self.sign


class OrderBook:
    """Tickets by era, client id and order id, in the order in which they were placed."""

    def __init__(self, first_order_id: int = 1) -> None:
        self._first_order_id = first_order_id
        self._era = 0
        self._tickets: dict[tuple[int, int, int], Ticket] = {}
        self._next_ids: dict[int, int] = {}
        self._working: dict[int, list[Ticket]] = {}
        self.spent_groups: set[str] = set()  # OCA groups with a filled member: they take no more orders
        self._families: dict[tuple[int, int, int], list[Ticket]] = {}

    def __iter__(self) -> Iterator[Ticket]:
        return iter(list(self._tickets.values()))

    def get(self, client_id: int, order_id: int) -> Ticket | None:
        """The ticket this client knows by this id; one of an earlier era only while it works."""
        known = self._tickets.get((self._era, client_id, order_id))
        if known is not None or not self._era:
            return known
        earlier = (self._tickets.get((era, client_id, order_id)) for era in reversed(range(self._era)))
        return next((ticket for ticket in earlier if ticket is not None and ticket.is_open), None)

    def add(self, ticket: Ticket, key: tuple[int, int] | None = None) -> None:
        """Remember a new order, or a staged one that is sent again; key: where its own ids do not tell it apart."""
        order = ticket.order
        parent = self.get(order.client_id, order.parent_id)
        ticket.era = self._era
        ticket.parent_era = parent.era if parent else self._era
        client_id, order_id = key or (order.client_id, order.order_id)
        self.forget(client_id, order_id)
        self._tickets[self._era, client_id, order_id] = ticket
        if order.parent_id:
            self._families.setdefault(_parent_key(ticket), []).append(ticket)

    def forget(self, client_id: int, order_id: int) -> None:
        """Drop an order that was never transmitted."""
        ticket = self._tickets.pop((self._era, client_id, order_id), None)
        if ticket and ticket.order.parent_id:
            self._families[_parent_key(ticket)].remove(ticket)

    def rekey(self, ticket: Ticket, key: tuple[int, int]) -> None:
        """Keep a known order under other ids from now on."""
        new = (ticket.era, *key)
        self._tickets = {new if known is ticket else old: known for old, known in self._tickets.items()}

    def begin_ids_anew(self) -> None:
        """Every client counts from the first id again; what was transmitted keeps its ids, its family and its place."""
        for client_id, order_id in [key[1:] for key, ticket in self._tickets.items() if ticket.stage is Stage.STAGED]:
            self.forget(client_id, order_id)
        self._era += 1
        self._next_ids.clear()

    def use_id(self, client_id: int, order_id: int) -> None:
        """Move the client's next id beyond this one."""
        self._next_ids[client_id] = max(self.next_id(client_id), order_id + 1)

    def next_id(self, client_id: int) -> int:
        """The lowest id this client has not reached yet."""
        return self._next_ids.get(client_id, self._first_order_id)

    def working(self, con_id: int) -> list[Ticket]:
        """Open orders of a contract that are not at their end, oldest first (a copy)."""
        tickets = self._working.get(con_id)
        return list(tickets) if tickets else []

    def start(self, ticket: Ticket) -> None:
        """The order has been transmitted."""
        self._working.setdefault(ticket.order.con_id, []).append(ticket)

    def finish(self, ticket: Ticket, at: datetime) -> None:
        """The order is at its end."""
        ticket.stage, ticket.done_at = Stage.DONE, at
        tickets = self._working.get(ticket.order.con_id, [])
        if ticket in tickets:
            tickets.remove(ticket)

    def parent(self, ticket: Ticket) -> Ticket | None:
        """The parent a child names, among its own client's orders."""
        return self._tickets.get(_parent_key(ticket)) if ticket.order.parent_id else None

    def children(self, parent: Ticket) -> list[Ticket]:
        """All orders that name this parent, oldest first (a copy)."""
        return list(self._families.get((parent.era, parent.order.client_id, parent.order.order_id), ()))

    def oca_others(self, ticket: Ticket) -> list[Ticket]:
        """The open other members of the order's OCA group, oldest first; groups span clients and contracts."""
        group = ticket.order.oca_group
        if not group:
            return []
        working = (other for tickets in self._working.values() for other in tickets)
        return [other for other in working if other is not ticket and other.order.oca_group == group]


def _parent_key(child: Ticket) -> tuple[int, int, int]:
    return child.parent_era, child.order.client_id, child.order.parent_id
