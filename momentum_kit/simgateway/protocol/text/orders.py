"""Messages of orders: openOrder, orderStatus, execDetails, commission reports, completed orders.

Field order and defaults follow the official client's decoder; what a live gateway was recorded to put into unused
fields (None, 2147483647, unset doubles) is kept.
"""

from momentum_kit.simgateway.events import CommissionReportDue, ExecutionReport, OrderBound, SimOrder
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.protocol.numbers import Reply
from momentum_kit.simgateway.protocol.twins import COMMISSIONS, COMPLETED_ORDERS, EXECUTIONS, PLACE_ORDER, protobuf_from
from momentum_kit.simgateway.protocol.wire import UNSET_DOUBLE, UNSET_INTEGER, Field, message, wire_time

DURATION, POST_TO_ATS, AUTO_CANCEL_PARENT, PEG_OFFSETS = 158, 160, 162, 170
NO_FA_PROFILE, PRICE_REVISION = 177, 178
CUSTOMER_ACCOUNT, PROFESSIONAL, ACCRUED_INTEREST, OVERNIGHT = 183, 184, 185, 189
CME_TAGS_IN_OPEN_ORDER, PREVIEW_FIELDS, SUBMITTER, IMBALANCE_ONLY = 193, 195, 198, 199
PREVIEW = tuple(  # of a what-if order; the broker's what_if puts them into SimOrder.raw
    f"{amount}{when}"
    for when in ("Before", "Change", "After")
    for amount in ("initMargin", "maintMargin", "equityWithLoan")
)
PREVIEW_COSTS = ("commissionAndFees", "minCommissionAndFees", "maxCommissionAndFees", "commissionAndFeesCurrency")
_NO_SIZE = "-9223372036854775808"  # how IB writes an unset decimal here
LOGIN = "papertrader"  # who submitted an order, as the gateway names its user
LIST_SEPARATOR = "\x1f"  # joins the fields of a list inside SimOrder.raw


@protobuf_from(PLACE_ORDER)
def order_status(version: int, order: SimOrder, status: str) -> bytes:
    """Where an order stands."""
    return message(
        version,
        Reply.ORDER_STATUS,
        order.order_id,
        status,
        order.filled,
        order.remaining,
        order.average_price,
        order.perm_id,
        order.parent_id,
        order.last_fill_price,
        order.client_id,
        order.why_held,
        order.market_cap_price,
    )


@protobuf_from(PLACE_ORDER)
def open_order(version: int, order: SimOrder, item: Instrument) -> bytes:
    """The broker's copy of a working order, about 150 fields."""
    fields: list[Field] = [order.order_id, *_contract(order, item), *_main(order)]
    fields += [order.client_id, order.perm_id, order.outside_rth, _raw(order, "hidden", "0")]
    fields += [_raw(order, "discretionaryAmt", "0"), _raw(order, "goodAfterTime")]
    fields += [f"{order.perm_id}.0/{order.account}/100", *_allocation(version, order), *_short_sale(order)]
    fields += [_raw(order, "auctionStrategy", "0"), *_box(order), _raw(order, "displaySize", UNSET_INTEGER)]
    fields += [_raw(order, "blockOrder", "0"), _raw(order, "sweepToFill", "0"), _raw(order, "allOrNone", "0")]
    fields += [_raw(order, "minQty"), order.oca_type, "0", "0", "", order.parent_id]
    fields += [_raw(order, "triggerMethod", "0"), *_volatility(order)]
    # deltaNeutralOrderType None is text, so its eight companions follow
    fields += ["None", "", "0", "", "", "", "?", "0", "0", ""]
    fields += ["0", "0", *_trail(order), "", "", *_no_legs(), _raw(order, "hedgeType"), *_hedge(order)]
    fields += [_raw(order, "optOutSmartRouting", "0"), *_clearing(order), *_algo(order), _raw(order, "solicited", "0")]
    fields += [_raw(order, "whatIf", "0"), order.status, *_preview(version, order)]
    fields += [_raw(order, "randomizeSize", "0"), _raw(order, "randomizePrice", "0"), *_conditions(order)]
    fields += ["None", UNSET_DOUBLE, trail_stop(order), UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, UNSET_DOUBLE, "0"]
    fields += ["", "", "", _raw(order, "cashQty", "0"), "1", "0", "0", _raw(order, "usePriceMgmtAlgo", "0")]
    return message(version, Reply.OPEN_ORDER, *fields, *_open_order_tail(version, order))


