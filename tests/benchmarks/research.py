"""Speed and memory of research: sweeps against one NumPy pass a cell, and more; `momentum-kit bench research`.

Each measurement is a function that returns rows; MEASUREMENTS lists them in the order in which they run.
"""

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.research.events import EventTable
from momentum_kit.research.events.table import FEATURES, event_frame
from momentum_kit.research.sweep import Grid, SweepResult, TrialLedger
from momentum_kit.research.sweep.sweep import sweep
from momentum_kit.runtime.bench import Row
from tests.benchmarks.event_tables import event_table_rows
from tests.benchmarks.replay_rows import measure_replay
from tests.benchmarks.tuner import tuner_rows

EVENTS, DAYS, ROUNDS, CELLS_A_ROUND = 100_000, 250, 9, 10
EXIT = "bracket"

# ten steps on four axes; the loosest cell takes about every second event, the strictest a few in a thousand
GRID = Grid(
    {
        "min_ret_60s": tuple(np.linspace(0.01, 0.06, 10)),
        "min_z_tod": tuple(np.linspace(2, 8, 10)),
        "min_rvol_bar": tuple(np.linspace(1, 10, 10)),
        "min_rvol_cum": tuple(np.linspace(1, 4, 10)),
    }
)
BASE = Thresholds(
    max_price_usd=50, min_ret_300s=1, min_clv=0, max_spread_share=1, max_extension=1, min_trades_60s=5,
    min_dollar_volume_60s_usd=20_000,
)  # fmt: skip


def event_table(decision_times: int) -> EventTable:
    """Made-up events whose features walk from one decision time to the next, as those of real ones do."""
    rng = np.random.default_rng(11)
    shape = (EVENTS, decision_times)

    def walk(level: float, between: float, within: float) -> np.ndarray:
        return level * np.exp(rng.normal(0, between, (EVENTS, 1)) + rng.normal(0, within, shape).cumsum(axis=1))

    shock = rng.exponential(1, (EVENTS, 1))
    features = {name: np.zeros(shape) for name in FEATURES} | {
        "price": walk(6, 0.7, 0), "ret_60s": shock * walk(0.02, 0, 0.2), "ret_300s": shock * walk(0.025, 0, 0.2),
        "ret_news": shock * walk(0.03, 0, 0.2), "z_tod": shock * walk(4, 0.4, 0.3), "rvol_bar": walk(4, 0.8, 0.4),
        "rvol_cum": walk(2, 0.5, 0.1), "dollar_volume_60s": walk(2e5, 1, 0.3), "trades_60s": walk(60, 1, 0.3),
        "spread_bps": walk(30, 0.6, 0.2), "clv": rng.random(shape),
    }  # fmt: skip
    days = np.sort(pd.bdate_range("2025-01-02", periods=DAYS).to_numpy()[rng.integers(0, DAYS, EVENTS)])
    received = pd.DatetimeIndex(days).tz_localize("UTC") + pd.Timedelta(hours=15)
    events = event_frame(
        {"item_id": [f"item {i}" for i in range(EVENTS)], "story_id": "s", "symbol": "ABC",
         "con_id": rng.integers(1, 500, EVENTS), "day": days, "provider": "P", "catalyst": "other", "text": "headline",
         "session": "regular", "published_at": received, "received_at": received, "imputed": False, "content": ""}
    )  # fmt: skip
    at = (
        received.tz_localize(None).to_numpy().astype("datetime64[us]")[:, None]
        + np.arange(1, decision_times + 1) * 5_000_000
    )
    net = np.where(rng.random(shape) < 0.05, np.nan, rng.normal(-5, 80, shape))
    gate = np.where(rng.random(shape) < 0.1, np.int8(8), np.int8(0))
    return EventTable(events=events, at=at, features=features, gate=gate, net_bps={EXIT: net}, gross_bps={EXIT: net})


def sweep_rows() -> list[Row]:
    """10,000 cells, binning, statistics by day and the trial ledger included; then the same with 24 decision times."""
    rows = []
    for decision_times, goal in ((5, 300), (24, None)):
        table = event_table(decision_times)
        started = time.perf_counter()
        _swept(table.select(np.arange(100)))
        warm_s = time.perf_counter() - started
        rounds = _in_turns(table)
        seconds, numpy_s = (statistics.median(column) for column in zip(*rounds, strict=True))
        times = statistics.median(numpy / own for own, numpy in rounds)
        peer = f"NumPy a cell, {ROUNDS * CELLS_A_ROUND} cells sampled"
        rows += [
            Row(f"sweep {EVENTS:,} x {decision_times} x {GRID.size:,}", round(seconds, 4), "s"),
            Row("its cells", round(GRID.size / seconds), "cells/s", peer, round(GRID.size / numpy_s, 1)),
            Row("times faster than NumPy a cell, measured in turns", round(times), "x", goal=goal),
        ]
        if goal:
            rows.append(Row("first sweep of a process: loads the compiled pass, or compiles", round(warm_s, 2), "s"))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # Linux: kB
    return [*rows, Row("peak memory so far, tables and peer included", round(peak_gb, 2), "GB", goal=2, least=False)]


