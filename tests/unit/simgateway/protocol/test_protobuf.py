"""The protobuf wire: twins of every message, requests of every kind, and bytes that are none of them."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel
from ibapi.order_condition import ExecutionCondition, MarginCondition, TimeCondition, VolumeCondition
from ibapi.wrapper import EWrapper

from momentum_kit.simgateway.client import ClientSession
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.protocol import PROTOBUF_OFFSET, Request, message

VERSION = 226
FAMILIES = ("session", "account", "market", "news", "orders", "ticks")
Connect = Callable[..., Any]


def body_of(kind: int, body: bytes) -> bytes:
    """A framed protobuf request."""
    payload = (kind + PROTOBUF_OFFSET).to_bytes(4, "big") + body
    return len(payload).to_bytes(4, "big") + payload


def started(hub: Hub, client_id: int) -> ClientSession:
    """A session that speaks protobuf and has its client id."""
    session = hub.open_session()
    session.receive(b"API\0\0\0\0\x09v100..226" + body_of(Request.START_API, bytes([0x08, client_id])))
    assert session.client_id == client_id
    session.take_output()
    return session


@pytest.mark.parametrize("family", FAMILIES)
def test_every_message_has_a_twin_with_its_signature(family: str) -> None:
    """What leaves in text can leave in protobuf, from the same arguments."""
    text = import_module(f"momentum_kit.simgateway.protocol.text.{family}")
    twin = import_module(f"momentum_kit.simgateway.protocol.protobuf.{family}")
    names = [
        name for name, each in vars(text).items() if hasattr(each, "__wrapped__") and each.__module__ == text.__name__
    ]
    assert names
    for name in names:
        ours = [(each.annotation, each.default) for each in inspect.signature(getattr(text, name)).parameters.values()]
        theirs = [
            (each.annotation, each.default) for each in inspect.signature(getattr(twin, name)).parameters.values()
        ]
        assert ours == theirs, name


def test_the_text_wire_does_not_pay_for_protobuf() -> None:
    """A client at 200 is served without protobuf being imported."""
    code = (
        "import sys\n"
        "from momentum_kit.simgateway.broker import open_broker\n"
        "from momentum_kit.simgateway.hub import Hub\n"
        "from momentum_kit.simgateway.embedding import open_market\n"
        "from momentum_kit.simgateway.scenario import load_scenario\n"
        "market = open_market(load_scenario('single'))\n"
        "session = Hub(market, open_broker(market), version_cap=226).open_session()\n"
        "session.receive(b'API\\0\\0\\0\\0\\x09v100..200' + b'\\0\\0\\0\\x08' + b'71\\x002\\x001\\0\\0')\n"
        "assert session.client_id == 1 and session.take_output()\n"
        "assert not [name for name in sys.modules if 'protobuf' in name]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("version", [203, 209, VERSION])
def test_unread_bodies_carry_the_request_id(peer: Connect, version: int) -> None:
    """320 with the id where it can be found in a broken body, 321 for what is not simulated; the session goes on."""
    client = peer(version)
    client.send(body_of(Request.MARKET_DATA, b"\x08\x21\xff\xff"))
    client.send(body_of(Request.PLACE_ORDER, b"\x08\x22" + b"\x12\x7f"))
    client.send(body_of(Request.HISTORICAL_NEWS, b"\x08\x23" + b"\x1a\x02\xff\xfe"))
    client.send(body_of(10, b"\x08\x24"))
    client.send(body_of(Request.CANCEL_MARKET_DATA, b""))
    client.send(body_of(999, b""))
    client.send(b"\0\0\0\x02\0\0")
    assert [client.errors(number) for number in (0x21, 0x22, 0x23, 0x24)] == [[320], [320], [320], [321]]
    assert client.errors(-1)[3:] == [320, 321, 321]
    client.client.reqCurrentTime()
    assert len(client.named("currentTime")) == 1


def test_a_negative_id_is_found(peer: Connect) -> None:
    """Ids are varints of 64 bits even where they are negative."""
    client = peer(VERSION)
    client.send(body_of(Request.MARKET_DATA, b"\x08" + b"\xf9" + b"\xff" * 8 + b"\x01" + b"\xff"))
    client.send(body_of(Request.MARKET_DATA, b"\x08" + b"\xff" * 10 + b"\xff"))
    assert (client.errors(-7), client.errors(-1)[3:]) == ([320], [320])


@pytest.mark.parametrize("condition", [
    TimeCondition(True, "20261120 15:00:00 US/Eastern"),
    MarginCondition(False, 30),
    ExecutionCondition("STK", "SMART", "AAPL"),
    VolumeCondition(265598, "SMART", True, 100_000),
])  # fmt: skip
def test_conditions_come_back_as_they_were_sent(peer: Connect, aapl: Contract, condition: Any) -> None:
    """Each type of condition survives from placeOrder to openOrder, on both wires and between them."""
    order = Order()
    order.action, order.orderType, order.tif, order.totalQuantity, order.lmtPrice = "BUY", "LMT", "GTC", Decimal(5), 1.0
    order.conditions, order.conditionsCancelOrder = [condition], True
    echoes = []
    for number, version in enumerate((200, VERSION), 1):
        client = peer(version, number)
        client.client.placeOrder(number, aapl, order)
        client.client.reqAllOpenOrders()
        echoes += client.named("openOrder")
    seen = {str(echo.order.conditions[0]).replace("30.0", "30") for echo in echoes}  # a percentage in text is a double
    assert seen == {str(condition)}
    assert all(echo.order.conditionsCancelOrder for echo in echoes)


def test_nonsense_in_a_field_nobody_reads_is_refused(peer: Connect, aapl: Contract) -> None:
    """What openOrder would echo to every client has to be a number, or no client could read that echo."""
    text, other = peer(200, 1), peer(VERSION, 2)
    for number, (name, value) in enumerate([("displaySize", "much"), ("volatility", "high"), ("minQty", 1 << 40)], 1):
        order = Order()
        order.action, order.orderType, order.tif, order.totalQuantity, order.lmtPrice = "BUY", "LMT", "GTC", 5, 1.0
        setattr(order, name, value)
        text.client.placeOrder(number, aapl, order)
        assert text.errors(number) == [320]
    other.client.reqAllOpenOrders()
    assert other.named("openOrderEnd") and not other.named("openOrder")


def test_the_separator_of_lists_cannot_be_smuggled_in(peer: Connect, aapl: Contract) -> None:
    """A condition whose text holds the gateway's own separator stays one condition for every client."""
    order = Order()
    order.action, order.orderType, order.tif, order.totalQuantity, order.lmtPrice = "BUY", "LMT", "GTC", Decimal(5), 1.0
    order.conditions = [ExecutionCondition("STK", "SM\x1fART", "A\x1f1")]
    owner, other = peer(VERSION, 1), peer(200, 2)
    owner.client.placeOrder(1, aapl, order)
    other.client.reqAllOpenOrders()
    (condition,) = other.named("openOrder")[0].order.conditions
    assert (condition.exchange, condition.symbol) == ("SM ART", "A 1")


