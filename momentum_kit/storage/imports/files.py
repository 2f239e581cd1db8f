"""Foreign CSV and Parquet files as tables of columns, as they stand there: encodings, headers, blank lines, partitions.

What a file says in text stays text (a headline may read 007, a ticker NAN or TRUE); only columns that the mapping
takes for numbers are read as numbers. Every refusal names the file, the row as an editor counts it, and a remedy.
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.imports.mapping import Mapping
from momentum_kit.storage.imports.records import read_records
from momentum_kit.storage.imports.report import REMEDY
from momentum_kit.storage.imports.times import BadRow
from momentum_kit.storage.parquet import MOST_BYTES, TOO_MUCH, read_parquet, refuse_long_cells

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 16 * 1024 * 1024  # a row longer than a block cannot be read
MOST_BLANK = 100_000  # lines before or between rows
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # byte order marks; UTF-8's is skipped by the reader itself
SUFFIXES = {"csv": (".csv", ".txt"), "parquet": (".parquet", ".pq"), "json": (".json", ".jsonl")}
PARTITION = re.compile(r"([A-Za-z_][\w-]*)=(.+)")  # hive's folders: symbol=SPY


@dataclass(frozen=True)
class ForeignTable:
    """One foreign file: its columns as they stand there."""

    file: Path
    rows: "pa.Table"
    mapping: Mapping

    def column(self, name: str) -> "pa.ChunkedArray | None":
        """The foreign column (or columns, joined by a blank) behind one of ours; None where there is none."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = [self._foreign(each) for each in self.mapping.sources(name)]
        missing = [each for each in wanted if each not in self.rows.column_names]
        if missing:
            if name not in self.mapping.needed and name not in self.mapping.columns:
                return None
            has = ", ".join(self.rows.column_names)
            if self.mapping.header == "first" and any(re.fullmatch(r"[\d.]+", each) for each in self.rows.column_names):
                has += " (no header? --map header=none --map names=start,open,...)"
            raise ArchiveError(f"{self.file}: no column {missing[0]!r} for {name}; it has {has}; {REMEDY}")
        if len(wanted) == 1:
            column = self.rows.column(wanted[0])
            # categories (dictionaries) and string views are text to everybody else
            return column.cast(pa.string()) if _is_text(column.type) else column
        parts = [self.rows.column(each).cast(pa.string()) for each in wanted]
        return pc.binary_join_element_wise(*parts, " ")

    def texts(self, name: str) -> list[str]:
        """One of our columns as stripped text; blank where the file has nothing."""
        column = self.column(name)
        if column is None:
            return [""] * self.rows.num_rows
        values: list[Any] = column.to_pylist()
        return ["" if value is None else str(value).strip() for value in values]

    def bad(self, error: BadRow) -> ArchiveError:
        """The error a person sees; rows of text are counted as an editor counts lines."""
        return ArchiveError(f"{self.file}: row {self._place(error.index)}: {error}; {REMEDY}")

    def _foreign(self, name: str) -> str:
        """A column by its name; where only the case differs, and one alone fits, that one."""
        if name in self.rows.column_names:
            return name
        alike = [each for each in self.rows.column_names if each.casefold() == name.casefold()]
        return alike[0] if len(alike) == 1 else name

    def _place(self, index: int) -> int:
        if is_parquet(self.file) or is_json(self.file):
            return index + 1
        wanted = index + (0 if self.mapping.header == "none" else 1)
        with _text(self.file, self.mapping) as text:
            rows = (place for place, cells in _lines(text, self.mapping) if cells)
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
        if is_parquet(file):
            rows = read_parquet(file)
        else:
            rows = read_records(file) if is_json(file) else _read_text(file, mapping)
        refuse_long_cells(rows, file)
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{file}: {getattr(error, 'strerror', None) or error}; {REMEDY}") from None
    except UnicodeDecodeError:
        raise ArchiveError(f"{file}: not {_encoding(file, mapping)} text; {REMEDY}") from None
    except pa.ArrowException as error:
        raise ArchiveError(f"{file}: {_told(error, file, mapping)}; {REMEDY}") from None
    if not rows.num_rows:
        raise ArchiveError(f"{file}: empty, not a single row; {REMEDY}")
    twice = sorted({name for name in rows.column_names if rows.column_names.count(name) > 1})
    if twice:
        raise ArchiveError(f"{file}: two columns are called {twice[0]!r}; {REMEDY}")
    for name, value in _partitions(file):
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.repeat(value, rows.num_rows))
    return ForeignTable(file, rows, mapping)


