"""The simulated market: instruments, the tape as it happens, its history and its news; no orders, no bytes.

Between a tape source (generator.py or bar_market.py) and matching.py / client_session.py.
"""

from datetime import datetime
from typing import Any

from momentum_kit.models import Bar
from momentum_kit.simgateway.events import MarketEvent, NewsEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.history import HistoryError
from momentum_kit.simgateway.instrument import Instrument
from momentum_kit.simgateway.scenario import Scenario

__all__ = ["HistoryError", "Instrument", "Market", "open_market"]


class Market:
    """One market day that advances on demand; the same seed gives the same events, however advance is sliced."""

    scenario: Scenario
    instruments: dict[int, Instrument]
    providers: dict[str, str]  # code -> name, as newsProviders sends them
    market_rules: dict[int, tuple[tuple[float, float], ...]]  # rule id -> (low edge, increment) bands
    market_data_type: int
    now: datetime  # aware UTC, starts at the scenario's start

    @property
    def ends(self) -> datetime:
        """When the scenario's market time ends; nothing happens after it."""
        raise NotImplementedError

    def activate(self, con_id: int) -> None:
        """From now on advance() yields this contract's quotes, trades and halts (idempotent)."""
        raise NotImplementedError

    def advance(self, to: datetime) -> list[MarketEvent]:
        """All news, and what happens to active contracts, in (now, to], in time order."""
        raise NotImplementedError

    def quote(self, con_id: int) -> QuoteEvent | None:
        """The quote in force now; None before the day's first."""
        raise NotImplementedError

    def last(self, con_id: int) -> TradeEvent | None:
        """The day's last print up to now; None before the first."""
        raise NotImplementedError

    def halted(self, con_id: int) -> int:
        """0 trading, 1 general halt, 2 volatility pause."""
        raise NotImplementedError

    def previous_close(self, con_id: int) -> float:
        """Close of the session before the scenario's day, USD; nan where there is none."""
        raise NotImplementedError

    def bars(
        self, con_id: int, end: datetime | None, duration: str, bar_size: str, what: str, use_rth: bool
    ) -> list[Bar]:
        """Historical bars up to min(end, now), oldest first; HistoryError(code, text) as IB would refuse."""
        raise NotImplementedError

    def news_history(
        self, con_id: int, providers: tuple[str, ...], start: datetime | None, end: datetime | None, limit: int
    ) -> tuple[list[NewsEvent], bool]:
        """A contract's headlines published in (start, end] and relayed by now, newest first; and: are there more."""
        raise NotImplementedError

    def article(self, provider: str, article_id: str) -> tuple[int, str] | None:
        """Type (0 text or HTML) and body of an article."""
        raise NotImplementedError

    def find(self, *, symbol: str = "", con_id: int = 0) -> list[Instrument]:
        """Instruments by exact symbol or con_id."""
        raise NotImplementedError

    def matching(self, text: str) -> list[Instrument]:
        """Instruments whose symbol starts with, or whose name contains, `text` (at most 16)."""
        raise NotImplementedError

    def truth(self) -> dict[str, Any]:
        """What was planted: {"planted": [{article_id, story, symbol, time}], "decoys": [... and kind]}."""
        raise NotImplementedError


def open_market(scenario: Scenario) -> Market:
    """The generated market of a scenario."""
    raise NotImplementedError