def _open_order_tail(version: int, order: SimOrder) -> list[str]:
    tail = [
        (DURATION, [_raw(order, "duration")]),
        (POST_TO_ATS, [_raw(order, "postToAts")]),
        (AUTO_CANCEL_PARENT, [_raw(order, "autoCancelParent", "0")]),
        (PEG_OFFSETS, [""] * 5),
        (CUSTOMER_ACCOUNT, [_raw(order, "customerAccount")]),
        (PROFESSIONAL, [_raw(order, "professionalCustomer", "0")]),
        (ACCRUED_INTEREST, [""]),
        (OVERNIGHT, [_raw(order, "includeOvernight", "0")]),
        (CME_TAGS_IN_OPEN_ORDER, [_raw(order, "extOperator"), _raw(order, "manualOrderIndicator", UNSET_INTEGER)]),
        (SUBMITTER, [LOGIN]),
        (IMBALANCE_ONLY, [_raw(order, "imbalanceOnly", "0")]),
    ]
    return [field for since, fields in tail if version >= since for field in fields]


@protobuf_from(COMPLETED_ORDERS)
def completed_order(
    version: int, order: SimOrder, item: Instrument, completed_time: str, completed_status: str
) -> bytes:
    """The broker's copy of a finished order; it carries no order id, only its perm id."""
    fields: list[Field] = [*_contract(order, item), *_main(order), order.perm_id]
    fields += [order.outside_rth, _raw(order, "hidden", "0"), _raw(order, "discretionaryAmt", "0")]
    fields += [_raw(order, "goodAfterTime"), *_allocation(version, order), *_short_sale(order), *_box(order)]
    fields += [_raw(order, "displaySize", UNSET_INTEGER), _raw(order, "sweepToFill", "0")]
    fields += [_raw(order, "allOrNone", "0"), _raw(order, "minQty"), order.oca_type]
    fields += [_raw(order, "triggerMethod", "0"), *_volatility(order), "None", "", "0", "0", "0", ""]
    fields += ["0", "0", *_trail(order), *_no_legs(), _raw(order, "hedgeType"), *_hedge(order)]
    fields += [*_clearing(order), *_algo(order), _raw(order, "solicited", "0"), order.status]
    fields += [_raw(order, "randomizeSize", "0"), _raw(order, "randomizePrice", "0"), *_conditions(order)]
    fields += [trail_stop(order), UNSET_DOUBLE, _raw(order, "cashQty", "0"), "1", "0", "", order.filled, "0"]
    fields += ["0", "", "0", "0", _parent_perm_id(order), completed_time, completed_status]
    fields += [""] * 5 if version >= PEG_OFFSETS else []
    fields += [_raw(order, "customerAccount")] if version >= CUSTOMER_ACCOUNT else []
    fields += [_raw(order, "professionalCustomer", "0")] if version >= PROFESSIONAL else []
    return message(version, Reply.COMPLETED_ORDER, *fields, *([LOGIN] if version >= SUBMITTER else []))


@protobuf_from(EXECUTIONS)
def execution(version: int, request_id: int, report: ExecutionReport, item: Instrument) -> bytes:
    """One match; request_id -1 when it just happened."""
    order = report.order
    contract = (item.con_id, item.symbol, item.sec_type, "", "0.0", "", "", report.exchange)
    names = (item.currency, item.symbol, item.trading_class)
    match = (report.exec_id, wire_time(report.time, version), order.account, report.exchange, report.side)
    size = (report.shares, report.price, order.perm_id, order.client_id, report.liquidation)
    tail: list[Field] = [report.cumulative, report.average_price, order.order_ref, "", "", "", report.liquidity]
    tail += ["0"] if version >= PRICE_REVISION else []
    tail += [""] if version >= SUBMITTER else []
    return message(version, Reply.EXECUTION, request_id, order.order_id, *contract, *names, *match, *size, *tail)


@protobuf_from(EXECUTIONS)
def executions_end(version: int, request_id: int) -> bytes:
    """No more executions in this answer."""
    return message(version, Reply.EXECUTIONS_END, 1, request_id)


@protobuf_from(COMMISSIONS)
def commission_report(version: int, report: CommissionReportDue) -> bytes:
    """What one execution cost; where nothing was closed realizedPNL is unset."""
    realized: Field = UNSET_DOUBLE if report.realized_pnl is None else report.realized_pnl
    money = (report.commission, report.currency, realized, UNSET_DOUBLE, "")
    return message(version, Reply.COMMISSION_REPORT, 1, report.exec_id, *money)


@protobuf_from(PLACE_ORDER)
def open_orders_end(version: int) -> bytes:
    """No more open orders in this answer."""
    return message(version, Reply.OPEN_ORDERS_END, 1)


@protobuf_from(COMPLETED_ORDERS)
def order_bound(version: int, bound: OrderBound) -> bytes:
    """A manual order has an order id of a client from now on."""
    return message(version, Reply.ORDER_BOUND, bound.perm_id, bound.client_id, bound.order_id)


