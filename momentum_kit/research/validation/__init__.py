"""From a candidate to a verdict: sealed days, folds, tests, perturbations, evidence, and the exported thresholds."""

from momentum_kit.research.validation.bootstraps import Band, mean_band
from momentum_kit.research.validation.daily import DailyCells
from momentum_kit.research.validation.evidence import UNKNOWN, Evidence, Opening, load_evidence, save_evidence
from momentum_kit.research.validation.overfitting import Halves, best_in_halves, representatives
from momentum_kit.research.validation.sealed import NOTHING_SEALED, OpenDays, Sealed, adopt, renew, seal
from momentum_kit.research.validation.statistics import deflated_sharpe, events_needed, moments, sharpe
from momentum_kit.research.validation.thresholds_file import JudgedWith, export_thresholds, judged_with
from momentum_kit.research.validation.validation import (
    UnseenFold,
    examine_candidate,
    open_seal,
    validate,
    walked_forward,
)
from momentum_kit.research.validation.verdict import CUTOFFS, Check, Verdict, judge

__all__ = [
    "CUTOFFS",
    "NOTHING_SEALED",
    "UNKNOWN",
    "Band",
    "Check",
    "DailyCells",
    "Evidence",
    "Halves",
    "JudgedWith",
    "OpenDays",
    "Opening",
    "Sealed",
    "UnseenFold",
    "Verdict",
    "adopt",
    "best_in_halves",
    "deflated_sharpe",
    "events_needed",
    "examine_candidate",
    "export_thresholds",
    "judge",
    "judged_with",
    "load_evidence",
    "mean_band",
    "moments",
    "open_seal",
    "renew",
    "representatives",
    "save_evidence",
    "seal",
    "sharpe",
    "validate",
    "walked_forward",
]
