"""CSV and Parquet files with a mapping -> archive: every row is checked, and one bad row imports nothing."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from momentum_kit.storage.archive import HEADLINES, Archive, Provenance, Series, now
from momentum_kit.storage.imports.files import find_files, read_file
from momentum_kit.storage.imports.headlines import headlines_in
from momentum_kit.storage.imports.mapping import Mapping
from momentum_kit.storage.imports.report import ImportReport
from momentum_kit.storage.imports.series import series_of
from momentum_kit.storage.imports.times import BadRow


def import_tables(path: Path, kind: str, mapping: Mapping, archive: Archive) -> ImportReport:
    """Import a file, or every *.csv (*.txt) or *.parquet at or below a folder (kind csv or parquet).

    A day is added or replaced as a whole; one day may come from several files. Raises ArchiveError: the file, the row
    and the remedy; nothing is imported then. Bars in other currencies than USD are refused.
    """
    files = find_files(path, kind)
    if mapping.kind == HEADLINES:
        return _import_headlines(files, mapping, archive)
    rows, symbols, days, marks = 0, set(), set(), Counter[str]()

    def fresh() -> Iterator[Series]:
        nonlocal rows
        for file in files:
            for series in series_of(read_file(file, mapping), _origin(file, bool(mapping.adjusted)), marks):
                rows += len(series.columns()["start"])
                symbols.add(series.symbol)
                days.add(series.day.isoformat())
                yield series

    count = archive.extend(fresh())
    return ImportReport(
        imported=count, unchanged=0, rows=rows, symbols=tuple(sorted(symbols)), days=tuple(sorted(days)), marks=marks
    )


def _import_headlines(files: list[Path], mapping: Mapping, archive: Archive) -> ImportReport:
    lines, marks = [], Counter[str]()
    for file in files:
        table = read_file(file, mapping)
        try:
            lines += headlines_in(table, marks)
        except BadRow as error:
            raise table.bad(error) from None
    changed = archive.add_headlines(lines, _origin(files[0] if len(files) == 1 else files[0].parent, False))
    return ImportReport(
        imported=changed,
        unchanged=len(lines) - changed,
        rows=len(lines),
        symbols=tuple(sorted({line.contract.symbol for line in lines if line.contract})),
        days=tuple(sorted({line.published_at.date().isoformat() for line in lines})),
        marks=marks,
    )


def _origin(file: Path, adjusted: bool) -> Provenance:
    digest = ""
    if file.is_file():
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Provenance(source=f"{file.parent.name}/{file.name}", sha256=digest, imported_at=now(), adjusted=adjusted)
