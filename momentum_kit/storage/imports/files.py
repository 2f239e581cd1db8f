"""Foreign CSV and Parquet files as tables of columns, as they stand there: encodings, headers, blank lines, partitions.

What a file says in text stays text (a headline may read 007, a ticker NAN or TRUE); only columns that the mapping
takes for numbers are read as numbers. Every refusal names the file, the row as an editor counts it, and a remedy.
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.imports.mapping import Mapping
from momentum_kit.storage.imports.packed import is_gzipped, open_bytes, refuse_packed
from momentum_kit.storage.imports.records import read_records
from momentum_kit.storage.imports.report import REMEDY
from momentum_kit.storage.imports.text_rows import BLOCK_BYTES, encoding_of, marks_hint, open_text, rows_of, told
from momentum_kit.storage.imports.times import BadRow
from momentum_kit.storage.parquet import nested_columns, read_parquet, refuse_long_cells, refuse_odd_columns

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = {"csv": (".csv", ".txt"), "parquet": (".parquet", ".pq"), "json": (".json", ".jsonl")}
PARTITION = re.compile(r"([A-Za-z_][\w-]*)=(.+)")  # hive's folders: symbol=SPY


@dataclass(frozen=True)
class ForeignTable:
    """One foreign file: its columns as they stand there."""

    file: Path
    rows: "pa.Table"
    mapping: Mapping
    nested: tuple[str, ...] = ()
    """Its columns of lists and records, which no row can show."""

    def column(self, name: str) -> "pa.ChunkedArray | None":
        """The foreign column (or columns, joined by a blank) behind one of ours; None where there is none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = [self._foreign(each) for each in self.mapping.sources(name)]
        missing = [each for each in wanted if each not in self.rows.column_names]
        if missing:
            if missing[0] in self.nested:
                words = f"{missing[0]!r} holds lists; write them as text, joined by commas"
                raise ArchiveError(f"{self.file}: {words}; {REMEDY}")
            if name not in self.mapping.needed and name not in self.mapping.columns:
                return None
            has = ", ".join(self.rows.column_names)
            if self.mapping.header == "first" and any(re.fullmatch(r"[\d.]+", each) for each in self.rows.column_names):
                has += " (no header? --map header=none --map names=start,open,...)"
            has += marks_hint(self.rows.column_names)
            raise ArchiveError(f"{self.file}: no column {missing[0]!r} for {name}; it has {has}; {REMEDY}")
        if len(wanted) == 1:
            return self._plain(wanted[0])
        parts = [self._plain(each).cast(pa.string()) for each in wanted]
        return pc.binary_join_element_wise(*parts, " ")

    def texts(self, name: str) -> list[str]:
        """One of our columns as stripped text; blank where the file has nothing."""
        column = self.column(name)
        if column is None:
            return [""] * self.rows.num_rows
        values: list[Any] = column.to_pylist()
        return ["" if value is None else _text_of(value).strip() for value in values]

    def bad(self, error: BadRow) -> ArchiveError:
        """The error a person sees; rows of text are counted as an editor counts lines."""
        return ArchiveError(f"{self.file}: row {self._place(error.index)}: {error}; {REMEDY}")

    def _plain(self, name: str) -> "pa.ChunkedArray":
        """A foreign column; categories (dictionaries), string views and bytes are text to everybody else."""
        import pyarrow as pa
        import pyarrow.compute as pc

        column = self.rows.column(name)
        if not _is_text(column.type):
            return column
        fixed = pa.types.is_fixed_size_binary(column.type)  # filled up with zeros
        try:
            column = (column.cast(pa.binary()) if fixed else column).cast(pa.string())
        except pa.ArrowInvalid:
            raise ArchiveError(f"{self.file}: {name!r} holds bytes that are no UTF-8 text; {REMEDY}") from None
        return pc.utf8_rtrim(column, characters="\0") if fixed else column

    def _foreign(self, name: str) -> str:
        """A column by its name; where only case or blanks around it differ, and one alone fits, that one."""
        if name in self.rows.column_names:
            return name
        alike = [each for each in (*self.rows.column_names, *self.nested) if _same(each, name)]
        return alike[0] if len(alike) == 1 else name

    def _place(self, index: int) -> int:
        if is_parquet(self.file) or is_json(self.file):
            return index + 1
        wanted = index + (0 if self.mapping.header == "none" else 1)
        with open_text(self.file, self.mapping) as text:
            rows = (place for place, cells in rows_of(text, self.mapping) if cells)
            return next((place for at, place in enumerate(rows) if at == wanted), wanted + 1)


def find_files(path: Path, kind: str) -> list[Path]:
    """A file, or every file of the kind (csv or parquet; gzipped text too) at or below a folder."""
    if not path.exists():
        raise ArchiveError(f"{path}: no such file or folder")
    if not path.is_dir():
        return [path]
    found = [each for each in sorted(path.rglob("*")) if each.is_file() and _bare(each)[1] in SUFFIXES[kind]]
    if not found:
        raise ArchiveError(f"{path}: no *.{kind} file at or below it")
    return found


def is_parquet(file: Path) -> bool:
    """Whether a file's name says Parquet."""
    return _bare(file)[1] in SUFFIXES["parquet"]


