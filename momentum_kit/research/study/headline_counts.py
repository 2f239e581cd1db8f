"""What `study.counts()` shows: headlines counted, what came of them, how late they were, and who is missing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from momentum_kit.pages import Block, ReadableFrame, RenderedTable, Shown, Words, frame_block, warnings_of
from momentum_kit.research.event_study import LEAST_DAYS, LEAST_EVENTS
from momentum_kit.research.events import EXTENDED_HOURS, News, catalysts
from momentum_kit.research.validation import CUTOFFS
from momentum_kit.sessions import NEW_YORK, exchange_day, session_on

if TYPE_CHECKING:
    from momentum_kit.research.plots import Picture

SHOWN_BY = ("provider", "catalyst", "session")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class HeadlineCounts(Shown):
    """items: one row a story tied to a contract, with catalyst, session and delay_s. skips: reason to headlines.

    heard: headlines received. marks: what a reader must be told, survivorship first of all.
    """

    items: pd.DataFrame
    heard: int
    skips: dict[str, int]
    marks: tuple[str, ...]

    def by(self, *columns: str) -> ReadableFrame:
        """items, symbols, days and the median delay from publication to reception, by the columns, most first."""
        grouped = self.items.groupby(list(columns), sort=True)
        counted = grouped.agg(
            items=("item_id", "size"),
            symbols=("symbol", "nunique"),
            days=("day", "nunique"),
            delay_s=("delay_s", "median"),
        )
        return ReadableFrame(counted.sort_values("items", ascending=False, kind="stable").reset_index())

    def delay_plot(self) -> "Picture":
        """Share of headlines received within so many seconds of their publication, by provider."""
        from momentum_kit.research.plots import delay_plot  # matplotlib: only where something is drawn

        return delay_plot(self.items)

    def conclusion(self, least_verdict_days: int = CUTOFFS.least_days) -> Words:
        """Whether these headlines can carry an event study, and a verdict."""
        items, days = len(self.items), int(self.items["day"].nunique())
        symbols, delay_s = self.items["symbol"].nunique(), self.items["delay_s"].median()
        facts = (
            f"{items:,} items of {symbols:,} symbols on {days} days, received {delay_s:.1f} s after publication "
            "(median)"
        )
        missing = next((mark for mark in self.marks if mark.startswith("SURVIVORSHIP")), "")
        survivors = missing or "every ticker matched a contract of its day, so that no company is missing"
        if items < LEAST_EVENTS or days < LEAST_DAYS:
            word = f"Do not study it yet: {LEAST_EVENTS} items on {LEAST_DAYS} days are the least"
        elif days < least_verdict_days:
            word = f"Study it, but expect no verdict: that takes {least_verdict_days} days with events"
        else:
            word = "Study it: it can carry an event study and a verdict"
        return Words(f"**{word}.** There are {facts}; {survivors}.")

    def summary(self) -> dict[str, Any]:
        """Plain values: counts, and the rows of each table."""
        tables = {by: self.by(by).to_dict("records") for by in SHOWN_BY}
        return {
            "headlines": self.heard, "items": len(self.items), "skips": self.skips, "marks": list(self.marks), **tables,
        }  # fmt: skip

    def blocks(self) -> list[Block]:
        """Marks, one sentence, and a table a column."""
        tables = [frame_block(self.by(by)) for by in SHOWN_BY]
        return [*warnings_of(self.marks), Block("text", self._sentence()), *tables]

    def __str__(self) -> str:
        tables = [RenderedTable.of(self.by(by), {"delay_s": 2}).text() for by in SHOWN_BY]
        return "\n\n".join(["\n".join([*self.marks, self._sentence()]), *tables])

    def _sentence(self) -> str:
        lost = ", ".join(f"{reason} {count:,}" for reason, count in self.skips.items()) or "none"
        return f"{self.heard:,} headlines, {len(self.items):,} items (story x contract); nothing came of: {lost}"


def count_headlines(news: News, calendar: str) -> HeadlineCounts:
    """Count what `read_news` found."""
    frame = news.frame()
    frame["catalyst"] = catalysts(frame)
    frame["session"] = [_session(at, calendar) for at in frame["received_at"]]
    frame["delay_s"] = (frame["received_at"] - frame["published_at"]).dt.total_seconds()
    skips = {reason: count for reason, count in sorted(news.skips.items()) if count}
    return HeadlineCounts(items=frame, heard=news.heard, skips=skips, marks=news.marks)


def _session(at: pd.Timestamp, calendar: str) -> str:
    """As an event table names them: regular, pre, post or closed."""
    moment = at.to_pydatetime()
    hours = session_on(exchange_day(moment), calendar)
    if hours is None:
        return "closed"
    if hours.contains(moment):
        return "regular"
    local = moment.astimezone(NEW_YORK)
    if not EXTENDED_HOURS[0] <= local.hour < EXTENDED_HOURS[1]:
        return "closed"
    return "pre" if moment < hours.open else "post"
