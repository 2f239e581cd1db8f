"""Orders, executions and holdings in IB's vocabulary; shares are Decimal, prices float USD."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from momentum_kit.models.contracts import Contract

UNSET_PRICE = float("nan")
"""No price: IB's 1.7976931348623157E308 becomes nan at the bridge."""


class OrderAction(StrEnum):
    """Side of an order."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is OrderAction.BUY else -1

    @property
    def opposite(self) -> "OrderAction":
        """The side that closes what this one opens."""
        return OrderAction.SELL if self is OrderAction.BUY else OrderAction.BUY


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One order as handed to the broker. order_id 0 lets the bridge draw the next id.

    order_type: MKT, LMT, STP, STP LMT or TRAIL. limit_price, stop_price in USD, None where the type has none.
    stop_price of a TRAIL is where its stop stands now; it follows the market by trailing_usd or trailing_percent.
    order_ref carries our intent id; every leg has an explicit tif. good_after: the broker holds it until then.
    """

    action: OrderAction
    quantity: Decimal
    order_type: str
    limit_price: float | None = None
    stop_price: float | None = None
    trailing_percent: float | None = None
    trailing_usd: float | None = None
    tif: str = "DAY"
    outside_rth: bool = False
    good_after: datetime | None = None
    transmit: bool = True
    order_id: int = 0
    parent_id: int = 0
    oca_group: str = ""
    oca_type: int = 0
    order_ref: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """One orderStatus. Fills are taken from executions, never from here."""

    order_id: int
    perm_id: int
    client_id: int
    parent_id: int
    status: str
    filled: Decimal
    remaining: Decimal
    avg_fill_price: float
    last_fill_price: float
    why_held: str
    market_cap_price: float
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """One openOrder or completedOrder: the broker's copy of an order and its state."""

    contract: Contract
    request: OrderRequest
    perm_id: int
    client_id: int
    status: str
    received_at: datetime
    completed_status: str = ""
    completed_time: str = ""
    filled: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderNotice:
    """An error or warning that IB tied to an order id; meaning comes from the code table (bridge/codes.py)."""

    order_id: int
    code: int
    text: str
    meaning: str
    received_at: datetime
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """IB's record of one match. exec_id's last part is a correction number: the highest wins.

    shares are always positive; side is BUY or SELL; from_request marks an answer to reqExecutions.
    """

    exec_id: str
    order_id: int
    perm_id: int
    client_id: int
    contract: Contract
    account: str
    side: OrderAction
    shares: Decimal
    price: float
    time: datetime
    order_ref: str
    exchange: str
    cumulative_shares: Decimal
    average_price: float
    liquidation: bool
    received_at: datetime
    from_request: bool = False

    @property
    def base_id(self) -> str:
        """exec_id without its correction number: equal for all versions of one match."""
        return self.exec_id.rpartition(".")[0] or self.exec_id

    @property
    def correction(self) -> int:
        """The correction number; later ones replace earlier ones."""
        suffix = self.exec_id.rpartition(".")[2]
        return int(suffix) if suffix.isdigit() else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommissionReport:
    """What one execution cost; it arrives after the execution, or never.

    Both amounts are in `currency`, the contract's, whatever their names say, and nan where IB sent none: the ledger
    takes them through trading.FillCosts.
    """

    exec_id: str
    commission_usd: float
    currency: str
    realized_pnl_usd: float


@dataclass(frozen=True, slots=True)
class Fill:
    """An execution joined with its commission report (None until it arrives)."""

    execution: Execution
    commission: CommissionReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A holding as the broker reports it; quantity is signed, average_cost in USD a share."""

    account: str
    contract: Contract
    quantity: Decimal
    average_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountValue:
    """One line of the account summary, value as IB sent it."""

    account: str
    tag: str
    value: str
    currency: str
