"""What `study.event_study()` shows: how the tape moves around headlines, and what a buyer without a rule would net."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from momentum_kit.pages import Block, ReadableFrame, RenderedTable, Shown, Words, frame_block, warnings_of
from momentum_kit.research.event_study import LEAST_EVENTS, AbnormalReturns, group_table

if TYPE_CHECKING:
    from momentum_kit.research.plots import Picture


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class EventStudy(Shown):
    """returns: abnormal returns before costs, by group. net: of `net_by_delay`, after costs. events: looked at."""

    returns: AbnormalReturns
    net: pd.DataFrame
    exit_rule: str
    events: int

    def table(self) -> ReadableFrame:
        """One row a group: events, days, the drift before, the move after 10, 60 and 900 s, and a buyer's net, bps."""
        return ReadableFrame(group_table(self.returns, self.net))

    def plot(self) -> "Picture":
        """Price and volume around the headline by group, and beside it the net return of buying at each delay."""
        from momentum_kit.research.plots import event_study_plot  # matplotlib: only where something is drawn

        return event_study_plot(self.returns, self.net, self.exit_rule)

    def conclusion(self) -> Words:
        """Whether buying without a rule pays after costs, a group at its first decision time; the drift before."""
        first = self.net.loc[self.net.groupby("group")["delay_s"].idxmin()]
        groups = self.returns.groups
        drifting = groups.loc[groups["drift_before_p"] < 0.01, "group"].tolist()
        before = (
            f"the tape drifts before the headline in {', '.join(drifting)}"
            if drifting
            else "no drift before the headline"
        )
        if len(first) == 1:
            row = first.iloc[0]
            return Words(f"**{_blind(row)}** {_net(row)}; {before}.")
        label = self.returns.by
        known = first[(first["fills"] >= LEAST_EVENTS) & first["low_bps"].notna()]
        paying = known[known["low_bps"] > 0]
        best = first.iloc[int(first["mean_bps"].argmax())]
        if paying.empty:
            word = f"No group pays its costs beyond doubt; the best is {label} {best['group']}."
        else:
            word = f"What pays its costs beyond doubt, each by itself: {', '.join(paying['group'])}."
        luck = f"The best of {len(first)} groups is partly luck"
        return Words(f"**{word}** {_net(best)}. {luck}; {before}.")

    def summary(self) -> dict[str, Any]:
        """Plain values: groups, curves and net returns row by row."""
        found = self.returns
        return {
            "by": found.by, "events": self.events, "overlapping": found.overlapping, "marks": list(found.marks),
            "groups": found.groups.to_dict("records"), "curves": found.curves.to_dict("records"),
            "net": self.net.to_dict("records"),
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """Marks, what was counted, and a row a group: why not to believe it, what a buyer nets, then the moves."""
        lines = [Block("text", line) for line in self._sentences()]
        table = self.table()
        first = ["group", "mark", "events", "days", "net_bps", "net_low", "net_high"]
        shown = table[[*first, *(name for name in table.columns if name not in first)]]
        return [*warnings_of(self.returns.marks), *lines, frame_block(shown)]

    def __str__(self) -> str:
        lines = "\n".join([*self.returns.marks, *self._sentences()])
        return f"{lines}\n\n{RenderedTable.of(self.table(), {'drift_before_t': 2}).text()}"

    def _sentences(self) -> tuple[str, str]:
        found = self.returns
        return (
            f"{found.groups['events'].sum():,} events by {found.by}, {found.overlapping} left out as overlapping",
            "moves in bps, before costs; net of all costs: bought without any rule 10 s after reception, 95% by day",
        )


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
