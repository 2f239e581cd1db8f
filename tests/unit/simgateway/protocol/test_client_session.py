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

from momentum_kit.simgateway.client.bars import BarFeed
from momentum_kit.simgateway.client.feeds import ClientFeeds, HeadlineFeed, MarketDataLine
from momentum_kit.simgateway.embedding import Instrument, Scenario, open_broker, open_market
from momentum_kit.simgateway.events import ExecutionReport, HaltEvent, NewsEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.hub import Hub
from momentum_kit.simgateway.protocol import frame

Connect = Callable[..., Any]
ITEM = Instrument(265598, "AAPL", "APPLE INC")
T0 = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
HELLO = b"API\0\0\0\0\x09v100..200"


def at(milliseconds: int) -> datetime:
    """So long after the open."""
    return T0 + timedelta(milliseconds=milliseconds)


def quote(milliseconds: int, bid: float, bid_size: int = 100) -> QuoteEvent:
    """A quote two cents wide."""
    return QuoteEvent(at(milliseconds), 265598, bid, round(bid + 0.02, 2), bid_size, 100)


def a_headline(provider: str, article_id: str, text: str, con_ids: tuple[int, ...]) -> NewsEvent:
    """A headline relayed at the open, when it was published."""
    return NewsEvent(
        time=T0, published=T0, provider=provider, article_id=article_id, text=text, extra="", con_ids=con_ids
    )


class Sink:
    """Keeps the fields of every message of a ClientFeeds."""

    def __init__(self) -> None:
        self.frames: list[list[str]] = []
        self.feeds = ClientFeeds(self._take)

    def _take(self, data: bytes) -> None:
        while data:
            end = 4 + int.from_bytes(data[:4], "big")
            self.frames.append(data[4:end].decode().split("\0")[:-1])
            data = data[end:]

    def prices(self, tick: int) -> list[float]:
        """Prices of one tick type."""
        return [float(fields[4]) for fields in self.frames if fields[0] == "1" and fields[3] == str(tick)]


def test_a_burst_of_quotes_is_conflated_to_the_last() -> None:
    """The first quote goes out at once; of what follows within 250 ms only the last, when they are over."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM))
    for milliseconds, bid in ((0, 10.0), (50, 10.1), (100, 10.2), (249, 10.3)):
        sink.feeds.on_market(quote(milliseconds, bid))
    assert sink.prices(1) == [10.0]
    sink.feeds.on_time(at(249))
    assert sink.prices(1) == [10.0]
    sink.feeds.on_time(at(250))
    assert sink.prices(1) == [10.0, 10.3]
    sink.feeds.on_market(quote(400, 10.4))
    sink.feeds.on_market(quote(900, 10.5))  # what was due at 500 goes first
    assert sink.prices(1) == [10.0, 10.3, 10.4, 10.5]


def test_only_what_changed_is_sent() -> None:
    """A new size at the same price is a size tick, an unchanged side is silent."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM))
    sink.feeds.on_market(quote(0, 10.0, 100))
    sink.frames.clear()
    sink.feeds.on_market(quote(300, 10.0, 700))
    assert sink.frames == [["2", "6", "1", "0", "700"]]


def test_every_print_is_told_and_a_cancelled_line_is_silent() -> None:
    """RTTradeVolume is not sampled; after the cancel nothing comes, not even what was due."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM, print_ticks=(77,)))
    for number in range(5):
        sink.feeds.on_market(TradeEvent(at(10 * number), 265598, 10.0 + number, 5, 5 * (number + 1), 10.5))
    prints = [fields[4] for fields in sink.frames if fields[0] == "46" and fields[3] == "77"]
    assert [text.split(";")[0] for text in prints] == ["10.0", "11.0", "12.0", "13.0", "14.0"]
    assert prints[0] == f"10.0;5;{int(T0.timestamp() * 1000)};5;10.50000000;true"
    assert sink.feeds.drop_market_data(1)
    assert not sink.feeds.drop_market_data(1)
    sink.frames.clear()
    sink.feeds.on_time(at(10_000))
    sink.feeds.on_market(quote(10_000, 9.0))
    assert sink.frames == []


def test_halts_are_told_at_once() -> None:
    """Tick 49 carries the state."""
    sink = Sink()
    sink.feeds.add_line(MarketDataLine(version=200, request_id=1, item=ITEM))
    sink.feeds.on_market(HaltEvent(at(10), 265598, 2))
    assert sink.frames == [["45", "6", "1", "49", "2.0"]]


def test_delayed_lines_use_the_delayed_tick_types() -> None:
    """Bid 66, ask 67, last 68, volume 74."""
    line = MarketDataLine(version=200, request_id=1, item=ITEM, delayed=True)
    line.quote, line.trade = quote(0, 10.0), TradeEvent(T0, 265598, 10.0, 5, 500, 10.0)
    sink = Sink()
    sink._take(line.sample(T0))
    assert [fields[3] for fields in sink.frames] == ["66", "67", "68", "74", "88"]


def test_bars_close_on_the_five_second_grid() -> None:
    """A bar holds the prints of its interval; an empty one repeats the last price with volume 0."""
    feed = BarFeed(version=200, request_id=2, item=ITEM, what="TRADES", use_rth=True, start=T0)
    for milliseconds, price, size in ((0, 10.0, 100), (2_000, 12.0, 300), (4_999, 11.0, 100)):
        feed.add(TradeEvent(at(milliseconds), 265598, price, size, 0, 0.0))
    closed = [message[4:].decode().split("\0")[3:-1] for message in feed.close_until(at(10_000))]
    start = int(T0.timestamp())
    assert closed == [
        [str(start), "10.0", "12.0", "10.0", "11.0", "500", "11.4", "3"],
        [str(start + 5), "11.0", "11.0", "11.0", "11.0", "0", "11", "0"],
    ]
    assert list(feed.close_until(at(14_999))) == []


def test_no_bars_outside_the_hours_asked_for() -> None:
    """With useRTH nothing comes before the open; without it the pre-market counts."""
    early = T0 - timedelta(hours=1)
    for use_rth, count in ((True, 0), (False, 2)):
        feed = BarFeed(version=200, request_id=2, item=ITEM, what="TRADES", use_rth=use_rth, start=early, last=10.0)
        assert len(list(feed.close_until(early + timedelta(seconds=10)))) == count


def test_headlines_reach_those_who_asked() -> None:
    """Broad tape by provider, contract by con id and, if named, by provider."""
    sink = Sink()
    for feed in (
        HeadlineFeed(version=200, request_id=1, con_id=None, providers=frozenset({"BRFG"})),
        HeadlineFeed(version=200, request_id=2, con_id=265598, providers=frozenset()),
        HeadlineFeed(version=200, request_id=3, con_id=265598, providers=frozenset({"DJNL"})),
        HeadlineFeed(version=200, request_id=4, con_id=1, providers=frozenset()),
    ):
        sink.feeds.news[feed.request_id] = feed
    sink.feeds.on_market(a_headline("BRFG", "BRFG$1", "words", (265598,)))
    assert [fields[1] for fields in sink.frames] == ["1", "2"]


def test_a_new_news_subscription_begins_with_the_latest_again(hub: Hub, peer: Connect) -> None:
    """The last five of that provider are replayed with their old times."""
    for number in range(8):
        hub.headlines.append(a_headline("BRFG", f"BRFG${number}", "old", ()))
    hub.headlines.append(a_headline("DJNL", "DJNL$9", "other", ()))
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
