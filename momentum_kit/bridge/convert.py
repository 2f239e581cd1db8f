"""ibapi's mutable objects <-> our frozen models; the one place that knows IB's field names."""

import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ibapi.common import BarData
from ibapi.const import UNSET_DECIMAL, UNSET_DOUBLE, UNSET_INTEGER, UNSET_LONG
from ibapi.contract import Contract as IBContract
from ibapi.order import Order as IBOrder

from momentum_kit.bridge.times import from_epoch_ms, order_time, parse_time
from momentum_kit.models import (
    UNSET_PRICE,
    Bar,
    CommissionReport,
    Contract,
    ContractDetails,
    Execution,
    Headline,
    HeadlinePhase,
    OpenOrder,
    OrderAction,
    OrderRequest,
    TradeTick,
)

# Characters of one message that go further: a frame may have 16 MB, and the loop has other things to do.
MOST_HEADLINE, MOST_NAME, MOST_ARTICLE = 20_000, 400, 2_000_000
_UNSET_DECIMALS = frozenset(
    {UNSET_DECIMAL, Decimal("1.7976931348623157E308"), *map(Decimal, (2**31 - 1, 2**63 - 1, -(2**63)))}
)
NOTHING = -1.0  # IB's volume, average and price of a series that has none
DAY_S = 86_400
_DAY_ALONE = len("20260402")
_SIDES = {"BOT": OrderAction.BUY, "SLD": OrderAction.SELL, "BUY": OrderAction.BUY, "SELL": OrderAction.SELL}
_LIMIT_TYPES = frozenset({"LMT", "STP LMT"})
_STOP_TYPES = frozenset({"STP", "STP LMT"})


def money(value: float | None) -> float:
    """An amount; nan where IB sent its 'unset' (the largest double), nothing, or what is no number."""
    return float(value) if value is not None and value != UNSET_DOUBLE and math.isfinite(value) else UNSET_PRICE


def price(value: float | None) -> float:
    """A price that informs and decides nothing; nan for what money() cannot read, and for a negative one."""
    amount = money(value)
    return amount if amount >= 0 else UNSET_PRICE


def shares(value: Decimal | float | None) -> Decimal:
    """A number as IB sent it; its 'unset' is 0. ValueError for what is no number, or infinite."""
    if is_unset(value):
        return Decimal(0)
    number = Decimal(value)  # type: ignore[arg-type]
    if not number.is_finite():
        raise ValueError(f"{value} is no number of shares")
    return number


def is_unset(value: Decimal | float | None) -> bool:
    """True for the many ways in which IB says nothing."""
    return value is None or value in _UNSET_DECIMALS


def size(value: Decimal | float | None) -> Decimal:
    """As shares(), of what cannot be less than none: ValueError for a negative one."""
    number = shares(value)
    if number < 0:
        raise ValueError(f"{value} is no number of shares")
    return number


def holding(value: Decimal | float | None) -> Decimal:
    """Signed shares of a position. ValueError for IB's 'unset' too: unknown is not flat."""
    if is_unset(value):
        raise ValueError("a position without a number of shares")
    return shares(value)


def number(value: int | None) -> int:
    """An id or a count; IB's 'unset' is 0."""
    return 0 if value is None or value in (UNSET_INTEGER, UNSET_LONG) else int(value)


def _given(value: float | None) -> float | None:
    if value is None or value in (UNSET_DOUBLE, 0.0):
        return None
    if not math.isfinite(value):
        raise ValueError(f"{value} is no price")
    return float(value)


def to_ib_contract(contract: Contract) -> IBContract:
    """Ours -> ibapi's."""
    ib = IBContract()
    ib.conId, ib.symbol, ib.secType = contract.con_id, contract.symbol, contract.sec_type
    ib.exchange, ib.currency, ib.primaryExchange = contract.exchange, contract.currency, contract.primary_exchange
    ib.localSymbol, ib.tradingClass = contract.local_symbol, contract.trading_class
    return ib


def broad_tape_contract(provider: str) -> IBContract:
    """The pseudo contract whose ticks are all headlines of one provider."""
    ib = IBContract()
    ib.symbol, ib.secType, ib.exchange = f"{provider}:{provider}_ALL", "NEWS", provider
    return ib


def contract(ib: Any) -> Contract:
    """From ibapi's contract to ours."""
    return Contract(
        ib.symbol,
        ib.conId,
        sec_type=ib.secType,
        exchange=ib.exchange,
        currency=ib.currency,
        primary_exchange=ib.primaryExchange,
        local_symbol=ib.localSymbol,
        trading_class=ib.tradingClass,
    )


