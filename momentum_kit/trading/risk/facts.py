"""EntryFacts: what the gate must know of an order, its market, our book and our account; plain values, no source."""

from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.models import TradingState

NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOrder:
    """The entry to be judged; limit_price in USD. grid_known: its price lies on the grid that the broker told."""

    symbol: str
    catalyst: str
    quantity: Decimal
    limit_price: float
    grid_known: bool = True

    @property
    def notional_usd(self) -> float:
        """The most it can cost."""
        return float(self.quantity) * self.limit_price


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketFacts:
    """The symbol at the moment of sending; prices in USD, ages in market seconds, nan where unknown.

    reference_price: the ask that was decided on. may_enter: no layer of the connection bars an entry. stale: the bridge
    misses this symbol's ticks. live: the quote is of market data type 1. since_halt_s: since its last halt ended, inf
    without one. luld_band: the limit-up band, inf where none holds (outside regular hours); detection computes it from
    the five-minute mean and the tier.
    """

    signal_age_s: float
    quote_age_s: float
    reference_price: float
    bid: float
    ask: float
    may_enter: bool
    stale: bool
    live: bool
    halted: bool
    since_halt_s: float
    luld_band: float

    @property
    def mid(self) -> float:
        """Half-way between bid and ask; nan without both."""
        return (self.bid + self.ask) / 2

    @property
    def drift_bps(self) -> float:
        """How far the ask is from the one decided on, either way, bps."""
        return abs(self.ask / self.reference_price - 1) * 1e4 if self.reference_price > 0 else NAN


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Our book, money in USD, times in market seconds.

    state: what the session may do. symbol_quantity: shares held or on order in this symbol; opposite_orders: our
    working orders that sell it; entries_on_item: entries made on this very news item before. doubt: why the broker's
    word on the symbol is not whole, or not ours alone; empty where it is.
    slots: symbols held or on order; catalyst_slots: those of them on this catalyst. notional_usd: positions and working
    entries of all symbols, symbol_notional_usd: of this one.
    since_last_entry_s: since the last entry in this symbol, inf if there was none. to_close_s: until the regular
    session ends, negative after it, nan on a day without one. to_maintenance_s: until the broker's next window, 0 in
    it. day_pnl_usd: realised today plus open profit less today's costs. symbol_pnl_usd: what today's round trips of
    this symbol earned; losses_in_a_row: the latest of today that lost, one after the other.
    """

    state: TradingState
    symbol_quantity: Decimal
    entries_on_item: int
    opposite_orders: int
    doubt: str
    slots: int
    catalyst_slots: int
    notional_usd: float
    symbol_notional_usd: float
    entries_last_minute: int
    since_last_entry_s: float
    to_close_s: float
    to_maintenance_s: float
    day_pnl_usd: float
    symbol_pnl_usd: float
    losses_in_a_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """The account as it was last told, USD; nan where unknown, and so by default.

    proven: it is the one that the session proved, and no answer named others only. age_s: of the two amounts.
    ordered_usd: what of our entries they do not show yet: working ones, and those sent after they were told.
    margin_rate, ordered_rate: initial margin over notional as the broker told it by what-if, of the symbol and the
    highest of what is ordered. not_permitted: the broker's words on why it lets nobody buy the symbol, or ''.
    """

    proven: bool = True
    available_usd: float = NAN
    settled_usd: float = NAN
    age_s: float = NAN
    ordered_usd: float = 0.0
    margin_rate: float = NAN
    ordered_rate: float = NAN
    not_permitted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """All of it."""

    order: EntryOrder
    market: MarketFacts
    exposure: Exposure
    account: AccountFacts
