"""What an event study is grouped by: columns of the events, and classes of what was known at the first decision."""

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ResearchError
from momentum_kit.research.event_study.event_study import buckets, deciles
from momentum_kit.research.events import EventTable

GROUPS = ("all", "provider", "catalyst", "session", "price", "shock")
PRICE_EDGES_USD = (2.0, 5.0, 10.0)


def groups(table: EventTable, by: str) -> npt.NDArray[np.str_]:
    """(N,) the group of each event; ResearchError for a grouping that is not in GROUPS.

    price: the last one before the headline. shock: tenths of the 60 s return over its usual size, at the event's first
    decision time at which that was known.
    """
    if by not in GROUPS:
        raise ResearchError(f"study: cannot group by {by}; choose one of {', '.join(GROUPS)}")
    if by == "all":
        return np.full(len(table), "all")
    if by == "price":
        return buckets(first_known(table, "anchor"), PRICE_EDGES_USD, "USD")
    if by == "shock":
        return deciles(first_known(table, "z_tod"))
    return table.events[by].to_numpy(str)


def first_known(table: EventTable, feature: str) -> npt.NDArray[np.float64]:
    """(N,) a feature at each event's first decision time that has it; nan where none has."""
    values = table.features[feature]
    known = np.isfinite(values)
    first = values[np.arange(len(table)), known.argmax(axis=1)]
    return np.where(known.any(axis=1), first, np.nan)
