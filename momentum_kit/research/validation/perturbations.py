"""The same events in slightly other worlds: later, on history downloaded later, or at times when nothing happened."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from momentum_kit.models import Headline
from momentum_kit.research.events import Assumptions, EventTable, Latency, News, Run, Source, build, event_table
from momentum_kit.research.validation.placebo import random_times
from momentum_kit.research.validation.stress import usual_changes
from momentum_kit.sessions import exchange_day
from momentum_kit.storage.archive import Columns, DatedMaster, Provenance

DELAYS_S = (1.0, 5.0)


@dataclass(frozen=True, slots=True, eq=False)
class Retold:
    """A source whose headlines are others."""

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


def changed_worlds(
    table: EventTable, news: News, source: Source, assumed: Assumptions, later: Source | None = None, run: Run = map
) -> dict[str, EventTable]:
    """What research/stress.flips compares: a tick off, twice the spread, every headline 1 and 5 s later.

    news: those of the table, at least. later: an archive of the same days downloaded afterwards, whose bars and quotes
    may differ from those that were heard.
    """
    frame = news.frame()
    items = frame[frame["item_id"].isin(set(table.events["item_id"]))]
    worlds = usual_changes(table)
    for seconds in DELAYS_S:
        received = items["received_at"] + pd.Timedelta(seconds=seconds)
        worlds[f"{seconds:g} s later"] = event_table(items.assign(received_at=received), source, assumed.events, run)
    if later is not None:
        worlds["history downloaded later"] = event_table(items, later, assumed.events, run)
    return worlds


def placebo_worlds(
    table: EventTable, source: Source, assumed: Assumptions, studies: int, latency: Latency | None = None
) -> Iterator[EventTable]:
    """The real events, and then `studies` tables of the same headlines at random times of their days, with outcomes.

    All on closed minutes, the real ones too: an archive seldom has 5 s bars at times when nothing happened.
    """
    coarse = dataclasses.replace(assumed, events=dataclasses.replace(assumed.events, bar_s=60))
    days = np.unique(table.days)
    first, last = days[0].item(), days[-1].item()
    lines = source.headlines(first - timedelta(days=1), last)
    within = [line for line in lines if first <= exchange_day(line.received_at or line.published_at) <= last]
    for seed in range(-1, studies):
        told = Retold(source, within if seed < 0 else random_times(within, seed, assumed.events.calendar))
        made = build(told, first, last, coarse.events, latency, assumed.master)
        yield coarse.with_outcomes(made, source)
