"""The only sender of orders: signals become brackets, exit requests sell, order events are followed to their end.

signals -> risk gate -> durable intent -> bracket          exits -> the target sells, the stop rests until it has
the broker's order events -> order desk, executions and commissions on to the position manager, position rows ->
witnesses; the broker's lists are asked beside all this and applied when they come
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.models import (
    Beat,
    CommissionReport,
    ConnectionHealth,
    Contract,
    Execution,
    ExitRequest,
    LinkState,
    OrderUpdate,
    Position,
    Quote,
    TradeSignal,
)
from momentum_kit.ports import Broker, OrderEvent
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.book_entries import BookEntries
from momentum_kit.services.execution.entry_gate import EntryGate
from momentum_kit.services.execution.exit_desk import LISTS_UNKNOWN, ExitDesk
from momentum_kit.services.execution.funds import Funds
from momentum_kit.services.execution.guardian import Guardian
from momentum_kit.services.execution.margins import MarginTerms
from momentum_kit.services.execution.order_desk import OrderDesk
from momentum_kit.services.execution.questions import Question, Questions
from momentum_kit.services.execution.readable import unreadable
from momentum_kit.services.execution.reconciliation import fetch_truth
from momentum_kit.services.execution.recovery import Recovery
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import Bracket

log = structlog.get_logger("execution")


class ExecutionService:
    """Owns every order from its signal to its end.

    One lock serialises whatever may send, so that two reasons never act on one bracket at a time. It is held while
    bytes go out and never while an answer is awaited; events of the broker never wait for it.
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
        margins: Callable[[int], MarginTerms | None] = lambda _: None,
    ) -> None:
        self._context = context
        self._broker = broker
        self._ledger = ledger
        self._signals = signals
        self._exit_requests = exit_requests
        self._beats = beats
        self._fills = fills
        self._lock = asyncio.Lock()
        self._unowned: set[int] = set()  # contracts that were to be left, and no order of ours is known
        self._health = health
        self._ib_lost = False
        self._link_returns = health().link_returns
        self._rules = rules
        self._desk = desk = OrderDesk(context, broker)
        self._witnesses = witnesses = Witnesses(context, ledger=ledger, desk=desk)
        self._gate = EntryGate(
            context, broker=broker, risk=risk, exits=exits, ledger=ledger, desk=desk, witnesses=witnesses,
            quote=quote, health=health, funds=funds, margins=margins,
        )  # fmt: skip
        self._exit_desk = ExitDesk(
            context, broker=broker, desk=desk, witnesses=witnesses, rules=rules, quote=quote, health=health
        )
        self._guardian = Guardian(
            context, broker=broker, exits=exits, desk=desk, witnesses=witnesses, rules=rules, quote=quote,
            exit_desk=self._exit_desk,
        )  # fmt: skip
        self._entries = BookEntries(
            context, exits=exits, ledger=ledger, desk=desk, witnesses=witnesses, rules=self._rules
        )
        self._questions = Questions(context, broker=broker, desk=desk, witnesses=witnesses)
        self._recovery = Recovery(
            context, broker=broker, ledger=ledger, desk=desk, witnesses=witnesses, book=self._entries, fills=fills
        )

    async def run(self) -> None:
        """Take over what an earlier session left, then work until cancelled. Raises BrokerError if the link is lost."""
        events = self._broker.stream_order_events()  # open before anything is asked: replies come here as well
        positions = self._broker.stream_positions()
        await run_together(self._listen(events), self._follow(positions), self._work())

    async def cancel_entries(self) -> int:
        """Cancel every entry that may still fill; how many. Stops, targets and exits stay."""
        async with self._lock:
            return sum([await self._desk.cancel_entry(bracket) for bracket in self._desk.in_order()])

    def adopt(self, symbol: str) -> Execution:
        """A human says that shares which nobody explains are ours: protected and sold as ours from now on."""
        return self._by_hand(self._entries.adopt(symbol))

    def ignore(self, symbol: str) -> Execution:
        """A human says that what our book has of a symbol is not ours to keep: our orders for it go."""
        return self._by_hand(self._entries.ignore(symbol))

    def _by_hand(self, entry: tuple[Execution, CommissionReport]) -> Execution:
        for each in entry:
            self._fills.put_nowait(each)
        return entry[0]

    @property
    def queues(self) -> "dict[str, asyncio.Queue[Question]]":
        """Questions to the broker on their way: lock-step waits for their answers."""
        return {f"{kind} asked": queue for kind, queue in self._questions.queues.items()}

    @property
    def held(self) -> tuple[Contract, ...]:
        """Contracts of which something of ours is held by anybody's word, whatever the executions say."""
        brackets = ((b, self._witnesses.evidence(b.intent.contract.con_id)) for b in self._desk.in_order())
        return tuple(
            bracket.intent.contract
            for bracket, evidence in brackets
            if evidence.held > 0 or (evidence.unexplained and bracket.any_live)
        )

    def exit_reason(self, con_id: int) -> str:
        """Why the latest position of a contract was, or is being, left; empty if nobody asked for it."""
        bracket = self._desk.brackets.get(con_id)
        return bracket.exit_reason if bracket is not None else ""

    def ask_anew(self, why: str = "") -> None:
        """Ask for orders and positions again, from now on; `told_anew` once they came. why: entries wait for them."""
        self._questions.ask_anew(why)

    @property
    def told_anew(self) -> bool:
        """True once all that `ask_anew` asked for has come, whole."""
        return self._questions.told_anew

    @property
    def flat(self) -> bool:
        """True if the broker's whole word is that nothing of ours is held or works, as far as it was asked."""
        known = self._recovery.done and self._witnesses.positions_whole
        return known and all(self._gone(bracket) for bracket in self._desk.in_order())

    @property
    def untouched(self) -> bool:
        """True if no order of ours was ever known here."""
        return not self._desk.brackets

    @property
    def waits(self) -> dict[str, str]:
        """What is not gone yet, by symbol: why it waits, where something keeps it from going; empty while it goes."""
        found: dict[str, str] = {}
        for bracket in self._desk.in_order():
            if not self._gone(bracket):
                contract = bracket.intent.contract
                asks = bracket.uncertain or not bracket.listed or not bracket.any_live
                found[contract.symbol] = self._exit_desk.waits.get(contract.con_id) or (LISTS_UNKNOWN if asks else "")
        if not found and not self.flat:
            found[""] = LISTS_UNKNOWN
        return found

    def leaving(self, con_id: int) -> bool:
        """True while the position of a contract is being left."""
        bracket = self._desk.brackets.get(con_id)
        return bracket is not None and bracket.exit is not None

    def _gone(self, bracket: Bracket) -> bool:
        """Nothing of it is held or may still fill, by lists that were whole."""
        told = bracket.listed and not bracket.uncertain and not bracket.any_live
        return told and self._witnesses.gone(bracket.intent.contract.con_id)

    @property
    def recovered(self) -> bool:
        """True once the orders of earlier sessions are known."""
        return self._recovery.done

    @property
    def working_entries(self) -> int:
        """Symbols without a position in which an order may still fill: entries, and what they leave behind."""
        held = {contract.con_id for contract in self.held}
        return sum(b.any_live and b.intent.contract.con_id not in held for b in self._desk.in_order())

    @property
    def protected(self) -> frozenset[int]:
        """Contracts with an order of ours at the broker that can trigger as a stop, or sells already."""
        brackets = [b for b in self._desk.in_order() if b.stop is not None and b.gapped_since is None]
        return frozenset(b.intent.contract.con_id for b in brackets if b.stop is not None and b.stop.protecting)

    # -- consumers ---------------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        self._context.regular_hours(self._context.clock.now())  # loads the calendar now, not before the first order
        await self._recover()
        await run_together(
            consume(self._signals, self._on_signal),
            consume(self._exit_requests, self._on_exit),
            consume(self._beats, self._on_beat),
            *(consume(queue, self._on_question) for queue in self._questions.queues.values()),
        )

    async def _listen(self, events: AsyncIterator[OrderEvent]) -> None:
        async for event in events:
            if self._cannot_read(event):
                continue
            if isinstance(event, Execution | CommissionReport):
                await self._fills.put(event)
            elif isinstance(event, OrderUpdate):
                self._recovery.keep(event)
            self._watch_link()
            bracket = self._desk.on_event(event)
            doubtful = bracket is not None and (bracket.uncertain or any(leg.smaller for leg in bracket))
            if doubtful and self._recovery.done:
                self._questions.ask_what_is_due()
            # If somebody is sending just now, the next beat looks after this bracket.
            if bracket is not None and not self._lock.locked():
                async with self._lock:
                    await self._fills.join()  # positions are those after this event
                    await self._guardian.reconcile_bracket(bracket, at_beat=False)

    async def _follow(self, positions: AsyncIterator[Position]) -> None:
        async for position in positions:
            if self._cannot_read(position):
                continue
            await self._fills.join()  # a row is compared with what is ours by now
            self._witnesses.row(position)
            if self._recovery.done:
                self._questions.ask_what_is_due()  # a sale by hand is asked about at once

    def _cannot_read(self, event: OrderEvent | Position) -> bool:
        """True if nothing can be counted with it: told, and the broker's lists are asked instead."""
        why = unreadable(event)
        if why:
            self._context.incident("unreadable", f"{type(event).__name__}: {why}; the broker's lists are asked")
            if self._recovery.done and self._questions.told_anew:
                self._questions.ask_anew()
        return bool(why)

    async def _on_signal(self, signal: TradeSignal) -> None:
        bands = self._rules.told(signal.contract)
        async with self._lock:
            intent = self._gate.decide(signal, bands)
        if intent is not None and await self._gate.make_durable(intent):  # no lock is held over a disk
            async with self._lock:
                await self._gate.enter(signal, intent, bands)

    async def _on_exit(self, request: ExitRequest) -> None:
        self._watch_link()
        async with self._lock:
            await self._fills.join()
            bracket = self._desk.brackets.get(request.contract.con_id)
            if bracket is None:
                if request.contract.con_id not in self._unowned:  # whoever wants it gone asks again at every beat
                    self._unowned.add(request.contract.con_id)
                    self._context.alerts.send(
                        "critical", f"{request.contract.symbol}: asked to exit, but no order of ours is known"
                    )
                return
            bracket.leave(request)
            await self._guardian.reconcile_bracket(bracket, at_beat=False)

    def _watch_link(self) -> None:
        """What happened at IB while the gateway had lost it comes with its return: then the lists are asked first."""
        health = self._health()
        lost = health.broker is LinkState.DOWN
        returned = health.link_returns != self._link_returns  # also where it was lost and back between two looks
        if not lost and (self._ib_lost or returned):
            self._questions.ask_anew("the gateway had lost IB")
        self._ib_lost, self._link_returns = lost, health.link_returns

    async def _on_beat(self, _: Beat) -> None:
        self._watch_link()
        async with self._lock:
            await self._fills.join()
            for bracket in self._desk.in_order():
                await self._guardian.check_deadlines(bracket)
                await self._guardian.reconcile_bracket(bracket, at_beat=True)
        self._recovery.draw_conclusions()
        self._questions.ask_what_is_due()

    async def _on_question(self, kind: Question) -> None:
        """Ask without the lock, so that nothing waits for the broker's answer; then apply what it says."""
        answer = await self._questions.ask(kind)
        if answer is None:
            return
        async with self._lock:
            await self._recovery.apply(answer)
            self._questions.had(answer)
            for bracket in self._desk.in_order():
                await self._guardian.reconcile_bracket(bracket, at_beat=True)
        self._questions.ask_what_is_due()

    async def _recover(self) -> None:
        """Rebuild brackets from unresolved intents; a position of ours without a stop gets one before all else."""
        truth = await fetch_truth(self._broker)
        for execution in truth.executions or ():
            await self._fills.put(execution)
        async with self._lock:
            await self._fills.join()
            for intent in await self._recovery.rebuild(truth, self._context.clock.now()):
                self._gate.remember(intent)
            for bracket in self._desk.in_order():
                await self._guardian.reconcile_bracket(bracket, at_beat=True)
