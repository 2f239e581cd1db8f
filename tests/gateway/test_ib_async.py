"""ib_async, unmodified, as an independent second client: server version 178."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from ib_async import IB, Contract, LimitOrder, MarketOrder, ScannerSubscription, Stock, StopOrder

from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    """A morning at four hundred times its speed: ib_async knows no lock-step (its last version is 178)."""
    news = {"planted": 2, "neutral": 6, "earlier": 6}
    scenario = parse_scenario({"name": "second", "seed": 4, "news": news, "universe": {"small_caps": 6}})
    async with SimulatedGateway(scenario, speed=400) as serving:
        yield serving


@pytest.fixture
async def ib(gateway: SimulatedGateway) -> AsyncIterator[IB]:
    """Connected, with everything its connect asks for answered in time."""
    ib = IB()
    ib.RaiseRequestErrors = True
    await ib.connectAsync("127.0.0.1", gateway.port, clientId=7, timeout=60)
    yield ib
    ib.disconnect()


async def test_history(ib: IB) -> None:
    """Contract details, search, bars with aware times, head timestamp."""
    stock = Stock("AAPL", "SMART", "USD")
    (details,) = await ib.reqContractDetailsAsync(stock)
    assert (details.contract.conId, details.longName, details.minTick) == (265598, "APPLE INC", 0.01)
    assert ib.client.serverVersion() == 178
    bars = await ib.reqHistoricalDataAsync(details.contract, "", "2 D", "5 mins", "TRADES", True)
    assert len(bars) >= 78
    assert bars[0].date.utcoffset() == timedelta(hours=-5)
    days = await ib.reqHistoricalDataAsync(details.contract, "", "10 D", "1 day", "TRADES", True)
    assert len(days) >= 9
    matches = await ib.reqMatchingSymbolsAsync("AAP")
    assert matches[0].contract.symbol == "AAPL"
    rule = await ib.reqMarketRuleAsync(26)
    assert [band.increment for band in rule] == [0.0001, 0.01]


async def test_news(ib: IB, gateway: SimulatedGateway) -> None:
    """Providers, the broad tape live, history and an article."""
    providers = await ib.reqNewsProvidersAsync()
    assert "BRFG" in {provider.code for provider in providers}
    arrived = asyncio.Event()
    ib.tickNewsEvent += lambda _news: arrived.set()
    for provider in providers:
        tape = Contract(secType="NEWS", symbol=f"{provider.code}:{provider.code}_ALL", exchange=provider.code)
        (qualified,) = await ib.qualifyContractsAsync(tape)
        ib.reqMktData(qualified, "mdoff,292")
    await asyncio.wait_for(arrived.wait(), 60)
    tick = ib.newsTicks()[0]
    article = await ib.reqNewsArticleAsync(tick.providerCode, tick.articleId)
    assert article.articleText
    con_id = gateway.hub.market.find(symbol=gateway.truth()["planted"][0]["symbol"])[0].con_id
    codes = "+".join(provider.code for provider in providers)
    assert isinstance(await ib.reqHistoricalNewsAsync(con_id, codes, "", "", 10), list)


async def test_quotes(ib: IB) -> None:
    """A ticker fills with bid, ask, last, volume and RTTradeVolume; a snapshot ends."""
    stock = Stock("AAPL", "SMART", "USD", conId=265598)
    ticker = ib.reqMktData(stock, "375")
    while not (ticker.bid > 0 and ticker.ask > ticker.bid and ticker.last > 0 and ticker.rtTradeVolume > 0):
        await asyncio.wait_for(ticker.updateEvent, 60)
    assert ticker.halted == 0
    assert ticker.close > 0
    ib.cancelMktData(stock)
    (snapshot,) = await ib.reqTickersAsync(stock)
    assert snapshot.bid > 0


async def test_a_bracket_to_its_exit(ib: IB) -> None:
    """Entry fills, the stop rests as PreSubmitted, the target becomes a market order: flat, with commissions."""
    stock = Stock("AAPL", "SMART", "USD", conId=265598)
    entry = LimitOrder("BUY", 10, 400.0, orderId=ib.client.getReqId(), tif="DAY", transmit=False)
    target = LimitOrder("SELL", 10, 900.0, orderId=ib.client.getReqId(), tif="GTC", transmit=False)
    stop = StopOrder("SELL", 10, 10.0, orderId=ib.client.getReqId(), tif="GTC")
    target.parentId = stop.parentId = entry.orderId
    trades = [ib.placeOrder(stock, order) for order in (entry, target, stop)]
    await _until(lambda: trades[0].orderStatus.status == "Filled", ib)
    await _until(lambda: trades[2].orderStatus.status == "PreSubmitted", ib)
    await _until(lambda: [position.position for position in ib.positions()] == [10], ib)
    exit_order = MarketOrder("SELL", 10, orderId=target.orderId, tif="GTC")
    exit_order.parentId, exit_order.ocaGroup, exit_order.ocaType = entry.orderId, target.ocaGroup, target.ocaType
    leaving = ib.placeOrder(stock, exit_order)
    await _until(lambda: leaving.orderStatus.status == "Filled", ib)
    await _until(lambda: trades[2].orderStatus.status == "Cancelled", ib)
    await _until(lambda: ib.positions() == [], ib)  # a modified order is told Filled before its execution
    assert sum(fill.execution.shares for fill in await ib.reqExecutionsAsync()) == 20
    await _until(lambda: all(fill.commissionReport.commission > 0 for fill in ib.fills()), ib)
    assert await ib.reqAllOpenOrdersAsync() == []
    assert {trade.orderStatus.status for trade in await ib.reqCompletedOrdersAsync(True)} == {"Filled", "Cancelled"}


async def test_what_notebooks_ask(ib: IB) -> None:
    """A scan, single ticks of the past and as they come, 5 s bars, profit, a what-if order, the head of history."""
    stock = Stock("AAPL", "SMART", "USD", conId=265598)
    rows = await ib.reqScannerDataAsync(ScannerSubscription(instrument="STK", locationCode="STK.US.MAJOR",
                                                            scanCode="MOST_ACTIVE", numberOfRows=3))  # fmt: skip
    assert [row.rank for row in rows] == [0, 1, 2]
    ticks = await ib.reqHistoricalTicksAsync(stock, "", ib_now(await ib.reqCurrentTimeAsync()), 10, "TRADES", True)
    assert len(ticks) >= 10
    assert (await ib.reqHeadTimeStampAsync(stock, "TRADES", True, 2)).tzinfo
    state = await ib.whatIfOrderAsync(stock, LimitOrder("BUY", 100, 150.0))
    assert float(state.initMarginChange) > 0
    profit = ib.reqPnL("DU9000001")
    await _until(lambda: profit.dailyPnL == profit.dailyPnL, ib)
    bars, ticker = ib.reqRealTimeBars(stock, 5, "TRADES", False), ib.reqTickByTickData(stock, "Last")
    await _until(lambda: len(bars) > 1 and ticker.tickByTicks, ib)
    assert bars[1].time - bars[0].time == timedelta(seconds=5)
    assert await ib.reqAllOpenOrdersAsync() == []


def ib_now(at: datetime) -> str:
    """A moment as IB's requests write it, UTC."""
    return f"{at:%Y%m%d-%H:%M:%S}"


async def test_account(ib: IB) -> None:
    """Summary and values were loaded while connecting and say the same."""
    summary = {line.tag: line.value for line in await ib.accountSummaryAsync() if line.currency == "USD"}
    values = {line.tag: line.value for line in ib.accountValues() if line.currency == "USD"}
    assert summary["NetLiquidation"] == values["NetLiquidation"]
    assert ib.managedAccounts() == ["DU9000001"]


async def _until(condition: object, ib: IB) -> None:
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]
            await ib.updateEvent
