"""The world besides the broker: AI reader, alerts."""

import importlib
from typing import TYPE_CHECKING, Any

from momentum_kit.external.alerts import ClosingAlerts, make_alerts, services_of
from momentum_kit.external.alerts_windows import Window, next_windows

if TYPE_CHECKING:
    from momentum_kit.external.ai_reader import AIReader
    from momentum_kit.external.dead_man import DeadManSwitch, dead_man_switch

__all__ = [
    "AIReader",
    "ClosingAlerts",
    "DeadManSwitch",
    "Window",
    "dead_man_switch",
    "make_alerts",
    "next_windows",
    "services_of",
]

_HOMES = {"AIReader": "ai_reader", "DeadManSwitch": "dead_man", "dead_man_switch": "dead_man"}


def __getattr__(name: str) -> Any:
    """Import what needs aiohttp when it is first used (PEP 562): the watchdog of an engine sends alerts alone."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
