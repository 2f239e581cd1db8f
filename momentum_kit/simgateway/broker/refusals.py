"""Why the simulated broker refuses an order, or takes it otherwise than asked: IB's codes and words.

Two looks: `terms_refusal` at the order by itself, when it arrives, and `admission_refusal` at funds, family, number,
price and shares to borrow, when it is transmitted.
https://interactivebrokers.github.io/tws-api/message_codes.html
"""

from collections.abc import Sequence
from decimal import Decimal

from momentum_kit.simgateway.broker.market_view import MarketView
from momentum_kit.simgateway.broker.order_book import STOP_TYPES, Ticket
from momentum_kit.simgateway.broker.refusal import Refusal, rejected
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.events import SimOrder
from momentum_kit.simgateway.instrument import Instrument

SUPPORTED_TYPES = frozenset({"MKT", "LMT"}) | STOP_TYPES
UNSUPPORTED_TYPES = frozenset(
    {"LIT", "LOC", "MIDPRICE", "MIT", "MOC", "MTL", "PEG MID", "REL", "TRAIL LIMIT", "TRAIL MIT", "TRAIL LIT"}
)
TIMES_IN_FORCE = frozenset({"DAY", "GTC", "IOC", "FOK"})
MOST_PRICE_USD = 1e9  # beyond it a price is a mistake
_LIMIT_TYPES = frozenset({"LMT", "STP LMT"})
MOST_ACTIVE_ORDERS = 20  # a contract, side and account; TWS API, order limitations
FAR_SHARE = 0.10  # through the opposite side of the touch; IB's own distance is not published
HARD_TO_BORROW, EASY_TO_BORROW = 1.5, 2.5  # tick 46: none at or below the one, a locate up to the other
IMMEDIATE = frozenset({"IOC", "FOK"})

FRACTIONAL = Refusal(
    10243, "Fractional-sized order cannot be placed via API. Please use desktop version to place this order."
)
INVALID_TYPE = Refusal(321, "Error validating request.-'bF' : cause - Invalid order type was entered")
TICK = Refusal(110, "The price does not conform to the minimum price variation for this contract.")
TOO_FAR = Refusal(202, "Order Canceled - reason:Limit price too far through the market")
LOCATING = Refusal(
    404,
    "Shares for this order are not immediately available for short sale. The order will be held while we attempt to "
    "locate the shares.",
)
HOURS_IGNORED = Refusal(
    2109,
    "Order Event Warning: Attribute 'Outside Regular Trading Hours' is ignored based on the order type and "
    "destination. PlaceOrder is now being processed.",
)


def terms_refusal(order: SimOrder, state: BrokerState) -> Refusal | None:
    """The first reason to refuse an order for its own terms; None if there is none."""
    instrument = state.market.instruments.get(order.con_id)
    if instrument is None:
        return Refusal(200, "No security definition has been found for the request")
    return (
        _malformed(order, state.account.name)
        or _price_refusal(order, instrument, state.market)
        or state.troubles.preset_refusal(order)
    )


def _malformed(order: SimOrder, account: str) -> Refusal | None:
    if order.account and order.account != account:
        return Refusal(321, "Error validating request.-'bF' : cause - Invalid account code")
    if order.order_type in UNSUPPORTED_TYPES:
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if order.order_type not in SUPPORTED_TYPES:
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


def _price_refusal(order: SimOrder, instrument: Instrument, market: MarketView) -> Refusal | None:
    if order.order_type in _LIMIT_TYPES and not order.limit_price:
        return Refusal(321, "Error validating request.-'bF' : cause - Limit price is required")
    if order.order_type in {"STP", "STP LMT"} and not order.stop_price:
        return Refusal(321, "Error validating request.-'bF' : cause - Stop price is required")
    if order.order_type == "TRAIL" and not (order.trailing_amount or order.trailing_percent):
        return Refusal(321, "Error validating request.-'bF' : cause - Trailing amount or percent is required")
    used = [order.limit_price] if order.order_type in _LIMIT_TYPES else []
    used += [order.stop_price] if order.order_type in STOP_TYPES else []
    bands = smart_bands(instrument, market)
    return None if all(price is None or on_tick(price, bands) for price in used) else TICK


def smart_bands(instrument: Instrument, market: MarketView) -> Sequence[tuple[float, float]]:
    """Price bands of the SMART market rule; empty where the instrument has none."""
    if "SMART" not in instrument.valid_exchanges:
        return ()
    return market.market_rules.get(instrument.market_rule_ids[instrument.valid_exchanges.index("SMART")], ())


def on_tick(price: float, bands: Sequence[tuple[float, float]]) -> bool:
    """True if `price` (USD) is positive and a multiple of its band's increment."""
    if not 0 < price < MOST_PRICE_USD:
        return False
    steps = [increment for low_edge, increment in bands if low_edge <= price]
    return not steps or Decimal(str(price)) % Decimal(str(steps[-1])) == 0


