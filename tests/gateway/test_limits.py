"""IB's limits as the official client meets them: its words, its codes, and what becomes of the session."""

import asyncio
from typing import Any

import pytest
from ibapi.contract import Contract

from momentum_kit.simgateway.client import PACING
from momentum_kit.simgateway.embedding import Scenario
from momentum_kit.simgateway.scenario import FarmFlap, parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway


def scenario(**limits: Any) -> Scenario:
    """AAPL alone, with the rates enforced."""
    universe = {"small_caps": 0, "large_caps": 0}
    return parse_scenario({"history_sessions": 5, "universe": universe, "limits": {"enforced": "always", **limits}})


async def test_fifty_messages_a_second(connect_client: Any, aapl: Contract) -> None:
    """Each breach is error 100 with its count; the third ends the session, and no other."""
    async with SimulatedGateway(scenario(), lock_step_s=1) as gateway:
        client, other = await connect_client(gateway.port, 1), await connect_client(gateway.port, 2)
        for _ in range(160):
            client.reqIds(1)
        await client.wait_for(lambda: client.named("connectionClosed"))
        texts = [text for code, text in client.errors(-1) if code == 100]
        assert [text.partition(":")[2] for text in texts] == [f"max=50 rec=51 ({breach})" for breach in (1, 2, 3)]
        assert texts[0].startswith("Max rate of messages per second has been exceeded")
        await other.step()


async def test_a_paced_connection_is_slowed_down(connect_client: Any) -> None:
    """+PACEAPI in the hello: 80 requests at a rate of 50 take more than half a second, and all are answered."""
    async with SimulatedGateway(scenario(), lock_step_s=1) as gateway:
        client = await connect_client(gateway.port, 1, options="+PACEAPI")
        began = asyncio.get_running_loop().time()
        for _ in range(80):
            client.reqIds(1)
        await client.wait_for(lambda: len(client.named("nextValidId")) == 81)
        assert asyncio.get_running_loop().time() - began > 0.5
        assert not [code for code, _ in client.errors(-1) if code == 100]


@pytest.mark.parametrize(("size", "refused"), [("5 secs", True), ("1 min", False)])
async def test_small_bars_are_paced(size: str, refused: bool, connect_client: Any, aapl: Contract) -> None:
    """An identical request within 15 s is a violation (162) for bars up to 30 s, and never for longer ones."""
    async with SimulatedGateway(scenario(), lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        for request_id in (1, 2):
            client.reqHistoricalData(request_id, aapl, "", "1800 S", size, "TRADES", 0, 1, False, [])
        await client.step()
        assert client.errors(2) == ([(162, PACING)] if refused else [])


async def test_fifty_open_history_requests(connect_client: Any, aapl: Contract) -> None:
    """While the history farm is broken they pile up; the 51st is refused with 322, the others are answered later."""
    async with SimulatedGateway(scenario(messages_per_s=None, open_history=3), lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        gateway.inject(FarmFlap(farm="ushmds", for_s=1))
        for request_id in (1, 2, 3, 4):
            client.reqHistoricalData(request_id, aapl, "", "1 D", "1 hour", "TRADES", 1, 1, False, [])
        await client.step()
        await client.step()
        ((code, text),) = client.errors(4)
        assert code == 322
        assert "simultaneous API historical data requests" in text
        await client.wait_for(lambda: len(client.named("historicalDataEnd")) == 3)


async def test_lines_and_headlines(connect_client: Any, aapl: Contract) -> None:
    """One line too many is 101, one headline too many 321; the scenario says how many there are."""
    async with SimulatedGateway(scenario(market_data_lines=1, headlines=5), lock_step_s=1) as gateway:
        client = await connect_client(gateway.port)
        client.reqMktData(1, aapl, "", False, False, [])
        client.reqMktData(2, aapl, "", False, False, [])
        client.reqHistoricalNews(3, aapl.conId, "BRFG", "", "", 6, [])
        await client.step()
        assert [code for code, _ in client.errors(2)] == [101]
        assert [code for code, _ in client.errors(3)] == [321]
