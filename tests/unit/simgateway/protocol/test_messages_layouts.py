"""Every message and request at every server version, against the official encoder and decoder."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.order_condition import PriceCondition
from ibapi.tag_value import TagValue

from momentum_kit.models.market import Bar
from momentum_kit.simgateway.embedding import Instrument
from momentum_kit.simgateway.events import BulletinEvent, CommissionReportDue, ExecutionReport, NewsEvent, SimOrder
from momentum_kit.simgateway.protocol.text import account, market, news, orders

VERSIONS = range(157, 227)
AT = datetime(2026, 4, 13, 19, 27, 4, tzinfo=UTC)
ITEM = Instrument(265598, "AAPL", "APPLE INC", isin="US0378331005")
ORDER = SimOrder(
    client_id=1,
    order_id=7,
    perm_id=900211,
    con_id=265598,
    account="DU9000001",
    action="SELL",
    quantity=Decimal(100),
    order_type="LMT",
    limit_price=2000.0,
    stop_price=None,
    tif="GTC",
    outside_rth=True,
    transmit=True,
    parent_id=6,
    oca_group="group",
    oca_type=3,
    order_ref="intent-1",
    status="PreSubmitted",
    raw={"algoStrategy": "Adaptive", "algoParams": "adaptivePriority\x1fUrgent", "hedgeType": "", "exchange": "SMART"},
)


@pytest.mark.parametrize("version", VERSIONS)
def test_open_order_is_read_to_its_last_field(peer: Callable[..., Any], version: int) -> None:
    """The official decoder consumes every field of openOrder and finds the order in it."""
    client = peer(version)
    client.session.send(orders.open_order(version, ORDER, ITEM))
    client.drain()
    got = client.named("openOrder")[0]
    assert (got.orderId, got.contract.conId, got.contract.exchange) == (7, 265598, "SMART")
    assert (got.order.lmtPrice, got.order.tif, got.order.parentId, got.order.ocaType) == (2000.0, "GTC", 6, 3)
    assert (got.order.permId, got.order.orderRef, got.order.outsideRth) == (900211, "intent-1", True)
    assert [str(pair) for pair in got.order.algoParams] == ["adaptivePriority=Urgent;"]
    assert got.orderState.status == "PreSubmitted"


@pytest.mark.parametrize("version", VERSIONS)
def test_completed_order_is_read_to_its_last_field(peer: Callable[..., Any], version: int) -> None:
    """A completed order carries the perm id, what was filled and when."""
    client = peer(version)
    done = replace(ORDER, filled=Decimal(100), status="Filled", raw={})
    client.session.send(orders.completed_order(version, done, ITEM, "20260413 15:27:04 US/Eastern", "Filled Size: 100"))
    client.session.send(orders.completed_orders_end(version))
    client.drain()
    got = client.named("completedOrder")[0]
    assert (got.order.permId, got.order.filledQuantity) == (900211, Decimal(100))
    assert got.orderState.completedStatus == "Filled Size: 100"
    assert len(client.named("completedOrdersEnd")) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_executions_and_their_costs(peer: Callable[..., Any], version: int) -> None:
    """An execution and its commission report, joined by execId; an opening match has no realised P&L."""
    client = peer(version)
    report = ExecutionReport(
        order=ORDER,
        exec_id="a.b.01.01",
        time=AT,
        exchange="IEX",
        side="SLD",
        shares=Decimal(100),
        price=257.95,
        cumulative=Decimal(100),
        average_price=257.95,
        liquidity=2,
    )
    cost = CommissionReportDue(client_id=1, exec_id="a.b.01.01", commission=1.0003, currency="USD", realized_pnl=None)
    client.session.send(orders.execution(version, -1, report, ITEM))
    client.session.send(orders.commission_report(version, cost))
    client.session.send(orders.order_status(version, ORDER, "Filled"))
    client.session.send(orders.executions_end(version, 5))
    client.drain()
    execution = client.named("execDetails")[0].execution
    costs = client.named("commissionAndFeesReport")[0].commissionAndFeesReport
    assert (execution.execId, execution.side, execution.lastLiquidity) == (costs.execId, "SLD", 2)
    assert execution.time == ("20260413 15:27:04 US/Eastern" if version >= 174 else "20260413  15:27:04")
    assert costs.realizedPNL > 1e300
    assert client.named("orderStatus")[0].permId == 900211


@pytest.mark.parametrize("version", VERSIONS)
def test_contract_messages(peer: Callable[..., Any], version: int) -> None:
    """contractDetails, symbolSamples and marketRule."""
    client = peer(version)
    client.session.send(market.contract_details(version, 3, replace(ITEM, long_name="CAFÉ INC"), AT.date()))
    client.session.send(market.contract_details_end(version, 3))
    client.session.send(market.symbol_samples(version, 4, [ITEM, ITEM]))
    client.session.send(market.market_rule(version, 26, ((0.0, 0.0001), (1.0, 0.01))))
    client.drain()
    details = client.named("contractDetails")[0].contractDetails
    assert (details.contract.conId, details.longName, details.minTick) == (265598, "CAFÉ INC", 0.01)
    assert (details.marketRuleIds.split(",")[0], details.stockType) == ("26", "COMMON")
    assert [match.contract.symbol for match in client.named("symbolSamples")[0].contractDescriptions] == ["AAPL"] * 2
    assert [(band.lowEdge, band.increment) for band in client.named("marketRule")[0].priceIncrements][1] == (1.0, 0.01)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("count", [0, 2])
def test_history_ends_once(peer: Callable[..., Any], version: int, count: int) -> None:
    """History and exactly one end, before and after the end got a message of its own."""
    client = peer(version)
    bars = [Bar(AT + timedelta(minutes=n), 60, 254.2, 254.8, 250.65, 252.53, 2829736.0, 252.266, 13633) for n in (0, 1)]
    client.session.send(market.historical_data(version, 9, bars[:count], AT, AT, 2))
    client.drain()
    assert [call.bar.date for call in client.named("historicalData")] == ["1776108424", "1776108484"][:count]
    assert len(client.named("historicalDataEnd")) == 1


def test_days_are_stamped_as_dates() -> None:
    """A daily bar is YYYYMMDD under both date formats."""
    day = Bar(datetime(2026, 4, 13, 4, tzinfo=UTC), 86_400, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1)
    assert [market.bar_time(day, 200, kind) for kind in (1, 2)] == ["20260413", "20260413"]


@pytest.mark.parametrize("version", [157, 178, 200, 205, 209, 226])
def test_ticks_news_and_account(peer: Callable[..., Any], version: int) -> None:
    """Messages whose layout no version changes."""
    client = peer(version)
    headline = NewsEvent(
        time=AT,
        published=AT,
        provider="BRFG",
        article_id="BRFG$1",
        text="Zürich &\nco",
        extra="A:1:L:en",
        con_ids=(265598,),
    )
    bar = Bar(AT, 5, 1.0, 2.0, 0.5, 1.5, 300.0, 1.25, 4)
    for message in (
        market.tick_price(version, 1, 4, 257.95, 100),
        market.tick_size(version, 1, 8, 12345),
        market.tick_generic(version, 1, 49, 0.0),
        market.tick_string(version, 1, 77, "1;2;3;4;5;true"),
        market.tick_req_params(version, 1, 0.01),
        market.tick_snapshot_end(version, 1),
        market.market_data_type(version, 1, 3),
        market.real_time_bar(version, 2, bar),
        market.head_timestamp(version, 3, AT, 1),
        news.news_providers(version, [("BRFG", "Briefing.com General Market Columns")]),
        news.tick_news(version, 1, headline),
        news.historical_news(version, 6, headline),
        news.historical_news_end(version, 6, True),
        news.news_article(version, 7, 0, "<p>body</p>"),
        account.account_summary(version, 8, "DU1", "BuyingPower", "300000.00", "USD"),
        account.account_summary_end(version, 8),
        account.account_value(version, "DU1", "NetLiquidation", "1.00", "USD"),
        account.account_update_time(version, "15:27"),
        account.portfolio_value(version, "DU1", ITEM, Decimal(5), 257.9, 250.0),
        account.account_download_end(version, "DU1"),
        account.position(version, "DU1", ITEM, Decimal(-5), 200.25),
        account.position_end(version),
        orders.open_orders_end(version),
    ):
        client.session.send(message)
    client.drain()
    assert client.named("tickNews")[0].headline == "Zürich & co"
    assert client.named("historicalNews")[0].headline == "{A:1:L:en}Zürich & co"
    assert client.named("historicalNews")[0].time == "2026-04-13 19:27:04.0"
    assert client.named("realtimeBar")[0].wap == Decimal("1.2500")
    assert client.named("updatePortfolio")[0].unrealizedPNL == pytest.approx(39.5)
    assert client.named("position")[0].position == Decimal(-5)
    assert client.named("headTimestamp")[0].headTimestamp == "20260413-19:27:04" + ("Z" if version >= 214 else "")
    assert len({name for name, _ in client.calls}) >= 23


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_keep_their_text_and_time(peer: Callable[..., Any], version: int) -> None:
    """Errors of all layouts; non-ASCII text survives, the time is market time from 194."""
    client = peer(version)
    client.session.error(12, 201, "Order rejected « reason:\nno", '{"8229":"x"}')
    client.drain()
    got = client.named("error")[-1]
    assert (got.reqId, got.errorCode, got.errorString) == (12, 201, "Order rejected « reason:\nno")
    assert got.advancedOrderRejectJson == ('{"8229":"x"}' if version >= 166 else "")
    assert got.errorTime == (int(client.session.hub.now.timestamp() * 1000) if version >= 194 else 0)


def _rich_order() -> Order:
    order = Order()
    order.action, order.totalQuantity, order.orderType, order.lmtPrice = "BUY", Decimal(3), "LMT", 100.5
    order.tif, order.orderRef, order.ocaGroup, order.transmit = "GTC", "mine", "g", True
    order.outsideRth, order.algoStrategy, order.algoParams = True, "Adaptive", [TagValue("adaptivePriority", "Urgent")]
    order.conditions = [PriceCondition(2, 265598, "SMART", False, 90.0)]
    order.hedgeType, order.hedgeParam = "D", "1"
    order.scalePriceIncrement = 0.5
    return order


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rich_order_is_echoed_as_it_was_sent(peer: Callable[..., Any], aapl: Contract, version: int) -> None:
    """An order with algo, hedge, scale and condition fields is read in step: the echo says the same."""
    client = peer(version)
    client.client.placeOrder(41, aapl, _rich_order())
    assert not [args for args in client.named("error") if args.reqId == 41]
    echo = client.named("openOrder")[0].order
    assert (echo.orderRef, echo.lmtPrice, echo.totalQuantity, echo.tif) == ("mine", 100.5, Decimal(3), "GTC")
    assert (echo.ocaGroup, echo.outsideRth, echo.hedgeType, echo.hedgeParam) == ("g", True, "D", "1")
    assert (echo.conditions[0].price, echo.conditions[0].conId, len(echo.algoParams)) == (90.0, 265598, 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_requests_are_read_in_step(peer: Callable[..., Any], aapl: Contract, version: int) -> None:
    """Requests whose layout depends on the version reach their handler with the right fields."""
    client = peer(version)
    api = client.client
    api.reqContractDetails(21, aapl)
    api.reqHistoricalData(22, aapl, "", "2 D", "1 hour", "TRADES", 1, 1, False, [])
    api.reqExecutions(23, ExecutionFilter())
    api.reqMktData(24, aapl, "375,236", False, False, [])
    api.cancelMktData(24)
    api.reqRealTimeBars(25, aapl, 5, "TRADES", True, [])
    api.cancelRealTimeBars(25)
    api.reqHeadTimeStamp(26, aapl, "TRADES", 1, 1)
    api.reqMatchingSymbols(27, "AAP")
    api.reqAccountSummary(28, "All", "NetLiquidation,BuyingPower")
    api.reqHistoricalNews(29, 265598, "BRFG", "", "", 10, [])
    api.cancelOrder(77, OrderCancel())
    api.reqGlobalCancel(OrderCancel())
    api.reqIds(1)
    errors = [
        (args.reqId, args.errorCode) for args in client.named("error") if args.errorCode not in (2104, 2106, 2158)
    ]
    assert errors == [(77, 10147)]
    assert client.named("contractDetailsEnd")[0].reqId == 21
    assert client.named("historicalDataEnd")[0].reqId == 22
    assert client.named("execDetailsEnd")[0].reqId == 23
    assert client.named("tickReqParams")[0].tickerId == 24
    assert client.named("headTimestamp")[0].reqId == 26
    assert client.named("symbolSamples")[0].contractDescriptions[0].contract.symbol == "AAPL"
    assert {args.tag for args in client.named("accountSummary")} == {"NetLiquidation", "BuyingPower"}
    assert client.named("historicalNewsEnd")[0].requestId == 29
    assert len(client.named("nextValidId")) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_holdings_by_account_and_bulletins(peer: Callable[..., Any], version: int) -> None:
    """Both are read whole: shares and cost, and words with the exchange they are about."""
    client = peer(version)
    client.session.send(account.position_multi(version, 9, "DU9000001", ITEM, Decimal("-12.5"), 3.25))
    client.session.send(account.position_multi_end(version, 9))
    client.session.send(news.news_bulletin(version, BulletinEvent(4, 2, "Exchange down", "NYSE")))
    client.drain()
    held, bulletin = client.named("positionMulti")[0], client.named("updateNewsBulletin")[0]
    assert (held.reqId, held.account, held.modelCode, held.contract.symbol) == (9, "DU9000001", "", "AAPL")
    assert (held.pos, held.avgCost) == (Decimal("-12.5"), 3.25)
    assert client.named("positionMultiEnd")[0].reqId == 9
    assert (bulletin.msgId, bulletin.msgType, bulletin.newsMessage, bulletin.originExch) == (
        4, 2, "Exchange down", "NYSE",
    )  # fmt: skip
