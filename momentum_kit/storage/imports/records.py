"""JSON as vendors' news services answer: a list of records, an object around such a list, or one record a line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum_kit.errors import ArchiveError
from momentum_kit.json_text import parse_json
from momentum_kit.storage.imports.packed import open_bytes
from momentum_kit.storage.imports.report import REMEDY

if TYPE_CHECKING:
    import pyarrow as pa

MOST_BYTES = 512 * 1024 * 1024  # of JSON, unpacked: parsed it takes ten times as much
MOST_KEYS = 1_000  # of all records together, each of which becomes a column


def read_records(file: Path) -> "pa.Table":
    """A column a key, all as text; nested keys joined by a dot, lists by commas (of objects: their names)."""
    import pyarrow as pa

    rows, names = [], dict[str, None]()
    for record in _records(file):
        rows.append(dict(_flat(record)))
        names.update(dict.fromkeys(rows[-1]))
        if len(names) > MOST_KEYS:
            raise ArchiveError(f"{file}: row {len(rows)}: more than {MOST_KEYS:,} keys in all; {REMEDY}")
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def _records(file: Path) -> list[Mapping[str, Any]]:
    with open_bytes(file) as content:
        raw = content.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise ArchiveError(f"{file}: more than {MOST_BYTES >> 20} MB of JSON; split it by day or month; {REMEDY}")
    text = raw.decode("utf-8-sig")
    try:
        found = parse_json(text)
    except ValueError as whole:
        found = []
        for number, line in enumerate(text.split("\n"), start=1):  # splitlines would break within a text
            try:
                found += [parse_json(line)] if line.strip() else []
            except ValueError as error:
                where = f"line {getattr(whole, 'lineno', 1)}" if number == 1 else f"row {number}"
                words = getattr(error, "msg", error)
                raise ArchiveError(f"{file}: {where}: not JSON ({words}); {REMEDY}") from None
    if isinstance(found, dict):
        lists = [each for each in found.values() if isinstance(each, list) and each and isinstance(each[0], dict)]
        found = lists[0] if len(lists) == 1 else [found]
    for number, record in enumerate(found if isinstance(found, list) else [found], start=1):
        if not isinstance(record, dict):
            raise ArchiveError(f"{file}: row {number}: expected an object, not {str(record)[:40]!r}; {REMEDY}")
    return list(found)


def _flat(record: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str | None]]:
    for name, value in record.items():
        named = _whole(f"{above}{name}")
        if isinstance(value, dict):
            yield from _flat(value, f"{named}.")
        elif isinstance(value, list):
            yield named, ",".join(_word(each) for each in value)
        else:
            yield named, None if value is None else _word(value)


def _word(value: Any) -> str:
    if isinstance(value, dict):
        value = str(next((value[name] for name in ("symbol", "ticker", "name") if name in value), ""))
    return _whole(value) if isinstance(value, str) else json.dumps(value)


def _whole(text: str) -> str:
    """A mark for half a character, which no table takes."""
    return text if text.isascii() else text.encode(errors="replace").decode()