def contract_details(ib: Any) -> ContractDetails:
    """From ibapi's contract details to ours; ValueError for a tick size that is none."""
    if not 0 <= ib.minTick < math.inf:
        raise ValueError(f"a tick size of {ib.minTick}")
    return ContractDetails(
        contract=contract(ib.contract),
        long_name=ib.longName,
        min_tick=ib.minTick,
        valid_exchanges=tuple(ib.validExchanges.split(",")) if ib.validExchanges else (),
        market_rule_ids=tuple(int(rule) for rule in ib.marketRuleIds.split(",") if rule),
        time_zone_id=ib.timeZoneId,
        trading_hours=ib.tradingHours,
        liquid_hours=ib.liquidHours,
        stock_type=ib.stockType,
        industry=ib.industry,
        category=ib.category,
        subcategory=ib.subcategory,
    )


def to_ib_order(request: OrderRequest) -> IBOrder:
    """Ours -> ibapi's; a trailing order's stop_price is the trail's starting stop."""
    ib = IBOrder()
    ib.orderId, ib.parentId = request.order_id, request.parent_id
    ib.action, ib.totalQuantity, ib.orderType = request.action.value, request.quantity, request.order_type
    if request.limit_price is not None:
        ib.lmtPrice = request.limit_price
    if request.stop_price is not None:
        setattr(ib, "trailStopPrice" if request.order_type.startswith("TRAIL") else "auxPrice", request.stop_price)
    if request.trailing_percent is not None:
        ib.trailingPercent = request.trailing_percent
    if request.trailing_usd is not None:
        ib.auxPrice = request.trailing_usd
    ib.tif, ib.outsideRth, ib.transmit = request.tif, request.outside_rth, request.transmit
    if request.good_after is not None:
        ib.goodAfterTime = order_time(request.good_after)
    ib.ocaGroup, ib.ocaType = request.oca_group, request.oca_type
    ib.orderRef, ib.account = request.order_ref, request.account
    return ib


def order_request(ib: Any) -> OrderRequest:
    """From ibapi's order to ours; prices are None where the order type has none.

    Recorded: the echo of a TRAIL has no aux price, which is the amount by which it trails; so None may mean untold.
    """
    kind = ib.orderType
    trails = kind.startswith("TRAIL")
    stop = ib.trailStopPrice if trails else ib.auxPrice if kind in _STOP_TYPES else None
    return OrderRequest(
        action=OrderAction.SELL if ib.action == "SSHORT" else OrderAction(ib.action),
        quantity=size(ib.totalQuantity),
        order_type=kind,
        limit_price=_given(ib.lmtPrice) if kind in _LIMIT_TYPES else None,
        stop_price=_given(stop),
        trailing_percent=_given(ib.trailingPercent),
        trailing_usd=_given(ib.auxPrice) if trails else None,
        tif=ib.tif,
        outside_rth=bool(ib.outsideRth),
        good_after=_time_if_readable(ib.goodAfterTime),
        transmit=bool(ib.transmit),
        order_id=number(ib.orderId),
        parent_id=number(ib.parentId),
        oca_group=ib.ocaGroup,
        oca_type=number(ib.ocaType),
        order_ref=ib.orderRef,
        account=ib.account,
    )


def _time_if_readable(text: str) -> datetime | None:
    """None where there is none; one that cannot be read makes no order unreadable, least of all somebody else's."""
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None


def open_order(ib_contract: Any, ib_order: Any, state: Any, received_at: datetime) -> OpenOrder:
    """From ibapi's openOrder or completedOrder to ours."""
    return OpenOrder(
        contract=contract(ib_contract),
        request=order_request(ib_order),
        perm_id=number(ib_order.permId),
        client_id=number(ib_order.clientId),
        status=state.status,
        received_at=received_at,
        completed_status=state.completedStatus,
        completed_time=state.completedTime,
        filled=size(ib_order.filledQuantity),
    )


