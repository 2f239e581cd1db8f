"""The picture of a session on one New York time axis, and what other pictures of prices over time share with it."""

from momentum_kit.notebook.timeline.drawing import label_times, numbers, unbroken
from momentum_kit.notebook.timeline.labels import PointLabel, place_labels
from momentum_kit.notebook.timeline.stories import text_by_item
from momentum_kit.notebook.timeline.timeline import plot_timeline

__all__ = ["PointLabel", "label_times", "numbers", "place_labels", "plot_timeline", "text_by_item", "unbroken"]
