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

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def to_column(value: Any) -> Column:
    """A value as stored: times as ISO-8601 UTC text, Decimals as text, structures as JSON text, nan as NULL.

    Raises TypeError for what has no such form, ValueError for a naive time.
    """
    kind = type(value)
    if kind is str or value is None:
        return value  # type: ignore[no-any-return]
    if kind is float:
        return value if math.isfinite(value) else None
    if kind is datetime:
        return utc_text(value)
    if kind is int or kind is bool:
        return int(value)
    if isinstance(value, tuple | list | Mapping | set | frozenset) or dataclasses.is_dataclass(value):
        return to_json(value)
    return _scalar(value)


def to_json(value: Any) -> str:
    """The same as JSON text; infinities become null like nan. Errors as to_column."""
    try:
        return orjson.dumps(value, default=_unknown_to_json, option=_OPTIONS).decode()
    except orjson.JSONEncodeError as error:
        raise error.__cause__ or TypeError(f"cannot be stored: {error}") from None


def utc_text(at: datetime) -> str:
    """ISO-8601 with milliseconds, such as 2026-11-20T14:30:05.250Z."""
    if at.tzinfo is None:
        raise ValueError(f"naive time {at}")
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


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
        case str() | int() | bytes():
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
