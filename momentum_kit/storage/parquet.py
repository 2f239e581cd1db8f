"""Reads Parquet files that may come from anybody, within bounds: a few kilobytes can hold billions of rows."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.errors import ArchiveError

if TYPE_CHECKING:
    import pyarrow as pa

MOST_BYTES = 4 * 1024**3  # of one file, unpacked
MOST_CELL = 1024**2  # characters or bytes; an article has a tenth of it
MOST_COLUMNS = 1_000
TOO_MUCH = f"unpacks to more than {MOST_BYTES >> 30} GB; is it meant to fill the memory? split it by day or month"


def read_parquet(file: Path, columns: Sequence[str] | None = None) -> "pa.Table":
    """These columns, or all that are flat. Raises ArchiveError where it is too much, pyarrow's errors otherwise."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as opened:
        fields = [field for field in opened.schema_arrow if not pa.types.is_nested(field.type)]
        wanted = [field for field in fields if columns is None or field.name in columns]
        names = [field.name for field in wanted]
        refuse_odd_columns(opened.schema_arrow.names, file)
        fixed_bits = sum(field.type.bit_width for field in wanted if not _varies(field.type))
        texts = [field.name for field in wanted if _varies(field.type)]
        if opened.metadata.num_rows * (fixed_bits + 32 * len(texts)) > 8 * MOST_BYTES:
            raise ArchiveError(f"{file}: {TOO_MUCH}")
        if not texts or _at_most(opened.metadata, texts) <= MOST_BYTES:
            return _decoded(opened.read(columns=names, use_threads=False), texts)
    # One long text in a dictionary may stand in every row: only the dictionary tells what they come to.
    with pq.ParquetFile(file, read_dictionary=texts) as opened:
        table = opened.read(columns=names, use_threads=False)
    if sum(_text_bytes(table.column(name)) for name in texts) > MOST_BYTES:
        raise ArchiveError(f"{file}: {TOO_MUCH}")
    return _decoded(table, texts)


def nested_columns(file: Path) -> tuple[str, ...]:
    """The columns that read_parquet leaves out: lists and records."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return tuple(field.name for field in pq.read_schema(file) if pa.types.is_nested(field.type))


def refuse_odd_columns(names: Sequence[str], file: Path) -> None:
    """ArchiveError for columns that no table has: thousands, or two of one name."""
    if len(names) > MOST_COLUMNS:
        raise ArchiveError(f"{file}: {len(names):,} columns; {MOST_COLUMNS:,} are the most")
    if twice := sorted(name for name, count in Counter(names).items() if count > 1):
        raise ArchiveError(f"{file}: two columns are called {twice[0]!r}")


def refuse_long_cells(table: "pa.Table", file: Path) -> None:
    """ArchiveError for a table with a text that is none: longer than any headline or article."""
    import pyarrow.compute as pc

    for name in table.column_names:
        column = table.column(name)
        if _varies(column.type):
            texts = _texts(column)
            longest = pc.max(pc.binary_length(texts)).as_py() or 0
            if longest > MOST_CELL:
                raise ArchiveError(f"{file}: a text of {longest:,} bytes in {name!r}; {MOST_CELL:,} is the most")


def _decoded(table: "pa.Table", texts: Sequence[str]) -> "pa.Table":
    """The table, its texts being text; ArrowInvalid for bytes that only say so."""
    for name in texts:
        table.column(name).validate(full=True)
    return table


def _at_most(metadata: Any, texts: Sequence[str]) -> int:
    """What the texts cannot exceed: every row as long as all that its part of the file holds."""
    most = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for at in range(rows.num_columns):
            part = rows.column(at)
            if part.path_in_schema in texts:
                repeats = part.num_values if any("DICT" in each for each in part.encodings) else 1
                most += part.total_uncompressed_size * repeats
    return most


def _text_bytes(column: "pa.ChunkedArray") -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    size = 0
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type):
            lengths = pc.binary_length(chunk.dictionary).cast(pa.int64())
            size += pc.sum(lengths.take(chunk.indices)).as_py() or 0
        else:
            size += chunk.nbytes
    return size


def _texts(column: "pa.ChunkedArray") -> Any:
    """The texts of a column once each where it has categories."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = pa.chunked_array([chunk.dictionary for chunk in column.chunks], column.type.value_type)
    views = pa.types.is_string_view(column.type) or pa.types.is_binary_view(column.type)
    return column.cast(pa.large_binary()) if views else column


def _varies(kind: "pa.DataType") -> bool:
    """Whether values of a type differ in length."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    checks = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
        pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view,
    )  # fmt: skip
    return any(check(kind) for check in checks)
