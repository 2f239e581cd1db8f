"""The funnel from headlines to fills: what is left after each stage, and which rule stopped the others.

An event that never signals was stopped at every one of its decision times, often by different rules. It is counted for
the rule that stopped it where it had come furthest, in the order in which a session asks.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import Config, Thresholds
from momentum_kit.detection.batch import GATES, rule_arrays
from momentum_kit.detection.live import RULES
from momentum_kit.pages import Block, ReadableFrame, Shown, frame_block, warnings_of
from momentum_kit.research.events import EventTable, News
from momentum_kit.research.sweep import first_triggers, simulate_risk_gate

ORDER = (*GATES[1:], *RULES)
"""What stops an event, in the order in which it is asked."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Funnel(Shown):
    """stages: one row a stage and reason: stage, left (after it), stopped_by, stopped.

    marks: what a reader must be told.
    """

    stages: ReadableFrame
    marks: tuple[str, ...]

    @property
    def left(self) -> dict[str, int]:
        """Stage to what was left after it."""
        first = self.stages.drop_duplicates("stage")
        return dict(zip(first["stage"], first["left"].astype(int), strict=True))

    def summary(self) -> dict[str, Any]:
        """Plain values: what was left after each stage, and what each reason stopped."""
        rows = self.stages.loc[self.stages["stopped"] > 0, ["stage", "stopped_by", "stopped"]]
        stopped = [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
        return {"left": self.left, "stopped": stopped, "marks": list(self.marks)}

    def blocks(self) -> list[Block]:
        """Marks and the stages."""
        return [*warnings_of(self.marks), frame_block(self.stages)]

    def __str__(self) -> str:
        lines = [*self.marks]
        for stage, left in self.left.items():
            lines.append(f"{left:>9,}  {stage}")
            rows = self.stages[(self.stages["stage"] == stage) & (self.stages["stopped"] > 0)]
            lines += [f"{'':9}  - {row.stopped:,} stopped by: {row.stopped_by}" for row in rows.itertuples()]
        return "\n".join(lines)


def trace_funnel(
    news: News, table: EventTable, thresholds: Thresholds, exit_rule: str, config: Config, *, known: frozenset[str]
) -> Funnel:
    """From headlines to fills, on the days of the table.

    known: the item_ids of the table's days; news may tell of others. Raises ResearchError for an exit rule without
    outcomes.
    """
    skipped = {reason: count for reason, count in news.skips.items() if count}
    items = [row for row in news.rows if row.item_id in known]
    reasons = stop_reasons(table, thresholds)
    orders = simulate_risk_gate(table, thresholds, exit_rule, risk=config.risk, exits=config.exits).orders
    accepted = orders["verdict"] == "accepted"
    filled = int(orders["net_bps"].notna().sum())
    stages: list[tuple[str, int, Mapping[str, int]]] = [
        ("headlines heard", news.heard, skipped),
        ("stories tied to a contract", len(items), {}),
        ("judged events", len(table), Counter(reasons[reasons != ""].tolist())),
        ("signals", len(orders), Counter(orders.loc[~accepted, "reason"].astype(str))),
        ("entries", int(accepted.sum()), {"no fill": int(accepted.sum()) - filled}),
        ("fills", filled, {}),
    ]
    place = {reason: at for at, reason in enumerate(ORDER)}
    rows = []
    for stage, left, stopped in stages:
        ordered = sorted(stopped.items(), key=lambda each: (place.get(each[0], 0), -each[1], each[0]))
        for reason, count in ordered or [("", 0)]:
            rows.append({"stage": stage, "left": left, "stopped_by": reason, "stopped": count})
    return Funnel(stages=ReadableFrame(pd.DataFrame(rows)), marks=table.marks)


def stop_reasons(table: EventTable, thresholds: Thresholds) -> npt.NDArray[np.str_]:
    """(N,) the gate or rule that stopped each event where it had come furthest; empty for a signal."""
    failed = rule_arrays(table.features, thresholds).first_failed  # -1 where every rule passes
    gates = len(GATES) - 1
    reached = np.where(table.gate > 0, table.gate.astype(np.int64) - 1, gates + failed.astype(np.int64))
    reached = np.where((table.gate == 0) & (failed < 0), len(ORDER), reached)
    reached = np.where(np.isnat(table.at), -1, reached)
    furthest = reached.max(axis=1)
    names = np.array([*ORDER, "", "no bars"])  # the last for an event without a single decision time
    return np.where(first_triggers(table, thresholds) >= 0, "", names[furthest])
