"""The rows of one symbol are judged before they enter the archive; the first that is wrong is named."""

from datetime import datetime

import numpy as np
import numpy.typing as npt

from momentum_kit.sessions import NEW_YORK
from momentum_kit.storage.archive import SECONDS, Columns, from_micros
from momentum_kit.storage.imports.mapping import Mapping
from momentum_kit.storage.imports.times import BadRow

SIDES = ("bid_", "ask_")


def check(columns: Columns, mapping: Mapping) -> None:
    """Raise BadRow for the first row that is out of order or cannot be a bar."""
    _order(columns["start"], SECONDS[mapping.kind])
    if mapping.of_trades:
        _prices(columns, "")
        _first(~(columns["volume"] >= 0), "the volume is negative or missing")
        _first(
            columns["volume"] == 0, "no volume: a bar without a trade is none; --map drop_empty=true leaves them out"
        )
        _first(np.nan_to_num(columns["wap"], nan=1.0) <= 0, "the average price is not above zero")
        return
    for side in SIDES:
        _prices(columns, side)
        _first(columns[f"{side}size"] < 0, f"{side}size is negative")
    # Only open and close are the same instant on both sides: the highest bid may stand above a later, lower ask.
    for name in ("open", "close"):
        _first(columns[f"bid_{name}"] > columns[f"ask_{name}"], "crossed: bid above ask")


def _order(starts: npt.NDArray[np.int64], seconds: int) -> None:
    steps = np.diff(starts)
    _first(starts % (seconds * 1_000_000) != 0, f"not the start of a {seconds} s interval; is it the bar's end?")
    _first(np.append(False, steps == 0), "duplicate: the same time as the row before")
    _first(np.append(False, steps < 0), "unsorted: earlier than the row before; sort the file by time")
    _first(np.append(False, steps < seconds * 1_000_000), "overlaps the row before")


def _prices(columns: Columns, side: str) -> None:
    opened, high, low, closed = (columns[f"{side}{name}"] for name in ("open", "high", "low", "close"))
    for name, values in (("open", opened), ("high", high), ("low", low), ("close", closed)):
        _first(~np.isfinite(values), f"{side}{name} is missing or not a number")
        _first(values < 0, f"{side}{name} is negative")
        _first(values == 0, f"{side}{name} is zero")
    inside = (low <= np.minimum(opened, closed)) & (np.maximum(opened, closed) <= high)
    _first(~inside, f"{side}open or {side}close lies outside low and high")


def _first(bad: npt.NDArray[np.bool_], why: str) -> None:
    found = np.flatnonzero(bad)
    if found.size:
        raise BadRow(int(found[0]), why)


def told(start: int) -> str:
    """A time for a message: New York's clock."""
    at: datetime = from_micros(start).astimezone(NEW_YORK)
    return f"{at:%Y-%m-%d %H:%M:%S} New York"
