"""The compiled twin of detection.live: many items, days and thresholds at once, held equal to it by tests."""

from momentum_kit.detection.batch.baselines import day_columns
from momentum_kit.detection.batch.columns import (
    MINUTE,
    NO_SESSION,
    SECOND,
    BarColumns,
    DayColumns,
    EventColumns,
    QuoteColumns,
    bar_columns,
    micros,
    quote_columns,
)
from momentum_kit.detection.batch.features import NOWHERE, decision_times, feature_arrays
from momentum_kit.detection.batch.rules import GATES, gate_arrays, rule_arrays

__all__ = [
    "GATES",
    "MINUTE",
    "NOWHERE",
    "NO_SESSION",
    "SECOND",
    "BarColumns",
    "DayColumns",
    "EventColumns",
    "QuoteColumns",
    "bar_columns",
    "day_columns",
    "decision_times",
    "feature_arrays",
    "gate_arrays",
    "micros",
    "quote_columns",
    "rule_arrays",
]
