"""Makes prints of recorded 5 s bars, and quotes of quote bars, for a recorded market to tell again.

A bar becomes at most four groups of prints (open, the extremes, close) at fixed moments inside it, sized so that
whoever builds bars from them gets the record back: open, high, low, close, volume and count exactly, the
volume-weighted price to 1e-9 USD. How the volume was spread in truth nobody recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum_kit.simgateway.market.tape import Floats, Ints

Columns = Mapping[str, NDArray[Any]]
"""An archive's rows by column: "start" int64 microseconds since 1970 UTC, the rest float64."""

# Trades and quotes take turns, 500 ms apart: closer than 250 ms a line would hold the second one back.
TRADE_MS = np.array([1000, 2000, 3000, 4000])
QUOTE_MS = np.array([500, 1500, 2500, 4500])
UNKNOWN_SIZE = 500  # shares on a side whose size nobody recorded (history of a gateway has none)
NO_PRICE = -1.0  # how IB writes it
_GRAIN_BITS = 40  # sizes are multiples of 2^-40 of the bar's volume, so that their sums are exact


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeGroups:
    """Prints of one moment and price, taken together; total_volume: shares of the day up to and including them.

    grain: what all sizes of a bar are multiples of, a power of two.
    """

    ms: Ints
    price: Floats
    size: Floats
    count: Ints
    total_volume: Floats
    grain: Floats


def trade_groups(bars: Columns) -> TradeGroups:
    """Bars (of one day, ascending) as groups of prints. A bar without volume, or with a nan price, tells nothing."""
    prices = np.stack([bars[name] for name in ("open", "high", "low", "close")], axis=1)
    told = (bars["volume"] > 0) & np.isfinite(prices).all(axis=1)
    opened, high, low, close = prices[told].T
    volume, count = bars["volume"][told], np.nan_to_num(bars["count"][told]).astype(np.int64)
    rising = close >= opened  # a bar that closed up tends to make its low first
    first, second = np.where(rising, low, high), np.where(rising, high, low)
    apart = [(extreme != opened) & (extreme != close) for extreme in (first, second)]
    points = np.stack([opened, first, second, close], axis=1)
    needed = np.stack([np.ones(len(opened), bool), *apart, (close != opened) | apart[0] | apart[1]], axis=1)
    grain = np.exp2(np.ceil(np.log2(volume)) - _GRAIN_BITS)[:, None]
    size = _sizes(points, needed, volume, bars["wap"][told], grain)
    spare = np.maximum(count - needed.sum(axis=1), 0)
    counts = needed.astype(np.int64)
    counts[np.arange(len(opened)), size.argmax(axis=1)] += spare
    ms = bars["start"][told][:, None] // 1000 + TRADE_MS
    flat = needed.ravel()
    sizes = size.ravel()[flat]
    grains = np.broadcast_to(grain, points.shape).ravel()[flat]
    return TradeGroups(
        ms=ms.ravel()[flat],
        price=points.ravel()[flat],
        size=sizes,
        count=counts.ravel()[flat],
        total_volume=np.cumsum(sizes),
        grain=grains,
    )


def _sizes(points: Floats, needed: NDArray[np.bool_], volume: Floats, wap: Floats, grain: Floats) -> Floats:
    """Shares of each point: positive where needed, adding up to the volume, their mean price the bar's wap."""
    even = needed / needed.sum(axis=1, keepdims=True)
    mean = (points * even).sum(axis=1)
    highest, lowest = np.where(needed, points, -np.inf), np.where(needed, points, np.inf)
    wanted = np.where(np.isfinite(wap) & (wap > 0), wap, mean)
    toward = np.where(wanted >= mean, highest.argmax(axis=1), lowest.argmin(axis=1))
    rows = np.arange(len(points))
    reach = points[rows, toward] - mean
    lean = np.divide(wanted - mean, reach, out=np.zeros(len(points)), where=reach != 0)
    lean = np.clip(lean, 0.0, 1 - 2.0**-20)[:, None]  # beyond its own range a wap cannot be had
    weight = even * (1 - lean)
    weight[rows, toward] += lean[:, 0]
    size: Floats = np.rint(weight * volume[:, None] / grain) * grain
    size[rows, size.argmax(axis=1)] += volume - size.sum(axis=1)
    return size


def prints(groups: TradeGroups) -> tuple[Ints, Floats, Floats]:
    """(ms, price, size) of every single print: a group's size in as many parts as it has prints."""
    each = np.floor(groups.size / groups.count / groups.grain) * groups.grain
    row = np.repeat(np.arange(len(groups.ms)), groups.count)
    size = each[row]
    last = np.cumsum(groups.count) - 1
    size[last] = groups.size - each * (groups.count - 1)
    return groups.ms[row], groups.price[row], size


def quote_events(quotes: Columns) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    """(ms, bid, ask, bid size, ask size): each bar's open, lows, highs and close.

    The close carries the recorded sizes. The highs are shown with a share more on both sides, because a feed tells
    only what changed, and a quote bar says that the quote was alive.
    """
    ms = quotes["start"][:, None] // 1000 + QUOTE_MS
    order = ("open", "low", "high", "close")
    bid, ask = (
        np.nan_to_num(np.stack([quotes[f"{side}_{name}"] for name in order], axis=1), nan=NO_PRICE)
        for side in ("bid", "ask")
    )
    sizes = [
        np.nan_to_num(quotes[f"{side}_size"], nan=UNKNOWN_SIZE).astype(np.int64)[:, None] + np.array([0, 0, 1, 0])
        for side in ("bid", "ask")
    ]
    return ms.ravel(), bid.ravel(), ask.ravel(), sizes[0].ravel(), sizes[1].ravel()
