"""Why a headline may move a price: the rules, their order, and what they make of a headline."""

from momentum_kit.detection.news.catalysts.classification import HARMFUL, RULES, CatalystMatch, classify
from momentum_kit.detection.news.catalysts.standing import STRENGTH, coarse_label

__all__ = ["HARMFUL", "RULES", "STRENGTH", "CatalystMatch", "classify", "coarse_label"]
