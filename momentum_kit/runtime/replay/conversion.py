"""Converts values of the simulated market and broker into ours; on the wire messages and the bridge do that."""

from datetime import date, datetime

from momentum_kit.bridge import CodeTable
from momentum_kit.errors import RequestFailed
from momentum_kit.models import (
    CommissionReport,
    Contract,
    ContractDetails,
    Execution,
    Headline,
    OpenOrder,
    OrderAction,
    OrderNotice,
    OrderPreview,
    OrderRequest,
    OrderUpdate,
    Position,
)
from momentum_kit.ports import OrderEvent
from momentum_kit.simgateway.embedding import AccountPosition, CompletedOrder, Instrument, Market
from momentum_kit.simgateway.embedding import events as sim

SIDES = {"BOT": OrderAction.BUY, "SLD": OrderAction.SELL}
NAN = float("nan")


def headline(event: sim.NewsEvent, contract: Contract | None, received_at: datetime, ns: int) -> Headline:
    """One tickNews, on the line of `contract` or on a broad tape (None)."""
    return Headline(
        provider=event.provider, article_id=event.article_id, text=event.text, published_at=event.published,
        received_at=received_at, extra=event.extra, contract=contract,
        received_ns=ns,
    )  # fmt: skip


def contract_of(item: Instrument, exchange: str = "SMART") -> Contract:
    """An instrument as the gateway names it."""
    return Contract(
        item.symbol, item.con_id, sec_type=item.sec_type, exchange=exchange, currency=item.currency,
        primary_exchange=item.primary_exchange, local_symbol=item.symbol,
        trading_class=item.trading_class,
    )  # fmt: skip


def contract_details(item: Instrument, day: date) -> ContractDetails:
    """Contract details; hours run from `day`."""
    return ContractDetails(
        contract=contract_of(item, item.valid_exchanges[0]),
        long_name=item.long_name,
        min_tick=item.min_tick,
        valid_exchanges=item.valid_exchanges,
        market_rule_ids=item.market_rule_ids,
        time_zone_id=item.time_zone_id,
        trading_hours=item.trading_hours(day),
        liquid_hours=item.liquid_hours(day),
        stock_type=item.stock_type,
        industry=item.industry,
        category=item.category,
        subcategory=item.subcategory,
    )


def sim_order(contract: Contract, order: OrderRequest, client_id: int) -> sim.SimOrder:
    """PlaceOrder; the broker draws the perm id."""
    return sim.SimOrder(
        client_id=client_id,
        order_id=order.order_id,
        perm_id=0,
        con_id=contract.con_id,
        account=order.account,
        action=order.action.value,
        quantity=order.quantity,
        order_type=order.order_type,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        tif=order.tif,
        outside_rth=order.outside_rth,
        good_after=order.good_after,
        transmit=order.transmit,
        parent_id=order.parent_id,
        oca_group=order.oca_group,
        oca_type=order.oca_type,
        order_ref=order.order_ref,
        trailing_percent=order.trailing_percent,
        trailing_amount=order.trailing_usd,
    )


def order_event(event: sim.OrderEvent, market: Market, now: datetime, codes: CodeTable) -> OrderEvent | None:
    """What the client hears of it; None where the kit does not listen."""
    match event:
        case sim.OpenOrderReport(order):
            return _open_order(order, market, now)
        case sim.StatusReport(order, status):
            return _update(order, status, now)
        case sim.ExecutionReport():
            return execution(event, market, now)
        case sim.CommissionReportDue():
            realized = NAN if event.realized_pnl is None else event.realized_pnl
            return CommissionReport(
                exec_id=event.exec_id,
                commission_usd=event.commission,
                currency=event.currency,
                realized_pnl_usd=realized,
            )
        case sim.OrderErrorReport():
            verdict = codes.verdict(event.code, "order", event.text)
            return OrderNotice(
                order_id=event.order_id,
                code=event.code,
                text=event.text,
                meaning=verdict.meaning.value,
                received_at=now,
                advice=verdict.advice,
            )
        case _:
            return None