def _real_bodies(aapl: Contract) -> list[bytes]:
    """What the official client writes for one of each request, without the length."""
    client, written = EClient(EWrapper()), []
    client.conn = SimpleNamespace(isConnected=lambda: True, sendMsg=lambda data: written.append(data[4:]))
    client.serverVersion_ = VERSION
    client.setConnState(EClient.CONNECTED)
    order = Order()
    order.action, order.orderType, order.tif, order.totalQuantity, order.lmtPrice = "BUY", "LMT", "GTC", Decimal(5), 1.0
    client.placeOrder(1, aapl, order)
    client.reqMktData(1, aapl, "375,292:BRFG", False, False, [])
    client.reqHistoricalData(2, aapl, "", "1 D", "1 hour", "TRADES", 1, 1, False, [])
    client.reqContractDetails(3, aapl)
    client.reqRealTimeBars(4, aapl, 5, "TRADES", True, [])
    client.reqHistoricalNews(5, 265598, "BRFG", "", "", 10, [])
    client.reqExecutions(6, ExecutionFilter())
    client.reqAccountSummary(7, "All", "BuyingPower")
    client.reqHeadTimeStamp(8, aapl, "TRADES", 1, 1)
    client.reqNewsArticle(9, "BRFG", "BRFG$1", [])
    client.reqAccountUpdates(True, "")
    client.cancelOrder(1, OrderCancel())
    return written


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.integers(0, 400), body=st.binary(max_size=200))
def test_no_body_breaks_the_gateway(hub: Hub, kind: int, body: bytes) -> None:
    """Whatever a client sends, its own session answers or ends and another one still gets its time."""
    rogue, bystander = started(hub, 91), started(hub, 92)
    payload = kind.to_bytes(4, "big") + body
    rogue.receive(len(payload).to_bytes(4, "big") + payload)
    hub.advance(hub.now + timedelta(milliseconds=200))
    bystander.take_output()
    bystander.receive(body_of(Request.CURRENT_TIME, b""))
    assert bystander.take_output()[4:8] == (Request.CURRENT_TIME + PROTOBUF_OFFSET).to_bytes(4, "big")
    hub.leave(rogue)
    hub.leave(bystander)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pick=st.integers(0, 1000), at=st.integers(0, 1000), byte=st.integers(0, 255), cut=st.integers(0, 400))
def test_one_wrong_byte_breaks_nothing(hub: Hub, aapl: Contract, pick: int, at: int, byte: int, cut: int) -> None:
    """Any byte of any real request may be anything, and the rest may be missing."""
    bodies = _real_bodies(aapl)
    payload = bytearray(bodies[pick % len(bodies)])
    payload[4 + at % (len(payload) - 4)] = byte
    if cut < 100:
        del payload[4 + cut :]
    session = started(hub, 93)
    session.receive(len(payload).to_bytes(4, "big") + bytes(payload))
    hub.advance(hub.now + timedelta(milliseconds=300))
    assert session.client_id == 93 and not session.closing
    hub.leave(session)


def test_text_requests_are_still_read_between_the_wires(hub: Hub) -> None:
    """From 201 a text request begins with its number in four bytes; those not yet in protobuf go on so."""
    session = hub.open_session()
    session.receive(b"API\0\0\0\0\x09v100..205" + message(205, Request.START_API, 2, 5, ""))
    session.take_output()
    session.receive(message(205, Request.MARKET_RULE, 26))
    assert session.take_output()[4:8] == (93).to_bytes(4, "big")
