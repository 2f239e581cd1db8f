"""What a decision, an exit, a kill and a start take, beside ib_async; `momentum-kit bench orders`.

The simulated gateway, the engine (order_clients.py) and ib_async are processes of their own. Engine and ib_async take
turns at one gateway, some seconds each, so that whatever else the machine does meets both; only the engine holds four
positions meanwhile, as many as are allowed unless set otherwise. Waiting for a processor counts: processor time stands
beside the waits, and the machine's load above them.
"""

import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from momentum_kit.errors import EngineError
from momentum_kit.runtime.bench import Row
from momentum_kit.runtime.sim import gateway_process
from momentum_kit.storage.journal import SqliteIntents, SqliteJournal

ROOT = Path(__file__).resolve().parents[2]
SYMBOLS = [f"B{first}{second}" for first in "ABCDE" for second in "ABCDEFGHIJ"]
HELD, KILLED, TRADED = SYMBOLS[:4], SYMBOLS[:20], SYMBOLS[20:40]
BLOCKS, BLOCK = 8, 50  # turns, and signals in each
EXITS, STALL_S = 2, 8.0  # rounds of fifty exits; the disk's stall in each
KILLS, ENGINES, STARTS, DECISIONS = 5, 10, 3, 1_000_000
IDLE_S = float(os.environ.get("MOMENTUM_KIT_BENCH_IDLE_S", "60"))  # 600 is what the goal means
SCENARIO = {
    "seed": 3, "start": "10:00", "end": "12:00", "history_sessions": 2,
    "universe": {
        "small_caps": 0, "large_caps": 0,
        "symbols": [{"symbol": symbol, "price_usd": 10, "daily_volume": 5_000_000, "spread_bps": 20}
                    for symbol in SYMBOLS],
    },
    "broker": {"cash_usd": 1e8, "partial_fill_share": 0},
    "limits": {"market_data_lines": None},
}  # fmt: skip
LISTS = ["reqPositions", "reqOpenOrders", "reqCompletedOrders", "reqExecutions"]
NEVER = {"kind": "late_answer", "after": "order 1", "requests": LISTS, "delay_ms": 3_600_000, "count": 100_000}


def measure() -> Iterator[Row]:
    """All rows; some five minutes."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        yield from bench.decisions()
        yield from bench.exits()
        yield bench.first_order()
        yield from bench.start()


@dataclass(frozen=True)
class Client:
    """One client process; what it took from its beginning to being at work."""

    process: "subprocess.Popen[str]"
    start_s: float
    start_cpu_s: float

    def ask(self, what: str, **words: Any) -> dict[str, Any]:
        """Let it do something, and wait for what it measured."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": what, **words}) + "\n")
        self.process.stdin.flush()
        return _answer(self.process)


@dataclass
class Turns:
    """Answers of one client over all its turns, pooled."""

    answers: list[dict[str, Any]] = field(default_factory=list)

    def ms(self, share: float) -> float:
        """What this share of all stayed below."""
        return round(float(np.quantile([ms for answer in self.answers for ms in answer["ms"]], share)), 2)

    def late_ms(self, share: float) -> float:
        """The same of the time from each moment to the loop's noticing it, before anything was done."""
        return round(float(np.quantile([ms for answer in self.answers for ms in answer["late_ms"]], share)), 2)

    def outer_turns(self, share: float) -> tuple[float, float]:
        """The same of the best and of the worst turn: how much the machine's other work mattered."""
        each = [float(np.quantile(answer["ms"], share)) for answer in self.answers]
        return round(min(each), 2), round(max(each), 2)

    @property
    def cpu_ms(self) -> float:
        """Processor time of one, the answers to it and all that went on meanwhile; median of the turns."""
        return round(statistics.median(answer["cpu_ms"] for answer in self.answers), 2)


