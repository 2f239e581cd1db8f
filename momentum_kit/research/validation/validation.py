"""Everything that is known about the best of a sweep: chosen on earlier days, judged on later ones, deflated, stressed.

    opened = seal(table, log)                                  the last fifth is out of reach
    result = sweep(opened.table, grid, base, exits, ledger)
    evidence = examine_candidate(result, opened, archive, assumed=assumed)
    verdict = judge(evidence)                                  verdict.py, beside this module

`validate` computes on tables alone; `examine_candidate` builds the tables of other costs, times and headlines for it,
and opens the seal where it is told to. The order of doubt: was the cell luck among its neighbours (plateau), among all
cells (SPA), among all trials ever (DSR), on the days it was chosen from (folds, months), under worse costs and times
(stress, perturbations), or without any news (placebo).
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ResearchError
from momentum_kit.research.code_hash import code_version
from momentum_kit.research.events import EventTable, Latency, Run, Source, StudyAssumptions, read_news
from momentum_kit.research.sweep import Outcomes, SweepResult, by_day, outcomes
from momentum_kit.research.validation.bootstraps import Band, mean_band, spa_test
from momentum_kit.research.validation.daily import DailyCells, choose, t_by_day
from momentum_kit.research.validation.evidence import UNKNOWN, Evidence, Opening, SharpeEvidence, SignalRate, Unseen
from momentum_kit.research.validation.folds import Fold, day_folds, walk_forward
from momentum_kit.research.validation.overfitting import SAME_IDEA, probability_of_overfitting, representatives
from momentum_kit.research.validation.perturbations import (
    break_even_multiple,
    candidate_band,
    flips,
    perturbed_tables,
    stressed_bands,
)
from momentum_kit.research.validation.placebo import Placebo, placebo_study, placebo_tables
from momentum_kit.research.validation.sealed import NOTHING_SEALED, OpenDays, Sealed
from momentum_kit.research.validation.statistics import Array, deflated_sharpe, min_track_record, moments, psr, sharpe
from momentum_kit.research.validation.verdict import candidate_hash

FOLDS = 10
LEAST_TRAIN_DAYS = 20
ALL_BUT_EQUAL = (0.95, 0.9, 0.8, SAME_IDEA)  # correlations from which cells need not be tested twice
MOST_TESTED = 400  # columns of SPA: its bootstrap takes half a second for so many, and a minute for ten thousand
LEAST_TRAIN_SHARE = 0.3  # of all days, before the first month that is judged
Columns = npt.NDArray[np.intp]


def validate(
    result: SweepResult,
    table: EventTable,
    *,
    stressed: Mapping[str, EventTable] | None = None,
    perturbed: Mapping[str, EventTable] | None = None,
    placebo: Placebo | None = None,
    reps: int = 1000,
    seed: int = 0,
) -> Evidence:
    """Judge the best of a sweep over the open days.

    table: the very one that was swept. stressed: the same events with outcomes under other costs or latency, such as
    "costs x 2" and "latency x 5". perturbed: the same events with features that were perturbed (`perturbed_tables`).
    reps: draws of each bootstrap. Raises ResearchError where the table is not the sweep's.
    """
    cells = DailyCells.of(result)
    if not np.array_equal(np.unique(table.days), cells.days):
        raise ResearchError("validation: the table's days are not those of the sweep; sweep this very table")
    chosen = choose(cells)
    column = _most_active(cells) if chosen is None else chosen
    exit_rule, cell = cells.place(column)
    thresholds = result.thresholds(cell).model_copy(update={"export": None})
    found = outcomes(table, thresholds, exit_rule)
    if chosen is not None and int(found.signalled.sum()) != int(cells.signals[:, column].sum()):
        raise ResearchError("validation: the table does not give the sweep's signals; sweep this very table")
    active = cells.fills.sum(axis=0)
    known = np.flatnonzero(np.isfinite(t_by_day(cells)))
    ideas = known[representatives(cells.sums[:, known], active[known])]
    distinct = _distinct(cells.sums, active, known)
    sums, fills = cells.sums[:, column], cells.fills[:, column].astype(float)
    candidate = thresholds if chosen is not None else None
    return Evidence(
        candidate=candidate,
        exit_rule=exit_rule,
        first_day=cells.days[0].item(),
        last_day=cells.days[-1].item(),
        days=len(cells.days),
        events=len(table),
        signals=int(cells.signals[:, column].sum()),
        fills=int(fills.sum()),
        cells=cells.sums.shape[1],
        in_sample=mean_band(sums, fills, reps, seed) if candidate else UNKNOWN,
        se_bps=_standard_error(cells, chosen, known),
        walk_forward=_unseen(cells, walk_forward(cells.days, _least_train_days(cells)), reps, seed),
        cross_validated=_unseen(
            cells, day_folds(cells.days, FOLDS) if len(cells.days) >= 2 * FOLDS else (), reps, seed
        ),
        sharpe=_sharpe_evidence(cells.sums[:, known], sums, result.trials, len(ideas)),
        pbo=probability_of_overfitting(cells.sums[:, ideas]),
        spa=spa_test(cells.sums[:, distinct], reps // 2, seed),
        gross_bps=float(found.gross_bps[found.filled].mean()) if candidate and found.filled.any() else math.nan,
        break_even=break_even_multiple(found) if candidate else math.nan,
        rate=signal_rate(table, found, reps, seed),
        stressed=stressed_bands(stressed or {}, candidate, exit_rule, reps, seed) if candidate else {},
        flips=flips(table, perturbed or {}, candidate) if candidate else (),
        placebo=placebo,
        marks=table.marks,
        code_version=code_version(),
    )


def examine_candidate(
    result: SweepResult,
    opened: OpenDays,
    source: Source,
    *,
    assumed: StudyAssumptions,
    latency: Latency | None = None,
    placebos: int = 0,
    later: Source | None = None,
    unseal: bool = False,
    run: Run = map,
) -> Evidence:
    """`validate` with the usual stress and perturbations, and where asked for placebo headlines and the sealed days.

    source, assumed, latency: what the table of the open days was built with. placebos: studies of headlines at random
    times. later: an archive of the same days, downloaded afterwards. unseal: look at the sealed days, once for all.
    """
    table = opened.table
    days = table.days.min().item(), table.days.max().item()
    news = read_news(source, *days, assumed.events.news, latency, assumed.master, run)
    evidence = validate(
        result,
        table,
        stressed=assumed.stressed(table, source, run),
        perturbed=perturbed_tables(table, news, source, assumed, later, run),
    )
    if opened.sealed is None:
        evidence = dataclasses.replace(evidence, marks=(*evidence.marks, NOTHING_SEALED))
    if placebos and evidence.candidate is not None:
        tables = placebo_tables(table, source, assumed, placebos, latency)
        judged = placebo_study(next(tables), tables, evidence.candidate, evidence.exit_rule)
        evidence = dataclasses.replace(evidence, placebo=judged)
    if unseal:
        if opened.sealed is None:
            raise ResearchError("there are no sealed days after the open ones: build a table that reaches further")
        return open_seal(dataclasses.replace(evidence, openings=opened.openings), opened.sealed)
    return with_openings(evidence, opened.openings)


def with_openings(evidence: Evidence, openings: tuple[Opening, ...]) -> Evidence:
    """The evidence with every look that was taken at sealed days of these data.

    What an earlier opening found for this very candidate is its result on the sealed days.
    """
    evidence = dataclasses.replace(evidence, openings=openings)
    own = candidate_hash(evidence.candidate, evidence.exit_rule) if evidence.candidate else ""
    for opening in openings:
        if own and opening.standing and opening.candidate == own and math.isfinite(opening.net_bps):
            band = Band(
                estimate=opening.net_bps, low=opening.low_bps, high=opening.high_bps, p_value=math.nan, level=0.95
            )
            return dataclasses.replace(
                evidence, sealed=band, sealed_fills=opening.fills, sealed_days=(opening.first_day, opening.last_day)
            )
    return evidence


def open_seal(evidence: Evidence, sealed: Sealed, reps: int = 1000, seed: int = 0) -> Evidence:
    """Judge the final candidate on the sealed days: once.

    Raises GuardRefused for a second time, ResearchError without a candidate.
    """
    if evidence.candidate is None:
        raise ResearchError("there is no candidate: nothing to open the sealed days for")
    own = candidate_hash(evidence.candidate, evidence.exit_rule)
    table = sealed.open(own)
    found = outcomes(table, evidence.candidate, evidence.exit_rule)
    band, fills = candidate_band(table, evidence.candidate, evidence.exit_rule, reps, seed), int(found.filled.sum())
    sealed.report(own, band, fills)
    return dataclasses.replace(
        evidence,
        sealed=band,
        sealed_fills=fills,
        sealed_days=(sealed.first_day, sealed.last_day),
        openings=(*evidence.openings, *sealed.openings()),
        marks=tuple(dict.fromkeys([*evidence.marks, *table.marks])),
    )


def signal_rate(table: EventTable, found: Outcomes, reps: int = 1000, seed: int = 0) -> SignalRate:
    """Signals by session of the table's days with events; those outside regular hours are not counted."""
    days = np.unique(table.days)
    regular = (table.events["session"] == "regular").to_numpy()
    counts = by_day(days, table.days, (found.signalled & regular).astype(float))
    band = mean_band(counts, np.ones(len(days)), reps, seed)
    dispersion = float(counts.var(ddof=1) / counts.mean()) if len(days) > 1 and counts.any() else 1.0
    return SignalRate(mean=band.estimate, low=band.low, high=band.high, dispersion=dispersion)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class UnseenFold:
    """Days of a fold (D,) with what thresholds chosen on its training days brought there.

    sums, fills: by day, 0 where nothing stood out on the training days (idle), so that nothing traded.
    """

    name: str
    sums: Array
    fills: Array
    idle: bool


