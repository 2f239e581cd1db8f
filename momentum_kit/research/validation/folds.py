"""Which days teach and which days judge: walk-forward by month, and purged, embargoed folds by day.

A day is never split: events of one day share the market's mood, and often the same story.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ResearchError

Days = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

EMBARGO = 0.01  # share of all days that follow a test fold and may not teach


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One split: masks over what was given (days or events); what is in neither is purged or under embargo."""

    name: str
    train: Mask
    test: Mask


def walk_forward(days: npt.ArrayLike, least_train_days: int = 40) -> Iterator[Fold]:
    """Each calendar month is judged by what all earlier days taught; months without enough days before are skipped.

    days: (D,) dates, ascending. least_train_days: days with events before the first month that is judged.
    """
    dates = as_days(days)
    if np.any(np.diff(dates) <= np.timedelta64(0, "D")):
        raise ResearchError("walk-forward: days must be ascending, each once")
    months = dates.astype("datetime64[M]")
    for month in np.unique(months):
        train = months < month
        if train.sum() >= least_train_days:
            yield Fold(str(month), train, months == month)


def day_folds(days: npt.ArrayLike, folds: int = 5, embargo: float = EMBARGO) -> Iterator[Fold]:
    """K contiguous test folds over the events' days (N,); no day is in two folds.

    An event holds for minutes and is over within its day, so that purging whole days leaves nothing that overlaps;
    where it does not, give the spans to `purged_folds`. The days of the embargo (a share of all days, at least one)
    follow the test fold and do not teach: volatility and volume remember.
    """
    dates = as_days(days)
    unique = np.unique(dates)
    if not 2 <= folds <= len(unique):
        raise ResearchError(f"folds: {folds} folds need from 2 to {len(unique)} of as many days")
    wait = max(1, math.ceil(embargo * len(unique))) if embargo > 0 else 0
    for number, block in enumerate(np.array_split(np.arange(len(unique)), folds), 1):
        first, last = unique[block[0]], unique[block[-1]]
        silent_until = unique[min(block[-1] + wait, len(unique) - 1)]
        test = (dates >= first) & (dates <= last)
        yield Fold(f"{first}..{last} ({number}/{folds})", ~test & ~((dates > last) & (dates <= silent_until)), test)


def purged_folds(
    days: npt.ArrayLike, t0: npt.ArrayLike, t1: npt.ArrayLike, folds: int = 5, embargo: float = EMBARGO
) -> Iterator[Fold]:
    """`day_folds`, without the training events whose span [t0, t1] overlaps the span of a test event.

    t0, t1: (N,) datetime64, from the headline to the last moment that its outcome depends on. The embargo is at least
    as long as the longest holding time.
    """
    start, end = np.asarray(t0, dtype="datetime64[us]"), np.asarray(t1, dtype="datetime64[us]")
    if bad := int((end < start).sum()):
        raise ResearchError(
            f"folds: {bad} events end before they start, the first at row {int((end < start).argmax())}"
        )
    longest = (end - start).max()
    for fold in day_folds(days, folds, embargo):
        overlapping = overlaps(start, end, start[fold.test], end[fold.test])
        last = end[fold.test].max()
        waiting = (start > last) & (start <= last + longest)
        yield Fold(fold.name, fold.train & ~overlapping & ~waiting, fold.test)


def overlaps(
    start: npt.NDArray[np.datetime64],
    end: npt.NDArray[np.datetime64],
    other_start: npt.NDArray[np.datetime64],
    other_end: npt.NDArray[np.datetime64],
) -> Mask:
    """(N,) True where [start, end] meets any of the other spans; touching counts."""
    if not len(other_start):
        return np.zeros(len(start), dtype=bool)
    order = np.argsort(other_start, kind="stable")
    latest_end = np.maximum.accumulate(other_end[order])
    begun = np.searchsorted(other_start[order], end, side="right")  # how many of the others start by our end
    meets: Mask = (begun > 0) & (latest_end[np.maximum(begun, 1) - 1] >= start)
    return meets


def as_days(days: npt.ArrayLike) -> Days:
    """datetime64[D]; ResearchError for a missing day."""
    dates = np.asarray(days).astype("datetime64[D]")
    if np.isnat(dates).any():
        raise ResearchError(f"days: row {int(np.isnat(dates).argmax())} has no day")
    return dates
