"""What a notebook asks the broker for beyond what a session needs: scans, single ticks, profit, what an order costs."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """What IB's market scanner is to rank: `code` is one of its scan codes, such as TOP_PERC_GAIN.

    Prices in USD, volume in shares, market cap in millions of USD; None where open. filters: further ones by IB's names
    (scanner_parameters lists them), each with its value. rows: 50 at most.
    """

    code: str
    instrument: str = "STK"
    location: str = "STK.US.MAJOR"
    rows: int = 50
    above_price: float | None = None
    below_price: float | None = None
    above_volume: int | None = None
    above_market_cap: float | None = None
    below_market_cap: float | None = None
    stock_type: str = ""
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ScanRow:
    """One contract that a scan found; rank counts from 0. The rest is IB's own words and mostly empty."""

    rank: int
    contract: Contract
    distance: str = ""
    benchmark: str = ""
    projection: str = ""


class TickKind(StrEnum):
    """What single ticks are asked for; the values are IB's words."""

    LAST = "Last"
    ALL_LAST = "AllLast"  # also prints that do not count for the last price: odd lots, averages, late reports
    BID_ASK = "BidAsk"
    MIDPOINT = "MidPoint"


@dataclass(frozen=True, slots=True)
class PrintTick:
    """One print; price in USD, size in shares. time is IB's, to the second. received_at is None for the past."""

    time: datetime
    price: float
    size: float
    exchange: str
    conditions: str
    past_limit: bool
    unreported: bool
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TouchTick:
    """Bid and ask after one change; nan where there is none. time is IB's, to the second."""

    time: datetime
    bid: float
    ask: float
    bid_size: float
    ask_size: float
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MidpointTick:
    """Half-way between bid and ask, USD, after one change; time is IB's, to the second."""

    time: datetime
    price: float
    received_at: datetime | None = None


SingleTick = PrintTick | TouchTick | MidpointTick


@dataclass(frozen=True, slots=True)
class SessionHours:
    """One trading session of a contract, as IB's schedule has it; day is the exchange's."""

    day: date
    opens: datetime
    closes: datetime


@dataclass(frozen=True, slots=True)
class Bulletin:
    """IB's word to all: kind 1 a notice, 2 an exchange is no longer available, 3 it is again."""

    id: int
    kind: int
    text: str
    exchange: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPreview:
    """What an order would do to the account, USD; nothing was placed. nan where IB says nothing.

    margin: initial; commission may be a range. margin_currency: '' where an older gateway leaves it out: then amounts
    are in the account's own. warning: IB's words, empty if it has none.
    """

    contract: Contract
    status: str
    margin_before: float
    margin_change: float
    margin_after: float
    maintenance_before: float
    maintenance_change: float
    maintenance_after: float
    equity_before: float
    equity_change: float
    equity_after: float
    commission: float
    least_commission: float
    most_commission: float
    currency: str
    margin_currency: str
    warning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProfit:
    """Profit and loss of an account, in its currency, by TWS's own reckoning; nan where it has none."""

    account: str
    daily: float
    unrealized: float
    realized: float
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionProfit:
    """Profit and loss of one holding, in the account's currency; nan where IB has none. value: what it is worth now."""

    account: str
    con_id: int
    quantity: Decimal
    daily: float
    unrealized: float
    realized: float
    value: float
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuedPosition:
    """A holding with what it is worth, USD; nan where IB says nothing."""

    account: str
    contract: Contract
    quantity: Decimal
    market_price: float
    market_value: float
    average_cost: float
    unrealized: float
    realized: float


@dataclass(frozen=True, slots=True)
class ModelPosition:
    """A holding of one account, and of one of its models where that is not empty."""

    account: str
    model: str
    contract: Contract
    quantity: Decimal
    average_cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """API settings of the gateway that decide what becomes of orders and sizes; None where it does not tell one.

    read_only: orders are refused. bypass_order_precautions: presets do not refuse API orders.
    bypass_no_overfill_protection: an exchange without overfill protection is used unasked. lots_for_us_stocks: sizes of
    US stocks come in lots of 100. reject_above_max_rate: messages above the rate are refused (100), not slowed down.
    resubmit_on_reconnect: orders are sent again after a lost connection.
    """

    read_only: bool | None
    bypass_order_precautions: bool | None
    bypass_no_overfill_protection: bool | None
    lots_for_us_stocks: bool | None
    reject_above_max_rate: bool | None
    resubmit_on_reconnect: bool | None


@dataclass(frozen=True, slots=True)
class CostedExecution:
    """An execution and what it cost, where IB has said so; realized: profit of what it closed. nan where unknown."""

    execution: Execution
    commission: float
    currency: str
    realized: float
