"""Quotes and trades: one shared line a contract, conflation, data loss, and honest refusals."""

import asyncio
import gc
import math
from datetime import UTC, datetime
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import BrokerError, RequestFailed
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import MarketDataType, Quote, TradeTick

AAPL, TSLA = Contract("AAPL", 265598), Contract("TSLA", 76792991)
TRADE = "10.5;100;1775425766350;1000;10.4;true"
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]


async def answered(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Everything sent so far has been handled: a later answer has come."""
    asking = asyncio.create_task(bridge.fetch_current_time())
    while (await gateway.request())[0] != "49":
        pass
    gateway.send(49, 1, 1775425766)
    await asking
    await bridge.applied()


async def test_one_line_serves_quotes_and_trades(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The line asks for RTTradeVolume, as a stream and never as a snapshot; the last reader closes it."""
    quotes, trades = bridge.stream_quotes(AAPL), bridge.stream_trades(AAPL)
    request = await gateway.request()
    assert (request[0], request[3], request[-4:-1]) == ("1", "265598", ["236,375", "0", "0"])
    gateway.send(1, 6, request[2], 1, "10.40", "300", 0)
    gateway.send(1, 6, request[2], 2, "10.60", "500", 0)
    gateway.send(45, 6, request[2], 46, "3.0")
    gateway.send(46, 6, request[2], 77, TRADE)
    trade = await anext(trades)
    assert isinstance(trade, TradeTick)
    assert (trade.con_id, trade.price, trade.size, trade.total_volume) == (265598, 10.5, 100, 1000)
    await answered(bridge, gateway)
    quote = await anext(quotes)
    assert isinstance(quote, Quote)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size) == (10.40, 10.60, 300, 500)
    assert (quote.shortable, quote.halted, quote.data_type) == (3.0, False, MarketDataType.LIVE)
    await quotes.aclose()
    await answered(bridge, gateway)
    assert gateway.requests.empty()
    await trades.aclose()
    assert await gateway.request() == ["2", "2", request[2]]


async def test_both_clocks_are_read_where_the_message_arrives(gateway: Gateway) -> None:
    """received_at is market time, received_ns the machine's."""
    market = datetime(2013, 10, 11, 15, tzinfo=UTC)
    async with IBKRBridge(port=gateway.port, now=lambda: market) as bridge:
        trades = bridge.stream_trades(AAPL)
        gateway.send(46, 6, (await gateway.request())[2], 77, TRADE)
        trade = await anext(trades)
        assert (trade.received_at, trade.received_ns > 0) == (market, True)


