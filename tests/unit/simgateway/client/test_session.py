"""A client's session from hello to the end: what is answered, refused, and told to whom."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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
from ibapi.wrapper import EWrapper

from momentum_kit.simgateway.embedding import Scenario, open_broker, open_market
from momentum_kit.simgateway.events import ExecutionReport, NewsEvent
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.protocol import frame

Connect = Callable[..., Any]
HELLO = b"API\0\0\0\0\x09v100..200"


def an_old_headline(provider: str, article_id: str) -> NewsEvent:
    """A headline of the broad tape, relayed at the open."""
    opened = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    return NewsEvent(
        time=opened,
        published=opened,
        provider=provider,
        article_id=article_id,
        text="old",
        extra="",
        con_ids=(),
    )


def test_a_new_news_subscription_begins_with_the_latest_again(hub: Hub, peer: Connect) -> None:
    """The last five of that provider are replayed with their old times."""
    for number in range(8):
        hub.headlines.append(an_old_headline("BRFG", f"BRFG${number}"))
    hub.headlines.append(an_old_headline("DJNL", "DJNL$9"))
    client, tape = peer(), Contract()
    tape.symbol, tape.secType, tape.exchange = "BRFG:BRFG_ALL", "NEWS", "BRFG"
    client.client.reqMktData(1, tape, "mdoff,292", False, False, [])
    assert [args.articleId for args in client.named("tickNews")] == [f"BRFG${n}" for n in range(3, 8)]


def test_headlines_alone_use_no_line(hub: Hub, peer: Connect, aapl: Contract) -> None:
    """A subscription to a contract's news with mdoff brings no ticks and leaves all hundred lines free."""
    client = peer()
    client.client.reqMktData(1, aapl, "mdoff,292:BRFG", False, False, [])
    assert hub.lines_used == 0
    assert not client.named("tickPrice") and not client.errors(1)
    hub.advance(hub.now + timedelta(seconds=5))
    client.drain()
    assert not client.named("tickPrice")
    client.client.cancelMktData(1)
    assert not client.errors(1)


def test_nothing_is_answered_before_start_api(hub: Hub) -> None:
    """A request before START_API is dropped; the version reply stands alone."""
    session = hub.open_session()
    session.receive(HELLO[:3])
    session.receive(HELLO[3:])
    assert session.take_output()[4:8] == b"200\0"
    session.receive(frame(8, 1, 1))
    assert session.take_output() == b""
    session.receive(frame(71, 2, 1, ""))
    assert session.take_output()[4:7] == b"15\0"


@pytest.mark.parametrize("stream", [b"GET /", b"API\0\0\0\0\x03v9x", b"API\0\0\0\0\x09v100..120", b"API\0\xff\0\0\0"])
def test_a_stream_that_is_not_ibs_ends_the_session(hub: Hub, stream: bytes) -> None:
    """No answer, only the end."""
    session = hub.open_session()
    session.receive(stream)
    assert session.closing
    assert session.take_output() == b""


def test_a_second_start_is_refused(peer: Connect) -> None:
    """501; the client keeps its id."""
    client = peer()
    client.client.startApi()
    assert client.errors(-1)[-1] == 501
    assert client.session.client_id == 1


def test_unknown_and_malformed_requests_carry_the_request_id(peer: Connect) -> None:
    """321 for what is not simulated, 320 for what cannot be read, each with the id it can find."""
    client = peer()
    client.send(frame(10, 5, 33, 265598))  # market depth
    client.send(frame(78, 34, 265598))  # option parameters
    client.send(frame(999, 1, 35))
    client.send(frame(20, 36, "x"))
    client.send(frame(3, 37, 265598, "AAPL"))
    client.send(frame(91, "x"))
    client.send(frame("", ""))
    client.send(frame(86, 38, "x"))
    assert [client.errors(number) for number in (33, 34, 36, 37, 38)] == [[321], [321], [320], [320], [320]]
    assert client.errors(-1)[3:] == [321, 320, 321]


