"""The shadow book: what a rule that bars events saves or costs, as the net of the trades it kept from being made.

Each rule is lifted alone, the others as they are: the events that signal then and did not before are its book. They net
what the study assumes of every trade, as traded and after 1, 5 and 15 minutes; so do headlines that were refused before
anything was judged (too late, a round-up). Looking is trying: each lifted rule is a trial in the ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.detection.batch import GATES
from momentum_kit.errors import ResearchError
from momentum_kit.pages import Block, ReadableFrame, Shown, Words, frame_block, warnings_of
from momentum_kit.research.events import EventTable, ExitRule, News, Run, Source, StudyAssumptions, event_table
from momentum_kit.research.sweep import LEAST_EVENTS, Grid, TrialLedger, by_day, conclude, first_triggers, sum_table
from momentum_kit.research.validation import UNKNOWN, Band, mean_band

HORIZONS_S = {"1 min": 60.0, "5 min": 300.0, "15 min": 900.0}
"""Exit rules of the shadow book beside the one as traded: sold after so many seconds, whatever the price."""

LIFTED: Mapping[str, Mapping[str, float]] = {
    "price range": {"min_price_usd": 0.0, "max_price_usd": 1e6},
    "move": {"min_ret_60s": -1.0, "min_ret_300s": -1.0, "min_ret_news": -1.0},
    "z": {"min_z_tod": -100.0},
    "rvol bar": {"min_rvol_bar": -1.0},
    "rvol cum": {"min_rvol_cum": -1.0},
    "dollar volume": {"min_dollar_volume_60s_usd": -1.0},
    "trades": {"min_trades_60s": -1.0},
    "spread": {"max_spread_bps": 10_000.0, "max_spread_share": 100.0},
    "close location": {"min_clv": -1.0},
    "extension": {"max_extension": 10.0},
}
"""Rule to the limits with which it lets everything through that is known at all."""

LEAST_FILLS, LEAST_DAYS = 10, 5  # of a rule's book, below which no interval is given

LIFTABLE_GATES = ("barred catalyst", "thin baseline", "stale quote")
"""Gates behind which a trade could have been made: the others mean that there was nothing to trade on."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ShadowBook(Shown):
    """book: one row a rule: rule, barred (events it alone kept from a signal), fills, and per exit the mean net in bps.

    net_bps with low_bps and high_bps (95%, by days) as traded, nan where too few days tell; saved_bps: what the bar
    saved in all, bps of one position, minus for what it cost. trials: added to the ledger by this look.
    """

    book: ReadableFrame
    exit_rule: str
    marks: tuple[str, ...]
    trials: int

    def conclusion(self) -> Words:
        """Which rules pay for themselves, which cost, and which these data cannot tell."""
        known = self.book[self.book["fills"] > 0]
        saves = known.loc[known["high_bps"] < 0, "rule"].tolist()
        costs = known.loc[known["low_bps"] > 0, "rule"].tolist()
        unsure = [rule for rule in known["rule"] if rule not in saves and rule not in costs]
        told = [
            f"{', '.join(saves)} kept losing trades out" if saves else "no rule's bar saves money beyond doubt",
            f"{', '.join(costs)} kept paying trades out" if costs else "none costs any",
        ]
        rest = f"; not known of {', '.join(unsure)}" if unsure else ""
        return Words(f"**{'; '.join(told)}**{rest}. Lifting one for what is seen here is a choice after the fact.")

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "exit_rule": self.exit_rule, "trials": self.trials, "book": self.book.to_dict("records"),
            "marks": list(self.marks),
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """Marks and the book."""
        return [*warnings_of(self.marks), frame_block(self.book)]

    def __str__(self) -> str:
        lines = [*self.marks, f"as traded: exit {self.exit_rule}; {self.trials} trials counted"]
        for row in self.book.to_dict("records"):
            band = f" ({row['low_bps']:+.0f} to {row['high_bps']:+.0f})" if np.isfinite(row["low_bps"]) else ""
            net = f"{row['net_bps']:+.1f} bps{band}" if row["fills"] else "no fill"
            after = ", ".join(f"{name} {row[name]:+.0f}" for name in HORIZONS_S if np.isfinite(row[name]))
            lines.append(f"{row['rule']:<22} {row['barred']:>6,} barred, {row['fills']:>6,} fills: {net}; {after}")
        return "\n".join(lines)