def admission_refusal(ticket: Ticket, parent: Ticket | None, state: BrokerState) -> Refusal | None:
    """The first reason to refuse a transmitted order as account and market stand; None if there is none."""
    order = ticket.order
    if order.oca_group in state.book.spent_groups:
        return rejected("OCA group is already filled.")
    active = sum(other.sign == ticket.sign for other in state.book.working(order.con_id))
    if active >= MOST_ACTIVE_ORDERS:
        return rejected(f"Maximum of {MOST_ACTIVE_ORDERS} active orders on one side of a contract is reached.")
    refused = state.troubles.stop_refusal(order) or larger_than_parent(order, parent, state)
    if refused:
        return refused
    grouped = parent is not None or bool(order.oca_group)
    if order.good_after and grouped and state.assumptions.good_after_time_in_group == "refused":
        return rejected("Good-after-time orders cannot be attached or grouped.")
    if order.order_type == "TRAIL" and grouped and state.assumptions.trail_in_group == "refused":
        return rejected("Trailing orders cannot be attached or grouped.")
    # A child is looked at with its parent: it opens nothing by itself.
    if parent is not None:
        return None if parent.is_open else Refusal(135, f"Can't find order with id ={order.parent_id}")
    immediate = order.tif in IMMEDIATE and bool(state.book.children(ticket))
    if immediate and state.assumptions.ioc_parent == "refused":
        return rejected(f"{order.tif} orders cannot have attached orders.")
    if _shorts(ticket, state) and state.market.shortable(order.con_id) <= HARD_TO_BORROW:
        return rejected("This contract is not available for short sale.")
    if state.assumptions.far_limit == "refused" and _far_limit(ticket, state) is not None:
        return TOO_FAR
    return _funds(ticket, state)


def larger_than_parent(order: SimOrder, parent: Ticket | None, state: BrokerState) -> Refusal | None:
    """Why a child of this size is refused, where the broker refuses what could close more than its parent opens."""
    if parent is None or state.assumptions.family_cap != "refused" or order.action == parent.order.action:
        return None
    opens = parent.order.quantity if parent.is_open else parent.order.filled
    return rejected("The attached order is larger than its parent.") if order.quantity > opens else None


def must_locate(ticket: Ticket, state: BrokerState) -> bool:
    """True for a sale that opens or adds to a short position in shares that have to be found first."""
    return _shorts(ticket, state) and state.market.shortable(ticket.order.con_id) <= EASY_TO_BORROW


def cap_limit(ticket: Ticket, state: BrokerState) -> Refusal | None:
    """Cap a limit far through the market and say so with 2161; None where it may stand."""
    order = ticket.order
    order.market_cap_price = 0.0
    cap = _far_limit(ticket, state) if state.assumptions.far_limit == "capped" else None
    if cap is None:
        return None
    order.market_cap_price = cap
    return capped_at(cap)


def capped_at(cap: float) -> Refusal:
    """What is said of an order that works at another price (USD) than it asked for."""
    return Refusal(
        2161,
        "In accordance with our regulatory obligations as a broker, we cannot initially accept orders with limit "
        f"prices that are too far through the market. Your order was capped at {cap}.",
    )


def _far_limit(ticket: Ticket, state: BrokerState) -> float | None:
    """The furthest price (USD) that a limit may have now, if this one is beyond it."""
    touch = state.top.touch(ticket.order.con_id)
    limit = ticket.order.limit_price
    if touch is None or limit is None or ticket.order.order_type != "LMT":
        return None
    reference, _ = touch.opposite(ticket.sign)
    if not reference > 0:
        return None
    # IB's own reference price is near the touch; how far is too far it does not publish (2161, or 202).
    furthest = reference * (1 + ticket.sign * FAR_SHARE)
    cap = round(furthest, 2 if furthest >= 1 else 4)
    return cap if ticket.sign * (limit - cap) > 0 else None


def ignores_hours(ticket: Ticket) -> bool:
    """True if outsideRth was asked for an order that never trades outside."""
    return ticket.order.outside_rth and ticket.order.order_type == "MKT"


def _shorts(ticket: Ticket, state: BrokerState) -> bool:
    order = ticket.order
    return order.action == "SELL" and state.account.quantity(order.con_id) < order.remaining


def _funds(ticket: Ticket, state: BrokerState) -> Refusal | None:
    order = ticket.order
    touch = state.top.touch(order.con_id)
    price = order.limit_price or order.stop_price or (touch.opposite(ticket.sign)[0] if touch else 0.0)
    words = state.account.refusal(order.con_id, ticket.signed(order.quantity), price, state.marks())
    return rejected(words) if words else None
