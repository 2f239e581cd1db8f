"""Checks of one symbol's bars: what cannot be, and what a second look would want to know. Vectorised over its days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from momentum_kit.sessions import session_on
from momentum_kit.storage.archive import SECONDS, Columns, Provenance, day_bounds, micros
from momentum_kit.storage.quality.findings import ERROR, NOTE, WARNING, QualityFinding

USUALLY_TRADED = 0.8  # share of a session's minutes with a trade: below it a silent stretch says nothing
GAP_MINUTES = 15
HALT_MINUTES = 5  # a volatility pause lasts at least five minutes
HALT_VOLUME = 5.0  # the print after a halt, over the median bar
SPIKE, SPIKE_SCALE = 0.10, 15.0  # a bar that leaves and comes back: this far, and this many usual ranges
SPLITS = (1.5, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0)
SPLIT_TOLERANCE = 0.04  # ln; a stock moves as well on the day of its split
SHIFT_GAIN = 1.15  # regular hours must hold clearly more volume when moved by so many hours
DAY_US, MINUTE_US, HOUR_US = 86_400_000_000, 60_000_000, 3_600_000_000
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class DayIndex:
    """One symbol's rows by day: day d has rows [begin[d], begin[d + 1]); minute: since the session's open."""

    kind: str
    symbol: str
    days: list[date]
    begin: npt.NDArray[np.int64]
    of_row: npt.NDArray[np.int64]
    since_open_us: npt.NDArray[np.int64]
    length_us: npt.NDArray[np.int64]  # of the session by day; 0 where there is none

    @property
    def regular(self) -> Flags:
        """Rows in regular hours."""
        inside: Flags = (self.since_open_us >= 0) & (self.since_open_us < self.length_us[self.of_row])
        return inside

    def found(self, severity: str, check: str, day: int | None, count: int, detail: str) -> QualityFinding:
        """A finding of this series; day as an index."""
        return QualityFinding(
            severity=severity,
            check=check,
            kind=self.kind,
            symbol=self.symbol,
            day=str(self.days[day]) if day is not None else "",
            count=count,
            detail=detail,
        )


def index_days(kind: str, symbol: str, starts: npt.NDArray[np.int64], days: list[date]) -> DayIndex:
    """Sort rows into their New York days."""
    first = np.array([day_bounds(day)[0] for day in days], np.int64)
    sessions = [session_on(day) for day in days]
    opens = np.array(
        [micros(session.open) if session else midnight for session, midnight in zip(sessions, first, strict=True)]
    )
    lengths = np.array([micros(each.close) - micros(each.open) if each else 0 for each in sessions], np.int64)
    of_row = np.searchsorted(first, starts, side="right") - 1
    begin = np.append(np.searchsorted(starts, first), len(starts))
    return DayIndex(
        kind=kind,
        symbol=symbol,
        days=days,
        begin=begin,
        of_row=of_row,
        since_open_us=starts - opens[of_row],
        length_us=lengths,
    )


def check_days(kind: str, symbol: str, recorded: Mapping[date, tuple[int, Provenance]]) -> Iterator[QualityFinding]:
    """Days that are missing, empty or cannot have traded."""
    known = sorted(recorded)
    for day, (count, origin) in recorded.items():
        if not count:
            yield QualityFinding(
                severity=NOTE,
                check="recorded gap",
                kind=kind,
                symbol=symbol,
                day=str(day),
                count=1,
                detail=origin.source,
            )
        elif session_on(day) is None:
            yield QualityFinding(
                severity=WARNING,
                check="no session",
                kind=kind,
                symbol=symbol,
                day=str(day),
                count=count,
                detail="rows on a day without trading",
            )
    if SECONDS[kind] < 60 or not known:
        return  # 5 s series exist around headlines only
    step = np.arange(np.datetime64(known[0]), np.datetime64(known[-1])).astype(object)
    missing = [day for day in step if day not in recorded and session_on(day)]
    for run in _runs_of_days(missing):
        reach = str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}"
        words = f"{len(run)} trading days without rows or recorded gap: {reach}"
        yield QualityFinding(
            severity=WARNING,
            check="missing days",
            kind=kind,
            symbol=symbol,
            day=str(run[0]),
            count=len(run),
            detail=words,
        )


def check_bars(index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    """Everything that one symbol's bars of trades can tell."""
    yield from _bad_prices(index, columns)
    if SECONDS[index.kind] == 60:
        yield from _silences(index, columns)
        yield from check_hours(index, columns["volume"])
    yield from _spikes(index, columns)
    yield from _split_like(index, columns)


def check_hours(index: DayIndex, weight: npt.NDArray[np.float64]) -> Iterator[QualityFinding]:
    """Rows at hours when nobody trades, or a day that fits better when moved by whole hours: a wrong time zone."""
    opened = index.since_open_us
    beyond = (opened < -6 * HOUR_US) | (opened >= 11 * HOUR_US)  # pre-market begins 04:00, after-hours ends 20:00
    if beyond.any():
        first = index.days[index.of_row[beyond.argmax()]]
        words = f"{beyond.sum()} rows outside 03:30 to 20:30 New York, the first on {first}"
        yield index.found(WARNING, "time zone", None, int(beyond.sum()), words)
    shifts = range(-12, 13)
    length = index.length_us[index.of_row]
    inside = [
        float(weight[(opened - shift * HOUR_US >= 0) & (opened - shift * HOUR_US < length)].sum()) for shift in shifts
    ]
    best = int(np.argmax(inside))
    if inside[best] > SHIFT_GAIN * inside[12]:
        words = f"regular hours hold {inside[12]:,.0f}, moved by {shifts[best]:+d} h they hold {inside[best]:,.0f}"
        yield index.found(ERROR, "time zone", None, abs(shifts[best]), f"{words}; were the times in another zone?")


