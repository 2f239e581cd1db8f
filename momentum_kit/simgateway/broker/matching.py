"""The simulated broker: takes client requests and market events, answers with the order events clients are to hear."""

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from momentum_kit.sessions import NEW_YORK, exchange_day
from momentum_kit.simgateway.broker.account import Account, AccountLine, Holding, Profit
from momentum_kit.simgateway.broker.assumptions import Assumptions
from momentum_kit.simgateway.broker.changes import OrderChanges
from momentum_kit.simgateway.broker.depth import Depth
from momentum_kit.simgateway.broker.entry import OrderEntry
from momentum_kit.simgateway.broker.fills import BrokerState
from momentum_kit.simgateway.broker.forced import liquidate
from momentum_kit.simgateway.broker.ids import OrderIds
from momentum_kit.simgateway.broker.life import OrderLife
from momentum_kit.simgateway.broker.lists import CompletedOrder, completed_orders, executions, open_orders, restored
from momentum_kit.simgateway.broker.manual import TWS_CLIENT, UNBOUND, ManualOrders
from momentum_kit.simgateway.broker.order_book import OrderBook, Stage, Ticket
from momentum_kit.simgateway.broker.preview import what_if
from momentum_kit.simgateway.broker.reports import error
from momentum_kit.simgateway.broker.rules import MarketView, Refusal, refusal
from momentum_kit.simgateway.broker.truth import broker_truth
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    MarketEvent,
    NewsEvent,
    OrderErrorReport,
    OrderEvent,
    QuoteEvent,
    SimOrder,
    TradeEvent,
)

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # before the first request or market event


