"""What the research commands print: tables for people, plain values for JSON."""

import dataclasses
import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from momentum_kit.pages import RenderedTable
from momentum_kit.research.event_study import EventStudy, group_table
from momentum_kit.research.events import HeadlineCounts
from momentum_kit.research.sweep import side_by_side
from momentum_kit.research.validation import Evidence, Verdict


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame as JSON holds it."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def as_plain(value: Any) -> Any:
    """What JSON can hold: nan and infinity, which it cannot, become null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return {str(key): as_plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_plain(each) for each in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def headline_words(counts: HeadlineCounts, tables: Mapping[str, pd.DataFrame]) -> str:
    """Counts by each column, then what came of none of them."""
    lost = ", ".join(f"{reason} {count:,}" for reason, count in counts.skips.items()) or "none"
    words = f"{counts.heard:,} headlines, {len(counts.items):,} items (story x contract); nothing came of: {lost}"
    parts = [*counts.marks, words]
    return (
        "\n".join(parts)
        + "\n\n"
        + "\n\n".join(RenderedTable.of(table, {"delay_s": 2}).text() for table in tables.values())
    )


def study_words(by: str, study: EventStudy, net: pd.DataFrame) -> str:
    """A row a group: the drift before, the move by some offsets, and the net return at the first decision times."""
    words = [
        *study.marks,
        f"{study.groups['events'].sum():,} events by {by}, {study.overlapping} left out as overlapping",
        "moves in bps, before costs; net of all costs: bought without any rule 10 s after reception, 95% by day",
    ]
    return "\n".join(words) + "\n\n" + RenderedTable.of(group_table(study, net), {"drift_before_t": 2}).text()


def finalist_words(summary: Mapping[str, Any], table: pd.DataFrame) -> str:
    """The finalists and the plateaus they come from."""
    words = [
        *summary["marks"],
        f"{summary['cells']:,} cells x {len(summary['exits'])} exit rules on {summary['days']} open days; "
        f"{summary['new_trials']:,} new trials, {summary['trials']:,} ever",
    ]
    for name, plateau in summary["plateaus"].items():
        if isinstance(plateau, str):
            words.append(f"exit {name}: {plateau}")
        else:
            edge = f"; it ends at the grid's edge: {', '.join(plateau['on_edge'])}" if plateau["on_edge"] else ""
            words.append(f"exit {name}: a plateau of {plateau['cells']} cells{edge}")
    return (
        "\n".join(words)
        + "\n\n"
        + RenderedTable.of(side_by_side(table), {}).text()
        + f"\n\nall cells: {summary['file']}"
    )


def verdict_words(verdict: Verdict, evidence: Evidence, pages: Mapping[str, str]) -> str:
    """The word, why, and every check."""
    answers = {True: "yes", False: "NO", None: "not known"}
    checks = pd.DataFrame(
        [(each.question, each.found, each.wanted, answers[each.passed]) for each in verdict.checks],
        columns=["question", "found", "wanted", "passed"],
    )
    worse = [f"net under {name}: {band.estimate:+.1f} bps a fill" for name, band in evidence.stressed.items()]
    worse += [f"decisions that flip, {each.change}: {each.share:.0%} of {each.signals}" for each in evidence.flips]
    parts = [
        f"{verdict.word}: {verdict.why}",
        *evidence.marks,
        "",
        RenderedTable.of(checks, {}).text(),
        "",
        *worse,
        "",
        *pages.values(),
    ]
    return "\n".join(parts)
