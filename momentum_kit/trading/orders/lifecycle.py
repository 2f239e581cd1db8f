"""Life of one order as a table: state x event -> state, from IB's statuses; followed by the execution service.

An unlisted move raises UnexpectedMove, and the service then asks the broker instead of guessing.
"""

from enum import StrEnum

from momentum_kit.errors import BrokerError


class OrderState(StrEnum):
    """Where an order stands, by what the broker has said."""

    SENT = "sent"  # handed over, no word yet
    PENDING = "pending"  # at IB, not accepted yet
    HELD = "held"  # accepted, kept by IB: a stop before its trigger, a child before its parent
    WORKING = "working"  # at the exchange
    CANCELLING = "cancelling"  # may still fill
    INACTIVE = "inactive"  # rejected or held: may come back
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # only the broker's own lists can tell


class OrderWord(StrEnum):
    """What the broker can say about an order: IB's statuses by their names, and notices by meaning."""

    API_PENDING = "ApiPending"
    PENDING_SUBMIT = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    API_CANCELLED = "ApiCancelled"
    CANCELLED = "Cancelled"
    FILLED = "Filled"
    INACTIVE = "Inactive"
    DEAD = "order dead"


class UnexpectedMove(BrokerError):
    """The broker said something of an order that its state does not allow; reconcile, never guess."""


S, W = OrderState, OrderWord

TERMINAL = frozenset({S.FILLED, S.CANCELLED, S.REJECTED})
"""Nothing of the order is left at the broker."""

ACKNOWLEDGED = frozenset({S.HELD, S.WORKING})
"""The broker has it and works it; only these may be modified."""

LIVE = frozenset(S) - TERMINAL
"""May still fill, as far as anybody knows."""

TABLE: dict[OrderState, dict[OrderWord, OrderState]] = {
    S.SENT: {
        W.API_PENDING: S.PENDING,
        W.PENDING_SUBMIT: S.PENDING,
        W.PRE_SUBMITTED: S.HELD,
        W.SUBMITTED: S.WORKING,
        W.PENDING_CANCEL: S.CANCELLING,  # an IOC order that does not fill starts with it
        W.API_CANCELLED: S.CANCELLED,
        W.CANCELLED: S.CANCELLED,
        W.FILLED: S.FILLED,
        W.INACTIVE: S.INACTIVE,
        W.DEAD: S.REJECTED,
    },
    S.PENDING: {
        W.API_PENDING: S.PENDING,
        W.PENDING_SUBMIT: S.PENDING,
        W.PRE_SUBMITTED: S.HELD,
        W.SUBMITTED: S.WORKING,
        W.PENDING_CANCEL: S.CANCELLING,
        W.API_CANCELLED: S.CANCELLED,
        W.CANCELLED: S.CANCELLED,
        W.FILLED: S.FILLED,
        W.INACTIVE: S.INACTIVE,
        W.DEAD: S.REJECTED,
    },
    # DEAD is not listed for accepted orders: a refused MODIFY says the same words and leaves the order alive.
    S.HELD: {
        W.PENDING_SUBMIT: S.HELD,  # late duplicate
        W.PRE_SUBMITTED: S.HELD,
        W.SUBMITTED: S.WORKING,
        W.PENDING_CANCEL: S.CANCELLING,
        W.API_CANCELLED: S.CANCELLED,
        W.CANCELLED: S.CANCELLED,
        W.FILLED: S.FILLED,
        W.INACTIVE: S.INACTIVE,
    },
    S.WORKING: {
        W.PENDING_SUBMIT: S.WORKING,
        W.PRE_SUBMITTED: S.HELD,  # after a modify, or when the exchange hands it back
        W.SUBMITTED: S.WORKING,
        W.PENDING_CANCEL: S.CANCELLING,
        W.API_CANCELLED: S.CANCELLED,
        W.CANCELLED: S.CANCELLED,
        W.FILLED: S.FILLED,
        W.INACTIVE: S.INACTIVE,
    },
    S.CANCELLING: {
        W.PENDING_SUBMIT: S.CANCELLING,
        W.PRE_SUBMITTED: S.CANCELLING,
        W.SUBMITTED: S.CANCELLING,
        W.PENDING_CANCEL: S.CANCELLING,
        W.API_CANCELLED: S.CANCELLED,
        W.CANCELLED: S.CANCELLED,
        W.FILLED: S.FILLED,
        W.INACTIVE: S.INACTIVE,
        W.DEAD: S.CANCELLED,  # 202 is the usual confirmation of a cancel
    },
    S.INACTIVE: {
        W.INACTIVE: S.INACTIVE,
        W.PRE_SUBMITTED: S.HELD,
        W.SUBMITTED: S.WORKING,
        W.PENDING_CANCEL: S.CANCELLING,
        W.API_CANCELLED: S.CANCELLED,
        W.CANCELLED: S.CANCELLED,
        W.FILLED: S.FILLED,
        W.DEAD: S.REJECTED,
    },
    # orderStatus is duplicated and may trail the end of an order: late echoes change nothing.
    S.FILLED: {
        W.API_PENDING: S.FILLED,
        W.PENDING_SUBMIT: S.FILLED,
        W.PRE_SUBMITTED: S.FILLED,
        W.SUBMITTED: S.FILLED,
        W.PENDING_CANCEL: S.FILLED,
        W.FILLED: S.FILLED,
    },
    # A cancelled order that works again or fills is news: IB shows staged children so, and exchanges race.
    S.CANCELLED: {
        W.PENDING_CANCEL: S.CANCELLED,
        W.API_CANCELLED: S.CANCELLED,
        W.CANCELLED: S.CANCELLED,
        W.INACTIVE: S.CANCELLED,
        W.DEAD: S.CANCELLED,
    },
    S.REJECTED: {
        W.PENDING_CANCEL: S.REJECTED,
        W.API_CANCELLED: S.REJECTED,
        W.CANCELLED: S.REJECTED,
        W.INACTIVE: S.REJECTED,
        W.DEAD: S.REJECTED,
    },
    S.UNKNOWN: {},  # left only by reconciling
}

