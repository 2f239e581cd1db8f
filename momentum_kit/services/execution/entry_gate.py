"""EntryGate: from a signal to a bracket: its facts, the risk gate, a durable intent, three legs."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import structlog

from momentum_kit.config import ExitSettings, RiskSettings
from momentum_kit.errors import BrokerError, NotConnected, StorageError
from momentum_kit.models import (
    ConnectionHealth,
    Intent,
    IntentKind,
    IntentState,
    OrderAction,
    PriceIncrement,
    Quote,
    RiskRow,
    TradeSignal,
)
from momentum_kit.ports import Broker
from momentum_kit.services.consuming import outside
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.entry_facts import GatheredFacts
from momentum_kit.services.execution.funds import Funds
from momentum_kit.services.execution.margins import MarginTerms
from momentum_kit.services.execution.order_desk import OrderDesk
from momentum_kit.services.execution.reconciliation import new_intent_id
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.sessions import session_at
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import Bracket, bracket_legs, gone_by, time_exit_order
from momentum_kit.trading.risk import (
    BracketPlan,
    EntryOrder,
    RiskVerdict,
    check_entry,
    plan_bracket,
)

log = structlog.get_logger("entries")


class EntryGate:
    """Decides on one signal at a time and sends its bracket, once and never again."""

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        risk: RiskSettings,
        exits: ExitSettings,
        ledger: Ledger,
        desk: OrderDesk,
        witnesses: Witnesses,
        quote: Callable[[int], Quote | None],
        health: Callable[[], ConnectionHealth],
        funds: Callable[[], Funds | None],
        margins: Callable[[int], MarginTerms | None],
    ) -> None:
        self._context = context
        self._broker = broker
        self._risk = risk
        self._exits = exits
        self._desk = desk
        self._facts = GatheredFacts(
            context, maintenance=risk.maintenance, ledger=ledger, desk=desk, witnesses=witnesses, quote=quote,
            health=health, funds=funds, margins=margins,
        )  # fmt: skip

    def remember(self, intent: Intent) -> None:
        """Count an entry towards cool-down, rate and 'never twice'."""
        self._facts.remember(intent)

    def decide(self, signal: TradeSignal, bands: tuple[PriceIncrement, ...] | None) -> Intent | None:
        """Judge a signal; its intent, to be made durable before it is sent, or None where it is refused.

        bands: None where the broker has not told the market rule yet.
        """
        plan, verdict = self._judge(signal, bands)
        self._journal_verdict(signal, plan, verdict)
        if not verdict.accepted:
            self._context.counts["refused"] += 1
            return None
        return self._intent(signal, plan, self._context.clock.now())

    async def make_durable(self, intent: Intent) -> bool:
        """Wait for the disk, however long it takes; False if it refuses: then nothing is sent, and entries stop."""
        try:
            await outside(asyncio.wrap_future(self._context.intents.record(intent)))
        except StorageError as error:
            self._halt(f"no entry in {intent.contract.symbol}: its intent could not be written: {error}")
            return False
        return True

    async def enter(self, signal: TradeSignal, intent: Intent, bands: tuple[PriceIncrement, ...] | None) -> None:
        """Send the bracket of a durable intent, after a last look: the disk may have stalled until all had changed."""
        plan, verdict = self._judge(signal, bands)
        if not verdict.accepted or bands is None:
            self._withdraw(signal, intent, plan, verdict)
            return
        self.remember(intent)
        await self._send(signal, intent, bands)

    # -- judging -----------------------------------------------------------------------------------------------------

    def _judge(self, signal: TradeSignal, bands: tuple[PriceIncrement, ...] | None) -> tuple[BracketPlan, RiskVerdict]:
        if bands and 0 < signal.reference_price < float("inf"):
            plan = plan_bracket(signal.reference_price, signal.atr, self._risk, self._exits, bands)
        else:
            plan = BracketPlan(
                quantity=Decimal(0),
                limit_price=signal.reference_price,
                target_price=float("nan"),
                stop_price=float("nan"),
                risk_usd=0.0,
            )
        order = EntryOrder(
            symbol=signal.contract.symbol,
            catalyst=str(signal.catalyst),
            quantity=plan.quantity,
            limit_price=plan.limit_price,
            grid_known=bool(bands),
        )
        return plan, check_entry(self._facts.gather(signal, order), self._risk)

    # -- sending -----------------------------------------------------------------------------------------------------

    def _intent(self, signal: TradeSignal, plan: BracketPlan, now: datetime) -> Intent:
        entry, target, stop = (self._broker.next_order_id() for _ in range(3))
        return Intent(
            intent_id=new_intent_id(self._context.owner),
            kind=IntentKind.ENTRY,
            item_id=signal.item_id,
            contract=signal.contract,
            account=self._context.account,
            action=OrderAction.BUY,
            quantity=plan.quantity,
            limit_price=plan.limit_price,
            target_price=plan.target_price,
            stop_price=plan.stop_price,
            risk_usd=plan.risk_usd,
            created_at=now,
            entry_order_id=entry,
            target_order_id=target,
            stop_order_id=stop,
            timed_order_id=self._broker.next_order_id() if self._gone_by(now) else 0,
            trail_usd=plan.trail_usd,
            reason=str(signal.catalyst),
        )

    async def _send(self, signal: TradeSignal, intent: Intent, bands: tuple[PriceIncrement, ...]) -> None:
        entry, target, stop = bracket_legs(
            intent,
            regular_hours=self._context.regular_hours(intent.created_at),
            stop_slack_pct=self._exits.stop_min_pct,
            bands=bands,
        )
        hour = self._gone_by(intent.created_at)
        timed = {"timed": time_exit_order(intent, hour)} if intent.timed_order_id and hour else {}
        bracket = Bracket(intent=intent, sent_at=self._context.clock.elapsed())
        self._desk.brackets[intent.contract.con_id] = bracket
        for role, leg in {"entry": entry, "target": target, **timed, "stop": stop}.items():
            try:
                await self._desk.place(bracket, role, leg, signal.deciding_ns if leg.transmit else None)
            except NotConnected as error:
                if role == "entry":  # nothing at all has been sent
                    self._desk.mark(bracket, IntentState.REFUSED)
                    self._halt(f"no entry in {signal.contract.symbol}: {error}")
                    return
                await self._take_back(bracket, f"{role} of {signal.contract.symbol} not sent: {error}")
                return
            except BrokerError as error:
                await self._take_back(bracket, f"{role} of {signal.contract.symbol} perhaps not sent: {error}")
                return
        if bracket.intent.state is IntentState.PREPARED:  # else the broker was quicker, and it is WORKING
            self._desk.mark(bracket, IntentState.SENT)
        self._context.counts["entries"] += 1

    def _gone_by(self, ordered_at: datetime) -> datetime | None:
        """The hour at which the broker is to sell what is left; None where no time exit rests there."""
        on = self._exits.time_exit_at_broker
        return gone_by(ordered_at, session_at(ordered_at, self._context.calendar), self._exits) if on else None

    async def _take_back(self, bracket: Bracket, why: str) -> None:
        """Part of a bracket is out: never send again, try to take the entry back, and let the broker's lists tell."""
        self._desk.mark(bracket, IntentState.UNKNOWN)
        self._desk.mark_uncertain(bracket, why)
        self._halt(why)
        if bracket.entry is not None:
            await self._desk.cancel(bracket, bracket.entry)

    def _withdraw(self, signal: TradeSignal, intent: Intent, plan: BracketPlan, verdict: RiskVerdict) -> None:
        """Nothing of it was sent: say so where it is durable."""
        self._journal_verdict(signal, plan, verdict)
        self._context.counts["refused"] += 1
        # where the disk refuses this, a start finds no order of it and settles it then
        write = self._context.intents.mark(intent.intent_id, IntentState.REFUSED)
        self._context.written(write, f"intent {intent.intent_id} could not be marked {IntentState.REFUSED}")

    def _halt(self, why: str) -> None:
        log.error("entries halted", why=why)
        self._context.incident("entries halted", why)
        self._context.halt_entries(why)

    # -- records -----------------------------------------------------------------------------------------------------

    def _journal_verdict(self, signal: TradeSignal, plan: BracketPlan, verdict: RiskVerdict) -> None:
        if (no := verdict.refusal) is not None:
            log.info(
                "entry refused", symbol=signal.contract.symbol, rule=no.rule, value=no.value, limit=no.limit,
                detail=no.detail,
            )  # fmt: skip
        self._context.journal.write(
            RiskRow(
                at=self._context.clock.now(),
                item_id=signal.item_id,
                story_id=signal.story_id,
                symbol=signal.contract.symbol,
                con_id=signal.contract.con_id,
                verdict="accepted" if verdict.accepted else "refused",
                reason=verdict.reason,
                quantity=plan.quantity,
                limits=verdict.checks,
            )
        )
