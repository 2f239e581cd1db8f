"""The only sender of orders: signals become brackets, exit requests turn stops, order events are followed to their end.

signals -> risk gate -> durable intent -> bracket          exits -> the resting stop sells
the broker's order events -> order desk, and executions and commissions on to the position manager
"""

import asyncio
from collections.abc import AsyncIterator, Callable, MutableMapping
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.errors import BrokerError
from momentum_kit.models import (
    Beat,
    CommissionReport,
    ConnectionHealth,
    Execution,
    ExitRequest,
    OrderUpdate,
    Quote,
    TradeSignal,
    TradingState,
)
from momentum_kit.ports import Alerts, Broker, Clock, Intents, Journal, MarketData, OrderEvent
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.execution.entry_gate import EntryGate, Surroundings
from momentum_kit.services.execution.guardian import Guardian
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.services.execution.price_rules import PriceRules
from momentum_kit.services.execution.reconciliation import BrokerTruth, entries, fetch_truth
from momentum_kit.services.execution.recovery import apply_truth, contradiction, rebuild, sold_elsewhere
from momentum_kit.sessions import session_at
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import Bracket

log = structlog.get_logger("execution")

MEMORY = timedelta(days=1)  # ended entries of so long count towards cool-down, rate and 'never twice' after a restart
ASK_AGAIN_S = 2.0  # market seconds between two looks at the broker's lists for what is in doubt
AUDIT_S = 15.0  # and for what is held: orderStatus is not guaranteed, and a lost word could leave a position bare


