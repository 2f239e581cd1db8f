"""Bars and quotes of a foreign table: columns in our units, cut into symbols and days, every row judged.

What cannot be is refused by row; what vendors do leave open (a quote without one side, a quote that is crossed, a
volume of -1) goes by the mapping's policy or becomes unknown, and is counted.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ArchiveError
from momentum_kit.models import canonical_symbol
from momentum_kit.storage.archive import SECONDS, Columns, Provenance, Series, in_days
from momentum_kit.storage.imports.files import ForeignTable, stem
from momentum_kit.storage.imports.mapping import OPTIONAL, Mapping
from momentum_kit.storage.imports.report import CROSSED, NO_VOLUME, ONE_SIDED, REMEDY
from momentum_kit.storage.imports.times import BadRow, to_micros

if TYPE_CHECKING:
    import pyarrow as pa

# A ticker, with IB's class, preferred, warrant, right or unit behind a blank.
CLASS = r"[A-Z]|PR[A-Z]?|W[DIST][A-Z]?|RIGHT|RI|RT|UN|CL"
SYMBOL = re.compile(rf"[A-Z][A-Z0-9]{{0,7}}(?: (?:{CLASS}))?")
US = re.compile(r"[._]us(?=$|[._ -])", re.IGNORECASE)  # Stooq's and EODHD's mark of the country: aapl.us, BRK-B.US
SIDES = ("bid_", "ask_")
PRICES = ("open", "high", "low", "close")
_UNKNOWN = {"wap": np.nan, "count": -1.0, "bid_size": np.nan, "ask_size": np.nan}  # -1 is IB's "unknown" count
_SCALED_AS_PRICE = (*PRICES, "wap")

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def series_of(table: ForeignTable, origin: Provenance, marks: Counter[str]) -> Iterator[Series]:
    """A table's bars or quotes, a symbol and day at a time; marks counts what is unusual.

    Raises ArchiveError: the file, the first row that is wrong, and the remedy.
    """
    mapping = table.mapping
    try:
        _dollars(table)
        columns = _columns(table)
        for symbol, index in _by_symbol(table):
            chosen = {name: column[index] for name, column in columns.items()}
            with _rows_of(symbol, index):
                keep = _policies(chosen, mapping, marks)
            chosen, index = {name: column[keep] for name, column in chosen.items()}, index[keep]
            with _rows_of(symbol, index):
                check(chosen, mapping)
                if mapping.on_coarse == "refuse":
                    _spacing(chosen["start"], SECONDS[mapping.kind])
            yield from in_days(mapping.kind, symbol, chosen, origin)
    except BadRow as error:
        raise table.bad(error) from None


@contextmanager
def _rows_of(symbol: str, index: npt.NDArray[np.int64]) -> Iterator[None]:
    """Turn the number of a symbol's row into that of the file's."""
    try:
        yield
    except BadRow as error:
        raise BadRow(int(index[error.index]), f"{symbol}: {error}") from None


def _policies(columns: dict[str, npt.NDArray[Any]], mapping: Mapping, marks: Counter[str]) -> Flags:
    """Mark what is unknown, in place; True for the rows that stay."""
    keep = np.ones(len(columns["start"]), bool)
    if mapping.of_trades:
        volume = columns["volume"]
        unknown = volume == -1  # IB's word for it
        if unknown.any():
            columns["volume"] = np.where(unknown, np.nan, volume)
            marks[NO_VOLUME] += int(unknown.sum())
        return np.asarray(keep & (volume != 0)) if mapping.drop_empty else keep
    empty = {side: _empty_side(columns, side) for side in SIDES}
    for side, flags in empty.items():
        for name in (*PRICES, "size"):
            columns[f"{side}{name}"] = np.where(flags, np.nan, columns[f"{side}{name}"])
    nothing = np.flatnonzero(empty["bid_"] & empty["ask_"])
    if nothing.size:
        raise BadRow(int(nothing[0]), "neither bid nor ask")
    keep &= _by_policy(
        empty["bid_"] | empty["ask_"], mapping.on_one_sided, "a side is missing", "on_one_sided", ONE_SIDED, marks
    )
    # Only open and close are the same instant on both sides: the highest bid may stand above a later, lower ask.
    crossed = (columns["bid_open"] > columns["ask_open"]) | (columns["bid_close"] > columns["ask_close"])
    keep &= _by_policy(crossed, mapping.on_crossed, "crossed: bid above ask", "on_crossed", CROSSED, marks)
    return keep


def _by_policy(found: Flags, policy: str, why: str, option: str, what: str, marks: Counter[str]) -> Flags:
    """The rows that stay; those found are counted, or the first of them is refused."""
    at = np.flatnonzero(found)
    if not at.size:
        return np.ones(len(found), bool)
    if policy == "refuse":
        raise BadRow(int(at[0]), f"{why}; --map {option}=drop leaves such rows out, =keep takes them")
    marks[what if policy == "keep" else f"{what}, dropped"] += at.size
    return np.asarray(~found) if policy == "drop" else np.ones(len(found), bool)


def _empty_side(columns: Columns, side: str) -> Flags:
    """Rows that say nothing of a side: every price missing, or zero as some vendors write it."""
    prices = np.stack([columns[f"{side}{name}"] for name in PRICES])
    return np.asarray((np.isnan(prices) | (prices == 0)).all(axis=0))


def check(columns: Columns, mapping: Mapping) -> None:
    """Raise BadRow for the first row that is out of order or cannot be a bar."""
    _order(columns["start"], SECONDS[mapping.kind])
    if not mapping.of_trades:
        for side in SIDES:
            known = ~np.isnan(columns[f"{side}close"])
            _prices(columns, side, known)
            _first(columns[f"{side}size"] < 0, f"{side}size is negative")
        return
    _prices(columns, "", np.ones(len(columns["start"]), bool))
    _first(columns["volume"] < 0, "the volume is negative")
    _first(columns["volume"] == 0, "no volume: a bar without a trade is none; --map drop_empty=true leaves them out")
    _first(np.nan_to_num(columns["wap"], nan=1.0) <= 0, "the average price is not above zero")


def _order(starts: npt.NDArray[np.int64], seconds: int) -> None:
    steps = np.diff(starts)
    _first(starts % (seconds * 1_000_000) != 0, f"not the start of a {seconds} s interval; is it the bar's end?")
    _first(np.append(False, steps == 0), "duplicate: the same time as the row before")
    _first(np.append(False, steps < 0), "unsorted: earlier than the row before; sort the file by time")
    _first(np.append(False, steps < seconds * 1_000_000), "overlaps the row before")


def _spacing(starts: npt.NDArray[np.int64], seconds: int) -> None:
    """BadRow where every row stands on a longer interval than the kind's, and chance does not do it once in 1e9."""
    apart_s = int(np.gcd.reduce(np.diff(starts), initial=0)) // 1_000_000
    if apart_s and (len(starts) - 1) * math.log(apart_s / seconds) > math.log(1e9):
        longer = f"{apart_s // 60} minutes" if apart_s % 60 == 0 else f"{apart_s} s"
        raise BadRow(1, f"every row stands a multiple of {longer} from the others: no bars of {seconds} s; "
                        "--map on_coarse=keep takes them for sparse ones")  # fmt: skip


