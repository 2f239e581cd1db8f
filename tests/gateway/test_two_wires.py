"""One conversation on both wires: in text at 200 and in protobuf at 226 the official client hears the same."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from ibapi.const import UNSET_DECIMAL, UNSET_DOUBLE, UNSET_INTEGER, UNSET_LONG
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.tag_value import TagValue

from momentum_kit.simgateway.embedding import Scenario
from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.server import HIGHEST_TEXT_VERSION, SimulatedGateway

HEARD = {
    *("contractDetails", "symbolSamples", "marketRule", "historicalData", "historicalDataEnd", "headTimestamp"),
    *("newsProviders", "historicalNews", "historicalNewsEnd", "newsArticle", "tickNews", "tickPrice", "tickSize"),
    *("tickString", "tickGeneric", "tickReqParams", "tickSnapshotEnd", "marketDataType", "realtimeBar", "position"),
    *("openOrder", "orderStatus", "execDetails", "commissionAndFeesReport", "completedOrder", "updateAccountValue"),
    *("updatePortfolio", "accountUpdateMulti", "accountSummary", "error", "currentTime", "currentTimeInMillis"),
}
_UNSET = (UNSET_INTEGER, UNSET_DOUBLE, UNSET_LONG, UNSET_DECIMAL, Decimal(-(2**63)), "1.7976931348623157E308", "", None)
Said = list[tuple[str, dict[str, Any]]]
Connect = Callable[..., Awaitable[Any]]


@pytest.fixture
def scenario() -> Scenario:
    """AAPL alone, with a headline every minute or so."""
    alone = {"small_caps": 0, "large_caps": 0}
    return parse_scenario({"name": "wires", "seed": 11, "universe": alone, "news": {"neutral": 60, "earlier": 10}})


def plain(value: Any) -> Any:
    """A value without its representation: nothing is None however it was said, objects are what they hold."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, list | tuple):
        return [plain(each) for each in value] or None
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if hasattr(value, "__dict__"):
        return plain(vars(value))
    return None if any(value is unset or value == unset for unset in _UNSET if type(unset) is type(value)) else value


def order(action: str, kind: str, quantity: int = 10, **fields: Any) -> Order:
    """An order with an explicit tif."""
    made = Order()
    made.action, made.orderType, made.totalQuantity, made.tif = action, kind, Decimal(quantity), "DAY"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


async def _reference(client: Any, aapl: Contract) -> None:
    """Contracts, rules, history and news."""
    unknown, tape = Contract(), Contract()
    unknown.symbol, unknown.secType, unknown.exchange, unknown.currency = "NOSUCH", "STK", "SMART", "USD"
    tape.symbol, tape.secType, tape.exchange = "BRFG:BRFG_ALL", "NEWS", "BRFG"
    client.reqContractDetails(1, aapl)
    client.reqContractDetails(2, unknown)
    client.reqContractDetails(3, tape)
    client.reqMatchingSymbols(4, "AAP")
    client.reqMarketRule(26)
    client.reqMarketRule(999)
    client.reqHistoricalData(5, aapl, "", "2 D", "5 mins", "TRADES", 1, 1, False, [])
    client.reqHistoricalData(6, aapl, "20261119 16:00:00 US/Eastern", "5 D", "1 day", "MIDPOINT", 1, 2, False, [])
    client.reqHistoricalData(7, aapl, "", "1 D", "7 mins", "TRADES", 1, 1, False, [])
    client.reqHeadTimeStamp(8, aapl, "TRADES", 1, 2)
    client.reqNewsProviders()
    client.reqHistoricalNews(9, aapl.conId, "BRFG+BRFUPDN", "", "", 20, [])
    client.reqHistoricalNews(10, aapl.conId, "NOPE", "", "", 20, [])
    await client.wait_for(lambda: client.errors(10))
    for number, line in enumerate(client.named("historicalNews")[:2], 11):
        client.reqNewsArticle(number, line.providerCode, line.articleId, [])
    client.reqMktData(20, aapl, "233,236,375,292", False, False, [])
    client.reqMktData(21, tape, "mdoff,292", False, False, [])
    client.reqMktData(22, aapl, "", True, False, [])
    client.reqMktData(23, aapl, "9999", False, False, [])
    client.reqRealTimeBars(24, aapl, 5, "TRADES", True, [])
    client.reqRealTimeBars(25, aapl, 5, "MIDPOINT", False, [])


