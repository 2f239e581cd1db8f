"""What other exits would have made of the trades of a review: HINDSIGHT, and each of them counted as a trial.

Whoever looks at 36 exits of the same trades has tried 36 strategies on these days, and the best of them is partly the
luckiest. So they are written to the ledger of trials first (research/sweep/ledger.py), and shown only then.
"""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pandas as pd

from momentum_kit.config import Thresholds
from momentum_kit.notebook.review.hindsight import FAMILY, ReviewedExit, sale
from momentum_kit.notebook.review.trades import Trade
from momentum_kit.research.sweep import Grid, TrialLedger

LEAST_DAYS = 2  # for a Sharpe ratio by day
BEFORE_CLOSE_S = 300.0  # a session is flat so long before its end


def other_exits(trades: Sequence[Trade], record: Path, family: Sequence[ReviewedExit] = FAMILY) -> pd.DataFrame:
    """One row an exit: on how many trades its end is known, what they net in USD and R, and beside that as lived.

    record: the folder of the ledger. Costs are those that were paid; mean_r and lived_r are of the trades whose risk is
    known. Raises StorageError where the trials could not be counted: then nothing is shown.
    """
    results = {rule.name: [_net(trade, rule) for trade in trades] for rule in family}
    _count(trades, results, record)
    lived = np.array([trade.net_usd for trade in trades])
    risk = np.array([trade.r_usd for trade in trades])
    rows = []
    for rule in family:
        net = np.array(results[rule.name])
        known = np.isfinite(net)
        rows.append(
            {
                "exit": rule.name,
                "trades": int(known.sum()),
                "not_known": int((~known).sum()),
                "net_usd": float(net[known].sum()) if known.any() else np.nan,
                "mean_r": _mean(net[known] / risk[known]),
                "lived_usd": float(lived[known].sum()) if known.any() else np.nan,
                "lived_r": _mean(lived[known] / risk[known]),
            }
        )
    frame = pd.DataFrame(rows)
    frame.insert(4, "more_usd", frame["net_usd"] - frame["lived_usd"])
    return frame


def _net(trade: Trade, rule: ReviewedExit) -> float:
    sold = sale(trade.entry_price, trade.stop_usd, trade.marks, rule, trade.to_close_s - BEFORE_CLOSE_S)
    return (sold.price - trade.entry_price) * trade.quantity - trade.costs_usd if sold else np.nan


def _mean(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan


def _count(trades: Sequence[Trade], results: dict[str, list[float]], record: Path) -> None:
    """As trials on the instrument days of these trades; a journal names no limits: the default ones stand for them."""
    thresholds = Thresholds()
    here = Grid({"min_z_tod": (thresholds.min_z_tod,)})  # one cell: the exits vary, what was entered does not
    days = np.array([np.datetime64(trade.day) for trade in trades])
    told = "\n".join(sorted(f"{trade.name} {trade.item_id} {trade.opened_at.isoformat()}" for trade in trades))
    key = int.from_bytes(blake2b(told.encode(), digest_size=8).digest())
    contents = {f"{trade.symbol} {trade.day}" for trade in trades}
    with TrialLedger(record / "trials.db") as ledger:
        for name, net in results.items():
            sharpe = np.array([_sharpe_day(np.array(net), days)])
            ledger.record(key, f"hindsight: {name}", here, thresholds, sharpe, len(trades), np.unique(days), contents)


def _sharpe_day(
    net: "np.ndarray[tuple[int], np.dtype[np.float64]]", days: "np.ndarray[tuple[int], np.dtype[np.datetime64]]"
) -> float:
    """Mean over deviation of a day's sum; nan for too few days."""
    known = np.isfinite(net)
    distinct, at = np.unique(days[known], return_inverse=True)
    if len(distinct) < LEAST_DAYS:
        return np.nan
    sums = np.bincount(at, net[known])
    spread = sums.std(ddof=1)
    return float(sums.mean() / spread) if spread else np.nan
