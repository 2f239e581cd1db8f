"""The loops of feature_arrays.py in machine code: features.py for every decision time of many news items.

One news item after the other, and its decision times in ascending order: what lies between two of them is consumed
once, as a tape would. Where a formula needs its reason it stands in features.py.
"""

import math

import numpy as np
import numpy.typing as npt

from momentum_kit.compilation import compiled, part
from momentum_kit.detection.batch.columns import (
    MINUTE,
    SECOND,
    BarColumns,
    DayColumns,
    EventColumns,
    QuoteColumns,
    Times,
    Values,
)
from momentum_kit.detection.batch.day_loops import (
    DAY_OPEN,
    NOWHERE,
    RECENT,
    SHARES,
    STARTED,
    TAIL,
    USD,
    DaySums,
    SoFar,
    begin_day,
    closed_by,
    jump_bns,
    new_so_far,
    take_bars,
)  # fmt: skip
from momentum_kit.detection.live import ATR_BARS, BUCKET_MINUTES, LULD_REFERENCE_S, ROUND_LOT

COMPUTED = (
    "price", "anchor", "age_s", "ret_60s", "ret_300s", "ret_news",
    "dollar_volume_60s", "trades_60s", "trade_rate", "clv", "range_atr", "atr", "vwap_dev_bps", "jump_bns", "luld_dist",
    "gap", "z_tod", "jump_lm", "rvol_bar", "rvol_cum",
    "spread_bps", "imbalance", "quote_age_s",
)  # fmt: skip
"""The features of the loop, in the order in which it stores them."""

_NAN = math.nan


@compiled
def fill_features(
    events: EventColumns, at: Times, minutes: BarColumns, bars: BarColumns, quotes: QuoteColumns, days: DayColumns,
    sums: DaySums, assumed_bps: float, out: Values, quoted: npt.NDArray[np.bool_],
) -> None:  # fmt: skip
    """Store COMPUTED for every news item and decision time (N, K) in out (F, N, K), which comes full of nan.

    quoted: whether a quote that can be traded on stood then. assumed_bps: the spread where there is no series of
    quotes, nan to assume none.
    """
    so_far = new_so_far()
    for n in range(events.row.size):
        d, received = events.row[n], events.received_at[n]
        lo = days.lo[d]
        known = closed_by(minutes.end, lo, days.hi[d], received)  # history as of the headline: lo..known
        first = closed_by(bars.start, 0, bars.start.size, received - RECENT - 1)
        begin_day(so_far, received, minutes, known, bars, first, days, d, sums)
        anchor = _price_at(min(received, events.published_at[n]), minutes, lo, known, bars, first)
        if math.isnan(anchor) and days.days[d] > 0:
            anchor = days.previous_close[d]
        for k in range(at.shape[1]):
            t = at[n, k]
            if t == NOWHERE:
                continue
            closed = closed_by(bars.end, first, bars.end.size, t)
            take_bars(so_far, t, bars, closed, days, d)
            price = _price_at(t, minutes, lo, known, bars, first)
            if math.isnan(price):
                continue
            ret_60s = _ln_return(_price_at(t - MINUTE, minutes, lo, known, bars, first), price)
            ret_300s = _ln_return(_price_at(t - 5 * MINUTE, minutes, lo, known, bars, first), price)
            window = _window(t, bars, closed, first, days, d)
            tick = bars.end[closed - 1] if closed > first else NOWHERE
            spread, imbalance, age, quoted[n, k] = _quote(t, quotes, tick, assumed_bps)
            news = (price, anchor, (t - received) / SECOND, ret_60s, ret_300s, _simple_return(price, anchor))
            tape = _tape(price, window, so_far, minutes, days, d)
            usual = _against_usual(t, price, ret_60s, window, so_far, days, d)
            luld = _luld_dist(t, price, bars, closed, days, d)
            values = (*news, *tape, jump_bns(so_far), luld, *usual, spread, imbalance, age)
            for f in range(len(values)):
                out[f, n, k] = values[f]


@part
def _price_at(t: int, minutes: BarColumns, lo: int, known: int, bars: BarColumns, first: int) -> float:
    bar = closed_by(bars.end, first, bars.end.size, t) - 1
    minute = closed_by(minutes.end, lo, known, t) - 1
    if bar >= first and (minute < lo or minutes.end[minute] <= bars.end[bar]):
        return float(bars.close[bar])
    return minutes.close[minute] if minute >= lo else _NAN


@part
def _ln_return(before: float, now: float) -> float:
    return math.log(now / before) if before > 0 and now > 0 else _NAN


@part
def _simple_return(price: float, anchor: float) -> float:
    return price / anchor - 1 if anchor > 0 else _NAN


Window = tuple[float, float, float, float, float, float]
"""Of the last 60 s: high, low, shares, USD, trades, and the first regular price."""


