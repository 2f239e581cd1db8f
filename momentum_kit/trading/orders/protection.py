"""Protective quantity against what is held: the moves that make them equal; computed after every change."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.trading.orders.bracket import Bracket, Leg
from momentum_kit.trading.orders.evidence import SymbolEvidence
from momentum_kit.trading.orders.lifecycle import OrderState


@dataclass(frozen=True, slots=True)
class PlaceStop:
    """Place a stop for this many shares, before anything else: none rests, or one that cannot grow to what is held."""

    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Resize:
    """Modify a leg to this total quantity (shares filled so far included)."""

    leg: Leg
    quantity: Decimal

    @property
    def shrinks(self) -> bool:
        """True if the leg could sell less afterwards."""
        return self.quantity < self.leg.request.quantity


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel a leg that has nothing left to protect, or sells what another one sells already."""

    leg: Leg


Move = PlaceStop | Resize | Cancel


def protective_moves(bracket: Bracket, evidence: SymbolEvidence, filled: Callable[[Leg], Decimal]) -> tuple[Move, ...]:
    """What makes the selling orders equal to what is held; () when they are, or while a leg's word is outstanding.

    filled(leg): shares that order has filled. A leg grows as soon as more may be sold than it would sell, and shrinks
    only when it would sell more than is held by any positive word. What IB does with children under a partly filled
    parent is not documented, so their quantities are never trusted. A child grows no larger than its parent: where more
    is held (shares of a sale undone, adopted ones), a stop of its own joins it, and then takes its place. Only orders
    of one OCA group take each other along: what stands in another group than a stop that the broker has accepted is
    cancelled.
    """
    selling = [leg for leg in bracket if leg.role != "entry" and leg.live]
    if evidence.held < 0:
        return ()
    if evidence.held == 0:
        return () if bracket.entry_live else tuple(Cancel(leg) for leg in selling if leg.cancel_sent_at is None)
    stop = bracket.stop
    if stop is None or not stop.protecting:
        way_out = bracket.way_out
        if way_out is not None and way_out.request.order_type == "MKT":  # what sells at once needs no stop beside it
            apart = [leg for leg in selling if way_out.acknowledged and not _together(leg, way_out)]
            return tuple(Cancel(leg) for leg in apart if leg.cancel_sent_at is None)
        first = (PlaceStop(evidence.sellable),) if evidence.sellable else ()
        resized = (_resized(bracket, leg, evidence, filled) for leg in selling)
        return (*first, *(move for move in resized if move is not None and move.shrinks))
    group = [stop, *(leg for leg in selling if leg is not stop and _together(leg, stop))]
    outgrown = stop.at_rest and evidence.sellable + filled(stop) > bracket.room(stop)
    moves: list[Move] = [PlaceStop(evidence.sellable)] if outgrown else []
    if stop.acknowledged:
        # an exit that was passed by is the exit desk's to cancel, once the order beside it has had its time
        replaced = [leg for leg in bracket.replaced if not leg.passed]
        surplus = (leg for leg in selling if leg not in group or leg in replaced)
        moves += [Cancel(leg) for leg in surplus if leg.cancel_sent_at is None]
    moves += [move for leg in group if (move := _resized(bracket, leg, evidence, filled)) is not None]
    return tuple(moves)


def _resized(bracket: Bracket, leg: Leg, evidence: SymbolEvidence, filled: Callable[[Leg], Decimal]) -> Resize | None:
    """What gives a leg the size of what is held; None where it has it, or its word is outstanding."""
    done = filled(leg)
    left = leg.request.quantity - done
    wanted = min(max(evidence.sellable, min(left, evidence.held)) + done, bracket.room(leg))
    return Resize(leg, wanted) if leg.at_rest and leg.request.quantity != wanted else None


def open_group(bracket: Bracket, leg: Leg | None, filled: Callable[[Leg], Decimal], otherwise: str) -> str:
    """The OCA group of a live order that has sold nothing: IB takes nobody into a group that has filled (201)."""
    if leg is None or not leg.live or filled(leg):
        return otherwise
    group = leg.request.oca_group
    spent = any(each.state is OrderState.FILLED and each.request.oca_group == group for each in bracket)
    return otherwise if spent else group


def _together(leg: Leg, other: Leg) -> bool:
    """True if a fill of one takes the other along; a target whose stop was replaced may be on its own."""
    return bool(leg.request.oca_group) and leg.request.oca_group == other.request.oca_group
