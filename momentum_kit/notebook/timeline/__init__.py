"""The picture of a session on one New York time axis."""

from momentum_kit.notebook.timeline.stories import text_by_item
from momentum_kit.notebook.timeline.timeline import plot_timeline

__all__ = ["plot_timeline", "text_by_item"]
