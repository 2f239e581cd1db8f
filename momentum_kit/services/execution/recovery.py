"""Recovery: rebuilds brackets at the start, and corrects them by the broker's lists; for the execution service.

How it works. Events tell what becomes of an order only while we listen and nothing is lost; the broker's lists tell it
at any time. They are had at the start of every run, which is the same for a first start, a reconnect and a crash, and
asked for again beside the work (questions.py). A list is applied when it comes, whatever became of the others.

Why it is right. A list that is refused, silent or not whole changes nothing: it is unknown. What a list of orders says
is listed_orders.py's; what follows from positions is decided by trading/orders/evidence. What is gone is written off,
what differs and lasts is told with the three numbers, and a human decides the rest.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from momentum_kit.errors import StorageError
from momentum_kit.models import CommissionReport, Execution, Intent, IntentKind, OrderUpdate, Position
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.book_entries import BookEntries
from momentum_kit.services.execution.exit_desk import resume_exit
from momentum_kit.services.execution.listed_orders import ListedOrders
from momentum_kit.services.execution.order_desk import OrderDesk
from momentum_kit.services.execution.questions import ListAnswer, Question
from momentum_kit.services.execution.reconciliation import BrokerTruth, entries
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import Agreement

log = structlog.get_logger("execution")

MEMORY = timedelta(days=1)  # ended entries of so long count towards cool-down, rate and 'never twice' after a restart
TELL_AFTER_S = 10.0  # a difference that lasts so long is a human's business


class Recovery:
    """Works under the service's lock. done: the orders of earlier sessions are known, as far as their list is."""

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        ledger: Ledger,
        desk: OrderDesk,
        witnesses: Witnesses,
        book: BookEntries,
        fills: "asyncio.Queue[Execution | CommissionReport]",
    ) -> None:
        self.done = False
        self._context = context
        self._broker = broker
        self._ledger = ledger
        self._desk = desk
        self._witnesses = witnesses
        self._book = book
        self._fills = fills
        self._orders = ListedOrders(context, desk=desk, witnesses=witnesses, tell=self._tell)
        self._early: dict[int, OrderUpdate] = {}  # the latest status of each order until brackets are rebuilt
        self._differs_since: dict[int, float] = {}
        self._told: set[str] = set()

    def keep(self, update: OrderUpdate) -> None:
        """Statuses that come before `rebuild` are applied by it."""
        if not self.done:
            self._early[update.order_id] = update

    # -- the start ---------------------------------------------------------------------------------------------------

    async def rebuild(self, truth: BrokerTruth, now: datetime) -> tuple[Intent, ...]:
        """Brackets from unresolved intents; the entries that count towards cool-down, rate and 'never twice'."""
        intents = self._context.intents
        unresolved = intents.unresolved()
        # what the broker does not list belongs to another market of the same times: a simulated one, started anew
        lately = intents.entries_since(now - MEMORY)  # read before statuses below change what is written
        ended = [i for i in lately if i not in unresolved and (truth.knows(i) or not truth.whole)]
        self._witnesses.resumed = bool(unresolved)
        self._leave_ids_behind(unresolved)
        for intent in sorted(unresolved, key=lambda intent: intent.kind is not IntentKind.ENTRY):
            bracket = self._orders.bracket_of(intent)
            if intent.kind is IntentKind.EXIT and bracket.exit is None:
                resume_exit(bracket, intent, now)
        self._own_what_is_held()
        if truth.executions is not None:
            self._witnesses.executions_whole = True
        self._orders.follow_what_has_ended(truth.completed or (), {intent.intent_id: intent for intent in unresolved})
        if truth.open_orders is not None:
            await self._orders.apply(truth.open_orders, truth.completed, self._desk.words)
        if truth.positions is not None:
            await self._apply_positions(truth.positions, 0)  # rows of the stream are as new at least
        for update in self._early.values():  # as new as the lists at least: these were told by events as well
            self._desk.apply_status(update)
        self._early, self.done = {}, True
        for con_id in self._witnesses.known():
            self._witnesses.evidence(con_id)
        self._witnesses.begun = True
        # one of which nothing ever reached the market bars no symbol
        lived = [
            i
            for i in entries(unresolved)
            if truth.knows(i) or not truth.whole or self._ledger.traded(i.contract.con_id)
        ]
        return (*lived, *ended)

    def _leave_ids_behind(self, intents: Iterable[Intent]) -> None:
        """Ids that were written down and perhaps never sent: what the gateway says of them must not meet new orders."""
        written = [
            order_id
            for i in intents
            for order_id in (i.entry_order_id, i.target_order_id, i.timed_order_id, i.stop_order_id)
        ]
        if written:
            self._broker.next_order_id(above=max(written))

    def _own_what_is_held(self) -> None:
        """Shares that executions call ours have an owner, also where their intent was closed too early."""
        orphans = [h.order_ref for h in self._ledger.holdings() if h.contract.con_id not in self._desk.brackets]
        for intent in self._context.intents.find(orphans) if orphans else ():
            self._orders.bracket_of(intent)

    # -- answers -----------------------------------------------------------------------------------------------------

    async def apply(self, answer: ListAnswer) -> None:
        """What a whole list changes."""
        match answer.kind:
            case Question.ORDERS:
                await self._orders.apply(answer.orders, answer.completed, answer.words)
            case Question.POSITIONS:
                await self._apply_positions(answer.positions, answer.rows)
            case Question.EXECUTIONS:
                self._witnesses.executions_asked = answer.asked_s
                await self._apply_executions(answer.executions, answer.words)

    async def _apply_positions(self, positions: tuple[Position, ...], asked: int) -> None:
        before = {con_id: self._witnesses.evidence(con_id).foreign for con_id in self._witnesses.foreign()}
        self._witnesses.answer(positions, asked)
        for con_id, shares in self._witnesses.back().items():
            await self._take_back(con_id, shares)
        for con_id, symbol in self._witnesses.foreign().items():
            evidence = self._witnesses.evidence(con_id)
            ours_once = con_id in self._desk.brackets or self._ledger.executions(con_id)
            if evidence.foreign > before.get(con_id, 0) and ours_once:
                numbers = evidence.numbers()
                self._tell(f"{symbol}: shares that are not ours; left alone, no entries there: {numbers}", halt=False)
        self.draw_conclusions()

    async def _take_back(self, con_id: int, shares: Decimal) -> None:
        """The broker has undone a sale of ours: the shares are ours again, protected first, and a human is told."""
        try:
            entries = self._book.take_back(con_id, shares)
        except StorageError as error:
            log.warning("intents not readable", error=str(error))
            return  # tried again with the next answer
        if not entries:
            return
        self._witnesses.taken_back[con_id] = self._context.clock.elapsed()
        symbol, numbers = entries[0][0].contract.symbol, self._witnesses.evidence(con_id).numbers()
        for execution, free in entries:
            await self._fills.put(execution)
            await self._fills.put(free)
        await self._fills.join()
        self._tell(
            f"{symbol}: {shares:f} shares that we had sold are back (a busted trade?): ours again, a stop goes out; "
            f"`ignore {symbol}` if they are yours: {numbers}"
        )

    async def _apply_executions(self, executions: tuple[Execution, ...], asked: int) -> None:
        for execution in executions:
            await self._fills.put(execution)
        await self._fills.join()
        self._witnesses.executions_whole = True
        sold = (leg for bracket in self._desk.in_order() for leg in bracket if leg.selling and leg.heard <= asked)
        for leg in sold if executions else ():  # an empty list proves nothing
            leg.untold_since = None
        self.draw_conclusions()

    def draw_conclusions(self) -> None:
        """What is gone is written off, what lasts is told with the three numbers; a human decides the rest."""
        now = self._context.clock.elapsed()
        for con_id in self._witnesses.known():
            evidence = self._witnesses.evidence(con_id)
            bracket = self._desk.brackets.get(con_id)
            if bracket is None:
                continue
            symbol = bracket.intent.contract.symbol
            if not bracket.listed and now - bracket.sent_at >= TELL_AFTER_S:
                self._tell(f"{symbol}: the broker does not tell its open orders; whether a stop rests is unknown")
            if self._ledger.write_off(con_id, evidence.missing) and evidence.missing:
                self._tell(
                    f"{symbol}: {evidence.missing:f} shares of ours are gone, a human must look: {evidence.numbers()}"
                )
            if evidence.agreement is not Agreement.DIFFERING:
                self._differs_since.pop(con_id, None)
            elif now - self._differs_since.setdefault(con_id, now) >= TELL_AFTER_S and not evidence.missing:
                self._tell(f"{symbol}: the broker's words differ, a human must look: {evidence.numbers()}")

    def _tell(self, text: str, *, halt: bool = True) -> None:
        """A human is told once of each finding; entries stop until one has looked."""
        if text in self._told:
            return
        self._told.add(text)
        self._context.alerts.send("critical" if halt else "warning", text)
        self._context.incident("evidence", text)
        if halt:
            self._context.halt_entries(text)