@protobuf_from(COMPLETED_ORDERS)
def completed_orders_end(version: int) -> bytes:
    """No more completed orders in this answer."""
    return message(version, Reply.COMPLETED_ORDERS_END)


def _raw(order: SimOrder, name: str, default: str = "") -> str:
    return order.raw.get(name) or default


def _contract(order: SimOrder, item: Instrument) -> list[Field]:
    exchange = _raw(order, "exchange", "SMART")
    names = [exchange, item.currency, item.symbol, item.trading_class]
    return [item.con_id, item.symbol, item.sec_type, "", "0", "?", "", *names]


def limit_and_aux(order: SimOrder) -> tuple[float, float | None]:
    """LmtPrice and auxPrice of an echo, None where it has none.

    Recorded: that of a TRAIL has a limit price near its trigger and no aux price; the trigger is in trailStopPrice.
    """
    if order.order_type == "TRAIL":
        return round(order.echoed_stop or 0.0, 2), order.echoed_amount
    return order.limit_price or 0.0, order.stop_price or 0.0


def _main(order: SimOrder) -> list[Field]:
    limit, aux = limit_and_aux(order)
    kind: list[Field] = [order.action, order.quantity, order.order_type, limit, aux, order.tif]
    return [
        *kind,
        order.oca_group,
        order.account,
        _raw(order, "openClose"),
        _raw(order, "origin", "0"),
        order.order_ref,
    ]


def _allocation(version: int, order: SimOrder) -> list[Field]:
    groups: list[Field] = [_raw(order, "faGroup"), _raw(order, "faMethod"), _raw(order, "faPercentage")]
    groups += [] if version >= NO_FA_PROFILE else [""]
    rest = ("modelCode", "goodTillDate", "rule80A", "percentOffset", "settlingFirm")
    return groups + [_raw(order, name) for name in rest]


def _short_sale(order: SimOrder) -> list[Field]:
    return [_raw(order, "shortSaleSlot", "0"), _raw(order, "designatedLocation"), _raw(order, "exemptCode", "-1")]


def _box(order: SimOrder) -> list[Field]:
    return [
        _raw(order, name) for name in ("startingPrice", "stockRefPrice", "delta", "stockRangeLower", "stockRangeUpper")
    ]


def _volatility(order: SimOrder) -> list[Field]:
    return [_raw(order, "volatility"), _raw(order, "volatilityType", "0")]


def _trail(order: SimOrder) -> list[Field]:
    return [_raw(order, "trailStopPrice"), order.trailing_percent, ""]


def trail_stop(order: SimOrder) -> Field:
    """What stands in trailStopPrice."""
    if order.order_type.startswith("TRAIL"):
        return UNSET_DOUBLE if order.echoed_stop is None else order.echoed_stop
    # IB fills the unused field with a price one dollar beyond the limit
    beyond = -1.0 if order.action == "BUY" else 1.0
    return UNSET_DOUBLE if order.limit_price is None else order.limit_price + beyond


def _no_legs() -> list[Field]:
    return ["0", "0", "0", UNSET_INTEGER, UNSET_INTEGER, ""]


def _hedge(order: SimOrder) -> list[Field]:
    return [_raw(order, "hedgeParam")] if _raw(order, "hedgeType") else []


def _clearing(order: SimOrder) -> list[Field]:
    intent = _raw(order, "clearingIntent", "IB")
    return [_raw(order, "clearingAccount"), intent, _raw(order, "notHeld", "0"), "0"]


def _algo(order: SimOrder) -> list[Field]:
    strategy = _raw(order, "algoStrategy")
    if not strategy:
        return [""]
    parameters = order.raw.get("algoParams", "").split(LIST_SEPARATOR) if order.raw.get("algoParams") else []
    return [strategy, len(parameters) // 2, *parameters]


def _conditions(order: SimOrder) -> list[Field]:
    text = order.raw.get("conditions", "")
    if not text:
        return ["0"]
    rules = (_raw(order, "conditionsIgnoreRth", "0"), _raw(order, "conditionsCancelOrder", "0"))
    return [_raw(order, "conditionsCount", "0"), *text.split(LIST_SEPARATOR), *rules]


def _preview(version: int, order: SimOrder) -> list[Field]:
    preview: list[Field] = [_raw(order, name, UNSET_DOUBLE) for name in PREVIEW]
    preview += [_raw(order, name) for name in PREVIEW_COSTS]
    if version >= PREVIEW_FIELDS:
        preview += [_raw(order, "marginCurrency"), *[UNSET_DOUBLE] * len(PREVIEW), _NO_SIZE, "", "0"]
    return [*preview, ""]


def _parent_perm_id(order: SimOrder) -> str:
    return _raw(order, "parentPermId", "0")
