"""Plants what is true of a sample: where the thresholds hold, and the drift that makes that worth money.

The event table of the very tape that is handed out, built as for any study, tells the first decision time at which an
event passes the planted thresholds. The price drifts on after that moment, so the drift can never be what made the
event pass.
"""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from momentum_kit.config import Thresholds
from momentum_kit.research.events import EventSettings, EventTable, MemorySource, event_table
from momentum_kit.research.sample.tape import WIDTH, Columns, Draws, assemble
from momentum_kit.research.sweep import holds

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PLANTED = Thresholds(
    name="planted",
    min_ret_60s=0.03,
    min_ret_300s=0.04,
    min_z_tod=8.0,
    min_rvol_bar=6.0,
    min_rvol_cum=0.5,
    min_dollar_volume_60s_usd=150_000.0,
    min_trades_60s=30.0,
    max_spread_bps=50.0,
    max_spread_share=0.5,
    min_clv=0.6,
)
"""Stricter than the detector's defaults in z, volume and spread, so that events exist on both sides of each."""

NEVER = -1
DRIFT_CELLS = 60  # five minutes
HOLDING_CELLS = 182  # from a decision to the default time stop's sale
# Measured on pooled samples without an edge: what stop, target, their rounding and the entry's limit take.
CAPTURED = 0.93
FRICTION_BPS = 3.0


def first_pass(table: EventTable, planted: Thresholds) -> Ints:
    """(N,) index of the first decision time at which each event signals, NEVER where none."""
    passed = holds(table, planted)
    return np.where(passed.any(axis=1), passed.argmax(axis=1), NEVER)


def settle(
    draws: Draws, symbol: str, news: pd.DataFrame, planted: Thresholds, edge_bps: float
) -> tuple[dict[str, Columns], EventTable, Floats]:
    """Series whose drifts fit what passes on them, the event table of the final tape, and each event's drift in bps.

    A drift changes the baselines of later days, by little, so the truth is read again until it stays. It does: each
    round settles at least one more event, the earliest that was not.
    """
    drift, total = np.zeros(draws.cell_return.shape), np.zeros(len(news))
    begins = np.full(len(news), NEVER - 1)
    while True:
        series = assemble(draws, drift)
        table = _table(draws, series, symbol, news, planted)
        news = news.assign(catalyst=table.events["catalyst"].to_numpy())  # the words never change: read them once
        passed = first_pass(table, planted)
        if np.array_equal(passed, begins):
            return series, table, total
        begins = passed
        drift, total = planned_drift(draws, table, begins, edge_bps)


def break_even(
    draws: Draws, symbol: str, news: pd.DataFrame, planted: Thresholds
) -> tuple[dict[str, Columns], EventTable, Floats]:
    """The same without any truth to find: every event pays its own costs back, whenever it is bought.

    The drift begins when the last decision is over, so that no feature knows of it.
    """
    table = _table(draws, assemble(draws, np.zeros(draws.cell_return.shape)), symbol, news, planted)
    begins = np.where(np.isfinite(table.features["price"][:, 0]), 0, NEVER)
    drift, total = planned_drift(draws, table, begins, 0.0, delay=table.at.shape[1])
    series = assemble(draws, drift)
    return series, _table(draws, series, symbol, news, planted), total


def _table(
    draws: Draws, series: dict[str, Columns], symbol: str, news: pd.DataFrame, planted: Thresholds
) -> EventTable:
    days = [session.day for session in draws.sessions]
    source = MemorySource(series={(kind, symbol): columns for kind, columns in series.items()}, days=days)
    return event_table(news, source, EventSettings(thresholds=planted))


def planned_drift(
    draws: Draws, table: EventTable, begins: Ints, net_bps: float, delay: int = 0
) -> tuple[Floats, Floats]:
    """A drift of the price (n, WIDTH; ln a cell) `delay` cells after decision `begins`, and its sum in bps (n,).

    It pays the costs of the event and leaves net_bps to the default exit rule on average; 0 where begins is NEVER.
    """
    rows = np.arange(begins.size)
    k = np.clip(begins, 0, None)
    decided = draws.shocks.last + k
    later = np.minimum(decided + HOLDING_CELLS, WIDTH)
    price, spread = table.features["price"][rows, k], table.features["spread_bps"][rows, k]
    tick = 0.01 / price * 1e4
    leaving = np.maximum(spread * draws.spread[rows, later] / draws.spread[rows, decided + 1], tick)
    shares = np.minimum(10_000.0 / price, draws.sizes[1][rows, decided])
    fees = 2 * np.minimum(np.maximum(0.005 * shares, 1.0), 0.01 * shares * price) / (shares * price) * 1e4
    total = (net_bps + (spread + leaving) / 2 + fees + FRICTION_BPS) / CAPTURED
    total = np.where((begins == NEVER) | ~np.isfinite(total), 0.0, total)
    since = np.arange(WIDTH) - decided[:, None] - 1 - delay
    inside = (since >= 0) & (since < DRIFT_CELLS)
    return np.where(inside, total[:, None] / DRIFT_CELLS / 1e4, 0.0), total


def power(edge_bps: float, sigma_bps: float, events: int, z: float = 1.645) -> float:
    """Chance that the mean of so many independent outcomes lies z of its errors above zero (one-sided 5%)."""
    return float(norm.sf(z - edge_bps / sigma_bps * math.sqrt(events)))