@part
def _window(t: int, bars: BarColumns, closed: int, first: int, days: DayColumns, d: int) -> Window:
    high, low, shares, usd, trades, opening = _NAN, _NAN, 0.0, 0.0, 0.0, _NAN
    for i in range(closed - 1, first - 1, -1):
        if bars.start[i] < t - MINUTE:
            break
        high = bars.high[i] if math.isnan(high) else max(high, bars.high[i])
        low = bars.low[i] if math.isnan(low) else min(low, bars.low[i])
        shares += bars.volume[i]
        usd += bars.wap[i] * bars.volume[i]
        trades += bars.trades[i]
        if days.open_at[d] <= bars.start[i] < days.close_at[d]:
            opening = bars.open[i]
    return high, low, shares, usd, trades, opening


@part
def _tape(
    price: float, window: Window, so_far: SoFar, minutes: BarColumns, days: DayColumns, d: int
) -> tuple[float, float, float, float, float, float, float]:
    """dollar_volume_60s, trades_60s, trade_rate, clv, range_atr, atr, vwap_dev_bps."""
    high, low, _, usd, trades, _ = window
    tail = so_far.number[TAIL]
    if tail > 1 or days.days[d] == 0:
        atr = _true_range(so_far.high, so_far.low, so_far.close, max(0, tail - ATR_BARS - 1), tail)
    else:
        atr = _true_range(minutes.high, minutes.low, minutes.close, days.last_lo[d], days.last_hi[d])
    clv = (price - low) / (high - low) if high > low else _NAN
    range_atr = (high - low) / atr if atr > 0 else _NAN
    day_shares, day_usd = so_far.total[SHARES], so_far.total[USD]
    vwap_dev = (price / (day_usd / day_shares) - 1) * 1e4 if day_shares > 0 else _NAN
    return usd, trades, trades / 60, clv, range_atr, atr, vwap_dev


@part
def _true_range(high: Values, low: Values, close: Values, first: int, last: int) -> float:
    """ATR over the minutes first..last, of which the first only lends its close."""
    if last - first < 2:
        return _NAN
    total = 0.0
    for i in range(first + 1, last):
        total += max(high[i], close[i - 1]) - min(low[i], close[i - 1])
    return total / (last - first - 1)


@part
def _against_usual(
    t: int, price: float, ret_60s: float, window: Window, so_far: SoFar, days: DayColumns, d: int
) -> tuple[float, float, float, float, float]:
    """gap, z_tod, jump_lm, rvol_bar, rvol_cum; without a baseline nan, outside regular hours only gap and jump_lm."""
    if days.days[d] == 0:
        return _NAN, _NAN, _NAN, _NAN, _NAN
    jump_lm = ret_60s / (days.s_day[d] / math.sqrt(math.pi / 2))
    day_open = so_far.total[DAY_OPEN] if so_far.number[STARTED] else window[5]
    gap = day_open / days.previous_close[d] - 1
    since_open = (t - days.open_at[d]) / MINUTE
    bucket = int((since_open - 1 if since_open > 1 else 0.0) / BUCKET_MINUTES)  # of the minute that ended now
    if days.open_at[d] == -1 or since_open <= 0 or bucket >= days.buckets[d]:
        return gap, _NAN, jump_lm, _NAN, _NAN
    half_tick = (0.01 if price >= 1.0 else 0.0001) / 2 / price
    z_tod = ret_60s / max(days.s_day[d] * days.tod_factor[d, bucket], half_tick)
    rvol_bar = window[2] / max(days.volume[d, bucket], ROUND_LOT)
    rvol_cum = so_far.total[SHARES] / max(_usual_until(days, d, since_open), ROUND_LOT)
    return gap, z_tod, jump_lm, rvol_bar, rvol_cum


@part
def _usual_until(days: DayColumns, d: int, since_open: float) -> float:
    bucket = min(int(since_open / BUCKET_MINUTES), days.buckets[d] - 1)
    share = min(since_open / BUCKET_MINUTES - bucket, 1.0)
    return float(days.cumulative[d, bucket] * (1 - share) + days.cumulative[d, bucket + 1] * share)


@part
def _quote(t: int, quotes: QuoteColumns, tick: int, assumed_bps: float) -> tuple[float, float, float, bool]:
    """spread_bps, imbalance, age of the newest tick of any kind in seconds, and whether it can be traded on."""
    if quotes.end.size == 0 and not math.isnan(assumed_bps):
        return assumed_bps, _NAN, 0.0, True
    quote = closed_by(quotes.end, 0, quotes.end.size, t) - 1
    if quote < 0:
        return _NAN, _NAN, (t - tick) / SECOND if tick != NOWHERE else _NAN, False
    bid, ask, bid_size, ask_size = quotes.bid[quote], quotes.ask[quote], quotes.bid_size[quote], quotes.ask_size[quote]
    spread = (ask - bid) / ((ask + bid) / 2) * 1e4 if ask + bid > 0 else _NAN
    imbalance = (bid_size - ask_size) / (bid_size + ask_size) if bid_size + ask_size > 0 else _NAN
    return spread, imbalance, (t - max(quotes.end[quote], tick)) / SECOND, 0 < bid <= ask


@part
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
