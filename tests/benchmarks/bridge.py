"""How the bridge takes what a gateway sends, beside ib_async and the official client; `momentum-kit bench bridge`.

Each client runs in a process of its own against the same sender of an encoded stream (tick_sender.py): a hundred lines,
of ten messages three prices, five sizes, a trade and a time. They take turns, so that what else the machine does hits
all of them; ratios are of medians, and worth more than the figures.
"""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from momentum_kit.runtime.bench import Row
from tests.benchmarks.tick_sender import TICKS

HERE = Path(__file__).parent
ROUNDS = 5
TEXT, PROTOBUF = 178, 222  # 178: the last that ib_async speaks


def measure() -> list[Row]:
    """All rows."""
    rates: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, who, version in (
            ("sender", "counting", TEXT),
            ("bridge", "bridge", TEXT),
            ("ib_async", "ib_async", TEXT),
            ("ibapi", "bare", TEXT),
            ("bridge, protobuf", "bridge", PROTOBUF),
            ("ibapi, protobuf", "bare", PROTOBUF),
        ):
            (took_s,) = _run(who, "saturation", version)[0]["took_s"]
            rates.setdefault(name, []).append(TICKS["saturation"] / took_s)
    rate = {name: round(median(measured)) for name, measured in rates.items()}
    ours, ours_protobuf = rate["bridge"], rate["bridge, protobuf"]
    return [
        Row("the sender, into a client that counts bytes", rate["sender"], "msg/s", "bridge", ours, goal=3 * ours),
        Row("text, ticks applied", ours, "msg/s", "ib_async", rate["ib_async"], goal=rate["ib_async"]),
        Row("text, ticks applied", ours, "msg/s", "ibapi", rate["ibapi"], goal=2 * rate["ibapi"]),
        Row(
            "protobuf, ticks applied", ours_protobuf, "msg/s", "ibapi", rate["ibapi, protobuf"],
            goal=2 * rate["ibapi, protobuf"],
        ),
        *_latency(),
        *_burst(),
        *_memory(),
    ]  # fmt: skip


def _latency() -> list[Row]:
    """2,000 trades a second, from the sender's call to the reader."""
    quantiles: dict[str, list[tuple[float, float]]] = {"bridge": [], "ib_async": []}
    for _ in range(ROUNDS):
        for who, measured in quantiles.items():
            client, sender = _run(who, "pace", TEXT)
            waits_us = sorted((at - sender["sent_ns"][number - 1]) / 1e3 for number, at in client["heard"])
            assert len(waits_us) == len(sender["sent_ns"]), f"{who} heard {len(waits_us)}"
            measured.append((waits_us[len(waits_us) // 2], waits_us[len(waits_us) * 99 // 100]))
    rows = []
    for place, (name, most) in enumerate((("p50", 150), ("p99", 1_000))):
        ours, theirs = (round(median(each[place] for each in measured)) for measured in quantiles.values())
        rows.append(
            Row(
                f"wire to reader at 2,000 msg/s, {name}", ours, "us", "ib_async", theirs, min(most, theirs), least=False
            )
        )
    return rows


def _burst() -> list[Row]:
    """50,000 ticks, a headline behind them, and orders meanwhile."""
    headlines_ms: list[float] = []
    orders_ms: list[float] = []
    for _ in range(ROUNDS):
        client, sender = _run("bridge", "burst", TEXT)
        pairs = zip(client["headlines_ns"], sender["ended_ns"], strict=True)
        headlines_ms += [(heard - sent) / 1e6 for heard, sent in pairs]
        orders_ms += [(sender["orders_ns"][number] - at) / 1e6 for number, at in client["orders_ns"].items()]
    orders_ms.sort()
    return [
        Row("a headline behind 50,000 ticks, median", round(median(headlines_ms), 1), "ms", goal=50, least=False),
        Row("a headline behind 50,000 ticks, worst of 40", round(max(headlines_ms), 1), "ms"),
        Row("orders sent meanwhile, p99", round(orders_ms[len(orders_ms) * 99 // 100], 1), "ms", goal=20, least=False),
    ]


def _memory() -> list[Row]:
    """The most memory ever in use, after the first stream and after the last."""
    rows = []
    for scenario, what in (("memory", "10 million messages"), ("stopped", "500,000 trades that nobody reads")):
        peaks_mb = _run("bridge", scenario, TEXT)[0]["peak_mb"]
        growth = round((peaks_mb[-1] / peaks_mb[0] - 1) * 100, 2)
        rows.append(Row(f"{what}: peak memory from the first tenth or fifth on", growth, "%", goal=2, least=False))
    return rows


def _run(who: str, scenario: str, version: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """One client against a sender of its own: what each of them saw."""
    sender = subprocess.Popen(
        [sys.executable, HERE / "tick_sender.py", scenario, str(version)], stdout=subprocess.PIPE, text=True
    )
    with sender:
        assert sender.stdout is not None
        port = sender.stdout.readline().strip()
        client = subprocess.run(
            [sys.executable, HERE / "tick_clients.py", who, scenario, port],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return json.loads(client.stdout), json.loads(sender.stdout.readline())
