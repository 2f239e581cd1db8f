"""The other half of an event study: what buying every event at each decision time would have brought, net of costs."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from momentum_kit.errors import ResearchError
from momentum_kit.research.event_study.event_study import AbnormalReturns, day_bands
from momentum_kit.research.events import EventTable


def net_by_delay(table: EventTable, exit_name: str, names: npt.NDArray[np.str_] | None = None) -> pd.DataFrame:
    """One row a group and decision time: group, delay_s, events, fills, mean_bps, low_bps, high_bps (95%, by day).

    delay_s: median seconds from reception. No rule is applied and no gate: what thresholds must improve on. names: (N,)
    group of each event, None for all as one. Raises ResearchError for an exit rule without outcomes.
    """
    if exit_name not in table.net_bps:
        raise ResearchError(f"study: no outcomes for the exit rule {exit_name}; known: {', '.join(table.net_bps)}")
    received = table.events["received_at"].dt.tz_localize(None).to_numpy("datetime64[us]")
    delay = (table.at - received[:, None]) / np.timedelta64(1, "s")
    groups = np.full(len(table), "all") if names is None else names
    rows = []
    for name in np.unique(groups):
        chosen = groups == name
        net = table.net_bps[exit_name][chosen]
        some = np.isfinite(net).any(axis=0)
        low, high = day_bands(net, table.days[chosen], np.random.default_rng(0))
        fills = np.isfinite(net).sum(axis=0)
        frame = pd.DataFrame(
            {
                "group": name,
                "delay_s": [np.nanmedian(part) if np.isfinite(part).any() else np.nan for part in delay[chosen].T],
                "events": (~np.isnat(table.at[chosen])).sum(axis=0),
                "fills": fills,
                "mean_bps": np.where(some, np.nansum(net, axis=0) / np.maximum(fills, 1), np.nan),
                "low_bps": low,
                "high_bps": high,
            }
        )
        rows.append(frame[some])
    found: pd.DataFrame = pd.concat(rows, ignore_index=True)
    return found


def group_table(found: AbnormalReturns, net: pd.DataFrame, delay_s: float = 10.0) -> pd.DataFrame:
    """One row a group: events, days, the drift before, the move after 10, 60 and 900 s, and the net of a buyer.

    The moves are means in bps before costs. net_bps, with its 95% band by day: bought without any rule at the decision
    time next to delay_s after reception.
    """
    table = found.groups[["group", "events", "days", "drift_before_bps", "drift_before_t"]].copy()
    moves = found.curves.pivot(index="group", columns="offset_s", values="mean_bps")
    for offset in (10, 60, 900):
        if offset in moves:
            table[f"after_{offset}s"] = table["group"].map(moves[offset])
    near = net.loc[(net["delay_s"] - delay_s).abs().groupby(net["group"]).idxmin()].set_index("group")
    for shown, column in (("net_bps", "mean_bps"), ("net_low", "low_bps"), ("net_high", "high_bps")):
        table[shown] = table["group"].map(near[column])
    table["mark"] = found.groups["mark"]
    return table
