"""Markup for people: escaped once, styled by the notebook's theme."""

from momentum_kit.notebook.html.card import ended_card, status_card
from momentum_kit.notebook.html.markup import Html, chip, clock, gain, in_new_york, join, number, table, tag
from momentum_kit.notebook.html.status import MODES, banner, incidents, lights, positions_table, vitals
from momentum_kit.notebook.html.style import STALE_S, STYLE

__all__ = [
    "MODES",
    "STALE_S",
    "STYLE",
    "Html",
    "banner",
    "chip",
    "clock",
    "ended_card",
    "gain",
    "in_new_york",
    "incidents",
    "join",
    "lights",
    "number",
    "positions_table",
    "status_card",
    "table",
    "tag",
    "vitals",
]
