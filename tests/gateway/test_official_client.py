"""The official client, unmodified, against the simulated gateway over a real socket."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.order_cancel import OrderCancel

from momentum_kit.simgateway.embedding import Scenario
from momentum_kit.simgateway.scenario import parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway
from tests.helpers.shifted_wall import ShiftedWall

Connect = Callable[..., Awaitable[Any]]


@pytest.fixture
def scenario() -> Scenario:
    """A morning with some news."""
    news = {"planted": 2, "neutral": 2, "earlier": 4}
    return parse_scenario({"name": "official", "seed": 11, "news": news, "universe": {"small_caps": 6}})


def order(action: str, kind: str, quantity: int = 10, **fields: Any) -> Order:
    """An order with an explicit tif."""
    made = Order()
    made.action, made.orderType, made.totalQuantity, made.tif = action, kind, Decimal(quantity), "DAY"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


async def test_greeting_is_the_recorded_one(scenario: Scenario, connect_client: Connect) -> None:
    """Version 200, managedAccounts, nextValidId, then 2104, 2106, 2158, and nothing else."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        await client.wait_for(lambda: len(client.named("error")) == 3)
        assert client.serverVersion() == 200
        assert client.twsConnectionTime() == b"20261120 09:30:00 Eastern Standard Time"
        assert [call.name for call in client.calls] == ["managedAccounts", "nextValidId", "error", "error", "error"]
        assert [code for code, _ in client.errors(-1)] == [2104, 2106, 2158]


async def test_the_reply_to_a_hello_comes_alone(scenario: Scenario) -> None:
    """Nothing follows the version frame until START_API, and it arrives in one piece."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(b"API\0\0\0\0\x09v100..226")
        reply = await reader.read(4096)
        assert int.from_bytes(reply[:4], "big") == len(reply) - 4
        assert reply[4:8] == b"200\0"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.close()
        await writer.wait_closed()


async def test_a_client_id_is_given_once(scenario: Scenario, connect_client: Connect) -> None:
    """A second client with the same id hears 326 and is cut off; the first goes on."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        first = await connect_client(gateway.port, 5)
        second = await connect_client(gateway.port, 5)
        await second.wait_for(lambda: second.named("connectionClosed"))
        assert [code for code, _ in second.errors(-1)] == [326]
        assert await first.step() > 0
        await first.close()
        assert (await connect_client(gateway.port, 5)).named("nextValidId")


async def test_history_and_contracts(scenario: Scenario, connect_client: Connect, aapl: Contract) -> None:
    """Details, rule, search, history and head timestamp, consistent with each other."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        client.reqContractDetails(1, aapl)
        client.reqMarketRule(26)
        client.reqMatchingSymbols(2, "AAP")
        client.reqHistoricalData(3, aapl, "", "2 D", "5 mins", "TRADES", 1, 2, False, [])
        client.reqHeadTimeStamp(4, aapl, "TRADES", 1, 1)
        await client.wait_for(lambda: client.named("headTimestamp"))
        details = client.named("contractDetails")[0].contractDetails
        assert (details.contract.conId, details.longName) == (265598, "APPLE INC")
        assert client.named("marketRule")[0].priceIncrements[0].increment > 0
        assert client.named("symbolSamples")[0].contractDescriptions[0].contract.conId == 265598
        starts = [int(call.bar.date) for call in client.named("historicalData")]
        assert starts == sorted(starts) and len(starts) >= 78
        assert len(client.named("historicalDataEnd")) == 1


async def test_refusals_are_ibs(scenario: Scenario, connect_client: Connect, aapl: Contract) -> None:
    """Unknown contracts, ticks, providers, ids and requests get IB's codes, and the session goes on."""
    unknown = Contract()
    unknown.symbol, unknown.secType, unknown.exchange, unknown.currency = "ZZZZ", "STK", "SMART", "USD"
    tape = Contract()
    tape.symbol, tape.secType, tape.exchange = "BZ:BZ_ALL", "NEWS", "BZ"
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        client.reqContractDetails(1, unknown)
        client.reqMktData(2, unknown, "", False, False, [])
        client.reqMktData(3, aapl, "999", False, False, [])
        client.reqMktData(4, tape, "mdoff,292", False, False, [])
        client.cancelMktData(5)
        client.reqMktDepth(6, aapl, 5, False, [])
        client.reqHistoricalData(7, aapl, "yesterday", "1 D", "1 hour", "TRADES", 1, 1, False, [])
        client.placeOrder(8, unknown, order("BUY", "MKT"))
        client.cancelOrder(99, OrderCancel())
        client.reqNewsArticle(10, "BRFG", "BRFG$none", [])
        client.reqMktData(11, aapl, "", False, False, [])
        client.reqMktData(11, aapl, "", False, False, [])
        await client.step()
        expected = {1: 200, 2: 200, 3: 321, 4: 321, 5: 300, 6: 321, 7: 10314, 8: 200, 99: 10147, 10: 10172, 11: 322}
        assert {number: [code for code, _ in client.errors(number)] for number in expected} == {
            number: [code] for number, code in expected.items()
        }
        assert "Not subscribed for 'BZ' provider" in client.errors(4)[0][1]