def unseen_folds(cells: DailyCells, folds: Iterable[Fold]) -> list[UnseenFold]:
    """Choose on the training days of each fold, judge on its test days."""
    found = []
    for fold in folds:
        column = choose(cells.select(fold.train))
        nothing = np.zeros(int(fold.test.sum()))
        sums = nothing if column is None else cells.sums[fold.test, column]
        fills = nothing if column is None else cells.fills[fold.test, column].astype(float)
        found.append(UnseenFold(name=fold.name, sums=sums, fills=fills, idle=column is None))
    return found


def walked_forward(result: SweepResult) -> list[UnseenFold]:
    """Each month of a sweep's days by what all earlier days taught."""
    cells = DailyCells.of(result)
    return unseen_folds(cells, walk_forward(cells.days, _least_train_days(cells)))


def _unseen(cells: DailyCells, folds: Iterable[Fold], reps: int, seed: int) -> Unseen:
    judged = unseen_folds(cells, folds)
    if not judged:
        return Unseen(band=UNKNOWN, fills=0, judged=0, positive=0, idle=0)
    sums, traded = (np.concatenate([getattr(fold, name) for fold in judged]) for name in ("sums", "fills"))
    return Unseen(
        band=mean_band(sums, traded, reps, seed),
        fills=int(traded.sum()),
        judged=len(judged),
        positive=sum(bool(fold.sums.sum() > 0) for fold in judged),
        idle=sum(fold.idle for fold in judged),
    )


