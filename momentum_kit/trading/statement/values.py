"""A day's fills as our sessions wrote them down, and as the broker's statement has them; amounts are exact decimals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from momentum_kit.trading.costs import CostBasis


@dataclass(frozen=True, slots=True, kw_only=True)
class BookFill:
    """One match as our sessions know it, in its latest correction; shares are signed, a sale's negative.

    match: its exec id without the correction number. cost: what it cost, positive, in `currency`; None where neither
    the broker nor the cost table said so. cost_usd: the same in USD. ours: of an order of ours.
    """

    match: str
    symbol: str
    con_id: int
    shares: Decimal
    price: Decimal
    time: datetime
    cost: Decimal | None
    currency: str
    cost_usd: Decimal | None
    basis: CostBasis
    ours: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBook:
    """What our sessions know up to the end of a day. since: of the earliest execution; None without any."""

    day: date
    fills: tuple[BookFill, ...]
    sessions: tuple[str, ...]

    @property
    def since(self) -> datetime | None:
        """When the book begins."""
        return min((fill.time for fill in self.fills), default=None)


Owner = Literal["ours", "foreign", "unknown"]
"""Whose order a statement says it was, by its order reference; unknown where the statement leaves references out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFill:
    """One match as the broker billed it, its corrections applied; shares are signed, costs positive.

    match: empty where the broker booked it without an execution (booked says as what). time: None without one.
    commission: the sum over its corrections, in `currency`. taxes: in addition to it. realised: FIFO, after costs, USD.
    cancelled: nothing of it stands. consists: what the commission is made of, where the statement says so.
    """

    match: str
    symbol: str
    con_id: int
    shares: Decimal
    price: Decimal
    time: datetime | None
    commission: Decimal
    currency: str
    taxes: Decimal
    realised: Decimal
    owner: Owner
    booked: str = ""
    trade_ids: frozenset[str] = frozenset()
    corrected: bool = False
    cancelled: bool = False
    consists: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementPosition:
    """Signed shares at the end of the day."""

    symbol: str
    shares: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedFee:
    """A fee or tax that stands apart from commissions; amount: positive where it was charged. con_id: 0 without one."""

    description: str
    symbol: str
    con_id: int
    trade_id: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LateCorrection:
    """What this day's statement changed of an earlier day's match: signed shares, cost and cash, USD."""

    match: str
    symbol: str
    con_id: int
    traded_on: date
    shares: Decimal
    commission: Decimal
    cash: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatement:
    """One account's day by the broker. positions: by con_id, and whoever is not there is flat.

    elsewhere: rows of other asset classes, counted by class.
    """

    account: str
    day: date
    fills: tuple[StatementFill, ...]
    positions: Mapping[int, StatementPosition]
    fees: tuple[ChargedFee, ...]
    corrections: tuple[LateCorrection, ...]
    elsewhere: Mapping[str, int]
