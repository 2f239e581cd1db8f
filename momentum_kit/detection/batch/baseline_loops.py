"""The loops of baseline_arrays.py in machine code: one pass over many days where build_baseline makes one."""

import math
from typing import NamedTuple

import numpy as np

from momentum_kit.compilation import compiled, part
from momentum_kit.detection.batch.columns import MINUTE, BarColumns, DayColumns, Indices, Times, Values
from momentum_kit.detection.live import ATR_BARS, BUCKET_MINUTES, K_RETURNS


class SessionGrid(NamedTuple):
    """G sessions on a grid of minutes; what a session has not (half days, days without a bar) stays nan.

    closes: (G, S) filled forward, leading minutes with the first open. returns: (G, S) |ln|, nan at minute 0.
    bucket_volume: (G, B) shares. slots: minutes of each session. lo, hi: its bars.
    """

    open_at: Times
    slots: Indices
    lo: Indices
    hi: Indices
    closes: Values
    returns: Values
    bucket_volume: Values


@compiled
def fill_grid(bars: BarColumns, grid: SessionGrid) -> None:
    """Lay the bars on the grid, whose tables come full of nan."""
    start, open_, close, volume = bars.start, bars.open, bars.close, bars.volume
    open_at, slots, lo, hi, closes, returns, bucket_volume = grid
    for g in range(lo.size):
        if hi[g] <= lo[g]:
            continue
        for slot in range(slots[g] // BUCKET_MINUTES):
            bucket_volume[g, slot] = 0.0
        for i in range(lo[g], hi[g]):
            slot = (start[i] - open_at[g]) // MINUTE
            closes[g, slot] = close[i]
            bucket_volume[g, slot // BUCKET_MINUTES] += volume[i]
        last = open_[lo[g]]
        last_ln = math.log(last)
        for slot in range(slots[g]):
            if math.isnan(closes[g, slot]):
                closes[g, slot] = last
                if slot > 0:
                    returns[g, slot] = 0.0
                continue
            last, ln = closes[g, slot], math.log(closes[g, slot])
            if slot > 0:
                returns[g, slot] = abs(ln - last_ln)
            last_ln = ln


@compiled
def fill_baselines(grid: SessionGrid, first: Indices, last: Indices, out: DayColumns) -> None:
    """The baseline of the sessions first..last of each of D rows; days stays 0 where none of them has a bar."""
    most = 1
    for d in range(first.size):
        most = max(most, last[d] - first[d])
    buffer = np.empty(grid.closes.shape[1] * most)
    for d in range(first.size):
        minutes, newest = 0, -1
        for g in range(first[d], last[d]):
            if grid.hi[g] > grid.lo[g]:
                out.days[d] += 1
                newest = g
                minutes = max(minutes, grid.slots[g])
        if newest < 0:
            continue
        price = grid.closes[newest, grid.slots[newest] - 1]
        floor = (0.01 if price >= 1.0 else 0.0001) / 2 / price
        out.buckets[d] = minutes // BUCKET_MINUTES
        out.previous_close[d] = price
        out.last_lo[d] = max(grid.lo[newest], grid.hi[newest] - ATR_BARS - 1)
        out.last_hi[d] = grid.hi[newest]
        out.s_day[d] = max(_bipower(grid, first[d], last[d]), floor)
        overall = max(_median(grid.returns, first[d], last[d], 0, minutes, buffer), floor)
        out.cumulative[d, 0] = 0.0
        for b in range(out.buckets[d]):
            at, until = b * BUCKET_MINUTES, (b + 1) * BUCKET_MINUTES
            out.tod_factor[d, b] = max(_median(grid.returns, first[d], last[d], at, until, buffer), floor) / overall
            out.volume[d, b] = _median(grid.bucket_volume, first[d], last[d], b, b + 1, buffer) / BUCKET_MINUTES
            out.cumulative[d, b + 1] = out.cumulative[d, b] + _mean(grid.bucket_volume, first[d], last[d], b)


@part
def _bipower(grid: SessionGrid, first: int, last: int) -> float:
    total, count = 0.0, 0
    for g in range(last - 1, first - 1, -1):
        if grid.hi[g] <= grid.lo[g]:
            continue
        for slot in range(grid.slots[g] - 1, 1, -1):
            if count == K_RETURNS:
                break
            total += grid.returns[g, slot] * grid.returns[g, slot - 1]
            count += 1
    return math.sqrt(math.pi / 2 * total / count) if count else 0.0


@part
def _median(table: Values, first: int, last: int, at: int, until: int, buffer: Values) -> float:
    n = 0
    for g in range(first, last):
        for column in range(at, until):
            if not math.isnan(table[g, column]):
                buffer[n] = table[g, column]
                n += 1
    if n == 0:
        return math.nan
    upper = _select(buffer, n, n // 2)
    if n % 2:
        return upper
    lower = buffer[0]  # what stands before the selected one is not above it
    for i in range(1, n // 2):
        lower = max(lower, buffer[i])
    return float((lower + upper) / 2)


@part
def _select(values: Values, n: int, k: int) -> float:
    """The k-th smallest of the first n, which it reorders (Hoare's: the many equal values do no harm)."""
    low, high = 0, n - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    result: float = values[k]
    return result


@part
def _mean(table: Values, first: int, last: int, column: int) -> float:
    total, n = 0.0, 0
    for g in range(first, last):
        if not math.isnan(table[g, column]):
            total += table[g, column]
            n += 1
    return total / n
