"""Fills on a recorded tape, for research: compiled, and so apart from what a live session imports."""

from momentum_kit.trading.fills.tape import (
    NO_EXIT,
    NO_FILL,
    STOPPED,
    TARGET,
    TIMED,
    FillBars,
    FillExits,
    FillOrder,
    FillQuotes,
    FillTerms,
    impact,
    round_trip,
    round_trips,
)

__all__ = [
    "NO_EXIT",
    "NO_FILL",
    "STOPPED",
    "TARGET",
    "TIMED",
    "FillBars",
    "FillExits",
    "FillOrder",
    "FillQuotes",
    "FillTerms",
    "impact",
    "round_trip",
    "round_trips",
]
