"""Why the simulated broker refuses an order before looking at the market: IB's codes and words."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from momentum_kit.simgateway.broker.triggers import STOP_TYPES
from momentum_kit.simgateway.events import QuoteEvent, SimOrder, TradeEvent

ORDER_TYPES = frozenset({"MKT", "LMT"}) | STOP_TYPES
UNSUPPORTED_TYPES = frozenset(
    {"LIT", "LOC", "MIDPRICE", "MIT", "MOC", "MTL", "PEG MID", "REL", "TRAIL LIMIT", "TRAIL MIT", "TRAIL LIT"}
)
TIMES_IN_FORCE = frozenset({"DAY", "GTC", "IOC", "FOK"})
MOST_PRICE_USD = 1e9  # beyond it a price is a mistake
_LIMIT_TYPES = frozenset({"LMT", "STP LMT"})


class Refusal(NamedTuple):
    """An error code and its text."""

    code: int
    text: str


class Listing(Protocol):
    """What the rules need of an instrument."""

    @property
    def symbol(self) -> str:
        """Ticker."""
        ...

    @property
    def primary_exchange(self) -> str:
        """Listing exchange."""
        ...

    @property
    def trading_class(self) -> str:
        """Trading class."""
        ...

    @property
    def valid_exchanges(self) -> tuple[str, ...]:
        """Exchanges, SMART among them."""
        ...

    @property
    def market_rule_ids(self) -> tuple[int, ...]:
        """One market rule for each exchange."""
        ...


class MarketView(Protocol):
    """What the broker needs of the market."""

    @property
    def instruments(self) -> Mapping[int, Listing]:
        """Everything listed, by con_id."""
        ...

    @property
    def market_rules(self) -> Mapping[int, Sequence[tuple[float, float]]]:
        """Bands (low edge, increment) in USD, ascending, by rule id."""
        ...

    def activate(self, con_id: int) -> None:
        """From now on this contract's events reach the broker."""
        ...

    def quote(self, con_id: int) -> QuoteEvent | None:
        """The quote in force now."""
        ...

    def last(self, con_id: int) -> TradeEvent | None:
        """The last print."""
        ...

    def halted(self, con_id: int) -> int:
        """0 while trading."""
        ...

    def shortable(self, con_id: int) -> float:
        """Tick 46: above 2.5 easy to borrow, above 1.5 by locate, else not at all."""
        ...


FRACTIONAL = Refusal(
    10243, "Fractional-sized order cannot be placed via API. Please use desktop version to place this order."
)
INVALID_TYPE = Refusal(321, "Error validating request.-'bF' : cause - Invalid order type was entered")
TICK = Refusal(110, "The price does not conform to the minimum price variation for this contract.")


def refusal(order: SimOrder, market: MarketView, account: str) -> Refusal | None:
    """The first reason to refuse this order as it stands; None if there is none."""
    listing = market.instruments.get(order.con_id)
    if listing is None:
        return Refusal(200, "No security definition has been found for the request")
    return _malformed(order, account) or _price_refusal(order, listing, market)


def _malformed(order: SimOrder, account: str) -> Refusal | None:
    if order.account and order.account != account:
        return Refusal(321, "Error validating request.-'bF' : cause - Invalid account code")
    if order.order_type in UNSUPPORTED_TYPES:
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if order.order_type not in ORDER_TYPES:
        return INVALID_TYPE
    if order.action not in {"BUY", "SELL"}:
        return Refusal(321, "Error validating request.-'bF' : cause - Invalid side was entered")
    if order.tif not in TIMES_IN_FORCE:
        return Refusal(201, f"Order rejected - reason:Time in force {order.tif} is not supported by the simulation")
    if not order.quantity.is_finite() or order.quantity <= 0:
        return Refusal(434, "The order size cannot be zero.")
    if order.quantity != order.quantity.to_integral_value():
        return FRACTIONAL
    return None


def _price_refusal(order: SimOrder, listing: Listing, market: MarketView) -> Refusal | None:
    if order.order_type in _LIMIT_TYPES and not order.limit_price:
        return Refusal(321, "Error validating request.-'bF' : cause - Limit price is required")
    if order.order_type in {"STP", "STP LMT"} and not order.stop_price:
        return Refusal(321, "Error validating request.-'bF' : cause - Stop price is required")
    if order.order_type == "TRAIL" and not (order.trailing_amount or order.trailing_percent):
        return Refusal(321, "Error validating request.-'bF' : cause - Trailing amount or percent is required")
    used = [order.limit_price] if order.order_type in _LIMIT_TYPES else []
    used += [order.stop_price] if order.order_type in STOP_TYPES else []
    bands = smart_bands(listing, market)
    return None if all(price is None or on_tick(price, bands) for price in used) else TICK


def smart_bands(listing: Listing, market: MarketView) -> Sequence[tuple[float, float]]:
    """Price bands of the SMART market rule; empty where the listing has none."""
    if "SMART" not in listing.valid_exchanges:
        return ()
    return market.market_rules.get(listing.market_rule_ids[listing.valid_exchanges.index("SMART")], ())


def on_tick(price: float, bands: Sequence[tuple[float, float]]) -> bool:
    """True if `price` (USD) is positive and a multiple of its band's increment."""
    if not 0 < price < MOST_PRICE_USD:
        return False
    steps = [increment for low_edge, increment in bands if low_edge <= price]
    return not steps or Decimal(str(price)) % Decimal(str(steps[-1])) == 0
