"""Speed and memory of the simulated gateway, against raw sockets in another process; `momentum-kit bench gateway`."""

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from momentum_kit.runtime.bench import Row
from momentum_kit.simgateway import SimulatedGateway
from momentum_kit.simgateway.embedding import GeneratedSource, Market, Scenario
from momentum_kit.simgateway.events import MarketEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.scenario import load_scenario, parse_scenario

RAW_CLIENTS = Path(__file__).with_name("raw_clients.py")
CONTRACTS, SLOT = 25, timedelta(milliseconds=250)
TEXT, PROTOBUF = 200, 226
ORDERS_S = 30.0
BURST, BURST_EVERY = 20_000, 1_000  # messages, beats of 10 ms


class SteadyMarket(Market):
    """Every contract quotes and prints once in a slot, spread evenly: five messages a line."""

    def __init__(self, scenario: Scenario, *, bursts: bool = False, slot: timedelta = SLOT) -> None:
        super().__init__(scenario, GeneratedSource(scenario))
        self.con_ids = sorted(self.instruments)[:CONTRACTS]
        self.began = self.now
        self._bursts = bursts
        self._beat = slot / CONTRACTS
        self._count = 0

    def activate(self, con_id: int) -> None:
        """Every contract always is."""

    def quote(self, *_: Any) -> None:
        """None yet: the first comes with the next slot."""

    def last(self, *_: Any) -> None:
        """None yet."""

    def advancing(self, to: datetime) -> Iterator[MarketEvent]:
        """One contract's quote and print every 10 ms; every tenth second begins with 20,000 prints at one moment."""
        while self.now + self._beat <= to:
            self.now += self._beat
            self._count += 1
            con_id, price = self.con_ids[self._count % CONTRACTS], 10 + self._count // CONTRACTS % 50 / 100
            yield QuoteEvent(self.now, con_id, price, price + 0.01, 100 + self._count % 7, 200)
            yield self._print(self._count, price)
            if self._bursts and self._count % BURST_EVERY == 0:
                yield from (self._print(number, price) for number in range(BURST))

    def _print(self, number: int, price: float) -> TradeEvent:
        return TradeEvent(self.now, self.con_ids[number % CONTRACTS], price, 100, 1000 + self._count, price)


def scenario() -> Scenario:
    """A market of its own, without IB's limits."""
    lifted = dict.fromkeys(("messages_per_s", "market_data_lines"))
    universe = {"small_caps": CONTRACTS, "large_caps": 0}
    at_once = {"latency_ms": 0}  # the way to the exchange is not what is measured
    return parse_scenario({"history_sessions": 5, "universe": universe, "limits": lifted, "broker": at_once})


@asynccontextmanager
async def clients(port: int, what: str, *arguments: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """The raw clients, once all are connected and subscribed."""
    command = [sys.executable, str(RAW_CLIENTS), what, str(port), *(json.dumps(each) for each in arguments)]
    piped = subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=piped, stdout=piped, limit=1 << 24)
    assert process.stdin
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    gc.collect()
    gc.freeze()  # as `momentum-kit sim` does
    process.stdin.write(b"go\n")
    try:
        yield process
    finally:
        gc.unfreeze()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def heard(gateway: SimulatedGateway, process: asyncio.subprocess.Process) -> dict[str, Any]:
    """What the clients saw, after the gateway has hung up on them."""
    for session in gateway.hub.sessions():
        session.close()
    gateway.flush()
    assert process.stdout
    found: dict[str, Any] = json.loads(await process.stdout.readline())
    await process.wait()
    return found


async def drained(gateway: SimulatedGateway, most_bytes: int = 0) -> None:
    """Wait until no more than this waits for the sockets."""
    waiting = gateway.connections
    # a transport tells nobody how much it has written
    while sum(connection.unwritten_bytes for connection in waiting) > most_bytes:  # noqa: ASYNC110
        await asyncio.sleep(0.0005)


async def emission(version: int, seconds: float) -> float:
    """Messages a second to one client with 100 lines, as fast as the gateway can."""
    market = SteadyMarket(scenario())
    async with (
        SimulatedGateway(market, lock_step_s=1, server_version=version) as gateway,
        clients(gateway.port, "count", version, market.con_ids, 100, 1) as process,
    ):
        started = time.perf_counter()
        while time.perf_counter() - started < seconds:
            gateway.hub.advance(gateway.hub.now + SLOT)
            gateway.flush()
            await drained(gateway, 1_000_000)
        await drained(gateway)
        elapsed = time.perf_counter() - started
        return sum((await heard(gateway, process))["messages"]) / elapsed


