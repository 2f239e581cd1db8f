"""The world besides the broker: AI reader, alerts."""

from momentum_kit.external.ai_reader import AIReader
from momentum_kit.external.alerts import ClosingAlerts, make_alerts, services_of
from momentum_kit.external.alerts_windows import Window, next_windows
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
