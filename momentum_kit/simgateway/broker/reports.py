"""What clients hear of their orders: the broker's events in IB's words, and when those of a fill are told.

`tell_fill` is the one place that gives the events of a fill their time: at once, or later by the agenda, as the
assumptions have it. IB sends execution, status and commission report by ways of their own, in no promised order.
https://interactivebrokers.github.io/tws-api/executions_commissions.html
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta

from momentum_kit.simgateway.broker.order_book import Ticket
from momentum_kit.simgateway.broker.refusal import Refusal
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    OpenOrderReport,
    OrderErrorReport,
    OrderEvent,
    SimOrder,
    StatusReport,
)
from momentum_kit.simgateway.instrument import Instrument


def echo(order: SimOrder) -> list[OrderEvent]:
    """OpenOrder alone."""
    return [OpenOrderReport(copy(order))]


def status(order: SimOrder) -> list[OrderEvent]:
    """OrderStatus alone."""
    return [StatusReport(copy(order), order.status)]


def both(order: SimOrder) -> list[OrderEvent]:
    """openOrder, then orderStatus."""
    return echo(order) + status(order)


def error(order: SimOrder, refusal: Refusal, to: int | None = None) -> list[OrderEvent]:
    """An error on the order's id; to: the client that is told, where it is not the order's own."""
    hearer = order.client_id if to is None else to
    return [OrderErrorReport(client_id=hearer, order_id=order.order_id, code=refusal.code, text=refusal.text)]


CANCELLED = Refusal(202, "Order Canceled - reason:")


def hours_warning(order: SimOrder, instrument: Instrument, opens: str) -> Refusal:
    """399 for an order that waits for its hours; `opens` as '2026-04-14 09:30:00 US/Eastern'."""
    name = f"{instrument.symbol} {instrument.primary_exchange}.{instrument.trading_class}"
    return Refusal(
        399,
        f"Order Message:\n{order.action} {order.quantity:f} {name}\n"
        f"Warning: Your order will not be placed at the exchange until {opens}.",
    )


@dataclass(frozen=True, slots=True)
class BookedFill:
    """An execution as it was booked. closes: whether it reduced a position."""

    report: ExecutionReport
    commission: CommissionReportDue
    closes: bool


def tell_fill(state: BrokerState, ticket: Ticket, fill: BookedFill, at: datetime) -> list[OrderEvent]:
    """What is told of a fill now; the rest goes on the agenda for its own time."""
    assumptions, exec_id = state.assumptions, fill.report.exec_id
    if assumptions.execution_correction == "every":
        _put(state, at, assumptions.late_correction_ms, lambda: _corrected(state, exec_id))
    costs = _commission_report(state, fill, at)
    # Recorded: after a modify the status that counts a fill overtakes the execution.
    after_modify = assumptions.fill_order == "status_first_after_modify" and ticket.modified
    if after_modify or assumptions.fill_order == "status_first":
        _put(state, at, assumptions.late_execution_ms, lambda: [fill.report, *costs])
        return status(ticket.order)
    return [fill.report, *both(ticket.order), *costs]


def _commission_report(state: BrokerState, fill: BookedFill, at: datetime) -> list[OrderEvent]:
    """The commission report if it comes with the execution."""
    answer = state.assumptions.closing_commission if fill.closes else "prompt"
    if answer == "late":
        _put(state, at, state.assumptions.late_commission_ms, lambda: [fill.commission])
    return [fill.commission] if answer == "prompt" else []


def _corrected(state: BrokerState, exec_id: str) -> list[OrderEvent]:
    return state.correct(exec_id) if exec_id in state.commissions else []


def _put(state: BrokerState, at: datetime, delay_ms: int, told: Callable[[], list[OrderEvent]]) -> None:
    state.agenda.put(at + timedelta(milliseconds=delay_ms), lambda _: told())
