"""The loops of feature_arrays.py in machine code: features.py for every decision time of many news items.

One news item after the other, and its decision times in ascending order: what lies between two of them is consumed
once, as a tape would. Where a formula needs its reason it stands in features.py.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from momentum_kit.detection.baseline import ATR_BARS, BUCKET_MINUTES
from momentum_kit.detection.columns import (
    MINUTE,
    SECOND,
    BarColumns,
    DayColumns,
    EventColumns,
    QuoteColumns,
    Times,
    Values,
)
from momentum_kit.detection.compiled import compiled
from momentum_kit.detection.features import LEAST_RETURNS_BNS, LULD_REFERENCE_S, ROUND_LOT

RECENT = 1800 * SECOND  # how far the bars reach back before the headline, as the engine asks for them
NOWHERE = np.iinfo(np.int64).min  # a decision time that is none

COMPUTED = (
    "price", "anchor", "age_s", "ret_60s", "ret_300s", "ret_news", "gap", "z_tod", "jump_lm", "jump_bns", "rvol_bar",
    "rvol_cum", "dollar_volume_60s", "trades_60s", "trade_rate", "vwap_dev_bps", "clv", "range_atr", "atr",
    "spread_bps", "imbalance", "quote_age_s", "luld_dist",
)  # fmt: skip
"""The features of the loop, in the order in which it stores them."""

_NAN = math.nan
_TP = (2 ** (2 / 3) * math.gamma(7 / 6) / math.gamma(1 / 2)) ** -3
_BNS = math.pi**2 / 4 + math.pi - 5
_TAIL = 64  # minutes before the headline for the ATR, and those that bars may add afterwards


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


@compiled
def _begin(walk: Values, closes: int, ln: float) -> None:
    walk[:] = 0.0
    walk[0], walk[1] = closes, ln


@compiled
def _pause(walk: Values, closes: int) -> None:
    """Minutes without a trade up to so many closes: returns of zero."""
    while walk[0] < closes:
        walk[0] += 1
        walk[7], walk[3], walk[2] = walk[3], walk[2], 0.0


@compiled
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


@compiled
def _jump_bns(walk: Values) -> float:
    n = walk[0] - 1
    if n < LEAST_RETURNS_BNS:
        return _NAN
    rv, bv = walk[4], math.pi / 2 * n / (n - 1) * walk[5]
    if rv <= 0 or bv <= 0:
        return _NAN
    tp = n * _TP * n / (n - 2) * walk[6]
    return float((1 - bv / rv) / math.sqrt(_BNS / n * max(1.0, tp / bv**2)))


# -- what the tape had


@compiled
def _closed(ends: Times, first: int, last: int, t: int) -> int:
    """Index after the last of first..last that had ended by t."""
    while first < last:
        middle = (first + last) // 2
        if ends[middle] <= t:
            first = middle + 1
        else:
            last = middle
    return first


@compiled
def _price_at(t: int, minutes: BarColumns, lo: int, known: int, bars: BarColumns, first: int) -> float:
    bar = _closed(bars.end, first, bars.end.size, t) - 1
    minute = _closed(minutes.end, lo, known, t) - 1
    if bar >= first and (minute < lo or minutes.end[minute] <= bars.end[bar]):
        return float(bars.close[bar])
    return minutes.close[minute] if minute >= lo else _NAN


@compiled
def _ln_return(before: float, now: float) -> float:
    return math.log(now / before) if before > 0 and now > 0 else _NAN


@compiled
def _true_range(high: Values, low: Values, close: Values, first: int, last: int) -> float:
    """ATR over the minutes first..last, of which the first only lends its close."""
    if last - first < 2:
        return _NAN
    total = 0.0
    for i in range(first + 1, last):
        total += max(high[i], close[i - 1]) - min(low[i], close[i - 1])
    return total / (last - first - 1)


@compiled
def _bucket(days: DayColumns, d: int, since_open: float) -> int:
    """The bucket of the minute that ended now, -1 outside regular hours or without a baseline."""
    if days.days[d] == 0 or not since_open > 0:
        return -1
    bucket = int((since_open - 1 if since_open > 1 else 0.0) / BUCKET_MINUTES)
    return bucket if bucket < days.buckets[d] else -1


@compiled
def _usual_until(days: DayColumns, d: int, since_open: float) -> float:
    bucket = min(int(since_open / BUCKET_MINUTES), days.buckets[d] - 1)
    share = min(since_open / BUCKET_MINUTES - bucket, 1.0)
    return float(days.cumulative[d, bucket] * (1 - share) + days.cumulative[d, bucket + 1] * share)


@compiled
def _luld_dist(t: int, price: float, bars: BarColumns, closed: int, days: DayColumns, d: int) -> float:
    if days.days[d] == 0 or t < days.open_at[d] or t >= days.close_at[d]:
        return _NAN
    turnover, trades = 0.0, 0.0
    for i in range(closed - 1, -1, -1):
        if bars.start[i] < max(t - LULD_REFERENCE_S * SECOND, days.open_at[d]):
            break
        turnover += bars.wap[i] * bars.trades[i]
        trades += bars.trades[i]
    if trades <= 0:
        return _NAN
    reference = turnover / trades
    width = 0.10
    if days.previous_close[d] <= 3:
        width = 0.20 if days.previous_close[d] >= 0.75 else min(0.15 / reference, 0.75)
        if t >= days.close_at[d] - 25 * MINUTE:
            width *= 2
    return reference * (1 + width) / price - 1


@compiled
def fill_features(
    events: EventColumns, at: Times, minutes: BarColumns, bars: BarColumns, quotes: QuoteColumns, days: DayColumns,
    sums: DaySums, assumed_bps: float, out: Values, quoted: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """Store COMPUTED for every news item and decision time (N, K) in out (F, N, K), which comes full of nan.

    quoted: whether a quote that can be traded on stood then. assumed_bps: the spread where there is no series of
    quotes, nan to assume none.
    """
    walk = np.zeros(8)
    high, low, close = np.empty(_TAIL), np.empty(_TAIL), np.empty(_TAIL)
    for n in range(events.row.size):
        d, received = events.row[n], events.received_at[n]
        opened, closing, lo = days.open_at[d], days.close_at[d], days.lo[d]
        known = _closed(minutes.end, lo, days.hi[d], received)  # history as of the headline: lo..known
        first = np.searchsorted(bars.start, received - RECENT)
        pre = opened if known == lo else max(opened, received - received % MINUTE)
        j = max(first, np.searchsorted(bars.start, pre))  # bars that add to minutes and totals
        shares, usd, day_open = 0.0, 0.0, _NAN
        tail = min(known - lo, ATR_BARS + 1)
        high[:tail], low[:tail] = minutes.high[known - tail : known], minutes.low[known - tail : known]
        close[:tail] = minutes.close[known - tail : known]
        building = NOWHERE  # start of the minute that bars are adding to; it stands at close[tail]
        build_open = _NAN
        started = known > lo
        _begin(walk, 0, 0.0)
        if started:
            shares, usd, day_open = sums.shares[known - 1], sums.usd[known - 1], minutes.open[lo]
            slot = (min(received, closing) - opened) // MINUTE - 1
            walk[0], walk[1], walk[2] = slot + 1, math.log(minutes.close[known - 1]), sums.size[d, slot]
            walk[3] = sums.size[d, slot - 1] if slot > 0 else 0.0
            walk[7] = sums.size[d, slot - 2] if slot > 1 else 0.0
            walk[4], walk[5], walk[6] = sums.rv[d, slot], sums.bv[d, slot], sums.tp[d, slot]
        before = _price_at(min(received, events.published_at[n]), minutes, lo, known, bars, first)
        anchor = days.previous_close[d] if math.isnan(before) and days.days[d] > 0 else before

        for k in range(at.shape[1]):
            t = at[n, k]
            price = _price_at(t, minutes, lo, known, bars, first) if t != NOWHERE else _NAN
            closed = _closed(bars.end, first, bars.end.size, t)
            while t != NOWHERE and opened != -1 and (j < closed or building != NOWHERE):
                more = j < closed and bars.start[j] < closing
                start = bars.start[j] - bars.start[j] % MINUTE if more else NOWHERE
                if building != NOWHERE and (start != building if more else building + MINUTE <= t):
                    if not started:
                        started, day_open = True, build_open
                        _begin(walk, 0, math.log(build_open))
                    _pause(walk, (building - opened) // MINUTE)
                    _step(walk, days, d, math.log(close[tail]))
                    tail += 1
                    building = NOWHERE
                if not more:
                    break
                if building == NOWHERE:
                    building, build_open = start, bars.open[j]
                    high[tail], low[tail] = bars.high[j], bars.low[j]
                high[tail], low[tail] = max(high[tail], bars.high[j]), min(low[tail], bars.low[j])
                close[tail] = bars.close[j]
                shares += bars.volume[j]
                usd += bars.wap[j] * bars.volume[j]
                j += 1
            if math.isnan(price):
                continue
            if started:
                _pause(walk, (min(t, closing) - opened) // MINUTE)

            top, bottom, shares_60s, usd_60s, trades_60s, first_open = _NAN, _NAN, 0.0, 0.0, 0.0, _NAN
            for i in range(closed - 1, first - 1, -1):
                if bars.start[i] < t - MINUTE:
                    break
                top = bars.high[i] if math.isnan(top) else max(top, bars.high[i])
                bottom = bars.low[i] if math.isnan(bottom) else min(bottom, bars.low[i])
                shares_60s += bars.volume[i]
                usd_60s += bars.wap[i] * bars.volume[i]
                trades_60s += bars.trades[i]
                if opened <= bars.start[i] < closing:
                    first_open = bars.open[i]
            ret_60s = _ln_return(_price_at(t - MINUTE, minutes, lo, known, bars, first), price)
            ret_300s = _ln_return(_price_at(t - 5 * MINUTE, minutes, lo, known, bars, first), price)

            if tail > 1 or days.days[d] == 0:
                atr = _true_range(high, low, close, max(0, tail - ATR_BARS - 1), tail)
            else:
                atr = _true_range(minutes.high, minutes.low, minutes.close, days.last_lo[d], days.last_hi[d])

            z_tod = jump_lm = rvol_bar = rvol_cum = gap = _NAN
            since_open = (t - opened) / MINUTE if opened != -1 else _NAN
            bucket = _bucket(days, d, since_open)
            if days.days[d] > 0:
                jump_lm = ret_60s / (days.s_day[d] / math.sqrt(math.pi / 2))
                gap = (day_open if started else first_open) / days.previous_close[d] - 1
            if bucket >= 0:
                half_tick = (0.01 if price >= 1.0 else 0.0001) / 2 / price
                z_tod = ret_60s / max(days.s_day[d] * days.tod_factor[d, bucket], half_tick)
                rvol_bar = shares_60s / max(days.volume[d, bucket], ROUND_LOT)
                rvol_cum = shares / max(_usual_until(days, d, since_open), ROUND_LOT)

            spread = imbalance = quote_age = _NAN
            quote = _closed(quotes.end, 0, quotes.end.size, t) - 1
            if quote >= 0:
                bid, ask = quotes.bid[quote], quotes.ask[quote]
                size = quotes.bid_size[quote] + quotes.ask_size[quote]
                spread = (ask - bid) / ((ask + bid) / 2) * 1e4 if ask + bid > 0 else _NAN
                imbalance = (quotes.bid_size[quote] - quotes.ask_size[quote]) / size if size > 0 else _NAN
                last_tick = max(quotes.end[quote], bars.end[closed - 1] if closed > first else NOWHERE)
                quote_age = (t - last_tick) / SECOND
                quoted[n, k] = 0 < bid <= ask
            elif closed > first:
                quote_age = (t - bars.end[closed - 1]) / SECOND
            if quotes.end.size == 0 and not math.isnan(assumed_bps):
                spread, quote_age, quoted[n, k] = assumed_bps, 0.0, True

            values = (
                price, anchor, (t - received) / SECOND, ret_60s, ret_300s, price / anchor - 1 if anchor > 0 else _NAN,
                gap, z_tod, jump_lm, _jump_bns(walk) if started else _NAN, rvol_bar, rvol_cum, usd_60s, trades_60s,
                trades_60s / 60, (price / (usd / shares) - 1) * 1e4 if shares > 0 else _NAN,
                (price - bottom) / (top - bottom) if top > bottom else _NAN,
                (top - bottom) / atr if atr > 0 else _NAN, atr, spread, imbalance, quote_age,
                _luld_dist(t, price, bars, closed, days, d),
            )  # fmt: skip
            for f in range(len(values)):
                out[f, n, k] = values[f]
