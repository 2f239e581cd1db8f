"""From a candidate to a verdict: sealed days, folds, tests, stress, evidence, and the exported thresholds."""

from momentum_kit.research.validation.evidence import Evidence
from momentum_kit.research.validation.evidence_file import load_evidence, save_evidence
from momentum_kit.research.validation.perturbations import changed_worlds, placebo_worlds
from momentum_kit.research.validation.placebo import placebo_study
from momentum_kit.research.validation.sealed import NOTHING_SEALED, Study, seal
from momentum_kit.research.validation.thresholds_file import export_thresholds
from momentum_kit.research.validation.validation import open_seal, validate
from momentum_kit.research.validation.verdict import CUTOFFS, Verdict, judge
from momentum_kit.research.validation.verdict_page import markdown, to_html

__all__ = [
    "CUTOFFS",
    "NOTHING_SEALED",
    "Evidence",
    "Study",
    "Verdict",
    "changed_worlds",
    "export_thresholds",
    "judge",
    "load_evidence",
    "markdown",
    "open_seal",
    "placebo_study",
    "placebo_worlds",
    "save_evidence",
    "seal",
    "to_html",
    "validate",
]
