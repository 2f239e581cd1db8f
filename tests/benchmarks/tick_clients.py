"""Clients of tick_sender.py, each in its own process: `python tick_clients.py CLIENT SCENARIO PORT`; JSON at the end.

Clients: the bridge, ib_async's full IB(), the official client with an empty wrapper, and one that only counts bytes.
"""

import asyncio
import gc
import json
import math
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

LINES = 100
QUESTION = b"49\x001\x00"
TURNS = {"saturation": 1, "pace": 1, "burst": 8, "memory": 10, "stopped": 5}  # streams to ask for


def peak_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


class Bridge:
    """Ours: a reader of trades and one of quotes for every line."""

    def __init__(self) -> None:
        self.trades = 0
        self.heard: list[tuple[int, int]] = []
        self.headlines_ns: list[int] = []
        self.quotes: dict[int, Any] = {}
        self.tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def connected(self, port: int, scenario: str) -> AsyncIterator[Callable[[], Any]]:
        """Lines open and read; the way to ask for a stream and wait until it is applied."""
        from momentum_kit.bridge import IBKRBridge
        from momentum_kit.models import Contract

        async with IBKRBridge(port=port, messages_per_s=math.inf, request_timeout_s=600) as self.bridge:
            streams = []
            for number in range(LINES):
                contract = Contract(f"S{number}", number + 1)
                streams.append(self.bridge.stream_trades(contract))
                if scenario != "stopped":
                    self.tasks.append(asyncio.create_task(self._read_trades(streams[-1], scenario == "pace")))
                    self.tasks.append(asyncio.create_task(self._read_quotes(self.bridge.stream_quotes(contract))))
            self.tasks.append(asyncio.create_task(self._read_headlines(self.bridge.stream_headlines("DJ-N"))))

            async def asked() -> None:
                await self.bridge.fetch_current_time()
                await self.bridge.applied()
                await asyncio.sleep(0)  # the readers' turn

            yield asked

    async def _read_trades(self, stream: Any, stamped: bool) -> None:
        async for trade in stream:
            self.trades += 1
            if stamped:
                self.heard.append((int(trade.size), time.perf_counter_ns()))

    async def _read_quotes(self, stream: Any) -> None:
        async for quote in stream:
            self.quotes[quote.con_id] = quote

    async def _read_headlines(self, stream: Any) -> None:
        async for _ in stream:
            self.headlines_ns.append(time.perf_counter_ns())

    async def order(self, number: int) -> None:
        """Place one."""
        from momentum_kit.models import Contract, OrderAction, OrderRequest

        await self.bridge.place_order(
            Contract("S1", 2),
            OrderRequest(
                action=OrderAction.BUY, quantity=Decimal(1), order_type="LMT", limit_price=1.0, order_id=number
            ),
        )


class IBAsync:
    """ib_async's IB() with a ticker for every line, whose new ticks are looked through at every update."""

    def __init__(self) -> None:
        self.trades = 0
        self.heard: list[tuple[int, int]] = []
        self.headlines_ns: list[int] = []

    @asynccontextmanager
    async def connected(self, port: int, scenario: str) -> AsyncIterator[Callable[[], Any]]:
        """As Bridge.connected."""
        from ib_async import IB, Contract, StartupFetchNONE

        ib = IB()
        await ib.connectAsync("127.0.0.1", port, 1, fetchFields=StartupFetchNONE)
        stamped = scenario == "pace"

        def on_tickers(tickers: Any) -> None:
            for ticker in tickers:
                for tick in ticker.ticks:
                    if tick.tickType == 77:
                        self.trades += 1
                        if stamped:
                            self.heard.append((int(tick.size), time.perf_counter_ns()))

        ib.pendingTickersEvent += on_tickers
        ib.tickNewsEvent += lambda _: self.headlines_ns.append(time.perf_counter_ns())
        for number in range(LINES):
            ib.reqMktData(Contract(conId=number + 1, secType="STK", exchange="SMART"), "236,375")
        ib.reqMktData(Contract(conId=LINES + 1, secType="NEWS", exchange="DJ-N"), "mdoff,292")  # it hashes by conId
        yield ib.reqCurrentTimeAsync
        ib.disconnect()


async def drive(client: Any, scenario: str, port: int) -> dict[str, Any]:
    """Ask for the streams one after the other; how long each took, and what was seen."""
    took_s, peaks, orders_ns = [], [], {}
    async with client.connected(port, scenario) as asked:
        await asked()
        gc.collect()
        gc.freeze()
        for _ in range(TURNS[scenario]):
            started = time.perf_counter()
            asking = asyncio.ensure_future(asked())
            while scenario == "burst" and hasattr(client, "order") and not asking.done():
                number = len(orders_ns) + 1
                orders_ns[number] = time.perf_counter_ns()
                await client.order(number)
                await asyncio.sleep(0.002)
            await asking
            took_s.append(time.perf_counter() - started)
            peaks.append(peak_mb())
    return {
        "took_s": took_s, "peak_mb": peaks, "trades": client.trades, "heard": client.heard, "orders_ns": orders_ns,
        "headlines_ns": client.headlines_ns,
    }  # fmt: skip


def bare(port: int) -> dict[str, Any]:
    """The official client as it is, run() on the main thread, with a wrapper that only looks for the end."""
    from ibapi.client import EClient
    from ibapi.contract import Contract
    from ibapi.wrapper import EWrapper

    class Wrapper(EWrapper):
        """Empty."""

        def currentTime(self, time: int) -> None:  # noqa: ARG002, N802
            """An answer."""
            answered.set()

    answered = threading.Event()
    client = EClient(Wrapper())
    client.connect("127.0.0.1", port, 1)
    # its reader moves its whole backlog for every frame: a small one is a favour, without which it takes minutes
    client.conn.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    threading.Thread(target=client.run, daemon=True).start()
    for number in range(LINES):
        contract = Contract()
        contract.conId, contract.secType, contract.exchange = number + 1, "STK", "SMART"
        client.reqMktData(number + 1, contract, "236,375", False, False, [])
    client.reqCurrentTime()
    answered.wait()
    answered.clear()
    started = time.perf_counter()
    client.reqCurrentTime()
    answered.wait()
    return {"took_s": [time.perf_counter() - started]}


def counting(port: int) -> dict[str, Any]:
    """Bytes only: how fast the sender is."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        hello = b"v157..178"
        connection.sendall(b"API\0" + len(hello).to_bytes(4, "big") + hello)
        connection.recv(4096)
        requests = [b"71\x002\x001\0\0", *(b"1\x0011\x00%d\x00" % (line + 1) for line in range(LINES)), QUESTION]
        connection.sendall(b"".join(len(request).to_bytes(4, "big") + request for request in requests))
        answer = b"49\x001\x001775425766\x00"
        heard = b""
        while not heard.endswith(answer):
            heard = heard[-20:] + connection.recv(1 << 20)
        started, heard = time.perf_counter(), b""
        connection.sendall(len(QUESTION).to_bytes(4, "big") + QUESTION)
        while not heard.endswith(answer):
            heard = heard[-20:] + connection.recv(1 << 20)
        return {"took_s": [time.perf_counter() - started]}


def main(who: str, scenario: str, port: int) -> dict[str, Any]:
    """Run one client."""
    if who == "bare":
        return bare(port)
    if who == "counting":
        return counting(port)
    return asyncio.run(drive({"bridge": Bridge, "ib_async": IBAsync}[who](), scenario, port))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))), flush=True)
    os._exit(0)  # the official client's reader would wait for the gateway to hang up
