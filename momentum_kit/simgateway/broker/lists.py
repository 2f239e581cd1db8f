"""What the simulated broker answers when asked for orders and executions; part of matching.py."""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime

from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway.broker.fills import BrokerState
from momentum_kit.simgateway.broker.manual import is_manual
from momentum_kit.simgateway.broker.reports import both, echo
from momentum_kit.simgateway.events import ExecutionReport, OrderEvent, SimOrder


@dataclass(frozen=True, slots=True)
class CompletedOrder:
    """An order at its end; status is IB's completedStatus text."""

    order: SimOrder
    at: datetime
    status: str


def open_orders(state: BrokerState, client_id: int | None) -> list[OrderEvent]:
    """Working orders of one client or of all (None), oldest first."""
    tell = both if state.assumptions.open_orders_reply == "order_and_status" else echo
    return [event for order in _working(state, client_id) for event in tell(order)]


def restored(state: BrokerState, client_id: int, day: Sequence[ExecutionReport]) -> list[OrderEvent]:
    """What is repeated to a client after 1102; day: its executions of the day."""
    answer = state.assumptions.restored_replay
    if answer == "nothing":
        return []
    orders = [event for order in _working(state, client_id) for event in both(order)]
    return orders + (list(day) if answer == "orders_and_executions" else [])


def completed_orders(state: BrokerState, since: datetime, *, api_only: bool) -> list[CompletedOrder]:
    """Orders that ended since a moment, oldest first; api_only: without those entered in TWS."""
    found = [
        CompletedOrder(copy(ticket.order), ticket.done_at, _completed_text(ticket.order))
        for ticket in state.book
        if ticket.done_at is not None
        and ticket.done_at >= since
        and ticket.order.perm_id
        and not (api_only and is_manual(ticket.order.client_id, ticket.order.order_id))
    ]
    return sorted(found, key=lambda done: (done.at, done.order.perm_id))


def executions(
    state: BrokerState, client_id: int | None, since: datetime | None, since_day: date, on: Collection[date]
) -> list[ExecutionReport]:
    """Executions of the days named in `on`, else from `since_day` (New York) on; of one client or of all (None)."""
    return [
        report
        for report in state.executions
        if client_id in (None, report.order.client_id)
        and (since is None or report.time >= since)
        and (exchange_day(report.time) in on if on else exchange_day(report.time) >= since_day)
    ]


def _working(state: BrokerState, client_id: int | None) -> list[SimOrder]:
    return [t.order for t in state.book if t.is_open and client_id in (None, t.order.client_id)]


def _completed_text(order: SimOrder) -> str:
    return f"Filled Size: {order.filled:f}" if order.status == "Filled" else order.status
