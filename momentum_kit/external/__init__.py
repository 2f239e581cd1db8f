"""The world besides the broker: AI reader, alerts."""

from typing import TYPE_CHECKING

from momentum_kit.external.alerts import ClosingAlerts, make_alerts, services_of
from momentum_kit.external.alerts_windows import Window, next_windows
from momentum_kit.lazy_faces import lazy_names

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

_HOMES = {
    "AIReader": "momentum_kit.external.ai_reader",
    "DeadManSwitch": "momentum_kit.external.dead_man",
    "dead_man_switch": "momentum_kit.external.dead_man",
}

__getattr__ = lazy_names(__name__, _HOMES)  # the watchdog of an engine sends alerts alone, without aiohttp
