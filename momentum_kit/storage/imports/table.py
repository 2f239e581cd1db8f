"""CSV and Parquet files with a mapping -> archive: every row is checked, and one bad row imports nothing."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.archive import HEADLINES, SECONDS, SYMBOL, Archive, Provenance, Series, in_days, names, now
from momentum_kit.storage.imports.checks import check
from momentum_kit.storage.imports.headlines import headlines_in
from momentum_kit.storage.imports.mapping import OPTIONAL, Mapping
from momentum_kit.storage.imports.report import REMEDY, ImportReport
from momentum_kit.storage.imports.times import BadRow, to_micros

if TYPE_CHECKING:
    import pyarrow as pa

_UNKNOWN = {"wap": np.nan, "count": -1.0, "bid_size": np.nan, "ask_size": np.nan}  # -1 is IB's "unknown" count
_PRICES = ("open", "high", "low", "close", "wap")


@dataclass(frozen=True)
class Table:
    """One foreign file: its columns as they stand there, and the number of its first row for a person."""

    file: Path
    rows: "pa.Table"
    first_row: int

    def column(self, mapping: Mapping, name: str) -> "pa.ChunkedArray | None":
        """The foreign column (or columns, joined by a blank) behind one of ours; None where there is none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = mapping.sources(name)
        missing = [each for each in wanted if each not in self.rows.column_names]
        if missing:
            if name not in mapping.needed and name not in mapping.columns:
                return None
            has = ", ".join(self.rows.column_names)
            raise ArchiveError(f"{self.file}: no column {missing[0]!r} for {name}; it has {has}; {REMEDY}")
        if len(wanted) == 1:
            return self.rows.column(wanted[0])
        parts = [self.rows.column(each).cast(pa.string()) for each in wanted]
        return pc.binary_join_element_wise(*parts, " ")

    def bad(self, error: BadRow) -> ArchiveError:
        """The error a person sees."""
        return ArchiveError(f"{self.file}: row {self.first_row + error.index}: {error}; {REMEDY}")


def import_tables(path: Path, kind: str, mapping: Mapping, archive: Archive) -> ImportReport:
    """Import a file, or every *.csv or *.parquet at or below a folder (kind csv or parquet).

    A day is added or replaced as a whole; one day may come from several files. Raises ArchiveError: the file, the row
    and the remedy; nothing is imported then. Bars in other currencies than USD are refused.
    """
    files = _find(path, kind)
    if mapping.kind == HEADLINES:
        return _import_headlines(files, mapping, archive)
    rows, symbols, days = 0, set(), set()

    def fresh() -> Iterator[Series]:
        nonlocal rows
        for file in files:
            for series in _series(_read(file, mapping), mapping):
                rows += len(series.rows["start"]) if isinstance(series.rows, dict) else 0
                symbols.add(series.symbol)
                days.add(series.day.isoformat())
                yield series

    count = archive.extend(fresh())
    return ImportReport(count, 0, rows, tuple(sorted(symbols)), tuple(sorted(days)))


def _import_headlines(files: list[Path], mapping: Mapping, archive: Archive) -> ImportReport:
    lines = []
    for file in files:
        table = _read(file, mapping)
        try:
            lines += headlines_in(table, mapping)
        except BadRow as error:
            raise table.bad(error) from None
    changed = archive.add_headlines(lines, _origin(files[0] if len(files) == 1 else files[0].parent, False))
    symbols = {line.contract.symbol for line in lines if line.contract}
    days = {line.published_at.date().isoformat() for line in lines}
    return ImportReport(changed, len(lines) - changed, len(lines), tuple(sorted(symbols)), tuple(sorted(days)))


def _find(path: Path, kind: str) -> list[Path]:
    if not path.exists():
        raise ArchiveError(f"{path}: no such file or folder")
    found = sorted(path.rglob(f"*.{kind}")) + sorted(path.rglob(f"*.{kind}.gz")) if path.is_dir() else [path]
    if not found:
        raise ArchiveError(f"{path}: no *.{kind} file at or below it")
    return found


