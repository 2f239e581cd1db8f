"""Names instrument days by their content: the path of a day's prices, whatever the symbol, the folder or the vendor.

What was tried and looked at belongs to the days themselves: a copy of an archive, one in a temporary folder and one
with other names hold the same days, and research remembers them (sweep/ledger.py, seal_log.py).
"""

from datetime import date
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from momentum_kit.detection.batch import BarColumns
from momentum_kit.research.source import Source, bars_of
from momentum_kit.storage.archive import BARS, BARS_5S, day_bounds

_MARKS_US = np.arange(9 * 60 + 40, 16 * 60 + 1, 20) * 60_000_000  # every 20 minutes of regular hours
_DIGITS = 4  # of a price over the first one: the same before and after a split's adjustment
_LEAST_PRICES = 4  # different ones, below which a day's path is no mark of it


def day_contents(bars: BarColumns, days: list[date]) -> list[str]:
    """A hash of each day's path; empty where too little was traded to tell the day from another."""
    return [_content(bars, day) for day in days]


def named_day(source: Source, symbol: str, day: date) -> str:
    """One instrument day as events name it."""
    minutes = bars_of(source, BARS, symbol, day, day)
    bars = minutes if minutes.end.size else bars_of(source, BARS_5S, symbol, day, day)
    return _content(bars, day) or f"{symbol} {day}"


def _content(bars: BarColumns, day: date) -> str:
    midnight, after = day_bounds(day)
    first, last = np.searchsorted(bars.end, (midnight, after), side="right")
    marked = np.searchsorted(bars.end[first:last], midnight + _MARKS_US, side="right") - 1
    closes = bars.close[first:last][marked[marked >= 0]]
    if not closes.size or not closes[0] > 0:
        return ""
    path: npt.NDArray[np.int64] = np.rint(closes / closes[0] * 10**_DIGITS).astype(np.int64)
    if len(np.unique(path)) < _LEAST_PRICES:
        return ""
    return blake2b(path.tobytes(), digest_size=8).hexdigest()
