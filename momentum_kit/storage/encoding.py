"""Values of our models as SQLite columns and back to plain JSON; used by the journal and the intents."""

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from typing import Any

Column = str | int | float | bytes | None


def to_column(value: Any) -> Column:
    """A value as stored: times as ISO-8601 UTC text, Decimals as text, structures as JSON text, nan as NULL.

    Raises TypeError for what has no such form, ValueError for a naive time.
    """
    kind = type(value)
    if kind is tuple or (kind not in _PLAIN and dataclasses.is_dataclass(value)):
        return _to_text(value)
    plain = to_plain(value)
    if isinstance(plain, dict | list):
        return _to_json(plain)
    return int(plain) if isinstance(plain, bool) else plain


def _to_text(value: Any) -> str:
    """JSON text at once; most of a journal's bytes are numbers in dataclasses and in tuples of them."""
    kind = type(value)
    if kind is float:
        return repr(value) if math.isfinite(value) else "null"
    if kind is tuple:
        return f"[{','.join([_to_text(each) for each in value])}]"
    write = _WRITERS.get(kind)
    if write is None and dataclasses.is_dataclass(value) and not isinstance(value, type):
        write = _WRITERS.setdefault(kind, _writer(kind))
    return write(value) if write else _to_json(to_plain(value))


def _writer(kind: type) -> Callable[[Any], str]:
    """What turns values of a dataclass into JSON text."""
    names = tuple(field.name for field in dataclasses.fields(kind))
    read: Callable[[Any], tuple[Any, ...]] = attrgetter(*names, names[0])  # twice: of one name it gives no tuple
    template = "{" + ",".join(f"{_to_json(name)}:%s" for name in names) + "}"
    return lambda value: template % tuple([_to_text(each) for each in read(value)[:-1]])


def to_plain(value: Any) -> Any:
    """The same as strings, numbers, lists and dicts, as JSON has them; infinities become null like nan."""
    kind = type(value)
    if kind is float:  # most of a journal's values
        return value if math.isfinite(value) else None
    known = _PLAIN.get(kind)
    return known(value) if known else _other_to_plain(value)


def _other_to_plain(value: Any) -> Any:
    """Values whose very type says nothing: enums, mappings, dataclasses, numpy's scalars, subclasses."""
    match value:
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case Enum():
            return to_plain(value.value)
        case str() | int() | bytes():
            return value
        case Mapping():
            return {str(to_plain(key)): to_plain(each) for key, each in value.items()}
        case list() | tuple():
            return [to_plain(each) for each in value]
        case set() | frozenset():
            return sorted(to_plain(each) for each in value)
        case datetime():
            return utc_text(value)
        case date():
            return value.isoformat()
        case float():
            return _finite(value)
        case Decimal():
            return format(value, "f")
        case _ if hasattr(value, "item"):  # a numpy scalar
            return to_plain(value.item())
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be stored")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def utc_text(at: datetime) -> str:
    """ISO-8601 with milliseconds, such as 2026-11-20T14:30:05.250Z."""
    if at.tzinfo is None:
        raise ValueError(f"naive time {at}")
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _same(value: Any) -> Any:
    return value


_to_json = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_PLAIN: dict[type, Callable[[Any], Any]] = {
    type(None): _same, bool: _same, bytes: _same, str: _same, int: _same,
    float: _finite,
    datetime: utc_text,
    Decimal: "{:f}".format,
    list: lambda values: [to_plain(each) for each in values],
    tuple: lambda values: [to_plain(each) for each in values],
}  # fmt: skip
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: json.encoder.encode_basestring,  # what ensure_ascii=False takes
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}
