"""Clients that order, for the orders' benchmark, each a process: `python -m tests.benchmarks.order_clients WHO SETUP`.

engine: execution service and position manager on the bridge, with journal, intents, rules and risk, joined as the
engine joins them. ib_async: the same orders at the same moments without any of that. A client connects, prints what its
start took, obeys each line on stdin (`{"do": NAME, ...}`) and answers it with a line. Times count from the moment at
which something was due, so that a client which falls behind hides nothing.
"""

import asyncio
import gc
import json
import logging
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from momentum_kit.bridge import IBKRBridge
from momentum_kit.models import Catalyst, Contract, MarketDataType, Quote, TradeSignal
from momentum_kit.runtime.beats import beat_by_wall
from momentum_kit.runtime.clock import ScaledClock
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal, query
from tests.helpers.features import features_of
from tests.helpers.trading_services import TradingServices

if TYPE_CHECKING:
    import ib_async  # else where it is used: an engine's start is measured, and does not load it

BEAT_S = 0.25
GAP_S = 0.1  # ten signals a second, three messages each
WORKS_S = 1.0  # an entry that cannot fill is cancelled after so long
PATIENCE_S = 60.0
FAR_USD, SHARES = 5.0, 20  # half of what the market asks, so that nothing fills
SETTINGS = {
    "risk_per_order_usd": 4.0,  # some twenty shares, which every touch has
    "max_positions": 1_000, "max_total_notional_usd": 1e9, "max_orders_per_minute": 1_000, "cool_down_s": 0.0,
    "max_quote_age_s": 60.0, "entry_timeout_s": WORKS_S, "time_stop_s": 3_600.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Where to connect, as whom, where files lie, and the symbols to know."""

    port: int
    client_id: int
    folder: str
    symbols: tuple[str, ...]


class Engine:
    """Obeys the benchmark. Quotes are the market's, but half of it for what must not fill."""

    def __init__(self, bridge: IBKRBridge, clock: ScaledClock, folder: Path) -> None:
        self._clock = clock
        # Any: a benchmark makes disks slow and files busy, which no session asks for
        self._intents: Any = SqliteIntents(folder / "intents.db")
        self._journal: Any = SqliteJournal(folder / "journal.db")
        self._quotes: dict[int, Quote] = {}
        self._far: dict[int, Quote] = {}
        self._bridge = bridge
        self._flushing: asyncio.Task[bool] | None = None
        self._items = 0
        self._contracts: dict[str, Contract] = {}
        self._services = TradingServices(
            account=bridge.accounts[0], broker=bridge, clock=clock, journal=self._journal, intents=self._intents,
            quote=self._quote, last_price=lambda _: float("nan"), health=lambda: bridge.health, settings=SETTINGS,
        )  # fmt: skip

    @classmethod
    @asynccontextmanager
    async def running(cls, setup: Setup) -> AsyncIterator["Engine"]:
        """Connected, rebuilt from the broker's lists, and at work."""
        clock = ScaledClock(1.0)
        async with IBKRBridge(port=setup.port, client_id=setup.client_id, now=clock.now) as bridge:
            clock.start(await bridge.fetch_current_time())
            engine = cls(bridge, clock, Path(setup.folder))
            services = engine._services
            await services.positions.reconcile()
            tasks = services.start()
            await until(lambda: services.execution.recovered)
            tasks.append(asyncio.create_task(beat_by_wall(clock, BEAT_S, services.beats, engine._after_beat)))
            try:
                tasks += [await engine._watch(symbol) for symbol in setup.symbols]
                yield engine
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                engine._journal.close()
                engine._intents.close()

    async def _watch(self, symbol: str) -> "asyncio.Task[None]":
        """Learn what an order in a symbol needs; the task that keeps its quote."""
        details = await self._bridge.fetch_contract_details(Contract(symbol))
        contract = self._contracts[symbol] = details[0].contract
        await self._services.rules.learn(contract)

        async def keep() -> None:
            async for quote in self._bridge.stream_quotes(contract):
                if quote.bid > 0 and quote.ask > 0:
                    self._quotes[contract.con_id] = quote

        keeping = asyncio.create_task(keep())
        await until(lambda: contract.con_id in self._quotes)
        return keeping

    async def _after_beat(self, _: Any) -> bool:
        if self._flushing is None or self._flushing.done():  # as the engine does it
            self._flushing = asyncio.create_task(asyncio.to_thread(self._journal.flush))
        return False

    def _quote(self, con_id: int) -> Quote | None:
        return self._far.get(con_id) or self._quotes.get(con_id)

    def _signal(self, symbol: str, due_ns: int, *, fills: bool) -> str:
        """Buy at the ask; the item by which the journal tells what became of it."""
        self._items += 1
        contract, now, live = self._contracts[symbol], self._clock.now(), MarketDataType.LIVE
        self._far.pop(contract.con_id, None)
        if not fills:
            far = Quote(contract.con_id, FAR_USD - 0.01, FAR_USD, 500, 500, FAR_USD, False, live, now)
            self._far[contract.con_id] = far
        quote, item = self._quote(contract.con_id), f"story:{self._items}"
        assert quote is not None
        self._services.signals.put_nowait(
            TradeSignal(
                item_id=item, story_id="story", contract=contract, catalyst=Catalyst.FDA, decided_at=now,
                reference_price=quote.ask, atr=0.01, features=features_of(now, quote.ask), deciding_ns=due_ns,
                elapsed_s=self._clock.elapsed(),
            )
        )  # fmt: skip
        return item

    # -- what is asked for -------------------------------------------------------------------------------------------

    async def signals(self, symbols: list[str], count: int, *, checkpoints: bool = False) -> dict[str, Any]:
        """Brackets that do not fill: ms from each signal's moment to the last byte of its last leg.

        checkpoints: as each comes, the file of intents begins to take in all that was written since the one before.
        """
        items, late_ms, used_s = [], [], time.process_time()
        async for number, due_ns in metronome(count):
            late_ms.append((time.perf_counter_ns() - due_ns) / 1e6)
            if checkpoints:
                self._intents._writer.submit(self._intents._connection.execute, "PRAGMA wal_checkpoint")
            items.append(self._signal(symbols[number % len(symbols)], due_ns, fills=False))
        await asyncio.sleep(WORKS_S)
        await until(lambda: not self._services.execution.working_entries)
        cpu_ms = (time.process_time() - used_s) / count * 1e3
        return {"ms": self._sent_ms(items), "late_ms": late_ms, "cpu_ms": cpu_ms}

    async def hold(self, symbols: list[str]) -> dict[str, Any]:
        """Enter each; done when all have filled and their stops rest."""
        wanted = len(self._services.ledger.holdings()) + len(symbols)
        items = [self._signal(symbols[number], due_ns, fills=True) async for number, due_ns in metronome(len(symbols))]
        await asyncio.sleep(WORKS_S)
        self._sent_ms(items)
        execution = self._services.execution
        await until(lambda: len(self._services.ledger.holdings()) == wanted == len(execution.protected))
        return {}

    async def exits(self, symbols: list[str], stall_s: float) -> dict[str, Any]:
        """Leave each by command: ms from each command's moment to the bytes of the order that sells.

        stall_s: the thread that writes intents hangs for so long, as in an fsync.
        """
        stalled = self._intents._writer.submit(time.sleep, stall_s)
        asked_ns: dict[int, int] = {}
        late_ms, used_s = [], time.process_time()
        async for number, due_ns in metronome(len(symbols)):
            late_ms.append((time.perf_counter_ns() - due_ns) / 1e6)
            contract = self._contracts[symbols[number]]
            asked_ns[contract.con_id] = time.time_ns() - (time.perf_counter_ns() - due_ns)
            self._services.positions.request_exit(contract.symbol, "bench", self._services.execution.held)
        await asyncio.sleep(0.1)
        if stall_s and stalled.done():
            raise SystemExit("the stall was over before the last exit")
        await until(lambda: self._services.positions.flat and stalled.done())
        cpu_ms = (time.process_time() - used_s) / len(symbols) * 1e3
        self._journal.flush()
        sql = "SELECT con_id, min(wall_ns) FROM orders WHERE leg = 'exit' AND wall_ns > ? GROUP BY con_id"
        sent_ns = dict(query(self._journal.path, sql, [min(asked_ns.values())]))
        waits_ms = [(sent_ns[con_id] - at) / 1e6 for con_id, at in asked_ns.items()]
        return {"ms": waits_ms, "late_ms": late_ms, "cpu_ms": cpu_ms}

    async def kill(self) -> dict[str, Any]:
        """Everything goes at once: seconds until executions say flat."""
        used_s, started = time.process_time(), time.perf_counter()
        await self._services.execution.cancel_entries()
        self._services.positions.request_flatten("kill", self._services.execution.held)
        await self._services.positions.wait_flat()
        return {"s": time.perf_counter() - started, "cpu_s": time.process_time() - used_s}

    def _sent_ms(self, items: list[str]) -> list[float]:
        """From the journal: each signal must have gone out."""
        self._journal.flush()
        sql = "SELECT item_id, decide_to_sent_ms FROM orders WHERE leg = 'stop' AND decide_to_sent_ms IS NOT NULL"
        sent = dict(query(self._journal.path, sql))
        if missing := [item for item in items if item not in sent]:
            why = query(self._journal.path, "SELECT reason, limits FROM risk WHERE item_id = ?", missing[:1])
            raise SystemExit(f"{len(missing)} of {len(items)} signals were not sent: {why}")
        return [sent[item] for item in items]


class Peer:
    """ib_async: three placeOrder a signal and the cancel after it; nothing is judged, written or kept right."""

    def __init__(self, ib: "ib_async.IB") -> None:
        self._ib = ib
        self._contracts: dict[str, ib_async.Contract] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls, setup: Setup) -> AsyncIterator["Peer"]:
        """Connected, with the same quotes coming in."""
        logging.getLogger("ib_async").setLevel(logging.CRITICAL)  # every cancel would be a line
        import ib_async

        ib = ib_async.IB()
        await ib.connectAsync("127.0.0.1", setup.port, clientId=setup.client_id, timeout=PATIENCE_S)
        peer = cls(ib)
        for symbol in setup.symbols:
            (contract,) = await ib.qualifyContractsAsync(ib_async.Stock(symbol, "SMART", "USD"))
            assert isinstance(contract, ib_async.Contract)
            peer._contracts[symbol] = contract
            ib.reqMktData(contract)
        try:
            yield peer
        finally:
            ib.disconnect()

    async def signals(self, symbols: list[str], count: int) -> dict[str, Any]:
        """As the engine's."""
        from ib_async import LimitOrder, StopOrder

        sent_ms, late_ms, used_s = [], [], time.process_time()
        loop = asyncio.get_running_loop()
        trades = []
        async for number, due_ns in metronome(count):
            late_ms.append((time.perf_counter_ns() - due_ns) / 1e6)
            contract = self._contracts[symbols[number % len(symbols)]]
            entry = LimitOrder("BUY", SHARES, FAR_USD, orderId=self._ib.client.getReqId(), tif="DAY", transmit=False)
            kept = {"parentId": entry.orderId, "tif": "GTC"}
            target = LimitOrder("SELL", SHARES, 5.4, orderId=self._ib.client.getReqId(), transmit=False, **kept)
            stop = StopOrder("SELL", SHARES, 4.9, orderId=self._ib.client.getReqId(), **kept)
            trades += [self._ib.placeOrder(contract, order) for order in (entry, target, stop)]
            sent_ms.append((time.perf_counter_ns() - due_ns) / 1e6)
            loop.call_later(WORKS_S, self._ib.cancelOrder, entry)
        await until(lambda: all(trade.isDone() for trade in trades))
        return {"ms": sent_ms, "late_ms": late_ms, "cpu_ms": (time.process_time() - used_s) / count * 1e3}


