"""IB's limits as a gateway in another process counts them, over a reconnect; and what is asked twice."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge, Pacing
from momentum_kit.models import Contract, OrderAction, OrderRequest

AAPL, TSLA = Contract("AAPL", 265598), Contract("TSLA", 76792991)
SCRIPT = Path(__file__).parents[2] / "helpers" / "counting_gateway.py"
END = datetime(2026, 4, 13, 20, tzinfo=UTC)
Gateway = Any  # the ScriptedGateway of conftest.py


class Counting:
    """The counting gateway's process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.port = port
        self._process = process

    async def times(self) -> list[tuple[float, float]]:
        """Between which times each message came; the gateway ends."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        return [(after, until) for after, until in json.loads(await self._process.stdout.readline())]


@pytest.fixture
async def counting() -> AsyncIterator[Counting]:
    """A gateway that counts, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield Counting(process, int(await process.stdout.readline()))
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def most_in_a_second(times: list[tuple[float, float]]) -> int:
    """Of those that certainly came within one second, wherever it begins."""
    return max(sum(start <= after and until < start + 1 for after, until in times) for start, _ in times)


def test_a_burst_is_seen() -> None:
    """A checker that could not fail would be none."""
    assert most_in_a_second([(at / 60, at / 60 + 0.002) for at in range(180)]) > 50
    assert most_in_a_second([(at / 45, at / 45 + 0.002) for at in range(180)]) <= 50


def order() -> OrderRequest:
    """Any order."""
    return OrderRequest(action=OrderAction.BUY, quantity=Decimal(1), order_type="LMT", limit_price=1.0)


async def test_no_second_holds_more_than_fifty_messages_as_received(counting: Counting) -> None:
    """Requests, orders and a reconnect in the middle of them: IB ends the session above 50, and counts what arrives."""
    pacing = Pacing()
    for client in range(2):
        async with IBKRBridge(port=counting.port, client_id=client + 1, pacing=pacing) as bridge:
            asking = [asyncio.create_task(bridge.fetch_contract_details(Contract(f"S{n}"))) for n in range(40)]
            for _ in range(60):
                await bridge.place_order(AAPL, order())
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
    times = await counting.times()
    assert len(times) > 130
    assert most_in_a_second(times) <= 50, most_in_a_second(times)


async def test_identical_questions_on_their_way_are_one(gateway: Gateway) -> None:
    """Three who ask the same get one answer; another bar size is another question; one who gives up stops nobody."""
    async with IBKRBridge(port=gateway.port) as bridge:
        asked = (AAPL, END, "1 D", "1 min")
        asking = [asyncio.create_task(bridge.fetch_historical_data(*asked)) for _ in range(3)]
        other = asyncio.create_task(bridge.fetch_historical_data(AAPL, END, "1 D", "5 mins"))
        requests = [await gateway.request(), await gateway.request()]
        assert ["1 min" in request for request in requests].count(True) == 1
        asking[0].cancel()
        req_id = next(request[1] for request in requests if "1 min" in request)
        gateway.send(17, req_id, 1, "1775136600", 1, 2, 0.5, 1.5, 100, 1.2, 7)
        gateway.send(108, req_id, "", "")
        first, second = await asyncio.gather(*asking[1:])
        assert first == second
        assert len(first) == 1
        assert gateway.requests.empty()
        again = asyncio.create_task(bridge.fetch_historical_data(*asked))
        assert (await gateway.request())[0] == "20"
        again.cancel()
        other.cancel()


async def test_a_question_that_nobody_waits_for_is_cancelled(gateway: Gateway) -> None:
    """The last one who gives up takes it back."""
    async with IBKRBridge(port=gateway.port) as bridge:
        asking = [asyncio.create_task(bridge.fetch_historical_data(AAPL, END, "1 D", "1 min")) for _ in range(2)]
        request = await gateway.request()
        for task in asking:
            task.cancel()
        assert (await gateway.request())[:3] == ["25", "1", request[1]]


async def test_an_answer_up_to_now_is_never_older_than_its_question(gateway: Gateway) -> None:
    """Who asks for bars up to now after such a question has gone out asks for himself."""
    async with IBKRBridge(port=gateway.port) as bridge:
        first = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "1 D", "1 min"))
        ids = {(await gateway.request())[1]}
        second = asyncio.create_task(bridge.fetch_historical_data(AAPL, None, "1 D", "1 min"))
        ids.add((await gateway.request())[1])
        assert len(ids) == 2
        first.cancel()
        second.cancel()


async def test_minutes_never_wait_behind_small_bars(gateway: Gateway) -> None:
    """A hundred small bars wait for their turn, some for minutes; the minutes of a baseline are asked for at once."""
    async with IBKRBridge(port=gateway.port, messages_per_s=float("inf")) as bridge:
        small = [
            asyncio.create_task(bridge.fetch_historical_data(Contract(f"S{n}", n + 1), END, "1 D", "5 secs"))
            for n in range(100)
        ]
        for _ in range(40):
            assert "5 secs" in await gateway.request()
        minutes = asyncio.create_task(bridge.fetch_historical_data(TSLA, END, "1 D", "1 min"))
        assert "1 min" in await gateway.request()
        assert bridge.health.waiting == 60
        for task in (*small, minutes):
            task.cancel()
        await asyncio.gather(*small, minutes, return_exceptions=True)
        assert bridge.health.waiting == 0


async def test_the_windows_of_small_bars_outlive_a_reconnect(gateway: Gateway) -> None:
    """IB counts on: the same question within 15 s, from the next bridge, waits; and the wait can be seen."""
    pacing = Pacing()
    for number in range(2):
        async with IBKRBridge(port=gateway.port, pacing=pacing) as bridge:
            asking = asyncio.create_task(bridge.fetch_historical_data(AAPL, END, "1 D", "5 secs"))
            if number == 0:
                assert (await gateway.request())[0] == "20"
            else:
                async with asyncio.timeout(60):
                    while bridge.health.waiting_s < 0.02:  # noqa: ASYNC110  what is waited for has no event
                        await asyncio.sleep(0.005)
                assert bridge.health.waiting == 1
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    assert "20" not in [request[0] for request in gateway.requests._queue]
