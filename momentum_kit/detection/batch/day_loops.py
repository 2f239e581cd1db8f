"""The day so far of one contract, for feature_loops.py: running sums over its minutes, and minutes made of bars.

The twin of detection/tape.py: history as of the headline, and from the minute then running on the bars that follow.
"""

import math
from typing import NamedTuple

import numpy as np

from momentum_kit.compilation import compiled, part
from momentum_kit.detection.batch.columns import MINUTE, SECOND, BarColumns, DayColumns, Indices, Times, Values
from momentum_kit.detection.live import ATR_BARS, BUCKET_MINUTES, LEAST_RETURNS_BNS

RECENT = 1800 * SECOND  # how far the bars reach back before the headline, as the engine asks for them
NOWHERE = np.iinfo(np.int64).min  # a time that is none

_NAN = math.nan
_TP = (2 ** (2 / 3) * math.gamma(7 / 6) / math.gamma(1 / 2)) ** -3
_BNS = math.pi**2 / 4 + math.pi - 5
_TAIL = 64  # minutes before the headline for the ATR, and those that half an hour of bars may add
TAIL, BUILDING, NEXT, STARTED = range(4)
SHARES, USD, DAY_OPEN, BUILD_OPEN = range(4)


class SoFar(NamedTuple):
    """What one news item knows of its day; changed in place as its decision times come.

    walk: over the closes of the minutes, see below. high, low, close: the last minutes, of which the one at
    number[TAIL] is still being built. number: that, the start of the minute that bars are adding to (NOWHERE: none),
    the next bar to take, 1 once there is a minute. total: shares and USD since the open, the day's first price, the
    first price of the minute in the making.
    """

    walk: Values
    high: Values
    low: Values
    close: Values
    number: Indices
    total: Values


class DaySums(NamedTuple):
    """Running sums over each day's minutes, so that a decision need not start at the open.

    shares, usd: (M,) since the open, aligned with the minutes. size: (D, S) |r| over the time-of-day factor.
    rv, bv, tp: (D, S) sums of the powers that Barndorff-Nielsen and Shephard's test needs.
    """

    shares: Values
    usd: Values
    size: Values
    rv: Values
    bv: Values
    tp: Values


