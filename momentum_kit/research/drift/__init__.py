"""Whether sessions still are what earlier ones were: numbers watched daily, and what is judged, at one look."""

from momentum_kit.research.drift.distributions import DistributionWatch, psi, watch_distributions
from momentum_kit.research.drift.evidence import drift_evidence
from momentum_kit.research.drift.watch import ALARM_RATE, HORIZONS, LEAST_REFERENCE, SeriesWatch, watch_drift

__all__ = [
    "ALARM_RATE",
    "HORIZONS",
    "LEAST_REFERENCE",
    "DistributionWatch",
    "SeriesWatch",
    "drift_evidence",
    "psi",
    "watch_distributions",
    "watch_drift",
]
