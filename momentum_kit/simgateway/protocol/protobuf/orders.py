"""Messages of orders in protobuf: the twin of text/orders.py. Unused fields stay out instead of carrying 'unset'."""

from collections.abc import Mapping

from ibapi.protobuf.CommissionAndFeesReport_pb2 import CommissionAndFeesReport
from ibapi.protobuf.CompletedOrder_pb2 import CompletedOrder
from ibapi.protobuf.CompletedOrdersEnd_pb2 import CompletedOrdersEnd
from ibapi.protobuf.Execution_pb2 import Execution
from ibapi.protobuf.ExecutionDetails_pb2 import ExecutionDetails
from ibapi.protobuf.ExecutionDetailsEnd_pb2 import ExecutionDetailsEnd
from ibapi.protobuf.OpenOrder_pb2 import OpenOrder
from ibapi.protobuf.OpenOrdersEnd_pb2 import OpenOrdersEnd
from ibapi.protobuf.Order_pb2 import Order
from ibapi.protobuf.OrderBound_pb2 import OrderBound as OrderBoundBody
from ibapi.protobuf.OrderState_pb2 import OrderState
from ibapi.protobuf.OrderStatus_pb2 import OrderStatus

from momentum_kit.simgateway.events import CommissionReportDue, ExecutionReport, OrderBound, SimOrder
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.protobuf.place_order import conditions_of_raw
from momentum_kit.simgateway.protocol.protobuf.session import contract_of, decimal_text, fill, protobuf_frame
from momentum_kit.simgateway.protocol.text import (
    LIST_SEPARATOR,
    LOGIN,
    PREVIEW,
    PREVIEW_COSTS,
    limit_and_aux,
    trail_stop,
)
from momentum_kit.simgateway.protocol.wire import UNSET_DOUBLE, Field, wire_time

# What an order echoes of its placeOrder; where the client said nothing, IB says what stands in _DEFAULTS.
_ECHO = (
    "openClose origin hidden discretionaryAmt goodAfterTime faGroup faMethod faPercentage modelCode goodTillDate "
    "rule80A percentOffset settlingFirm shortSaleSlot designatedLocation exemptCode startingPrice stockRefPrice delta "
    "stockRangeLower stockRangeUpper displaySize sweepToFill allOrNone minQty triggerMethod volatility volatilityType "
    "hedgeType hedgeParam clearingAccount clearingIntent notHeld solicited randomizeSize randomizePrice "
    "conditionsIgnoreRth conditionsCancelOrder cashQty customerAccount professionalCustomer "
)
_ECHO_WHILE_OPEN = (
    "blockOrder optOutSmartRouting whatIf usePriceMgmtAlgo duration postToAts autoCancelParent includeOvernight "
    "extOperator manualOrderIndicator imbalanceOnly"
)
_ZERO = (
    "origin hidden discretionaryAmt shortSaleSlot sweepToFill allOrNone triggerMethod volatilityType notHeld solicited "
    "randomizeSize randomizePrice cashQty professionalCustomer blockOrder optOutSmartRouting whatIf usePriceMgmtAlgo "
    "autoCancelParent includeOvernight imbalanceOnly"
)
_DEFAULTS = {**dict.fromkeys(_ZERO.split(), "0"), "exemptCode": "-1", "clearingIntent": "IB"}
# Recorded constants of every openOrder and completed order.
_ALWAYS: Mapping[str, Field] = {
    "deltaNeutralOrderType": "None",
    "deltaNeutralConId": 0,
    "referencePriceType": 0,
    "dontUseAutoPriceForHedge": True,
}


def order_status(_: int, order: SimOrder, status: str) -> bytes:
    """Where an order stands."""
    body = OrderStatus(
        orderId=order.order_id,
        status=status,
        filled=decimal_text(order.filled),
        remaining=decimal_text(order.remaining),
        avgFillPrice=order.average_price,
        permId=order.perm_id,
        parentId=order.parent_id,
        lastFillPrice=order.last_fill_price,
        clientId=order.client_id,
        whyHeld=order.why_held,
        mktCapPrice=order.market_cap_price,
    )
    return protobuf_frame(Reply.ORDER_STATUS, body)


def open_order(_: int, order: SimOrder, item: Instrument) -> bytes:
    """The broker's copy of a working order."""
    copy = _order(order, _ECHO + _ECHO_WHILE_OPEN)
    copy.orderId, copy.clientId, copy.parentId = order.order_id, order.client_id, order.parent_id
    copy.adjustedOrderType, copy.deltaNeutralOpenClose = "None", "?"
    body = OpenOrder(
        orderId=order.order_id,
        contract=_contract(order, item),
        order=copy,
        orderState=OrderState(status=order.status),
    )
    fill(body.orderState, {name: order.raw.get(name) for name in (*PREVIEW, *PREVIEW_COSTS, "marginCurrency")})
    return protobuf_frame(Reply.OPEN_ORDER, body)


