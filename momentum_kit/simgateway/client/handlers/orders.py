"""Answers to requests about orders: place, modify, cancel, and what the broker knows of them."""

from datetime import date
from decimal import Decimal, InvalidOperation

from momentum_kit.simgateway.broker import TWS_CLIENT
from momentum_kit.simgateway.client.handlers.contracts import stock_of
from momentum_kit.simgateway.client.session import ClientSession
from momentum_kit.simgateway.events import SimOrder
from momentum_kit.simgateway.protocol import Request, WireError, parse_time, wire_time
from momentum_kit.simgateway.protocol.text import (
    ExecutionsRequest,
    PlaceOrder,
    commission_report,
    completed_order,
    completed_orders_end,
    execution,
    executions_end,
    open_orders_end,
)

SIDES = {"BUY": "BOT", "SELL": "SLD", "BOT": "BOT", "SLD": "SLD"}


def place(session: ClientSession, ask: PlaceOrder) -> None:
    """PlaceOrder: a new order, or a modification where this client knows the id."""
    hub = session.hub
    item = stock_of(session, ask.order_id, ask.contract)
    if item is None:
        return
    # An id that this client knows is a modification; the broker tells them apart.
    order = _sim_order(ask, session.client_id or 0, item.con_id)
    ask_broker = hub.broker.what_if if ask.raw.get("whatIf") == "1" else hub.broker.place
    hub.deliver(ask_broker(order, hub.now))


def cancel(session: ClientSession, order_id: int) -> None:
    """CancelOrder; the verdict comes as order events."""
    hub = session.hub
    hub.deliver(hub.broker.cancel(session.client_id or 0, order_id, hub.now))


def global_cancel(session: ClientSession, _: None) -> None:
    """ReqGlobalCancel."""
    hub = session.hub
    hub.deliver(hub.broker.global_cancel(session.client_id or 0, hub.now))


def open_orders(session: ClientSession, _: None) -> None:
    """ReqOpenOrders: this client's; that of client 0 binds what was entered in TWS."""
    if session.client_id == TWS_CLIENT:
        session.hub.deliver(session.hub.broker.bind_manual())
    for event in session.hub.open_orders(session.client_id):
        session.on_order(event)
    session.send(open_orders_end(session.version))


def all_open_orders(session: ClientSession, _: None) -> None:
    """ReqAllOpenOrders: every client's."""
    for event in session.hub.open_orders(None):
        session.on_order(event)
    session.send(open_orders_end(session.version))


def auto_open_orders(session: ClientSession, bind: bool) -> None:
    """ReqAutoOpenOrders, of client 0 alone: hear of orders entered in TWS from now on, and bind them if asked to."""
    if session.client_id != TWS_CLIENT:
        session.error(
            -1, 321, "Error validating request.-'bN' : cause - Only the default client (0) can auto bind orders"
        )
        return
    session.sees_manual_orders = True
    session.hub.deliver(session.hub.broker.bind_manual(new_ones=bind))


def completed_orders(session: ClientSession, api_only: bool) -> None:
    """ReqCompletedOrders."""
    for done in session.hub.completed_orders(api_only=api_only):
        item = session.hub.market.instruments[done.order.con_id]
        at = wire_time(done.at, session.version)
        session.send(completed_order(session.version, done.order, item, at, done.status))
    session.send(completed_orders_end(session.version))


def executions(session: ClientSession, ask: ExecutionsRequest) -> None:
    """ReqExecutions: those that pass the filter, each followed by its commission report where there is one."""
    hub = session.hub
    since = parse_time(ask.time)
    dates = [day for day in map(_date, ask.dates) if day]
    own = session.client_id if hub.broker.assumptions.foreign_executions == "own_client" else None
    until, costs_until = hub.listed_until("executions"), hub.listed_until("commissions")
    found = [
        report
        for report in hub.broker.executions(ask.client_id or own, since, ask.days, dates)
        if report.time <= until
        and (not ask.account or report.order.account == ask.account)
        and (not ask.symbol or hub.market.instruments[report.order.con_id].symbol == ask.symbol)
        and ask.sec_type in ("", "STK")
        and ask.exchange in ("", "SMART", report.exchange)
        and (not ask.side or report.side == SIDES.get(ask.side.upper()))
    ]
    for report in found:
        item = hub.market.instruments[report.order.con_id]
        session.send(execution(session.version, ask.request_id, report, item))
        commission = hub.broker.commission_of(report.exec_id)
        if commission is not None and report.time <= costs_until:
            session.send(commission_report(session.version, commission))
    # Whether an empty list has an End is not documented: a switch of the broker's assumptions.
    if found or hub.broker.assumptions.empty_executions == "end":
        session.send(executions_end(session.version, ask.request_id))


def _date(number: int) -> date | None:
    """YYYYMMDD; None for what is no day."""
    year, month, day = number // 10_000, number // 100 % 100, number % 100
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _sim_order(ask: PlaceOrder, client_id: int, con_id: int) -> SimOrder:
    raw = ask.raw
    kind = raw["orderType"].upper()
    aux, percent, trail_stop = (_price(raw, name) for name in ("auxPrice", "trailingPercent", "trailStopPrice"))
    trails = kind.startswith("TRAIL")
    return SimOrder(
        client_id=client_id,
        order_id=ask.order_id,
        perm_id=0,  # the broker draws it
        con_id=con_id,
        account=raw["account"],
        action=raw["action"].upper(),
        quantity=_quantity(raw["totalQuantity"]),
        order_type=kind,
        limit_price=_price(raw, "lmtPrice"),
        stop_price=trail_stop if trails else aux,
        tif=raw["tif"].upper(),
        outside_rth=raw["outsideRth"] == "1",
        good_after=parse_time(raw["goodAfterTime"]),
        transmit=raw["transmit"] == "1",
        parent_id=_whole(raw, "parentId"),
        oca_group=raw["ocaGroup"],
        oca_type=_whole(raw, "ocaType"),
        order_ref=raw["orderRef"],
        trailing_percent=percent if trails else None,
        trailing_amount=aux if trails and percent is None else None,
        raw=raw,
    )


def _price(raw: dict[str, str], name: str) -> float | None:
    text = raw[name]
    try:
        value = float(text) if text else None
    except ValueError as error:
        raise WireError(f"{name} is not a number: '{text[:40]}'") from error
    if value is not None and not abs(value) < float("inf"):
        raise WireError(f"{name} is not finite")
    return value


def _whole(raw: dict[str, str], name: str) -> int:
    text = raw[name]
    if text and not text.lstrip("-").isdigit():
        raise WireError(f"{name} is not a whole number: '{text[:40]}'")
    return int(text or 0)


def _quantity(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise WireError(f"totalQuantity is not a number: '{text[:40]}'") from error
    if not value.is_finite() or abs(value.adjusted()) > 18:
        raise WireError(f"totalQuantity is not finite: '{text[:40]}'")
    return value


HANDLERS = {
    Request.PLACE_ORDER: place,
    Request.CANCEL_ORDER: cancel,
    Request.GLOBAL_CANCEL: global_cancel,
    Request.OPEN_ORDERS: open_orders,
    Request.ALL_OPEN_ORDERS: all_open_orders,
    Request.AUTO_OPEN_ORDERS: auto_open_orders,
    Request.COMPLETED_ORDERS: completed_orders,
    Request.EXECUTIONS: executions,
}
