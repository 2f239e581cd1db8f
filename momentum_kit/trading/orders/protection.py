"""Protective quantity against position: the moves that make them equal; computed after every change."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.trading.orders.bracket import Bracket, Leg


@dataclass(frozen=True, slots=True)
class PlaceStop:
    """No stop rests: place one for this many shares, before anything else."""

    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Resize:
    """Modify a leg to this total quantity (shares filled so far included)."""

    leg: Leg
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel a leg that has nothing left to protect."""

    leg: Leg


Move = PlaceStop | Resize | Cancel


def protective_moves(bracket: Bracket, position: Decimal, filled: Callable[[int], Decimal]) -> tuple[Move, ...]:
    """What makes stop and target equal to a long position; () when they are, or while a leg's word is outstanding.

    filled(order_id): shares that order has filled. What IB does with children under a partly filled parent is not
    documented, so their quantities are never trusted. A dead stop is replaced first; whatever else could sell is
    then cancelled, because only orders of one OCA group take each other along.
    """
    if position < 0:
        return ()
    if position == 0:
        if bracket.entry_live:
            return ()
        return tuple(Cancel(leg) for leg in bracket if leg.live and leg.cancel_sent_at is None)
    stop, target = bracket.stop, bracket.target
    selling = [leg for leg in bracket if leg.role != "entry" and leg.live and leg.cancel_sent_at is None]
    if stop is None or not stop.protecting:
        return (PlaceStop(position), *(Cancel(leg) for leg in selling))
    keep = [stop, target] if target is not None and _together(stop, target) else [stop]
    moves: list[Move] = [Cancel(leg) for leg in selling if not any(leg is kept for kept in keep)]
    for leg in keep:
        wanted = position + filled(leg.request.order_id)
        at_rest = leg.acknowledged and not leg.changing and leg.cancel_sent_at is None
        if at_rest and leg.request.quantity != wanted:
            moves.append(Resize(leg, wanted))
    return tuple(moves)


def _together(leg: Leg, other: Leg) -> bool:
    """True if a fill of one takes the other along; a target whose stop was replaced is on its own."""
    return leg.request.oca_group == other.request.oca_group
