"""Fills on a recorded tape, for research: compiled, and so apart from what a live session imports."""

from momentum_kit.trading.fills.tape import (
    NO_EXIT,
    NO_FILL,
    FillBars,
    FillExits,
    FillQuotes,
    FillTerms,
    impact,
    round_trips,
)

__all__ = ["NO_EXIT", "NO_FILL", "FillBars", "FillExits", "FillQuotes", "FillTerms", "impact", "round_trips"]