class SimulatedBroker:
    """Orders of all clients of one account, matched on the market's quotes and prints.

    Every call that takes a time first lets happen what was due until then. latency_ms runs from a request to its
    effect at the market, in market time. The same seed and the same calls give the same events.
    """

    def __init__(
        self,
        market: MarketView,
        account: Account,
        latency_ms: int = 0,
        seed: int = 0,
        assumptions: Assumptions | None = None,
        *,
        first_order_id: int = 1,
        split_share: float = 0.0,
    ) -> None:
        self.account = account
        self.assumptions = assumptions or Assumptions()
        self._book = OrderBook(first_order_id)
        self._depth = Depth(market)
        latency = timedelta(milliseconds=latency_ms)
        self._state = BrokerState(
            market, account, self.assumptions, OrderIds(seed), latency, self._book, self._depth, split_share
        )
        self._life = OrderLife(self._state)
        self._entry = OrderEntry(self._state, self._life)
        self._changes = OrderChanges(self._state, self._entry, self._life)
        self._manual = ManualOrders(self._book)
        self._now = _NEVER

    def place(self, order: SimOrder, at: datetime) -> list[OrderEvent]:
        """A placeOrder: a new order, a staged one sent again, or a modify of one this client has working."""
        events = self.advance(at)
        known = self._book.get(order.client_id, order.order_id)
        self._book.use_id(order.client_id, order.order_id)
        if known is None or known.stage is Stage.STAGED:
            events += self._place_new(order, at)
        elif known.stage is Stage.DONE:
            events += error(order, Refusal(103, "Duplicate order id"))
        else:
            events += self._changes.modify(known, order, at)
        return events + self.advance(at)

    def enter_manually(self, order: SimOrder, at: datetime) -> list[OrderEvent]:
        """What a person enters in TWS: client 0's, with order id 0 until client 0 binds it."""
        events = self.advance(at)
        order.client_id, order.order_id, order.transmit = TWS_CLIENT, UNBOUND, True
        events += self._place_new(order, at, self._manual.new_key())
        return events + (self._manual.bind() if self._manual.bind_new else []) + self.advance(at)

    def bind_manual(self, *, new_ones: bool | None = None) -> list[OrderEvent]:
        """Bind manual orders to client 0: the open ones (None), or, from now on, each new one (or none any more)."""
        if new_ones is None:
            return self._manual.bind()
        self._manual.bind_new = new_ones
        return []

    def what_if(self, order: SimOrder, at: datetime) -> list[OrderEvent]:
        """A placeOrder with whatIf: margin and commission in an openOrder, or the refusal; nothing is placed."""
        events = self.advance(at)
        self._book.use_id(order.client_id, order.order_id)
        return events + what_if(self._state, order)

    def liquidate(self, con_id: int, at: datetime) -> list[OrderEvent]:
        """The broker closes a holding by force, at the touch."""
        return self.advance(at) + liquidate(self._state, self._life, con_id, at)

    def correct(self, exec_id: str, at: datetime, price: float | None = None) -> list[OrderEvent]:
        """The broker corrects an execution, to `price` (USD) if one is given; KeyError if it does not stand."""
        return self.advance(at) + self._state.correct(exec_id, price)

    def restored(self, client_id: int) -> list[OrderEvent]:
        """What the gateway repeats to a client by itself when its own connection is back (1102)."""
        return restored(self._state, client_id, self.executions(client_id))

    def cancel(self, client_id: int, order_id: int, at: datetime) -> list[OrderEvent]:
        """A cancelOrder: confirmed after the latency, unless a fill was faster."""
        events = self.advance(at)
        ticket = self._book.get(client_id, order_id) or self._shown_to_client_0(client_id, order_id)
        if ticket is None:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            events.append(OrderErrorReport(client_id, order_id, 10147, text))
        else:
            events += self._changes.cancel(ticket, at)
        return events + self.advance(at)

    def global_cancel(self, client_id: int, at: datetime) -> list[OrderEvent]:
        """A reqGlobalCancel of any client cancels the open orders of all clients, and its own staged ones."""
        events = self.advance(at)
        everyone = self.assumptions.global_cancel == "every_order"
        for ticket in self._book:
            own = ticket.order.client_id == client_id
            staged = ticket.stage is Stage.STAGED and own
            if staged or (ticket.is_open and not ticket.cancelling and (own or everyone)):
                events += self._changes.cancel(ticket, at, quiet=True)
        return events + self.advance(at)

    def on_market(self, event: MarketEvent) -> list[OrderEvent]:
        """Take in what happened in the market, at the event's own time."""
        events = self.advance(event.time)
        if isinstance(event, NewsEvent):
            return events
        self._depth.take_in(event)
        for ticket in self._book.working(event.con_id):
            if isinstance(event, QuoteEvent):
                events += self._life.on_quote(ticket, event.time)
            elif isinstance(event, TradeEvent):
                events += self._life.on_print(ticket, event)
        return events

    def advance(self, to: datetime) -> list[OrderEvent]:
        """Let everything happen that was due by `to`, in market-time order."""
        self._now = max(self._now, to)
        return self._state.agenda.run(to)

    def next_due(self) -> datetime | None:
        """When advance has something to do next."""
        return self._state.agenda.next_due()

    def concerns(self, con_id: int) -> bool:
        """True while an order of this contract works or some of it is held: its events matter here."""
        return bool(self._book.working(con_id)) or any(h.con_id == con_id for h in self.account.open_holdings())

    def open_orders(self, client_id: int | None = None) -> list[OrderEvent]:
        """What answers reqOpenOrders of one client, or reqAllOpenOrders (None)."""
        return open_orders(self._state, client_id)

    def completed_orders(self, *, api_only: bool = False) -> list[CompletedOrder]:
        """Orders that ended since midnight New York, oldest first; api_only: without those entered in TWS."""
        return completed_orders(self._state, self._midnight(), api_only=api_only)

    def executions(
        self, client_id: int | None = None, since: datetime | None = None, days: int = 1, on: Collection[date] = ()
    ) -> list[ExecutionReport]:
        """Executions of the last `days` exchange days (1: since midnight New York), or of the days named in `on`.

        since: not before this moment. client_id: of one client, None of all.
        """
        since_day = exchange_day(self._now) - timedelta(days=days - 1)
        return executions(self._state, client_id, since, since_day, on)

    def commission_of(self, exec_id: str) -> CommissionReportDue | None:
        """The commission report of an execution."""
        return self._state.commissions.get(exec_id)

    def positions(self) -> list[Holding]:
        """All holdings, (con_id, signed shares, average cost)."""
        return self.account.open_holdings()

    def account_values(self) -> list[AccountLine]:
        """Every line of the account summary, (tag, value, currency), at current prices."""
        return self.account.values(self._state.marks())

    def profit(self, con_id: int | None = None) -> Profit:
        """Profit and loss of one holding, or of the account, at current prices."""
        return self.account.profit(self._state.marks(), con_id)

    def next_order_id(self, client_id: int) -> int:
        """What nextValidId tells this client; it survives reconnects."""
        return self._book.next_id(client_id)

    def truth(self) -> dict[str, Any]:
        """Everything the broker knows, as JSON-able values: orders, fills, positions, cash."""
        return broker_truth(self._state, self._state.marks())

    def _place_new(self, order: SimOrder, at: datetime, key: tuple[int, int] | None = None) -> list[OrderEvent]:
        order.account = order.account or self.account.name
        events: list[OrderEvent] = []
        if not order.tif:
            order.tif = "DAY"
            events = error(order, Refusal(10349, "Order TIF was set to DAY based on order preset."))
        refused = refusal(order, self._state.market, self.account.name) or self._parent_missing(order)
        if refused:
            return error(order, refused)
        ticket = Ticket(order, (order.oca_group, order.oca_type))
        self._book.add(ticket, key)
        if not order.transmit:
            return events + self._changes.stage(ticket)
        for member in self._family(ticket):
            events += self._entry.accept(member, at)
        return events

    def _parent_missing(self, order: SimOrder) -> Refusal | None:
        if not order.parent_id:
            return None
        parent = self._book.get(order.client_id, order.parent_id)
        if parent is None:
            return Refusal(10006, "Missing parent order.")
        return Refusal(135, f"Can't find order with id ={order.parent_id}") if parent.stage is Stage.DONE else None

    def _family(self, ticket: Ticket) -> Iterable[Ticket]:
        """The last child transmits its staged parent and siblings with it, in the order they were placed."""
        parent = self._book.parent(ticket)
        if parent is None:
            return [ticket]
        members = [parent, *self._book.children(parent)]
        return [m for m in members if m is ticket or m.stage is Stage.STAGED]

    def _midnight(self) -> datetime:
        return datetime.combine(exchange_day(self._now), time(), NEW_YORK)

    def _shown_to_client_0(self, client_id: int, order_id: int) -> Ticket | None:
        if client_id != TWS_CLIENT or order_id <= UNBOUND or self.assumptions.cancel_rights == "owner":
            return None
        return next((t for t in self._book if t.is_open and t.order.order_id == order_id), None)
