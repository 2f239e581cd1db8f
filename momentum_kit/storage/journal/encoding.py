"""Values of our models as SQLite columns and as JSON; used by the journal, the intents and the stream of events."""

import dataclasses
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import orjson

Column = str | int | float | bytes | None

_RANGE = 2**63  # whole numbers of SQLite and JSON
_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def to_column(value: Any) -> Column:
    """A value as stored: times as ISO-8601 UTC text, Decimals as text, structures as JSON text, nan as NULL.

    Raises TypeError for what has no such form, ValueError for a naive time.
    """
    kind = type(value)
    if kind is str:
        return _whole(value)
    if value is None:
        return None
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is datetime:
        return utc_text(value)
    if kind is int or kind is bool:
        return int(value) if -_RANGE <= value < _RANGE else None
    if isinstance(value, tuple | list | Mapping | set | frozenset) or dataclasses.is_dataclass(value):
        return to_json(value)
    return _scalar(value)


def to_json(value: Any) -> str:
    """The same as JSON text; infinities become null like nan. Errors as to_column."""
    try:
        return orjson.dumps(value, default=_unknown_to_json, option=_OPTIONS).decode()
    except orjson.JSONEncodeError as error:
        if error.__cause__:
            raise error.__cause__ from None
        unclean = error
    try:
        return orjson.dumps(_cleaned(value), default=_unknown_to_json, option=_OPTIONS).decode()
    except (orjson.JSONEncodeError, RecursionError):
        raise TypeError(f"cannot be stored: {unclean}") from None


def utc_text(at: datetime) -> str:
    """ISO-8601 with milliseconds, such as 2026-11-20T14:30:05.250Z."""
    if at.tzinfo is None:
        raise ValueError(f"naive time {at}")
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _whole(text: str) -> str:
    """The text with a mark for each half of a character: no file takes them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def _cleaned(value: Any) -> Any:
    """The same without what JSON cannot say: halves of characters, and numbers beyond 64 bits, which are unknown."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return _whole(value)
    if isinstance(value, int) and not isinstance(value, bool | Enum):
        return value if -_RANGE <= value < _RANGE else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _cleaned(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_cleaned(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(_cleaned(each) for each in value)
    return value


def _scalar(value: Any) -> Column:
    """Values whose very type says nothing: enums, numpy's scalars, subclasses."""
    match value:
        case Enum():
            return to_column(value.value)
        case datetime():
            return utc_text(value)
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case float():
            return float(value) if math.isfinite(value) else None
        case str():
            return _whole(str(value))
        case int():
            return int(value) if -_RANGE <= value < _RANGE else None
        case bytes():
            return value
        case _ if hasattr(value, "item"):  # a numpy scalar
            return to_column(value.item())
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be stored")


def _unknown_to_json(value: Any) -> Any:
    """What orjson does not know, or knows in a form that is not ours."""
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    return _scalar(value)
