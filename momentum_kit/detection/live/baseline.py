"""What is usual for a contract, from the 1-minute bars of earlier sessions; today never counts."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from momentum_kit.detection.live.tape import fill_forward
from momentum_kit.models import Bar
from momentum_kit.sessions import TradingSession

BUCKET_MINUTES = 5
K_RETURNS = 390  # returns behind s_day; Lee and Mykland: at least 314 for 1-minute bars in regular hours
ATR_BARS = 14

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Baseline:
    """The usual of one contract at each time of day.

    volume: (buckets,) shares a minute, the median over sessions of the bucket's volume / 5.
    cumulative: (buckets + 1,) shares since the open at the buckets' edges, mean over sessions.
    tod_factor: (buckets,) f_tod, median |r| of the bucket over the median of all.
    s_day: usual size of a 1-minute return (ln). previous_close: USD. days: sessions with bars.
    last_minutes: the newest minutes of the newest session, for an ATR before today has its own.
    """

    days: int
    previous_close: float
    s_day: float
    volume: Array
    cumulative: Array
    tod_factor: Array
    last_minutes: tuple[Bar, ...]

    def bucket(self, minutes: float) -> int | None:
        """Index of the bucket that holds this many minutes since the open; None outside."""
        index = math.floor(minutes / BUCKET_MINUTES)
        return index if 0 <= index < self.volume.size else None

    def usual_until(self, minutes: float) -> float:
        """Usual volume from the open to this many minutes after it, shares; linear inside a bucket."""
        edges = np.arange(self.cumulative.size) * float(BUCKET_MINUTES)
        return float(np.interp(minutes, edges, self.cumulative))


def build_baseline(bars: Sequence[Bar], sessions: Sequence[TradingSession], before: datetime) -> Baseline | None:
    """The baseline from 1-minute TRADES bars (in time order) of those `sessions` (oldest first) that ended by `before`.

    `before` is the open of the day to be judged. None if no session has a bar. A minute without a trade has a
    return of 0 and a volume of 0, as the tape had.
    """
    days = [day for session in sessions if session.close <= before if (day := _grid(bars, session)) is not None]
    if not days:
        return None
    closes, volumes, minutes = zip(*days, strict=True)
    previous_close = minutes[-1][-1].close
    floor = half_tick_return(previous_close)
    returns = [np.abs(np.diff(np.log(close))) for close in closes]
    return Baseline(
        days=len(days),
        previous_close=previous_close,
        s_day=max(_bipower(returns), floor),
        volume=_usual_volume(volumes),
        cumulative=_usual_cumulative(volumes),
        tod_factor=_tod_factor(returns, max(close.size for close in closes), floor),
        last_minutes=tuple(minutes[-1][-(ATR_BARS + 1) :]),
    )


def half_tick_return(price: float) -> float:
    """Half a tick over the price: no return is measured finer (Reg NMS rule 612: a cent from $1 upwards)."""
    return (0.01 if price >= 1.0 else 0.0001) / 2 / price


def _grid(bars: Sequence[Bar], session: TradingSession) -> tuple[Array, Array, list[Bar]] | None:
    first = bisect_left(bars, session.open, key=lambda bar: bar.start)
    inside = list(bars[first : bisect_left(bars, session.close, key=lambda bar: bar.start)])
    if not inside:
        return None
    count = round((session.close - session.open).total_seconds() / 60)
    closes, volumes = np.full(count, math.nan), np.zeros(count)
    for bar in inside:
        index = int((bar.start - session.open).total_seconds() // 60)
        closes[index], volumes[index] = bar.close, bar.volume
    return fill_forward(closes, inside[0].open), volumes, inside


def _bipower(returns: Sequence[Array]) -> float:
    """Bipower size of a return, sqrt(pi/2 mean |r||r_-1|), over the newest K returns, never across a night."""
    products = np.concatenate([day[1:] * day[:-1] for day in returns])[-K_RETURNS:]
    return math.sqrt(math.pi / 2 * float(products.mean())) if products.size else 0.0


def _usual_volume(volumes: Sequence[Array]) -> Array:
    sums = _padded([day.reshape(-1, BUCKET_MINUTES).sum(axis=1) for day in volumes])
    usual: Array = np.nanmedian(sums, axis=0) / BUCKET_MINUTES
    return usual


def _usual_cumulative(volumes: Sequence[Array]) -> Array:
    sums = _padded([day.reshape(-1, BUCKET_MINUTES).sum(axis=1) for day in volumes])
    usual: Array = np.concatenate(([0.0], np.cumsum(np.nanmean(sums, axis=0))))
    return usual


def _tod_factor(returns: Sequence[Array], minutes: int, floor: float) -> Array:
    """f_tod; both medians floored at half a tick, because a median |r| is often 0 in small caps."""
    # the return into minute i belongs to minute i; minute 0 has none, its bucket uses the other four
    padded = _padded([np.concatenate(([math.nan], day)) for day in returns], minutes)
    buckets = padded.reshape(len(returns), -1, BUCKET_MINUTES).swapaxes(0, 1).reshape(minutes // BUCKET_MINUTES, -1)
    overall = max(float(np.nanmedian(padded)), floor)
    factor: Array = np.maximum(np.nanmedian(buckets, axis=1), floor) / overall
    return factor


def _padded(rows: Sequence[Array], width: int = 0) -> Array:
    """Rows of unequal length (half days) as one array, nan where a session was over."""
    table = np.full((len(rows), max(width, *(row.size for row in rows))), math.nan)
    for index, row in enumerate(rows):
        table[index, : row.size] = row
    return table
