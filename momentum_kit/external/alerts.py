"""Tells a human: alerts go to the log, where the session's incidents are."""

import structlog


class LogAlerts:
    """The Alerts port on the structured log."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("alerts")

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical."""
        self._log.log({"info": 20, "warning": 30, "critical": 50}[level], text)