async def order_answers(seconds: float) -> dict[str, Any]:
    """Waits (ms, sorted) of order requests at IB's real rate with bursts, and the messages meanwhile."""
    market = SteadyMarket(scenario(), bursts=True)
    async with (
        SimulatedGateway(market) as gateway,
        clients(gateway.port, "orders", TEXT, market.con_ids, 100, seconds) as process,
    ):
        return await answers(process)


async def echoes(seconds: float) -> dict[str, Any]:
    """The same waits against a server that does nothing but send back what it got."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    async with server, clients(server.sockets[0].getsockname()[1], "echo", seconds) as process:
        return await answers(process)


async def answers(process: asyncio.subprocess.Process) -> dict[str, Any]:
    """What the client measured, its waits sorted."""
    assert process.stdout
    found: dict[str, Any] = json.loads(await process.stdout.readline())
    found["waits_ms"].sort()
    return found


class Echo(asyncio.Protocol):
    """Sends back what it gets."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """There and back."""
        self._transport.write(data)


async def many_clients(count: int, seconds: float) -> tuple[float, float]:
    """Fewest messages a second that one of `count` clients got in real time, and the gateway's share of a core."""
    market = SteadyMarket(scenario())
    async with (
        SimulatedGateway(market) as gateway,
        clients(gateway.port, "count", TEXT, market.con_ids, 52, count) as process,
    ):
        used, started = time.process_time(), time.perf_counter()
        await asyncio.sleep(seconds)
        await drained(gateway)
        elapsed, used = time.perf_counter() - started, time.process_time() - used
        return min((await heard(gateway, process))["messages"]) / elapsed, used / elapsed


async def memory_growth(days: int) -> tuple[float, int]:
    """MB that a week of sessions (6.5 h a day, a quote each 5 s) adds after its first day, and the messages sent."""
    market = SteadyMarket(scenario(), slot=timedelta(seconds=5))
    process = psutil.Process()
    gateway = SimulatedGateway(market, lock_step_s=1)
    async with gateway, clients(gateway.port, "count", TEXT, market.con_ids, CONTRACTS, 1) as reader:
        after_first = 0
        for _ in range(days):
            for _minute in range(int(6.5 * 60)):
                gateway.hub.advance(gateway.hub.now + timedelta(minutes=1))
                gateway.flush()
                await drained(gateway, 1_000_000)
            gc.collect()
            after_first = after_first or process.memory_info().rss
        grown = (process.memory_info().rss - after_first) / 1e6
        return grown, sum((await heard(gateway, reader))["messages"])


def market_s() -> float:
    """Processor time of all tapes of the demo's market: nobody waits for a market."""
    source = GeneratedSource(load_scenario("demo"))
    before = time.process_time()
    for con_id in source.instruments:
        source.tape(con_id, source.scenario.day)
    return time.process_time() - before


def part(waits_ms: list[float], share: float) -> float:
    """The wait that this share of the requests stays below."""
    return round(waits_ms[int(len(waits_ms) * share)], 3)


def measure() -> list[Row]:
    """All rows; about a minute and a half."""
    text, protobuf = asyncio.run(emission(TEXT, 4.0)), asyncio.run(emission(PROTOBUF, 4.0))
    floor = asyncio.run(echoes(ORDERS_S))["waits_ms"]
    found = asyncio.run(order_answers(ORDERS_S))
    waits = found["waits_ms"]
    fewest, share = asyncio.run(many_clients(32, 6.0))
    grown_mb, sent = asyncio.run(memory_growth(5))
    return [
        Row("ticks to one client, text", round(text), "messages/s", goal=100_000),
        Row("ticks to one client, protobuf", round(protobuf), "messages/s", goal=60_000),
        Row("ticks during the order test", round(found["messages"][0] / ORDERS_S), "messages/s"),
        Row("most ticks in half a second of it", found["burst"], "messages"),
        *(
            Row(name, part(waits, share), "ms", "bare echo", part(floor, share), goal=2, least=False)
            for name, share in (("answer to an order, median", 0.5), (f"answer, p99.9 of {len(waits)}", 0.999))
        ),
        Row("slowest of 32 clients", round(fewest), "messages/s", goal=1_000),
        Row("gateway's share of a core with 32 clients", round(share, 2), "cores", goal=1, least=False),
        Row("all tapes of the demo's market, made", round(market_s(), 2), "CPU-s", goal=5, least=False),
        Row(f"memory added by days 2 to 5, {sent:,} messages", round(grown_mb, 1), "MB", goal=5, least=False),
    ]