@compiled
def fill_sums(minutes: BarColumns, days: DayColumns, sums: DaySums) -> None:
    """Sum up each day from its open on; the tables come full of zeros."""
    for d in range(days.lo.size):
        lo, hi = days.lo[d], days.hi[d]
        if hi <= lo:
            continue
        shares, usd = 0.0, 0.0
        for i in range(lo, hi):
            shares += minutes.volume[i]
            usd += minutes.wap[i] * minutes.volume[i]
            sums.shares[i], sums.usd[i] = shares, usd
        walk = np.zeros(8)
        _begin(walk, 0, math.log(minutes.open[lo]))
        i = lo
        for slot in range((days.close_at[d] - days.open_at[d]) // MINUTE):
            if i < hi and (minutes.start[i] - days.open_at[d]) // MINUTE == slot:
                _step(walk, days, d, math.log(minutes.close[i]))
                i += 1
            else:
                _pause(walk, slot + 1)
            sums.size[d, slot], sums.rv[d, slot], sums.bv[d, slot], sums.tp[d, slot] = (
                walk[2],
                walk[4],
                walk[5],
                walk[6],
            )


# -- the walk over a day's minute closes: [closes so far, ln of the last, size of the last return, of the one before,
#    rv, bv, tp, size of the one before that]


@part
def _begin(walk: Values, closes: int, ln: float) -> None:
    walk[:] = 0.0
    walk[0], walk[1] = closes, ln


@part
def _pause(walk: Values, closes: int) -> None:
    """Minutes without a trade up to so many closes: returns of zero."""
    while walk[0] < closes:
        walk[0] += 1
        walk[7], walk[3], walk[2] = walk[3], walk[2], 0.0


@part
def _step(walk: Values, days: DayColumns, d: int, ln: float) -> None:
    """The next close; the first of the day is no return, unless minutes without a trade came before it."""
    slot = int(walk[0])
    walk[0] += 1
    if slot == 0:
        walk[1] = ln
        return
    size = abs(ln - walk[1])
    if days.days[d] > 0:
        size /= days.tod_factor[d, min(slot // BUCKET_MINUTES, days.buckets[d] - 1)]
    walk[7], walk[3], walk[2], walk[1] = walk[3], walk[2], size, ln
    walk[4] += size**2
    walk[5] += size * walk[3]
    if size > 0 and walk[3] > 0 and walk[7] > 0:
        walk[6] += (size * walk[3] * walk[7]) ** (4 / 3)


@part
def _jump_bns(walk: Values) -> float:
    n = walk[0] - 1
    if n < LEAST_RETURNS_BNS:
        return _NAN
    rv, bv = walk[4], math.pi / 2 * n / (n - 1) * walk[5]
    if rv <= 0 or bv <= 0:
        return _NAN
    tp = n * _TP * n / (n - 2) * walk[6]
    return float((1 - bv / rv) / math.sqrt(_BNS / n * max(1.0, tp / bv**2)))


@part
def jump_bns(so_far: SoFar) -> float:
    """Z of the minutes so far."""
    walk = so_far.walk
    n = walk[0] - 1
    if so_far.number[STARTED] == 0 or n < LEAST_RETURNS_BNS:
        return _NAN
    rv, bv = walk[4], math.pi / 2 * n / (n - 1) * walk[5]
    if rv <= 0 or bv <= 0:
        return _NAN
    tp = n * _TP * n / (n - 2) * walk[6]
    return float((1 - bv / rv) / math.sqrt(_BNS / n * max(1.0, tp / bv**2)))


# -- one news item's day


@part
def new_so_far() -> SoFar:
    """Room for one news item at a time."""
    return SoFar(
        np.zeros(8), np.empty(_TAIL), np.empty(_TAIL), np.empty(_TAIL), np.zeros(4, np.int64), np.zeros(4)
    )  # fmt: skip


@part
def begin_day(
    so_far: SoFar, received: int, minutes: BarColumns, known: int, bars: BarColumns, first: int, days: DayColumns,
    d: int, sums: DaySums,
) -> None:  # fmt: skip
    """History as of the headline: the minutes up to `known`, from which on the bars take over."""
    opened, lo = days.open_at[d], days.lo[d]
    started = known > lo
    switch = max(opened, received - received % MINUTE) if started else opened
    tail = min(known - lo, ATR_BARS + 1)
    for i in range(tail):
        so_far.high[i], so_far.low[i] = minutes.high[known - tail + i], minutes.low[known - tail + i]
        so_far.close[i] = minutes.close[known - tail + i]
    so_far.number[TAIL], so_far.number[BUILDING] = tail, NOWHERE
    so_far.number[NEXT] = max(first, closed_by(bars.start, 0, bars.start.size, switch - 1))
    so_far.number[STARTED] = started
    so_far.total[SHARES], so_far.total[USD], so_far.total[DAY_OPEN] = 0.0, 0.0, _NAN
    if not started:
        return
    so_far.total[SHARES], so_far.total[USD] = sums.shares[known - 1], sums.usd[known - 1]
    so_far.total[DAY_OPEN] = minutes.open[lo]
    slot = (min(received, days.close_at[d]) - opened) // MINUTE - 1
    walk = so_far.walk
    _begin(walk, slot + 1, math.log(minutes.close[known - 1]))
    walk[2] = sums.size[d, slot]
    walk[3] = sums.size[d, slot - 1] if slot > 0 else 0.0
    walk[7] = sums.size[d, slot - 2] if slot > 1 else 0.0
    walk[4], walk[5], walk[6] = sums.rv[d, slot], sums.bv[d, slot], sums.tp[d, slot]


@part
def take_bars(so_far: SoFar, t: int, bars: BarColumns, closed: int, days: DayColumns, d: int) -> None:
    """Take every bar before `closed` into minutes and totals, and close the minutes that ended by t."""
    number, total = so_far.number, so_far.total
    opened, closing = days.open_at[d], days.close_at[d]
    if opened == -1:
        return
    while number[NEXT] < closed and bars.start[number[NEXT]] < closing:
        i = number[NEXT]
        start = bars.start[i] - bars.start[i] % MINUTE
        if number[BUILDING] != start:
            _close_minute(so_far, days, d)
            tail = number[TAIL]
            number[BUILDING], total[BUILD_OPEN] = start, bars.open[i]
            so_far.high[tail], so_far.low[tail] = bars.high[i], bars.low[i]
        tail = number[TAIL]
        so_far.high[tail], so_far.low[tail] = max(so_far.high[tail], bars.high[i]), min(so_far.low[tail], bars.low[i])
        so_far.close[tail] = bars.close[i]
        total[SHARES] += bars.volume[i]
        total[USD] += bars.wap[i] * bars.volume[i]
        number[NEXT] += 1
    if number[BUILDING] + MINUTE <= t:
        _close_minute(so_far, days, d)
    if number[STARTED]:
        _pause(so_far.walk, (min(t, closing) - opened) // MINUTE)


@part
def _close_minute(so_far: SoFar, days: DayColumns, d: int) -> None:
    number = so_far.number
    if number[BUILDING] == NOWHERE:
        return
    if not number[STARTED]:
        number[STARTED], so_far.total[DAY_OPEN] = 1, so_far.total[BUILD_OPEN]
        _begin(so_far.walk, 0, math.log(so_far.total[BUILD_OPEN]))
    _pause(so_far.walk, (number[BUILDING] - days.open_at[d]) // MINUTE)
    _step(so_far.walk, days, d, math.log(so_far.close[number[TAIL]]))
    number[TAIL] += 1
    number[BUILDING] = NOWHERE


@part
def closed_by(ends: Times, first: int, last: int, t: int) -> int:
    """Index after the last of first..last that had ended by t."""
    while first < last:
        middle = (first + last) // 2
        if ends[middle] <= t:
            first = middle + 1
        else:
            last = middle
    return first
