"""What `study.tear_sheet()` shows: the fills of one set of thresholds on the open days, looked at from every side.

Looking is trying: the thresholds are a trial in the ledger. A group that looks good was found by looking: the page says
how many groups it shows, and what would stand out by luck alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.errors import ResearchError
from momentum_kit.pages import Block, ReadableFrame, RenderedTable, Shown, Words, frame_block, warnings_of, write_page
from momentum_kit.research.tear_sheet.grouping import GROUPS, grouped, together
from momentum_kit.research.validation import Halves, UnseenFold

if TYPE_CHECKING:
    from momentum_kit.research.plots import Picture

MOST_PICTURES = 40
"""Fills that the page shows on their tape: the best and the worst half of them, where there are more."""
IDENTIFIERS = ("item_id", "day", "month", "published_at")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TearSheet(Shown):
    """fills: one row a fill of the open days, in order. days: all open days (D,). ranked: features by rank correlation.

    months, halves: of the last sweep, what its choices brought on days they were not chosen from; none without one.
    exits: one row an exit rule, the same thresholds. tried: sweeps and looks at these data so far. tape: draws one row.
    """

    fills: pd.DataFrame
    days: npt.NDArray[np.datetime64]
    thresholds: Mapping[str, float]
    exit_rule: str
    events: int
    marks: tuple[str, ...]
    exits: pd.DataFrame
    ranked: pd.DataFrame
    months: Sequence[UnseenFold]
    halves: Halves
    trials: int
    tried: pd.DataFrame
    tape: Callable[[Mapping[str, Any]], "Picture"]

    def __len__(self) -> int:
        return len(self.fills)

    def trades(self) -> ReadableFrame:
        """One row a fill: what it earned, how it ended, what it went through, what it was decided on."""
        return ReadableFrame(self.fills.drop(columns=["ended", "price", "spread", "shock", "hour"], errors="ignore"))

    def by(self, group: str) -> ReadableFrame:
        """Fills together by one of GROUPS: count, won, mean net return with its 95% band over days, and their sum."""
        if group not in GROUPS:
            raise ResearchError(f"tear sheet: {group!r} is no group; choose one of {', '.join(GROUPS)}")
        self._some()
        return ReadableFrame(grouped(self.fills, group, self.days))

    def overview(self) -> "Picture":
        """What the fills came to, how they are spread, and what they went through."""
        from momentum_kit.research.tear_sheet.picture import overview_plot  # matplotlib: only where something is drawn

        self._some()
        return overview_plot(self.fills, self.days, self._counted())

    def groups(self) -> "Picture":
        """The mean of every group with its band."""
        from momentum_kit.research.tear_sheet.picture import groups_plot

        self._some()
        return groups_plot(self._groups)

    def features(self) -> "Picture":
        """Which features rank the outcomes."""
        from momentum_kit.research.tear_sheet.picture import features_plot

        if self.ranked.empty:
            raise ResearchError("tear sheet: too few events with an outcome to rank any feature")
        return features_plot(self.ranked)

    def unseen(self) -> "Picture":
        """The last sweep's choices on days that they were not chosen from: by months, and by halves."""
        from momentum_kit.research.tear_sheet.picture import unseen_plot

        return unseen_plot(self.months, self.halves)

    def picture(self, number: int) -> "Picture":
        """One fill on its tape, by its number in `trades()`."""
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= len(self):
            raise ResearchError(f"tear sheet: no fill {number!r}: there are {len(self)}")
        return self._on_tape(self.fills.iloc[number - 1])

    def page(self, out: str | Path) -> Path:
        """Write all of it, with the best and the worst fills on their tape, as one HTML file; returns its path."""
        return write_page(Path(out), f"Tear sheet: {self._counted()}", self._page(), _STYLE)

    def conclusion(self) -> Words:
        """What the fills came to, how sure that is, and what not to make of it."""
        if self.fills.empty:
            return Words(f"**No fill.** None of {self.events:,} events on the open days signals and fills.")
        all_ = together(self.fills, self.days)
        low, high = float(all_["low_bps"]), float(all_["high_bps"])
        band = f" (95%: {low:+.0f} to {high:+.0f})" if np.isfinite(low) else " (too few days for a band)"
        word = (
            "They lose."
            if high < 0
            else "They gain, on the days that are looked at."
            if low > 0
            else "Nothing is proven."
        )
        banded = sum(
            int(table["low_bps"].notna().sum()) for name, table in self._groups.items() if name != "exit"
        )  # how a fill ended is its outcome: no luck is needed
        luck = f"{banded} groups have a band: about {banded * 0.05:.0f} of them would look good or bad by luck alone."
        return Words(
            f"**{word}** {_counted(len(self), 'fill')} net {all_['net_bps']:+.0f} bps each{band}, {all_['won']:,} won. "
            f"{luck if banded else 'No group has fills on enough days for a band.'}"
        )

    def summary(self) -> dict[str, Any]:
        """Plain values: all fills together, by group, by exit rule, and what ranks the outcomes."""
        return {
            "fills": len(self), "events": self.events, "exit_rule": self.exit_rule, "thresholds": dict(self.thresholds),
            "all": together(self.fills, self.days) if len(self) else None, "trials": self.trials,
            "by": {name: table.to_dict("records") for name, table in self._groups.items()},
            "exits": self.exits.to_dict("records"), "features": self.ranked.to_dict("records"),
            "marks": list(self.marks),
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """Marks, the conclusion, exit rules, groups, features: as a cell shows it."""
        tables = [frame_block(ReadableFrame(table)) for table in self._groups.values()]
        return [*self._head(), frame_block(ReadableFrame(self.exits)), *tables]

    def __str__(self) -> str:
        return repr(self).replace("**", "")

    @cached_property
    def _groups(self) -> dict[str, pd.DataFrame]:
        return {name: grouped(self.fills, name, self.days) for name in GROUPS} if len(self) else {}

    def _head(self) -> list[Block]:
        return [
            *warnings_of(self.marks),
            Block("text", self.conclusion().replace("**", "")),
            Block("text", f"{self._counted()}; {_counted(self.trials, 'trial')} on these data, this look included."),
        ]

    def _page(self) -> Iterator[Block]:
        yield Block("title", "Tear sheet")
        yield from self._head()
        if len(self):
            yield _drawn("what the fills came to", self.overview())
        yield Block("heading", "The same thresholds by exit rule")
        yield frame_block(ReadableFrame(self.exits))
        if len(self):
            yield Block("heading", "By group")
            yield _drawn("mean net return by group", self.groups())
            for table in self._groups.values():
                yield frame_block(ReadableFrame(table))
        if len(self.ranked):
            yield Block("heading", "Features")
            yield _drawn("rank correlation by feature", self.features())
        yield Block("heading", "Days that a choice had not seen")
        yield _drawn("months and halves", self.unseen())
        yield Block("heading", "What was tried on these data")
        yield frame_block(ReadableFrame(self.tried))
        yield Block("heading", "The thresholds")
        yield frame_block(ReadableFrame(pd.DataFrame(self.thresholds.items(), columns=["threshold", "value"])))
        yield from self._one_by_one()

    def _one_by_one(self) -> Iterator[Block]:
        if self.fills.empty:
            return
        order = self.fills.sort_values("net_bps", ascending=False, kind="stable")
        half = MOST_PICTURES // 2
        chosen = order if len(order) <= MOST_PICTURES else pd.concat([order.head(half), order.tail(half)])
        yield Block("heading", "One by one, the best first")
        if len(chosen) < len(order):
            rest = len(order) - len(chosen)
            yield Block("text", f"{rest:,} in between are left out: sheet.picture(number) draws each.")
        for _, row in chosen.iterrows():
            yield Block("text", f"{row['number']}. {row['symbol']}: {row['net_bps']:+.0f} bps, {row['exit']}")
            try:
                yield _drawn(f"{row['symbol']} on its tape", self._on_tape(row))
            except ResearchError as error:  # minutes alone, or a headline from outside of the archive's hours
                yield Block("text", f"No picture: {error}")
        yield Block("heading", "All fills")
        rows = self.trades().drop(columns=list(IDENTIFIERS), errors="ignore")
        yield Block("table", table=RenderedTable.of(rows))  # every row: a frame of a cell would show the first ones

    def _on_tape(self, row: "pd.Series[Any]") -> "Picture":
        return self.tape({str(name): value for name, value in row.items()})

    def _counted(self) -> str:
        first, last = self.days[0], self.days[-1]
        return (
            f"{_counted(len(self), 'fill')} of {_counted(self.events, 'event')}, {first} to {last}, "
            f"exit {self.exit_rule}"
        )

    def _some(self) -> None:
        if self.fills.empty:
            raise ResearchError("tear sheet: no fill to look at")


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _drawn(name: str, picture: "Picture") -> Block:
    return Block("picture", name, picture=picture.image(name))


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:78rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}"
)
