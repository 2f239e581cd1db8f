"""Counts how many steps of each axis a decision passes, by the comparisons of detection/live/rules.py.

The kernel needs no feature after it: a byte an axis says in which cells a decision triggers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable, Matrix
from momentum_kit.research.sweep.grid import Grid, stricter_upwards

FEATURE_OF = {
    "min_price_usd": "price",
    "max_price_usd": "price",
    "min_ret_60s": "ret_60s",
    "min_ret_300s": "ret_300s",
    "min_ret_news": "ret_news",
    "max_extension": "ret_news",
    "min_z_tod": "z_tod",
    "min_rvol_bar": "rvol_bar",
    "min_rvol_cum": "rvol_cum",
    "min_dollar_volume_60s_usd": "dollar_volume_60s",
    "min_trades_60s": "trades_60s",
    "max_spread_bps": "spread_bps",
    "max_spread_share": "spread_bps",
    "min_clv": "clv",
}
"""Threshold to the feature it limits; max_spread_share limits it together with ret_news."""

Columns = Mapping[str, Matrix]

EITHER = ("min_ret_60s", "min_ret_300s")
"""The `move` rule asks for one of the two."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Bins:
    """A table in the index space of a grid.

    alive: (N, K), True where nothing outside the axes forbids a signal. axes: positions in the grid, in the order of
    codes. codes: (A, N, K), how many steps of an axis are passed. paired: of the first two axes one suffices.
    """

    alive: npt.NDArray[np.bool_]
    codes: npt.NDArray[np.uint8]
    axes: tuple[int, ...]
    paired: bool


def bin_table(table: EventTable, grid: Grid, base: Thresholds) -> Bins:
    """Compare every feature with every step once. Raises ResearchError for a table without a feature it needs."""
    limits = {name: _raw(name, values) for name, values in grid.with_base(base).items()}
    missing = {FEATURE_OF[name] for name in limits} | {"ret_news"}
    if missing := missing - set(table.features):
        raise ResearchError(f"sweep: the event table lacks {', '.join(sorted(missing))}; build it with all features")
    passed: dict[str, npt.NDArray[np.uint8]] = {}
    codes = np.empty((len(grid.shape), *table.gate.shape), np.uint8)
    alive = table.gate == 0
    _check_spreads(table, alive)
    paired = all(name in grid.names for name in EITHER)
    names = sorted(grid.names, key=lambda name: name not in EITHER)
    for place, name in enumerate(names):
        passed[name] = codes[place]
        _count(table.features, name, limits[name], codes[place])
    for name in limits.keys() - passed.keys() - set(EITHER):
        alive &= _meets(table.features, name, limits[name][0])
    if not paired:
        _fold_move(table.features, limits, passed, alive)
    return Bins(alive=alive, codes=codes, axes=tuple(grid.names.index(name) for name in names), paired=paired)


def _fold_move(
    features: Columns, limits: dict[str, npt.NDArray[np.float64]], passed: dict[str, npt.NDArray[np.uint8]],
    alive: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """At most one return is an axis: where the fixed one is met, every step of the other is passed as well."""
    met = np.zeros_like(alive)
    for name in EITHER:
        if name not in passed:
            met |= _meets(features, name, limits[name][0])
    swept = next((name for name in EITHER if name in passed), None)
    if swept is None:
        alive &= met
    else:
        passed[swept][met] = len(limits[swept])


def _raw(name: str, values: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Steps in the feature's own unit: returns are logarithms there, and simple in the thresholds."""
    return np.array([least_log(value) for value in values] if name in EITHER else values)


def least_log(simple: float) -> float:
    """The least logarithm whose simple return, as the rules compute it, reaches `simple`.

    numpy's expm1 differs from math's in the last bit for one value in a hundred: a tie at a threshold would be
    decided differently here and live. So the threshold is moved, not the data.
    """
    if simple <= -1:
        return -math.inf
    log = math.log1p(simple)
    while math.expm1(log) >= simple:
        log = math.nextafter(log, -math.inf)
    while math.expm1(log) < simple:
        log = math.nextafter(log, math.inf)
    return log


def _count(features: Columns, name: str, limits: npt.NDArray[np.float64], codes: npt.NDArray[np.uint8]) -> None:
    from momentum_kit.research.sweep.passes import count_passed, count_shares  # numba: only where it is needed

    if name == "max_spread_share":
        count_shares(features["spread_bps"], features["ret_news"], limits, codes)
    else:
        values = np.ascontiguousarray(features[FEATURE_OF[name]]).reshape(-1)
        count_passed(values, limits, not stricter_upwards(name), codes.reshape(-1))


def _meets(features: Columns, name: str, limit: float) -> npt.NDArray[np.bool_]:
    """Where one fixed threshold holds; nan never does."""
    values = features[FEATURE_OF[name]]
    if name == "max_spread_share":
        return np.asarray(values <= limit * features["ret_news"] * 1e4)
    return np.asarray(values >= limit if stricter_upwards(name) else values <= limit)


def _check_spreads(table: EventTable, alive: npt.NDArray[np.bool_]) -> None:
    """A crossed quote is gated `no quote`; let through, a wider share could pass less than a narrow one."""
    crossed = np.argwhere((table.features["spread_bps"] < 0) & alive)
    if len(crossed):
        event, k = (int(position) for position in crossed[0])
        spread, symbol = table.features["spread_bps"][event, k], table.events["symbol"].iloc[event]
        raise ResearchError(f"sweep: event {event} ({symbol}), decision time {k}: a spread of {spread:g} bps; "
                            "gate crossed quotes as 'no quote'")  # fmt: skip
