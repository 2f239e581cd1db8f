"""What-if orders: what an order would cost and tie up, by the attribute names of ibapi's OrderState; no order."""

from momentum_kit.simgateway.broker.admission import admission
from momentum_kit.simgateway.broker.fills import BrokerState
from momentum_kit.simgateway.broker.order_book import Ticket
from momentum_kit.simgateway.broker.reports import error
from momentum_kit.simgateway.broker.rules import refusal
from momentum_kit.simgateway.events import OpenOrderReport, OrderEvent, SimOrder


def what_if(state: BrokerState, order: SimOrder) -> list[OrderEvent]:
    """The one openOrder that answers a what-if order, or its refusal."""
    order.account, order.tif = order.account or state.account.name, order.tif or "DAY"
    ticket = Ticket(order, ("", 0))
    refused = refusal(order, state.market, state.account.name)
    if not refused:
        state.depth.watch(order.con_id)
        refused = admission(ticket, None, state)
    if refused:
        return error(order, refused)
    order.status = "PreSubmitted"
    order.raw = {**order.raw, **_amounts(ticket, state), "commissionAndFeesCurrency": "USD", "marginCurrency": "USD"}
    return [OpenOrderReport(order)]


def _amounts(ticket: Ticket, state: BrokerState) -> dict[str, str]:
    order, account, marks = ticket.order, state.account, state.marks()
    touch = state.depth.touch(order.con_id)
    price = order.limit_price or order.stop_price or (touch.opposite(ticket.sign)[0] if touch else 0.0)
    before = account.margin_usd(marks)
    after = account.margin_usd(marks, order.con_id, ticket.signed(order.quantity), price)
    commission = account.costs.order_commission(float(order.quantity), price * float(order.quantity))
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
    return {name: f"{amount:.2f}" for name, amount in told.items()}
