"""Our own durable decisions to order, written before anything is sent."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import OrderAction


class IntentKind(StrEnum):
    """Why we order."""

    ENTRY = "entry"
    """A bracket: entry, target, stop, and a time exit where one rests at the broker."""
    EXIT = "exit"
    """Reduces a position."""
    PROTECT = "protect"
    """A standalone stop where a bracket child is missing."""


class IntentState(StrEnum):
    """Life of an intent; everything but CLOSED and REFUSED must be resolved against broker truth at start."""

    PREPARED = "prepared"
    """Durable, nothing sent yet."""
    SENT = "sent"
    """Bytes handed over, no word from the broker."""
    WORKING = "working"
    """The broker acknowledged at least one leg."""
    UNKNOWN = "unknown"
    """Outcome not known: never send again, reconcile."""
    REFUSED = "refused"
    """The broker refused it; nothing is working."""
    CLOSED = "closed"
    """All legs are terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One durable decision to order; intent_id is the orderRef of every leg.

    Prices in USD; order ids are 0 until drawn, timed_order_id also where no time exit rests at the broker. risk_usd is
    R: quantity x (entry - stop). trail_usd: how far below the market its stop follows; None for one that stands still.
    entry_id: of an exit or a stop of its own, the entry whose shares it sells; of shares that are back, the entry whose
    sale was undone; else empty.
    """

    intent_id: str
    kind: IntentKind
    item_id: str
    contract: Contract
    account: str
    action: OrderAction
    quantity: Decimal
    limit_price: float | None
    target_price: float | None
    stop_price: float | None
    risk_usd: float
    created_at: datetime
    state: IntentState = IntentState.PREPARED
    entry_order_id: int = 0
    target_order_id: int = 0
    stop_order_id: int = 0
    timed_order_id: int = 0
    trail_usd: float | None = None
    reason: str = ""
    entry_id: str = ""

    @property
    def first_entry_id(self) -> str:
        """Of the entry with which its position began: what all intents of one position have in common."""
        return self.entry_id or self.intent_id


@dataclass(frozen=True, slots=True)
class ExitRequest:
    """The position manager wants a holding gone: all of it, at once, for `reason`."""

    contract: Contract
    reason: str
    requested_at: datetime
