"""What ib_async gets out of a gateway, under the names of official_client.py; needs nothing but ib_async.

`python ib_async_client.py PORT`; the market must run by itself, faster than the clock (ib_async knows no lock-step).
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from ib_async import IB, LimitOrder, MarketOrder, Stock, StopOrder
from ib_async.util import UNSET_DOUBLE

TIMEOUT_S = 30.0
AAPL = Stock("AAPL", "SMART", "USD")
Check = Callable[[IB], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def capability(name: str) -> Callable[[Check], Check]:
    """Add a check to the table, in the order of this file."""

    def add(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return add


async def until(ib: IB, condition: Callable[[], Any], what: str) -> Any:
    """Wait for something, looking again after every message."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while not (found := condition()):
                await ib.updateEvent
    except TimeoutError:
        raise AssertionError(f"no {what}") from None
    return found


@capability("farms and accounts")
async def _(ib: IB) -> None:
    assert ib.managedAccounts()


@capability("ids and clocks")
async def _(ib: IB) -> None:
    assert (await ib.reqCurrentTimeAsync()).year == 2026


@capability("contract details")
async def _(ib: IB) -> None:
    (details,) = await ib.reqContractDetailsAsync(AAPL)
    assert (details.contract.conId, details.longName) == (265598, "APPLE INC")
    await ib.qualifyContractsAsync(AAPL)


@capability("unknown contract (200)")
async def _(ib: IB) -> None:
    assert not await ib.reqContractDetailsAsync(Stock("NOSUCH", "SMART", "USD"))


@capability("symbol search and rules")
async def _(ib: IB) -> None:
    assert (await ib.reqMatchingSymbolsAsync("AAP"))[0].contract.symbol == "AAPL"
    assert [band.increment for band in await ib.reqMarketRuleAsync(26)] == [0.0001, 0.01]


@capability("history: bars and days")
async def _(ib: IB) -> None:
    assert len(await ib.reqHistoricalDataAsync(AAPL, "", "2 D", "5 mins", "TRADES", True)) >= 78
    assert len(await ib.reqHistoricalDataAsync(AAPL, "", "5 D", "1 day", "MIDPOINT", True)) >= 4


@capability("history refused")
async def _(ib: IB) -> None:
    assert not await ib.reqHistoricalDataAsync(AAPL, "", "1 D", "7 mins", "TRADES", True)


@capability("head timestamp")
async def _(ib: IB) -> None:
    assert (await ib.reqHeadTimeStampAsync(AAPL, "TRADES", True, 2)).year >= 2020


@capability("quotes, prints, snapshot")
async def _(ib: IB) -> None:
    ticker = ib.reqMktData(AAPL, "233,236,375")
    await until(ib, lambda: ticker.bid > 0 and ticker.last > 0, "quotes")
    await until(ib, lambda: ticker.rtTime is not None, "RTVolume")
    ib.cancelMktData(AAPL)
    (snapshot,) = await ib.reqTickersAsync(AAPL)
    assert snapshot.ask > snapshot.bid


@capability("5 s bars")
async def _(ib: IB) -> None:
    bars = ib.reqRealTimeBars(AAPL, 5, "TRADES", False)
    await until(ib, lambda: len(bars), "bar")
    ib.cancelRealTimeBars(bars)


@capability("news: history and article")
async def _(ib: IB) -> None:
    codes = "+".join(provider.code for provider in await ib.reqNewsProvidersAsync())
    lines = await ib.reqHistoricalNewsAsync(265598, codes, "", "", 20)
    line = lines[0] if isinstance(lines, list) else lines
    assert (await ib.reqNewsArticleAsync(line.providerCode, line.articleId)).articleText


@capability("account and positions")
async def _(ib: IB) -> None:
    assert {"NetLiquidation", "BuyingPower"} <= {value.tag for value in await ib.accountSummaryAsync()}
    await ib.reqPositionsAsync()


@capability("market order to commission")
async def _(ib: IB) -> None:
    trade = ib.placeOrder(AAPL, MarketOrder("BUY", 10, tif="DAY", orderRef="matrix"))
    await until(ib, lambda: trade.isDone() and all(fill.commissionReport.execId for fill in trade.fills), "commission")
    assert trade.orderStatus.status == "Filled"
    assert trade.fills


@capability("bracket, staged")
async def _(ib: IB) -> None:
    entry = LimitOrder("BUY", 10, 900.0, tif="DAY", orderId=ib.client.getReqId(), transmit=False)
    target = LimitOrder("SELL", 10, 990.0, tif="GTC", orderId=ib.client.getReqId(), transmit=False)
    stop = StopOrder("SELL", 10, 10.0, tif="GTC", orderId=ib.client.getReqId())
    target.parentId = stop.parentId = entry.orderId
    entered, _, stopped = [ib.placeOrder(AAPL, order) for order in (entry, target, stop)]
    await until(ib, lambda: entered.orderStatus.status == "Filled", "entry")
    await until(ib, lambda: stopped.orderStatus.whyHeld == "trigger", "held stop")


@capability("open orders of one and all")
async def _(ib: IB) -> None:
    await ib.reqOpenOrdersAsync()
    assert len(await ib.reqAllOpenOrdersAsync()) == 2


@capability("modify: target to market")
async def _(ib: IB) -> None:
    (trade,) = (each for each in ib.openTrades() if each.order.orderType == "LMT")
    trade.order.orderType, trade.order.lmtPrice = "MKT", UNSET_DOUBLE
    trade.order.transmit = True  # it was placed to be held back, and so would the change be
    ib.placeOrder(AAPL, trade.order)
    await until(ib, lambda: trade.orderStatus.status == "Filled", "exit")
    await until(ib, lambda: not ib.openTrades(), "end of the stop")


@capability("cancel (202) and unknown (10147)")
async def _(ib: IB) -> None:
    trade = ib.placeOrder(AAPL, LimitOrder("BUY", 10, 1.0, tif="DAY"))
    await until(ib, lambda: trade.orderStatus.status == "Submitted", "Submitted")
    ib.cancelOrder(trade.order)
    await until(ib, lambda: trade.orderStatus.status == "Cancelled", "Cancelled")


@capability("IOC and global cancel")
async def _(ib: IB) -> None:
    trade = ib.placeOrder(AAPL, LimitOrder("BUY", 10, 1.0, tif="IOC"))
    await until(ib, trade.isDone, "end of the IOC order")
    ib.reqGlobalCancel()
    await until(ib, lambda: not ib.openTrades(), "end of all orders")


@capability("executions, completed orders")
async def _(ib: IB) -> None:
    assert sum(fill.execution.shares for fill in await ib.reqExecutionsAsync()) == 30
    assert len(await ib.reqCompletedOrdersAsync(False)) >= 4


@capability("live headlines")
async def _(ib: IB) -> None:
    arrived: list[Any] = []
    ib.tickNewsEvent += arrived.append
    ib.reqMktData(AAPL, "mdoff,292")
    await until(ib, lambda: arrived, "tickNews")


async def main(port: int) -> None:
    """Run every check, each whatever became of the one before."""
    logging.disable(logging.CRITICAL)
    ib, results = IB(), {}
    await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=10)
    for name, check in CHECKS.items():
        try:
            await check(ib)
            results[name] = "pass"
        except Exception as problem:  # noqa: BLE001  the reason is the result
            results[name] = f"{type(problem).__name__}: {problem}"[:120]
    sys.stdout.write(json.dumps({"server_version": ib.client.serverVersion(), "results": results}) + "\n")
    ib.disconnect()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
