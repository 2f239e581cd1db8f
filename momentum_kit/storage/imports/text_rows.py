"""The rows of a text file as an editor counts its lines: encoding, separators, and what is wrong with them in words."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.imports.mapping import Mapping
from momentum_kit.storage.imports.packed import open_bytes
from momentum_kit.storage.imports.report import REMEDY

BLOCK_BYTES = 16 * 1024 * 1024  # a row longer than a block cannot be read
MOST_BLANK = 100_000  # lines before or between rows
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # byte order marks; UTF-8's is skipped by the reader itself


def open_text(file: Path, mapping: Mapping) -> IO[str]:
    """The text of a file; what is none of its encoding stands there as a replacement mark."""
    encoding = encoding_of(file, mapping)
    known = "utf-8-sig" if encoding == "utf-8" else encoding  # a mark at the start is no part of the first name
    return io.TextIOWrapper(open_bytes(file), encoding=known, newline="", errors="replace")


def encoding_of(file: Path, mapping: Mapping) -> str:
    """The mapping's encoding, else what the byte order mark says, else UTF-8."""
    if mapping.encoding:
        return mapping.encoding
    with open_bytes(file) as content:
        return MARKS.get(content.read(2), "utf-8")


def rows_of(text: IO[str], mapping: Mapping) -> Iterator[tuple[int, list[str]]]:
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


def told(error: Exception, file: Path, mapping: Mapping) -> str:
    """What pyarrow found wrong, in the words of who has to mend it."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    undecoded = _undecoded(file, mapping)
    if undecoded:
        remedy = "name the encoding: --map encoding=latin-1 (or cp1252)"
        return f"row {undecoded}: not {encoding_of(file, mapping)} text; {remedy}"
    if "columns, got" in first:
        with open_text(file, mapping) as text:
            rows = ((place, cells) for place, cells in rows_of(text, mapping) if cells)
            _, header = next(rows)
            odd = next(((place, cells) for place, cells in rows if len(cells) != len(header)), None)
        if odd:
            hint = (
                '; is a quote escaped by a backslash? --map "escape=\\"'
                if '\\"' in _line(file, mapping, odd[0])
                else ""
            )
            shown = mapping.delimiter.join(odd[1])[:80]
            hint += marks_hint(header)
            return f"row {odd[0]}: expected {len(header)} columns, found {len(odd[1])}: {shown}{hint}"
    return first


def _undecoded(file: Path, mapping: Mapping) -> int | None:
    """The first line whose bytes are no text of the encoding."""
    encoding = encoding_of(file, mapping)
    if encoding not in ("utf-8", "ascii"):
        return None  # a line's bytes cannot be told from the next one's
    with open_bytes(file) as content:
        for number, line in enumerate(content, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return None


def _line(file: Path, mapping: Mapping, number: int) -> str:
    with open_text(file, mapping) as text:
        return next(islice(text, number - 1, None), "")


def marks_hint(header: list[str]) -> str:
    """The option that would cut a header into its columns; blank where nothing speaks for one."""
    if found := re.fullmatch(r"sep=(.)", ",".join(header).strip(), re.IGNORECASE):
        return f" (Excel's line of its separator: --map skip_rows=1 --map 'delimiter={found[1]}')"
    if len(header) != 1:
        return ""
    if header[0].startswith("#"):
        return " (a comment? --map skip_rows=1)"
    mark = next((mark for mark in ";\t|" if mark in header[0]), "")
    return f" (--map 'delimiter={'tab' if mark == chr(9) else mark}'?)" if mark else ""
