"""What one set of thresholds does to a table: the first trigger of each event, its outcome, and how close it was."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable
from momentum_kit.research.sweep.bins import bin_table
from momentum_kit.research.sweep.grid import Grid

Array = npt.NDArray[np.float64]

UNITS = {
    "price range": "USD", "move": "%", "z": "", "rvol bar": "x", "rvol cum": "x", "dollar volume": "USD", "trades": "",
    "spread": "bps", "close location": "", "extension": "%",
}  # fmt: skip
"""Rule of detection/live/rules.py to the unit of its margin."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """One set of thresholds on a table: per event the deciding k (-1: no signal), and the net and gross return in bps.

    nan: no signal, or a signal without a fill.
    """

    trigger: npt.NDArray[np.intp]
    net_bps: Array
    gross_bps: Array

    @property
    def signalled(self) -> npt.NDArray[np.bool_]:
        """(N,) True where the event signals."""
        return self.trigger >= 0

    @property
    def filled(self) -> npt.NDArray[np.bool_]:
        """(N,) True where the signal has an outcome."""
        return np.isfinite(self.net_bps)


def holds(table: EventTable, thresholds: Thresholds) -> npt.NDArray[np.bool_]:
    """(N, K) True where every rule and every gate lets the decision pass; the comparisons are those of the sweep."""
    bins = bin_table(table, Grid({"min_z_tod": (thresholds.min_z_tod,)}), thresholds)
    return np.asarray(bins.alive & (bins.codes[0] > 0))


def first_triggers(table: EventTable, thresholds: Thresholds) -> npt.NDArray[np.intp]:
    """(N,) the first decision time at which all rules hold; -1 where there is none."""
    passing = holds(table, thresholds)
    return np.where(passing.any(axis=1), passing.argmax(axis=1), -1)


def outcomes(table: EventTable, thresholds: Thresholds, exit_rule: str) -> Outcomes:
    """What the signals of these thresholds brought with one exit rule; ResearchError for a rule that is not there."""
    if exit_rule not in table.net_bps:
        raise ResearchError(f"no outcomes for the exit rule {exit_rule}; known: {', '.join(table.net_bps) or '-'}")
    trigger = first_triggers(table, thresholds)
    rows = np.arange(len(table))
    signalled = trigger >= 0
    net = np.where(signalled, table.net_bps[exit_rule][rows, trigger], np.nan)
    gross = np.where(signalled, table.gross_bps[exit_rule][rows, trigger], np.nan)
    return Outcomes(trigger, net, gross)


def by_day(days: npt.NDArray[np.datetime64], of: npt.NDArray[np.datetime64], values: Array) -> Array:
    """(D,) sums of the values by day; nan counts for nothing. days: (D,) ascending, `of`: (N,) all among them."""
    sums = np.bincount(np.searchsorted(days, of), weights=np.nan_to_num(values), minlength=len(days))
    return np.asarray(sums, dtype=float)


def margins(table: EventTable, thresholds: Thresholds) -> dict[str, Array]:
    """Rule -> (N, K) by how much a decision passes (negative: fails) in the threshold's unit; nan where not known."""
    f, t = table.features, thresholds
    move = np.fmax(np.expm1(f["ret_60s"]) - t.min_ret_60s, np.expm1(f["ret_300s"]) - t.min_ret_300s)
    since_news = f["ret_news"] - t.min_ret_news
    return {
        "price range": np.minimum(f["price"] - t.min_price_usd, t.max_price_usd - f["price"]),
        "move": 100 * np.where(since_news < 0, since_news, move),
        "z": f["z_tod"] - t.min_z_tod,
        "rvol bar": f["rvol_bar"] - t.min_rvol_bar,
        "rvol cum": f["rvol_cum"] - t.min_rvol_cum,
        "dollar volume": f["dollar_volume_60s"] - t.min_dollar_volume_60s_usd,
        "trades": f["trades_60s"] - t.min_trades_60s,
        "spread": np.minimum(t.max_spread_bps, t.max_spread_share * f["ret_news"] * 1e4) - f["spread_bps"],
        "close location": f["clv"] - t.min_clv,
        "extension": 100 * (t.max_extension - f["ret_news"]),
    }


def margin_frame(table: EventTable, thresholds: Thresholds) -> pd.DataFrame:
    """One row a signal: item_id, symbol, at, and the margin of every rule at the deciding time."""
    trigger = first_triggers(table, thresholds)
    rows = np.flatnonzero(trigger >= 0)
    frame = table.events.loc[rows, ["item_id", "symbol"]].reset_index(drop=True)
    frame["at"] = pd.to_datetime(table.at[rows, trigger[rows]], utc=True)
    for rule, values in margins(table, thresholds).items():
        frame[rule] = values[rows, trigger[rows]]
    return frame


def only_failure(table: EventTable, thresholds: Thresholds) -> Mapping[str, int]:
    """Rule -> events without a signal that failed nothing but this rule at some decision time: what one limit cost."""
    failed = {rule: ~(values >= 0) for rule, values in margins(table, thresholds).items()}
    number = np.sum(list(failed.values()), axis=0)
    silent = (first_triggers(table, thresholds) < 0)[:, None] & (table.gate == 0) & (number == 1)
    return {rule: int((silent & values).any(axis=1).sum()) for rule, values in failed.items()}
