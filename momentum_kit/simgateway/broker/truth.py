"""The simulated broker's own knowledge as JSON-able values, for comparison with what a client believes."""

from collections.abc import Mapping
from typing import Any

from momentum_kit.simgateway.broker.fills import BrokerState
from momentum_kit.simgateway.broker.order_book import Ticket
from momentum_kit.simgateway.events import ExecutionReport


def broker_truth(state: BrokerState, marks: Mapping[int, float]) -> dict[str, Any]:
    """Orders, fills, positions and cash; quantities and times as text, money in USD."""
    account = state.account
    return {
        "account": account.name,
        "cash_usd": round(account.cash_usd, 6),
        "realized_usd": round(account.realized_usd, 6),
        "commissions_usd": round(account.commissions_usd, 6),
        "equity_usd": round(account.equity_usd(marks), 6),
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
