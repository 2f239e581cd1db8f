"""First in, first out: one symbol's fills in time order -> open lots and round trips; the ledger's arithmetic."""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from momentum_kit.models import Contract, Fill
from momentum_kit.sessions import exchange_day
from momentum_kit.trading.costs import BASES, CostBasis, FillCost, FillCosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Shares still held from one buy (or, negative, from one short sale) at one price, USD."""

    quantity: Decimal
    price: float
    opened_at: datetime
    order_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """One way from flat to flat. Prices in USD a share, averaged over shares.

    order_ref: the intent that opened it; closing_order_id, liquidation: of the execution that closed it.
    pending: executions whose commission report has not arrived. costs_basis: the worst of its costs' bases;
    estimated_usd: what of the costs no broker has reported.
    """

    contract: Contract
    order_ref: str
    opened_at: datetime
    closed_at: datetime
    quantity: Decimal
    entry_price: float
    exit_price: float
    gross_usd: float
    costs_usd: float
    closing_order_id: int
    liquidation: bool
    pending: int
    costs_basis: CostBasis
    estimated_usd: float

    @property
    def net_usd(self) -> float:
        """Profit after costs."""
        return self.gross_usd - self.costs_usd

    def r(self, risk_usd: float) -> float:
        """Net profit in units of the initial risk; nan without one."""
        return self.net_usd / risk_usd if risk_usd > 0 else float("nan")


@dataclass(slots=True, kw_only=True)
class _Trip:
    opened_at: datetime
    order_ref: str
    bought: Decimal = Decimal(0)
    paid: float = 0.0
    sold: Decimal = Decimal(0)
    received: float = 0.0
    costs: float = 0.0
    pending: int = 0
    basis: CostBasis = "reported"
    estimated: float = 0.0

    def pay(self, cost: FillCost) -> None:
        self.costs += cost.usd
        self.basis = max(self.basis, cost.basis, key=BASES.index)
        self.estimated += cost.usd if cost.basis == "estimated" else 0.0


@dataclass(slots=True, kw_only=True)
class SymbolBook:
    """Result of one symbol's executions: what is held, what was closed, what it cost (USD).

    net_by_day: what the executions of an exchange day closed, less what they cost.
    """

    contract: Contract
    lots: deque[Lot] = field(default_factory=deque)
    trips: list[RoundTrip] = field(default_factory=list)
    realised_usd: float = 0.0
    costs_usd: float = 0.0
    net_by_day: dict[date, float] = field(default_factory=dict)

    @property
    def quantity(self) -> Decimal:
        """Signed shares held."""
        return sum((lot.quantity for lot in self.lots), Decimal(0))

    @property
    def average_price(self) -> float:
        """Mean price of what is held, USD; nan when flat."""
        quantity = self.quantity
        if not quantity:
            return float("nan")
        return sum(float(lot.quantity) * lot.price for lot in self.lots) / float(quantity)

    def write_off(self, shares: Decimal) -> None:
        """Take shares out of the oldest lots; at what price they went nobody knows, so nothing is earned or lost."""
        _close(self.lots, -shares, 0.0)


def match_fills(contract: Contract, fills: Iterable[Fill], costs: FillCosts) -> SymbolBook:
    """Match fills in the order given, first in first out; what no report says is estimated."""
    book = SymbolBook(contract=contract)
    trip: _Trip | None = None
    ordered: dict[tuple[str, int], tuple[float, float]] = {}  # by order: shares and USD filled so far
    for fill in fills:
        execution = fill.execution
        left = execution.shares * execution.side.sign
        order = (execution.order_ref, execution.order_id)
        before = ordered.get(order, (0.0, 0.0))
        ordered[order] = (before[0] + float(execution.shares), before[1] + float(execution.shares) * execution.price)
        cost = costs.of_fill(fill, *before)
        book.costs_usd += cost.usd
        trip = trip or _Trip(opened_at=execution.time, order_ref=execution.order_ref)
        trip.pay(cost)
        trip.pending += fill.commission is None
        closed, gain = _close(book.lots, left, execution.price)
        book.realised_usd += gain
        day = exchange_day(execution.time)
        book.net_by_day[day] = book.net_by_day.get(day, 0.0) + gain - cost.usd
        trip.sold += abs(closed)
        trip.received += float(abs(closed)) * execution.price
        left -= closed
        if closed and not book.lots:
            book.trips.append(_finish(contract, trip, fill, gain_sign=-execution.side.sign))
            trip = None
        if left:  # opens, adds, or crosses through flat: the rest of a crossing execution opens the next trip
            trip = trip or _Trip(opened_at=execution.time, order_ref=execution.order_ref)
            _enter(trip, left, execution.price)
            book.lots.append(
                Lot(quantity=left, price=execution.price, opened_at=execution.time, order_ref=execution.order_ref)
            )
    return book


def _enter(trip: _Trip, quantity: Decimal, price: float) -> None:
    trip.bought += abs(quantity)
    trip.paid += float(abs(quantity)) * price


def _close(lots: deque[Lot], shares: Decimal, price: float) -> tuple[Decimal, float]:
    """Take signed shares out of lots of the other sign; what was taken (signed like shares) and the gain, USD."""
    closed, gain = Decimal(0), 0.0
    while lots and closed != shares and (lots[0].quantity > 0) != (shares > 0):
        lot = lots[0]
        part = min(abs(lot.quantity), abs(shares - closed))
        side = 1 if lot.quantity > 0 else -1
        earned = float(part) * (price - lot.price) * side
        gain += earned if math.isfinite(earned) else 0.0  # a price that nobody knows: the trip shows it, no sum does
        closed -= part * side
        lots.popleft()
        if part < abs(lot.quantity):
            lots.appendleft(
                Lot(
                    quantity=lot.quantity - part * side,
                    price=lot.price,
                    opened_at=lot.opened_at,
                    order_ref=lot.order_ref,
                )
            )
    return closed, gain


def _finish(contract: Contract, trip: _Trip, fill: Fill, gain_sign: int) -> RoundTrip:
    execution = fill.execution
    return RoundTrip(
        contract=contract,
        order_ref=trip.order_ref,
        opened_at=trip.opened_at,
        closed_at=execution.time,
        quantity=trip.bought,
        entry_price=trip.paid / float(trip.bought),
        exit_price=trip.received / float(trip.sold),
        gross_usd=(trip.received - trip.paid) * gain_sign,
        costs_usd=trip.costs,
        closing_order_id=execution.order_id,
        liquidation=execution.liquidation,
        pending=trip.pending,
        costs_basis=trip.basis,
        estimated_usd=trip.estimated,
    )
