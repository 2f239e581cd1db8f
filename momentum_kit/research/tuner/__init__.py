"""The tuner without its widgets: dials, what opening them computes and books, and what each position shows."""

from momentum_kit.research.tuner.dials import AXES, EXITS, Dial, Dials, suggested
from momentum_kit.research.tuner.exploration import Exploration, explore
from momentum_kit.research.tuner.picture import days_chart, face, gains_words, head, heat_chart, moved_words
from momentum_kit.research.tuner.tuning import Candidate, Tuning
from momentum_kit.research.tuner.view import Signal, TunerView, look

__all__ = [
    "AXES", "EXITS", "Candidate", "Dial", "Dials", "Exploration", "Signal", "TunerView", "Tuning", "days_chart",
    "explore", "face", "gains_words", "head", "heat_chart", "look", "moved_words", "suggested",
]  # fmt: skip
