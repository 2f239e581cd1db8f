"""The two trading services with their queues, joined as runtime/session.py joins them; the one wiring of the tests."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.models import (
    Beat,
    CommissionReport,
    ConnectionHealth,
    Execution,
    ExitRequest,
    Quote,
    TradeSignal,
    TradingState,
)
from momentum_kit.ports import Broker, Clock, Intents, Journal
from momentum_kit.services import PriceRules, SessionContext
from momentum_kit.services.execution import ExecutionService
from momentum_kit.services.execution.funds import Funds
from momentum_kit.services.execution.margins import MarginTerms
from momentum_kit.services.positions import JournaledFills, PositionManager
from momentum_kit.trading.account import Ledger
from tests.helpers.contexts import Told


class TradingServices:
    """Signals and quotes come from the test; alerts and halts are kept. settings: of RiskSettings and ExitSettings."""

    def __init__(
        self,
        *,
        account: str,
        broker: Broker,
        clock: Clock,
        journal: Journal,
        intents: Intents,
        quote: Callable[[int], Quote | None],
        last_price: Callable[[int], float],
        health: Callable[[], ConnectionHealth],
        settings: dict[str, Any],
        funds: Callable[[], Funds | None] = lambda: None,
        margins: Callable[[int], MarginTerms | None] = lambda _: None,
    ) -> None:
        self.alerts, self.counts, self.halts = Told(), Counter[str](), list[str]()
        self.state = TradingState.RUNNING
        self.ledger = Ledger()
        self.rules = PriceRules(broker)
        self.signals: asyncio.Queue[TradeSignal] = asyncio.Queue()
        self.exits: asyncio.Queue[ExitRequest] = asyncio.Queue()
        self.fills: asyncio.Queue[Execution | CommissionReport] = asyncio.Queue()
        self.position_beats: asyncio.Queue[Beat] = asyncio.Queue()
        self.execution_beats: asyncio.Queue[Beat] = asyncio.Queue()
        risk = RiskSettings(**{k: v for k, v in settings.items() if k in RiskSettings.model_fields})
        exits = ExitSettings(**{k: v for k, v in settings.items() if k in ExitSettings.model_fields})
        context = SessionContext(
            account=account, calendar="XNYS", clock=clock, journal=journal, intents=intents, alerts=self.alerts,
            counts=self.counts, state=lambda: self.state, halt_entries=self.halts.append,
            owner=settings.get("owner", ""),
        )  # fmt: skip
        self.execution = ExecutionService(
            context, broker=broker, rules=self.rules, risk=risk, exits=exits, ledger=self.ledger, signals=self.signals,
            exit_requests=self.exits, beats=self.execution_beats, fills=self.fills, quote=quote, health=health,
            funds=funds, margins=margins,
        )  # fmt: skip
        self.positions = PositionManager(
            context, broker=broker, exits=exits, ledger=self.ledger, fills=self.fills, exit_requests=self.exits,
            beats=self.position_beats, last_price=last_price, exit_reason=self.execution.exit_reason,
            leaving=self.execution.leaving, journaled=JournaledFills(),
        )  # fmt: skip

    @property
    def beats(self) -> "tuple[asyncio.Queue[Beat], ...]":
        """Holdings first, then working orders."""
        return self.position_beats, self.execution_beats

    @property
    def queues(self) -> "list[asyncio.Queue[Any]]":
        """Every queue of the services."""
        return [self.signals, self.exits, self.fills, *self.beats, *self.execution.queues.values()]

    def start(self) -> "list[asyncio.Task[None]]":
        """Both services as tasks."""
        return [asyncio.create_task(self.execution.run()), asyncio.create_task(self.positions.run())]
