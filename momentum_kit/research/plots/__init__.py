"""Pictures of studies; all returns are net. The colours are every plot's of the kit, and cost no study's import."""

import importlib
from typing import TYPE_CHECKING, Any

from momentum_kit.research.plots.style import BLUE, FAINT, GREEN, GREY, INK, ORANGE, RED, STYLE, Picture

if TYPE_CHECKING:
    from momentum_kit.research.plots.event_study import event_study_plot
    from momentum_kit.research.plots.explore import delay_plot, tape_plot
    from momentum_kit.research.plots.sweep import heat_map, sensitivity_plot, signals_by_day

__all__ = [
    "BLUE",
    "FAINT",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "RED",
    "STYLE",
    "Picture",
    "delay_plot",
    "event_study_plot",
    "heat_map",
    "sensitivity_plot",
    "signals_by_day",
    "tape_plot",
]

_HOMES = {
    "delay_plot": "explore",
    "event_study_plot": "event_study",
    "heat_map": "sweep",
    "sensitivity_plot": "sweep",
    "signals_by_day": "sweep",
    "tape_plot": "explore",
}


def __getattr__(name: str) -> Any:
    """Import a picture of this face when it is first drawn (PEP 562): what it shows needs scipy and more."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