FROM_LIST: dict[str, OrderState] = {
    "ApiPending": S.PENDING,
    "PendingSubmit": S.PENDING,
    "PreSubmitted": S.HELD,
    "Submitted": S.WORKING,
    "PendingCancel": S.CANCELLING,
    "ApiCancelled": S.CANCELLED,
    "Cancelled": S.CANCELLED,
    "Filled": S.FILLED,
    "Inactive": S.INACTIVE,
}
"""State of an order that stands in the broker's own list of open or completed orders with this status."""


def next_state(state: OrderState, word: str) -> OrderState:
    """Where `word` (an IB status, or 'order dead') takes an order; UnexpectedMove if the table has no such move."""
    try:
        return TABLE[state][OrderWord(word)]
    except (KeyError, ValueError):
        raise UnexpectedMove(f"an order in state {state} got the unexpected word {word!r}") from None


PRICE_REFUSED = "price refused"
"""Meaning of a notice after which an order is dead because of its limit: too far through the market (202)."""

HARMLESS = frozenset({"info", "data advisory", "warning"})
"""Meanings of notices after which an order lives on unchanged."""


def notice_state(state: OrderState, meaning: str) -> OrderState:
    """Where a notice of this meaning takes an order.

    Only 'order dead' and 'price refused', one of its kinds, move it. 'request failed', 'cancel verdict', 'unknown' and
    every other meaning leave the outcome open (the order may have filled, or live on after a refused modify):
    UnexpectedMove.
    """
    if meaning in HARMLESS:
        return state
    if meaning in (OrderWord.DEAD, PRICE_REFUSED):
        return next_state(state, OrderWord.DEAD)
    if state in TERMINAL:
        return state  # a cancel that came too late: the verdict was known
    raise UnexpectedMove(f"an order in state {state} got a notice of meaning {meaning!r}")
