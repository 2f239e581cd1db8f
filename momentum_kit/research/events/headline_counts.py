"""Headlines of an archive counted: what was heard, what came of it, and who is missing."""

from dataclasses import dataclass

import pandas as pd

from momentum_kit.detection.news import classify, distinctive_words
from momentum_kit.research.events.features import EXTENDED_HOURS
from momentum_kit.research.events.news import News
from momentum_kit.sessions import NEW_YORK, exchange_day, session_on


@dataclass(frozen=True, slots=True, eq=False)
class HeadlineCounts:
    """items: one row a story tied to a contract, with catalyst, session and delay_s. skips: reason to headlines.

    heard: headlines received. marks: what a reader must be told, survivorship first of all.
    """

    items: pd.DataFrame
    heard: int
    skips: dict[str, int]
    marks: tuple[str, ...]

    def by(self, *columns: str) -> pd.DataFrame:
        """items, symbols, days and the median delay from publication to reception, by the columns, most first."""
        grouped = self.items.groupby(list(columns), sort=True)
        counted = grouped.agg(
            items=("item_id", "size"),
            symbols=("symbol", "nunique"),
            days=("day", "nunique"),
            delay_s=("delay_s", "median"),
        )
        return counted.sort_values("items", ascending=False, kind="stable").reset_index()


def count_headlines(news: News, calendar: str = "XNYS") -> HeadlineCounts:
    """Count what research/events_news.read_news found."""
    frame = news.frame()
    frame["catalyst"] = [
        classify(
            row.text, (row.symbol, *distinctive_words(row.name)[:1]), analyst_action=row.analyst_action
        ).catalyst.value
        for row in news.rows
    ]
    frame["session"] = [_session(at, calendar) for at in frame["received_at"]]
    frame["delay_s"] = (frame["received_at"] - frame["published_at"]).dt.total_seconds()
    skips = {reason: count for reason, count in sorted(news.skips.items()) if count}
    return HeadlineCounts(frame, news.heard, skips, news.marks)


def _session(at: pd.Timestamp, calendar: str) -> str:
    """As events_features.py names them: regular, pre, post or closed."""
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