def completed_order(_: int, order: SimOrder, item: Instrument, completed_time: str, completed_status: str) -> bytes:
    """The broker's copy of a finished order; it carries no order id, only its perm id."""
    copy = _order(order, _ECHO)
    copy.filledQuantity = decimal_text(order.filled)
    copy.refFuturesConId = copy.routeMarketableToBbo = 0
    fill(copy, {"parentPermId": order.raw.get("parentPermId") or "0"})
    state = OrderState(status=order.status, completedTime=completed_time, completedStatus=completed_status)
    body = CompletedOrder(contract=_contract(order, item), order=copy, orderState=state)
    return protobuf_frame(Reply.COMPLETED_ORDER, body)


def execution(version: int, request_id: int, report: ExecutionReport, item: Instrument) -> bytes:
    """One match; request_id -1 when it just happened."""
    order = report.order
    match = Execution(
        orderId=order.order_id,
        execId=report.exec_id,
        time=wire_time(report.time, version),
        acctNumber=order.account,
        exchange=report.exchange,
        side=report.side,
        shares=decimal_text(report.shares),
        price=report.price,
        permId=order.perm_id,
        clientId=order.client_id,
        isLiquidation=report.liquidation,
        cumQty=decimal_text(report.cumulative),
        avgPrice=report.average_price,
        orderRef=order.order_ref,
        lastLiquidity=report.liquidity,
        isPriceRevisionPending=False,
    )
    contract = contract_of(item, exchange=report.exchange)
    return protobuf_frame(Reply.EXECUTION, ExecutionDetails(reqId=request_id, contract=contract, execution=match))


def executions_end(_: int, request_id: int) -> bytes:
    """No more executions in this answer."""
    return protobuf_frame(Reply.EXECUTIONS_END, ExecutionDetailsEnd(reqId=request_id))


def commission_report(_: int, report: CommissionReportDue) -> bytes:
    """What one execution cost; where nothing was closed realizedPNL is unset, as is the yield of a stock.

    Clients take a field that is left out for 0, so 'unset' is said in so many words.
    """
    unset = float(UNSET_DOUBLE)
    body = CommissionAndFeesReport(
        execId=report.exec_id,
        commissionAndFees=report.commission,
        currency=report.currency,
        realizedPNL=unset if report.realized_pnl is None else report.realized_pnl,
        bondYield=unset,
    )
    return protobuf_frame(Reply.COMMISSION_REPORT, body)


def open_orders_end(_: int) -> bytes:
    """No more open orders in this answer."""
    return protobuf_frame(Reply.OPEN_ORDERS_END, OpenOrdersEnd())


def order_bound(_: int, bound: OrderBound) -> bytes:
    """A manual order has an order id of a client from now on."""
    body = OrderBoundBody(permId=bound.perm_id, clientId=bound.client_id, orderId=bound.order_id)
    return protobuf_frame(Reply.ORDER_BOUND, body)


def completed_orders_end(_: int) -> bytes:
    """No more completed orders in this answer."""
    return protobuf_frame(Reply.COMPLETED_ORDERS_END, CompletedOrdersEnd())


def _contract(order: SimOrder, item: Instrument) -> object:
    return contract_of(item, exchange=order.raw.get("exchange") or "SMART", right="?")


def _order(order: SimOrder, echo: str) -> Order:
    """The fields that open and completed orders share, and those of `echo` as the client wrote them."""
    limit, aux = limit_and_aux(order)
    copy = Order(
        permId=order.perm_id,
        action=order.action,
        totalQuantity=decimal_text(order.quantity),
        orderType=order.order_type,
        lmtPrice=limit,
        auxPrice=aux,
        tif=order.tif,
        ocaGroup=order.oca_group,
        ocaType=order.oca_type,
        account=order.account,
        orderRef=order.order_ref,
        outsideRth=order.outside_rth,
        submitter=LOGIN,
        conditions=conditions_of_raw(order.raw),
    )
    fill(copy, {**_ALWAYS, "trailStopPrice": trail_stop(order), "trailingPercent": order.trailing_percent})
    fill(copy, {name: order.raw.get(name) or _DEFAULTS.get(name, "") for name in echo.split()})
    if order.raw.get("algoStrategy"):
        copy.algoStrategy = order.raw["algoStrategy"]
        parts = (order.raw.get("algoParams") or "").split(LIST_SEPARATOR)
        copy.algoParams.update(zip(parts[::2], parts[1::2], strict=False))
    return copy