def _in_turns(table: EventTable) -> list[tuple[float, float]]:
    """Seconds of a whole sweep and of the peer on all cells (from a few), in turns: a busy machine slows both."""
    pass_over = numpy_pass(table)
    sampled = np.random.default_rng(5).choice(GRID.size, (ROUNDS, CELLS_A_ROUND), replace=False)
    rounds = []
    for cells in sampled:
        started = time.perf_counter()
        result = _swept(table)
        swept = time.perf_counter()
        found = {int(flat): pass_over(result.thresholds(cell_of(flat))) for flat in cells}
        rounds.append((swept - started, (time.perf_counter() - swept) / CELLS_A_ROUND * GRID.size))
        for flat, (signals, hits, sums) in found.items():
            assert np.array_equal(signals, result.sums.signals[:, flat])
            assert np.array_equal(hits, result.sums.hits[0][:, flat])
            assert np.allclose(
                sums, result.sums.units[0][:, flat] * 2.0**-32, rtol=0, atol=1e-9 * signals.max(initial=1)
            )
    return rounds


def cell_of(flat: int) -> tuple[int, ...]:
    """Index of a flat cell."""
    return tuple(int(i) for i in np.unravel_index(flat, GRID.shape))


def _swept(table: EventTable) -> SweepResult:
    """A whole sweep with a new ledger."""
    with tempfile.TemporaryDirectory() as folder, TrialLedger(Path(folder) / "ledger.db") as ledger:
        result = sweep(table, GRID, BASE, [EXIT], ledger)
        assert result.new_trials == GRID.size
        return result


def numpy_pass(table: EventTable) -> Callable[[Thresholds], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The vectorised pass over a table that one would write: what the cells do not vary is computed once, before.

    It returns a function from a cell's thresholds to its signals, hits and sums by day, (D,) each, and computes mean,
    t by days, Sharpe by day and worst day as well.
    """
    f, net = table.features, table.net_bps[EXIT]
    fixed = (table.gate == 0) & (f["price"] >= BASE.min_price_usd) & (f["price"] <= BASE.max_price_usd)
    fixed &= (f["ret_news"] >= BASE.min_ret_news) & (f["ret_news"] <= BASE.max_extension) & (f["clv"] >= BASE.min_clv)
    fixed &= (f["dollar_volume_60s"] >= BASE.min_dollar_volume_60s_usd) & (f["trades_60s"] >= BASE.min_trades_60s)
    fixed &= f["spread_bps"] <= np.minimum(BASE.max_spread_bps, BASE.max_spread_share * f["ret_news"] * 1e4)
    long_enough, short = np.expm1(f["ret_300s"]) >= BASE.min_ret_300s, np.expm1(f["ret_60s"])
    days, day = np.unique(table.days, return_inverse=True)

    def one_cell(t: Thresholds) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        passed = fixed & ((short >= t.min_ret_60s) | long_enough) & (f["z_tod"] >= t.min_z_tod)
        passed &= (f["rvol_bar"] >= t.min_rvol_bar) & (f["rvol_cum"] >= t.min_rvol_cum)
        events = np.flatnonzero(passed.any(axis=1))
        outcome, on = net[events, passed[events].argmax(axis=1)], day[events]
        filled = ~np.isnan(outcome)
        signals = np.bincount(on, minlength=len(days))
        fills = np.bincount(on[filled], minlength=len(days))
        hits = np.bincount(on[outcome > 0], minlength=len(days))
        sums = np.bincount(on[filled], weights=outcome[filled], minlength=len(days))
        mean = sums.sum() / max(fills.sum(), 1)
        se = np.sqrt(((sums - fills * mean) ** 2).sum()) / max(fills.sum(), 1)
        _ = (mean / se if se else 0.0, sums.mean() / sums.std(ddof=1), sums.min())
        return signals, hits, sums

    return one_cell


def redraw_rows() -> list[Row]:
    """What a hand on a dial waits for."""
    return tuner_rows(event_table(24), dict(GRID.axes), BASE)


MEASUREMENTS: tuple[Callable[[], list[Row]], ...] = (sweep_rows, redraw_rows, event_table_rows, measure_replay)


def measure() -> list[Row]:
    """All rows, in the order of MEASUREMENTS."""
    return [row for rows in MEASUREMENTS for row in rows()]
