"""Values of our models as SQLite columns and back to plain JSON; used by the journal and the intents."""

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

Column = str | int | float | bytes | None


def to_column(value: Any) -> Column:
    """A value as stored: times as ISO-8601 UTC text, Decimals as text, structures as JSON text, nan as NULL.

    Raises TypeError for what has no such form, ValueError for a naive time.
    """
    plain = to_plain(value)
    if isinstance(plain, dict | list):
        return json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return int(plain) if isinstance(plain, bool) else plain


def to_plain(value: Any) -> Any:
    """The same as strings, numbers, lists and dicts, as JSON has them; infinities become null like nan."""
    match value:
        case None | bool() | bytes():
            return value
        case Enum():
            return to_plain(value.value)
        case str() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return format(value, "f")
        case datetime():
            return utc_text(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(to_plain(key)): to_plain(each) for key, each in value.items()}
        case list() | tuple():
            return [to_plain(each) for each in value]
        case set() | frozenset():
            return sorted(to_plain(each) for each in value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        case _ if hasattr(value, "item"):  # a numpy scalar
            return to_plain(value.item())
        case _:
            raise TypeError(f"a {type(value).__name__} cannot be stored")


def utc_text(at: datetime) -> str:
    """ISO-8601 with milliseconds, such as 2026-11-20T14:30:05.250Z."""
    if at.tzinfo is None:
        raise ValueError(f"naive time {at}")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