class Bench:
    """The parts of the benchmark, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def decisions(self) -> Iterator[Row]:
        """From a signal's moment to the last byte of its bracket, and twenty positions killed."""
        engine, checkpoints, peer = Turns(), Turns(), Turns()
        watched = KILLED + TRADED
        with (
            self._gateway() as port,
            self._client("engine", port, watched) as ours,
            self._client("ib_async", port, watched) as theirs,
        ):
            ours.ask("hold", symbols=HELD)
            for _ in range(BLOCKS):
                for client, turns, disk in ((ours, engine, {"checkpoints": False}), (theirs, peer, {}),
                                            (ours, checkpoints, {"checkpoints": True})):  # fmt: skip
                    turns.answers.append(client.ask("signals", symbols=TRADED, count=BLOCK, **disk))
            ours.ask("kill")
            kills = []
            for _ in range(KILLS):
                ours.ask("hold", symbols=KILLED)
                kills.append(ours.ask("kill"))
        for name, turns in (("decision to bytes", engine), ("the same, a checkpoint begun with each", checkpoints)):
            for share, goal in ((0.5, 3), (0.99, 15)):
                words = (f"{name}, p{share * 100:g} of {BLOCKS * BLOCK}", turns.ms(share), "ms")
                yield Row(*words, "ib_async", peer.ms(share), goal=goal, least=False)
            for which, value in zip(("best", "worst"), turns.outer_turns(0.5), strict=True):
                yield Row(f"  its {which} turn, p50", value, "ms")
            yield Row("  of it, until the loop looked, p99", turns.late_ms(0.99), "ms", "ib_async", peer.late_ms(0.99))
            yield Row("  processor time a signal", turns.cpu_ms, "CPU-ms", "ib_async", peer.cpu_ms)
        took = statistics.median(kill["s"] for kill in kills)
        yield Row(f"kill to flat of {len(KILLED)}, median of {KILLS}", round(took, 2), "s", goal=1, least=False)
        yield Row("  the slowest", round(max(kill["s"] for kill in kills), 2), "s")

    def exits(self) -> Iterator[Row]:
        """From a command to the bytes of the order that sells, while others do not answer."""
        for name, faults, stall_s in (("every list hangs", [NEVER], 0.0), ("an fsync stalls for 8 s", [], STALL_S)):
            turns = Turns()
            with self._gateway(faults) as port, self._client("engine", port) as engine:
                for _ in range(EXITS):
                    engine.ask("hold", symbols=SYMBOLS)
                    turns.answers.append(engine.ask("exits", symbols=SYMBOLS, stall_s=stall_s))
            words = f"exit to bytes while {name}"
            yield Row(f"{words}, p50 of {EXITS * len(SYMBOLS)}", turns.ms(0.5), "ms")
            yield Row(f"{words}, p99", turns.ms(0.99), "ms", goal=5, least=False)
            yield Row("  of it, until the loop looked, p99", turns.late_ms(0.99), "ms")
            yield Row("  processor time an exit", turns.cpu_ms, "CPU-ms")

    def first_order(self) -> Row:
        """Engines that have had nothing to do but their beats, each with its first signal."""
        with self._gateway() as port, ExitStack() as stack:
            engines = [stack.enter_context(self._client("engine", port, SYMBOLS[n : n + 1])) for n in range(ENGINES)]
            time.sleep(IDLE_S)
            waits = [engine.ask("signals", symbols=SYMBOLS[n : n + 1], count=1) for n, engine in enumerate(engines)]
        worst = max(wait["ms"][0] for wait in waits)
        idle = f"first order after {IDLE_S / 60:g} idle minutes, worst of {ENGINES}"
        return Row(idle, round(worst, 2), "ms", goal=15, least=False)

    def start(self) -> Iterator[Row]:
        """An engine whose journal and intents hold a million decisions each, from its beginning to being at work."""
        full = self._folder / "full"
        full.mkdir()
        _fill(full)
        with self._gateway() as port:
            long, short = [], []
            for _ in range(STARTS):
                with self._client("engine", port, SYMBOLS[:1], full) as engine:
                    long.append((engine.start_s, engine.start_cpu_s))
                with self._client("engine", port, SYMBOLS[:1]) as engine:
                    short.append((engine.start_s, engine.start_cpu_s))
        name, peer = f"start with a journal of {DECISIONS:,} decisions, median of {STARTS}", "with an empty one"
        (took_s, cpu_s), (peer_s, peer_cpu_s) = (
            [round(statistics.median(column), 2) for column in zip(*each, strict=True)] for each in (long, short)
        )
        yield Row(name, took_s, "s", peer, peer_s, goal=3, least=False)
        yield Row("  processor time of it", cpu_s, "CPU-s", peer, peer_cpu_s)

    @contextmanager
    def _gateway(self, faults: list[dict[str, Any]] | None = None) -> Iterator[int]:
        number = next(self._numbers)
        scenario = self._folder / f"market{number}.yaml"
        scenario.write_text(yaml.safe_dump({**SCENARIO, "faults": faults or []}))
        with gateway_process(["--scenario", str(scenario), "--port", "0"], self._folder / f"{number}.err") as port:
            yield port

    @contextmanager
    def _client(
        self, who: str, port: int, symbols: list[str] = SYMBOLS, folder: Path | None = None
    ) -> Iterator[Client]:
        number = next(self._numbers)
        if folder is None:
            folder = self._folder / str(number)
            folder.mkdir()
        setup = json.dumps({"port": port, "client_id": number, "folder": str(folder), "symbols": symbols})
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.order_clients", who, setup],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdin
        assert process.stdout
        try:
            cpu_s = _answer(process)["cpu_s"]
            yield Client(process, time.perf_counter() - began, cpu_s)
        finally:
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def _answer(process: "subprocess.Popen[str]") -> dict[str, Any]:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise EngineError(f"a client of the benchmark ended with status {process.wait()}")
    found: dict[str, Any] = json.loads(line)
    return found


def _fill(folder: Path) -> None:
    """Decisions that came to nothing in the journal, and as many intents that are done, over a year."""
    SqliteJournal(folder / "journal.db").close()
    SqliteIntents(folder / "intents.db").close()
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {DECISIONS})"
    at = "strftime('%Y-%m-%dT%H:%M:%S+00:00', '2025-11-20', '+' || (i * 31) || ' seconds')"
    features = json.dumps({f"feature_{number}": random.Random(number).random() for number in range(20)})
    contract = json.dumps({"symbol": "BAA", "con_id": 1})
    with closing(sqlite3.connect(folder / "journal.db")) as journal, journal:
        journal.execute(
            "INSERT INTO decisions (wall_ns, at, item_id, symbol, con_id, decided_at, verdict, reason, features) "
            f"{numbers} SELECT i, {at}, 'story:' || i, 'BAA', 1, {at}, 'skip', 'min_z_tod', ? FROM n",
            [features],
        )
    with closing(sqlite3.connect(folder / "intents.db")) as intents, intents:
        intents.execute(
            f"INSERT INTO intents {numbers} SELECT printf('mk-%024x', i), i, 'entry', 'story:' || i, ?, 'DU9000001', "
            f"'BUY', '20', 5, 6, 4, 4, {at}, 'closed', i, i + 1, i + 2, 'fda' FROM n",
            [contract],
        )
