"""What the matching engine sees of each contract: the touch with the size still left, the last price, halts."""

from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.simgateway.broker.rules import MarketView
from momentum_kit.simgateway.events import HaltEvent, MarketEvent, QuoteEvent, TradeEvent


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
    """The market as of the last event; it is asked only once, when the first order in a contract arrives."""

    def __init__(self, market: MarketView) -> None:
        self._market = market
        self._watched: set[int] = set()
        self._quotes: dict[int, QuoteEvent] = {}
        self._touches: dict[int, Touch] = {}
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
            self._quotes.setdefault(con_id, quote)
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

    def touch(self, con_id: int) -> Touch | None:
        """The quote in force; None before the first."""
        touch, quote = self._touches.get(con_id), self._quotes.get(con_id)
        if touch is None and quote is not None:
            touch = Touch(quote.bid, quote.ask, Decimal(quote.bid_size), Decimal(quote.ask_size))
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
