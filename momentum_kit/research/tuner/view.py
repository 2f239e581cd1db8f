"""What one position of the dials shows: its net with a band, days, the moved rule's shadow, gains and losses, a plane.

Pure: an exploration and a position in, numbers out. Everything here is of cells that were booked when the tuner was
opened, and of a position that somebody picked while looking at results: its band is that of a selected cell.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import ExitRule
from momentum_kit.research.sweep import LEAST_EVENTS
from momentum_kit.research.tuner.dials import Dial
from momentum_kit.research.tuner.exploration import Exploration, Floats
from momentum_kit.research.validation import UNKNOWN, Band, deflated_sharpe, mean_band, moments, sharpe

BAND_REPS = 1000
MOST_LISTED = 60  # gained or lost events that are listed
SHADOW_FILLS, SHADOW_DAYS = 10, 5  # below, the shadow book gives no interval

Position = tuple[int, ...]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MovedRule:
    """What a threshold dial keeps out against its loosest step, the others as they are; as in the shadow book.

    barred: events that signal at the loosest step and not here. net: of their fills; fills: how many. later_bps:
    horizon to the mean net. saved_bps: what the bar saved in all, bps of one position; minus for what it cost.
    """

    dial: Dial
    step: int
    barred: int
    fills: int
    net: Band
    saved_bps: float
    later_bps: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Plane:
    """Two dials with the others at the position: rows of y by columns of x. thin: too few fills to be judged."""

    x: Dial
    y: Dial
    mean_bps: Floats
    fills: npt.NDArray[np.int64]
    thin: npt.NDArray[np.bool_]
    plateau: npt.NDArray[np.bool_]
    at: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Signal:
    """One event that signals here or by the file: its row in the table, the deciding k, and its net; nan: no fill."""

    row: int
    k: int
    net_bps: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TunerView:
    """signals, fills, hits: counts. net: of a fill, selected. day_fills, day_bps: (D,). dsr: deflated by all trials.

    gained, lost: signals here and not by the file, and the other way round, of so many the largest returns first; both:
    of here and the file. file_net: what the file's signals net under this exit rule.
    """

    position: Position
    thresholds: Thresholds
    exit_rule: ExitRule
    signals: int
    fills: int
    hits: int
    net: Band
    dsr: float
    day_fills: npt.NDArray[np.int64]
    day_bps: Floats
    moved: MovedRule | None
    plane: Plane | None
    gained_count: int
    gained: tuple[Signal, ...]
    lost_count: int
    lost: tuple[Signal, ...]
    both: int
    file_signals: int
    file_fills: int
    file_net: Band


@dataclass(frozen=True, slots=True, kw_only=True)
class TunerCaption:
    """What stands beside the numbers. against: name of the thresholds that gains are counted from.

    sealed: days that are not looked at, in words. new_trials: booked by opening this tuner, in all.
    """

    against: str
    sealed: str
    new_trials: int


def look(e: Exploration, position: Position, *, moved: str = "", x: str = "", y: str = "") -> TunerView:
    """Everything of one position. moved: the dial that was turned last. x, y: dials of the plane; none without both."""
    rule = e.dials.exit_at(position)
    first = e.first(position)
    net = e.net_bps[rule, first]
    day_bps, day_fills = _by_day(e, e.event[first], net)
    against = np.flatnonzero(e.against_k >= 0)
    here = np.zeros(len(e.table), bool)
    here[e.event[first]] = True
    added = first[e.against_k[e.event[first]] < 0]
    gone = against[~here[against]]
    file_bps, file_fills = _by_day(e, against, e.against_bps[rule, against])
    return TunerView(
        position=position, thresholds=e.dials.thresholds(position), exit_rule=e.rules[rule], signals=len(first),
        fills=int(day_fills.sum()), hits=int((net > 0).sum()), net=mean_band(day_bps, day_fills, BAND_REPS),
        dsr=_deflated(e, day_bps), day_fills=day_fills.astype(np.int64), day_bps=day_bps,
        moved=moved_rule(e, position, first, moved) if moved else None,
        plane=plane(e, position, x, y) if x and y else None,
        gained_count=len(added), gained=_largest(e.event[added], e.k[added], e.net_bps[rule, added]),
        lost_count=len(gone), lost=_largest(gone, e.against_k[gone], e.against_bps[rule, gone]),
        both=len(against) - len(gone), file_signals=len(against), file_fills=int(file_fills.sum()),
        file_net=mean_band(file_bps, file_fills, BAND_REPS),
    )  # fmt: skip


def moved_rule(e: Exploration, position: Position, first: Rows, name: str) -> MovedRule | None:
    """What a threshold dial keeps out where it stands; None for a dial of the exit rule, which bars nothing."""
    place = e.dials.place(name)
    dial = e.dials.all[place]
    if dial.is_exit:
        return None
    loosest = e.first((*position[:place], 0, *position[place + 1 :]))
    barred = loosest[~np.isin(e.event[loosest], e.event[first], assume_unique=True)]
    net = e.net_bps[e.dials.exit_at(position), barred]
    sums, fills = _by_day(e, e.event[barred], net)
    known = fills.sum() >= SHADOW_FILLS and np.count_nonzero(fills) >= SHADOW_DAYS
    band = mean_band(sums, fills, BAND_REPS) if known else UNKNOWN
    later = {horizon: _mean(values[barred]) for horizon, values in e.later_bps.items()}
    return MovedRule(
        dial=dial, step=position[place], barred=len(barred), fills=int(fills.sum()), net=band,
        saved_bps=-float(sums.sum()), later_bps=later,
    )  # fmt: skip


def plane(e: Exploration, position: Position, x: str, y: str) -> Plane:
    """The cells of two dials; ResearchError for one that is not open, or for twice the same."""
    across, up = e.dials.place(x), e.dials.place(y)
    if across == up:
        raise ResearchError(f"tuner: {x} cannot be both sides of the map")
    index = tuple(slice(None) if at in (across, up) else step for at, step in enumerate(position))

    def part(values: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        return values[index] if up < across else values[index].T

    mean, fills, members = part(e.mean_bps), part(e.fills), part(e.members)
    dials = e.dials.all
    return Plane(
        x=dials[across], y=dials[up], mean_bps=np.asarray(mean, float), fills=np.asarray(fills, np.int64),
        thin=np.asarray(fills, np.int64) < LEAST_EVENTS, plateau=np.asarray(members, bool),
        at=(position[across], position[up]),
    )  # fmt: skip


def _by_day(e: Exploration, rows: Rows, net: Floats) -> tuple[Floats, Floats]:
    """Net in bps of one position, and fills, (D,) each."""
    filled = np.isfinite(net)
    day, days = e.day[rows[filled]], len(e.days)
    sums = np.bincount(day, weights=net[filled], minlength=days)
    return np.asarray(sums, float), np.asarray(np.bincount(day, minlength=days), float)


def _deflated(e: Exploration, day_bps: Floats) -> float:
    """The chance that its Sharpe ratio by day is above what the luckiest of all trials would show without any edge."""
    if len(day_bps) < 2 or not day_bps.any() or math.isnan(e.sharpe_variance):
        return math.nan
    return deflated_sharpe(float(sharpe(day_bps)), e.sharpe_variance, e.trials, len(day_bps), *moments(day_bps))


def _largest(rows: Rows, k: Rows, net: Floats) -> tuple[Signal, ...]:
    """The MOST_LISTED of the largest returns, whatever their sign, the largest first; those without a fill last."""
    size = np.abs(np.nan_to_num(net, nan=0.0))
    chosen = np.argpartition(-size, MOST_LISTED)[:MOST_LISTED] if len(size) > MOST_LISTED else np.arange(len(size))
    chosen = chosen[np.argsort(-size[chosen], kind="stable")]
    listed = zip(rows[chosen].tolist(), k[chosen].tolist(), net[chosen].tolist(), strict=True)
    return tuple(Signal(row=row, k=at, net_bps=value) for row, at, value in listed)


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else math.nan
