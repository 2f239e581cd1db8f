"""What a session needs to know: YAML files, read over each other into strict, frozen settings with units and bounds."""

from momentum_kit.config.base import Settings
from momentum_kit.config.judged import DIRECTIONS, departures, judged_settings
from momentum_kit.config.loading import find_project, first_problem, load_config, load_thresholds, state_root
from momentum_kit.config.news import BodySettings, NewsSettings, ReaderSettings
from momentum_kit.config.settings import (
    IB_MAINTENANCE,
    AlertSettings,
    BrokerSettings,
    ClockSettings,
    Config,
    DetectionSettings,
    ExitSettings,
    MaintenanceWindow,
    RiskSettings,
    StorageSettings,
    WatchdogSettings,
)
from momentum_kit.config.thresholds import Thresholds, ThresholdsExport, export_hash
from momentum_kit.config.trust import other_writer

__all__ = [
    "DIRECTIONS",
    "IB_MAINTENANCE",
    "AlertSettings",
    "BodySettings",
    "BrokerSettings",
    "ClockSettings",
    "Config",
    "DetectionSettings",
    "ExitSettings",
    "MaintenanceWindow",
    "NewsSettings",
    "ReaderSettings",
    "RiskSettings",
    "Settings",
    "StorageSettings",
    "Thresholds",
    "ThresholdsExport",
    "WatchdogSettings",
    "departures",
    "export_hash",
    "find_project",
    "first_problem",
    "judged_settings",
    "load_config",
    "load_thresholds",
    "other_writer",
    "state_root",
]