def order_preview(answer: sim.OrderEvent, market: Market) -> OrderPreview:
    """The answer to a what-if order; RequestFailed where it was refused."""
    if isinstance(answer, sim.OrderErrorReport):
        raise RequestFailed(answer.code, answer.text)
    assert isinstance(answer, sim.OpenOrderReport)
    order, told = answer.order, answer.order.raw
    initial, maintenance, equity = (
        [float(told[f"{name}{when}"]) for when in ("Before", "Change", "After")]
        for name in ("initMargin", "maintMargin", "equityWithLoan")
    )
    return OrderPreview(
        contract=contract_of(market.instruments[order.con_id]),
        status=order.status,
        margin_before=initial[0],
        margin_change=initial[1],
        margin_after=initial[2],
        maintenance_before=maintenance[0],
        maintenance_change=maintenance[1],
        maintenance_after=maintenance[2],
        equity_before=equity[0],
        equity_change=equity[1],
        equity_after=equity[2],
        commission=float(told["commissionAndFees"]),
        least_commission=float(told["minCommissionAndFees"]),
        most_commission=float(told["maxCommissionAndFees"]),
        currency=told["commissionAndFeesCurrency"],
        margin_currency=told["marginCurrency"],
        warning="",
    )


def completed_order(done: CompletedOrder, market: Market, now: datetime) -> OpenOrder:
    """An order at its end; like IB it tells the perm id and no order id."""
    order = done.order
    request = _request(order, order_id=0)
    contract = contract_of(market.instruments[order.con_id])
    at = done.at.isoformat()
    return OpenOrder(
        contract=contract,
        request=request,
        perm_id=order.perm_id,
        client_id=0,
        status=order.status,
        received_at=now,
        completed_status=done.status,
        completed_time=at,
        filled=order.filled,
    )


def execution(report: sim.ExecutionReport, market: Market, now: datetime, *, from_request: bool = False) -> Execution:
    """One match."""
    order, item = report.order, market.instruments[report.order.con_id]
    return Execution(
        exec_id=report.exec_id,
        order_id=order.order_id,
        perm_id=order.perm_id,
        client_id=order.client_id,
        contract=Contract(
            item.symbol, item.con_id, sec_type=item.sec_type, exchange=report.exchange, currency=item.currency,
            primary_exchange="", local_symbol=item.symbol,
            trading_class=item.trading_class,
        ),
        account=order.account,
        side=SIDES[report.side],
        shares=report.shares,
        price=report.price,
        time=report.time.replace(microsecond=0),  # as the wire has it
        order_ref=order.order_ref,
        exchange=report.exchange,
        cumulative_shares=report.cumulative,
        average_price=report.average_price,
        liquidation=report.liquidation,
        received_at=now,
        from_request=from_request,
    )  # fmt: skip


def position(held: AccountPosition, market: Market, account: str) -> Position:
    """One holding."""
    return Position(
        account=account,
        contract=contract_of(market.instruments[held.con_id], ""),
        quantity=held.quantity,
        average_cost=held.average_cost,
    )


def _open_order(order: sim.SimOrder, market: Market, now: datetime) -> OpenOrder:
    contract = contract_of(market.instruments[order.con_id])
    return OpenOrder(
        contract=contract,
        request=_request(order, order.order_id),
        perm_id=order.perm_id,
        client_id=order.client_id,
        status=order.status,
        received_at=now,
    )


def _request(order: sim.SimOrder, order_id: int) -> OrderRequest:
    kind = order.order_type
    return OrderRequest(
        action=OrderAction(order.action),
        quantity=order.quantity,
        order_type=kind,
        limit_price=order.limit_price if kind in ("LMT", "STP LMT") else None,
        stop_price=order.echoed_stop if kind in ("STP", "STP LMT") or kind.startswith("TRAIL") else None,
        trailing_percent=order.trailing_percent,
        trailing_usd=order.echoed_amount,
        tif=order.tif,
        outside_rth=order.outside_rth,
        good_after=order.good_after,
        transmit=True,
        order_id=order_id,
        parent_id=order.parent_id,
        oca_group=order.oca_group,
        oca_type=order.oca_type,
        order_ref=order.order_ref,
        account=order.account,
    )


def _update(order: sim.SimOrder, status: str, now: datetime) -> OrderUpdate:
    return OrderUpdate(
        order_id=order.order_id,
        perm_id=order.perm_id,
        client_id=order.client_id,
        parent_id=order.parent_id,
        status=status,
        filled=order.filled,
        remaining=order.remaining,
        avg_fill_price=order.average_price,
        last_fill_price=order.last_fill_price,
        why_held=order.why_held,
        market_cap_price=order.market_cap_price,
        received_at=now,
    )
