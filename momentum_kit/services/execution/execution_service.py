"""The only sender of orders: signals become brackets, exit requests turn stops, order events are followed to their end.

signals -> risk gate -> durable intent -> bracket          exits -> the resting stop sells
the broker's order events -> order desk, and executions and commissions on to the position manager
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.models import (
    Beat,
    CommissionReport,
    ConnectionHealth,
    Execution,
    ExitRequest,
    OrderUpdate,
    Quote,
    TradeSignal,
)
from momentum_kit.ports import Broker, OrderEvent
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.entry_gate import EntryGate
from momentum_kit.services.execution.funds import Funds
from momentum_kit.services.execution.guardian import Guardian
from momentum_kit.services.execution.order_desk import OrderDesk
from momentum_kit.services.execution.reconciliation import fetch_truth
from momentum_kit.services.execution.recovery import Recovery
from momentum_kit.trading.account import Ledger

log = structlog.get_logger("execution")


class ExecutionService:
    """Owns every order from its signal to its end.

    One lock serialises whatever may send, so that two reasons never act on one bracket at a time; events of the broker
    never wait for it.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        rules: PriceRules,
        risk: RiskSettings,
        exits: ExitSettings,
        ledger: Ledger,
        signals: "asyncio.Queue[TradeSignal]",
        exit_requests: "asyncio.Queue[ExitRequest]",
        beats: "asyncio.Queue[Beat]",
        fills: "asyncio.Queue[Execution | CommissionReport]",
        quote: Callable[[int], Quote | None],
        health: Callable[[], ConnectionHealth],
        funds: Callable[[], Funds | None] = lambda: None,
    ) -> None:
        self._context = context
        self._broker = broker
        self._ledger = ledger
        self._signals = signals
        self._exit_requests = exit_requests
        self._beats = beats
        self._fills = fills
        self._lock = asyncio.Lock()
        self._rules = rules
        self._desk = desk = OrderDesk(context, broker)
        self._gate = EntryGate(
            context, broker=broker, risk=risk, exits=exits, ledger=ledger, desk=desk, quote=quote, health=health,
            funds=funds,
        )  # fmt: skip
        self._guardian = Guardian(
            context, broker=broker, exits=exits, ledger=ledger, desk=desk, rules=self._rules, quote=quote
        )
        self._recovery = Recovery(context, broker=broker, ledger=ledger, desk=desk, fills=fills)

    async def run(self) -> None:
        """Take over what an earlier session left, then work until cancelled. Raises BrokerError if the link is lost."""
        events = self._broker.stream_order_events()  # open before anything is asked: replies come here as well
        await run_together(self._listen(events), self._work())

    async def cancel_entries(self) -> int:
        """Cancel every entry that may still fill; how many. Stops, targets and exits stay."""
        async with self._lock:
            return sum([await self._guardian.cancel_entry(bracket) for bracket in self._desk.in_order()])

    @property
    def recovered(self) -> bool:
        """True once the orders of earlier sessions are known."""
        return self._recovery.done

    @property
    def working_entries(self) -> int:
        """Symbols without a position in which an order may still fill: entries, and what they leave behind."""
        position = self._ledger.position
        return sum(b.any_live and not position(b.intent.contract.con_id) for b in self._desk.in_order())

    @property
    def protected(self) -> frozenset[int]:
        """Contracts with an order of ours at the broker that can trigger as a stop, or sells already."""
        stops = ((b.intent.contract.con_id, b.stop) for b in self._desk.in_order())
        return frozenset(con_id for con_id, stop in stops if stop is not None and stop.protecting)

    # -- consumers ---------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        self._context.regular_hours(self._context.clock.now())  # loads the calendar now, not before the first order
        await self._recover()
        await run_together(
            consume(self._signals, self._on_signal),
            consume(self._exit_requests, self._on_exit),
            consume(self._beats, self._on_beat),
        )

    async def _listen(self, events: AsyncIterator[OrderEvent]) -> None:
        async for event in events:
            if isinstance(event, Execution | CommissionReport):
                await self._fills.put(event)
            elif isinstance(event, OrderUpdate):
                self._recovery.keep(event)
            bracket = self._desk.on_event(event)
            # If somebody is sending just now, the next beat looks after this bracket.
            if bracket is not None and not self._lock.locked():
                async with self._lock:
                    await self._fills.join()  # positions are those after this event
                    await self._guardian.reconcile_bracket(bracket, self._context.clock.now(), at_beat=False)

    async def _on_signal(self, signal: TradeSignal) -> None:
        async with self._lock:
            await self._gate.enter(signal, self._rules.told(signal.contract))

    async def _on_exit(self, request: ExitRequest) -> None:
        async with self._lock:
            await self._fills.join()
            bracket = self._desk.brackets.get(request.contract.con_id)
            if bracket is None:
                self._context.alerts.send(
                    "critical", f"{request.contract.symbol}: asked to exit, but no order of ours is known"
                )
                return
            if bracket.exit is None:
                bracket.exit = request
            await self._guardian.reconcile_bracket(bracket, self._context.clock.now(), at_beat=False)

    async def _on_beat(self, beat: Beat) -> None:
        async with self._lock:
            await self._fills.join()
            for bracket in self._desk.in_order():
                await self._guardian.check_deadlines(bracket, beat.now)
            await self._recovery.audit(beat.now)
            await self._recovery.resolve(beat.now)
            for bracket in self._desk.in_order():
                await self._guardian.reconcile_bracket(bracket, beat.now, at_beat=True)

    async def _recover(self) -> None:
        """Rebuild brackets from unresolved intents; a position of ours without a stop gets one before all else."""
        truth = await fetch_truth(self._broker)
        async with self._lock:
            now = self._context.clock.now()
            for intent in self._recovery.rebuild(truth, now):
                self._gate.remember(intent)
            for bracket in self._desk.in_order():
                await self._guardian.reconcile_bracket(bracket, now, at_beat=True)