def is_json(file: Path) -> bool:
    """Whether a file's name says JSON."""
    return _bare(file)[1] in SUFFIXES["json"]


def stem(file: Path) -> str:
    """A file's name without what names its format: BRK.B of BRK.B.csv.gz."""
    return _bare(file)[0]


def read_file(file: Path, mapping: Mapping) -> ForeignTable:
    """One file as a table. Raises ArchiveError: the file, the row and the remedy."""
    import pyarrow as pa

    try:
        nested: tuple[str, ...] = ()
        if is_parquet(file):
            rows, nested = read_parquet(file), nested_columns(file)
        else:
            refuse_packed(file)
            rows = read_records(file) if is_json(file) else _read_text(file, mapping)
        refuse_odd_columns(rows.column_names, file)
        refuse_long_cells(rows, file)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{file}: {getattr(error, 'strerror', None) or error}; {REMEDY}") from None
    except UnicodeDecodeError:
        raise ArchiveError(f"{file}: not {encoding_of(file, mapping)} text; {REMEDY}") from None
    except pa.ArrowException as error:
        words = str(error).splitlines()[0] if is_parquet(file) else told(error, file, mapping)
        raise ArchiveError(f"{file}: {words}; {REMEDY}") from None
    if not rows.num_rows:
        raise ArchiveError(f"{file}: empty, not a single row; {REMEDY}")
    for name, value in _partitions(file):
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    return ForeignTable(file, rows, mapping, nested)


def _read_text(file: Path, mapping: Mapping) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.csv as arrow

    encoding = encoding_of(file, mapping)
    names = _names(file, mapping)
    numbers = mapping.numbers
    texts = {each: _string() for name in mapping.known if name not in numbers for each in mapping.sources(name)}
    if mapping.thousands:
        texts |= {each: _string() for name in numbers for each in mapping.sources(name)}
    exact = {each: texts[wanted] for wanted in texts for each in names if _same(each, wanted)}
    return arrow.read_csv(
        pa.PythonFile(open_bytes(file), mode="r") if is_gzipped(file) else pa.input_stream(str(file), compression=None),
        arrow.ReadOptions(
            use_threads=False,  # or its errors do not name the row
            block_size=BLOCK_BYTES,
            encoding=encoding,
            column_names=names,
            skip_rows_after_names=0,
            skip_rows=_header_lines(file, mapping),
        ),
        arrow.ParseOptions(
            delimiter=mapping.delimiter,
            ignore_empty_lines=True,
            newlines_in_values=True,
            escape_char=mapping.escape or False,
            double_quote=not mapping.escape,
        ),
        arrow.ConvertOptions(column_types=exact, decimal_point=mapping.decimal),
    )


def _names(file: Path, mapping: Mapping) -> list[str]:
    """The columns' names: the mapping's own, the header's, or their positions from 1."""
    with open_text(file, mapping) as text:
        rows = (cells for _, cells in rows_of(text, mapping) if cells)
        first = next(rows, None)
        second = next(rows, None)
    if first is None:
        raise ArchiveError(f"{file}: empty, not a single row; {REMEDY}")
    if second and first[0] == "Price" and second[0] == "Ticker":
        raise ArchiveError(
            f"{file}: yfinance's header of three lines; give --map skip_rows=3 --map header=none "
            f"--map names=start,{','.join(each.lower() for each in first[1:])}; {REMEDY}"
        )
    if mapping.names:
        if len(mapping.names) != len(first):
            raise ArchiveError(f"{file}: {len(mapping.names)} names for {len(first)} columns; {REMEDY}")
        return list(mapping.names)
    return [str(at) for at in range(1, len(first) + 1)] if mapping.header == "none" else first


def _header_lines(file: Path, mapping: Mapping) -> int:
    """Lines of text before the first row of values: what is to be skipped, and a header of one row."""
    if mapping.header == "none":
        return mapping.skip_rows
    with open_text(file, mapping) as text:
        return next(place for place, cells in rows_of(text, mapping) if cells)


def _partitions(file: Path) -> Iterator[tuple[str, str]]:
    """What the folders above a file say, as hive writes it: symbol=SPY/day=2026-11-20."""
    for part in file.parts[:-1]:
        found = PARTITION.fullmatch(part)
        if found:
            yield found[1], found[2]


def _bare(file: Path) -> tuple[str, str]:
    """A file's name without its format's endings, and the ending that names the format, in lower case."""
    name = file.name[:-3] if file.name.lower().endswith(".gz") else file.name
    known = next((each for suffixes in SUFFIXES.values() for each in suffixes if name.lower().endswith(each)), "")
    return name[: len(name) - len(known)], known


def _string() -> "pa.DataType":
    import pyarrow as pa

    return pa.string()


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    checks = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary,
        pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary,
    )  # fmt: skip
    return any(check(inner) for check in checks)


def _text_of(value: Any) -> str:
    """A cell as text; a whole number that a tool wrote as 17.0, because others of its column are missing, is 17."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _same(name: str, other: str) -> bool:
    return name.strip().casefold() == other.strip().casefold()
