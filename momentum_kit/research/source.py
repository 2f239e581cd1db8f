"""Where event tables take their data from: an archive, or arrays in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from momentum_kit.detection.batch import MINUTE, BarColumns, QuoteColumns, bar_columns, micros, quote_columns
from momentum_kit.models import Headline
from momentum_kit.storage.archive import (
    BARS,
    BARS_5S,
    QUOTES,
    QUOTES_5S,
    SECONDS,
    Columns,
    DatedMaster,
    Provenance,
    day_bounds,
    names,
)

__all__ = ["BARS", "BARS_5S", "QUOTES", "QUOTES_5S", "MemorySource", "Source"]

_MEMORY = Provenance(source="memory", sha256="", imported_at=datetime(1970, 1, 1, tzinfo=UTC), adjusted=False)


class Source(Protocol):
    """What event tables read; storage.archive.Archive is one."""

    def headlines(self, first_day: date, last_day: date) -> Sequence[Headline]:
        """Headlines published on these New York days."""

    def symbol_master(self, as_of: date) -> DatedMaster | None:
        """The newest symbol master that is not younger than as_of."""

    def columns(self, kind: str, symbol: str, first_day: date, last_day: date) -> Columns:
        """All rows of a symbol on these days by column."""

    def provenances(self, kind: str, symbol: str) -> Mapping[date, tuple[int, Provenance]]:
        """Every recorded day of a symbol: its number of rows and where they come from."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class MemorySource:
    """The same from memory: `series` by (kind, symbol), each sorted by start.

    days: the exchange days for which every series speaks: a 5 s series without a row on one of them says that there
    was no trade.
    """

    series: Mapping[tuple[str, str], Columns]
    days: Sequence[date]
    news: Sequence[Headline] = ()
    masters: Sequence[DatedMaster] = ()

    def headlines(self, first_day: date, last_day: date) -> Sequence[Headline]:
        """Headlines published on these days, as they were given."""
        first, end = day_bounds(first_day)[0], day_bounds(last_day)[1]
        return [line for line in self.news if first <= micros(line.published_at) < end]

    def symbol_master(self, as_of: date) -> DatedMaster | None:
        """The newest of the masters that is not younger than as_of."""
        return max((m for m in self.masters if m.day <= as_of), key=lambda m: m.day, default=None)

    def columns(self, kind: str, symbol: str, first_day: date, last_day: date) -> Columns:
        """The rows of these days; KeyError for a series that was not given."""
        found = self.series[kind, symbol]
        begin, end = np.searchsorted(found["start"], (day_bounds(first_day)[0], day_bounds(last_day)[1]))
        return {name: column[begin:end] for name, column in found.items()}

    def provenances(self, kind: str, symbol: str) -> Mapping[date, tuple[int, Provenance]]:
        """Every one of the days, if there is such a series."""
        return dict.fromkeys(self.days, (1, _MEMORY)) if (kind, symbol) in self.series else {}


def bars_of(source: Source, kind: str, symbol: str, first_day: date, last_day: date) -> BarColumns:
    """Bars of a symbol; empty where there are none."""
    return bar_columns(_columns(source, kind, symbol, first_day, last_day), SECONDS[kind], f"{kind} of {symbol}")


def quotes_of(source: Source, kind: str, symbol: str, first_day: date, last_day: date) -> QuoteColumns:
    """Quotes of a symbol; empty where there are none."""
    return quote_columns(_columns(source, kind, symbol, first_day, last_day), SECONDS[kind], f"{kind} of {symbol}")


def covered_by_5s(source: Source, symbol: str, received_at: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether 5 s bars speak for the two minutes after each headline, traded or not.

    It is the archive's record of what was asked for, never what came of it, that decides: or a symbol without a trade
    would be judged by other bars than one with.
    """
    spans: list[tuple[int, int]] = []
    for day, (_, origin) in source.provenances(BARS_5S, symbol).items():
        spans += [(micros(start), micros(end)) for start, end in origin.covered] or [day_bounds(day)]
    if not spans:
        return np.zeros(received_at.size, dtype=bool)
    first, last = np.array(sorted(spans), dtype=np.int64).T
    at = np.searchsorted(first, received_at, side="right") - 1
    covered: npt.NDArray[np.bool_] = (at >= 0) & (received_at + 2 * MINUTE <= last[at])
    return covered


def _columns(source: Source, kind: str, symbol: str, first_day: date, last_day: date) -> Columns:
    stored = source.provenances(kind, symbol)
    if any(count and first_day <= day <= last_day for day, (count, _) in stored.items()):
        return source.columns(kind, symbol, first_day, last_day)
    return {name: np.empty(0, dtype=np.int64 if name == "start" else np.float64) for name in names(kind)}
