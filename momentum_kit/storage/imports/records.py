"""JSON as vendors' news services answer: a list of records, an object around such a list, or one record a line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.errors import ArchiveError
from momentum_kit.storage.imports.packed import open_bytes
from momentum_kit.storage.imports.report import REMEDY

if TYPE_CHECKING:
    import pyarrow as pa

MOST_BYTES = 512 * 1024 * 1024  # of JSON, unpacked: parsed it takes ten times as much


def read_records(file: Path) -> "pa.Table":
    """A column a key, all as text; nested keys joined by a dot, lists by commas (of objects: their names)."""
    import pyarrow as pa

    rows = [dict(_flat(record)) for record in _records(file)]
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def _records(file: Path) -> list[Mapping[str, Any]]:
    with open_bytes(file) as content:
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
        lists = [each for each in found.values() if isinstance(each, list) and each and isinstance(each[0], dict)]
        found = lists[0] if len(lists) == 1 else [found]
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
        return str(next((value[name] for name in ("symbol", "ticker", "name") if name in value), ""))
    return value if isinstance(value, str) else json.dumps(value)
