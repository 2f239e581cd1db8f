"""Protective quantity against position: the moves that make them equal; computed after every change."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.trading.working import Bracket, Leg


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
    documented, so their quantities are never trusted. A dead stop is replaced first; a target that outlived it is
    then cancelled, because the two no longer cancel each other and could both sell.
    """
    if position < 0:
        return ()
    if position == 0:
        if bracket.entry_live:
            return ()
        return tuple(Cancel(leg) for leg in bracket if leg.live and leg.cancel_sent_at is None)
    stop, target = bracket.stop, bracket.target
    extra = tuple(Cancel(leg) for leg in bracket.replaced if leg.live and leg.cancel_sent_at is None)
    if stop is None or not stop.protecting:
        rest = (leg for leg in (stop, target) if leg is not None and leg.live and leg.cancel_sent_at is None)
        return (PlaceStop(position), *(Cancel(leg) for leg in rest), *extra)
    moves: list[Move] = list(extra)
    for leg in (stop, target):
        if leg is None or not leg.acknowledged or leg.changing or leg.cancel_sent_at is not None:
            continue
        wanted = position + filled(leg.request.order_id)
        if leg.request.quantity != wanted:
            moves.append(Resize(leg, wanted))
    return tuple(moves)
