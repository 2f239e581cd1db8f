"""Pictures of studies; all returns are net."""

from momentum_kit.research.plots.event_study import event_study_plot
from momentum_kit.research.plots.style import BLUE, FAINT, GREEN, GREY, INK, ORANGE, RED, STYLE

__all__ = ["BLUE", "FAINT", "GREEN", "GREY", "INK", "ORANGE", "RED", "STYLE", "event_study_plot"]
