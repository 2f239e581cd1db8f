"""How well headlines are read: labelled ones through the rules that trade, counted by rule, source and catalyst."""

from momentum_kit.research.evaluation.evaluation import Evaluation, evaluate_headlines
from momentum_kit.research.evaluation.faults import Misreading
from momentum_kit.research.evaluation.labels import LabelledHeadline, LabelledPair, load_labels
from momentum_kit.research.evaluation.shares import Share

__all__ = ["Evaluation", "LabelledHeadline", "LabelledPair", "Misreading", "Share", "evaluate_headlines", "load_labels"]