def _prices(columns: Columns, side: str, known: Flags) -> None:
    opened, high, low, closed = (columns[f"{side}{name}"] for name in PRICES)
    for name, values in zip(PRICES, (opened, high, low, closed), strict=True):
        _first(known & ~np.isfinite(values), f"{side}{name} is missing or not a number")
        _first(values < 0, f"{side}{name} is negative")
        _first(values == 0, f"{side}{name} is zero")
    inside = (low <= np.minimum(opened, closed)) & (np.maximum(opened, closed) <= high)
    _first(known & ~inside, f"{side}open or {side}close lies outside low and high")


def _first(bad: Flags, why: str) -> None:
    found = np.flatnonzero(bad)
    if found.size:
        raise BadRow(int(found[0]), why)


def _columns(table: ForeignTable) -> dict[str, npt.NDArray[Any]]:
    mapping = table.mapping
    stamps = table.column("start")
    assert stamps is not None  # it is needed, so column() has raised
    starts = to_micros(stamps, mapping)
    if mapping.stamp == "end":
        starts = starts - SECONDS[mapping.kind] * 1_000_000
    columns: dict[str, npt.NDArray[Any]] = {"start": starts}
    for name in mapping.numbers:
        column = table.column(name)
        if column is None:
            columns[name] = np.full(len(starts), _UNKNOWN[name])
            continue
        values = _numbers(column, name, mapping)
        if name.endswith(_SCALED_AS_PRICE):
            values = _scaled(values, mapping.price_scale)
        elif name != "count":
            values = np.where(values == -1, values, _scaled(values, mapping.volume_scale))  # -1 says unknown
        columns[name] = values
    return columns


def _scaled(values: Floats, scale: float) -> Floats:
    """Times the scale; divided where its inverse is whole (0.01, 1e-9), which keeps decimals exact."""
    inverse = round(1 / scale)
    if scale < 1 and abs(inverse * scale - 1) < 1e-9:
        return values / inverse
    return values * scale


