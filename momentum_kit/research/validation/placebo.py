"""Placebo studies: the same thresholds where there cannot be an effect, on other symbols, other days, random times."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.models import Headline
from momentum_kit.research.events import EventTable, Latency, Source, StudyAssumptions, build
from momentum_kit.research.sweep import outcomes
from momentum_kit.sessions import NEW_YORK, exchange_day, session_on
from momentum_kit.storage.archive import Columns, DatedMaster, Provenance


@dataclass(frozen=True, slots=True, eq=False)
class RetoldSource:
    """A source whose headlines are others; contracts, bars and quotes are as they were."""

    told: Source
    lines: Sequence[Headline]

    def headlines(self, first_day: date, last_day: date) -> Sequence[Headline]:
        """Those published on these New York days."""
        return [line for line in self.lines if first_day <= exchange_day(line.published_at) <= last_day]

    def symbol_master(self, as_of: date) -> DatedMaster | None:
        """As it was."""
        return self.told.symbol_master(as_of)

    def columns(self, kind: str, symbol: str, first_day: date, last_day: date) -> Columns:
        """As they were."""
        return self.told.columns(kind, symbol, first_day, last_day)

    def provenances(self, kind: str, symbol: str) -> Mapping[date, tuple[int, Provenance]]:
        """As they were."""
        return self.told.provenances(kind, symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo:
    """Mean net bps per fill of the real headlines and of each placebo study (nan without a fill).

    p_value: share of studies, the real one included, that did at least as well as the real one.
    """

    real_bps: float
    real_signals: int
    placebo_bps: tuple[float, ...]
    placebo_signals: tuple[int, ...]

    @property
    def p_value(self) -> float:
        """Small where the headlines, and not the tape alone, carry the result; nan without a real fill."""
        if not math.isfinite(self.real_bps):
            return math.nan
        as_good = sum(value >= self.real_bps for value in self.placebo_bps if math.isfinite(value))
        return (1 + as_good) / (1 + len(self.placebo_bps))


def placebo_study(real: EventTable, placebos: Iterable[EventTable], thresholds: Thresholds, exit_rule: str) -> Placebo:
    """Compare the real table with tables built from headlines that were shuffled or moved."""

    def judged(table: EventTable) -> tuple[float, int]:
        found = outcomes(table, thresholds, exit_rule)
        mean = float(found.net_bps[found.filled].mean()) if found.filled.any() else math.nan
        return mean, int(found.signalled.sum())

    studies = [judged(table) for table in placebos]
    real_bps, real_signals = judged(real)
    return Placebo(
        real_bps=real_bps,
        real_signals=real_signals,
        placebo_bps=tuple(mean for mean, _ in studies),
        placebo_signals=tuple(signals for _, signals in studies),
    )


def placebo_tables(
    table: EventTable, source: Source, assumed: StudyAssumptions, studies: int, latency: Latency | None = None
) -> Iterator[EventTable]:
    """The real events, and then `studies` tables of the same headlines at random times of their days, with outcomes.

    All on closed minutes, the real ones too: an archive seldom has 5 s bars at times when nothing happened.
    """
    coarse = replace(assumed, events=replace(assumed.events, bar_s=60))
    days = np.unique(table.days)
    first, last = days[0].item(), days[-1].item()
    lines = source.headlines(first - timedelta(days=1), last)
    within = [line for line in lines if first <= exchange_day(line.received_at or line.published_at) <= last]
    for seed in range(-1, studies):
        told = RetoldSource(source, within if seed < 0 else random_times(within, seed, assumed.events.calendar))
        made = build(told, first, last, coarse.events, latency, assumed.master)
        yield coarse.with_outcomes(made, source)


def shuffled_symbols(headlines: Sequence[Headline], seed: int) -> tuple[Headline, ...]:
    """Every headline keeps its time and gets the contract of another one. ResearchError for one without a contract."""
    order = np.random.default_rng(seed).permutation(len(headlines))
    return tuple(
        replace(headline, contract=_contract(headlines[other]).contract)
        for headline, other in zip(headlines, order, strict=True)
    )


def shuffled_days(headlines: Sequence[Headline], days: Sequence[date], seed: int) -> tuple[Headline, ...]:
    """Every headline keeps symbol and New York time of day and moves to another of the days, delays as they were."""
    rng = np.random.default_rng(seed)
    moved = []
    for headline in headlines:
        day = headline.published_at.astimezone(NEW_YORK).date()
        others = [other for other in days if other != day]
        if not others:
            raise ResearchError("placebo: headlines cannot move to another day where there is only one")
        moved.append(_at_day(headline, others[int(rng.integers(len(others)))]))
    return _in_order(moved)


def random_times(headlines: Sequence[Headline], seed: int, calendar: str = "XNYS") -> tuple[Headline, ...]:
    """Every headline keeps symbol and day and is published at a random second of that day's regular hours."""
    rng = np.random.default_rng(seed)
    moved = []
    for headline in headlines:
        session = session_on(headline.published_at.astimezone(NEW_YORK).date(), calendar)
        if session is None:
            continue  # a weekend has no regular hours
        at = session.open + timedelta(seconds=int(rng.integers(int((session.close - session.open).total_seconds()))))
        moved.append(_published(headline, at))
    return _in_order(moved)


def _at_day(headline: Headline, day: date) -> Headline:
    local = headline.published_at.astimezone(NEW_YORK)
    return _published(headline, datetime.combine(day, local.time(), NEW_YORK).astimezone(UTC))


def _published(headline: Headline, at: datetime) -> Headline:
    received = None if headline.received_at is None else at + (headline.received_at - headline.published_at)
    return replace(headline, published_at=at, received_at=received)


def _contract(headline: Headline) -> Headline:
    if headline.contract is None:
        raise ResearchError(f"placebo: headline {headline.article_id} is tied to no contract; resolve it first")
    return headline


def _in_order(headlines: Sequence[Headline]) -> tuple[Headline, ...]:
    return tuple(sorted(headlines, key=lambda headline: (headline.published_at, headline.article_id)))
