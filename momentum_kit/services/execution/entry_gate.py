"""EntryGate: from a signal to a bracket by exposure, risk gate, durable intent, three legs; for execution_service."""

import uuid
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
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
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.services.execution.reconciliation import INTENT_PREFIX
from momentum_kit.sessions import session_at
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import Bracket, bracket_legs
from momentum_kit.trading.risk import BracketPlan, Exposure, RiskVerdict, check_entry, plan_bracket

log = structlog.get_logger("entries")

ROLES = ("entry", "target", "stop")


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
        quote: Callable[[int], Quote | None],
        health: Callable[[], ConnectionHealth],
    ) -> None:
        self._context = context
        self._broker = broker
        self._risk = risk
        self._exits = exits
        self._ledger = ledger
        self._desk = desk
        self._quote = quote
        self._health = health
        self._last_entry: dict[int, datetime] = {}
        self._recent: deque[datetime] = deque(maxlen=1000)
        self._entered: set[str] = set()

    def remember(self, intent: Intent) -> None:
        """Count an entry towards cool-down, rate and 'never twice'."""
        con_id = intent.contract.con_id
        self._last_entry[con_id] = max(intent.created_at, self._last_entry.get(con_id, intent.created_at))
        self._recent.append(intent.created_at)
        self._entered.add(intent.item_id)

    async def enter(self, signal: TradeSignal, bands: tuple[PriceIncrement, ...] | None) -> None:
        """Judge a signal and send its bracket. bands: None where the broker would not tell the market rule."""
        now = self._context.clock.now()
        plan, verdict = self._judge(signal, bands, now)
        self._journal_verdict(signal, plan, verdict)
        if not verdict.accepted:
            self._context.counts["refused"] += 1
            return
        assert bands is not None
        intent = self._intent(signal, plan, now)
        try:
            self._context.intents.record(intent)
        except StorageError as error:
            self._halt(f"no entry in {signal.contract.symbol}: its intent could not be written: {error}")
            return
        self.remember(intent)
        await self._send(signal, intent, bands)

    # -- judging -----------------------------------------------------------------------------------------------------

    def _judge(
        self, signal: TradeSignal, bands: tuple[PriceIncrement, ...] | None, now: datetime
    ) -> tuple[BracketPlan, RiskVerdict]:
        if bands:
            plan = plan_bracket(signal.reference_price, signal.atr, self._risk, self._exits, bands)
        else:
            plan = BracketPlan(
                quantity=Decimal(0),
                limit_price=signal.reference_price,
                target_price=float("nan"),
                stop_price=float("nan"),
                risk_usd=0.0,
            )
        exposure = self._exposure(signal, now, may_enter=bool(bands))
        return plan, check_entry(exposure, plan.quantity, plan.limit_price, self._risk)

    def _exposure(self, signal: TradeSignal, now: datetime, *, may_enter: bool) -> Exposure:
        con_id = signal.contract.con_id
        health, quote = self._health(), self._quote(con_id)
        halted = quote is not None and quote.halted
        session = session_at(now, self._context.calendar)
        busy = {b.intent.contract.con_id: b for b in self._desk.in_order() if b.any_live}
        held = {h.contract.con_id: h for h in self._ledger.holdings()}
        notional = sum(float(abs(h.quantity)) * h.average_price for h in held.values())
        notional += sum(self._on_order(b) for b in busy.values())
        own = busy.get(con_id)
        quantity = self._ledger.position(con_id)
        if own is not None:
            quantity = max(quantity, own.intent.quantity)
        return Exposure(
            state=self._context.state(),
            may_enter=may_enter and health.may_enter and not halted and con_id not in health.stale_con_ids,
            symbol_quantity=quantity,
            entries_on_item=int(signal.item_id in self._entered),
            opposite_orders=sum(leg.live and leg.request.action is OrderAction.SELL for leg in own or ()),
            slots=len(busy.keys() | held.keys()),
            notional_usd=notional,
            entries_last_minute=sum(now - at < timedelta(seconds=60) for at in self._recent),
            since_last_entry_s=age_s(self._last_entry.get(con_id), now),
            to_close_s=(session.close - now).total_seconds() if session else float("nan"),
            day_pnl_usd=self._ledger.realised_usd - self._ledger.costs_usd + self._ledger.unrealised_usd(self._bid),
        )

    def _on_order(self, bracket: Bracket) -> float:
        """What a working entry may still buy, USD."""
        entry = bracket.entry
        if entry is None or not entry.live or entry.request.limit_price is None:
            return 0.0
        left = entry.request.quantity - self._ledger.filled(entry.request.order_id)
        return float(left) * entry.request.limit_price

    def _bid(self, con_id: int) -> float:
        """What a holding would fetch, USD; nan without a quote."""
        quote = self._quote(con_id)
        return quote.bid if quote is not None else float("nan")

    # -- sending -----------------------------------------------------------------------------------------------------

    def _intent(self, signal: TradeSignal, plan: BracketPlan, now: datetime) -> Intent:
        entry, target, stop = (self._broker.next_order_id() for _ in ROLES)
        return Intent(
            intent_id=new_intent_id(),
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
            reason=str(signal.catalyst),
        )

    async def _send(self, signal: TradeSignal, intent: Intent, bands: tuple[PriceIncrement, ...]) -> None:
        legs = bracket_legs(
            intent,
            regular_hours=self._context.regular_hours(intent.created_at),
            stop_slack_pct=self._exits.stop_min_pct,
            bands=bands,
        )
        bracket = Bracket(intent=intent, sent_at=intent.created_at)
        self._desk.brackets[intent.contract.con_id] = bracket
        for role, leg in zip(ROLES, legs, strict=True):
            last = role == ROLES[-1]
            try:
                await self._desk.place(bracket, role, leg, signal.deciding_ns if last else None)
            except NotConnected as error:
                if role == ROLES[0]:  # nothing at all has been sent
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

    async def _take_back(self, bracket: Bracket, why: str) -> None:
        """Part of a bracket is out: never send again, try to take the entry back, and let the broker's lists tell."""
        self._desk.mark(bracket, IntentState.UNKNOWN)
        self._desk.mark_uncertain(bracket, why)
        self._halt(why)
        if bracket.entry is not None:
            await self._desk.cancel(bracket, bracket.entry)

    def _halt(self, why: str) -> None:
        log.error("entries halted", why=why)
        self._context.incident("entries halted", why)
        self._context.halt_entries(why)

    # -- records -----------------------------------------------------------------------------------------------------

    def _journal_verdict(self, signal: TradeSignal, plan: BracketPlan, verdict: RiskVerdict) -> None:
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


def new_intent_id() -> str:
    """A reference for all orders of one intent; unique for ever, because a restart must not mistake an old order."""
    return f"{INTENT_PREFIX}{uuid.uuid4().hex[:24]}"
