"""Speed and memory of event tables: a year of 1-minute bars at 1x, 2x and 4x, and on one and two workers.

What a 500-symbol year with a million headlines takes is extrapolated from the slope between 1x and 4x.
"""

import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from distributed import LocalCluster

from momentum_kit.models.news import Headline
from momentum_kit.research.events import EventSettings, build
from momentum_kit.research.study import Cluster
from momentum_kit.runtime.bench import Row
from momentum_kit.sessions import previous_sessions
from momentum_kit.storage.archive import BARS, Archive, Listing, Provenance, Series, in_days

SYMBOLS, NEWS_PER_SYMBOL, YEAR = 10, 2_000, 252
FULL = 500  # symbols of the goal: with 2,000 headlines each, a million pairs
SESSIONS = previous_sessions(date(2026, 1, 2), YEAR)
FIRST, LAST = SESSIONS[0].day, SESSIONS[-1].day
ORIGIN = Provenance(source="benchmark", sha256="", imported_at=datetime(2026, 1, 2, tzinfo=UTC), adjusted=False)
TEXTS = (
    "wins $25 million contract from the Department of Defense",
    "announces FDA approval of its new drug for a rare disease",
    "reports third quarter results; revenue up 12%",
    "to present at the annual investor conference in New York",
    "prices $10 million registered direct offering of common stock",
)


def archive(root: Path, symbols: int) -> Archive:
    """A year of minutes and headlines of so many companies."""
    names = ["Q" + chr(65 + i // 26) + chr(65 + i % 26) + "X" for i in range(symbols)]
    made = Archive(root)
    made.extend(each for i, name in enumerate(names) for each in _minutes(i, name))
    made.add_headlines((line for i, name in enumerate(names) for line in _headlines(i, name)), ORIGIN)
    made.add_symbol_master(FIRST, [Listing(name, 1000 + i, f"{name} Corp") for i, name in enumerate(names)], ORIGIN)
    return made


def _minutes(seed: int, symbol: str) -> Iterator[Series]:
    rng = np.random.default_rng(seed)
    spans = [(round(s.open.timestamp() * 1e6), round((s.close - s.open).total_seconds() / 60)) for s in SESSIONS]
    starts = np.concatenate([first + np.arange(count) * 60_000_000 for first, count in spans])
    close = np.round(5 * np.exp(np.cumsum(rng.normal(0, 0.001, starts.size))), 2).clip(0.1)
    volume, count = rng.integers(100, 9_999, starts.size), rng.integers(1, 99, starts.size)
    columns = {"start": starts, "open": close, "high": close + 0.01, "low": close - 0.01, "close": close, "wap": close}
    yield from in_days(BARS, symbol, columns | {"volume": volume * 1.0, "count": count * 1.0}, ORIGIN)


def _headlines(seed: int, symbol: str) -> Iterator[Headline]:
    rng = np.random.default_rng(1_000 + seed)
    for n in range(NEWS_PER_SYMBOL):
        at = SESSIONS[rng.integers(25, YEAR)].open + timedelta(seconds=round(float(rng.uniform(-3_600, 23_400)), 3))
        text = f"{{A:800015:L:en:K:0.97:C:0.97}}{symbol} Corp (NASDAQ: {symbol}) {TEXTS[n % len(TEXTS)]} number {n}"
        yield Headline(
            provider="BRFG",
            article_id=f"BRFG${symbol}{n:06}",
            text=text,
            published_at=at,
            received_at=at + timedelta(milliseconds=500),
        )


def event_table_rows() -> list[Row]:
    """Seconds, memory and the gain of a second worker."""
    settings = EventSettings(assumed_spread_bps=35.0)
    with tempfile.TemporaryDirectory() as folder:
        sizes = (1, 2, 4)
        archives = [archive(Path(folder) / str(size), SYMBOLS * size) for size in sizes]
        build(archives[0], LAST, LAST, settings)  # loads the compiled loops
        taken = []
        for made in archives:
            started = time.perf_counter()
            build(made, FIRST, LAST, settings)
            taken.append((time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20))
        workers_s = [_on_workers(archives[-1], count, settings) for count in (1, 2)]
    (first_s, first_gb), _, (last_s, last_gb) = taken
    steps = (FULL / SYMBOLS - 1) / (sizes[-1] - 1)
    name = f"{FULL} symbols, {FULL * NEWS_PER_SYMBOL:,} headlines, extrapolated"
    return [
        *(Row(f"event table, {SYMBOLS * n} symbols", round(t[0], 1), "s") for n, t in zip(sizes, taken, strict=True)),
        Row(f"event table, {name}", round((first_s + steps * (last_s - first_s)) / 60, 1), "min", goal=10, least=False),
        Row(f"its memory, {name}", round(first_gb + steps * (last_gb - first_gb), 2), "GB", goal=4, least=False),
        Row("four times the size takes", round(last_s / first_s, 2), "x as long", goal=4.4, least=False),
        Row("two workers, one as peer", round(workers_s[1], 1), "s", "one worker", round(workers_s[0], 1)),
        Row("gain of the second worker", round(workers_s[0] / workers_s[1], 2), "x", goal=1.8),
    ]  # fmt: skip


def _on_workers(made: Archive, count: int, settings: EventSettings) -> float:
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "memory_limit": 0, "silence_logs": 50}
    with LocalCluster(n_workers=count, **options) as local, Cluster(local.scheduler_address) as cluster:
        build(made, LAST, LAST, settings, run=cluster.run)
        started = time.perf_counter()
        build(made, FIRST, LAST, settings, run=cluster.run)
        return time.perf_counter() - started