async def _trade(client: Any, aapl: Contract) -> None:
    """A bracket to its fills, a modification, cancels, refusals."""
    client.reqPositions()
    client.reqAccountUpdates(True, "")
    client.reqAccountUpdatesMulti(30, "", "", True)
    client.placeOrder(1, aapl, order("BUY", "LMT", 100, lmtPrice=900.0, transmit=False, orderRef="intent-1"))
    client.placeOrder(2, aapl, order("SELL", "LMT", 100, lmtPrice=990.0, parentId=1, transmit=False, tif="GTC"))
    client.placeOrder(3, aapl, order("SELL", "STP", 100, auxPrice=10.0, parentId=1, tif="GTC", outsideRth=True))
    client.placeOrder(4, aapl, order("BUY", "LMT", 5, lmtPrice=1.0, ocaGroup="mine", ocaType=1, tif="GTC"))
    algo = {"algoStrategy": "Adaptive", "algoParams": [TagValue("adaptivePriority", "Urgent")]}
    client.placeOrder(5, aapl, order("BUY", "LMT", 7, lmtPrice=2.0, **algo))
    client.placeOrder(6, aapl, order("BUY", "LMT", 7, lmtPrice=1.0, tif="IOC"))
    client.placeOrder(7, aapl, order("SELL", "TRAIL", 7, auxPrice=1.5))
    for _ in range(8):
        await client.step()
    client.placeOrder(5, aapl, order("BUY", "LMT", 9, lmtPrice=3.0, **algo))
    client.cancelOrder(4, OrderCancel())
    client.cancelOrder(77, OrderCancel())
    client.reqOpenOrders()
    client.reqAllOpenOrders()
    client.placeOrder(3, aapl, order("SELL", "MKT", 100, parentId=1, tif="GTC"))
    for _ in range(8):
        await client.step()


async def _ask_the_rest(client: Any) -> None:
    """Account, executions and completed orders, and the end of every subscription."""
    client.reqExecutions(40, ExecutionFilter())
    nothing = ExecutionFilter()
    nothing.symbol = "MSFT"
    client.reqExecutions(41, nothing)
    client.reqCompletedOrders(False)
    client.reqAccountSummary(42, "All", "NetLiquidation,BuyingPower,TotalCashValue")
    client.reqIds(1)
    client.reqManagedAccts()
    client.reqCurrentTime()
    client.cancelMktData(20)
    client.cancelMktData(99)
    client.cancelRealTimeBars(24)
    client.cancelPositions()
    client.cancelAccountUpdatesMulti(30)
    client.reqGlobalCancel(OrderCancel())
    while not client.named("tickNews"):
        await client.step()


async def conversation(scenario: Scenario, connect: Connect, aapl: Contract, version: int) -> Said:
    """All of it at one server version, step by step."""
    async with SimulatedGateway(scenario, lock_step_s=0.5, server_version=version) as gateway:
        client = await connect(gateway.port)
        assert client.serverVersion() == version
        await _reference(client, aapl)
        await client.step()
        await _trade(client, aapl)
        await _ask_the_rest(client)
        said = [(call.name, plain(vars(call.args))) for call in client.calls]
        await client.close()
    return said


@pytest.mark.parametrize("version", [203, 208, 212, 226])
async def test_both_wires_say_the_same(
    scenario: Scenario, connect_client: Connect, aapl: Contract, version: int
) -> None:
    """The same callbacks with the same values in the same order, on the way to protobuf and at its end."""
    text = await conversation(scenario, connect_client, aapl, HIGHEST_TEXT_VERSION)
    later = await conversation(scenario, connect_client, aapl, version)
    different = [pair for pair in zip(text, later, strict=False) if pair[0] != pair[1]]
    assert not different, different[0]
    assert len(text) == len(later)
    assert {name for name, _ in text} >= HEARD
