"""The market as the simulated broker sees it: what it asks for, and the touch, last price and halts it matches on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from momentum_kit.simgateway.events import HaltEvent, MarketEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import Instrument


class MarketView(Protocol):
    """What the broker needs of a market; market.Market is one, and a test may script its own."""

    @property
    def instruments(self) -> Mapping[int, Instrument]:
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


@dataclass(slots=True)
class DisplayedTouch:
    """Best prices (USD) and what our own fills have left of the displayed sizes until the next quote."""

    bid: float
    ask: float
    bid_left: Decimal
    ask_left: Decimal

    def opposite(self, sign: int) -> tuple[float, Decimal]:
        """Price and size that a buyer (sign +1) or seller (-1) meets."""
        return (self.ask, self.ask_left) if sign > 0 else (self.bid, self.bid_left)

    def take(self, sign: int, shares: Decimal) -> None:
        """A buyer or seller has taken this many shares."""
        if sign > 0:
            self.ask_left -= shares
        else:
            self.bid_left -= shares


class TopOfBook:
    """Touch, last price and halts as of the last event; the market is asked once, at a contract's first order."""

    def __init__(self, market: MarketView) -> None:
        self._market = market
        self._watched: set[int] = set()
        self._quotes: dict[int, QuoteEvent] = {}
        self._touches: dict[int, DisplayedTouch] = {}
        self._last: dict[int, float] = {}
        self._halted: dict[int, bool] = {}

    def watch(self, con_id: int) -> None:
        """Learn where a contract stands now and have its events from now on (idempotent)."""
        if con_id in self._watched:
            return
        self._watched.add(con_id)
        self._market.activate(con_id)
        quote, last = self._market.quote(con_id), self._market.last(con_id)
        if quote is not None:
            self._quotes.setdefault(con_id, quote)  # an event that came first is newer than what the market says
        if last is not None:
            self._last.setdefault(con_id, last.price)
        self._halted.setdefault(con_id, self._market.halted(con_id) != 0)

    def take_in(self, event: MarketEvent) -> None:
        """Bring one contract up to date; each quote refreshes the displayed sizes."""
        if isinstance(event, QuoteEvent):
            self._quotes[event.con_id] = event
            self._touches.pop(event.con_id, None)
        elif isinstance(event, TradeEvent):
            self._last[event.con_id] = event.price
        elif isinstance(event, HaltEvent):
            self._halted[event.con_id] = event.state != 0

    def touch(self, con_id: int) -> DisplayedTouch | None:
        """The quote in force; None before the first."""
        touch, quote = self._touches.get(con_id), self._quotes.get(con_id)
        if touch is None and quote is not None:
            touch = DisplayedTouch(quote.bid, quote.ask, Decimal(quote.bid_size), Decimal(quote.ask_size))
            self._touches[con_id] = touch
        return touch

    def last(self, con_id: int) -> float | None:
        """The last price, USD; None before the first print."""
        return self._last.get(con_id)

    def halted(self, con_id: int) -> bool:
        """True while nothing may fill or trigger."""
        return self._halted.get(con_id, False)

    def mark(self, con_id: int) -> float | None:
        """A price to value a holding at, USD: the last print, else the middle of the touch."""
        last = self.last(con_id)
        touch = self.touch(con_id) if last is None else None
        return last if touch is None else (touch.bid + touch.ask) / 2