def _bad_prices(index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    opened, high, low, closed = (columns[name] for name in ("open", "high", "low", "close"))
    bad = ~(np.minimum(np.minimum(opened, closed), low) > 0) | ~np.isfinite(high)
    bad |= (low > np.minimum(opened, closed)) | (high < np.maximum(opened, closed))
    yield from by_day(index, bad, ERROR, "bad prices", "not above zero, or open and close outside low and high")
    yield from by_day(index, ~(columns["volume"] > 0), WARNING, "no volume", "bars without volume: fillers?")


def _silences(index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    """Stretches of regular hours without a bar: a halt where a large print ends it, else a gap."""
    minutes = int(index.length_us.max(initial=0) // MINUTE_US)
    if not minutes:
        return
    traded = np.zeros((len(index.days), minutes), bool)
    regular = index.regular
    traded[index.of_row[regular], index.since_open_us[regular] // MINUTE_US] = True
    possible = index.length_us // MINUTE_US
    share = traded.sum(axis=1) / np.maximum(possible, 1)
    usual = float(np.median(share[possible > 0]))
    typical = float(np.median(columns["volume"][regular])) if regular.any() else 0.0
    if usual < USUALLY_TRADED:
        yield index.found(NOTE, "thin", None, len(index.days), f"trades in {usual:.0%} of its minutes")
        return
    for day in np.flatnonzero(possible):
        silent = np.flatnonzero(np.diff(np.concatenate(([True], traded[day, : possible[day]], [True])).astype(int)))
        for begin, end in silent.reshape(-1, 2).tolist():
            if end - begin < HALT_MINUTES:
                continue
            row = index.begin[day] + np.searchsorted(
                index.since_open_us[index.begin[day] : index.begin[day + 1]], end * MINUTE_US
            )
            after = columns["volume"][row] if row < index.begin[day + 1] else 0.0
            words = f"{end - begin} silent minutes from {begin} min after the open"
            if after >= HALT_VOLUME * typical:
                words += f", then {after:,.0f} shares in a minute"
                yield index.found(NOTE, "halt", int(day), end - begin, words)
            elif end - begin >= GAP_MINUTES:
                yield index.found(WARNING, "gap", int(day), end - begin, words)


def _spikes(index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    """Bars whose high or low lies far from their neighbours and is left again at once."""
    closed = columns["close"]
    if len(closed) < 3:
        return
    before, after = np.append(closed[0], closed[:-1]), np.append(closed[1:], closed[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        around = np.maximum(np.maximum(before, after), 1e-9), np.maximum(np.minimum(before, after), 1e-9)
        reach = np.maximum(np.log(columns["high"] / around[0]), np.log(around[1] / columns["low"]))
        usual = float(np.nanmedian(np.log(columns["high"] / columns["low"])))
    same_day = np.zeros(len(closed), bool)
    same_day[1:-1] = (index.of_row[:-2] == index.of_row[1:-1]) & (index.of_row[2:] == index.of_row[1:-1])
    spike = same_day & (reach > max(SPIKE, SPIKE_SCALE * usual))
    yield from by_day(index, spike, WARNING, "outlier", "far from the bars before and after, and back at once")


def _split_like(index: DayIndex, columns: Columns) -> Iterator[QualityFinding]:
    """A price that is overnight a simple multiple or part of what it was."""
    filled = np.flatnonzero(np.diff(index.begin))
    for before, day in pairwise(filled):
        was, is_ = columns["close"][index.begin[before + 1] - 1], columns["open"][index.begin[day]]
        if not (was > 0 and is_ > 0):
            continue
        ratio = max(was / is_, is_ / was)
        near = min(SPLITS, key=lambda factor: abs(np.log(ratio / factor)))
        if ratio > 1.4 and abs(np.log(ratio / near)) < SPLIT_TOLERANCE:
            what = f"1:{near:g} reverse split" if is_ > was else f"{near:g}:1 split"
            words = f"{was:g} to {is_:g} USD overnight, like a {what}; raw and adjusted parts, or unadjusted?"
            yield index.found(WARNING, "split-like jump", int(day), 1, words)


def by_day(index: DayIndex, flags: Flags, severity: str, check: str, detail: str) -> Iterator[QualityFinding]:
    """One finding for each day that has flagged rows."""
    days, counts = np.unique(index.of_row[flags], return_counts=True)
    for day, count in zip(days.tolist(), counts.tolist(), strict=True):
        yield index.found(severity, check, day, count, f"{count} rows: {detail}")


def _runs_of_days(days: list[date]) -> list[list[date]]:
    """Days that follow each other but for weekends and holidays."""
    runs: list[list[date]] = []
    for day in days:
        if runs and (day - runs[-1][-1]).days <= 4:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
