"""Foreign stamps -> microseconds since the epoch, UTC: a time whose zone nobody knows is refused, never guessed."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from momentum_kit.storage.archive import micros, now
from momentum_kit.storage.imports.mapping import EPOCHS, Mapping

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# An offset stands behind a time of day; "-09:30" behind a date is a time itself, and so the date's parts are no offset.
AWARE = r"(?i)(?:\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?|T\d{4}(?:\d\d(?:[.,]\d+)?)?)\s?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)$"
NAMED_UTC = r"(?i)\s?(?:UTC|GMT)$"
NUMBER = r"^\d{9,}(?:\.\d*)?$"
HOUR = r"%-?[HIcTX]|%R"  # what tells an hour in a pattern
DATE = r"^\d{4}-?\d\d-?\d\d$"
NO_HOUR = "a date without a time of day; daily rows are no part of this archive"
NAIVE = "a time without a zone; give --map time_zone=America/New_York (or UTC)"
EARLIEST_US = micros(datetime(1990, 1, 1, tzinfo=UTC))
CLOCK_CHANGE = "does not exist, or exists twice, in {zone} (the clocks change); give the times in UTC"


class BadRow(ValueError):
    """One row is wrong: its index (from 0) and why."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(why)
        self.index = index


def to_micros(column: "pa.ChunkedArray", mapping: Mapping) -> npt.NDArray[np.int64]:
    """Stamps -> int64 microseconds. Raises BadRow for the first that is missing, unreadable, without a zone or absurd.

    Absurd is what lies before 1990 or after next year: mostly a count read in the wrong unit.
    """
    import pyarrow as pa

    if column.null_count:
        raise BadRow(int(np.flatnonzero(column.is_null().to_numpy())[0]), "no time")
    if pa.types.is_date(column.type):
        raise BadRow(0, f"{column[0].as_py()}: {NO_HOUR}")
    if pa.types.is_timestamp(column.type):
        if column.type.tz:
            utc = column.cast(pa.timestamp("us", tz="UTC"), safe=False)
            times = np.asarray(utc.cast(pa.int64()).to_numpy())
        else:
            times = _localised(column.to_pandas(), mapping)
    elif mapping.time_format in EPOCHS:
        return _epochs(column, mapping.time_format)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        times = _texts(column, mapping)
    else:
        raise BadRow(0, f"{column[0].as_py()!r} is a number; say what it counts: {_unit_of(column[0].as_py())}")
    absurd = np.flatnonzero((times < EARLIEST_US) | (times >= _latest_us()))
    if absurd.size:
        index = int(absurd[0])
        raise BadRow(index, f"{column[index].as_py()} is not between 1990 and next year")
    return times


def _epochs(column: "pa.ChunkedArray", unit: str) -> npt.NDArray[np.int64]:
    import pandas as pd

    numbers = pd.to_numeric(column.to_pandas(), errors="coerce")
    if numbers.isna().any():
        index = int(np.flatnonzero(numbers.isna())[0])
        raise BadRow(index, f"{column[index].as_py()!r} is not a count of seconds or parts of them")
    about_us = numbers.to_numpy(np.float64) * EPOCHS[unit]
    absurd = np.flatnonzero((about_us < EARLIEST_US) | (about_us >= _latest_us()))
    if absurd.size:
        index = int(absurd[0])
        text = column[index].as_py()
        raise BadRow(index, f"{text} as {unit} is not between 1990 and next year; try {_unit_of(text)}")
    if unit == "epoch_ns":  # 64-bit floats would lose parts of a microsecond
        return np.asarray(numbers.to_numpy(np.int64) // 1000)
    return np.asarray(np.rint(about_us), np.int64)


def _unit_of(number: Any) -> str:
    """The option that makes a time of a bare number, by its size."""
    fitting = [unit for unit, each_us in EPOCHS.items() if EARLIEST_US <= float(number) * each_us < _latest_us()]
    return f"--map time_format={fitting[0]}" if fitting else "no unit of time since 1970 fits"


def _latest_us() -> int:
    return micros(datetime(now().year + 2, 1, 1, tzinfo=UTC))


def _texts(column: "pa.ChunkedArray", mapping: Mapping) -> npt.NDArray[np.int64]:
    import pandas as pd
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(column)
    iso = mapping.time_format == "iso"
    pattern = "ISO8601" if iso else mapping.time_format
    if iso:
        bare = np.flatnonzero(pc.match_substring_regex(texts, NUMBER).to_numpy())
        if bare.size:
            text = texts[int(bare[0])].as_py()
            raise BadRow(int(bare[0]), f"{text!r} is a number; say what it counts: {_unit_of(text)}")
        dates = np.flatnonzero(pc.match_substring_regex(texts, DATE).to_numpy())
        if dates.size:
            raise BadRow(int(dates[0]), f"{texts[int(dates[0])].as_py()!r}: {NO_HOUR}")
    elif not re.search(HOUR, pattern):
        raise BadRow(0, f"time_format {pattern} has no hour: {NO_HOUR}")
    # a pattern without %z leaves no place for an offset: what looks like one is a part of the date or time
    aware = pc.match_substring_regex(texts, AWARE).to_numpy() if iso else np.full(len(texts), "%z" in pattern)
    if aware.any():
        if not aware.all():
            raise BadRow(int(np.flatnonzero(~aware)[0]), f"{texts[int(np.flatnonzero(~aware)[0])].as_py()!r}: {NAIVE}")
        if iso:
            texts = pc.replace_substring_regex(texts, NAMED_UTC, "Z")
        parsed = pd.to_datetime(texts.to_pandas(), format=pattern, errors="coerce", utc=True)
        _readable(parsed, texts, mapping.time_format)
        return _as_micros(parsed)
    parsed = pd.to_datetime(texts.to_pandas(), format=pattern, errors="coerce")
    _readable(parsed, texts, mapping.time_format)
    return _localised(parsed, mapping)


def _localised(naive: "pd.Series[Any]", mapping: Mapping) -> npt.NDArray[np.int64]:
    if not mapping.time_zone:
        raise BadRow(0, f"{naive.iloc[0]}: {NAIVE}")
    local = naive.dt.tz_localize(mapping.time_zone, ambiguous="NaT", nonexistent="NaT")
    if local.isna().any():
        index = int(np.flatnonzero(local.isna())[0])
        raise BadRow(index, f"{naive.iloc[index]} {CLOCK_CHANGE.format(zone=mapping.time_zone)}")
    return _as_micros(local)


def _readable(parsed: "pd.Series[Any]", texts: "pa.ChunkedArray", pattern: str) -> None:
    if parsed.isna().any():
        index = int(np.flatnonzero(parsed.isna())[0])
        hint = "; say how it is written, such as --map 'time_format=%m/%d/%Y %H:%M'" if pattern == "iso" else ""
        raise BadRow(index, f"{texts[index].as_py()!r} is not a time in the mapping's time_format{hint}")


def _as_micros(times: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    utc = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(utc.to_numpy("datetime64[us]").astype(np.int64))
