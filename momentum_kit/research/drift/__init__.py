"""Whether sessions still are what earlier ones were: alarms that stay valid when looked at daily."""

from momentum_kit.research.drift.evidence import drift_evidence
from momentum_kit.research.drift.watch import ALARM_RATE, HORIZONS, LEAST_REFERENCE, SeriesWatch, watch_drift

__all__ = ["ALARM_RATE", "HORIZONS", "LEAST_REFERENCE", "SeriesWatch", "drift_evidence", "watch_drift"]
