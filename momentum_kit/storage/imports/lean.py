"""QuantConnect Lean's minute zips -> archive: every row is checked, and one bad row imports nothing."""

import csv
import hashlib
import io
import lzma
import math
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from momentum_kit.errors import ArchiveError
from momentum_kit.models import Bar, canonical_symbol
from momentum_kit.sessions import NEW_YORK
from momentum_kit.storage.archive import BARS, QUOTES, Archive, Provenance, QuoteBar, Series
from momentum_kit.storage.imports.mapping import Policy
from momentum_kit.storage.imports.report import CROSSED, ONE_SIDED, REMEDY, ImportReport

NAME = re.compile(r"(?P<day>\d{8})_(?P<what>trade|quote)\.zip")
KINDS = {"trade": BARS, "quote": QUOTES}
PRICE_SCALE = 10_000  # Lean stores equity prices as integers of 1/10,000 USD
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
MOST_BYTES = 16 * 1024**2  # a day has 1,440 minutes of some 60 bytes each
BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, RuntimeError,
    ValueError, OverflowError,
)  # fmt: skip
UNKNOWN = "unknown"  # stands in a row where a quote's side is empty


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One zip of Lean's: what it holds, by its name and folder."""

    file: Path
    kind: str
    symbol: str
    day: date


def import_lean(
    path: str | Path, archive: Archive, on_crossed: Policy = "refuse", on_one_sided: Policy = "keep"
) -> ImportReport:
    """Import every minute zip at or below `path`: .../minute/SYMBOL/YYYYMMDD_{trade,quote}.zip.

    A file whose content the archive already has is left alone, so importing twice changes nothing. Prices stay as
    Lean has them on disk, unadjusted. A quote's side that Lean left empty (before the open nobody may bid) is unknown:
    nan, counted in the report. on_crossed, on_one_sided: whether such quotes are dropped, kept or refused. Raises
    ArchiveError: the file, the row and the remedy; nothing is imported then.
    """
    sources = _find(Path(path))
    rows = 0
    unchanged = 0
    marks = Counter[str]()
    policies = {CROSSED: on_crossed, ONE_SIDED: on_one_sided}

    def fresh() -> Iterator[Series]:
        nonlocal rows, unchanged
        for source in sources:
            series = _read(source, policies, marks)
            rows += len(series.rows)
            if _known(series, archive):
                unchanged += 1
            else:
                yield series

    imported = archive.extend(fresh())
    symbols = tuple(sorted({source.symbol for source in sources}))
    days = tuple(sorted({source.day.isoformat() for source in sources}))
    return ImportReport(
        imported=imported, unchanged=unchanged, rows=rows, symbols=symbols, days=days,
        marks=marks,
    )  # fmt: skip


def _find(path: Path) -> list[_Source]:
    if not path.exists():
        raise ArchiveError(f"{path}: no such file or folder")
    files = sorted(path.rglob("*.zip")) if path.is_dir() else [path]
    found = []
    for file in files:
        name = NAME.fullmatch(file.name)
        if name and file.resolve().parent.parent.name == "minute":
            try:
                day = datetime.strptime(name["day"], "%Y%m%d").replace(tzinfo=NEW_YORK).date()
            except ValueError:
                raise ArchiveError(f"{file}: {name['day']} is not a day; {REMEDY}") from None
            found.append(
                _Source(
                    file=file, kind=KINDS[name["what"]], symbol=canonical_symbol(file.resolve().parent.name), day=day
                )
            )
    if not found:
        raise ArchiveError(f"{path}: no Lean minute data here; expected .../minute/SYMBOL/YYYYMMDD_trade.zip")
    return found


def _known(series: Series, archive: Archive) -> bool:
    key = (series.kind, series.symbol, series.day)
    try:
        return archive.holds(*key) and archive.provenance(*key).sha256 == series.provenance.sha256
    except ArchiveError:
        return False  # the archive's file is damaged: this import replaces it


def _read(source: _Source, policies: Mapping[str, Policy], marks: Counter[str]) -> Series:
    try:
        with source.file.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        with zipfile.ZipFile(io.BytesIO(content)) as zipped:
            names = zipped.namelist()
            if len(names) != 1:
                raise ArchiveError(f"{source.file}: expected one CSV inside, found {len(names)}; {REMEDY}")
            with zipped.open(names[0]) as packed:
                inside = packed.read(MOST_BYTES + 1)
        if max(len(content), len(inside)) > MOST_BYTES:
            raise ArchiveError(f"{source.file}: more than {MOST_BYTES >> 20} MB for one day's minutes; {REMEDY}")
        text = inside.decode("ascii")
    except OSError as error:
        raise ArchiveError(f"{source.file}: {error.strerror or error}; {REMEDY}") from None
    except UnicodeDecodeError:
        raise ArchiveError(f"{source.file}: what is inside is not text; {REMEDY}") from None
    except BROKEN as error:
        raise ArchiveError(f"{source.file}: broken zip ({error}); {REMEDY}") from None
    rows = list(_rows(source, text, policies, marks))
    if not rows:
        raise ArchiveError(f"{source.file}: empty, not a single row; {REMEDY}")
    origin = Provenance(
        source=f"QuantConnect Lean, {source.file.parent.name}/{source.file.name}",
        sha256=hashlib.sha256(content).hexdigest(),
        imported_at=datetime.now(UTC),
        adjusted=False,
    )
    return Series(kind=source.kind, symbol=source.symbol, day=source.day, rows=rows, provenance=origin)  # type: ignore[arg-type]  # one kind a file


