"""Pictures of studies; all returns are net. The colours are every plot's of the kit."""

from momentum_kit.research.plots.event_study import event_study_plot
from momentum_kit.research.plots.explore import delay_plot, tape_plot
from momentum_kit.research.plots.style import BLUE, FAINT, GREEN, GREY, INK, ORANGE, RED, STYLE, Picture
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
