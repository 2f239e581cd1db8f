"""Gathers the round trips of some sessions for a review: each with its headline, what it cost and what it went through.

One `Trade` a round trip, with the tape of its symbol around it, so that pictures and hindsight need no second look into
the journal.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from momentum_kit.errors import InputError
from momentum_kit.notebook import tables
from momentum_kit.notebook.record import Run
from momentum_kit.notebook.review.hindsight import FAMILY, Excursion, Marks, excursion
from momentum_kit.sessions import NEW_YORK, session_on

UNKNOWN = "unknown"
BEFORE, AFTER = pd.Timedelta(minutes=1), pd.Timedelta(minutes=3)  # of the tape, besides headline and holding time
WATCHED = pd.Timedelta(seconds=max(rule.hold_s for rule in FAMILY) + 60)  # what hindsight may need, after the entry


@dataclass(frozen=True, kw_only=True, eq=False)
class Trade:
    """One round trip as it was lived; prices in USD a share, `_usd` of the whole position, times aware UTC.

    name: its session's folder and its number there, which stays whatever else is reviewed beside it.
    entry_bps, exit_bps: slippage against what `fills()` names (the ask at the decision; the order's own price), by
    shares. stop_usd, target_usd: where they were first placed. to_close_s: from the entry to the end of the exchange's
    session. tape: the marks around it, in order; fills: its own. Numbers that nobody knows are nan, words 'unknown'.
    """

    name: str
    run_dir: Path
    item_id: str
    symbol: str
    opened_at: pd.Timestamp
    closed_at: pd.Timestamp
    quantity: float
    entry_price: float
    exit_price: float
    net_usd: float
    costs_usd: float
    r: float
    exit: str
    catalyst: str
    provider: str
    headline: str
    headline_at: pd.Timestamp
    stop_usd: float
    target_usd: float
    to_close_s: float
    tape: pd.DataFrame
    fills: pd.DataFrame

    def __post_init__(self) -> None:
        numbers = (self.quantity, self.entry_price, self.exit_price, self.net_usd, self.costs_usd)
        if not all(map(math.isfinite, numbers)) or pd.isna(self.opened_at) or pd.isna(self.closed_at):
            raise InputError(f"round trip {self.name} has no time, price, quantity or profit that can be read")
        if self.closed_at < self.opened_at:
            raise InputError(f"round trip {self.name} ends before it begins")

    @property
    def number(self) -> int:
        """In its session's journal."""
        return int(self.name.rpartition("/")[2])

    @property
    def day(self) -> date:
        """The exchange's day of its entry."""
        day: date = self.opened_at.tz_convert(NEW_YORK).date()
        return day

    @property
    def held_s(self) -> float:
        """From the first fill until it was flat."""
        return float((self.closed_at - self.opened_at).total_seconds())

    @property
    def r_usd(self) -> float:
        """What was at risk when it was sized; where its profit was nothing, the way to the stop says it."""
        return self.net_usd / self.r if self.r else (self.entry_price - self.stop_usd) * self.quantity

    @cached_property
    def marks(self) -> Marks:
        """The tape in seconds since the entry."""
        return Marks(
            at_s=np.asarray((self.tape["at"] - self.opened_at) / pd.Timedelta(seconds=1), dtype=np.float64),
            price=self.tape["price"].to_numpy(float),
            bid=self.tape["bid"].to_numpy(float),
        )

    @cached_property
    def excursion(self) -> Excursion:
        """MAE and MFE, USD a share."""
        return excursion(self.entry_price, self.marks, self.held_s, [*self.fills["price"], self.exit_price])

    @property
    def entry_bps(self) -> float:
        """Slippage of what was bought."""
        return _slippage(self.fills[self.fills["side"] == "BUY"])

    @property
    def exit_bps(self) -> float:
        """Slippage of what was sold."""
        return _slippage(self.fills[self.fills["side"] == "SELL"])


def trades_of(run: Run) -> Iterator[Trade]:
    """The finished round trips of a session, in their order.

    Raises StorageError or InputError where its journal cannot be read, and anything for one that is not as the kit
    writes it.
    """
    journal = run.journal
    trips = tables.round_trips(journal)
    if trips.empty:
        return
    marks = dict(iter(tables.marks(journal).groupby("con_id")))
    fills, orders = tables.fills(journal), tables.orders(journal)
    placed = orders[orders["change"] == "place"]
    told = _told(journal)
    for row in trips.to_dict("records"):
        item, opened_at, closed_at = _text(row["item_id"]), row["opened_at"], row["closed_at"]
        earlier = trips[(trips["con_id"] == row["con_id"]) & (trips["closed_at"] <= opened_at)]["closed_at"].max()
        legs = placed[(placed["item_id"] == item) & (placed["at"] <= closed_at)]
        legs = legs[legs["at"] >= earlier] if pd.notna(earlier) else legs
        words = told.get(item, {})
        yield Trade(
            name=f"{run.name}/{int(row['id'])}",
            run_dir=run.run_dir,
            item_id=item,
            symbol=_text(row["symbol"]),
            opened_at=opened_at,
            closed_at=closed_at,
            quantity=float(row["quantity"]),
            entry_price=float(row["entry_price"]),
            exit_price=float(row["exit_price"]),
            net_usd=float(row["net_usd"]),
            costs_usd=float(row["costs_usd"]),
            r=float(row["r"]) if pd.notna(row["r"]) else math.nan,
            exit=_text(row["reason"]) or UNKNOWN,
            catalyst=words.get("catalyst") or UNKNOWN,
            provider=words.get("provider") or UNKNOWN,
            headline=words.get("text", ""),
            headline_at=words.get("at", pd.NaT),
            stop_usd=_first(legs, "stop", "stop_price"),
            target_usd=_first(legs, "target", "limit_price"),
            to_close_s=_to_close_s(opened_at),
            tape=_tape(marks.get(row["con_id"]), opened_at, closed_at, words.get("at", pd.NaT)),
            fills=_own(fills, row["con_id"], item, opened_at, closed_at),
        )


def _told(journal: Path) -> Mapping[str, Mapping[str, Any]]:
    """By item: what its headline said, who told it, and when it was heard."""
    items, headlines = tables.items(journal), tables.headlines(journal)
    first = headlines[headlines["outcome"] == "item"].drop_duplicates("story_id").set_index("story_id")
    told = {}
    for item in items.to_dict("records"):
        found: dict[str, Any] = {"catalyst": _text(item["catalyst"])}
        if item["story_id"] in first.index:
            row = first.loc[item["story_id"]]
            heard = row["received_at"] if pd.notna(row["received_at"]) else row["at"]
            found |= {"provider": _text(row["provider"]), "text": _text(row["text"]), "at": heard}
        told[_text(item["item_id"])] = found
    return told


def _own(fills: pd.DataFrame, con_id: int, item: str, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
    """Fills of one round trip: of its time, and of no other item (times are whole seconds, and two may share one)."""
    inside = fills[(fills["con_id"] == con_id) & fills["time"].between(first, last)]
    return inside.loc[np.array([_text(each) in ("", item) for each in inside["item_id"]], dtype=bool)]


def _tape(
    marks: pd.DataFrame | None, opened_at: pd.Timestamp, closed_at: pd.Timestamp, heard: pd.Timestamp
) -> pd.DataFrame:
    """What was seen from before the headline until after the end, and as long as other exits may ask."""
    if marks is None:
        return pd.DataFrame({"at": pd.to_datetime([], utc=True), "price": [], "bid": [], "ask": []})
    first = min(opened_at, heard) if pd.notna(heard) else opened_at
    around = marks["at"].between(first - BEFORE, max(closed_at + AFTER, opened_at + WATCHED))
    return marks[around][["at", "price", "bid", "ask"]].sort_values("at", ignore_index=True)


def _first(legs: pd.DataFrame, leg: str, column: str) -> float:
    """Where a leg was placed first; nan without one."""
    prices = legs[legs["leg"] == leg][column].dropna()
    return float(prices.iloc[0]) if len(prices) else math.nan


def _slippage(fills: pd.DataFrame) -> float:
    """Of some fills, by their shares; nan where none has a reference."""
    known = fills[fills["slippage_bps"].notna()]
    shares = float(known["shares"].sum())
    return float((known["slippage_bps"] * known["shares"]).sum() / shares) if shares else math.nan


def _to_close_s(opened_at: pd.Timestamp) -> float:
    session = session_on(opened_at.tz_convert(NEW_YORK).date()) if pd.notna(opened_at) else None
    return (session.close - opened_at).total_seconds() if session else math.inf


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)