def _numbers(column: "pa.ChunkedArray", name: str, mapping: Mapping) -> Floats:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(column.type):
        raise BadRow(0, f"{name} is {column[0].as_py()}, not a number")
    if pa.types.is_float32(column.type) or pa.types.is_float16(column.type):
        column = column.cast(pa.string()).cast(pa.float64())  # 4.99 as it was written, not 4.98999977
    if pa.types.is_string(column.type):
        column = pc.utf8_trim_whitespace(column)
        if mapping.thousands:
            column = pc.replace_substring(column, mapping.thousands, "")
        if mapping.decimal != ".":
            column = pc.replace_substring(column, mapping.decimal, ".")
    series = column.to_pandas()
    values = pd.to_numeric(series, errors="coerce").to_numpy(np.float64)
    missing = np.isnan(values)
    # a side of a quote may be empty, and what is optional may be too; text that is no number never counts as missing
    may_miss = name in OPTIONAL or not mapping.of_trades
    given = ~(series.isna().to_numpy() | (series.astype(str).str.strip() == "").to_numpy())
    bad = np.flatnonzero(missing & (given if may_miss else True))
    if bad.size:
        text = column[int(bad[0])].as_py()
        raise BadRow(int(bad[0]), f"{name} is {text!r}, not a number{_number_hint(text, mapping)}")
    return np.asarray(np.where(missing, _UNKNOWN.get(name, np.nan), values))


def _number_hint(text: Any, mapping: Mapping) -> str:
    """The option that would read it."""
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", str(text)) and not mapping.thousands:
        return "; --map thousands=,"
    if re.fullmatch(r"-?[\d.]*\d,\d+", str(text)) and mapping.decimal == ".":
        return "; --map decimal=,"
    return ""


def _dollars(table: ForeignTable) -> None:
    currencies = np.array([each.upper() for each in table.texts("currency")])
    if table.column("currency") is None:
        return
    other = np.flatnonzero(currencies != "USD")
    if other.size:
        index = int(other[0])
        words = "mixed currencies: " if (currencies == "USD").any() else ""
        raise BadRow(index, f"{words}{currencies[index] or 'no currency'}; the archive keeps USD only")


def _by_symbol(table: ForeignTable) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Each symbol with the indices of its rows, in the order of the file."""
    if table.column("symbol") is None:
        yield _symbol_of_all(table), np.arange(table.rows.num_rows)
        return
    given, codes = np.unique(np.array(table.texts("symbol"), dtype=str), return_inverse=True)
    spelled: dict[str, list[int]] = {}
    for code, text in enumerate(given.tolist()):
        symbol = read_symbol(text)
        if symbol is None:
            raise BadRow(int(np.flatnonzero(codes == code)[0]), f"{text!r} is not a symbol")
        spelled.setdefault(symbol, []).append(code)
    for symbol, of_symbol in spelled.items():
        yield symbol, np.flatnonzero(np.isin(codes, of_symbol))


def _symbol_of_all(table: ForeignTable) -> str:
    """The symbol of a file whose rows name none: the mapping's, or by {file} what the file is called."""
    wanted = table.mapping.symbol
    if not wanted:
        raise ArchiveError(f"{table.file}: whose rows are these? give --map symbol=SPY or columns.symbol=...")
    name = wanted.replace("{file}", stem(table.file))
    symbol = _symbol_of_name(name) if wanted == "{file}" else read_symbol(name)
    if symbol is None:
        raise ArchiveError(f"{table.file}: {name!r} is not a symbol; {REMEDY}")
    return symbol


def _symbol_of_name(name: str) -> str | None:
    """The symbol that a file is called by: AAPL of AAPL_1min and aapl.us, BRK B of BRK.B and BRK.B_full_1min.

    What holds a digit is no class of shares; a word that is neither, such as AAPL_trades, leaves it open: None.
    """
    first, *rest = re.split(r"[._ -]", US.sub("", name), maxsplit=2)
    if not rest or not re.search(r"\d", "".join(rest)):
        return read_symbol(name)
    if re.search(r"\d", rest[0]) or not re.fullmatch(CLASS, rest[0].upper()):
        return read_symbol(first)
    return read_symbol(f"{first}-{rest[0]}")


def read_symbol(text: str) -> str | None:
    """A vendor's symbol as IB spells it; None for what is none, such as the mixed case that marks other securities."""
    text = US.sub("", text)
    if not text.islower() and any(each.islower() for each in text) and " PR" not in canonical_symbol(text):
        return None
    symbol = canonical_symbol(text.replace("_", "-"))
    return symbol if SYMBOL.fullmatch(symbol) else None
