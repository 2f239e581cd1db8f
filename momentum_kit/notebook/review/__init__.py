"""Looking back at trades: each on its tape, together by what they have in common, with one's own tags and notes."""

from momentum_kit.notebook.review.notes import TradeNotes
from momentum_kit.notebook.review.review import Review

__all__ = ["Review", "TradeNotes"]
