"""What a client does to an order it has placed: modifies and cancels; their races with fills are decided here."""

from copy import copy
from datetime import datetime

from momentum_kit.simgateway.broker.order_book import STOP_TYPES, Stage, Ticket
from momentum_kit.simgateway.broker.order_entry import OrderEntry
from momentum_kit.simgateway.broker.order_life import OrderLife
from momentum_kit.simgateway.broker.refusal import Refusal
from momentum_kit.simgateway.broker.refusals import larger_than_parent, terms_refusal
from momentum_kit.simgateway.broker.reports import CANCELLED, both, echo, error, status
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.broker.trails import begin_trail, stop_after_modify
from momentum_kit.simgateway.events import OrderEvent, SimOrder, StatusReport
from momentum_kit.simgateway.trading_hours import may_trade

MODIFY_FAILED = Refusal(201, "Order rejected - reason:The change could not be processed.")
_CHANGEABLE = (
    "quantity",
    "order_type",
    "limit_price",
    "stop_price",
    "tif",
    "outside_rth",
    "good_after",
    "order_ref",
    "trailing_percent",
    "trailing_amount",
    "told_stop",
    "amount_told",
    "raw",
)


class OrderChanges:
    """Requests about known orders; every method returns what clients hear, in order."""

    def __init__(self, state: BrokerState, entry: OrderEntry, life: OrderLife) -> None:
        self._state = state
        self._entry = entry
        self._life = life

    def modify(self, ticket: Ticket, wanted: SimOrder, at: datetime) -> list[OrderEvent]:
        """New terms for a working order; the old ones hold at the market until the latency is over."""
        order = ticket.order
        if not wanted.transmit:
            return []  # it stays in the gateway: the working order never hears of it
        wanted.account, wanted.tif = wanted.account or order.account, wanted.tif or order.tif
        begin_trail(wanted, self._state)
        refused = self._modify_refusal(ticket, wanted)
        if refused:
            events = error(order, refused)
            kills = refused.code == 10326 and self._state.assumptions.oca_revision == "order_cancelled"
            return events + (self._life.close(ticket, "Cancelled", at) if kills else [])
        limited = (order.order_type, wanted.order_type) == ("MKT", "LMT")
        ends = limited and self._state.assumptions.market_to_limit == "inactive"
        if ends or self._state.troubles.dooms(order.con_id, order.order_type):
            return error(order, MODIFY_FAILED) + self._life.close(ticket, "Inactive", at, told=False)
        # The client is shown the new terms at once, while the market still trades the old ones: a race, as at IB.
        told = copy(order)
        self._take_terms(told, wanted)
        echoed = self._echo_modified(ticket, told, at)
        self._state.agenda.put(at + self._state.latency, lambda now: self._apply(ticket, wanted, now))
        return echoed

    def cancel(self, ticket: Ticket, at: datetime, *, quiet: bool = False, by: int | None = None) -> list[OrderEvent]:
        """Ask for an order's end; it may still fill until the latency is over (quiet: not told then).

        by: another client that asks; it hears of the end as well.
        """
        order = ticket.order
        if ticket.stage is Stage.STAGED:
            order.status = "ApiCancelled"  # IB's word for an order that ends before the broker ever had it
            self._state.book.forget(order.client_id, order.order_id)
            return status(order) + error(order, CANCELLED)
        if ticket.stage is Stage.DONE:
            return error(order, _too_late(order))  # 10148 says that it ended, not how: it may have filled
        if ticket.cancelling:
            text = f"Cancel attempted when order is not in a cancellable state.  Order permId = {order.perm_id}"
            return error(order, Refusal(161, text))
        ticket.cancelling = True
        self._state.agenda.put(at + self._state.latency, lambda now: self._cancelled(ticket, now, quiet=quiet, by=by))
        answer = self._state.assumptions.cancel_status
        if answer == "seeded":
            pending = self._state.ids.draw(order.perm_id, "cancel_status") < 0.5
        else:
            pending = answer == "pending_first"
        if not pending:
            return []
        order.status, order.why_held = "PendingCancel", ""
        return status(order)

    def _cancelled(self, ticket: Ticket, at: datetime, *, quiet: bool, by: int | None) -> list[OrderEvent]:
        if ticket.stage is Stage.DONE:
            return [] if quiet else error(ticket.order, _too_late(ticket.order), to=by)
        events = self._life.close(ticket, "Cancelled", at, asked=True)
        if by is None:
            return events
        return [*events, StatusReport(copy(ticket.order), "Cancelled", by), *error(ticket.order, CANCELLED, to=by)]

    def _modify_refusal(self, ticket: Ticket, wanted: SimOrder) -> Refusal | None:
        order = ticket.order
        if ticket.cancelling:
            return Refusal(2102, "Unable to modify this order as its still being processed.")
        if (wanted.con_id, wanted.action) != (order.con_id, order.action) or wanted.quantity <= order.filled:
            return Refusal(105, "Order being modified does not match original order.")
        assumptions, changes_type = self._state.assumptions, wanted.order_type != order.order_type
        kept = (order.order_type in STOP_TYPES and assumptions.stop_type_change == "refused") or (
            order.order_type == "MKT" and assumptions.market_to_limit == "refused"
        )
        if changes_type and kept:
            return Refusal(329, "Order modify failed. Cannot change to the new order type.")
        # A client may repeat the group it asked for, or the one the broker gave a bracket's children.
        if (wanted.oca_group, wanted.oca_type) not in (ticket.asked_oca, (order.oca_group, order.oca_type)):
            return Refusal(10326, "OCA group revision is not allowed.")
        return terms_refusal(wanted, self._state) or larger_than_parent(
            wanted, self._state.book.parent(ticket), self._state
        )

    def _echo_modified(self, ticket: Ticket, told: SimOrder, at: datetime) -> list[OrderEvent]:
        """A stop's echo has its status with it, that of another working order follows once the terms hold."""
        preview = Ticket(told, ticket.asked_oca, stage=ticket.stage, triggered=_stays_triggered(ticket, told))
        if ticket.stage is Stage.CHILD:
            told.why_held = "child,trigger" if preview.awaits_trigger else "child"
            return both(told)
        told.why_held = "trigger" if preview.awaits_trigger else ""
        waits = preview.awaits_trigger or preview.waits_for_time(at)
        works = not waits and may_trade(at, preview.extended)
        told.status = "Submitted" if works else "PreSubmitted"
        return echo(told) if works else both(told)

    def _apply(self, ticket: Ticket, wanted: SimOrder, at: datetime) -> list[OrderEvent]:
        order = ticket.order
        if ticket.stage is Stage.DONE or wanted.quantity <= order.filled:
            return error(order, Refusal(104, "Cannot modify a filled order.")) if order.filled else []
        ticket.triggered = _stays_triggered(ticket, wanted)
        self._take_terms(order, wanted)
        ticket.modified, ticket.resting = True, False  # new terms are new at the market, also where they cross it
        ticket.arrived = ticket.cap = None
        self._entry.set_expiry(ticket, at)
        if ticket.stage is Stage.CHILD:
            order.why_held = "child,trigger" if ticket.awaits_trigger else "child"
            return []
        return self._entry.warnings(ticket) + self._entry.resume(ticket, at)

    def _take_terms(self, order: SimOrder, wanted: SimOrder) -> None:
        stop_price = stop_after_modify(order, wanted, self._state.top.last(order.con_id), self._state)
        for name in _CHANGEABLE:
            setattr(order, name, getattr(wanted, name))
        order.stop_price = stop_price


def _stays_triggered(ticket: Ticket, wanted: SimOrder) -> bool:
    return ticket.triggered and wanted.order_type == ticket.order.order_type


def _too_late(order: SimOrder) -> Refusal:
    text = f"OrderId {order.order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
    return Refusal(10148, text)
