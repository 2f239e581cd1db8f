"""What the simulated broker answers when asked: orders, executions, what an order would cost, and the whole truth."""

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway.broker.order_book import Ticket
from momentum_kit.simgateway.broker.refusal import rejected
from momentum_kit.simgateway.broker.refusals import admission_refusal, terms_refusal
from momentum_kit.simgateway.broker.reports import both, echo, error
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.broker.unsolicited import is_manual
from momentum_kit.simgateway.events import ExecutionReport, OpenOrderReport, OrderEvent, SimOrder

UNSET_AMOUNT = "1.7976931348623157E308"  # the largest double: IB's word for no amount


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
        and ticket.order.perm_id  # one that was refused at the door never was an order to the broker
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


def what_if(state: BrokerState, order: SimOrder, at: datetime) -> list[OrderEvent]:
    """The one openOrder that answers a what-if order, or its refusal; amounts by the names of ibapi's OrderState."""
    trouble = state.troubles.what_ifs.get(order.con_id)
    if trouble is not None and trouble.answer == "silence":
        return []
    if trouble is not None and trouble.answer == "late":
        state.agenda.put(at + trouble.delay, lambda _: _previewed(state, order))
        return []
    return _previewed(state, order)


def _previewed(state: BrokerState, order: SimOrder) -> list[OrderEvent]:
    order.account, order.tif = order.account or state.account.name, order.tif or "DAY"
    ticket = Ticket(order, ("", 0))
    refused = terms_refusal(order, state)
    trouble = state.troubles.what_ifs.get(order.con_id)
    if trouble is not None and trouble.answer == "refused":
        refused = rejected("No trading permission for this contract.")
    if not refused:
        state.top.watch(order.con_id)
        refused = admission_refusal(ticket, None, state)
    if refused:
        return error(order, refused)
    order.status = "PreSubmitted"
    # The echo carries OrderState's fields among the order's own, as ibapi sends both in one openOrder.
    order.raw = {**order.raw, **_amounts(ticket, state), "commissionAndFeesCurrency": "USD", "marginCurrency": "USD"}
    return [OpenOrderReport(order)]


def _amounts(ticket: Ticket, state: BrokerState) -> dict[str, str]:
    order, account, marks = ticket.order, state.account, state.marks()
    touch = state.top.touch(order.con_id)
    price = order.limit_price or order.stop_price or (touch.opposite(ticket.sign)[0] if touch else 0.0)
    before = account.margin_usd(marks)
    after = account.margin_usd(marks, order.con_id, ticket.signed(order.quantity), price)
    trouble = state.troubles.what_ifs.get(order.con_id)
    if trouble is not None and trouble.answer == "margin":
        after = before + trouble.rate * price * float(order.quantity)
    commission = account.order_commission(float(order.quantity), price * float(order.quantity))
    equity = account.equity_usd(marks)
    told = {
        "initMarginBefore": before,
        "maintMarginBefore": before,
        "equityWithLoanBefore": equity,
        "initMarginChange": after - before,
        "maintMarginChange": after - before,
        "equityWithLoanChange": -commission,
        "initMarginAfter": after,
        "maintMarginAfter": after,
        "equityWithLoanAfter": equity - commission,
        "commissionAndFees": commission,
        "minCommissionAndFees": commission,
        "maxCommissionAndFees": commission,
    }
    if trouble is not None and trouble.answer == "unset":
        return dict.fromkeys(told, UNSET_AMOUNT)
    return {name: f"{amount:.2f}" for name, amount in told.items()}


def broker_truth(state: BrokerState) -> dict[str, Any]:
    """All the broker knows, for comparison with what a client believes: quantities and times as text, money in USD."""
    account = state.account
    return {
        "account": account.name,
        "cash_usd": round(account.cash_usd, 6),
        "realized_usd": round(account.realized_usd, 6),
        "commissions_usd": round(account.commissions_usd, 6),
        "equity_usd": round(account.equity_usd(state.marks()), 6),
        "positions": [
            {"con_id": con_id, "quantity": f"{quantity:f}", "average_cost": cost}
            for con_id, quantity, cost in account.open_holdings()
        ],
        "orders": [_order_row(ticket) for ticket in state.book],
        "fills": [_fill_row(report, state) for report in state.executions],
    }


def _order_row(ticket: Ticket) -> dict[str, Any]:
    order = ticket.order
    return {
        "client_id": order.client_id,
        "order_id": order.order_id,
        "perm_id": order.perm_id,
        "parent_id": order.parent_id,
        "order_ref": order.order_ref,
        "con_id": order.con_id,
        "action": order.action,
        "order_type": order.order_type,
        "quantity": f"{order.quantity:f}",
        "filled": f"{order.filled:f}",
        "average_price": order.average_price,
        "limit_price": order.limit_price,
        "stop_price": order.stop_price,
        "tif": order.tif,
        "oca_group": order.oca_group,
        "status": order.status,
        "open": ticket.is_open,
    }


def _fill_row(report: ExecutionReport, state: BrokerState) -> dict[str, Any]:
    cost = state.commissions[report.exec_id]
    return {
        "exec_id": report.exec_id,
        "time": report.time.isoformat(),
        "client_id": report.order.client_id,
        "order_id": report.order.order_id,
        "perm_id": report.order.perm_id,
        "order_ref": report.order.order_ref,
        "con_id": report.order.con_id,
        "side": report.side,
        "shares": f"{report.shares:f}",
        "price": report.price,
        "commission_usd": cost.commission,
        "realized_usd": cost.realized_pnl,
    }
