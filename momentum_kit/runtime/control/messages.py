"""Frozen messages over the control endpoint, as JSON."""

import json
from typing import Any

from pydantic import TypeAdapter

from momentum_kit.json_text import parse_json
from momentum_kit.models import Bar, EngineStatus

_STATUS = TypeAdapter(EngineStatus)
_BARS = TypeAdapter(tuple[Bar, ...])


def encode_status(status: EngineStatus) -> str:
    """One status snapshot; nan stays NaN, which both our ends read."""
    return json.dumps(_STATUS.dump_python(status, mode="json"))


def decode_status(content: Any) -> EngineStatus:
    """From parsed JSON."""
    return _STATUS.validate_python(content)


def decode_status_text(text: str) -> EngineStatus:
    """From a file or a response body."""
    return decode_status(parse_json(text))


def encode_bars(bars: tuple[Bar, ...]) -> str:
    """Bars of a history request."""
    return json.dumps(_BARS.dump_python(bars, mode="json"))


def decode_bars(content: Any) -> tuple[Bar, ...]:
    """From parsed JSON."""
    return _BARS.validate_python(content)
