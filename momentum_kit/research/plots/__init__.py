"""Pictures of studies; all returns are net. The colours are every plot's of the kit, and cost no study's import."""

from typing import TYPE_CHECKING

from momentum_kit.lazy_faces import lazy_names
from momentum_kit.research.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    STYLE,
    Picture,
    deepest_fall,
    head,
    say,
)

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
    "deepest_fall",
    "delay_plot",
    "event_study_plot",
    "head",
    "heat_map",
    "say",
    "sensitivity_plot",
    "signals_by_day",
    "tape_plot",
]

_HOMES = {
    "delay_plot": "momentum_kit.research.plots.explore",
    "event_study_plot": "momentum_kit.research.plots.event_study",
    "heat_map": "momentum_kit.research.plots.sweep",
    "sensitivity_plot": "momentum_kit.research.plots.sweep",
    "signals_by_day": "momentum_kit.research.plots.sweep",
    "tape_plot": "momentum_kit.research.plots.explore",
}
__getattr__ = lazy_names(__name__, _HOMES)  # what a picture shows needs scipy and more
