"""Study fills: every fill that one set of thresholds would have had on a table, with what it was decided on.

The outcomes are the table's own, net of all costs; how a position ended and what it went through is read off the tape.
"""

import itertools
from typing import Any

import numpy as np
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.research.events import EventTable, ExitRule, FillAssumptions, Source, held_positions
from momentum_kit.research.sweep import outcomes
from momentum_kit.sessions import NEW_YORK

NOT_KNOWN = "not known"
BANDS = {
    "price": ("price_usd", (0, 2, 5, 10, 20, np.inf), "{} USD"),
    "spread": ("spread_bps", (0, 10, 20, 40, 80, np.inf), "{} bps"),
    "shock": ("z_tod", (-np.inf, 4, 6, 8, 12, np.inf), "z {}"),
}
"""Group to the column that it cuts, at which numbers (the upper end belongs to the next), and in which words."""


def study_fills(
    table: EventTable, thresholds: Thresholds, rule: ExitRule, source: Source, assumptions: FillAssumptions
) -> pd.DataFrame:
    """One row a fill, in the order of reception; empty where nothing signals.

    number, received_at, decided_at, symbol, price_usd, z_tod, spread_bps, delay_s, net_bps, gross_bps, ended, held_s,
    mae_bps, mfe_bps, the groups (exit, hour, price, spread, shock, catalyst, provider, month) and the event's own
    columns. rule, assumptions: of the table's outcomes.
    """
    found = outcomes(table, thresholds, rule.name)
    event = np.flatnonzero(found.filled)
    event = event[np.argsort(table.events["received_at"].to_numpy()[event], kind="stable")]
    if not event.size:
        return pd.DataFrame(columns=["number", "day", "net_bps", "text"])
    k = found.trigger[event]
    went = held_positions(table, event, k, source, rule, assumptions)
    events = table.events.iloc[event].reset_index(drop=True)
    decided = pd.Series(pd.to_datetime(table.at[event, k], utc=True))
    known = {name: table.features[name][event, k] for name in ("price", "z_tod", "spread_bps")}
    frame = pd.DataFrame(
        {
            "number": np.arange(1, len(event) + 1),
            "received_at": events["received_at"],
            "decided_at": decided,
            "symbol": events["symbol"],
            "net_bps": found.net_bps[event],
            "gross_bps": found.gross_bps[event],
            **went,
            "price_usd": known["price"],
            "z_tod": known["z_tod"],
            "spread_bps": known["spread_bps"],
            "delay_s": (events["received_at"] - events["published_at"]).dt.total_seconds(),
            **{name: events[name] for name in ("catalyst", "provider", "day", "published_at", "text", "item_id")},
        }
    )
    frame["exit"] = frame["ended"].replace("", NOT_KNOWN)
    frame["hour"] = decided.dt.tz_convert(NEW_YORK).dt.strftime("%H:00")
    frame["month"] = frame["day"].dt.strftime("%Y-%m")
    for group, (column, edges, words) in BANDS.items():
        frame[group] = _cut(frame[column], edges, words)
    return frame


def _cut(values: "pd.Series[float]", edges: tuple[float, ...], words: str) -> "pd.Series[Any]":
    """Each value's interval in words, as categories in the order of the numbers."""
    names = []
    for low, high in itertools.pairwise(edges):
        if not np.isfinite(low) or low == 0:
            told = f"below {high:g}"
        elif not np.isfinite(high):
            told = f"{low:g} or more"
        else:
            told = f"{low:g} to {high:g}"
        names.append(words.format(told))
    cut = pd.cut(values, list(edges), right=False, labels=names)
    return cut.cat.add_categories([NOT_KNOWN]).fillna(NOT_KNOWN)
