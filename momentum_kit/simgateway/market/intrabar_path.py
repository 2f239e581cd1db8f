"""A tape inside minute bars: a seeded path through each bar's open, high, low and close that adds up to the bar."""

import numpy as np

from momentum_kit.simgateway.market.prints_from_bars import NO_PRICE
from momentum_kit.simgateway.market.tape import BarSeries, DayTape, Floats, Ints, build_tape

MINUTE_MS = 60_000
MOST_PRINTS = 240  # a minute, where nobody counted
SHARES_A_PRINT = 150.0
QUOTE_MS = 1000


def tape_of_minutes(
    con_id: int, trades: BarSeries, bids: BarSeries, asks: BarSeries, tick: float, rng: np.random.Generator
) -> DayTape:
    """Prints and quotes whose minute bars are exactly the given ones.

    Whether the high or the low comes first, and when, is drawn; bid and ask walk in step with the prints.
    """
    if not len(trades):
        return build_tape(con_id, _no_prints(), _quotes(bids, asks, {}, tick, rng))
    order = _orders(trades, rng)
    by_minute = dict(zip(trades.start_ms.tolist(), order, strict=True))
    return build_tape(con_id, _prints(trades, order, tick, rng), _quotes(bids, asks, by_minute, tick, rng))


def _orders(bars: BarSeries, rng: np.random.Generator) -> Floats:
    """Per bar: ms of the first and second extreme, and 1 where the high comes first."""
    early = rng.integers(2_000, 28_000, len(bars))
    late = rng.integers(30_000, 57_000, len(bars))
    # A bar that closed up tends to make its low first.
    high_first = rng.random(len(bars)) < np.where(bars.close >= bars.open, 0.3, 0.7)
    return np.stack([early, late, high_first], axis=1).astype(float)


def _no_prints() -> tuple[Ints, Floats, Ints]:
    return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0, dtype=np.int64)


def _prints(bars: BarSeries, order: Floats, tick: float, rng: np.random.Generator) -> tuple[Ints, Floats, Ints]:
    # Where nobody counted the prints, their number follows the volume.
    guess = np.clip(bars.volume / SHARES_A_PRINT, 1, MOST_PRINTS)
    count = np.minimum(np.where(bars.count > 0, bars.count, guess), bars.volume).astype(np.int64)
    prices = zip(bars.open.tolist(), bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), strict=True)
    columns: list[tuple[Ints, Floats, Ints]] = []
    for row, (opened, high, low, close) in enumerate(prices):
        knots = _knots(opened, high, low, close, order[row])
        at, price = _path(knots, (low, high), int(count[row]), tick, rng)
        columns.append((bars.start_ms[row] + at, price, _split(int(bars.volume[row]), len(at), rng)))
    ms, price, size = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return ms, price, size


def _knots(opened: float, high: float, low: float, close: float, order: Floats) -> list[tuple[int, float]]:
    """The prints a bar cannot do without: (ms, price) of open, extremes and close."""
    extremes = (high, low) if order[2] else (low, high)
    between = [(int(at), price) for at, price in zip(order[:2], extremes, strict=True) if price not in (opened, close)]
    if opened == close and not between:
        return [(MINUTE_MS - 1, close)]
    return [(1, opened), *between, (MINUTE_MS - 1, close)]


def _path(
    knots: list[tuple[int, float]], bounds: tuple[float, float], n: int, tick: float, rng: np.random.Generator
) -> tuple[Ints, Floats]:
    """At least n prints on the line through the knots, a tick of noise between them, never outside the bounds."""
    times, prices = zip(*knots, strict=True)
    extra = rng.integers(2, MINUTE_MS - 1, max(n - len(knots), 0))
    noisy = np.interp(extra, times, prices) + rng.normal(0, tick, len(extra))
    between = np.clip(np.round(np.rint(noisy / tick) * tick, 4), *bounds)
    at, price = np.r_[times, extra], np.r_[prices, between]
    order = np.argsort(at, kind="stable")
    return at[order].astype(np.int64), price[order]


def _split(volume: int, n: int, rng: np.random.Generator) -> Ints:
    """Whole sizes, n of them, of at least one share, that add up to volume (or to n where that is more)."""
    if volume <= n:
        return np.ones(n, dtype=np.int64)
    weights = rng.exponential(size=n)
    cuts = np.floor(np.cumsum(weights) / weights.sum() * (volume - n)).astype(np.int64)
    cuts[-1] = volume - n
    return np.asarray(np.diff(cuts, prepend=0) + 1)


def _quotes(
    bids: BarSeries, asks: BarSeries, order: dict[int, Floats], tick: float, rng: np.random.Generator
) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    if not len(bids):
        none = np.empty(0, dtype=np.int64)
        return none, np.empty(0), np.empty(0), none, none
    at = np.arange(0, MINUTE_MS, QUOTE_MS) + rng.integers(1, QUOTE_MS, (len(bids), MINUTE_MS // QUOTE_MS))
    usual = np.array([20_000.0, 40_000.0, 0.0])
    knots = np.array([order.get(ms, usual) for ms in bids.start_ms.tolist()])
    bid, ask = (_side(bars, knots, at, tick) for bars in (bids, asks))
    ask = np.where(ask < bid + tick, np.round(bid + tick, 4), ask)  # an unknown side stays unknown
    bid, ask = (np.nan_to_num(side, nan=NO_PRICE) for side in (bid, ask))
    sizes = np.maximum(np.rint(np.exp(rng.normal(np.log(6), 0.8, (2, at.size)))), 1).astype(np.int64) * 100
    return (bids.start_ms[:, None] + at).ravel(), bid.ravel(), ask.ravel(), sizes[0], sizes[1]


def _side(bars: BarSeries, order: Floats, at: np.ndarray, tick: float) -> Floats:
    """One side's prices at the given ms of each minute: linear through open, extremes and close."""
    high_first = order[:, 2] > 0
    first = np.where(high_first, bars.high, bars.low)[:, None]
    second = np.where(high_first, bars.low, bars.high)[:, None]
    early, late = order[:, :1], order[:, 1:2]
    price = np.where(
        at < early,
        bars.open[:, None] + (first - bars.open[:, None]) * at / early,
        np.where(
            at < late,
            first + (second - first) * (at - early) / (late - early),
            second + (bars.close[:, None] - second) * (at - late) / (MINUTE_MS - late),
        ),
    )
    return np.asarray(np.round(np.rint(price / tick) * tick, 4))
