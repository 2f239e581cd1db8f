"""What befalls an order at the market: triggered, filled, released, reduced, closed; and its family with it."""

from datetime import datetime
from decimal import Decimal

from momentum_kit.simgateway.broker.fills import FillEngine
from momentum_kit.simgateway.broker.oca_groups import family_room, oca_leftovers, outside_group
from momentum_kit.simgateway.broker.order_book import Stage, Ticket
from momentum_kit.simgateway.broker.reports import CANCELLED, both, echo, error, status
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.broker.trails import trail
from momentum_kit.simgateway.events import OrderEvent, SimOrder, TradeEvent
from momentum_kit.simgateway.trading_hours import may_trade


class OrderLife:
    """Moves working tickets from stage to stage; every method returns what clients hear of it, in order."""

    def __init__(self, state: BrokerState) -> None:
        self._state = state
        self._fills = FillEngine(state, self._after_fill)

    def on_quote(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """The touch of the order's contract has changed."""
        return self._fills.match_quote(ticket, at)

    def on_print(self, ticket: Ticket, trade: TradeEvent) -> list[OrderEvent]:
        """A trade in the order's contract was printed."""
        if ticket.awaits_trigger:
            told = self._see_price(ticket, trade.price, trade.time)
            return told + self._try(ticket, trade.time) if told else []
        return self._fills.match_print(ticket, trade)

    def work(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """Give a live order its chance at the market as it stands."""
        last = self._state.top.last(ticket.order.con_id)
        told = self._see_price(ticket, last, at) if last is not None else []
        return told + self._try(ticket, at)

    def release(self, child: Ticket, at: datetime) -> list[OrderEvent]:
        """A child may go to the market: for what its parent filled, once the parent is at its end."""
        parent, order = self._state.book.parent(child), child.order
        asked = order.quantity
        if parent is not None and not parent.is_open and self._state.assumptions.family_cap != "uncapped":
            # The parent has filled all that it ever will: a larger child would turn the position around.
            order.quantity = order.filled + min(order.remaining, family_room(child, parent, self._state.book))
        if not order.remaining:
            return self.close(child, "Cancelled", at)
        if child.stage is Stage.LIVE:
            return (both(order) if order.quantity != asked else []) + self.work(child, at)
        if child.waits_for_time(at):
            return self.hold_for_time(child, at) or (both(order) if order.quantity != asked else [])
        child.stage = Stage.LIVE
        order.why_held = "trigger" if child.awaits_trigger else ""
        works = not child.awaits_trigger and may_trade(at, child.extended)
        child.show("Submitted" if works else "PreSubmitted")
        return both(order) + self.work(child, at)

    def hold_for_time(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """Hold an order until its good-after time; [] if it is held already."""
        order = ticket.order
        if ticket.stage is Stage.SENT and ticket.held_until == order.good_after:
            return []
        answer = self._state.assumptions.good_after_time_in_group if order.parent_id or order.oca_group else "works"
        if answer == "inactive":
            return self.close(ticket, "Inactive", at, told=False)
        ticket.stage, ticket.held_until, order.why_held = Stage.SENT, order.good_after, ""
        ticket.show("PreSubmitted")
        if (due := order.good_after) is not None and answer != "asleep":
            self._state.agenda.put(due, lambda now: self._time_has_come(ticket, due, now))
        return both(order)

    def _time_has_come(self, ticket: Ticket, due: datetime, at: datetime) -> list[OrderEvent]:
        if ticket.stage is not Stage.SENT or ticket.held_until != due:
            return []
        ticket.held_until, ticket.stage = None, Stage.LIVE
        ticket.order.why_held = "trigger" if ticket.awaits_trigger else ""
        works = not ticket.awaits_trigger and may_trade(at, ticket.extended)
        ticket.show("Submitted" if works else "PreSubmitted")
        return both(ticket.order) + self.work(ticket, at)

    def close(
        self, ticket: Ticket, final: str, at: datetime, *, told: bool = True, asked: bool = False
    ) -> list[OrderEvent]:
        """End an order with what it has; told: with error 202; asked: because its client cancelled it."""
        order, book = ticket.order, self._state.book
        book.finish(ticket, at)
        order.status, order.why_held = final, ""
        events = status(order) + (error(order, CANCELLED) if told else [])
        # What becomes of children whose parent dies half filled is documented nowhere: a switch.
        die = not order.filled or self._state.assumptions.dead_partial_parent == "children_cancelled"
        for child in book.children(ticket):
            if child.is_open:
                events += self.close(child, "Cancelled", at) if die else self.release(child, at)
        alone = outside_group(ticket, self._state)
        if asked and not alone and self._state.assumptions.oca_member_cancelled == "cancels_group":
            for other in book.oca_others(ticket):
                spared = not other.is_open or outside_group(other, self._state)
                events += [] if spared else self.close(other, "Cancelled", at)
        return events

    def expire(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """The hours of a DAY order have ended, unless a modify has given it others."""
        if not ticket.is_open or ticket.expires != at:
            return []
        return self.close(ticket, "Cancelled", at, told=False)

    def _see_price(self, ticket: Ticket, last: float, at: datetime) -> list[OrderEvent]:
        order = ticket.order
        early = self._state.assumptions.trail_start == "submitted" and ticket.stage is Stage.CHILD
        if early and may_trade(at, ticket.extended) and not self._state.top.halted(order.con_id):
            return self._follow(ticket, last)
        if not ticket.awaits_trigger or not self._fills.can_trade(ticket, at):
            return []
        if not _is_triggered(order, last):
            return self._follow(ticket, last)
        ticket.triggered, order.why_held = True, ""
        ticket.show("Submitted")
        return both(order)

    def _follow(self, ticket: Ticket, last: float) -> list[OrderEvent]:
        """A trailing stop moves with the last price; whether that is told is a switch."""
        told = trail(ticket.order, last) and self._state.assumptions.trail_told == "each_move"
        return echo(ticket.order) if told else []

    def _try(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        order = ticket.order
        if order.tif == "FOK" and not ticket.awaits_trigger and not self._fills_whole(ticket, at):
            return self.close(ticket, "Inactive", at, told=False)
        events = self._fills.match_quote(ticket, at)
        if order.tif == "IOC" and ticket.is_open and not ticket.awaits_trigger:
            # The rest of an IOC is told PendingCancel first; nobody asked for its end, so no 202 comes with it.
            order.status = "PendingCancel"
            events += status(order) + self.close(ticket, "Cancelled", at, told=False)
        return events

    def _fills_whole(self, ticket: Ticket, at: datetime) -> bool:
        return self._fills.can_trade(ticket, at) and self._fills.reach(ticket) >= ticket.order.remaining

    def _after_fill(self, ticket: Ticket, shares: Decimal, at: datetime) -> list[OrderEvent]:
        state = self._state
        events: list[OrderEvent] = []
        if not ticket.is_open or state.assumptions.partial_parent == "children_activate":
            for child in state.book.children(ticket):
                events += self.release(child, at) if child.is_open else []
        if not ticket.is_open and ticket.order.oca_group and not outside_group(ticket, state):
            # IB refuses whoever joins a group that has been filled (201).
            state.book.spent_groups.add(ticket.order.oca_group)
        for other, left in oca_leftovers(ticket, shares, state):
            if not other.is_open or left == other.order.remaining:
                continue
            if not left:
                events += self.close(other, "Cancelled", at)
                continue
            other.order.quantity = other.order.filled + left
            events += both(other.order)
        return events


def _is_triggered(order: SimOrder, last: float) -> bool:
    """True if a print at `last` (USD) triggers this stop: at the stop price or through it."""
    if order.stop_price is None:
        return False
    return last >= order.stop_price if order.action == "BUY" else last <= order.stop_price