class ExecutionService:
    """Owns every order from its signal to its end.

    One lock serialises whatever may send, so that two reasons never act on one bracket at a time; hearing the broker
    never waits for it. `halt_entries(reason)` is called when the outcome of a send is unknown. recovered: the orders of
    earlier sessions are known.
    """

    def __init__(
        self,
        broker: Broker,
        market: MarketData,
        intents: Intents,
        journal: Journal,
        clock: Clock,
        risk: RiskSettings,
        exits: ExitSettings,
        account: str,
        calendar: str,
        state: Callable[[], TradingState],
        ledger: Ledger,
        signals: "asyncio.Queue[TradeSignal]",
        exits_in: "asyncio.Queue[ExitRequest]",
        beats: "asyncio.Queue[Beat]",
        fills: "asyncio.Queue[Execution | CommissionReport]",
        counts: MutableMapping[str, int],
        alerts: Alerts,
        quote: Callable[[int], Quote | None],
        health: Callable[[], ConnectionHealth],
        halt_entries: Callable[[str], None],
    ) -> None:
        self._broker = broker
        self._intents = intents
        self._clock = clock
        self._calendar = calendar
        self._ledger = ledger
        self._signals = signals
        self._exits_in = exits_in
        self._beats = beats
        self._fills = fills
        self._alerts = alerts
        self._lock = asyncio.Lock()
        self._heard: dict[int, OrderUpdate] = {}  # the last word on each order until brackets are rebuilt
        self.recovered = False
        self._asked_at: datetime | None = None
        self._audited_at: datetime | None = None
        self._halt_entries = halt_entries
        self._rules = PriceRules(market)
        self._desk = OrderDesk(broker, intents, journal, clock, counts, alerts)
        around = Surroundings(account, calendar, state, quote, health, halt_entries)
        self._gate = EntryGate(broker, intents, journal, clock, risk, exits, ledger, self._desk, around, counts)
        self._guardian = Guardian(broker, exits, calendar, ledger, self._desk, self._rules, quote, halt_entries)

    async def run(self) -> None:
        """Take over what an earlier session left, then work until cancelled. Raises BrokerError if the link is lost."""
        events = self._broker.stream_order_events()  # open before anything is asked: replies come here as well
        await run_together(self._listen(events), self._work())

    async def cancel_entries(self) -> int:
        """Cancel every entry that may still fill; how many. Stops, targets and exits stay."""
        async with self._lock:
            return sum([await self._guardian.cancel_entry(bracket) for bracket in self._desk.in_order()])

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
        session_at(self._clock.now(), self._calendar)  # loads the calendar now, not before the first order
        await self._recover()
        await run_together(
            consume(self._signals, self._on_signal),
            consume(self._exits_in, self._on_exit),
            consume(self._beats, self._on_beat),
        )

    async def _listen(self, events: AsyncIterator[OrderEvent]) -> None:
        async for event in events:
            if isinstance(event, Execution | CommissionReport):
                await self._fills.put(event)
            elif isinstance(event, OrderUpdate) and not self.recovered:
                self._heard[event.order_id] = event
            bracket = self._desk.hear(event)
            # If somebody is sending just now, the next beat looks after this bracket.
            if bracket is not None and not self._lock.locked():
                async with self._lock:
                    await self._fills.join()  # positions are those after this event
                    await self._guardian.tend(bracket, self._clock.now(), at_beat=False)

    async def _on_signal(self, signal: TradeSignal) -> None:
        try:
            bands = await self._rules.bands(signal.contract)
        except BrokerError as error:
            log.warning("no market rule", symbol=signal.contract.symbol, error=str(error))
            bands = None
        async with self._lock:
            await self._gate.enter(signal, bands)

    async def _on_exit(self, request: ExitRequest) -> None:
        async with self._lock:
            await self._fills.join()
            bracket = self._desk.brackets.get(request.contract.con_id)
            if bracket is None:
                self._alerts.send(
                    "critical", f"{request.contract.symbol}: asked to exit, but no order of ours is known"
                )
                return
            if bracket.exit is None:
                bracket.exit = request
            await self._guardian.tend(bracket, self._clock.now(), at_beat=False)

    async def _on_beat(self, beat: Beat) -> None:
        async with self._lock:
            await self._fills.join()
            for bracket in self._desk.in_order():
                await self._guardian.watch_time(bracket, beat.now)
            await self._audit(beat.now)
            await self._resolve_doubts(beat.now)
            for bracket in self._desk.in_order():
                await self._guardian.tend(bracket, beat.now, at_beat=True)

    # -- broker truth ------------------------------------------------------------------------------------------------

    async def _recover(self) -> None:
        """Rebuild brackets from unresolved intents; a position of ours without a stop gets one before all else."""
        truth = await fetch_truth(self._broker)
        unresolved = self._intents.unresolved()
        async with self._lock:
            now = self._clock.now()
            # what the broker does not list belongs to another market of the same times: a simulated one, started anew
            ended = (i for i in self._intents.entries_since(now - MEMORY) if i not in unresolved and truth.knows(i))
            for intent in (*entries(unresolved), *ended):
                self._gate.remember(intent)
            rebuild(self._desk, unresolved, truth, now)
            for update in self._heard.values():  # as new as the lists at least: these were told by events as well
                self._desk.believe(update)
            self._heard, self.recovered = {}, True
            for bracket in self._desk.in_order():
                await self._guardian.tend(bracket, now, at_beat=True)

    async def _audit(self, now: datetime) -> None:
        """Compare what the broker has with what we believe; a difference becomes a doubt, which asks for everything."""
        held = [b for b in self._desk.in_order() if self._ledger.position(b.intent.contract.con_id)]
        if not held or age_s(self._audited_at, now) < AUDIT_S:
            return
        self._audited_at = now
        try:
            truth = BrokerTruth(
                positions=await self._broker.fetch_positions(), open_orders=await self._broker.fetch_open_orders()
            )
        except BrokerError as error:
            log.warning("broker truth not to be had", error=str(error))
            return
        for bracket in held:
            why = contradiction(bracket, truth, self._ledger)
            if not why:
                bracket.sold_elsewhere = Decimal(0)
            elif why not in bracket.told:
                self._desk.doubt(bracket, why)

    async def _resolve_doubts(self, now: datetime) -> None:
        doubtful: list[Bracket] = [bracket for bracket in self._desk.in_order() if bracket.doubt]
        if not doubtful or age_s(self._asked_at, now) < ASK_AGAIN_S:
            return
        self._asked_at = now
        try:
            truth = await fetch_truth(self._broker)
        except BrokerError as error:
            log.warning("broker truth not to be had", error=str(error))
            return
        for execution in truth.executions:
            await self._fills.put(execution)
        await self._fills.join()
        for bracket in doubtful:
            apply_truth(bracket, truth, self._ledger, now)
            why = "" if bracket.doubt else contradiction(bracket, truth, self._ledger)
            # Seen twice it is no fill that came between two answers: somebody else trades this symbol here.
            again, bracket.suspicion = bool(why) and why == bracket.suspicion, why
            if again:
                self._desk.trace.tell(bracket, why, "critical", why)
                self._halt_entries(why)
                bracket.sold_elsewhere = sold_elsewhere(bracket, truth, self._ledger)
