"""Orders, pure: bracket legs, the life of an order, and protection equal to the position."""

from momentum_kit.trading.orders.bracket import (
    Bracket,
    Leg,
    as_limit,
    as_market,
    as_told,
    bracket_legs,
    exit_order,
    oca_group,
    stop_order,
)
from momentum_kit.trading.orders.evidence import (
    NEVER_SO_LATE_S,
    POSITION_LAG_S,
    USUAL_LAG_S,
    Agreement,
    OrderWitness,
    PositionWitness,
    SymbolEvidence,
    weigh,
)
from momentum_kit.trading.orders.lifecycle import (
    FROM_LIST,
    PRICE_REFUSED,
    OrderState,
    UnexpectedMove,
    next_state,
    notice_state,
)
from momentum_kit.trading.orders.protection import Cancel, Move, PlaceStop, Resize, open_group, protective_moves
from momentum_kit.trading.orders.time_exit import goes_first, gone_by, time_exit_order, wakes

__all__ = [
    "FROM_LIST",
    "NEVER_SO_LATE_S",
    "POSITION_LAG_S",
    "PRICE_REFUSED",
    "USUAL_LAG_S",
    "Agreement",
    "Bracket",
    "Cancel",
    "Leg",
    "Move",
    "OrderState",
    "OrderWitness",
    "PlaceStop",
    "PositionWitness",
    "Resize",
    "SymbolEvidence",
    "UnexpectedMove",
    "as_limit",
    "as_market",
    "as_told",
    "bracket_legs",
    "exit_order",
    "goes_first",
    "gone_by",
    "next_state",
    "notice_state",
    "oca_group",
    "open_group",
    "protective_moves",
    "stop_order",
    "time_exit_order",
    "wakes",
    "weigh",
]
