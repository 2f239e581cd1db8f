"""PositionManager: what is held and earned; fills to ledger and journal, exits by time, broker truth at the start."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from momentum_kit.config import ExitSettings
from momentum_kit.errors import StorageError
from momentum_kit.models import (
    Beat,
    CommissionReport,
    Contract,
    EquityRow,
    Execution,
    ExitRequest,
    ExitRow,
    Intent,
    IntentKind,
    IntentState,
    PositionView,
)
from momentum_kit.ports import Broker
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution import (
    BrokerTruth,
    Reconciliation,
    fetch_settled_truth,
    is_ours,
    sells_for_us,
    settle_intent,
)
from momentum_kit.services.positions.fill_records import FillRecords, JournaledFills
from momentum_kit.sessions import session_at
from momentum_kit.trading.account import Holding, Ledger

log = structlog.get_logger("positions")

EQUITY_EVERY = timedelta(seconds=5)


class PositionManager:
    """Owns the ledger. Asks for exits by queue; it never sends an order itself."""

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        exits: ExitSettings,
        ledger: Ledger,
        fills: "asyncio.Queue[Execution | CommissionReport]",
        exit_requests: "asyncio.Queue[ExitRequest]",
        beats: "asyncio.Queue[Beat]",
        last_price: Callable[[int], float],
        exit_reason: Callable[[int], str],
        leaving: Callable[[int], bool],
        journaled: JournaledFills,
    ) -> None:
        self._context = context
        self._broker = broker
        self._exits = exits
        self._ledger = ledger
        self._fills = fills
        self._exit_requests = exit_requests
        self._beats = beats
        self._last_price = last_price
        self._leaving = leaving
        self._records = FillRecords(
            context, ledger=ledger, intent=self._intent, exit_reason=exit_reason, journaled=journaled
        )
        self._known: dict[str, Intent] = {}
        self._asked: set[int] = set()
        self._held_since: dict[int, float] = {}  # elapsed seconds, by con_id
        self._equity_at: datetime | None = None
        self._flat = asyncio.Event()
        self._flat.set()

    async def run(self) -> None:
        """Work until cancelled; round trips still waiting for costs and the last equity are written then."""
        try:
            await run_together(consume(self._fills, self._on_fill), consume(self._beats, self._on_beat))
        finally:
            self._records.write_trips(self._context.clock.now(), final=True)
            self._write_equity(self._context.clock.now())  # the last word includes the last fill

    @property
    def flat(self) -> bool:
        """True if nothing of ours is held."""
        return not self._ledger.holdings()

    async def wait_flat(self) -> None:
        """Return when nothing of ours is held."""
        await self._flat.wait()

    def request_flatten(self, reason: str, also: Iterable[Contract] = ()) -> int:
        """Ask for the exit of every holding; how many. What is asked for already stays asked for.

        also: contracts that are held by the broker's word, whatever the executions say.
        """
        contracts = self._held(also)
        for contract in contracts:
            self._ask(contract, reason)
        return len(contracts)

    def request_exit(self, symbol: str, reason: str, also: Iterable[Contract] = ()) -> bool:
        """Ask for the exit of what is held in one symbol; False where nothing of ours is. also: as above."""
        contracts = [contract for contract in self._held(also) if contract.symbol == symbol]
        for contract in contracts:
            self._ask(contract, reason)
        return bool(contracts)

    def _held(self, also: Iterable[Contract]) -> tuple[Contract, ...]:
        held = {contract.con_id: contract for contract in also}
        held |= {holding.contract.con_id: holding.contract for holding in self._ledger.holdings()}
        return tuple(held.values())

    def views(self) -> tuple[PositionView, ...]:
        """Every holding as people see it."""
        return tuple(
            position_view(holding, self._intent(holding.order_ref), self._last_price(holding.contract.con_id))
            for holding in self._ledger.holdings()
        )

    # -- consumers ---------------------------------------------------------------------------------------------------

    async def _on_fill(self, fill: Execution | CommissionReport) -> None:
        if isinstance(fill, CommissionReport):
            self._records.take_commission(fill)
        else:
            self._take_execution(fill)
        self._records.write_trips(self._context.clock.now())
        self._note_flat()

    async def _on_beat(self, beat: Beat) -> None:
        self._records.write_trips(beat.now)
        self._note_flat()  # what is held may have changed without a fill: shares that were written off
        elapsed = self._context.clock.elapsed()
        session = session_at(beat.now, self._context.calendar)
        for holding in self._ledger.holdings():
            seen_at = self._held_since.setdefault(holding.contract.con_id, elapsed)
            # the greater of the two: a wall clock that is set back makes no holding younger
            age_s = max((beat.now - holding.opened_at).total_seconds(), elapsed - seen_at)
            if age_s >= self._exits.time_stop_s:
                self._ask(holding.contract, "time stop")
            left = (session.close - beat.now).total_seconds() if session else float("inf")
            if 0 < left <= self._exits.flat_before_close_s:
                self._ask(holding.contract, "session close")
        if self._equity_at is None or beat.now - self._equity_at >= EQUITY_EVERY:
            self._write_equity(beat.now)

    def _write_equity(self, now: datetime) -> None:
        self._equity_at = now
        self._context.journal.write(
            EquityRow(
                at=now,
                realised_usd=self._ledger.realised_usd,
                unrealised_usd=self._ledger.unrealised_usd(self._last_price),
                costs_usd=self._ledger.costs_usd,
            )
        )

    def _take_execution(self, execution: Execution) -> None:
        # now: once closed it is not listed any more, and its trip is written later
        written = self._intent(execution.order_ref) is not None
        # the broker's own forced sale carries no reference of ours, yet it is our position that it sells
        forced = execution.liquidation and bool(self._ledger.position(execution.contract.con_id))
        # what our own book has is ours, also where the file with our owner's id was lost or left behind
        ours = is_ours(execution.order_ref, self._context.owner) or written or forced
        if ours:
            self._write_down(execution)
        self._records.take_execution(execution, ours=ours)
        if execution.liquidation:
            self._context.alerts.send(
                "critical", f"{execution.contract.symbol}: the broker liquidated {execution.shares}"
            )

    def _note_flat(self) -> None:
        held = {holding.contract.con_id for holding in self._ledger.holdings()}
        self._asked = {con_id for con_id in self._asked if con_id in held or self._leaving(con_id)}
        self._held_since = {con_id: at for con_id, at in self._held_since.items() if con_id in held}
        if held:
            self._flat.clear()
        else:
            self._flat.set()

    def _ask(self, contract: Contract, reason: str) -> None:
        """Ask, and again where nobody leaves it: an exit ends with what it sold, and more may be held since."""
        con_id, now = contract.con_id, self._context.clock.now()
        if con_id in self._asked and (self._leaving(con_id) or not self._exit_requests.empty()):
            return
        if con_id not in self._asked:
            self._context.journal.write(ExitRow(at=now, con_id=con_id, symbol=contract.symbol, reason=reason))
        self._asked.add(con_id)
        self._exit_requests.put_nowait(ExitRequest(contract, reason, now))

    def _intent(self, intent_id: str) -> Intent | None:
        """An intent by its reference; an entry is on disk before anything of it can fill."""
        if intent_id not in self._known and is_ours(intent_id):
            try:
                found = self._context.intents.find([intent_id])
                self._known.update((intent.intent_id, intent) for intent in found)
                if any(
                    intent.state is IntentState.CLOSED for intent in found
                ):  # the list may have its buys alone by now
                    for execution in self._context.intents.executions([intent_id]):
                        self._ledger.add_execution(execution, written=True)
            except StorageError as error:
                log.warning("intents not readable", error=str(error))
        return self._known.get(intent_id)

    # -- broker truth ------------------------------------------------------------------------------------------------

    async def reconcile(self) -> Reconciliation:
        """Rebuild ledger and intents from the broker, before anything trades; start, reconnect and recovery alike.

        Ours is what executions of ours explain: those that the broker lists, and those that we wrote down, because it
        lists them since midnight only. What is not ours is reported to a human and never touched. The execution service
        then rebuilds its brackets from the intents left unresolved here. Raises NotConnected if the link is lost.
        """
        truth = await fetch_settled_truth(self._broker)
        pending = self._context.intents.unresolved()
        self._known.update((intent.intent_id, intent) for intent in pending)
        listed = truth.executions or ()
        references = {intent.intent_id for intent in pending}
        references |= {e.order_ref for e in listed if is_ours(e.order_ref)}
        for execution in self._context.intents.executions(references):
            self._ledger.add_execution(execution, written=True)
        for execution in listed:
            self._take_execution(execution)
        named: defaultdict[int, Decimal] = defaultdict(Decimal)
        for intent in pending:
            named[intent.contract.con_id] += truth.named(intent)
        ours = {con_id: max(self._ledger.traded(con_id), shares) for con_id, shares in named.items()}
        settled = {i.intent_id: settle_intent(i, truth, ours[i.contract.con_id]) for i in pending}
        report = self._report(truth, pending, settled)
        for intent in pending:
            if settled[intent.intent_id] is not intent.state:
                self._mark(intent.intent_id, settled[intent.intent_id])
        for text in report.messages():
            self._tell(text)
        self._records.pass_over_trips({intent.intent_id for intent in pending})
        self._note_flat()
        return report

    def _report(
        self, truth: BrokerTruth, pending: tuple[Intent, ...], settled: dict[str, IntentState]
    ) -> Reconciliation:
        held = [p for p in truth.positions or () if p.quantity and p.account == self._context.account]
        by_con_id = {position.contract.con_id: position for position in held}
        worked = [
            intent
            for intent in pending
            if intent.kind is IntentKind.ENTRY
            and intent.state in (IntentState.WORKING, IntentState.UNKNOWN)
            and settled[intent.intent_id] is IntentState.CLOSED
            and not truth.knows(intent)
        ]
        explained = {con_id for con_id in by_con_id if self._ledger.traded(con_id) > 0}
        # what an order of ours stands for, or a list that is unknown would explain, is no stranger's
        explained |= {i.contract.con_id for i in pending if settled[i.intent_id] is not IntentState.CLOSED}
        unexplained = [i for i in worked if i.contract.con_id in by_con_id.keys() - explained]
        told = explained | {intent.contract.con_id for intent in unexplained}
        known = {
            i.intent_id for i in self._context.intents.find([o.request.order_ref for o in truth.open_orders or ()])
        }
        return Reconciliation(
            settled=settled,
            lost=tuple(intent for intent in worked if intent not in unexplained),
            unexplained=tuple((intent, by_con_id[intent.contract.con_id]) for intent in unexplained),
            foreign_positions=tuple(p for con_id, p in by_con_id.items() if con_id not in told),
            foreign_orders=tuple(
                o
                for o in truth.open_orders or ()
                if o.request.order_ref not in known and not sells_for_us(o, self._context.owner)
            ),
            unknown=truth.unknown(),
        )

    def _write_down(self, execution: Execution) -> None:
        """The broker forgets executions at midnight; what is held overnight must still be known as ours."""
        write = self._context.intents.note_execution(execution)
        self._context.written(write, f"{execution.contract.symbol}: an execution could not be written down")

    def _mark(self, intent_id: str, state: IntentState) -> None:
        """A disk that refuses must not keep a session from its positions."""
        write = self._context.intents.mark(intent_id, state)
        self._context.written(write, f"intent {intent_id} could not be marked {state}")

    def _tell(self, text: str) -> None:
        self._context.incident("reconcile", text)
        self._context.alerts.send("warning", text)


def position_view(holding: Holding, intent: Intent | None, price: float) -> PositionView:
    """A holding at a price (USD), with the stop and the initial risk of the intent that opened it."""
    stop = intent.stop_price if intent and intent.stop_price is not None else float("nan")
    gain = (price - holding.average_price) * float(holding.quantity)
    return PositionView(
        symbol=holding.contract.symbol,
        con_id=holding.contract.con_id,
        quantity=float(holding.quantity),
        average_price=holding.average_price,
        last_price=price,
        unrealised_usd=gain,
        stop_price=stop,
        r=gain / intent.risk_usd if intent and intent.risk_usd > 0 else float("nan"),
        opened_at=holding.opened_at,
    )