async def test_lines_are_limited(scenario: Scenario, connect_client: Connect, aapl: Contract) -> None:
    """The hundred and first market data line is refused with 101, a cancel frees one."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        for number in range(1, 102):
            client.reqMktData(number, aapl, "", False, False, [])
        await client.wait_for(lambda: client.errors(101))
        client.cancelMktData(1)
        client.reqMktData(200, aapl, "", False, False, [])
        await client.wait_for(lambda: [tick for tick in client.named("tickPrice") if tick.reqId == 200])
        assert [code for code, _ in client.errors(101)] == [101]


async def test_quotes_are_sampled_and_prints_are_not(
    scenario: Scenario, connect_client: Connect, aapl: Contract
) -> None:
    """A line shows at most one bid a 250 ms of market time; every print comes as RTTradeVolume, stamped in order."""
    async with SimulatedGateway(scenario, lock_step_s=0.05) as gateway:
        client = await connect_client(gateway.port)
        client.reqMktData(1, aapl, "375,236", False, False, [])
        seen = []
        for _ in range(200):
            await client.step()
            bids = [tick for tick in client.named("tickPrice") if tick.tickType == 1]
            seen.append(len(bids))
        changes = [at for at in range(1, len(seen)) if seen[at] > seen[at - 1]]
        assert all(seen[at] - seen[at - 1] == 1 for at in changes)
        assert all(later - earlier >= 5 for earlier, later in pairwise(changes))
        assert len(changes) > 5
        prints = [tick.value.split(";") for tick in client.named("tickString") if tick.tickType == 77]
        times, totals = [int(p[2]) for p in prints], [int(p[3]) for p in prints]
        assert times == sorted(times) and totals == sorted(totals) and len(prints) > 5
        assert sum(int(p[1]) for p in prints[1:]) == totals[-1] - totals[0]
        assert {tick.tickType for tick in client.named("tickGeneric")} == {46, 49}


async def test_prints_add_up_to_history(scenario: Scenario, connect_client: Connect, aapl: Contract) -> None:
    """5 s bars of reqRealTimeBars and of history are the sums of the prints that were sent live."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        client.reqMktData(1, aapl, "375", False, False, [])
        client.reqRealTimeBars(2, aapl, 5, "TRADES", True, [])
        for _ in range(60):
            now_ms = await client.step()
        start = now_ms // 1000 - 60
        prints = [tick.value.split(";") for tick in client.named("tickString") if tick.tickType == 77]
        volumes: dict[int, int] = {}
        for _, size, at_ms, *_ in prints:
            second = int(at_ms) // 5000 * 5
            volumes[second] = volumes.get(second, 0) + int(size)
        live = {bar.time: int(bar.volume) for bar in client.named("realtimeBar")}
        assert len(live) == 12
        assert {second: volume for second, volume in live.items() if volume} == volumes
        client.reqHistoricalData(3, aapl, "", "60 S", "5 secs", "TRADES", 1, 2, False, [])
        await client.wait_for(lambda: client.named("historicalDataEnd"))
        past = {int(call.bar.date): int(call.bar.volume) for call in client.named("historicalData")}
        assert {second: volume for second, volume in past.items() if second >= start} == volumes


