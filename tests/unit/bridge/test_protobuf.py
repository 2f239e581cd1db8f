"""Server version 226, where every message is protobuf: today's gateways with today's client."""

import asyncio
import struct
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from ibapi.protobuf.Contract_pb2 import Contract as ContractProto
from ibapi.protobuf.ErrorMessage_pb2 import ErrorMessage
from ibapi.protobuf.Execution_pb2 import Execution as ExecutionProto
from ibapi.protobuf.ExecutionDetails_pb2 import ExecutionDetails
from ibapi.protobuf.HistoricalData_pb2 import HistoricalData
from ibapi.protobuf.HistoricalDataBar_pb2 import HistoricalDataBar
from ibapi.protobuf.HistoricalDataEnd_pb2 import HistoricalDataEnd
from ibapi.protobuf.HistoricalDataRequest_pb2 import HistoricalDataRequest
from ibapi.protobuf.ManagedAccounts_pb2 import ManagedAccounts
from ibapi.protobuf.MarketDataRequest_pb2 import MarketDataRequest
from ibapi.protobuf.NextValidId_pb2 import NextValidId
from ibapi.protobuf.OrderStatus_pb2 import OrderStatus
from ibapi.protobuf.PlaceOrderRequest_pb2 import PlaceOrderRequest
from ibapi.protobuf.TickNews_pb2 import TickNews
from ibapi.protobuf.TickPrice_pb2 import TickPrice
from ibapi.protobuf.TickString_pb2 import TickString

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import AnswerIncomplete
from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import Execution, OrderAction, OrderNotice, OrderRequest, OrderUpdate

AAPL = Contract("AAPL", 265598)
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]


def send(gateway: Gateway, message_id: int, message: Any) -> None:
    """One protobuf message as the gateway frames it: 200 added to its id."""
    body = (message_id + 200).to_bytes(4, "big") + message.SerializeToString()
    gateway.raw(struct.pack("!I", len(body)) + body)


async def request(gateway: Gateway, message_id: int, kind: Any) -> Any:
    """The next request, which must be of this kind."""
    raw = await asyncio.wait_for(gateway.raw_requests.get(), 5)
    assert int.from_bytes(raw[:4], "big") == message_id + 200
    message = kind()
    message.ParseFromString(raw[4:])
    return message


@pytest.fixture
async def protobuf_bridge(gateway: Gateway, incidents: Incidents) -> AsyncIterator[IBKRBridge]:
    """A bridge connected in protobuf mode."""

    async def greet() -> None:
        send(gateway, 15, ManagedAccounts(accountsList="DU9000001"))
        send(gateway, 9, NextValidId(orderId=7))

    gateway.version, gateway.greet = 226, greet
    async with IBKRBridge(
        port=gateway.port, connect_timeout_s=60, on_incident=lambda kind, text: incidents.append((kind, text))
    ) as bridge:
        yield bridge


async def test_market_data(protobuf_bridge: IBKRBridge, gateway: Gateway, incidents: Incidents) -> None:
    """Quotes, trades and headlines over one connection."""
    assert (protobuf_bridge.accounts, protobuf_bridge.next_order_id()) == (("DU9000001",), 7)
    quotes, trades = protobuf_bridge.stream_quotes(AAPL), protobuf_bridge.stream_trades(AAPL)
    asked = await request(gateway, 1, MarketDataRequest)
    assert (asked.contract.conId, asked.genericTickList) == (265598, "236,375")
    send(gateway, 1, TickPrice(reqId=asked.reqId, tickType=1, price=10.4, size="300", attrMask=0))
    quote = await anext(quotes)
    assert (quote.bid, quote.bid_size) == (10.4, 300.0)
    send(gateway, 46, TickString(reqId=asked.reqId, tickType=77, value="10.5;100;1775425766350;1000;10.4;true"))
    assert (await anext(trades)).price == 10.5
    headlines = protobuf_bridge.stream_headlines("BRFG")
    asked = await request(gateway, 1, MarketDataRequest)
    assert (asked.contract.symbol, asked.genericTickList) == ("BRFG:BRFG_ALL", "mdoff,292")
    send(
        gateway,
        84,
        TickNews(reqId=asked.reqId, timestamp=1775425766350, providerCode="BRFG", articleId="BRFG$1", headline="é"),
    )
    assert (await anext(headlines)).text == "é"
    assert incidents == []


