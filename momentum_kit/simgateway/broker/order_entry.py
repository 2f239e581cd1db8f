"""An order on its way in: staged, refused, held for its parent, its hours or shares to borrow, or sent to the market.

It ends where order_life.py begins: when the order has reached the market.
"""

from collections.abc import Iterable
from copy import copy
from datetime import datetime, timedelta

from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.broker.oca_groups import join_bracket
from momentum_kit.simgateway.broker.order_book import Stage, Ticket
from momentum_kit.simgateway.broker.order_life import OrderLife
from momentum_kit.simgateway.broker.refusal import Refusal
from momentum_kit.simgateway.broker.refusals import (
    HOURS_IGNORED,
    IMMEDIATE,
    LOCATING,
    admission_refusal,
    cap_limit,
    ignores_hours,
    must_locate,
    terms_refusal,
)
from momentum_kit.simgateway.broker.reports import both, echo, error, hours_warning, status
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.broker.trails import begin_trail, never_trails
from momentum_kit.simgateway.events import OrderEvent, SimOrder
from momentum_kit.simgateway.trading_hours import day_end, may_trade, next_start


class OrderEntry:
    """Takes new orders, and those whose terms have changed, to the market; returns what the client hears, in order."""

    def __init__(self, state: BrokerState, life: OrderLife) -> None:
        self._state = state
        self._life = life

    def place(self, order: SimOrder, at: datetime, key: tuple[int, int] | None = None) -> list[OrderEvent]:
        """A new order: refused, staged, or transmitted with its staged family. key: see OrderBook.add."""
        state = self._state
        order.account = order.account or state.account.name
        events: list[OrderEvent] = []
        if not order.tif:
            # A preset of TWS fills in what the client left out, and says so.
            order.tif = "DAY"
            events = error(order, Refusal(10349, "Order TIF was set to DAY based on order preset."))
        begin_trail(order, state)
        refused = terms_refusal(order, state) or self._parent_missing(order)
        if refused:
            return error(order, refused)
        ticket = Ticket(order, (order.oca_group, order.oca_type))
        state.book.add(ticket, key)
        if not order.transmit:
            return events + self._stage(ticket)
        for member in self._family(ticket):
            events += self._accept(member, at)
        return events

    def _parent_missing(self, order: SimOrder) -> Refusal | None:
        if not order.parent_id:
            return None
        parent = self._state.book.get(order.client_id, order.parent_id)
        if parent is None:
            return Refusal(10006, "Missing parent order.")
        return Refusal(135, f"Can't find order with id ={order.parent_id}") if parent.stage is Stage.DONE else None

    def _stage(self, ticket: Ticket) -> list[OrderEvent]:
        """Keep an order that is not to be transmitted yet: silence, as recorded."""
        if not ticket.order.parent_id or self._state.assumptions.staged_child == "silent":
            return []
        told = copy(ticket.order)
        told.status = "Cancelled"
        return status(told)

    def _family(self, ticket: Ticket) -> Iterable[Ticket]:
        """The last child transmits its staged parent and siblings with it, in the order they were placed."""
        parent = self._state.book.parent(ticket)
        if parent is None:
            return [ticket]
        members = [parent, *self._state.book.children(parent)]
        return [m for m in members if m is ticket or m.stage is Stage.STAGED]

    def _accept(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """The broker takes an order: refused, held for its parent, or sent to the market."""
        state, order = self._state, ticket.order
        # A staged order sent again keeps its perm id: to IB it is the same order.
        order.perm_id = order.perm_id or state.ids.perm_id()
        state.top.watch(order.con_id)
        parent = state.book.parent(ticket)
        refusal = admission_refusal(ticket, parent, state)
        if refusal:
            state.book.finish(ticket, at)
            # 201 and 202 end an order that the broker had, so its status follows; other codes refuse it at the door.
            order.status = "Cancelled" if refusal.code == 202 else "Inactive"
            return error(order, refusal) + (both(order) if refusal.code in (201, 202) else [])
        state.book.start(ticket)
        if never_trails(order, state):
            return self._life.close(ticket, "Inactive", at, told=False)
        self.set_expiry(ticket, at)
        if parent is None:
            return self.warnings(ticket) + (self._locate(ticket, at) or self._send(ticket, at))
        join_bracket(ticket, parent)
        ticket.stage, order.status = Stage.CHILD, "PreSubmitted"
        order.why_held = "child,trigger" if ticket.awaits_trigger else "child"
        activates = parent.order.filled and state.assumptions.partial_parent == "children_activate"
        return both(order) + (self._life.release(ticket, at) if activates else [])

    def warnings(self, ticket: Ticket) -> list[OrderEvent]:
        """What the broker says of terms that it takes, but not as they are."""
        capped = cap_limit(ticket, self._state)
        events = error(ticket.order, HOURS_IGNORED) if ignores_hours(ticket) else []
        return events + (error(ticket.order, capped) if capped else [])

    def set_expiry(self, ticket: Ticket, at: datetime) -> None:
        """Let a DAY order die at the end of its hours."""
        ticket.expires = day_end(at, ticket.extended) if ticket.order.tif == "DAY" else None
        if ticket.expires:
            self._state.agenda.put(ticket.expires, lambda now: self._life.expire(ticket, now))

    def wait_for_hours(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """Hold the order until its hours begin, with IB's warning 399."""
        order, opens = ticket.order, next_start(at, ticket.extended)
        ticket.stage, order.why_held = Stage.SENT, ""
        ticket.show("PreSubmitted")
        self._state.agenda.put(opens, lambda _: self._open(ticket))
        when = f"{opens.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S} US/Eastern"
        return both(order) + error(order, hours_warning(order, self._state.market.instruments[order.con_id], when))

    def resume(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """An order whose new terms hold from now on is at the market again, or waits for its hours."""
        order, stop = ticket.order, ticket.awaits_trigger
        if ticket.locating:
            return status(order)
        if ticket.waits_for_time(at):
            return self._life.hold_for_time(ticket, at) or status(order)
        if not stop and not may_trade(at, ticket.extended):
            return self.wait_for_hours(ticket, at)
        order.why_held = "trigger" if stop else ""
        news = self._go_live(ticket)
        events = self._life.work(ticket, at)
        return news + events if stop else events or status(order)

    def _locate(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """Hold a short sale until its shares are found; [] where nothing has to be found."""
        order, state = ticket.order, self._state
        if not must_locate(ticket, state):
            return []
        ticket.stage, ticket.locating = Stage.SENT, True
        order.status, order.why_held = "PreSubmitted", "locate"
        state.agenda.put(at + timedelta(milliseconds=state.assumptions.locate_ms), lambda now: self._found(ticket, now))
        return both(order) + error(order, LOCATING)

    def _found(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        if ticket.stage is not Stage.SENT:
            return []
        ticket.locating, ticket.order.why_held = False, ""
        return self._send(ticket, at)

    def _send(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        order, agenda = ticket.order, self._state.agenda
        if ticket.waits_for_time(at):
            return self._life.hold_for_time(ticket, at)
        ticket.stage, reaches = Stage.SENT, at + self._state.latency
        if ticket.awaits_trigger:
            # US stops are simulated by IB: held there, PreSubmitted until the trigger.
            order.status, order.why_held = "PreSubmitted", "trigger"
            agenda.put(reaches, lambda now: self._arrive(ticket, now, tell=True))
            return echo(self._first_echo(ticket)) + status(order)
        if order.tif in IMMEDIATE:
            # Neither waits for its hours: outside them it ends at once, unfilled.
            order.status = "Submitted"
            agenda.put(reaches, lambda now: self._arrive(ticket, now, tell=False))
            return echo(order)
        if not may_trade(at, ticket.extended):
            return self.wait_for_hours(ticket, at)
        held = self._is_held_first(ticket)
        order.status = "PreSubmitted" if held else "Submitted"
        agenda.put(reaches, lambda now: self._arrive(ticket, now, tell=held))
        return both(order)

    def _arrive(self, ticket: Ticket, at: datetime, *, tell: bool) -> list[OrderEvent]:
        """The order reaches the market; a status that a fill overtakes is never told."""
        if ticket.stage is not Stage.SENT:
            return []
        stop, news = ticket.awaits_trigger, self._go_live(ticket)
        events = self._life.work(ticket, at)
        if stop:
            return news + events
        return events or (news if tell else [])

    def _open(self, ticket: Ticket) -> list[OrderEvent]:
        """The hours have begun; the order waits for their first quote, the one in force is of another session."""
        return self._go_live(ticket) if ticket.stage is Stage.SENT else []

    def _go_live(self, ticket: Ticket) -> list[OrderEvent]:
        ticket.stage = Stage.LIVE
        ticket.show("PreSubmitted" if ticket.awaits_trigger else "Submitted")
        return both(ticket.order)

    def _is_held_first(self, ticket: Ticket) -> bool:
        answer, order = self._state.assumptions.first_status, ticket.order
        if answer == "seeded":
            return self._state.ids.draw(order.perm_id, "first_status") < 0.5
        if answer == "buys_and_gtc_held":
            return (order.order_type, order.action) == ("MKT", "BUY") or (order.order_type, order.tif) == ("LMT", "GTC")
        return answer == "held"

    def _first_echo(self, ticket: Ticket) -> SimOrder:
        order, touch = ticket.order, self._state.top.touch(ticket.order.con_id)
        clean = self._state.assumptions.stop_first_echo == "clean" or order.order_type != "STP"
        if clean or touch is None or order.stop_price is None:
            return order
        # Recorded: the first openOrder of a new stop carries a limit price near its trigger, the second one does not.
        told = copy(order)
        told.limit_price = round(order.stop_price - ticket.sign * (touch.ask - touch.bid), 4)
        return told
