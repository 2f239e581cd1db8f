"""Orders, pure: bracket legs, the life of an order, and protection equal to the position."""

from momentum_kit.trading.orders.bracket import Bracket, Leg, as_limit, as_market, bracket_legs, stop_order
from momentum_kit.trading.orders.lifecycle import FROM_LIST, OrderState, UnexpectedMove, next_state, notice_state
from momentum_kit.trading.orders.protection import Cancel, Move, PlaceStop, Resize, protective_moves

__all__ = [
    "FROM_LIST",
    "Bracket",
    "Cancel",
    "Leg",
    "Move",
    "OrderState",
    "PlaceStop",
    "Resize",
    "UnexpectedMove",
    "as_limit",
    "as_market",
    "bracket_legs",
    "next_state",
    "notice_state",
    "protective_moves",
    "stop_order",
]
