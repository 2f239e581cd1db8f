"""The live-control panel."""

from momentum_kit.notebook.panel.panel import Panel, open_panel
from momentum_kit.notebook.panel.session_record import last_verdict

__all__ = ["Panel", "last_verdict", "open_panel"]