async def test_news_by_every_road(scenario: Scenario, connect_client: Connect, aapl: Contract) -> None:
    """A headline of the broad tape is found again in history and its body can be fetched."""
    tape = Contract()
    async with SimulatedGateway(scenario, lock_step_s=30) as gateway:
        client = await connect_client(gateway.port)
        client.reqNewsProviders()
        await client.wait_for(lambda: client.named("newsProviders"))
        for number, provider in enumerate(client.named("newsProviders")[0].newsProviders):
            tape.symbol, tape.secType, tape.exchange = f"{provider.code}:{provider.code}_ALL", "NEWS", provider.code
            client.reqMktData(100 + number, tape, "mdoff,292", False, False, [])
        planted = gateway.truth()["planted"][0]
        for _ in range(180):
            now_ms = await client.step()
            if any(news.articleId == planted["article_id"] for news in client.named("tickNews")):
                break
        headline = next(news for news in client.named("tickNews") if news.articleId == planted["article_id"])
        assert headline.timeStamp <= now_ms and not headline.headline.startswith("{")
        con_id = gateway.hub.market.find(symbol=planted["symbol"])[0].con_id
        client.reqHistoricalNews(1, con_id, headline.providerCode, "", "", 10, [])
        client.reqNewsArticle(2, headline.providerCode, headline.articleId, [])
        await client.wait_for(lambda: client.named("newsArticle"))
        past = next(news for news in client.named("historicalNews") if news.articleId == headline.articleId)
        assert past.headline.endswith(headline.headline)
        at = datetime.strptime(past.time, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        assert abs(at.timestamp() * 1000 - headline.timeStamp) < 100


async def test_a_bracket_lives_to_its_exit(scenario: Scenario, connect_client: Connect, aapl: Contract) -> None:
    """Entry fills, the stop rests, the far target is made marketable: flat at the end, and every source agrees."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        client.reqPositions()
        client.placeOrder(1, aapl, order("BUY", "LMT", lmtPrice=400.0, transmit=False))
        client.placeOrder(2, aapl, order("SELL", "LMT", lmtPrice=900.0, parentId=1, transmit=False))
        client.placeOrder(3, aapl, order("SELL", "STP", auxPrice=10.0, parentId=1))
        while not _filled(client, 1):
            await client.step()
        client.placeOrder(2, aapl, order("SELL", "MKT", parentId=1))
        for _ in range(30):
            await client.step()
            if _filled(client, 2):
                break
        await client.step()
        final = {status.orderId: status.status for status in client.named("orderStatus")}
        assert final == {1: "Filled", 2: "Filled", 3: "Cancelled"}
        assert client.named("position")[-1].position == 0
        client.reqExecutions(9, ExecutionFilter())
        client.reqCompletedOrders(True)
        client.reqOpenOrders()
        await client.wait_for(lambda: client.named("openOrderEnd"))
        asked = [call for call in client.named("execDetails") if call.reqId == 9]
        told = [call for call in client.named("execDetails") if call.reqId == -1]
        assert {call.execution.execId for call in asked} == {call.execution.execId for call in told}
        assert sum(call.execution.shares for call in told if call.execution.side == "SLD") == 10
        assert len(client.named("completedOrder")) == 3
        assert gateway.truth()["positions"] == []


def _filled(client: Any, order_id: int) -> bool:
    return any(call.orderId == order_id and call.status == "Filled" for call in client.named("orderStatus"))


async def test_lock_step_stands_still_between_steps(
    scenario: Scenario, connect_client: Connect, aapl: Contract
) -> None:
    """A plain time request reads; only the first stepping client moves the market, until it is gone."""
    async with SimulatedGateway(scenario, lock_step_s=2) as gateway:
        driver, other = await connect_client(gateway.port, 1), await connect_client(gateway.port, 2)
        other.reqMktData(1, aapl, "375", False, False, [])
        first = await driver.step()
        assert await driver.step() - first == 2000
        assert await other.step() == first + 2000
        driver.reqCurrentTime()
        await driver.wait_for(lambda: driver.named("currentTime"))
        assert driver.named("currentTime")[0].time == (first + 2000) // 1000
        stamps = [int(tick.value.split(";")[2]) for tick in other.named("tickString") if tick.tickType == 77]
        assert max(stamps) <= first + 2000
        await driver.close()
        while (now_ms := await other.step()) == first + 2000:
            pass  # the gateway has not noticed yet that the driver hung up
        assert now_ms == first + 4000


async def test_a_free_market_follows_the_wall(wall: ShiftedWall, scenario: Scenario, connect_client: Connect) -> None:
    """At speed 100 two wall seconds bring it two hundred on, and it never runs ahead."""
    async with SimulatedGateway(scenario, speed=100) as gateway:
        client, now = await connect_client(gateway.port), asyncio.get_running_loop().time
        asked, first = now(), await client.step()
        await wall.pass_time(2)
        async with asyncio.timeout(60):
            while (last := await client.step()) - first < 200_000:
                pass
        assert (last - first) / 1000 <= 100 * (now() - asked)


async def test_garbage_ends_one_session_only(scenario: Scenario, connect_client: Connect) -> None:
    """A stream that is not IB's is cut off, a broken request is refused with 320; nobody else notices."""
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"API\0\xff\xff\xff\xff", b"API\0\0\0\0\x04junk"):
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            writer.write(nonsense)
            assert await reader.read() == b""
            writer.close()
        client.conn.sendMsg(b"\0\0\0\x0a1\x0011\x0077\0x\0")
        await client.wait_for(lambda: client.errors(77))
        assert client.errors(77)[0][0] == 320
        assert await client.step() > 0


async def test_a_client_that_does_not_read_is_dropped(
    scenario: Scenario, connect_client: Connect, aapl: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unread bytes beyond the limit end that client; the market and the others go on."""
    monkeypatch.setattr("momentum_kit.simgateway.connection.MAX_UNREAD_BYTES", 100_000)
    async with SimulatedGateway(scenario, lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        with socket.create_connection(("127.0.0.1", gateway.port)) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.sendall(b"API\0\0\0\0\x09v100..226" + _framed(b"71\x002\x0077\0\0"))
            while len(gateway.connections) < 2:
                await client.step()
            details = _framed(b"9\x008\x001\x00265598" + b"\0" * 17)
            with contextlib.suppress(OSError):
                while len(gateway.connections) == 2:
                    deaf.sendall(details * 20)
                    await client.step()
        assert await client.step() > 0


def _framed(payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "big") + payload


async def test_stopping_leaves_nothing_behind(scenario: Scenario, connect_client: Connect) -> None:
    """After the context ends the port is closed, clients are hung up on and no task of ours remains."""
    before = asyncio.all_tasks()
    async with SimulatedGateway(scenario, speed=10) as gateway:
        client = await connect_client(gateway.port)
        port = gateway.port
    await client.wait_for(lambda: client.named("connectionClosed"))
    assert asyncio.all_tasks() == before
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
