"""Event study: how price, volume and spread move around headlines, against the market, with bands by day.

    paths(bars, events, ...)     -> Paths             what each event's tape did, second by second, on one common grid
    abnormal_returns(paths, by)  -> AbnormalReturns   means by group with day-block bootstrap bands, the drift before

Zero is the publication: what the tape does before it is a leak, a clock that runs ahead or a story told twice, and
never an edge. Nothing here is a strategy's profit: a move that cannot be bought in time is not money, and costs are
shown by net.py. Method: MacKinlay, Journal of Economic Literature 35 (1997), market-adjusted model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from momentum_kit.errors import ResearchError
from momentum_kit.storage.archive import BARS, BARS_5S, SECONDS, Archive

OFFSETS_S = (
    -900, -600, -300, -120, -60, -30, -10, 0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 1200, 1800,
    2700, 3600,
)  # fmt: skip
"""The grid, seconds since the headline."""

LEAST_EVENTS = 30  # below, a mean says nothing: power at 2% noise and a 1% move is 0.35 with ten events
LEAST_DAYS = 10  # fewer blocks than this make no bootstrap
RESAMPLES = 2000
USUAL_WINDOW_S = (-900, -60)  # where an event's own usual volume is measured

Matrix = npt.NDArray[np.float64]
SECOND = np.int64(1_000_000)  # microseconds


class BarReader(Protocol):
    """Where bars come from: an archive, or arrays in memory."""

    def __call__(self, symbol: str, first: np.datetime64, last: np.datetime64, /) -> Mapping[str, npt.NDArray[Any]]:
        """Bars of New York days first to last: start (int64 microseconds UTC), seconds, close, volume, sorted."""
        ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Paths:
    """What the tape did around N events at T offsets; nan where it cannot be known.

    events: N rows (EventTable.events, further columns welcome: they can be grouped by). offsets_s: (T,).
    abnormal: (N, T) ln return since zero less the market's. volume: (N, T) shares a second since the offset before,
    over the event's usual before zero. overlapping: events left out because an earlier one of their symbol was still
    under study.
    """

    events: pd.DataFrame
    offsets_s: npt.NDArray[np.int64]
    abnormal: Matrix
    volume: Matrix
    overlapping: int
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AbnormalReturns:
    """The answer. curves: one row a group and offset; groups: one row a group; overlapping: events left out.

    curves: group, offset_s, events, mean_bps, low_bps, high_bps (95%, days resampled whole), median_bps, volume_ratio.
    groups: group, events, days, drift_before_bps, drift_before_t (by day), drift_before_p, mark. A mark is a reason not
    to believe the group: "too few events", "too few days", "drift before the headline".
    """

    by: str
    curves: pd.DataFrame
    groups: pd.DataFrame
    overlapping: int
    marks: tuple[str, ...]


def paths(
    bars: BarReader,
    events: pd.DataFrame,
    offsets_s: Sequence[int] = OFFSETS_S,
    market: str | None = None,
    marks: Sequence[str] = (),
) -> Paths:
    """Price and volume of each event on the grid; market: symbol whose return is taken off, None takes nothing off.

    Each price is the close of the last bar that had ENDED at that instant; where no bar ended in the ten minutes
    before it the price is nan. Raises ResearchError without events, or for a grid without its zero.
    """
    grid = np.asarray(offsets_s, np.int64)
    if 0 not in grid or (np.diff(grid) <= 0).any() or grid[0] >= 0:
        raise ResearchError("event study: the offsets must ascend, begin before 0 and contain it")
    kept = _without_overlaps(events, int(grid[-1] - grid[0]))
    if kept.empty:
        raise ResearchError("event study: no event is left; widen the selection")
    price, volume = _on_grid(bars, kept, grid, kept["symbol"].to_numpy())
    zero = int(np.flatnonzero(grid == 0)[0])
    moved = np.log(price) - np.log(price[:, [zero]])
    noted = tuple(marks)
    if market is None:
        noted += ("NOT MARKET-ADJUSTED",)
    else:
        index, _ = _on_grid(bars, kept, grid, np.full(len(kept), market))
        if np.isnan(index).all():
            raise ResearchError(f"event study: no bars of the market symbol {market} around any event")
        moved -= np.log(index) - np.log(index[:, [zero]])
    return Paths(
        events=kept,
        offsets_s=grid,
        abnormal=moved,
        volume=_relative(volume, grid),
        overlapping=len(events) - len(kept),
        marks=noted,
    )


def archived_bars(archive: Archive) -> BarReader:
    """The archive's tape: 5 s bars where it has them, minutes where it has not; each instant from one series only."""

    def bars(symbol: str, first: np.datetime64, last: np.datetime64, /) -> Mapping[str, npt.NDArray[Any]]:
        days = first.astype("datetime64[D]").item(), last.astype("datetime64[D]").item()
        fine, coarse = _series(archive, BARS_5S, symbol, *days), _series(archive, BARS, symbol, *days)
        minute = 60 * SECOND
        alone = ~np.isin(coarse["start"], fine["start"] // minute * minute)
        both = {name: np.concatenate((fine[name], coarse[name][alone])) for name in fine}
        order = np.argsort(both["start"], kind="stable")
        return {name: values[order] for name, values in both.items()}

    return bars


def abnormal_returns(found: Paths, by: str = "", seed: int = 0) -> AbnormalReturns:
    """Means with bands by group (`by`: a column of events; "" takes all as one).

    The drift before is the abnormal return from the grid's first offset to zero, its t over the means of days.
    """
    names = found.events[by].astype(str).to_numpy(str) if by else np.full(len(found.events), "all")
    days = found.events["day"].to_numpy().astype("datetime64[D]")
    curves, groups = [], []
    for name in sorted({str(name) for name in names}):
        rows = names == name
        group = _drift_before(name, found.abnormal[rows, 0], days[rows])
        groups.append(group)
        curves.append(_curve(name, found, rows, days[rows], np.random.default_rng(seed)))
    return AbnormalReturns(
        by=by,
        curves=pd.concat(curves, ignore_index=True),
        groups=pd.DataFrame(groups),
        overlapping=found.overlapping,
        marks=found.marks,
    )


def _series(archive: Archive, kind: str, symbol: str, first: date, last: date) -> dict[str, npt.NDArray[Any]]:
    """start, close, volume and seconds of one kind; empty where the archive has none."""
    if any(first <= day <= last for day in archive.days(symbol, kind)):
        found = archive.columns(kind, symbol, first, last, ("close", "volume"))
    else:
        found = {"start": np.empty(0, np.int64), "close": np.empty(0), "volume": np.empty(0)}
    return {**found, "seconds": np.full(found["start"].size, SECONDS[kind])}


def _without_overlaps(events: pd.DataFrame, window_s: int) -> pd.DataFrame:
    """The first of every run of events of one symbol whose windows overlap: the others measure the same move."""
    ordered = events.sort_values(["symbol", "published_at"], kind="stable")
    at = _micros(ordered["published_at"])
    keep = np.zeros(len(ordered), bool)
    last_symbol, until = None, np.int64(0)
    for row, (symbol, zero) in enumerate(zip(ordered["symbol"], at, strict=True)):
        if symbol != last_symbol or zero >= until:
            keep[row], last_symbol, until = True, symbol, zero + window_s * SECOND
    return ordered[keep].sort_index().reset_index(drop=True)


def _micros(times: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    micros: npt.NDArray[np.int64] = (
        times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64)
    )
    return micros


def _on_grid(
    bars: BarReader, events: pd.DataFrame, grid: npt.NDArray[np.int64], symbols: npt.NDArray[Any]
) -> tuple[Matrix, Matrix]:
    """(N, T) price at, and shares traded until, each instant; of each event's own symbol in `symbols`."""
    zero = _micros(events["published_at"])
    days = events["day"].to_numpy().astype("datetime64[D]")
    price = np.full((len(events), grid.size), np.nan)
    traded = np.full((len(events), grid.size), np.nan)
    for symbol in sorted({str(symbol) for symbol in symbols}):
        rows = np.flatnonzero(symbols == symbol)
        found = bars(symbol, days[rows].min(), days[rows].max())
        start, seconds = np.asarray(found["start"], np.int64), np.asarray(found["seconds"], np.int64)
        if not start.size:
            continue
        ends = start + seconds * SECOND
        total = np.concatenate(([0.0], np.cumsum(np.asarray(found["volume"], float))))
        instants = zero[rows, None] + grid[None, :] * SECOND
        last = np.searchsorted(ends, instants, side="right")
        recent = (last > 0) & (instants - ends[np.maximum(last - 1, 0)] <= 600 * SECOND)
        price[rows] = np.where(recent, np.asarray(found["close"], float)[np.maximum(last - 1, 0)], np.nan)
        traded[rows] = total[last]
    return price, traded


def _relative(traded: Matrix, grid: npt.NDArray[np.int64]) -> Matrix:
    """Shares a second between offsets over the event's own usual rate before zero."""
    rate = np.full(traded.shape, np.nan)
    rate[:, 1:] = np.diff(traded, axis=1) / np.diff(grid)
    inside = (grid > USUAL_WINDOW_S[0]) & (grid <= USUAL_WINDOW_S[1])
    width = np.diff(grid, prepend=grid[0])[inside]
    usual = (rate[:, inside] * width).sum(axis=1, keepdims=True) / max(width.sum(), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(usual > 0, rate / usual, np.nan))


def _drift_before(name: str, first: npt.NDArray[np.float64], days: npt.NDArray[np.datetime64]) -> dict[str, object]:
    """One row of `groups`. first: ln return from zero back to the first offset, so the drift before is its negative."""
    known = ~np.isnan(first)
    means = pd.Series(-first[known] * 1e4).groupby(days[known]).mean().to_numpy()
    mean = float(-first[known].mean() * 1e4) if known.any() else np.nan
    if means.size >= 2 and means.std() > 0:
        test = stats.ttest_1samp(means, 0.0)
        t, p = float(test.statistic), float(test.pvalue)
    else:
        t, p = np.nan, np.nan
    events, blocks = len(first), len(set(days))
    marks = ["too few events"] if events < LEAST_EVENTS else []
    marks += ["too few days"] if blocks < LEAST_DAYS else []
    marks += ["drift before the headline"] if p < 0.01 else []
    return {
        "group": name,
        "events": events,
        "days": blocks,
        "drift_before_bps": mean,
        "drift_before_t": t,
        "drift_before_p": p,
        "mark": ", ".join(marks),
    }


def _curve(
    name: str, found: Paths, rows: npt.NDArray[np.bool_], days: npt.NDArray[np.datetime64], rng: np.random.Generator
) -> pd.DataFrame:
    moved = found.abnormal[rows] * 1e4
    low, high = day_bands(moved, days, rng)
    known = ~np.isnan(moved)
    some = known.any(axis=0)
    volume = found.volume[rows]
    heard = ~np.isnan(volume).all(axis=0)
    median, ratio = np.full(moved.shape[1], np.nan), np.full(moved.shape[1], np.nan)
    median[some] = np.nanmedian(moved[:, some], axis=0)
    ratio[heard] = np.nanmedian(volume[:, heard], axis=0)
    counts = known.sum(axis=0)
    return pd.DataFrame(
        {
            "group": name,
            "offset_s": found.offsets_s,
            "events": counts,
            "mean_bps": np.where(some, np.nansum(moved, axis=0) / np.maximum(counts, 1), np.nan),
            "low_bps": low,
            "high_bps": high,
            "median_bps": median,
            "volume_ratio": ratio,
        }
    )


def day_bands(moved: Matrix, days: npt.NDArray[np.datetime64], rng: np.random.Generator) -> tuple[Matrix, Matrix]:
    """95% of the means of (N, T) over days drawn whole, with replacement: events of one day share its market."""
    _, block = np.unique(days, return_inverse=True)
    blocks = int(block.max()) + 1
    known = ~np.isnan(moved)
    sums, counts = np.zeros((blocks, moved.shape[1])), np.zeros((blocks, moved.shape[1]))
    np.add.at(sums, block, np.where(known, moved, 0.0))
    np.add.at(counts, block, known)
    if blocks < LEAST_DAYS:
        nothing = np.full(moved.shape[1], np.nan)
        return nothing, nothing
    drawn = rng.multinomial(blocks, np.full(blocks, 1 / blocks), RESAMPLES).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (drawn @ sums) / (drawn @ counts)
    some = known.any(axis=0)
    bands = np.full((2, moved.shape[1]), np.nan)
    bands[:, some] = np.nanpercentile(means[:, some], [2.5, 97.5], axis=0)
    return bands[0], bands[1]