def shadow_tables(
    table: EventTable, news: News, source: Source, *, assumed: StudyAssumptions, exit_rule: str, run: Run = map
) -> tuple[EventTable, dict[str, EventTable]]:
    """The table with the outcomes that a shadow book needs, and one of the headlines that each reason refused unjudged.

    Only of the table's days. Raises ResearchError for an exit rule that is not among the assumed ones.
    """
    traded = next((rule for rule in assumed.exits if rule.name == exit_rule), None)
    if traded is None:
        raise ResearchError(f"shadow book: no exit rule {exit_rule}; give the --exits the events were built with")
    later = tuple(ExitRule.after(name, seconds) for name, seconds in HORIZONS_S.items())
    assumed = replace(assumed, exits=(traded, *later))
    refused = {}
    for reason in news.refused:
        lines = news.frame(reason)
        open_lines = lines[lines["day"].isin(set(table.events["day"]))]
        if len(open_lines):
            judged = event_table(open_lines.reset_index(drop=True), source, assumed.events, run)
            refused[reason] = assumed.with_outcomes(judged, source, run=run)
    return assumed.with_outcomes(replace(table, net_bps={}, gross_bps={}), source, run=run), refused


def keep_shadow_book(
    table: EventTable,
    thresholds: Thresholds,
    exit_rule: str,
    ledger: TrialLedger,
    refused: Mapping[str, EventTable] | None = None,
) -> ShadowBook:
    """The book of every rule and gate that can be lifted, and of the headlines that were refused unjudged.

    table: with the outcomes of exit_rule and of HORIZONS_S. refused: reason to the events that would have come of such
    headlines, with the same outcomes. Raises ResearchError for outcomes that are not there.
    """
    if missing := [name for name in (exit_rule, *HORIZONS_S) if name not in table.net_bps]:
        raise ResearchError(f"shadow book: no outcomes for {missing[0]}; known: {', '.join(table.net_bps) or '-'}")
    before = first_triggers(table, thresholds)
    rows, trials = [], 0
    for rule, (changed, limits) in lifted(table, thresholds).items():
        trigger = first_triggers(changed, limits)
        added = (trigger >= 0) & (before < 0)
        rows.append(_row(rule, changed, np.where(added, trigger, -1), exit_rule))
        if len(changed) >= LEAST_EVENTS:
            trials += _counted(changed, limits, exit_rule, ledger)
    for reason, part in (refused or {}).items():
        rows.append(_row(reason, part, first_triggers(part, thresholds), exit_rule))
    frame = pd.DataFrame(rows).sort_values("barred", ascending=False, kind="stable", ignore_index=True)
    return ShadowBook(book=ReadableFrame(frame), exit_rule=exit_rule, marks=table.marks, trials=trials)


def lifted(table: EventTable, thresholds: Thresholds) -> dict[str, tuple[EventTable, Thresholds]]:
    """Rule or gate to the table and the thresholds with it alone lifted."""
    found = {}
    for gate in LIFTABLE_GATES:
        if (barred := table.gate == GATES.index(gate)).any():
            found[gate] = (replace(table, gate=np.where(barred, np.int8(0), table.gate)), thresholds)
    for rule, limits in LIFTED.items():
        found[rule] = (table, thresholds.model_copy(update=dict(limits)))
    return found


def _counted(table: EventTable, limits: Thresholds, exit_rule: str, ledger: TrialLedger) -> int:
    """One cell, one trial: the same in whatever sweep it is tried."""
    grid = Grid({"min_z_tod": (limits.min_z_tod,)})
    contents = np.unique(table.instrument_days).tolist()
    sums = sum_table(table, grid, limits, [exit_rule], threads=1)
    return conclude(sums, grid, limits, [exit_rule], ledger, table.marks, contents).new_trials


def _row(rule: str, table: EventTable, trigger: npt.NDArray[np.intp], exit_rule: str) -> dict[str, Any]:
    """What buying at each trigger would have brought; -1 for none."""
    rows = np.flatnonzero(trigger >= 0)
    nets = {name: table.net_bps[name][rows, trigger[rows]] for name in (exit_rule, *HORIZONS_S)}
    band = _band(table.days, table.days[rows], nets[exit_rule])
    traded = nets[exit_rule][np.isfinite(nets[exit_rule])]
    means = {name: float(np.nanmean(net)) if np.isfinite(net).any() else np.nan for name, net in nets.items()}
    return {
        "rule": rule, "barred": len(rows), "fills": len(traded), "net_bps": means[exit_rule], "low_bps": band.low,
        "high_bps": band.high, "saved_bps": -float(traded.sum()), **{name: means[name] for name in HORIZONS_S},
    }  # fmt: skip


def _band(days: npt.NDArray[np.datetime64], of: npt.NDArray[np.datetime64], net: npt.NDArray[np.float64]) -> Band:
    """Of the mean, when whole days are drawn again."""
    distinct, known = np.unique(days), np.isfinite(net)
    if known.sum() < LEAST_FILLS or len(np.unique(of[known])) < LEAST_DAYS:
        return UNKNOWN
    sums = by_day(distinct, of[known], net[known])
    return mean_band(sums, by_day(distinct, of[known], np.ones(int(known.sum()))), reps=1000)
