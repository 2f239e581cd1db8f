"""Where the panel's parts stand: one column on a narrow page, two on a wide one; in the order of the keyboard."""

from collections.abc import Mapping

import ipywidgets as widgets  # type: ignore[import-untyped]

from momentum_kit.notebook.html import STYLE
from momentum_kit.pages import tag

HEIGHTS = {
    "positions": "206px", "equity": "206px", "headlines": "330px", "signals": "250px", "engine": "250px",
    "orders": "250px", "log": "200px",
}  # fmt: skip
"""At most so much; two that stand side by side alike."""


def arrange(views: "Mapping[str, widgets.HTML]", controls: "widgets.Widget", dials: "widgets.Widget") -> "widgets.VBox":
    """The panel's widget; nothing in it needs a script of ours in the browser."""
    for name, view in views.items():
        view.add_class(f"mk-{name}")
        if name != "head":
            view.add_class("mk-box")
            view.layout.max_height = HEIGHTS.get(name)
    pairs = [("positions", "equity"), ("signals", "engine")]
    thresholds = widgets.VBox([widgets.HTML(tag("div", "Thresholds", "mk-caption")), dials])
    for css in ("mk-box", "mk-panel-thresholds"):
        thresholds.add_class(css)
    controls.add_class("mk-controls")
    rows = [_row(*(views[name] for name in pair)) for pair in pairs]
    below = (thresholds, views["headlines"], rows[1], views["orders"], views["log"])
    panel = widgets.VBox(
        [widgets.HTML(STYLE, layout=widgets.Layout(display="none")), views["head"], controls, rows[0], *below]
    )
    for css in ("mk", "mk-panel"):
        panel.add_class(css)
    return panel


def _row(*parts: "widgets.Widget") -> "widgets.GridBox":
    columns = "repeat(auto-fit, minmax(min(100%, 370px), 1fr))"
    return widgets.GridBox(parts, layout=widgets.Layout(grid_template_columns=columns, grid_gap="8px", width="100%"))
