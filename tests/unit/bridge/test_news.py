"""Headlines, articles and providers."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import RequestFailed
from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Article, Headline, HeadlinePhase, NewsProvider

AAPL, TSLA = Contract("AAPL", 265598), Contract("TSLA", 76792991)
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]


PUBLISHED_MS = 1776178722123


def tick(
    gateway: Gateway, req_id: str, article_id: str, text: str = "A headline", published_ms: int = PUBLISHED_MS
) -> None:
    """One tickNews."""
    gateway.send(84, req_id, published_ms, "BRFG", article_id, text, "A:800015:L:en:K:1.00:C:0.9999533295631409")


async def test_a_broad_tape_is_asked_for_as_ib_wants_it(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Its type is NEWS, symbol X:X_ALL, exchange X, headlines only."""
    stream = bridge.stream_headlines("BRFG")
    request = await gateway.request()
    assert (request[3], request[4], request[5], request[10]) == ("0", "BRFG:BRFG_ALL", "NEWS", "BRFG")
    assert request[-4] == "mdoff,292"
    tick(gateway, request[2], "BRFG$1e1f54ec", "Apple&#x2014;é")
    headline = await anext(stream)
    assert isinstance(headline, Headline)
    assert (headline.provider, headline.article_id, headline.text) == ("BRFG", "BRFG$1e1f54ec", "Apple&#x2014;é")
    assert headline.published_at == datetime(2026, 4, 14, 14, 58, 42, 123000, tzinfo=UTC)
    assert headline.received_at is not None
    assert headline.extra.startswith("A:800015:L:en:K:1.00")
    assert (headline.contract, headline.phase, headline.received_ns > 0) == (None, HeadlinePhase.SNAPSHOT, True)


async def test_what_was_published_before_a_line_was_asked_for_is_no_live_news(
    bridge: IBKRBridge, gateway: Gateway
) -> None:
    """A new line begins with headlines of the past; so does one that is asked for again after data loss."""
    stream = bridge.stream_headlines("BRFG")
    req_id, asked_ms = (await gateway.request())[2], int(datetime.now(UTC).timestamp() * 1e3)
    tick(gateway, req_id, "BRFG$1", published_ms=asked_ms - 5_000)
    tick(gateway, req_id, "BRFG$2", published_ms=asked_ms + 1)
    assert [(await anext(stream)).phase for _ in range(2)] == [HeadlinePhase.SNAPSHOT, HeadlinePhase.LIVE]
    await asyncio.sleep(0.01)
    gateway.error(-1, 1101, "Connectivity restored - data lost.")
    requests = [await gateway.request() for _ in range(2)]
    again = next(request[2] for request in requests if request[0] == "1")
    tick(gateway, again, "BRFG$3", published_ms=asked_ms + 2)
    assert (await anext(stream)).phase is HeadlinePhase.SNAPSHOT


async def test_headlines_of_contracts_carry_their_contract(bridge: IBKRBridge, gateway: Gateway) -> None:
    """One stream for a watch list; each headline says whose it is; closing it closes all its lines."""
    stream = bridge.stream_headlines([AAPL, TSLA, AAPL])
    ids = [(await gateway.request())[2] for _ in range(2)]
    tick(gateway, ids[1], "BRFG$2")
    tick(gateway, ids[0], "BRFG$1")
    assert [(await anext(stream)).contract for _ in range(2)] == [TSLA, AAPL]
    await stream.aclose()
    assert [(await gateway.request())[:3] for _ in range(2)] == [["2", "2", req_id] for req_id in ids]


