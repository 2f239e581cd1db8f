"""How a candidate fares when things are a little worse: dearer, slower, a tick off; and which decisions flip.

Two kinds. Under *stress* the events decide as they did and the outcomes are dearer or later (tables with other
outcomes). A *perturbation* changes what was known: a tick, the spread, a later reception, history downloaded later
(tables with other features), and asks which events signal now that did not, and the other way round.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable, Matrix, News, Run, Source, StudyAssumptions, event_table
from momentum_kit.research.sweep import Outcomes, by_day, first_triggers, outcomes
from momentum_kit.research.validation.bootstraps import Band, mean_band

TICK_USD = 0.01
DELAYS_S = (1.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Events that decide otherwise under one change. share: of the events that signal before or after it."""

    change: str
    signals: int
    lost: int
    gained: int

    @property
    def share(self) -> float:
        """Flipped decisions over all that signal before or after; 0 where none does."""
        either = self.signals + self.gained
        return (self.lost + self.gained) / either if either else 0.0


def stressed_bands(
    tables: Mapping[str, EventTable], thresholds: Thresholds, exit_rule: str, reps: int = 1000, seed: int = 0
) -> dict[str, Band]:
    """Name -> mean net bps per fill, with its band by days, on tables with outcomes computed under that stress."""
    return {name: candidate_band(table, thresholds, exit_rule, reps, seed) for name, table in tables.items()}


def candidate_band(table: EventTable, thresholds: Thresholds, exit_rule: str, reps: int = 1000, seed: int = 0) -> Band:
    """Mean net bps per fill of one set of thresholds on a table."""
    found = outcomes(table, thresholds, exit_rule)
    days = np.unique(table.days)
    sums, fills = by_day(days, table.days, found.net_bps), by_day(days, table.days, found.filled.astype(float))
    return mean_band(sums, fills, reps, seed)


def break_even_multiple(found: Outcomes) -> float:
    """The multiple of all costs at which the mean net return is zero; nan without fills or without costs."""
    filled = found.filled
    gross = found.gross_bps[filled].mean() if filled.any() else np.nan
    cost = gross - found.net_bps[filled].mean() if filled.any() else np.nan
    return float(gross / cost) if cost > 0 else float("nan")


def flips(base: EventTable, perturbed: Mapping[str, EventTable], thresholds: Thresholds) -> tuple[Flip, ...]:
    """Which events signal before or after a perturbation, and not both. perturbed: the same events, other features.

    Raises ResearchError for tables of other events.
    """
    before = first_triggers(base, thresholds) >= 0
    found = []
    for change, table in perturbed.items():
        if not np.array_equal(table.events["item_id"].to_numpy(), base.events["item_id"].to_numpy()):
            raise ResearchError(f"flips: the table of {change!r} holds other events than the base")
        after = first_triggers(table, thresholds) >= 0
        found.append(
            Flip(
                change=change,
                signals=int(before.sum()),
                lost=int((before & ~after).sum()),
                gained=int((after & ~before).sum()),
            )
        )
    return tuple(found)


def perturbed_tables(
    table: EventTable,
    news: News,
    source: Source,
    assumed: StudyAssumptions,
    later: Source | None = None,
    run: Run = map,
) -> dict[str, EventTable]:
    """What `flips` compares: a tick off, twice the spread, every headline 1 and 5 s later.

    news: those of the table, at least. later: an archive of the same days downloaded afterwards, whose bars and quotes
    may differ from those that were heard.
    """
    frame = news.frame()
    items = frame[frame["item_id"].isin(set(table.events["item_id"]))]
    perturbed = usual_perturbations(table)
    for seconds in DELAYS_S:
        received = items["received_at"] + pd.Timedelta(seconds=seconds)
        moved = items.assign(received_at=received)
        perturbed[f"{seconds:g} s later"] = event_table(moved, source, assumed.events, run)
    if later is not None:
        perturbed["history downloaded later"] = event_table(items, later, assumed.events, run)
    return perturbed


def usual_perturbations(table: EventTable) -> dict[str, EventTable]:
    """Those that need no new tape: the price a tick lower, a tick higher, and twice the spread."""
    return {
        "a tick lower": moved_by(table, -TICK_USD),
        "a tick higher": moved_by(table, TICK_USD),
        "twice the spread": with_features(table, {"spread_bps": 2 * table.features["spread_bps"]}),
    }


def moved_by(table: EventTable, usd: float) -> EventTable:
    """The last price moved by so many USD, everything before it as it was: returns, z, location and VWAP follow."""
    f = table.features
    price = np.maximum(f["price"] + usd, TICK_USD)
    log = np.log(price / f["price"])
    changed = {
        "price": price,
        "ret_60s": f["ret_60s"] + log,
        "ret_300s": f["ret_300s"] + log,
        "ret_news": (1 + f["ret_news"]) * np.exp(log) - 1,
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = f["z_tod"] * (1 + log / f["ret_60s"])  # z is the return over a size that does not change
    changed["z_tod"] = np.where(f["ret_60s"] == 0, f["z_tod"], moved)
    return with_features(table, changed)


def with_features(table: EventTable, changed: Mapping[str, Matrix]) -> EventTable:
    """The same events with some features replaced."""
    return dataclasses.replace(table, features={**table.features, **changed})
