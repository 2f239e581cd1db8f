"""What opening a tuner computes and books: outcomes of every exit rule, every cell's statistics, and the decisions.

How it answers in a millisecond afterwards. In any cell an event signals at its first decision time that passes every
step. A time that an earlier one of the same event equals or exceeds in every dial is never the first, whatever the
dials say; the times that are left, a handful an event, are kept with the steps that they pass and with the outcome of
every exit rule. A drag compares those bytes with a position. The cells beside it, which the heat map shows, were swept
exactly when the tuner was opened, and each of them is a trial on record from then on.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable, ExitRule
from momentum_kit.research.funnel import HORIZONS_S
from momentum_kit.research.sweep import (
    EITHER,
    Grid,
    SweepResult,
    TrialLedger,
    best_cell,
    bin_table,
    conclude,
    first_triggers,
    sum_table,
)
from momentum_kit.research.tuner.dials import Dials

RULES_AT_ONCE = 6  # exit rules whose outcomes are held in memory whole: 20 MB each for 100,000 events

Floats = npt.NDArray[np.float64]
Price = Callable[[EventTable, Sequence[ExitRule]], EventTable]
"""The table with the outcomes of these exit rules."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Exploration:
    """N events of D days, M decisions that may be the first of their event, E exit rules, C cells of the grid.

    rules: (E,), a rule that the table knew under its name there. day: (N,) index into days. event, k: (M,) of which
    event and decision time, ascending. steps: (A, M), how many steps of each threshold dial a decision passes; either:
    positions of the two of which one suffices, if both are open. net_bps: (E, M), nan for no fill; later_bps: horizon
    of the shadow book to (M,).
    mean_bps, fills: the shape of the dials, as swept; members: the same shape, True in the plateau of its exit rule.
    start: where to begin, the centre of the plateau under the given exit rule or the best of the neighbourhoods.
    against: the thresholds that gains and losses are counted from; against_k: (N,) their first triggers, -1 for none;
    against_bps: (E, N) what those brought, nan for no fill.
    trials: on record for these days by now; new_trials: of them by this opening. sharpe_variance: over the cells.
    """

    table: EventTable
    dials: Dials
    rules: tuple[ExitRule, ...]
    days: npt.NDArray[np.datetime64]
    day: npt.NDArray[np.intp]
    event: npt.NDArray[np.intp]
    k: npt.NDArray[np.intp]
    steps: npt.NDArray[np.uint8]
    either: tuple[int, ...]
    net_bps: Floats
    later_bps: Mapping[str, Floats]
    mean_bps: Floats
    fills: npt.NDArray[np.int64]
    members: npt.NDArray[np.bool_]
    start: tuple[int, ...]
    against: Thresholds
    against_k: npt.NDArray[np.intp]
    against_bps: Floats
    trials: int
    new_trials: int
    sharpe_variance: float

    def first(self, position: tuple[int, ...]) -> npt.NDArray[np.intp]:
        """The deciding decisions of a position, (S,) indices into the M: one of each event that signals."""
        passing = np.ones(len(self.event), bool)
        if self.either:
            one, other = self.either
            passing &= (self.steps[one] > position[one]) | (self.steps[other] > position[other])
        for place, passed in enumerate(self.steps):
            if place not in self.either:
                passing &= passed > position[place]
        found = np.flatnonzero(passing)
        events = self.event[found]
        first = np.ones(len(found), bool)
        np.not_equal(events[1:], events[:-1], out=first[1:])
        return found[first]


