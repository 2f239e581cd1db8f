"""The simulated broker: takes client requests and market events, answers with the order events clients are to hear.

How an order goes: `place` hands it to order_entry.py, which refuses, stages or transmits it; after the latency
order_life.py works it at the market, where fills.py matches it; reports.py says what its client hears and when; a
modify or cancel goes by order_changes.py. Nothing here waits: every call carries a market time and first lets happen
what was due by then (the agenda of state.py), so that the same calls give the same events at any speed.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from momentum_kit.sessions import NEW_YORK, exchange_day
from momentum_kit.simgateway.broker.account import Account, AccountLine, AccountPosition
from momentum_kit.simgateway.broker.assumptions import BrokerAssumptions
from momentum_kit.simgateway.broker.market_view import MarketView, TopOfBook
from momentum_kit.simgateway.broker.order_book import OrderBook, Stage, Ticket
from momentum_kit.simgateway.broker.order_changes import OrderChanges
from momentum_kit.simgateway.broker.order_entry import OrderEntry
from momentum_kit.simgateway.broker.order_life import OrderLife
from momentum_kit.simgateway.broker.queries import (
    CompletedOrder,
    broker_truth,
    completed_orders,
    executions,
    open_orders,
    restored,
    what_if,
)
from momentum_kit.simgateway.broker.refusal import Refusal
from momentum_kit.simgateway.broker.reports import error
from momentum_kit.simgateway.broker.state import BrokerState, OrderIds
from momentum_kit.simgateway.broker.troubles import Troubles
from momentum_kit.simgateway.broker.unsolicited import (
    TWS_CLIENT,
    UNBOUND,
    ManualOrders,
    bust_last_sale,
    liquidate,
    trade_by_hand,
)
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    MarketEvent,
    NewsEvent,
    OrderErrorReport,
    OrderEvent,
    Profit,
    QuoteEvent,
    SimOrder,
    TradeEvent,
)
from momentum_kit.simgateway.market import Market

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # before the first request or market event


class SimulatedBroker:
    """Orders of all clients of one account, matched on the market's quotes and prints.

    Every call that takes a time first lets happen what was due until then. latency_ms runs from a request to its
    effect at the market, in market time. The same seed and the same calls give the same events. before: the broker of
    an earlier day, over by now, whose orders, executions and ids this one knows; the account is given, as always.
    """

    def __init__(
        self,
        *,
        market: MarketView,
        account: Account,
        latency_ms: int = 0,
        seed: int = 0,
        assumptions: BrokerAssumptions | None = None,
        first_order_id: int = 1,
        split_share: float = 0.0,
        before: "SimulatedBroker | None" = None,
    ) -> None:
        self.account = account
        self.assumptions = assumptions or BrokerAssumptions()
        self._book: OrderBook = before._book if before else OrderBook(first_order_id)
        self._top = TopOfBook(market)
        self._state: BrokerState = BrokerState(
            market=market,
            account=account,
            assumptions=self.assumptions,
            ids=before._state.ids if before else OrderIds(seed),
            latency=timedelta(milliseconds=latency_ms),
            book=self._book,
            top=self._top,
            troubles=Troubles(self._top),
            split_share=split_share,
        )
        if before:
            self._state.keep(before._state)
        self._life = OrderLife(self._state)
        self._entry = OrderEntry(self._state, self._life)
        self._changes = OrderChanges(self._state, self._entry, self._life)
        self._manual = ManualOrders(self._book)
        self._now: datetime = before._now if before else _NEVER

    def place(self, order: SimOrder, at: datetime) -> list[OrderEvent]:
        """A placeOrder: a new order, a staged one sent again, or a modify of one this client has working."""
        events = self.advance(at)
        known = self._book.get(order.client_id, order.order_id)
        self._book.use_id(order.client_id, order.order_id)
        if known is None or known.stage is Stage.STAGED:
            events += self._entry.place(order, at)
        elif known.stage is Stage.DONE:
            events += error(order, Refusal(103, "Duplicate order id"))
        else:
            events += self._changes.modify(known, order, at)
        return events + self.advance(at)

    def enter_manually(self, order: SimOrder, at: datetime) -> list[OrderEvent]:
        """What a person enters in TWS: client 0's, with order id 0 until client 0 binds it."""
        events = self.advance(at)
        order.client_id, order.order_id, order.transmit = TWS_CLIENT, UNBOUND, True
        events += self._entry.place(order, at, self._manual.new_key())
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
        return events + what_if(self._state, order, at)

    def liquidate(self, con_id: int, at: datetime) -> list[OrderEvent]:
        """The broker closes a holding by force, at the touch."""
        return self.advance(at) + liquidate(self._state, self._life, con_id, at)

    def trade_by_hand(self, con_id: int, signed: Decimal, at: datetime, price: float | None = None) -> list[OrderEvent]:
        """A person buys (or, negative, sells) at once, in one piece, at `price` (USD) or at the touch."""
        events = self.advance(at)
        return events + trade_by_hand(self._state, self._manual.new_key(), con_id, signed, at, price)

    def bust(self, con_id: int, at: datetime) -> list[OrderEvent]:
        """The latest sale of an API client in a contract is undone, of which no event tells."""
        events = self.advance(at)
        bust_last_sale(self._state, con_id, at)
        return events

    def cancel_by_hand(self, chosen: Callable[[SimOrder], bool], at: datetime) -> list[OrderEvent]:
        """A person cancels every working order that is `chosen`; at once, and its client hears of it."""
        events = self.advance(at)
        for ticket in self._book:
            if ticket.is_open and chosen(ticket.order):
                events += self._life.close(ticket, "Cancelled", at, asked=True)
        return events

    @property
    def troubles(self) -> Troubles:
        """What it refuses because a fault says so."""
        return self._state.troubles

    def begin_ids_anew(self) -> None:
        """Order ids begin anew for every client; orders, executions and positions stay."""
        self._book.begin_ids_anew()

    def correct(self, exec_id: str, at: datetime, price: float | None = None) -> list[OrderEvent]:
        """The broker corrects an execution, to `price` (USD) if one is given; KeyError if it does not stand."""
        return self.advance(at) + self._state.correct(exec_id, price)

    def restored(self, client_id: int) -> list[OrderEvent]:
        """What the gateway repeats to a client by itself when its own connection is back (1102)."""
        return restored(self._state, client_id, self.executions(client_id))

    def cancel(self, client_id: int, order_id: int, at: datetime) -> list[OrderEvent]:
        """A cancelOrder: confirmed after the latency, unless a fill was faster."""
        events = self.advance(at)
        own = self._book.get(client_id, order_id)
        ticket = own or self._order_of_another(client_id, order_id)
        if ticket is None:
            text = f"OrderId {order_id} that needs to be cancelled is not found."
            events.append(OrderErrorReport(client_id=client_id, order_id=order_id, code=10147, text=text))
        else:
            events += self._changes.cancel(ticket, at, by=None if own else client_id)
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
        self._top.take_in(event)
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

    def positions(self, as_of: datetime | None = None) -> list[AccountPosition]:
        """All holdings, (con_id, signed shares, average cost); as_of: those of an earlier moment."""
        if as_of is None or as_of >= self._now:
            return self.account.open_holdings()
        return self._state.holdings_at(as_of)

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
        return broker_truth(self._state)

    def _midnight(self) -> datetime:
        return datetime.combine(exchange_day(self._now), time(), NEW_YORK)

    def _order_of_another(self, client_id: int, order_id: int) -> Ticket | None:
        rights = self.assumptions.cancel_rights
        if order_id <= UNBOUND or rights == "owner" or (rights == "client_0_too" and client_id != TWS_CLIENT):
            return None
        return next((t for t in self._book if t.is_open and t.order.order_id == order_id), None)


def open_broker(
    market: Market, choices: Mapping[str, Any] | None = None, before: SimulatedBroker | None = None
) -> SimulatedBroker:
    """The broker of a market's scenario; `choices` answer switches of assumptions.py, ScenarioError if unknown.

    before: yesterday's, of the same companies: what was held is held, what was good till cancelled works on.
    """
    scenario = market.scenario
    broker = scenario.broker
    if before:
        before.advance(scenario.starts_at)  # what was good for a day has died by then
    account = Account(name=broker.account, cash_usd=broker.cash_usd, commission=broker.commission)
    return SimulatedBroker(
        market=market,
        account=before.account if before else account,
        latency_ms=broker.latency_ms,
        seed=scenario.seed,
        assumptions=BrokerAssumptions.choose(choices or {}),
        split_share=broker.partial_fill_share,
        before=before,
    )
