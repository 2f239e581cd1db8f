"""JSON as vendors' news services answer: a list of records, an object with `results`, or one record a line."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.imports.report import REMEDY

if TYPE_CHECKING:
    import pyarrow as pa

MOST_BYTES = 512 * 1024 * 1024  # of JSON, unpacked: parsed it takes ten times as much
LISTS = ("results", "data", "news", "items")


def read_records(file: Path) -> "pa.Table":
    """A column a key, all as text; nested keys joined by a dot, lists by commas (of objects: their names)."""
    import pyarrow as pa

    rows = [dict(_flat(record)) for record in _records(file)]
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def _records(file: Path) -> list[Mapping[str, Any]]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as content:
        raw = content.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ArchiveError(f"{file}: more than {MOST_BYTES >> 20} MB of JSON; split it by day or month; {REMEDY}")
    text = raw.decode("utf-8-sig")
    try:
        found = json.loads(text)
    except json.JSONDecodeError as whole:
        found = []
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                found += [json.loads(line)] if line.strip() else []
            except json.JSONDecodeError as error:
                where = f"line {whole.lineno}" if number == 1 else f"row {number}"
                raise ArchiveError(f"{file}: {where}: not JSON ({error.msg}); {REMEDY}") from None
    if isinstance(found, dict):
        found = next((found[name] for name in LISTS if isinstance(found.get(name), list)), [found])
    for number, record in enumerate(found if isinstance(found, list) else [found], start=1):
        if not isinstance(record, dict):
            raise ArchiveError(f"{file}: row {number}: expected an object, not {str(record)[:40]!r}; {REMEDY}")
    return list(found)


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str | None]]:
    for name, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, list):
            yield f"{above}{name}", ",".join(_word(each) for each in value)
        else:
            yield f"{above}{name}", None if value is None else _word(value)


def _word(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name", value.get("ticker", "")))
    return value if isinstance(value, str) else json.dumps(value)
