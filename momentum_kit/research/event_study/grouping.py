"""What an event study is grouped by: columns of the events, and classes of what was known at the first decision."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import stats

from momentum_kit.errors import ResearchError
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
        return buckets(first_known(table.features["anchor"]), PRICE_EDGES_USD, "USD")
    if by == "shock":
        return deciles(first_known(table.features["z_tod"]))
    return table.events[by].to_numpy(str)


def first_known(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N,) of a feature or an outcome (N, K): at each event's first decision time that has it; nan where none has."""
    known = np.isfinite(values)
    first = values[np.arange(len(values)), known.argmax(axis=1)]
    return np.where(known.any(axis=1), first, np.nan)


def deciles(values: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """Which tenth of all events a value falls into, "01" (smallest) to "10", "unknown" where it is nan."""
    known = np.asarray(values, float)
    finite = np.isfinite(known)
    names = np.full(known.shape, "unknown", dtype="<U7")
    ranks = stats.rankdata(known[finite], method="average")
    tenth = np.minimum((ranks - 0.5) / max(finite.sum(), 1) * 10, 9).astype(int) + 1
    names[finite] = np.char.zfill(tenth.astype(str), 2)
    return names


def buckets(values: npt.ArrayLike, edges: Sequence[float], unit: str = "") -> npt.NDArray[np.str_]:
    """Which interval of `edges` a value falls into, in words that sort: "2: 1 to 5 USD"; "unknown" where it is nan."""
    known = np.asarray(values, float)
    index = np.searchsorted(edges, known, side="right")
    words = [f"below {edges[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(edges))]
    words.append(f"from {edges[-1]:g}")
    named = np.array([f"{i + 1}: {word} {unit}".rstrip() for i, word in enumerate(words)] + ["unknown"])
    return np.asarray(named[np.where(np.isnan(known), len(words), index)])
