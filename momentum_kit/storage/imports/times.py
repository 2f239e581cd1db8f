"""Foreign stamps -> microseconds since the epoch, UTC: a time whose zone nobody knows is refused, never guessed."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from momentum_kit.storage.imports.mapping import EPOCHS, Mapping

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

AWARE = r"(?:Z|[+-]\d\d:?\d\d)$"
NAIVE = "a time without a zone; give --map time_zone=America/New_York (or UTC)"
CLOCK_CHANGE = "does not exist, or exists twice, in {zone} (the clocks change); give the times in UTC"


class BadRow(ValueError):
    """One row is wrong: its index (from 0) and why."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index = index


def to_micros(column: "pa.ChunkedArray", mapping: Mapping) -> npt.NDArray[np.int64]:
    """Stamps -> int64 microseconds. Raises BadRow for the first that is missing, unreadable or without a zone."""
    import pyarrow as pa

    if column.null_count:
        raise BadRow(int(np.flatnonzero(column.is_null().to_numpy())[0]), "no time")
    if pa.types.is_timestamp(column.type):
        if column.type.tz:
            utc = column.cast(pa.timestamp("us", tz="UTC"), safe=False)
            return np.asarray(utc.cast(pa.int64()).to_numpy())
        return _localised(column.to_pandas(), mapping)
    if mapping.time_format in EPOCHS:
        return _epochs(column, EPOCHS[mapping.time_format])
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        raise BadRow(0, f"{column[0].as_py()!r} is a number; say what it counts: --map time_format=epoch_s (or _ms)")
    return _texts(column, mapping)


def _epochs(column: "pa.ChunkedArray", each_us: float) -> npt.NDArray[np.int64]:
    import pandas as pd

    numbers = pd.to_numeric(column.to_pandas(), errors="coerce")
    if numbers.isna().any():
        index = int(np.flatnonzero(numbers.isna())[0])
        raise BadRow(index, f"{column[index].as_py()!r} is not a count of seconds or parts of them")
    if each_us < 1:
        return np.asarray(numbers.to_numpy(np.int64) // round(1 / each_us))
    return np.asarray(np.rint(numbers.to_numpy(np.float64) * each_us), np.int64)


def _texts(column: "pa.ChunkedArray", mapping: Mapping) -> npt.NDArray[np.int64]:
    import pandas as pd
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(column)
    aware = pc.match_substring_regex(texts, AWARE).to_numpy()
    iso = mapping.time_format == "iso"
    pattern = "ISO8601" if iso else mapping.time_format
    if aware.any() or "%z" in pattern:
        if not aware.all() and iso:
            raise BadRow(int(np.flatnonzero(~aware)[0]), f"{texts[int(np.flatnonzero(~aware)[0])].as_py()!r}: {NAIVE}")
        return _values(pd.to_datetime(texts.to_pandas(), format=pattern, errors="coerce", utc=True), texts)
    parsed = pd.to_datetime(texts.to_pandas(), format=pattern, errors="coerce")
    _readable(parsed, texts)
    return _localised(parsed, mapping)


def _localised(naive: "pd.Series[Any]", mapping: Mapping) -> npt.NDArray[np.int64]:
    if not mapping.time_zone:
        raise BadRow(0, f"{naive.iloc[0]}: {NAIVE}")
    local = naive.dt.tz_localize(mapping.time_zone, ambiguous="NaT", nonexistent="NaT")
    if local.isna().any():
        index = int(np.flatnonzero(local.isna())[0])
        raise BadRow(index, f"{naive.iloc[index]} {CLOCK_CHANGE.format(zone=mapping.time_zone)}")
    return _as_micros(local)


def _values(parsed: "pd.Series[Any]", texts: "pa.ChunkedArray") -> npt.NDArray[np.int64]:
    _readable(parsed, texts)
    return _as_micros(parsed)


def _readable(parsed: "pd.Series[Any]", texts: "pa.ChunkedArray") -> None:
    if parsed.isna().any():
        index = int(np.flatnonzero(parsed.isna())[0])
        raise BadRow(index, f"{texts[index].as_py()!r} is not a time in the mapping's time_format")


def _as_micros(times: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    utc = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(utc.to_numpy("datetime64[us]").astype(np.int64))
