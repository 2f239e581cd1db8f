"""Earlier sessions of a generated contract: seeded daily closes, and minute bars between them."""

from datetime import date

import numpy as np

from momentum_kit.simgateway.instrument import tick_sizes
from momentum_kit.simgateway.market.intraday_activity import (
    CALM_PRINTS_S,
    PRE_MINUTES,
    busy_minutes,
    day_minutes,
    minute_shares,
    minute_sigma,
    opening_cross,
)
from momentum_kit.simgateway.market.tape import BarSeries, Floats
from momentum_kit.simgateway.market.universe import Company, random_stream


def closes(seed: int, company: Company, sessions: int) -> Floats:
    """Closes (USD) of the last `sessions` + 1 sessions, oldest first; the last one is yesterday's.

    Returns are drawn backwards from today, so that asking for more history changes no nearer close.
    """
    rng = random_stream(seed, company.instrument.symbol, "closes")
    gap = rng.normal(0.0, 0.2 * company.daily_sigma)
    returns = np.clip(rng.normal(0.0, company.daily_sigma, sessions), -0.2, 0.2)
    path = np.log(company.price) - gap - np.r_[0.0, np.cumsum(returns)]
    return _to_tick(np.exp(path[::-1]), company.tick)


def generate_minutes(seed: int, company: Company, day: date, previous_close: float, close: float) -> BarSeries:
    """TRADES minute bars of one earlier session, pre-market included; minutes without a print are absent."""
    rng = random_stream(seed, company.instrument.symbol, day.isoformat())
    start_ms, shares = day_minutes(day), minute_shares(day)
    minutes = len(start_ms)
    busy = busy_minutes(rng, minutes, small=company.small)
    # The mean of a lognormal factor exceeds its median: a baseline on medians sees the company's daily volume.
    volume = shares * company.daily_volume * float(np.exp(rng.normal(0.0, 0.25))) * busy / busy.mean()
    rate = np.minimum(volume / company.print_shares, CALM_PRINTS_S * 60)
    count = rng.poisson(rate)
    printed = np.rint(np.divide(volume, rate, out=np.zeros(minutes), where=rate > 0) * count)
    # Many prints average their sizes out, few do not.
    printed = np.rint(printed * np.exp(rng.normal(0.0, 0.8 / np.sqrt(np.maximum(count, 1)))))
    count[PRE_MINUTES] += 1
    printed[PRE_MINUTES] += opening_cross(company)
    step = company.daily_sigma / np.sqrt(minutes - PRE_MINUTES) * minute_sigma(day)
    step = step * np.sqrt(busy / busy.mean()) * (busy > 0.1)
    walk = np.cumsum(step * rng.normal(size=minutes))
    bridge = walk - walk[-1] * np.linspace(0, 1, minutes) + np.linspace(np.log(previous_close), np.log(close), minutes)
    last = np.exp(bridge)
    first = np.r_[previous_close, last[:-1]]
    reach = np.abs(rng.normal(size=(2, minutes))) * step * 0.5 + company.spread_bps / 4e4
    # Prints alternate between bid and ask: open and close of a bar stand half a spread off the mid.
    bounce = np.sign(rng.random((2, minutes)) - 0.5) * company.spread_bps / 2e4
    opened, closed = (_to_tick(p * (1 + b), company.tick) for p, b in zip((first, last), bounce, strict=True))
    high = np.maximum(_to_tick(np.maximum(first, last) * (1 + reach[0]), company.tick), np.maximum(opened, closed))
    low = np.minimum(_to_tick(np.minimum(first, last) * (1 - reach[1]), company.tick), np.minimum(opened, closed))
    # One print has one price, two have no extremes of their own, three have one.
    opened = np.where(count == 1, closed, opened)
    high = np.where(count <= 2, np.maximum(opened, closed), high)
    low = np.where(count <= 3, np.minimum(opened, closed), low)
    wap = np.round((opened + high + low + closed) / 4, 4)
    bars = BarSeries(start_ms, opened, high, low, closed, np.maximum(printed, count), wap, count.astype(np.int64))
    return bars.rows(count > 0)


def quote_minutes(trades: BarSeries, grid_ms: np.ndarray, half_spread: float, tick: float, side: int) -> BarSeries:
    """BID (side -1) or ASK (+1) minute bars around TRADES bars, on every minute of grid_ms from the first print on.

    half_spread: fraction of the price. A minute without a print repeats the last close.
    """
    row = np.searchsorted(trades.start_ms, grid_ms, side="right") - 1
    grid_ms, row = grid_ms[row >= 0], row[row >= 0]
    traded = trades.start_ms[row] == grid_ms
    shift = 1 + side * half_spread
    opened, high, low, close = (
        _to_tick(np.where(traded, column[row], trades.close[row]) * shift, tick)
        for column in (trades.open, trades.high, trades.low, trades.close)
    )
    return BarSeries.of_quotes(grid_ms, opened, high, low, close)


def _to_tick(price: Floats, tick: float) -> Floats:
    """On the grid; tick: the company's own, finer below a dollar."""
    steps = np.minimum(tick_sizes(price), tick)
    return np.round(np.maximum(np.rint(price / steps), 1) * steps, 4)
