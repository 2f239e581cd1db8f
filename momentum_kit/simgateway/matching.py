"""The simulated broker: takes client requests and market events, answers with the order events clients are to hear."""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from momentum_kit.sessions import NEW_YORK, exchange_day
from momentum_kit.simgateway.account import Account, AccountLine, CostTable, Holding
from momentum_kit.simgateway.assumptions import Assumptions
from momentum_kit.simgateway.depth import Depth
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
from momentum_kit.simgateway.order_book import OrderBook, Stage, Ticket
from momentum_kit.simgateway.order_changes import OrderChanges
from momentum_kit.simgateway.order_entry import OrderEntry
from momentum_kit.simgateway.order_fills import BrokerState
from momentum_kit.simgateway.order_ids import OrderIds
from momentum_kit.simgateway.order_life import OrderLife
from momentum_kit.simgateway.order_reports import both, echo, error
from momentum_kit.simgateway.order_rules import MarketView, Refusal, refusal
from momentum_kit.simgateway.order_truth import broker_truth

if TYPE_CHECKING:
    from momentum_kit.simgateway.market import Market

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # before the first request or market event


@dataclass(frozen=True, slots=True)
class CompletedOrder:
    """An order at its end; status is IB's completedStatus text."""

    order: SimOrder
    at: datetime
    status: str


class Exchange:
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

    def cancel(self, client_id: int, order_id: int, at: datetime) -> list[OrderEvent]:
        """A cancelOrder: confirmed after the latency, unless a fill was faster."""
        events = self.advance(at)
        ticket = self._book.get(client_id, order_id)
        if ticket is None:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            events.append(OrderErrorReport(client_id, order_id, 10147, text))
        else:
            events += self._changes.cancel(ticket, at)
        return events + self.advance(at)

    def global_cancel(self, client_id: int, at: datetime) -> list[OrderEvent]:
        """A reqGlobalCancel of any client cancels the open orders of all clients, and its own staged ones."""
        events = self.advance(at)
        for ticket in self._book:
            staged = ticket.stage is Stage.STAGED and ticket.order.client_id == client_id
            if staged or (ticket.is_open and not ticket.cancelling):
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

    def open_orders(self, client_id: int | None = None) -> list[OrderEvent]:
        """What answers reqOpenOrders of one client, or reqAllOpenOrders (None)."""
        tell = both if self.assumptions.open_orders_reply == "order_and_status" else echo
        own = (t for t in self._book if t.is_open and client_id in (None, t.order.client_id))
        return [event for ticket in own for event in tell(ticket.order)]

    def completed_orders(self) -> list[CompletedOrder]:
        """Orders that ended since midnight New York, oldest first."""
        done = [t for t in self._book if t.done_at and t.order.perm_id and t.done_at >= self._midnight()]
        return [
            CompletedOrder(copy(t.order), t.done_at, _completed_text(t.order))
            for t in sorted(done, key=lambda t: (t.done_at, t.order.perm_id))
            if t.done_at
        ]

    def executions(self, client_id: int | None = None, since: datetime | None = None) -> list[ExecutionReport]:
        """Executions since midnight New York, and since `since` if that is later; of one client or of all."""
        start = max(self._midnight(), since) if since else self._midnight()
        return [
            report
            for report in self._state.executions
            if report.time >= start and client_id in (None, report.order.client_id)
        ]

    def commission_of(self, exec_id: str) -> CommissionReportDue | None:
        """The commission report of an execution."""
        return self._state.commissions.get(exec_id)

    def positions(self) -> list[Holding]:
        """All holdings, (con_id, signed shares, average cost)."""
        return self.account.open_holdings()

    def account_values(self) -> list[AccountLine]:
        """Every line of the account summary, (tag, value, currency), at current prices."""
        return self.account.values(self._marks())

    def next_order_id(self, client_id: int) -> int:
        """What nextValidId tells this client; it survives reconnects."""
        return self._book.next_id(client_id)

    def truth(self) -> dict[str, Any]:
        """Everything the broker knows, as JSON-able values: orders, fills, positions, cash."""
        return broker_truth(self._state, self._marks())

    def _place_new(self, order: SimOrder, at: datetime) -> list[OrderEvent]:
        order.account = order.account or self.account.name
        events: list[OrderEvent] = []
        if not order.tif:
            order.tif = "DAY"
            events = error(order, Refusal(10349, "Order TIF was set to DAY based on order preset."))
        refused = refusal(order, self._state.market, self.account.name) or self._parent_missing(order)
        if refused:
            return error(order, refused)
        ticket = Ticket(order, (order.oca_group, order.oca_type))
        self._book.add(ticket)
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

    def _marks(self) -> dict[int, float]:
        held = self.account.open_holdings()
        return {h.con_id: mark for h in held if (mark := self._depth.mark(h.con_id)) is not None}


def _completed_text(order: SimOrder) -> str:
    return f"Filled Size: {order.filled:f}" if order.status == "Filled" else order.status


def open_exchange(market: "Market", assumptions: Mapping[str, Any] | None = None) -> Exchange:
    """The broker that a market's scenario describes; assumptions: answers to switches by name."""
    broker = market.scenario.broker
    rates = broker.commission
    costs = CostTable(
        per_share_usd=rates.per_share_usd,
        minimum_usd=rates.least_usd,
        maximum_share=rates.most_share,
        sec_fee_usd_per_million=rates.sec_usd_per_million,
        taf_usd_per_share=rates.taf_per_share_usd,
        taf_cap_usd=rates.taf_most_usd,
        cat_usd_per_share=rates.cat_per_share_usd,
    )
    return Exchange(
        market,
        Account(broker.account, broker.cash_usd, costs),
        latency_ms=broker.latency_ms,
        seed=market.scenario.seed,
        assumptions=Assumptions.choose(assumptions or {}),
        split_share=broker.partial_fill_share,
    )
