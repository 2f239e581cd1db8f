"""What the matching engine sees of each contract: the touch with the size still left, the last price, halts."""

from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.simgateway.events import HaltEvent, MarketEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.order_rules import MarketView


@dataclass(slots=True)
class Touch:
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


class Depth:
    """The market as of the last event; before a contract's first event the market itself is asked."""

    def __init__(self, market: MarketView) -> None:
        self._market = market
        self._quotes: dict[int, QuoteEvent] = {}
        self._touches: dict[int, Touch] = {}
        self._last: dict[int, float] = {}
        self._halted: dict[int, bool] = {}

    def take_in(self, event: MarketEvent) -> None:
        """Bring one contract up to date; each quote refreshes the displayed sizes."""
        if isinstance(event, QuoteEvent):
            self._quotes[event.con_id] = event
            self._touches.pop(event.con_id, None)
        elif isinstance(event, TradeEvent):
            self._last[event.con_id] = event.price
        elif isinstance(event, HaltEvent):
            self._halted[event.con_id] = event.state != 0

    def touch(self, con_id: int) -> Touch | None:
        """The quote in force; None before the day's first."""
        touch = self._touches.get(con_id)
        if touch is None:
            quote = self._quotes.get(con_id) or self._market.quote(con_id)
            if quote is None:
                return None
            size = Decimal(quote.bid_size), Decimal(quote.ask_size)
            touch = self._touches[con_id] = Touch(quote.bid, quote.ask, *size)
        return touch

    def last(self, con_id: int) -> float | None:
        """The last price, USD."""
        if con_id not in self._last:
            trade = self._market.last(con_id)
            if trade is None:
                return None
            self._last[con_id] = trade.price
        return self._last[con_id]

    def halted(self, con_id: int) -> bool:
        """True while nothing may fill or trigger."""
        if con_id not in self._halted:
            self._halted[con_id] = self._market.halted(con_id) != 0
        return self._halted[con_id]

    def mark(self, con_id: int) -> float | None:
        """A price to value a holding at, USD: the last print, else the middle of the touch."""
        last = self.last(con_id)
        touch = self.touch(con_id) if last is None else None
        return last if touch is None else (touch.bid + touch.ask) / 2