def explore(
    table: EventTable, dials: Dials, against: Thresholds, *, ledger: TrialLedger, price: Price,
    known: Collection[ExitRule] = (),
) -> Exploration:  # fmt: skip
    """Price, sweep and book every cell of the dials, and those of `against` under each exit rule.

    table: the open days. known: exit rules whose outcomes the table holds already, under their names. Raises
    ResearchError for too few events, StorageError where the trials could not be counted: what nobody counted is not
    shown.
    """
    contents = np.unique(table.instrument_days).tolist()
    event, k, steps, either = _decisions(table, dials)
    beside, rows, against_k = (
        Grid({"min_z_tod": (against.min_z_tod,)}),
        np.arange(len(table)),
        first_triggers(table, against),
    )
    rules, results, nets, against_bps, new = [], [], [], [], 0
    for rule, priced in _priced(table, dials.rules, price, known):
        swept = [
            (sum_table(priced, dials.grid, dials.base, [rule.name]), dials.grid, dials.base),
            (sum_table(priced, beside, against, [rule.name], threads=1), beside, against),
        ]
        result, one = (
            conclude(sums, grid, base, [rule.name], ledger, table.marks, contents) for sums, grid, base in swept
        )
        new += result.new_trials + one.new_trials
        net = priced.net_bps[rule.name]
        rules.append(rule)
        results.append(_CellNumbers.of(result))
        nets.append(net[event, k])
        against_bps.append(np.where(against_k >= 0, net[rows, against_k], np.nan))
    later = price(table, [ExitRule.after(name, seconds) for name, seconds in HORIZONS_S.items()])
    days, day = np.unique(table.days, return_inverse=True)
    at_rule = next((at for at, rule in enumerate(rules) if rule.name == dials.exit_rule.name), 0)
    shape = (*dials.shape[len(dials.grid.shape) :], *dials.grid.shape)  # exits outermost, as they were swept

    def whole(name: str) -> npt.NDArray[Any]:
        stacked = np.stack([getattr(each, name) for each in results]).reshape(shape)
        return np.moveaxis(stacked, range(len(dials.exits)), range(-len(dials.exits), 0))

    sharpes = np.concatenate([each.sharpe_day for each in results])
    return Exploration(
        table=table, dials=dials, rules=tuple(rules), days=days, day=day, event=event, k=k, steps=steps, either=either,
        net_bps=np.stack(nets), later_bps={name: net[event, k] for name, net in later.net_bps.items()},
        mean_bps=whole("mean_bps"), fills=whole("fills"), members=whole("members"),
        start=(*results[at_rule].best, *_steps_of(dials, rules[at_rule])),
        against=against, against_k=against_k, against_bps=np.stack(against_bps), trials=ledger.count(contents),
        new_trials=new, sharpe_variance=float(np.nanvar(sharpes)) if np.isfinite(sharpes).any() else math.nan,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _CellNumbers:
    """What is kept of one exit rule's sweep, (C,) each; sharpe_day is nan in thin cells."""

    mean_bps: Floats
    fills: npt.NDArray[np.int64]
    sharpe_day: Floats
    members: npt.NDArray[np.bool_]
    best: tuple[int, ...]

    @classmethod
    def of(cls, result: SweepResult) -> "_CellNumbers":
        cells = result.cells()
        try:
            plateau = result.plateau()
            members, best = plateau.members, plateau.center
        except ResearchError:  # no cell of this exit rule stands out
            members, best = np.zeros(result.grid.shape, bool), best_cell(result)
        return cls(
            mean_bps=cells.mean_bps, fills=cells.fills, sharpe_day=np.where(cells.thin, np.nan, cells.sharpe_day),
            members=members, best=best,
        )  # fmt: skip


def _decisions(
    table: EventTable, dials: Dials
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.uint8], tuple[int, ...]]:
    """Events, decision times and steps passed of those that are the first of their event in some cell."""
    bins = bin_table(table, dials.grid, dials.base)
    steps = np.empty_like(bins.codes)
    for place, axis in enumerate(bins.axes):
        steps[axis] = bins.codes[place]
    either = tuple(dials.grid.names.index(name) for name in EITHER) if bins.paired else ()
    kept = bins.alive.copy()
    if either:
        kept &= (steps[list(either)] > 0).any(axis=0)
    for place, passed in enumerate(steps):
        if place not in either:
            kept &= passed > 0
    for late in range(1, kept.shape[1]):
        for early in range(late):
            kept[:, late] &= ~(kept[:, early] & (steps[:, :, early] >= steps[:, :, late]).all(axis=0))
    event, k = np.nonzero(kept)
    return event, k, np.ascontiguousarray(steps[:, event, k]), either


def _priced(
    table: EventTable, rules: Sequence[ExitRule], price: Price, known: Collection[ExitRule]
) -> Iterator[tuple[ExitRule, EventTable]]:
    """Each exit rule with a table that holds its outcomes; a rule that the table knows keeps its name there."""
    named = [next((each for each in known if replace(each, name=rule.name) == rule), rule) for rule in rules]
    wanted = [rule for rule in named if rule not in known]
    priced: dict[str, EventTable] = {}
    for rule in named:
        if rule in known:
            yield rule, table
            continue
        if rule.name not in priced:
            several, wanted = wanted[:RULES_AT_ONCE], wanted[RULES_AT_ONCE:]
            part = price(table, several)
            priced = {each.name: part for each in several}
        yield rule, priced[rule.name]


def _steps_of(dials: Dials, rule: ExitRule) -> tuple[int, ...]:
    """Where an exit rule stands on its dials; the first step where its value is on none."""
    values = [(dial.values, getattr(rule, dial.name)) for dial in dials.exits]
    return tuple(steps.index(value) if value in steps else 0 for steps, value in values)
