"""A session's status as HTML, for kit, panel and flight log."""

from momentum_kit.notebook.html.reasons import reason_detail, rule_value
from momentum_kit.notebook.html.status import (
    MODES,
    ShownStatus,
    banner,
    ended_card,
    incidents,
    kit_card,
    lights,
    positions_table,
    vitals,
)
from momentum_kit.notebook.html.style import STALE_S, STYLE

__all__ = [
    "MODES",
    "STALE_S",
    "STYLE",
    "ShownStatus",
    "banner",
    "ended_card",
    "incidents",
    "kit_card",
    "lights",
    "positions_table",
    "reason_detail",
    "rule_value",
    "vitals",
]
