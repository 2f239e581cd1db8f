"""The live-control panel."""

from momentum_kit.notebook.panel.panel import Panel, open_panel

__all__ = ["Panel", "open_panel"]