async def metronome(count: int) -> AsyncIterator[tuple[int, int]]:
    """Numbers with the moments at which they were due (perf_counter_ns), whether or not the last one is done."""
    first_ns, drawn = time.perf_counter_ns() + round(GAP_S * 1e9), random.Random(count)
    for number in range(count):
        due_ns = first_ns + round((number + drawn.random()) * GAP_S * 1e9)  # in step with nothing, least with beats
        await asyncio.sleep(max(due_ns - time.perf_counter_ns(), 0) / 1e9)
        yield number, due_ns


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what only the broker's words can bring about."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  (many sources, and none of them is what is measured)
            await asyncio.sleep(0.02)


async def serve(who: type[Engine] | type[Peer], setup: Setup) -> None:
    """Obey until stdin ends."""
    async with who.running(setup) as client:
        gc.collect()
        gc.freeze()  # as an engine process does
        answer: dict[str, Any] = {"cpu_s": time.process_time()}
        while True:
            print(json.dumps(answer), flush=True)
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                return
            words = json.loads(line)
            act: Callable[..., Awaitable[dict[str, Any]]] = getattr(client, words.pop("do"))
            answer = await act(**words)


if __name__ == "__main__":
    errors = structlog.make_filtering_bound_logger(logging.ERROR)  # stdout belongs to the answers
    structlog.configure(wrapper_class=errors, logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    who_, setup_ = sys.argv[1:]
    asyncio.run(serve({"engine": Engine, "ib_async": Peer}[who_], Setup(**json.loads(setup_))))
