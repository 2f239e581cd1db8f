"""Fills together: by group with bands over days, and how features rank outcomes; for the tear sheet."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit
from scipy.stats import rankdata

from momentum_kit.research.events import EventTable
from momentum_kit.research.sweep import SweepResult, by_day
from momentum_kit.research.validation import Band, mean_band

GROUPS = ("exit", "hour", "price", "spread", "shock", "catalyst", "provider", "month")
FEW = 30
"""Fills below which a group is a rumour."""
LEAST_DAYS = 10
"""Days with a fill below which a band is none: of five, one in seven would leave out what it should hold."""
LEAST_RANKED_DAYS = 20
LEAST_RANKED = 30  # events with feature and outcome, below which a correlation is not given
SHOWN = 12  # groups of a kind: the rest are one row

Days = npt.NDArray[np.datetime64]
Floats = npt.NDArray[np.float64]


def grouped(fills: pd.DataFrame, by: str, days: Days) -> pd.DataFrame:
    """One row a group: fills, won, the mean net return with its 95% band over days, and what it brought in all.

    days: all that could have had a fill, ascending. mark: few, below FEW fills; the band is nan on too few days.
    """
    names = fills[by]
    if isinstance(names.dtype, pd.CategoricalDtype):
        order = [name for name in names.cat.categories if (names == name).any()]
    elif by in ("hour", "month"):
        order = sorted(names.unique())
    else:
        order = names.value_counts(sort=True).index.tolist()
    kept = order if len(order) <= SHOWN or by in ("hour", "month") else order[: SHOWN - 1]
    rows = [{by: name, **together(fills[names == name], days)} for name in kept]
    if rest := order[len(kept) :]:
        rows.append({by: f"{len(rest)} others", **together(fills[names.isin(rest)], days)})
    return pd.DataFrame(rows, columns=[by, "fills", "won", "net_bps", "low_bps", "high_bps", "sum_bps", "mark"])


def together(fills: pd.DataFrame, days: Days) -> dict[str, float | int | str]:
    """Some fills as one."""
    net = fills["net_bps"].to_numpy(float)
    of = fills["day"].to_numpy().astype("datetime64[D]")
    band = _band(by_day(days, of, net), by_day(days, of, np.ones(len(net))))
    return {
        "fills": len(net),
        "won": int((net > 0).sum()),
        "net_bps": band.estimate,
        "low_bps": band.low,
        "high_bps": band.high,
        "sum_bps": float(net.sum()),
        "mark": "few" if len(net) < FEW else "",
    }


def exit_table(looked: SweepResult) -> pd.DataFrame:
    """One row an exit rule for the one cell of a sweep: signals, fills, mean net return and its 95% band over days."""
    signals, rows = int(looked.sums.signals[:, 0].sum()), []
    for at, name in enumerate(looked.exits):
        fills = looked.sums.fills[at][:, 0].astype(float)
        band = _band(looked.daily_bps(name)[:, 0], fills)
        told = {"net_bps": band.estimate, "low_bps": band.low, "high_bps": band.high}
        rows.append({"exit": name, "signals": signals, "fills": int(fills.sum()), **told})
    return pd.DataFrame(rows)


def _band(sums: Floats, counts: Floats) -> Band:
    """Of the mean when whole days are drawn again; none where fewer than LEAST_DAYS had a fill: too narrow."""
    band = mean_band(sums, counts, reps=1000)
    return band if (counts > 0).sum() >= LEAST_DAYS else replace(band, low=math.nan, high=math.nan, p_value=math.nan)


def rank_correlations(table: EventTable, exit_rule: str) -> pd.DataFrame:
    """Spearman's rank correlation of each feature with the net return, over all events, whatever any rule says.

    Both at an event's first decision that fills. One row a feature: feature, events, ic, and its 95% band by clusters
    of days (not of symbols), strongest first; the band is nan on fewer than LEAST_RANKED_DAYS. Features that are not
    known of LEAST_RANKED events, or do not vary, are left out; so is everything where the outcome does not.
    """
    net = table.net_bps[exit_rule]
    filled = np.isfinite(net)
    rows = np.flatnonzero(filled.any(axis=1))
    k = filled[rows].argmax(axis=1)
    outcome, days = net[rows, k], table.days[rows]
    found = []
    for name, values in table.features.items():
        feature = values[rows, k]
        known = np.isfinite(feature)
        if known.sum() < LEAST_RANKED or np.ptp(feature[known]) == 0 or np.ptp(outcome[known]) == 0:
            continue
        ic, reach = _clustered(feature[known], outcome[known], days[known])
        found.append({"feature": name, "events": int(known.sum()), "ic": ic, "low": ic - reach, "high": ic + reach})
    frame = pd.DataFrame(found, columns=["feature", "events", "ic", "low", "high"])
    return frame.reindex(frame["ic"].abs().sort_values(ascending=False, kind="stable").index).reset_index(drop=True)


def _clustered(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], days: Days) -> tuple[float, float]:
    """Spearman's correlation and how far its 95% band reaches, whole days being one observation."""
    ranks = [(each - each.mean()) / each.std() for each in (rankdata(x), rankdata(y))]
    product = ranks[0] * ranks[1]
    ic = float(product.mean())
    # the influence of each event on the correlation, that on the two variances included
    influence = product - ic * (ranks[0] ** 2 + ranks[1] ** 2) / 2
    clusters = np.bincount(np.unique(days, return_inverse=True)[1], weights=influence)
    count = len(clusters)
    if count < LEAST_RANKED_DAYS:
        return ic, math.nan
    error = float(np.sqrt((clusters**2).sum() * count / (count - 1))) / len(x)
    return ic, float(stdtrit(count - 1, 0.975)) * error
