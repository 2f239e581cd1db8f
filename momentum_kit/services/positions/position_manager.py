"""PositionManager: what is held and earned; fills to ledger and journal, exits by time, broker truth at the start."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

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
    IntentState,
    PositionView,
)
from momentum_kit.ports import Broker
from momentum_kit.services.consuming import consume, run_together
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution import (
    BrokerTruth,
    Reconciliation,
    entries,
    fetch_truth,
    is_lost,
    is_ours,
    separate_foreign,
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
        self._records = FillRecords(context, ledger=ledger, intent=self._intent, journaled=journaled)
        self._known: dict[str, Intent] = {}
        self._asked: set[int] = set()
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

    def request_flatten(self, reason: str) -> int:
        """Ask for the exit of every holding; how many. What is asked for already stays asked for."""
        holdings = self._ledger.holdings()
        for holding in holdings:
            self._ask(holding, reason)
        return len(holdings)

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
        session = session_at(beat.now, self._context.calendar)
        for holding in self._ledger.holdings():
            if (beat.now - holding.opened_at).total_seconds() >= self._exits.time_stop_s:
                self._ask(holding, "time stop")
            left = (session.close - beat.now).total_seconds() if session else float("inf")
            if 0 < left <= self._exits.flat_before_close_s:
                self._ask(holding, "session close")
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
        self._intent(execution.order_ref)  # now: once closed it is not listed any more, and its trip is written later
        # the broker's own forced sale carries no reference of ours, yet it is our position that it sells
        forced = execution.liquidation and bool(self._ledger.position(execution.contract.con_id))
        ours = is_ours(execution.order_ref) or forced
        self._records.take_execution(execution, ours=ours)
        if execution.liquidation:
            self._context.alerts.send(
                "critical", f"{execution.contract.symbol}: the broker liquidated {execution.shares}"
            )

    def _note_flat(self) -> None:
        held = {holding.contract.con_id for holding in self._ledger.holdings()}
        self._asked &= held
        if held:
            self._flat.clear()
        else:
            self._flat.set()

    def _ask(self, holding: Holding, reason: str) -> None:
        con_id = holding.contract.con_id
        if con_id in self._asked:
            return
        now = self._context.clock.now()
        self._asked.add(con_id)
        self._records.note_exit(con_id, reason)
        self._context.journal.write(ExitRow(at=now, con_id=con_id, symbol=holding.contract.symbol, reason=reason))
        self._exit_requests.put_nowait(ExitRequest(holding.contract, reason, now))

    def _intent(self, intent_id: str) -> Intent | None:
        """An intent by its reference; all that can still fill are unresolved, so the file knows them."""
        if intent_id not in self._known and is_ours(intent_id):
            try:
                self._known.update((intent.intent_id, intent) for intent in self._context.intents.unresolved())
            except StorageError as error:
                log.warning("intents not readable", error=str(error))
        return self._known.get(intent_id)

    # -- broker truth ------------------------------------------------------------------------------------------------

    async def reconcile(self) -> Reconciliation:
        """Rebuild ledger and intents from the broker, before anything trades; start, reconnect and recovery alike.

        What is not ours is reported to a human and never touched. The execution service then rebuilds its brackets
        from the intents left unresolved here. Raises BrokerError if the broker does not answer.
        """
        truth = await fetch_truth(self._broker)
        pending = self._context.intents.unresolved()
        self._known.update((intent.intent_id, intent) for intent in pending)
        for execution in truth.executions:
            self._take_execution(execution)
        settled = {intent.intent_id: settle_intent(intent, truth) for intent in pending}
        for intent in pending:
            if settled[intent.intent_id] is not intent.state:
                self._mark(intent.intent_id, settled[intent.intent_id])
        owners = [i for i in entries(pending) if settled[i.intent_id] is IntentState.WORKING]
        for intent in owners:
            self._adopt(intent, truth)
        lost = tuple(intent for intent in pending if is_lost(intent, truth))
        report = separate_foreign(truth, settled, lost, {intent.contract.con_id for intent in owners})
        for text in report.messages():
            self._tell(text)
        self._records.pass_over_trips({intent.intent_id for intent in pending})
        self._note_flat()
        return report

    def _mark(self, intent_id: str, state: IntentState) -> None:
        """A disk that refuses must not keep a session from its positions."""
        try:
            self._context.intents.mark(intent_id, state)
        except StorageError as error:
            self._context.alerts.send("critical", f"intent {intent_id} could not be marked {state}: {error}")

    def _adopt(self, intent: Intent, truth: BrokerTruth) -> None:
        """Take over what older executions, which the broker no longer lists, have left of an intent's position.

        Never more than the intent could have bought: the rest of the holding is somebody else's.
        """
        contract: Contract = intent.contract
        position = truth.position(contract.con_id, intent.account)
        held = position.quantity if position else 0
        missing = min(held, intent.quantity) - self._ledger.traded(contract.con_id)
        if missing:
            price = position.average_cost if position else intent.limit_price or 0.0
            self._ledger.open_with(contract, missing, price, intent.created_at, intent.intent_id)
            self._tell(f"{contract.symbol}: adopted {missing} shares that today's executions do not explain")

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
