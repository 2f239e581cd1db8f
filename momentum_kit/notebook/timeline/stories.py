"""What became of each headline, gathered from a journal for the timeline: one Story a headline or news item."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from momentum_kit.notebook import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A headline, or one of the items it became, with its last verdict and all that was drawn of its symbol.

    verdict: 'entry', 'refused' (by the risk gate), 'skip' (by the detector), 'unheard' (never became an item) or
    'undecided'. marks, decided, fills and legs are the item's rows of marks, decisions, fills and orders.
    net_usd and closed_by are of its round trip, nan and '' without one.
    """

    at: pd.Timestamp
    verdict: str
    reason: str
    symbol: str = ""
    text: str = ""
    anchor_usd: float = float("nan")
    marks: pd.DataFrame = field(default_factory=pd.DataFrame)
    decided: pd.DataFrame = field(default_factory=pd.DataFrame)
    fills: pd.DataFrame = field(default_factory=pd.DataFrame)
    legs: pd.DataFrame = field(default_factory=pd.DataFrame)
    net_usd: float = float("nan")
    closed_by: str = ""

    @property
    def shocks(self) -> tables.Series:
        """The marks as per cent since the headline."""
        return (self.marks["price"] / self.anchor_usd - 1) * 100

    @property
    def reach(self) -> float:
        """Largest move since the headline, per cent, either way; 0 without marks."""
        return float(self.shocks.abs().max()) if len(self.marks) else 0.0


def stories(path: str | Path, watched_s: float = 1800.0) -> list[Story]:
    """Every headline and item of a journal, in the order received; marks up to watched_s after the headline."""
    headlines = tables.headlines(path)
    unheard = headlines[headlines["outcome"] == "skip"].to_dict("records")
    found = [
        Story(at=row["at"], verdict="unheard", reason=row["reason"] or "", text=row["text"] or "") for row in unheard
    ]
    heard = headlines[headlines["outcome"] == "item"].drop_duplicates("story_id").set_index("story_id")
    decided = _by(tables.decisions(path), "item_id")
    fills = _by(tables.fills(path), "item_id")
    legs = _by(tables.orders(path), "item_id")
    risk = _by(tables.table(path, "risk"), "item_id")
    trips = _by(tables.round_trips(path), "item_id")
    marks = _by(tables.marks(path), "con_id")
    for item in tables.items(path).to_dict("records"):
        key = item["item_id"]
        headline = heard.loc[item["story_id"]] if item["story_id"] in heard.index else None
        at = item["at"] if headline is None or pd.isna(headline["received_at"]) else headline["received_at"]
        watched = marks(item["con_id"])
        watched = watched[(watched["at"] >= at) & (watched["at"] <= at + pd.Timedelta(seconds=watched_s))]
        verdict, reason = _verdict(decided(key), risk(key), legs(key))
        found.append(
            Story(
                at=at,
                verdict=verdict,
                reason=reason,
                symbol=item["symbol"] or "",
                text="" if headline is None else headline["text"] or "",
                anchor_usd=_anchor(decided(key), watched),
                marks=watched,
                decided=decided(key),
                fills=fills(key),
                legs=legs(key),
                net_usd=float(trips(key)["net_usd"].sum(min_count=1)),
                closed_by=trips(key)["reason"].iloc[-1] or "" if len(trips(key)) else "",
            )
        )
    return sorted(found, key=lambda story: story.at)


def _by(frame: pd.DataFrame, column: str) -> Callable[[Any], pd.DataFrame]:
    """A look-up of the rows of one item or contract; no rows where there are none."""
    groups = dict(iter(frame.groupby(column)))
    nothing = frame.iloc[:0]
    return lambda key: groups.get(key, nothing)


def _verdict(decided: pd.DataFrame, risk: pd.DataFrame, legs: pd.DataFrame) -> tuple[str, str]:
    """The last word on an item and its short reason."""
    if (legs["leg"] == "entry").any():
        return "entry", "bought"
    refused = risk[risk["verdict"] == "refused"]
    if len(refused):
        return "refused", f"risk: {refused['reason'].iloc[-1]}"
    final = decided[decided["final"].fillna(False) & (decided["verdict"] == "skip")]
    if len(final):
        return "skip", str(final["reason"].iloc[-1])
    return "undecided", "undecided"


def _anchor(decided: pd.DataFrame, marks: pd.DataFrame) -> float:
    """The last price before the headline as the detector saw it, else the first one after it."""
    for features in decided["features"]:
        if isinstance(features, dict) and features.get("anchor"):
            return float(features["anchor"])
    return float(marks["price"].iloc[0]) if len(marks) else float("nan")


def text_by_item(path: str | Path) -> dict[str, str]:
    """Each news item's headline with its catalyst in front."""
    headlines = tables.headlines(path).drop_duplicates("story_id").set_index("story_id")["text"].to_dict()
    items = tables.items(path)[["item_id", "story_id", "catalyst"]].to_dict("records")
    return {row["item_id"]: f"{row['catalyst']}: {headlines.get(row['story_id'], '')}" for row in items}