async def test_history(protobuf_bridge: IBKRBridge, gateway: Gateway) -> None:
    """Bars and their end."""
    asking = asyncio.create_task(protobuf_bridge.fetch_historical_data(AAPL, None, "1 D", "1 min"))
    asked = await request(gateway, 20, HistoricalDataRequest)
    assert (asked.barSizeSetting, asked.whatToShow, asked.formatDate) == ("1 min", "TRADES", 2)
    bar = HistoricalDataBar(date="1775136600", open=1, high=2, low=0.5, close=1.5, volume="10", WAP="1.2", barCount=4)
    send(gateway, 17, HistoricalData(reqId=asked.reqId, historicalDataBars=[bar]))
    send(gateway, 108, HistoricalDataEnd(reqId=asked.reqId))
    (ours,) = await asking
    assert (ours.close, ours.volume, ours.wap, ours.count, ours.seconds) == (1.5, 10.0, 1.2, 4, 60)


async def test_a_bar_that_cannot_be_read_leaves_its_history_unknown(
    protobuf_bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """The request is found by the id in the message, though nothing else of it can be read; another goes on."""
    asking = asyncio.create_task(protobuf_bridge.fetch_historical_data(AAPL, None, "1 D", "1 min"))
    asked = await request(gateway, 20, HistoricalDataRequest)
    other = asyncio.create_task(protobuf_bridge.fetch_historical_data(AAPL, None, "2 D", "1 min"))
    other_asked = await request(gateway, 20, HistoricalDataRequest)
    bar = HistoricalDataBar(date="1775136600", open=1, high=2, low=0.5, close=1.5, volume="many", WAP="1.2", barCount=4)
    send(gateway, 17, HistoricalData(reqId=asked.reqId, historicalDataBars=[bar]))
    with pytest.raises(AnswerIncomplete, match="TRADES bars"):
        await asking
    bar.volume = "10"
    send(gateway, 17, HistoricalData(reqId=other_asked.reqId, historicalDataBars=[bar]))
    send(gateway, 108, HistoricalDataEnd(reqId=other_asked.reqId))
    assert len(await other) == 1
    assert [kind for kind, _ in incidents] == ["unreadable"]


async def test_orders(protobuf_bridge: IBKRBridge, gateway: Gateway) -> None:
    """An order out; status, execution and error in."""
    stream = protobuf_bridge.stream_order_events()
    placed = await protobuf_bridge.place_order(
        AAPL,
        OrderRequest(
            action=OrderAction.BUY, quantity=Decimal(10), order_type="LMT", limit_price=101.5, order_ref="intent-1"
        ),
    )
    asked = await request(gateway, 3, PlaceOrderRequest)
    assert (asked.orderId, asked.contract.conId) == (placed.order_id, 265598)
    assert (asked.order.action, asked.order.totalQuantity, asked.order.lmtPrice) == ("BUY", "10", 101.5)
    assert (asked.order.orderRef, asked.order.transmit, asked.order.HasField("auxPrice")) == ("intent-1", True, False)
    send(gateway, 3, OrderStatus(orderId=placed.order_id, status="Submitted", filled="0", remaining="10", permId=900))
    send(
        gateway,
        11,
        ExecutionDetails(
            reqId=-1,
            contract=ContractProto(conId=265598, symbol="AAPL"),
            execution=ExecutionProto(
                orderId=placed.order_id,
                execId="a.01",
                time="20260413-15:27:04",
                side="BOT",
                shares="10",
                price=101.5,
                permId=900,
            ),
        ),
    )
    send(gateway, 4, ErrorMessage(id=placed.order_id, errorTime=1, errorCode=201, errorMsg="Order rejected"))
    update, execution, notice = [await anext(stream) for _ in range(3)]
    assert isinstance(update, OrderUpdate) and isinstance(execution, Execution) and isinstance(notice, OrderNotice)
    assert (update.status, update.remaining, update.client_id) == ("Submitted", Decimal(10), 0)
    assert (execution.shares, execution.from_request, execution.time.hour) == (Decimal(10), False, 15)
    assert (notice.code, notice.meaning) == (201, "order dead")


async def test_a_damaged_message_costs_only_itself(
    protobuf_bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Bytes that are no protobuf are an incident, and the next message is read."""
    stream = protobuf_bridge.stream_order_events()
    body = (203).to_bytes(4, "big") + b"\xff\xff\xff"
    gateway.raw(struct.pack("!I", len(body)) + body)
    send(gateway, 3, OrderStatus(orderId=7, status="Submitted", filled="0", remaining="10"))
    assert (await anext(stream)).status == "Submitted"  # type: ignore[union-attr]
    assert [kind for kind, _ in incidents] == ["unreadable"]