def _read(file: Path, mapping: Mapping) -> Table:
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as pq

    try:
        if ".parquet" in file.suffixes:
            table, first_row = pq.ParquetFile(file).read(), 1
        else:
            times = {
                each: pa.string() for name in ("start", "published_at", "received_at") for each in mapping.sources(name)
            }
            text = {each: pa.string() for name in ("symbol", "article_id") for each in mapping.sources(name)}
            table, first_row = (
                csv.read_csv(
                    file,
                    csv.ReadOptions(use_threads=False),  # or its errors do not name the row
                    csv.ParseOptions(delimiter=mapping.delimiter, ignore_empty_lines=False),
                    csv.ConvertOptions(column_types={**times, **text}),
                ),
                2,
            )
    except OSError as error:
        raise ArchiveError(f"{file}: {error.strerror or error}; {REMEDY}") from None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ArchiveError(f"{file}: {str(error).splitlines()[0]}; {REMEDY}") from None
    if not table.num_rows:
        raise ArchiveError(f"{file}: empty, not a single row; {REMEDY}")
    return Table(file, table, first_row)


def _series(table: Table, mapping: Mapping) -> Iterator[Series]:
    origin = _origin(table.file, bool(mapping.adjusted))
    try:
        _dollars(table, mapping)
        columns = _columns(table, mapping)
        for symbol, index in _by_symbol(table, mapping):
            chosen = {name: column[index] for name, column in columns.items()}
            if mapping.drop_empty and mapping.of_trades:
                index = index[chosen["volume"] > 0]
                chosen = {name: column[index] for name, column in columns.items()}
            try:
                check(chosen, mapping)
            except BadRow as error:
                raise BadRow(int(index[error.index]), f"{symbol}: {error}") from None
            yield from in_days(mapping.kind, symbol, chosen, origin)
    except BadRow as error:
        raise table.bad(error) from None


def _columns(table: Table, mapping: Mapping) -> dict[str, npt.NDArray[Any]]:
    stamps = table.column(mapping, "start")
    assert stamps is not None  # it is needed, so column() has raised
    starts = to_micros(stamps, mapping)
    if mapping.stamp == "end":
        starts = starts - SECONDS[mapping.kind] * 1_000_000
    columns: dict[str, npt.NDArray[Any]] = {"start": starts}
    for name in names(mapping.kind)[1:]:
        column = table.column(mapping, name)
        if column is None:
            columns[name] = np.full(len(starts), _UNKNOWN[name])
            continue
        values = _numbers(column, name)
        if name.endswith(_PRICES):
            values = values * mapping.price_scale
        elif name != "count":
            values = values * mapping.volume_scale
        columns[name] = values
    return columns


def _numbers(column: "pa.ChunkedArray", name: str) -> npt.NDArray[np.float64]:
    import pandas as pd

    values = pd.to_numeric(column.to_pandas(), errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(np.isnan(values))
    if bad.size and name not in OPTIONAL:
        raise BadRow(int(bad[0]), f"{name} is {column[int(bad[0])].as_py()!r}, not a number")
    return np.asarray(np.where(np.isnan(values), _UNKNOWN.get(name, np.nan), values))


def _dollars(table: Table, mapping: Mapping) -> None:
    column = table.column(mapping, "currency")
    if column is None:
        return
    currencies = column.to_pandas().fillna("").astype(str).str.upper().to_numpy()
    other = np.flatnonzero(currencies != "USD")
    if other.size:
        index = int(other[0])
        words = "mixed currencies: " if (currencies == "USD").any() else ""
        raise BadRow(index, f"{words}{currencies[index] or 'no currency'}; the archive keeps USD only")


def _by_symbol(table: Table, mapping: Mapping) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Each symbol with the indices of its rows, in the order of the file."""
    column = table.column(mapping, "symbol")
    if column is None:
        symbol = mapping.symbol.replace("{file}", table.file.name.partition(".")[0].upper())
        if not symbol:
            raise ArchiveError(f"{table.file}: whose rows are these? give --map symbol=SPY or columns.symbol=...")
        if not SYMBOL.fullmatch(symbol):
            raise ArchiveError(f"{table.file}: {symbol!r} is not a symbol; {REMEDY}")
        yield symbol, np.arange(table.rows.num_rows)
        return
    symbols = column.to_pandas().fillna("").astype(str).str.strip().str.upper().to_numpy()
    unique, codes = np.unique(symbols.astype(str), return_inverse=True)
    for code, symbol in enumerate(unique.tolist()):
        index = np.flatnonzero(codes == code)
        if not SYMBOL.fullmatch(symbol):
            raise BadRow(int(index[0]), f"{symbol!r} is not a symbol")
        yield symbol, index


def _origin(file: Path, adjusted: bool) -> Provenance:
    digest = ""
    if file.is_file():
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Provenance(f"{file.parent.name}/{file.name}", digest, now(), adjusted)
