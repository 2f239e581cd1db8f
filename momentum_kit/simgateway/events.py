"""What happens in the simulated market and to its orders: the values between market, broker and client session.

The market yields MarketEvents in time order; the broker turns them and client requests into OrderEvents; a client's
session turns both into IB messages.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class QuoteEvent:
    """Best bid and ask from now on; USD and shares."""

    time: datetime
    con_id: int
    bid: float
    ask: float
    bid_size: int
    ask_size: int


@dataclass(frozen=True, slots=True)
class TradeEvent:
    """One print; price and day's vwap in USD, size and total_volume in shares."""

    time: datetime
    con_id: int
    price: float
    size: int
    total_volume: int
    vwap: float


@dataclass(frozen=True, slots=True)
class HaltEvent:
    """Trading halts (state 1 general, 2 volatility) or resumes (0)."""

    time: datetime
    con_id: int
    state: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsEvent:
    """A headline leaves the provider: `published` is its own stamp, `time` when the gateway relays it.

    text has no metadata prefix, extra is tickNews' extraData; con_ids are the contracts whose own news carries it,
    broad_tape: whether the provider's tape does.
    """

    time: datetime
    published: datetime
    provider: str
    article_id: str
    text: str
    extra: str
    con_ids: tuple[int, ...]
    body: str = ""
    broad_tape: bool = True


@dataclass(frozen=True, slots=True)
class BulletinEvent:
    """The gateway's word to all: kind 1 a notice, 2 an exchange is not available, 3 it is again."""

    id: int
    kind: int
    text: str
    exchange: str


MarketEvent = QuoteEvent | TradeEvent | HaltEvent | NewsEvent


@dataclass(slots=True, kw_only=True)
class SimOrder:
    """An order at the simulated broker; owned and mutated by the simulated broker alone.

    raw: every placeOrder field the client sent, by ibapi attribute name, for an honest openOrder echo.
    limit_price, stop_price are None where unset; the stop_price of a TRAIL is where it stands. told_stop: what echoes
    say of that instead, if anything; amount_told: they say by which amount it trails.
    """

    client_id: int
    order_id: int
    perm_id: int = 0
    con_id: int
    account: str
    action: str
    quantity: Decimal
    order_type: str
    limit_price: float | None = None
    stop_price: float | None = None
    tif: str = "DAY"
    outside_rth: bool = False
    good_after: datetime | None = None
    transmit: bool = True
    parent_id: int = 0
    oca_group: str = ""
    oca_type: int = 0
    order_ref: str = ""
    trailing_percent: float | None = None
    trailing_amount: float | None = None
    told_stop: float | None = None
    amount_told: bool = True
    status: str = ""
    filled: Decimal = Decimal(0)
    average_price: float = 0.0
    last_fill_price: float = 0.0
    why_held: str = ""
    market_cap_price: float = 0.0
    raw: dict[str, str] = field(default_factory=dict)

    @property
    def remaining(self) -> Decimal:
        """Shares not filled yet."""
        return self.quantity - self.filled

    @property
    def echoed_stop(self) -> float | None:
        """Where its stop stands, as echoes have it."""
        return self.stop_price if self.told_stop is None else self.told_stop

    @property
    def echoed_amount(self) -> float | None:
        """By which amount it trails, as echoes have it."""
        return self.trailing_amount if self.amount_told else None


@dataclass(frozen=True, slots=True)
class OpenOrderReport:
    """An openOrder message is due: `order` is a copy as of now."""

    order: SimOrder


@dataclass(frozen=True, slots=True)
class StatusReport:
    """An orderStatus message is due: `order` is a copy as of now, `status` what it says.

    hearer: the client that is told, where it is not the order's own.
    """

    order: SimOrder
    status: str
    hearer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionReport:
    """An execDetails message is due; shares and cumulative in shares, prices in USD."""

    order: SimOrder
    exec_id: str
    time: datetime
    exchange: str
    side: str  # BOT or SLD
    shares: Decimal
    price: float
    cumulative: Decimal
    average_price: float
    liquidity: int  # 1 added, 2 removed
    liquidation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionReportDue:
    """A commissionReport message is due; realized_pnl is None where nothing was closed."""

    client_id: int
    exec_id: str
    commission: float
    currency: str
    realized_pnl: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderErrorReport:
    """An error message tied to an order id is due."""

    client_id: int
    order_id: int
    code: int
    text: str
    advanced: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBound:
    """An orderBound message is due: a manual order has an order id of this client from now on."""

    perm_id: int
    client_id: int
    order_id: int


OrderEvent = OpenOrderReport | StatusReport | ExecutionReport | CommissionReportDue | OrderErrorReport | OrderBound


class Profit(NamedTuple):
    """Profit and loss, USD; daily is both others together, as nothing is held overnight."""

    daily: float
    unrealized: float
    realized: float
