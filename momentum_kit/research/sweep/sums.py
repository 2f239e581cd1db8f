"""Adds up signals, fills and returns per day, cell and exit rule, and parts of a study to a whole; calls the kernel."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable
from momentum_kit.research.sweep.bins import bin_table
from momentum_kit.research.sweep.grid import Grid

UNIT_BPS = 2.0**-32
MOST_DECISION_TIMES = 63
MOST_BYTES = 4 * 2**30
MOST_UNITS_BPS = 2.0**31
"""What one day's returns of one cell may add up to at most, in bps: beyond it 64 bits would overflow."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CellSums:
    """Exact integer sums, so that parts added in any order give the same bytes. D days, E exits, C cells.

    days: (D,) datetime64[D], ascending, each day with an event. signals: (D, C). fills, hits: (E, D, C), signals with
    an outcome and those with a gain. units: (E, D, C), sums of net returns in multiples of 2**-32 bps.
    events: how many were looked at. keys: (E,), which instruments, decision times, gates and outcomes they were; parts
    add up to the key of the whole.
    """

    days: npt.NDArray[np.datetime64]
    events: int
    keys: npt.NDArray[np.uint64]
    signals: npt.NDArray[np.int32]
    fills: npt.NDArray[np.int32]
    hits: npt.NDArray[np.int32]
    units: npt.NDArray[np.int64]


def sum_table(
    table: EventTable, grid: Grid, base: Thresholds, exits: Sequence[str], threads: int | None = None
) -> CellSums:
    """One pass over a table (or a part of one): every cell's first triggers by day. threads: None for all cores.

    Memory: (4 + 16 E) bytes a day and cell. Raises ResearchError for an exit rule the table does not hold, and for
    returns that cannot be.
    """
    from momentum_kit.research.sweep.kernel import sum_days
    from momentum_kit.research.sweep.passes import fingerprint

    outcomes = _outcomes(table, exits)
    codes, day_values = pd.factorize(table.days, sort=True)
    _check_memory(len(day_values), grid.size, len(exits))
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(day_values) + 1))
    _check_outcomes(table, outcomes, int(np.diff(starts).max(initial=0)))
    bins = bin_table(table, grid, base)
    shape = np.array([grid.shape[axis] for axis in bins.axes], np.int64)
    strides = np.array([math.prod(grid.shape[axis + 1 :]) for axis in bins.axes], np.int64)
    days, count = len(day_values), (len(exits), len(day_values), grid.size)
    sums = CellSums(
        days=np.asarray(day_values, "datetime64[D]"), events=len(table),
        keys=np.array([fingerprint(*_identity(table), net, net.view(np.int64)) for net in outcomes], np.uint64),
        signals=np.empty(count[1:], np.int32), fills=np.empty(count, np.int32), hits=np.empty(count, np.int32),
        units=np.empty(count, np.int64),
    )  # fmt: skip

    def part(first: int, last: int) -> None:
        sum_days(first, last, order, starts, bins.alive, bins.codes, outcomes, bins.paired, shape, strides,
                 sums.signals, sums.fills, sums.hits, sums.units)  # fmt: skip

    _in_threads(part, days, threads or os.cpu_count() or 1)
    return sums


def add_sums(parts: Sequence[CellSums]) -> CellSums:
    """Parts of one study, by symbol or by month, as a whole; ResearchError for none or for other grids or exits."""
    if not parts:
        raise ResearchError("sweep: nothing to add up; the selection is empty")
    if len({(part.units.shape[0], part.units.shape[2]) for part in parts}) > 1:
        raise ResearchError("sweep: parts of different grids or exit rules cannot be added up")
    days = np.unique(np.concatenate([part.days for part in parts]))
    shape = (parts[0].units.shape[0], len(days), parts[0].units.shape[2])
    keys = np.add.reduce(np.stack([part.keys for part in parts]), axis=0)
    whole = CellSums(
        days=days, events=sum(part.events for part in parts), keys=keys,
        signals=np.zeros(shape[1:], np.int32), fills=np.zeros(shape, np.int32), hits=np.zeros(shape, np.int32),
        units=np.zeros(shape, np.int64),
    )  # fmt: skip
    for part in parts:
        rows = np.searchsorted(days, part.days)
        whole.signals[rows] += part.signals
        whole.fills[:, rows] += part.fills
        whole.hits[:, rows] += part.hits
        whole.units[:, rows] += part.units
    return whole


def _in_threads(part: Callable[[int, int], None], days: int, threads: int) -> None:
    """Days in even shares; the kernel lets other threads run."""
    edges = np.linspace(0, days, min(days, 4 * threads) + 1).astype(int).tolist()
    if threads == 1:
        part(0, days)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(part, first, last) for first, last in pairwise(edges)]:
            done.result()


def _check_memory(days: int, cells: int, exits: int) -> None:
    """Refuse what would rather end the kernel than the sweep."""
    wanted = days * cells * (4 + 16 * exits)
    if wanted > MOST_BYTES:
        raise ResearchError(
            f"sweep: {days} days x {cells:,} cells x {exits} exit rules need {wanted / 2**30:.1f} GB, more than "
            f"{MOST_BYTES / 2**30:.0f}; take fewer steps or exit rules"
        )


def _identity(table: EventTable) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    """Instruments (N,), decision times and gates (N, K)."""
    return table.events["con_id"].to_numpy(np.int64), table.at.astype("datetime64[us]").view(np.int64), table.gate


def _outcomes(table: EventTable, exits: Sequence[str]) -> npt.NDArray[np.float64]:
    """(E, N, K) net returns in bps."""
    if not exits:
        raise ResearchError("sweep: no exit rule named")
    for name in exits:
        if name not in table.net_bps:
            raise ResearchError(
                f"sweep: no outcomes for the exit rule {name}; known: {', '.join(table.net_bps) or '-'}"
            )
    if table.gate.shape[1] > MOST_DECISION_TIMES:
        raise ResearchError(f"sweep: {table.gate.shape[1]} decision times; {MOST_DECISION_TIMES} are possible")
    if len(exits) == 1:
        return np.ascontiguousarray(table.net_bps[exits[0]])[np.newaxis]
    return np.stack([table.net_bps[name] for name in exits])


def _check_outcomes(table: EventTable, outcomes: npt.NDArray[np.float64], busiest: int) -> None:
    """An outcome is a number or nan, and a day's sums fit their words."""
    from momentum_kit.research.sweep.kernel import MOST_A_DAY

    if busiest > MOST_A_DAY:
        raise ResearchError(f"sweep: {busiest} events on one day; {MOST_A_DAY} are possible: sweep parts, add them up")
    largest = max(np.nanmax(outcomes, initial=0.0), -np.nanmin(outcomes, initial=0.0))
    if largest * busiest < MOST_UNITS_BPS:
        return
    rows = np.abs(np.nan_to_num(outcomes, nan=0.0, posinf=np.inf)).max(axis=(0, 2))
    event = int(rows.argmax())
    symbol = table.events["symbol"].iloc[event]
    raise ResearchError(f"sweep: event {event} ({symbol}): a return of {rows[event]:g} bps; look at its prices")
