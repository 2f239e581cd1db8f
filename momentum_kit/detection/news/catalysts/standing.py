"""What a catalyst is worth: which keeps a market-data line, and what a coarser vocabulary calls it."""

from momentum_kit.detection.news.catalysts.classification import CatalystMatch
from momentum_kit.models import Catalyst

STRENGTH: dict[Catalyst, int] = {
    Catalyst.FDA: 4,
    Catalyst.CLINICAL_SUCCESS: 4,
    Catalyst.CONTRACT_AWARD: 3,
    Catalyst.EARNINGS: 3,
    Catalyst.GUIDANCE: 3,
    Catalyst.PARTNERSHIP: 3,
    Catalyst.CRYPTO_TREASURY: 3,
    Catalyst.LEGAL_WIN: 3,
    Catalyst.MA_ACQUIRER: 2,
    Catalyst.ANALYST: 2,
    Catalyst.OTHER: 1,
    Catalyst.OFFERING: 0,
    Catalyst.PIPE: 0,
    Catalyst.TREASURY_ISSUE: 0,
    Catalyst.REVERSE_SPLIT: 0,
    Catalyst.DELISTING: 0,
    Catalyst.GOING_CONCERN: 0,
    Catalyst.CLINICAL_FAILURE: 0,
    Catalyst.HALT: 0,
    Catalyst.LEGAL: 0,
    Catalyst.SOLICITATION: 0,
    Catalyst.ADVERSE: 0,
    Catalyst.RECAP: 0,
    Catalyst.ROUNDUP: 0,
    Catalyst.COMMENTARY: 0,
    Catalyst.MA_TARGET: 0,
}
"""Which catalyst keeps a market-data line when lines run out: what may lead to a long goes first."""

_COARSE = {
    Catalyst.PIPE: "offering",
    Catalyst.TREASURY_ISSUE: "offering",
    Catalyst.GOING_CONCERN: "other",
    Catalyst.SOLICITATION: "legal",
    Catalyst.LEGAL_WIN: "other",
    Catalyst.GUIDANCE: "earnings",
    Catalyst.ADVERSE: "other",
    Catalyst.RECAP: "other",
    Catalyst.ROUNDUP: "other",
    Catalyst.COMMENTARY: "other",
}


def coarse_label(match: CatalystMatch) -> str:
    """The kind of event in the sixteen words of the labelled headlines, whatever trading class it has here."""
    return _COARSE.get(match.about, str(match.about))