def execution(ib_contract: Any, ib: Any, at: datetime, received_at: datetime, *, from_request: bool) -> Execution:
    """From ibapi's execution to ours. ValueError if it does not say how many shares at which price.

    A correction (an exec id beyond '.01') to 0 shares says that the match is void; it is the only way in which a busted
    trade can be said, and refusing it would leave the day's executions unknown for good. Nothing else may have none.
    Stocks have a price above 0 (ibapi shows a missing one as 0); options expire at 0, and combinations trade below.
    """
    execution = Execution(
        exec_id=ib.execId,
        order_id=number(ib.orderId),
        perm_id=number(ib.permId),
        client_id=number(ib.clientId),
        contract=contract(ib_contract),
        account=ib.acctNumber,
        side=_SIDES[ib.side],
        shares=size(ib.shares),
        price=money(ib.price),
        time=at,
        order_ref=ib.orderRef,
        exchange=ib.exchange,
        cumulative_shares=size(ib.cumQty),
        average_price=price(ib.avgPrice),
        liquidation=bool(ib.liquidation),
        received_at=received_at,
        from_request=from_request,
    )
    void = not execution.shares and execution.correction > 1
    if is_unset(ib.shares) or not (execution.shares or void):
        raise ValueError(f"an execution of {execution.shares} shares")
    if not void and not (
        execution.price > 0 if execution.contract.sec_type in ("STK", "") else execution.price < math.inf
    ):
        raise ValueError(f"an execution at {ib.price}")
    return execution


def commission_report(ib: Any) -> CommissionReport:
    """From ibapi's report to ours; the field was renamed in API 10.33."""
    cost = ib.commissionAndFees if hasattr(ib, "commissionAndFees") else ib.commission
    return CommissionReport(
        exec_id=ib.execId, commission_usd=money(cost), currency=ib.currency, realized_pnl_usd=money(ib.realizedPNL)
    )


def bar(ib: BarData, seconds: int) -> Bar:
    """From ibapi's bar to ours. ValueError for a time without its year, or a price or volume that is no number."""
    prices = (ib.open, ib.high, ib.low, ib.close)
    if seconds < DAY_S and len(ib.date.strip()) == _DAY_ALONE:
        raise ValueError(f"a bar of {seconds} s without its time: {ib.date}")
    return checked_bar(parse_time(ib.date), seconds, prices, (ib.volume, ib.wap, ib.barCount))


def checked_bar(
    start: datetime,
    seconds: int,
    prices: tuple[float, float, float, float],
    amounts: tuple[Decimal, Decimal, int],
) -> Bar:
    """A bar; amounts: volume, wap and count, each -1 where a series has none (MIDPOINT).

    ValueError where a price or an amount is none: what traded has a price above 0, a quoted side may have none (-1).
    """
    volume, wap = float(shares(amounts[0])), float(shares(amounts[1]))
    least = 0.0 if volume != NOTHING else NOTHING - 1
    if not (all(least < price < math.inf for price in prices) and prices[2] <= prices[1]):
        raise ValueError("a bar of {}, {}, {}, {}".format(*prices))
    if volume < 0 and volume != NOTHING:
        raise ValueError(f"a bar of {volume:g} shares")
    count = number(amounts[2])
    return Bar(start, seconds, *prices, max(volume, 0.0), wap if wap > 0 else math.nan, max(count, 0))


def historical_headline(time: str, provider: str, article_id: str, text: str) -> Headline:
    """A historicalNews line -> Headline. Its time has no zone; UTC is assumed (IB documents none)."""
    return Headline(
        provider=provider[:MOST_NAME],
        article_id=article_id[:MOST_NAME],
        text=text[:MOST_HEADLINE],
        published_at=parse_time(time, default=UTC),
        received_at=None,
        phase=HeadlinePhase.BACKFILL,
    )


def trade_tick(con_id: int, text: str, received_at: datetime, received_ns: int) -> TradeTick | None:
    """RTTradeVolume 'price;size;epoch ms;day volume;day vwap;single' -> TradeTick.

    None for a line without a price or a size: IB sends such ones for volume corrections.
    """
    cost, amount, at, volume, vwap, _single = text.split(";")
    if not (cost and amount):
        return None
    price, size = float(cost), float(amount)
    if price <= 0 or size <= 0:
        return None
    if not (price < math.inf and size < math.inf):
        raise ValueError("no number")
    return TradeTick(
        con_id=con_id,
        time=from_epoch_ms(int(at)),
        price=price,
        size=size,
        total_volume=_amount(volume),
        vwap=_amount(vwap),
        received_at=received_at,
        received_ns=received_ns,
    )


def _amount(text: str) -> float:
    amount = float(text or "nan")
    return amount if 0 <= amount < math.inf else math.nan
