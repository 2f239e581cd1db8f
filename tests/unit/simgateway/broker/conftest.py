"""A market that plays what a test says, and a broker on it whose answers read as short phrases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from momentum_kit.simgateway.broker import Account
from momentum_kit.simgateway.embedding import BrokerAssumptions, Instrument, SimulatedBroker
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    HaltEvent,
    OpenOrderReport,
    OrderBound,
    OrderErrorReport,
    OrderEvent,
    QuoteEvent,
    SimOrder,
    StatusReport,
    TradeEvent,
)
from momentum_kit.simgateway.instrument import MARKET_RULES
from momentum_kit.simgateway.scenario import CommissionSpec

OPENING = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # a Friday with regular hours
ACME, BETA = 1001, 1002
WITHOUT_FEES = CommissionSpec(sec_usd_per_million=0, cat_per_share_usd=0)


class ScriptedMarket:
    """Instruments and their state before the first event; a test hands all events to the broker itself."""

    def __init__(self) -> None:
        self.instruments = {ACME: Instrument(ACME, "ACME", "Acme"), BETA: Instrument(BETA, "BETA", "Beta")}
        self.market_rules = MARKET_RULES
        self.active: set[int] = set()
        self.lendable: dict[int, float] = {}

    def activate(self, con_id: int) -> None:
        """Remember that the broker wants this contract's events."""
        self.active.add(con_id)

    def quote(self, _: int) -> QuoteEvent | None:
        """None: nothing happened before the test began."""
        return None

    def last(self, _: int) -> TradeEvent | None:
        """None: nothing happened before the test began."""
        return None

    def halted(self, _: int) -> int:
        """Trading."""
        return 0

    def shortable(self, con_id: int) -> float:
        """Easy to borrow, unless a test says otherwise."""
        return self.lendable.get(con_id, 3.0)


def phrase(event: OrderEvent) -> str:
    """One event as a test wants to read it; order ids are left out where only one order is at work."""
    match event:
        case OpenOrderReport(order):
            return f"{order.order_id} open {order.status}"
        case StatusReport(order, status):
            held = f" {order.why_held}" if order.why_held else ""
            return f"{order.order_id} {status} {order.filled}+{order.remaining}{held}"
        case ExecutionReport():
            return f"{event.order.order_id} {event.side} {event.shares} @ {event.price}"
        case CommissionReportDue():
            return f"cost {event.commission:.2f}"
        case OrderErrorReport():
            return f"{event.order_id} error {event.code}"
        case OrderBound():
            return f"bound {event.client_id}/{event.order_id}"
    raise AssertionError(event)


class Desk:
    """A SimulatedBroker with a clock: every method moves time on by `after_s` and returns phrases."""

    def __init__(self, start: datetime = OPENING + timedelta(hours=1), cash_usd: float = 1e6, **options: Any) -> None:
        self.market = ScriptedMarket()
        choices = options.pop("choices", {})
        self.account = Account(name="DU1", cash_usd=cash_usd, commission=WITHOUT_FEES)
        self.broker = SimulatedBroker(
            market=self.market, account=self.account, assumptions=BrokerAssumptions.choose(choices), **options
        )
        self.now = start
        self.events: list[OrderEvent] = []

    def quote(self, bid: float, ask: float, size: int = 1_000, *, con_id: int = ACME, after_s: float = 1) -> list[str]:
        """A new touch with `size` shares on both sides."""
        self.wait(after_s)
        return self.tell(self.broker.on_market(QuoteEvent(self.now, con_id, bid, ask, size, size)))

    def trade(self, price: float, size: int = 100, *, con_id: int = ACME, after_s: float = 1) -> list[str]:
        """A print."""
        self.wait(after_s)
        return self.tell(self.broker.on_market(TradeEvent(self.now, con_id, price, size, size, price)))

    def halt(self, state: int = 1, *, con_id: int = ACME) -> list[str]:
        """A halt, or its end (0)."""
        self.wait(1)
        return self.tell(self.broker.on_market(HaltEvent(self.now, con_id, state)))

    def place(self, order_id: int, action: str, quantity: object, kind: str = "MKT", **terms: Any) -> list[str]:
        """A placeOrder."""
        return self.tell(self.broker.place(an_order(order_id, action, quantity, kind, **terms), self.now))

    def order(self, order_id: int, action: str, quantity: object, kind: str = "MKT", **terms: Any) -> SimOrder:
        """An order that is not placed yet."""
        return an_order(order_id, action, quantity, kind, **terms)

    def cancel(self, order_id: int, client_id: int = 1) -> list[str]:
        """A cancelOrder."""
        return self.tell(self.broker.cancel(client_id, order_id, self.now))

    def wait(self, seconds: float) -> list[str]:
        """Let market time pass."""
        self.now += timedelta(seconds=seconds)
        return self.tell(self.broker.advance(self.now))

    def until(self, moment: datetime) -> list[str]:
        """Let market time pass until `moment`."""
        return self.wait((moment - self.now).total_seconds())

    def tell(self, events: list[OrderEvent]) -> list[str]:
        """Keep the events and put them in words."""
        self.events += events
        return [phrase(event) for event in events]


def an_order(order_id: int, action: str, quantity: object, kind: str = "MKT", **terms: Any) -> SimOrder:
    """An order of client 1 in ACME unless the terms say otherwise."""
    fields = {"client_id": 1, "con_id": ACME, "account": ""} | terms
    return SimOrder(order_id=order_id, action=action, quantity=Decimal(str(quantity)), order_type=kind, **fields)


@pytest.fixture
def make_desk() -> Callable[..., Desk]:
    """Builds a Desk; choices=... sets assumptions, options other than start and cash_usd go to SimulatedBroker."""
    return Desk


@pytest.fixture
def desk() -> Desk:
    """A Desk without latency, an hour after the opening, with 1,000 shares at 10.00 and 10.02."""
    ready = Desk()
    ready.quote(10.00, 10.02)
    return ready