def _rows(source: _Source, text: str, policies: Mapping[str, Policy], marks: Counter[str]) -> Iterator[Bar | QuoteBar]:
    parse: Callable[[datetime, list[float]], Bar | QuoteBar] = _bar if source.kind == BARS else _quote_bar
    columns = 6 if source.kind == BARS else 11
    midnight = datetime.combine(source.day, time(), NEW_YORK)
    before = -1
    for number, cells in enumerate(csv.reader(io.StringIO(text)), start=1):
        try:
            if len(cells) != columns:
                raise ValueError(f"expected {columns} columns, found {len(cells)}")
            offset_ms, *values = _numbers(_with_empty_sides(cells) if source.kind == QUOTES else cells)
            if offset_ms % MINUTE_MS or not 0 <= offset_ms < DAY_MS:
                raise ValueError(f"{cells[0]} ms since midnight is not the start of a minute")
            if offset_ms <= before:
                raise ValueError("unsorted: not later than the row before")
            before = int(offset_ms)
            # Wall-clock arithmetic: Lean counts on New York's clock.
            row = parse((midnight + timedelta(milliseconds=before)).astimezone(UTC), values)
            if isinstance(row, Bar) or _stays(row, policies, marks):
                yield row
        except (ValueError, OverflowError) as error:
            raise ArchiveError(f"{source.file}: row {number}: {error}; {REMEDY}") from None


def _with_empty_sides(cells: list[str]) -> list[str]:
    """A side without its four prices becomes unknown as a whole: nan, its size too. A side is empty or complete."""
    marked = list(cells)
    for prices, size in ((slice(1, 5), 5), (slice(6, 10), 10)):
        if cells[prices] == [""] * 4:
            if cells[size].strip("0") != "":
                raise ValueError(f"a size of {cells[size]} without prices")
            marked[prices], marked[size] = [UNKNOWN] * 4, UNKNOWN
    if marked[1] == marked[6] == UNKNOWN:
        raise ValueError("neither bid nor ask")
    return marked


def _numbers(cells: list[str]) -> list[float]:
    if "" in cells:
        raise ValueError(f"column {cells.index('') + 1} is empty")
    numbers = [math.nan if cell is UNKNOWN else float(cell) for cell in cells]
    if not all(
        cell is UNKNOWN or (math.isfinite(number) and number >= 0) for cell, number in zip(cells, numbers, strict=True)
    ):
        raise ValueError("negative or not a number")
    return numbers


def _prices(values: list[float]) -> tuple[float, float, float, float]:
    opened, high, low, closed = (value / PRICE_SCALE for value in values)
    if math.isnan(low):
        return opened, high, low, closed
    if low <= 0:
        raise ValueError("a price of zero")
    if not low <= min(opened, closed) <= max(opened, closed) <= high:
        raise ValueError("open or close lies outside low and high")
    return opened, high, low, closed


def _bar(start: datetime, values: list[float]) -> Bar:
    if values[4] == 0:
        raise ValueError("no volume: a minute without a trade has no bar")
    # Lean's minute files carry neither a volume-weighted price nor a count of trades; -1 is IB's "unknown" count.
    return Bar(start, 60, *_prices(values[:4]), volume=values[4], wap=math.nan, count=-1)


def _quote_bar(start: datetime, values: list[float]) -> QuoteBar:
    bid, ask = _prices(values[:4]), _prices(values[5:9])
    return QuoteBar(start, 60, *bid, values[4], *ask, values[9])


def _stays(row: QuoteBar, policies: Mapping[str, Policy], marks: Counter[str]) -> bool:
    """Whether a quote goes into the archive; what is unusual is counted, or refused by ValueError."""
    # Only open and close are the same instant on both sides: the highest bid may stand above a later, lower ask.
    crossed = row.bid_open > row.ask_open or row.bid_close > row.ask_close
    for found, what, why, option in (
        (not row.two_sided, ONE_SIDED, "a side is missing", "on_one_sided"),
        (crossed, CROSSED, "crossed: bid above ask", "on_crossed"),
    ):
        if found and policies[what] == "refuse":
            raise ValueError(f"{why}; --map {option}=drop leaves such rows out, =keep takes them")
        if found:
            marks[what if policies[what] == "keep" else f"{what}, dropped"] += 1
            return policies[what] == "keep"
    return True