def test_orders_with_numbers_that_are_none_are_refused(peer: Connect, aapl: Contract) -> None:
    """A price or size that is not a finite number never reaches the broker."""
    client = peer()
    for number, (name, value) in enumerate([("lmtPrice", "ten"), ("totalQuantity", "1e999"), ("parentId", "x")], 51):
        order = Order()
        order.action, order.orderType, order.tif, order.totalQuantity, order.lmtPrice = "BUY", "LMT", "DAY", 1, 10.0
        setattr(order, name, value)
        client.client.placeOrder(number, aapl, order)
        assert client.errors(number) == [320]
    assert client.session.hub.broker.truth()["orders"] == []


def test_what_if_places_nothing(peer: Connect, aapl: Contract) -> None:
    """An order that only asks what would be must not trade."""
    client, order = peer(), Order()
    order.action, order.orderType, order.tif, order.totalQuantity, order.whatIf = "BUY", "MKT", "DAY", 1, True
    client.client.placeOrder(9, aapl, order)
    assert (client.errors(9), client.named("openOrder") != []) == ([], True)
    assert client.session.hub.broker.truth()["orders"] == []


def test_order_events_go_to_their_client_and_positions_to_all(hub: Hub, peer: Connect, aapl: Contract) -> None:
    """Another client hears nothing of the order itself, but its position subscription follows."""
    owner, other = peer(client_id=1), peer(client_id=2)
    other.client.reqPositions()
    other.client.reqAccountUpdates(True, "")
    order = Order()
    order.action, order.orderType, order.tif, order.totalQuantity = "BUY", "MKT", "DAY", 10
    owner.client.placeOrder(1, aapl, order)
    hub.advance(hub.now + timedelta(seconds=5))
    owner.drain()
    other.drain()
    assert owner.named("execDetails")
    assert not other.named("execDetails") and not other.named("openOrder")
    assert other.named("position")[-1].position == Decimal(10)
    assert other.named("updatePortfolio")[-1].position == Decimal(10)
    other.client.cancelPositions()
    liquidation = next(
        replace(report, order=replace_id(report), exec_id="x.01", side="SLD", price=1.0, liquidation=True)
        for report in hub.broker.executions(None)
    )
    hub.deliver([liquidation])
    other.drain()
    assert other.named("execDetails")[-1].execution.liquidation == 1


def replace_id(report: ExecutionReport) -> Any:
    """The order of a broker's own sale: id -1, client 0."""
    return replace(report.order, order_id=-1, client_id=0)


def test_the_same_session_twice_is_the_same_to_the_byte(
    quiet_scenario: Scenario, aapl: Contract, peer_of: Callable[[Hub], Any]
) -> None:
    """Quotes, prints, bars and fills of two runs with the same requests at the same market times are equal."""
    runs = []
    for _ in range(2):
        market = open_market(quiet_scenario)
        hub = Hub(market, open_broker(market), version_cap=200, lock_step=timedelta(seconds=1))
        client, order = peer_of(hub), Order()
        client.client.reqMktData(1, aapl, "375", False, False, [])
        client.client.reqRealTimeBars(2, aapl, 5, "MIDPOINT", False, [])
        order.action, order.orderType, order.tif, order.totalQuantity = "BUY", "MKT", "DAY", 5000
        client.client.placeOrder(1, aapl, order)
        for _ in range(20):
            client.client.reqCurrentTimeInMillis()
        runs.append(client.frames)
    assert len(runs[0]) > 100
    assert runs[0] == runs[1]


def test_delayed_data_needs_consent(quiet_scenario: Scenario, aapl: Contract, peer_of: Callable[[Hub], Any]) -> None:
    """Not subscribed: 10089 and silence; once type 3 was accepted 10167 and delayed ticks; never 5 s bars."""
    market = open_market(quiet_scenario.model_copy(update={"market_data_type": 3}))
    client = peer_of(Hub(market, open_broker(market), version_cap=200))
    client.client.reqMktData(1, aapl, "", False, False, [])
    assert client.errors(1) == [10089] and not client.named("tickPrice")
    client.client.reqMarketDataType(3)
    client.client.reqMktData(2, aapl, "", False, False, [])
    client.client.reqRealTimeBars(3, aapl, 5, "TRADES", True, [])
    assert (client.errors(2), client.errors(3)) == ([10167], [10089])
    assert client.named("marketDataType")[0].marketDataType == 3
    assert {tick.tickType for tick in client.named("tickPrice")} >= {66, 67}


