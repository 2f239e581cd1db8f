"""What a finished round trip went through, and what other exits of its family would have made of it; for reviews.

Both are read off the marks of its symbol: the close of each 5 s bar, and the bid as it then stood. What lay between two
marks is not seen, so that a stop that was touched and left again within 5 s counts as not touched, and the worst and
best are a little less far than they were. Nothing here decides anything: it is for looking back.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ended = Literal["stop", "target", "time"]

BAR_S = 5.0
EXACT_USD = 1e-9  # two prices that differ by less are one
LONGEST_GAP_S = 60.0
"""Without a mark for longer, nobody knows what was crossed meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What was seen of a symbol: seconds since a round trip's entry, last price and bid in USD, (N,) each, in order.

    bid: nan where none was quoted; then the price stands in for it.
    """

    at_s: Floats
    price: Floats
    bid: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Excursion:
    """Worst (MAE) and best (MFE) price while it was held, less the entry's, USD a share: at most 0, and at least 0."""

    worst_usd: float
    best_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedExit:
    """One exit of the family that a bracket can be: its stop, its target, None for none, and the longest holding time.

    stop, target: multiples of the distance from the price paid to the stop that was placed.
    """

    stop: float
    target: float | None
    hold_s: float

    @property
    def name(self) -> str:
        """In words, such as `stop x1, target x2, 15 min`."""
        target = "no target" if self.target is None else f"target x{self.target:g}"
        return f"stop x{self.stop:g}, {target}, {self.hold_s / 60:g} min"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """Where an exit would have sold: seconds after the entry, USD a share, and which part of it."""

    at_s: float
    price: float
    by: Ended


def excursion(entry: float, marks: Marks, held_s: float, fills: Sequence[float]) -> Excursion:
    """Of a round trip that was held for so long; fills: the prices of its own buys and sales, USD a share.

    nan where it was held for longer than a bar and nothing was seen of it meanwhile.
    """
    seen = marks.price[(marks.at_s > 0) & (marks.at_s <= held_s) & np.isfinite(marks.price)]
    if not seen.size and held_s > BAR_S:
        return Excursion(worst_usd=math.nan, best_usd=math.nan)
    together = np.append(seen, (entry, *fills))
    return Excursion(worst_usd=float(together.min() - entry), best_usd=float(together.max() - entry))


def sale(entry: float, stop_usd: float, marks: Marks, rule: ReviewedExit, close_s: float = math.inf) -> Sale | None:
    """Where this exit would have sold; None where the marks end, or pause for a minute, before it would have.

    entry: mean price paid. stop_usd: where the stop was placed. close_s: seconds until all is sold for the day.
    A stop sells at the bid that triggered it, which a gap may leave far below; a target at its own price, never better.
    """
    distance, last_s = entry - stop_usd, min(rule.hold_s, close_s)
    if not (0 < distance < math.inf and last_s > 0):
        return None
    stop = entry - rule.stop * distance
    target = math.inf if rule.target is None else entry + rule.target * distance
    before_s = 0.0
    for at_s, price, bid in zip(marks.at_s.tolist(), marks.price.tolist(), marks.bid.tolist(), strict=True):
        had = bid if 0 < bid < math.inf else price  # the broker says -1 where nobody bids
        if at_s <= 0 or not 0 < had < math.inf:
            continue  # the mark of the entry's own moment was made before it
        if at_s - before_s > LONGEST_GAP_S:
            return None
        before_s = at_s
        if had <= stop + EXACT_USD:
            return Sale(at_s=at_s, price=had, by="stop")
        if had >= target - EXACT_USD:
            return Sale(at_s=at_s, price=target, by="target")
        if at_s >= last_s:
            return Sale(at_s=at_s, price=had, by="time")
    return None


FAMILY: tuple[ReviewedExit, ...] = tuple(
    ReviewedExit(stop=stop, target=target, hold_s=60.0 * minutes)
    for stop in (0.5, 1.0, 1.5)
    for target in (1.0, 2.0, 3.0, None)
    for minutes in (5, 10, 15)
)
"""What a review tries. Longer than 15 minutes is not in it: so long a session watches a symbol after its headline."""