def _distinct(sums: Array, active: npt.NDArray[np.integer], known: Columns) -> Columns:
    """The columns that SPA tests: representatives of cells as alike as it takes, chosen without looking at results."""
    for same in ALL_BUT_EQUAL:
        known = known[representatives(sums[:, known], active[known], same)]
        if len(known) <= MOST_TESTED:
            break
    return known[:MOST_TESTED]


def _least_train_days(cells: DailyCells) -> int:
    return max(LEAST_TRAIN_DAYS, math.ceil(LEAST_TRAIN_SHARE * len(cells.days)))


def _sharpe_evidence(returns: Array, candidate: Array, trials: int, ideas: int) -> SharpeEvidence:
    """Trials beyond this sweep's own columns multiply the number of ideas: they were tried on the same data."""
    trials = max(trials, returns.shape[1])
    if not ideas:
        return SharpeEvidence(
            by_day=math.nan,
            psr=math.nan,
            dsr=math.nan,
            dsr_effective=math.nan,
            trials=trials,
            effective_trials=math.nan,
            least_days=math.inf,
        )
    days = len(candidate)
    observed = float(sharpe(candidate))
    skew, kurtosis = moments(candidate)
    effective = ideas * trials / returns.shape[1]
    return SharpeEvidence(
        by_day=observed,
        psr=psr(observed, 0.0, days, skew, kurtosis),
        dsr=deflated_sharpe(observed, float(sharpe(returns).var()), trials, days, skew, kurtosis),
        dsr_effective=deflated_sharpe(observed, 1 / (days - 1), effective, days, skew, kurtosis),
        trials=trials,
        effective_trials=effective,
        least_days=min_track_record(observed, 0.0, skew, kurtosis),
    )


def _standard_error(cells: DailyCells, chosen: int | None, known: Columns) -> float:
    t = t_by_day(cells)
    columns = known if chosen is None else np.array([chosen])
    if not columns.size:
        return math.nan
    mean = cells.sums[:, columns].sum(axis=0) / cells.fills[:, columns].sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nanmedian(np.abs(mean / t[columns])))


def _most_active(cells: DailyCells) -> int:
    return int(cells.fills.sum(axis=0).argmax())
