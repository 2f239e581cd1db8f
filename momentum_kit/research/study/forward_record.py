"""What `study.forward()` shows: an exported strategy on the sessions after its date, the best evidence there is.

Nothing of the strategy could be chosen by these days. They are kept apart from what it was chosen from, and sealed days
are not looked at for it: a session that traded a day live has seen it, and so its days are the first to count.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.pages import Block, ReadableFrame, Shown, Words, frame_block, warnings_of
from momentum_kit.research.events import EventTable
from momentum_kit.research.sweep import by_day, outcomes
from momentum_kit.research.validation import Band, OpenDays, mean_band


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ForwardRecord(Shown):
    """days: one row a session after the strategy's date: day, events, signals, fills, net_bps (of its fills, added up).

    band: the mean of a fill; nan bounds below 20 days. sealed: sessions after the date that nobody has looked at.
    """

    name: str
    since: date
    exit_rule: str
    days: ReadableFrame
    band: Band
    sealed: int
    marks: tuple[str, ...]

    @property
    def fills(self) -> int:
        """Over all days."""
        return int(self.days["fills"].sum())

    def conclusion(self) -> Words:
        """What the days since have shown, in a sentence."""
        if not self.fills:
            return Words(f"**No fill yet** of {self.name} on {len(self.days)} sessions after {self.since}.")
        known = math.isfinite(self.band.low)
        band = f" ({self.band.low:+.1f} to {self.band.high:+.1f})" if known else "; too few days for a band"
        return Words(
            f"**{self.band.estimate:+.1f} bps a fill{band}**, net, over {self.fills} fills of {self.name} on "
            f"{len(self.days)} sessions after {self.since}, by none of which it was chosen."
        )

    def summary(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name, "since": self.since, "exit_rule": self.exit_rule, "sessions": len(self.days),
            "fills": self.fills, "net_bps": self.band.estimate, "low_bps": self.band.low, "high_bps": self.band.high,
            "sealed_sessions": self.sealed, "marks": list(self.marks), "days": self.days.to_dict("records"),
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """Marks, the sentence, the days."""
        return [*warnings_of(self.marks), Block("text", self._sentence()), frame_block(self.days)]

    def __str__(self) -> str:
        return "\n".join([*self.marks, self._sentence()])

    def _sentence(self) -> str:
        closed = f" {self.sealed} more are sealed and were not looked at." if self.sealed else ""
        return f"{self.conclusion()}{closed}".replace("**", "")


def forward_record(opened: OpenDays, thresholds: Thresholds) -> ForwardRecord:
    """An exported strategy on the open days after the day on which it was exported.

    Raises ResearchError for thresholds that research did not export, for a file without its date, and where no open
    session lies after it.
    """
    export = thresholds.export
    if export is None or export.exported_on is None:
        raise ResearchError(f"forward: {thresholds.name} does not say when research exported it; export it again")
    after = np.datetime64(max(export.exported_on, export.last_day))
    sealed = opened.sealed.days_after(export.exported_on) if opened.sealed else 0
    later = opened.table.days > after
    if not later.any():
        raise ResearchError(
            f"forward: no open session after {after}, when {thresholds.name} was exported; {sealed} are sealed"
        )
    table = opened.table.select(later)
    return _of(table, thresholds, export.exit_rule, sealed, after.astype(date))


def _of(table: EventTable, thresholds: Thresholds, exit_rule: str, sealed: int, since: date) -> ForwardRecord:
    found = outcomes(table, thresholds, exit_rule)
    days = np.unique(table.days)
    sums = by_day(days, table.days, found.net_bps)
    fills = by_day(days, table.days, found.filled.astype(float))
    frame = pd.DataFrame(
        {
            "day": days.astype("datetime64[us]"),
            "events": by_day(days, table.days, np.ones(len(table))).astype(int),
            "signals": by_day(days, table.days, found.signalled.astype(float)).astype(int),
            "fills": fills.astype(int),
            "net_bps": sums,
        }
    )
    return ForwardRecord(
        name=thresholds.name, since=since, exit_rule=exit_rule, days=ReadableFrame(frame), band=mean_band(sums, fills),
        sealed=sealed, marks=table.marks,
    )  # fmt: skip
