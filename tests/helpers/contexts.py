"""A SessionContext for tests: journal and alerts in memory and a clock that stands, where a test gives no others."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from momentum_kit.models import TradingState
from momentum_kit.services import SessionContext
from tests.helpers.journal_rows import Rows

NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


class Standing:
    """The Clock port: a time that a test sets."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        """The set time."""
        return self.at

    def elapsed(self) -> float:
        """The same in seconds."""
        return self.at.timestamp()

    def wall_limit(self, market_s: float) -> float:
        """By the wall."""
        return market_s


class Told:
    """The Alerts port in memory."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.matters: list[str] = []

    def send(self, level: str, text: str) -> None:
        """Append."""
        self.texts.append((level, text))

    def page(self, matter: str, text: str) -> None:
        """Append, as a level of its own."""
        self.matters.append(matter)
        self.texts.append(("page", text))

    def settle(self, matter: str, text: str = "") -> None:
        """Nothing was wrong, or it is over."""

    def levels(self) -> list[str]:
        """Levels in order."""
        return [level for level, _ in self.texts]


def context_of(**given: Any) -> SessionContext:
    """A context with some of its parts given."""
    usual = {
        "account": "DU1234567",
        "calendar": "XNYS",
        "clock": Standing(),
        "journal": Rows(),
        "intents": None,  # a service that does not order has none to ask for
        "alerts": Told(),
        "counts": Counter(),
        "state": lambda: TradingState.RUNNING,
        "halt_entries": lambda _why: None,
    }
    return SessionContext(**{**usual, **given})