REQUESTS = st.lists(
    st.one_of(
        st.integers(-5, 300).map(str),
        st.sampled_from(
            ["", "265598", "AAPL", "STK", "SMART", "USD", "1.5", "nan", "LMT", "BUY", "2147483647", "é", "\\"]
        ),
        st.text(max_size=8),
    ),
    max_size=120,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.integers(0, 110), fields=REQUESTS, tail=st.binary(max_size=12))
def test_no_request_breaks_the_gateway(hub: Hub, kind: int, fields: list[str], tail: bytes) -> None:
    """Whatever a client sends, its own session answers or ends and another one still gets its time."""
    hub_sessions = []
    for client_id in (901, 902):
        session = hub.open_session()
        session.receive(HELLO + frame(71, 2, client_id, ""))
        hub_sessions.append(session)
    rogue, bystander = hub_sessions
    bystander.take_output()
    payload = "\0".join([str(kind), *fields]).encode("utf-8", "surrogatepass") + tail
    rogue.receive(len(payload).to_bytes(4, "big") + payload)
    hub.advance(hub.now + timedelta(milliseconds=200))
    bystander.take_output()
    bystander.receive(frame(49, 1))
    assert bystander.take_output()[4:7] == b"49\0"
    hub.leave(rogue)
    hub.leave(bystander)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    version=st.sampled_from([157, 178, 200]),
    pick=st.integers(0, 10_000),
    at_field=st.integers(0, 130),
    value=st.sampled_from(["", "-1", "0", "1", "1e400", "nan", "x", "99999999999", "1.79e308", "IOC", "BAG", "é\\"]),
)
def test_one_wrong_field_breaks_nothing(
    hub: Hub, aapl: Contract, version: int, pick: int, at_field: int, value: str
) -> None:
    """Any field of any real request may be anything: the gateway answers and goes on."""
    requests = _real_requests(aapl, version)
    fields = requests[pick % len(requests)][4:].split(b"\0")
    fields[1 + at_field % (len(fields) - 1)] = value.encode()
    session = hub.open_session()
    hello = f"v100..{version}".encode()
    session.receive(b"API\0" + len(hello).to_bytes(4, "big") + hello + frame(71, 2, 903, ""))
    payload = b"\0".join(fields)
    session.receive(len(payload).to_bytes(4, "big") + payload)
    hub.advance(hub.now + timedelta(milliseconds=300))
    assert session.client_id == 903 and not session.closing
    hub.leave(session)


def _real_requests(aapl: Contract, version: int) -> list[bytes]:
    """What the official client writes for one of each request."""
    client, written = EClient(EWrapper()), []
    client.conn = SimpleNamespace(isConnected=lambda: True, sendMsg=written.append)
    client.serverVersion_ = version
    client.setConnState(EClient.CONNECTED)
    for number, (kind, tif) in enumerate([("LMT", "GTC"), ("MKT", "IOC"), ("STP", "DAY"), ("TRAIL", "DAY")], 1):
        order = Order()
        order.action, order.orderType, order.tif, order.totalQuantity = "BUY", kind, tif, 10
        order.lmtPrice, order.auxPrice = 300.0, 1.0
        client.placeOrder(number, aapl, order)
    client.reqMktData(1, aapl, "375,292:BRFG", False, False, [])
    client.reqHistoricalData(2, aapl, "", "1 D", "1 min", "TRADES", 1, 1, False, [])
    client.reqContractDetails(3, aapl)
    client.reqRealTimeBars(4, aapl, 5, "TRADES", True, [])
    client.reqHistoricalNews(5, 265598, "BRFG", "", "", 10, [])
    client.reqExecutions(6, ExecutionFilter())
    client.reqAccountSummary(7, "All", "BuyingPower")
    client.reqHeadTimeStamp(8, aapl, "TRADES", 1, 1)
    client.cancelOrder(1, OrderCancel())
    return written