async def test_a_slow_reader_gets_the_latest_quote(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Quotes conflate; price and size of one message are never torn apart."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    for number in range(1, 3001):
        gateway.send(1, 6, req_id, 1, number, number, 0)
    seen = []
    async for quote in quotes:
        seen.append(quote)
        if quote.bid == 3000:
            break
    assert all(quote.bid == quote.bid_size for quote in seen)
    assert [quote.bid for quote in seen] == sorted({quote.bid for quote in seen})
    assert len(seen) < 3000


async def test_a_late_reader_gets_the_quote_at_once(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A line that is already open has a quote."""
    first = bridge.stream_quotes(AAPL)
    gateway.send(1, 6, (await gateway.request())[2], 2, 10.6, 100, 0)
    await anext(first)
    second = bridge.stream_quotes(AAPL)
    assert (await anext(second)).ask == 10.6


async def test_no_price_is_nan_and_a_halt_is_a_halt(bridge: IBKRBridge, gateway: Gateway) -> None:
    """IB's -1 and 0 are not prices; -1 as halt state is 'unknown', not halted."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    for halted, expected in ((-1, False), (0, False), (1, True), (2, True)):
        gateway.send(1, 6, req_id, 1, -1, 0, 0)
        gateway.send(45, 6, req_id, 49, halted)
        await answered(bridge, gateway)
        quote = await anext(quotes)
        assert (math.isnan(quote.bid), quote.halted) == (True, expected)


async def test_what_is_no_number_is_no_price_and_no_size(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """nan, infinite and negative ones are unknown in a quote; what is no number at all is told as well, once."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    for price, size in (("nan", "-7"), ("inf", "3"), ("-inf", "3"), ("10.25", "NaN")):
        gateway.send(1, 6, req_id, 1, price, size, 0)
        await answered(bridge, gateway)
        quote = await anext(quotes)
        assert math.isnan(quote.bid) or quote.bid == 10.25
        assert math.isnan(quote.bid_size) or quote.bid_size == 3
    gateway.send(1, 6, req_id, 1, "nan", "5", 0)
    gateway.send(45, 6, req_id, 46, "inf")
    await answered(bridge, gateway)
    assert math.isnan((await anext(quotes)).bid)
    assert [text.split(":")[0] for _, text in incidents] == ["tickPrice"] * 3 + ["tickSize", "tickGeneric"]


async def test_delayed_ticks_and_advisories_make_a_delayed_quote(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Whoever says first that data is delayed, the quote says so."""
    for make in (
        lambda req_id: gateway.send(1, 6, req_id, 66, 10.4, 100, 0),
        lambda req_id: gateway.error(req_id, 10167, "Requested market data is not subscribed. Displaying delayed."),
        lambda req_id: gateway.send(58, 1, req_id, 3),
    ):
        quotes = bridge.stream_quotes(AAPL)
        req_id = (await gateway.request())[2]
        make(req_id)
        gateway.send(1, 6, req_id, 67, 10.6, 100, 0)
        await answered(bridge, gateway)
        assert (await anext(quotes)).data_type is MarketDataType.DELAYED
        await quotes.aclose()
        assert (await gateway.request())[0] == "2"


async def test_ticks_that_are_no_trades_are_passed_over(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Corrections without a price are nothing; a line that cannot be read is an incident."""
    trades = bridge.stream_trades(AAPL)
    req_id = (await gateway.request())[2]
    none = (";0;1775425766350;1000;10.4;true", "0;5;1775425766350;1000;10.4;true")
    garbage = ("what;is;this", "nan;5;1775425766350;1000;10.4;true", "10.5;inf;1775425766350;1000;10.4;true")
    for text in (*none, *garbage, TRADE):
        gateway.send(46, 6, req_id, 77, text)
    assert (await anext(trades)).price == 10.5
    assert [kind for kind, _ in incidents] == ["unreadable"] * 3
    assert all(line in text for line, (_, text) in zip(garbage, incidents, strict=True))


async def test_lines_are_a_budget(gateway: Gateway) -> None:
    """Above it the error says which setting; a closed line is free again."""
    async with IBKRBridge(port=gateway.port, market_data_lines=1) as bridge:
        first = bridge.stream_trades(AAPL)
        both = bridge.stream_quotes(AAPL)
        with pytest.raises(BrokerError, match=r"TSLA\(76792991\): 1 are in use \(broker\.market_data_lines\)"):
            bridge.stream_trades(TSLA)
        await first.aclose()
        await both.aclose()
        bridge.stream_trades(TSLA)


async def test_a_lost_stream_gives_its_line_back(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A reader that breaks out of its loop leaves no line behind."""

    async def read_one() -> None:
        async for _ in bridge.stream_quotes(AAPL):
            break

    reading = asyncio.create_task(read_one())
    req_id = (await gateway.request())[2]
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await reading
    gc.collect()
    assert await gateway.request() == ["2", "2", req_id]


async def test_a_cancelled_reader_gives_its_line_back(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A service that is cancelled while it waits is unsubscribed: its stream has gone with it."""
    reading = asyncio.create_task(anext(bridge.stream_quotes(AAPL)))
    req_id = (await gateway.request())[2]
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    del reading
    assert await gateway.request() == ["2", "2", req_id]


async def test_after_1101_everything_is_asked_for_again(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Data lost: old ids are cancelled, new ones feed the same readers; after 1102 nothing is asked."""
    trades = bridge.stream_trades(AAPL)
    headlines = bridge.stream_headlines("BRFG")
    old = [(await gateway.request())[2], (await gateway.request())[2]]
    gateway.error(-1, 1100, "Connectivity between IBKR and Trader Workstation has been lost.")
    gateway.error(-1, 1100, "Connectivity between IBKR and Trader Workstation has been lost.")
    gateway.error(-1, 1102, "Connectivity restored - data maintained.")
    await answered(bridge, gateway)
    assert gateway.requests.empty()
    gateway.error(-1, 1101, "Connectivity restored - data lost.")
    sent = [await gateway.request() for _ in range(4)]
    assert [one[2] for one in sent if one[0] == "2"] == old
    new = [one[2] for one in sent if one[0] == "1"]
    gateway.send(46, 6, old[0], 77, "99;1;1775425766350;1;1;true")
    gateway.send(46, 6, new[0], 77, TRADE)
    gateway.send(84, new[1], 1775425766350, "BRFG", "BRFG$1", "News", "")
    assert (await anext(trades)).price == 10.5
    assert (await anext(headlines)).article_id == "BRFG$1"
    assert [kind for kind, _ in incidents] == ["broker link", "broker link"]


async def test_a_dropped_line_is_asked_for_again(bridge: IBKRBridge, gateway: Gateway) -> None:
    """10182 ends one subscription: we renew it."""
    quotes = bridge.stream_quotes(AAPL)
    old = (await gateway.request())[2]
    gateway.error(old, 10182, "Failed to request live updates (disconnected).")
    assert await gateway.request() == ["2", "2", old]
    gateway.send(1, 6, (await gateway.request())[2], 1, 10.4, 100, 0)
    assert (await anext(quotes)).bid == 10.4


async def test_a_refused_line_is_an_error_of_its_readers(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """No subscription: both readers get code, text and advice, and the line is free."""
    quotes, trades = bridge.stream_quotes(AAPL), bridge.stream_trades(AAPL)
    gateway.error((await gateway.request())[2], 354, "Requested market data is not subscribed.")
    for stream in (quotes, trades):
        with pytest.raises(RequestFailed, match=r"354: Requested market data .*subscription"):
            await anext(stream)
    assert [kind for kind, _ in incidents] == ["subscription"]
    bridge.stream_quotes(AAPL)
    assert (await gateway.request())[0] == "1"


async def test_a_competing_session_bars_entries_until_data_flows(bridge: IBKRBridge, gateway: Gateway) -> None:
    """10197 is about the whole login; a live tick on the line ends it."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.error(req_id, 10197, "No market data during competing live session")
    await answered(bridge, gateway)
    assert bridge.health.competing_session and not bridge.health.may_enter
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await anext(quotes)
    assert bridge.health.may_enter


async def test_a_line_without_ticks_goes_stale(
    bridge: IBKRBridge, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fourth layer: each subscription by the age of its last tick."""
    lines = [bridge.stream_quotes(contract) for contract in (TSLA, AAPL)]
    await gateway.request()
    req_id = (await gateway.request())[2]
    assert bridge.health.stale_con_ids == frozenset()
    monkeypatch.setattr("momentum_kit.bridge.bridge.STALE_AFTER_S", 0.05)
    async with asyncio.timeout(60):
        while bridge.health.stale_con_ids != {TSLA.con_id}:  # one has its ticks, the other none
            gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
            await anext(lines[1])


async def test_a_line_that_may_never_tick_says_so(bridge: IBKRBridge, gateway: Gateway, incidents: Incidents) -> None:
    """No entitlement for an API: a person reads which contract, and what to do; nothing is traded on it."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.error(req_id, 10089, "Requested market data requires additional subscription for API.")
    await answered(bridge, gateway)
    ((kind, text),) = incidents
    assert kind == "subscription"
    assert text.startswith("market data of AAPL")
    assert "may never tick" in text
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    assert (await anext(quotes)).data_type is MarketDataType.DELAYED


async def test_an_unknown_code_is_told_once_with_what_was_asked(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Whatever repeats it; another one is told as well."""
    _quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    for code in (4711, 4711, 4712):
        gateway.error(req_id, code, "What this is nobody knows")
    await answered(bridge, gateway)
    assert [kind for kind, _ in incidents] == ["unknown code"] * 2
    assert [text[:29] for _, text in incidents] == ["4711 (market data of AAPL(265", "4712 (market data of AAPL(265"]


async def test_a_type_of_data_that_nobody_knows_is_not_traded_on(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """It is told, and counts as delayed until the gateway names one that is known."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.send(58, 1, req_id, 7)
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await answered(bridge, gateway)
    assert (await anext(quotes)).data_type is MarketDataType.DELAYED
    assert [kind for kind, _ in incidents] == ["unreadable"]


async def test_a_scan_goes_on_without_the_subscription_that_would_make_it_precise(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """492 comes before the rows: a person is told what to subscribe to, and the request is not given up."""
    asking = asyncio.create_task(bridge.fetch_contract_details(AAPL))
    req_id = (await gateway.request())[2]
    gateway.error(req_id, 492, "You must subscribe for additional permissions to obtain precise results for scanner.")
    await answered(bridge, gateway)
    assert not asking.done()
    asking.cancel()
    ((kind, text),) = incidents
    assert kind == "subscription"
    assert "Client Portal" in text