def _read_text(file: Path, mapping: Mapping) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.csv as arrow

    encoding = _encoding(file, mapping)
    names = _names(file, mapping)
    numbers = mapping.numbers
    texts = {each: _string() for name in mapping.known if name not in numbers for each in mapping.sources(name)}
    if mapping.thousands:
        texts |= {each: _string() for name in numbers for each in mapping.sources(name)}
    exact = {each: texts[wanted] for wanted in texts for each in names if each.casefold() == wanted.casefold()}
    return arrow.read_csv(
        pa.PythonFile(_bytes(file), mode="r") if _is_packed(file) else pa.input_stream(str(file), compression=None),
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
    with _text(file, mapping) as text:
        rows = (cells for _, cells in _lines(text, mapping) if cells)
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
    with _text(file, mapping) as text:
        return next(place for place, cells in _lines(text, mapping) if cells)


def _lines(text: IO[str], mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
    """Each row's cells and the last line that it stands on, from 1; what is to be skipped is left out."""
    lines = _bounded_lines(text)
    for _ in range(mapping.skip_rows):
        next(lines, "")
    escape = {"escapechar": mapping.escape, "doublequote": False} if mapping.escape else {}
    rows = csv.reader(lines, delimiter=mapping.delimiter, **escape)  # type: ignore[arg-type]
    try:
        for cells in rows:
            yield mapping.skip_rows + rows.line_num, cells
    except csv.Error as error:
        raise ArchiveError(f"{text.name}: row {mapping.skip_rows + rows.line_num}: {error}; {REMEDY}") from None


def _bounded_lines(text: IO[str]) -> Iterator[str]:
    """Each line as it stands there; ArchiveError for one that does not end, and for a file of blank ones."""
    blank = 0
    while line := text.readline(BLOCK_BYTES):
        if len(line) == BLOCK_BYTES:
            raise ArchiveError(f"{text.name}: a row of more than {BLOCK_BYTES >> 20} MB; {REMEDY}")
        blank = 0 if line.strip() else blank + 1
        if blank > MOST_BLANK:
            raise ArchiveError(f"{text.name}: more than {MOST_BLANK:,} blank lines; {REMEDY}")
        yield line


def _text(file: Path, mapping: Mapping) -> IO[str]:
    encoding = _encoding(file, mapping)
    known = "utf-8-sig" if encoding == "utf-8" else encoding  # a mark at the start is no part of the first name
    return io.TextIOWrapper(_bytes(file), encoding=known, newline="", errors="replace")


def _bytes(file: Path) -> IO[bytes]:
    return Unpacked(file) if _is_packed(file) else file.open("rb")  # type: ignore[return-value]


def _is_packed(file: Path) -> bool:
    return file.suffix.lower() == ".gz"


class Unpacked(gzip.GzipFile):
    """A gzipped file up to MOST_BYTES of what is in it; ArchiveError beyond."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, "rb")
        self._shown = str(file)

    def read(self, size: int | None = -1) -> bytes:
        """As any file's."""
        return self._bounded(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        """As any file's; what readers of text call."""
        return self._bounded(super().read1(size))

    def _bounded(self, content: bytes) -> bytes:
        if self.tell() > MOST_BYTES:
            raise ArchiveError(f"{self._shown}: {TOO_MUCH}")
        return content


def _encoding(file: Path, mapping: Mapping) -> str:
    if mapping.encoding:
        return mapping.encoding
    with _bytes(file) as content:
        return MARKS.get(content.read(2), "utf-8")


def _told(error: Exception, file: Path, mapping: Mapping) -> str:
    """What pyarrow found wrong, in the words of who has to mend it."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if is_parquet(file):
        return first
    undecoded = _undecoded(file, mapping)
    if undecoded:
        remedy = "name the encoding: --map encoding=latin-1 (or cp1252)"
        return f"row {undecoded}: not {_encoding(file, mapping)} text; {remedy}"
    if "columns, got" in first:
        with _text(file, mapping) as text:
            rows = ((place, cells) for place, cells in _lines(text, mapping) if cells)
            _, header = next(rows)
            odd = next(((place, cells) for place, cells in rows if len(cells) != len(header)), None)
        if odd:
            hint = (
                '; is a quote escaped by a backslash? --map "escape=\\"'
                if '\\"' in _line(file, mapping, odd[0])
                else ""
            )
            shown = mapping.delimiter.join(odd[1])[:80]
            return f"row {odd[0]}: expected {len(header)} columns, found {len(odd[1])}: {shown}{hint}"
    return first


def _undecoded(file: Path, mapping: Mapping) -> int | None:
    """The first line whose bytes are no text of the encoding."""
    encoding = _encoding(file, mapping)
    if encoding not in ("utf-8", "ascii"):
        return None  # a line's bytes cannot be told from the next one's
    with _bytes(file) as content:
        for number, line in enumerate(content, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return None


def _line(file: Path, mapping: Mapping, number: int) -> str:
    with _text(file, mapping) as text:
        return next(islice(text, number - 1, None), "")


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
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_string_view(inner))
