"""What follows from a first look, an event study and a verdict, in words with their numbers: how a notebook ends."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd

from momentum_kit.errors import ResearchError
from momentum_kit.research.event_study import LEAST_DAYS, LEAST_EVENTS, EventStudy
from momentum_kit.research.events import HeadlineCounts
from momentum_kit.research.sample import TRUTH
from momentum_kit.research.sweep import Plateau, SweepResult
from momentum_kit.research.validation import CUTOFFS, Evidence, Verdict


def worth_studying(counts: HeadlineCounts, least_verdict_days: int = CUTOFFS.least_days) -> str:
    """Whether an archive's headlines can carry an event study, and a verdict."""
    items, days = len(counts.items), int(counts.items["day"].nunique())
    symbols, delay_s = counts.items["symbol"].nunique(), counts.items["delay_s"].median()
    facts = (
        f"{items:,} items of {symbols:,} symbols on {days} days, received {delay_s:.1f} s after publication (median)"
    )
    missing = next((mark for mark in counts.marks if mark.startswith("SURVIVORSHIP")), "")
    survivors = missing or "every ticker matched a contract of its day, so that no company is missing"
    if items < LEAST_EVENTS or days < LEAST_DAYS:
        word = f"Do not study it yet: {LEAST_EVENTS} items on {LEAST_DAYS} days are the least"
    elif days < least_verdict_days:
        word = f"Study it, but expect no verdict: that takes {least_verdict_days} days with events"
    else:
        word = "Study it: it can carry an event study and a verdict"
    return f"**{word}.** There are {facts}; {survivors}."


def what_moves(study: EventStudy, net: pd.DataFrame) -> str:
    """Whether buying without a rule pays after costs, for each group at its first decision time; the drift before."""
    first = net.loc[net.groupby("group")["delay_s"].idxmin()]
    drifting = study.groups.loc[study.groups["drift_before_p"] < 0.01, "group"].tolist()
    before = (
        f"the tape drifts before the headline in {', '.join(drifting)}" if drifting else "no drift before the headline"
    )
    if len(first) == 1:
        row = first.iloc[0]
        return f"**{_blind(row)}** {_net(row)}; {before}."
    label = study.by
    known = first[(first["fills"] >= LEAST_EVENTS) & first["low_bps"].notna()]
    paying = known[known["low_bps"] > 0]
    best = first.iloc[int(first["mean_bps"].argmax())]
    if paying.empty:
        word = f"No group pays its costs beyond doubt; the best is {label} {best['group']}."
    else:
        word = f"What pays its costs beyond doubt, each by itself: {', '.join(paying['group'])}."
    luck = f"The best of {len(first)} groups is partly luck"
    return f"**{word}** {_net(best)}. {luck}; {before}."


def _blind(row: "pd.Series[float]") -> str:
    if math.isnan(row["low_bps"]):
        return "Too few days to tell whether buying without a rule pays."
    if row["high_bps"] < 0:
        return "Do not buy headlines without a rule: the move is real, and over before it can be bought at a profit."
    if row["low_bps"] > 0:
        return "Even buying without a rule pays its costs here."
    return "Buying without a rule neither clearly pays nor clearly loses."


def _net(row: "pd.Series[float]") -> str:
    band = "" if math.isnan(row["low_bps"]) else f" (95%: {row['low_bps']:+.0f} to {row['high_bps']:+.0f})"
    return (
        f"Bought {row['delay_s']:.0f} s after reception it nets {row['mean_bps']:+.0f} bps a fill{band} "
        f"over {row['fills']:,.0f} fills"
    )


def what_holds(verdict: Verdict, evidence: Evidence) -> str:
    """What to do with a candidate, why, and what these data could and could not show."""
    words = {
        "accept": "Trade it on paper with these thresholds, then open the sealed days, once.",
        "refuse": "Do not trade it.",
        "cannot tell": "Do not trade it on this evidence, and do not bury it: collect more days, then ask again.",
    }
    facts = [f"The verdict is *{verdict.word}*: {verdict.why}."]
    if evidence.candidate is not None:
        band = evidence.in_sample
        facts.append(
            f"The centre of the plateau nets {band.estimate:+.0f} bps a fill over {evidence.fills} fills on the "
            f"{evidence.days} days it was chosen from, which says where to look and nothing more"
        )
        facts += [f"{name} leaves {worse.estimate:+.0f} bps" for name, worse in evidence.stressed.items()]
        if math.isfinite(evidence.break_even):
            facts.append(f"costs may rise to {evidence.break_even:.1f} times what is assumed")
    if math.isfinite(verdict.power):
        facts.append(f"an edge of {verdict.cutoffs.worth_bps:g} bps had a chance of {verdict.power:.0%} to show")
    return f"**{words[verdict.word]}** {facts[0]} {'; '.join(facts[1:])}{'.' if facts[1:] else ''}"


def against_truth(result: SweepResult, plateau: Plateau, archive: Path) -> str:
    """How a sweep compares with the truth that lies beside a generated archive; ResearchError where there is none."""
    try:
        spec = json.loads((archive / TRUTH).read_text(encoding="utf-8"))["spec"]
    except FileNotFoundError:
        raise ResearchError(f"{archive}: no {TRUTH}: only a generated market tells its truth") from None
    cells, shape = result.cells(), result.grid.shape
    planted = result.grid.cell({name: spec["planted"][name] for name in result.grid.names})
    at_truth, at_center = (
        float(cells.mean_bps[np.ravel_multi_index(cell, shape)]) for cell in (planted, plateau.center)
    )
    found = "lie inside the plateau" if planted in plateau else "lie outside the plateau"
    values = ", ".join(f"{name} {spec['planted'][name]:g}" for name in result.grid.names)
    return (
        f"The planted thresholds ({values}) {found}. Where they hold, {spec['edge_bps']:g} bps were planted and the "
        f"fills netted {at_truth:+.0f}; the cell we chose shows {at_center:+.0f}. "
        "The difference is the luck that every choice collects, and the reason for the sealed days."
    )
