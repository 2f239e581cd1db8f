"""One tick-by-tick subscription: market events in, unsampled ticks out."""

from dataclasses import dataclass

from momentum_kit.simgateway.events import QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.text import (
    LAST_KINDS,
    tick_by_tick_last,
    tick_by_tick_midpoint,
    tick_by_tick_quote,
)

KINDS = (*LAST_KINDS, "BidAsk", "MidPoint")


@dataclass(slots=True)
class TickFeed:
    """What one reqTickByTickData started; ignore_size: a BidAsk feed tells price changes only."""

    version: int
    request_id: int
    item: Instrument
    kind: str
    ignore_size: bool
    _touch: tuple[float, float] | None = None

    def tell(self, event: QuoteEvent | TradeEvent) -> bytes:
        """The message that this event means here; empty if none."""
        if isinstance(event, TradeEvent):
            if self.kind not in LAST_KINDS:
                return b""
            return tick_by_tick_last(self.version, self.request_id, self.kind, event, self.item.primary_exchange)
        if self.kind in LAST_KINDS or (self._is_old(event) and (self.ignore_size or self.kind == "MidPoint")):
            return b""
        self._touch = (event.bid, event.ask)
        told = tick_by_tick_midpoint if self.kind == "MidPoint" else tick_by_tick_quote
        return told(self.version, self.request_id, event)

    def _is_old(self, quote: QuoteEvent) -> bool:
        return self._touch == (quote.bid, quote.ask)