async def test_two_streams_of_one_source_share_a_line(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Both get everything; the callback is called once."""
    pushed: list[Headline] = []
    bridge.news_handler_callback = pushed.append
    first, second = bridge.stream_headlines("BRFG"), bridge.stream_headlines("BRFG")
    req_id = (await gateway.request())[2]
    tick(gateway, req_id, "BRFG$1")
    assert await anext(first) == await anext(second) == pushed[0]
    assert (len(pushed), gateway.requests.empty()) == (1, True)


async def test_a_callback_that_fails_does_not_stop_the_stream(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """A notebook's handler may be wrong; the stream is not."""

    def fail(headline: Headline) -> None:
        raise RuntimeError("typo")

    bridge.news_handler_callback = fail
    stream = bridge.stream_headlines("BRFG")
    req_id = (await gateway.request())[2]
    tick(gateway, req_id, "BRFG$1")
    tick(gateway, req_id, "BRFG$2")
    assert [(await anext(stream)).article_id for _ in range(2)] == ["BRFG$1", "BRFG$2"]
    assert [kind for kind, _ in incidents] == ["news handler"] * 2


async def test_one_refused_source_does_not_end_the_others(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """A watch list with one contract that IB refuses goes on; the last refusal is the stream's error."""
    stream = bridge.stream_headlines([AAPL, TSLA])
    ids = [(await gateway.request())[2] for _ in range(2)]
    gateway.error(ids[0], 200, "No security definition has been found for the request")
    tick(gateway, ids[1], "BRFG$2")
    assert (await anext(stream)).contract == TSLA
    gateway.error(ids[1], 10276, "News feed is not allowed")
    with pytest.raises(RequestFailed, match="not entitled"):
        await anext(stream)
    assert [kind for kind, _ in incidents] == ["subscription"] * 2


async def test_headlines_are_never_dropped(bridge: IBKRBridge, gateway: Gateway, incidents: Incidents) -> None:
    """A reader that is 12 000 headlines behind gets each of them, in order; a person hears of it once."""
    stream = bridge.stream_headlines("BRFG")
    req_id = (await gateway.request())[2]
    for number in range(12_000):
        tick(gateway, req_id, f"BRFG${number}")
    async with asyncio.timeout(100):
        while not incidents:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.01)
        received = [(await anext(stream)).article_id for _ in range(12_000)]
    assert received == [f"BRFG${number}" for number in range(12_000)]
    assert [kind for kind, _ in incidents] == ["stream"]


async def test_historical_news_is_backfill(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Codes joined by plus, at most 300, times in UTC; nobody knows when it was received."""
    start, end = datetime(2026, 4, 13, tzinfo=UTC), datetime(2026, 4, 15, 12, 30, tzinfo=UTC)
    asking = asyncio.create_task(bridge.fetch_historical_news(265598, ["BRFG", "BRFUPDN"], start, end, 1000))
    request = await gateway.request()
    assert request[0] == "86"
    assert request[2:7] == ["265598", "BRFG+BRFUPDN", "2026-04-13 00:00:00.0", "2026-04-15 12:30:00.0", "300"]
    text = "{A:800015:L:en}!BofA Securities reiterated Apple (AAPL)"
    gateway.send(86, request[1], "2026-04-14 14:58:42.0", "BRFUPDN", "BRFUPDN$1e1f54ec", text)
    gateway.send(87, request[1], 1)
    (headline,) = await asking
    assert headline.published_at == datetime(2026, 4, 14, 14, 58, 42, tzinfo=UTC)
    assert (headline.received_at, headline.phase, headline.text) == (None, HeadlinePhase.BACKFILL, text)


async def test_an_unentitled_feed_is_refused_with_advice(bridge: IBKRBridge, gateway: Gateway) -> None:
    """The captured reply for a provider that is not subscribed."""
    asking = asyncio.create_task(bridge.fetch_historical_news(265598, ["BZ"], None, None, 10))
    request = await gateway.request()
    assert request[4:6] == ["", ""]
    gateway.error(request[1], 321, "Error validating request.-'bT' : cause - Not subscribed for 'BZ' provider")
    with pytest.raises(RequestFailed, match="not entitled to this news feed"):
        await asking


async def test_articles_and_providers(bridge: IBKRBridge, gateway: Gateway) -> None:
    """A body as it was sent; the feeds of the account."""
    asking = asyncio.create_task(bridge.fetch_news_article("BRFG", "BRFG$1"))
    request = await gateway.request()
    assert (request[0], request[2], request[3]) == ("84", "BRFG", "BRFG$1")
    gateway.send(83, request[1], 0, "Price target: $325&#10;Copyright 2026")
    assert await asking == Article(0, "Price target: $325&#10;Copyright 2026")
    providers = asyncio.create_task(bridge.fetch_news_providers())
    assert await gateway.request() == ["85"]
    gateway.send(85, 2, "BRFG", "Briefing.com General", "DJNL", "Dow Jones Newsletters")
    assert await providers == (
        NewsProvider("BRFG", "Briefing.com General"),
        NewsProvider("DJNL", "Dow Jones Newsletters"),
    )
