"""OrderDesk: sends orders, follows what the broker says of them, and keeps the brackets, one a symbol.

Part of the execution service; entry gate, guardian and recovery act through it.
"""

import time
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import structlog

from momentum_kit.errors import BrokerError, NotConnected
from momentum_kit.models import (
    Execution,
    Intent,
    IntentKind,
    IntentState,
    NoticeRow,
    OpenOrder,
    OrderAction,
    OrderNotice,
    OrderRequest,
    OrderRow,
    OrderUpdate,
    OrderUpdateRow,
)
from momentum_kit.ports import Broker, OrderEvent
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.reconciliation import new_intent_id
from momentum_kit.trading.orders import (
    PRICE_REFUSED,
    Bracket,
    Leg,
    OrderState,
    UnexpectedMove,
    as_told,
    next_state,
    notice_state,
    trailed,
)

log = structlog.get_logger("orders")


PATIENCE_S = 5.0  # market seconds without an answer to something sent; then the broker's lists are asked
RETRY_S = 2.0  # between two standalone stops for one position, and between two tries to sell
_COUNTS = {"place": "orders", "modify": "modifies", "cancel": "cancels"}


class OrderDesk:
    """Every placeOrder and cancelOrder of the kit goes through here, and every event of an order comes back here."""

    def __init__(self, context: SessionContext, broker: Broker) -> None:
        self.brackets: dict[int, Bracket] = {}  # the latest of each symbol, by con_id
        self.words = 0  # words from and to the broker so far: tells an event from a list that was asked for earlier
        self._legs: dict[int, tuple[Bracket, Leg]] = {}  # by order_id, the latest order that has it
        self._by_perm: dict[int, tuple[Bracket, Leg]] = {}  # by perm_id, which no other order ever has
        self._of_symbol: dict[int, list[Leg]] = {}  # every order of a contract, by con_id
        self._context = context
        self._broker = broker

    def in_order(self) -> list[Bracket]:
        """Brackets by con_id, so that nothing depends on the order of arrival."""
        return [self.brackets[con_id] for con_id in sorted(self.brackets)]

    def track(self, bracket: Bracket, leg: Leg, *, surplus: bool = False) -> None:
        """Follow an order from now on; surplus: it is a second one of its role, and the first stays what it was."""
        old = bracket.legs.get(leg.role)
        second = surplus and old is not None and old.live
        if second:
            bracket.replaced.append(leg)
        elif old is not None and old.live:
            bracket.replaced.append(old)
        if not second:
            bracket.legs[leg.role] = leg
        if leg.role == "stop":
            bracket.stops.append(leg)
        if leg.request.order_id > 0:  # lists of ended orders carry none
            self._legs[leg.request.order_id] = (bracket, leg)
        if leg.perm_id:
            self._by_perm[leg.perm_id] = (bracket, leg)
        self._of_symbol.setdefault(bracket.intent.contract.con_id, []).append(leg)

    def legs_of(self, con_id: int) -> tuple[Leg, ...]:
        """Every order of a contract that we follow or have followed, oldest first."""
        return tuple(self._of_symbol.get(con_id, ()))

    # -- out ---------------------------------------------------------------------------------------------------------

    async def place(self, bracket: Bracket, role: str, order: OrderRequest, deciding_ns: int | None = None) -> None:
        """Send a new order, once. BrokerError: NotConnected if nothing was sent, else the outcome is unknown.

        deciding_ns: perf_counter_ns of what led to it, for the time from there to the last byte.
        """
        leg = Leg(role=role, request=order, sent_at=self._context.clock.elapsed(), spoken=self._word())
        self.track(bracket, leg)  # before sending: the answer may be here before the await ends
        try:
            await self._broker.place_order(bracket.intent.contract, order)
        except NotConnected:
            leg.state = OrderState.REJECTED
            raise
        except BrokerError as error:
            leg.state = OrderState.UNKNOWN
            self.mark_uncertain(bracket, f"order {order.order_id} may or may not have been sent: {error}")
            raise
        decide_ms = (time.perf_counter_ns() - deciding_ns) / 1e6 if deciding_ns else None
        self._journal_order(bracket, role, order, "place", decide_ms)

    async def modify(self, bracket: Bracket, leg: Leg, order: OrderRequest, role: str) -> bool:
        """Change an order at the broker; False if it could not be sent."""
        leg.size_before, leg.asked = leg.whole, order.quantity
        before, leg.request, leg.changing, leg.sent_at = leg.request, order, True, self._context.clock.elapsed()
        leg.spoken, leg.smaller = self._word(), False
        try:
            await self._broker.place_order(bracket.intent.contract, order)
        except BrokerError as error:
            leg.request, leg.changing = before, False
            self.mark_uncertain(bracket, f"order {order.order_id} was perhaps not modified: {error}")
            return False
        self._journal_order(bracket, role, order, "modify")
        return True

    async def cancel(self, bracket: Bracket, leg: Leg) -> None:
        """Ask for a cancel; the verdict comes as an event, and without one the bracket becomes uncertain."""
        leg.cancel_sent_at = self._context.clock.elapsed()
        leg.spoken = self._word()
        try:
            await self._broker.cancel_order(leg.request.order_id)
        except BrokerError as error:
            self.mark_uncertain(bracket, f"order {leg.request.order_id} was perhaps not cancelled: {error}")
            return
        self._journal_order(bracket, leg.role, leg.request, "cancel")

    async def cancel_entry(self, bracket: Bracket) -> bool:
        """Cancel the entry if it may still fill and nobody has asked yet."""
        entry = bracket.entry
        if entry is None or not entry.live or entry.cancel_sent_at is not None:
            return False
        await self.cancel(bracket, entry)
        return True

    async def take_back(self, order_ids: set[int]) -> None:
        """Cancel what no list shows and may be there all the same, staged or late; ids of live orders are left out."""
        working = {leg.request.order_id for bracket in self.in_order() for leg in bracket if leg.live}
        for order_id in sorted(order_ids - working):
            try:
                await self._broker.cancel_order(order_id)
            except BrokerError as error:
                log.warning("staged order not cancelled", order_id=order_id, error=str(error))

    # -- in ----------------------------------------------------------------------------------------------------------

    def on_event(self, event: OrderEvent) -> Bracket | None:
        """Apply what the broker says of an order; the bracket that needs a look now, None if there is none."""
        match event:
            case OrderUpdate():
                self._context.journal.write(_update_row(event, self._context.clock.now()))
                return self.apply_status(event)
            case OpenOrder():
                return self._on_echo(event)
            case OrderNotice():
                return self._on_notice(event)
            case Execution():
                return self._on_execution(event)
            case _:
                return None

    def mark_uncertain(self, bracket: Bracket, why: str) -> None:
        """From here on only the broker's lists can tell how this bracket stands; nothing is sent for it until then."""
        if not bracket.uncertain:
            bracket.uncertain = why
            log.warning("in doubt", symbol=bracket.intent.contract.symbol, why=why)
            self._context.incident("doubt", why)

    def mark(self, bracket: Bracket, state: IntentState) -> None:
        """Write down how a bracket's intent stands; a disk that refuses is told to a human and stops nothing."""
        bracket.intent = replace(bracket.intent, state=state)
        self.mark_intent(bracket.intent.intent_id, state)

    def mark_intent(self, intent_id: str, state: IntentState) -> None:
        """The same for an exit or a standalone stop."""
        self._context.written(
            self._context.intents.mark(intent_id, state), f"intent {intent_id} could not be marked {state}"
        )

    def record_reducing(self, intent: Intent) -> None:
        """Make a risk-reducing intent durable if the disk allows it: such orders fail open, and wait for no disk."""
        what = f"{intent.kind} of {intent.contract.symbol} goes out unrecorded"
        self._context.written(self._context.intents.record(intent), what)

    def call_once(self, bracket: Bracket, key: str, text: str) -> None:
        """Call a human and record it, once until it is settled."""
        if key not in bracket.alerted:
            bracket.alerted.add(key)
            self._context.alerts.page(f"{key} {bracket.intent.contract.symbol}", text)
            self._context.incident(key, text)

    def settle(self, bracket: Bracket, key: str) -> None:
        """What a human was called for is over."""
        bracket.alerted.discard(key)
        symbol = bracket.intent.contract.symbol
        self._context.alerts.settle(f"{key} {symbol}", f"{symbol} is no longer {key}")

    def alert_once(self, bracket: Bracket, key: str, level: str, text: str) -> None:
        """Alert a human and record it, once for each key and bracket."""
        if key not in bracket.alerted:
            bracket.alerted.add(key)
            self._context.alerts.send(level, text)
            self._context.incident(key, text)

    def _journal_order(
        self, bracket: Bracket, role: str, order: OrderRequest, change: str, decide_ms: float | None = None
    ) -> None:
        self._context.counts[_COUNTS[change]] += 1
        now = self._context.clock.now()
        self._context.journal.write(_order_row(bracket, order, at=now, role=role, change=change, decide_ms=decide_ms))

    def find(self, order_id: int, perm_id: int) -> tuple[Bracket, Leg] | None:
        """By permanent id; before there is one by order id, which some days begin anew and other clients use too."""
        found = self._by_perm.get(perm_id) or self._legs.get(order_id)
        if found is None:
            return None
        leg = found[1]
        if leg.perm_id and perm_id and leg.perm_id != perm_id:
            return None
        if perm_id and not leg.perm_id:
            leg.perm_id = perm_id
            self._by_perm[perm_id] = found
        return found

    def apply_status(self, update: OrderUpdate) -> Bracket | None:
        """Move an order to the status that the broker tells; its bracket, None if it is none of ours."""
        found = self.find(update.order_id, update.perm_id)
        if found is None:
            return None
        bracket, leg = found
        leg.heard, leg.told, leg.cap_price = self._word(), update.status, update.market_cap_price
        if update.filled >= leg.named:
            leg.named, leg.left = update.filled, update.remaining
        size = update.filled + update.remaining
        if update.remaining and size > leg.request.quantity and not leg.changing:
            leg.request = replace(leg.request, quantity=size)  # an echo from before our last modify had said less
        leg.smaller = bool(update.remaining) and size < leg.request.quantity and not leg.changing
        try:
            leg.state = next_state(leg.state, update.status)
        except UnexpectedMove as surprise:
            if leg.state is not OrderState.UNKNOWN:
                bracket = self.hand_over(bracket, leg)
                self.mark_uncertain(bracket, f"order {update.order_id}: {surprise}")
            leg.state = OrderState.UNKNOWN
        if not leg.live:
            leg.absent = 0  # ended by its own word, and not because lists lacked it
        leg.untold_since = None
        if leg.acknowledged and bracket.intent.state in (IntentState.PREPARED, IntentState.SENT):
            self.mark(bracket, IntentState.WORKING)
        return bracket

    def hand_over(self, bracket: Bracket, leg: Leg) -> Bracket:
        """An order that was over, and perhaps lives on, is a surplus one of its symbol's latest bracket."""
        latest = self.brackets.get(bracket.intent.contract.con_id, bracket)
        if not any(each is leg for each in latest):  # of an earlier bracket, or another one took its place
            latest.replaced.append(leg)
            self._legs[leg.request.order_id] = (latest, leg)
            if leg.perm_id:
                self._by_perm[leg.perm_id] = (latest, leg)
        return latest

    def _word(self) -> int:
        self.words += 1
        return self.words

    def _on_echo(self, order: OpenOrder) -> Bracket | None:
        found = self.find(order.request.order_id, order.perm_id)
        if found is None:
            return None
        bracket, leg = found
        leg.heard, leg.told, leg.echo, leg.smaller = self._word(), order.status, order.request, False
        leg.request = trailed(leg.request, order.request)
        same = _same(order.request, leg.request)
        if same:
            leg.changing = False
        elif not leg.changing:  # the broker resized it, or our change never came; one from before it is skipped
            leg.turned = leg.turned and order.request.order_type == leg.request.order_type
            leg.request = as_told(leg.request, order.request)
        return bracket

    def _on_notice(self, notice: OrderNotice) -> Bracket | None:
        self._context.journal.write(_notice_row(notice, self._context.clock.now()))
        found = self._legs.get(notice.order_id)
        if found is None:
            return None
        bracket, leg = found
        leg.heard, lived = self._word(), leg.live
        bracket.prices_refused += notice.meaning == PRICE_REFUSED and leg.selling
        # a verdict on an order that nobody has changed or acknowledged yet refuses the order itself (383, 451, 109)
        refused = notice.meaning == "cancel verdict" and _untouched(leg)
        try:
            leg.state = notice_state(leg.state, "order dead" if refused else notice.meaning)
        except UnexpectedMove as surprise:
            bracket = self.hand_over(bracket, leg)
            self.mark_uncertain(bracket, f"order {notice.order_id}: {surprise} ({notice.code} {notice.text})")
            leg.state = OrderState.UNKNOWN
        if lived and not leg.live:
            leg.untold_since = self._context.clock.elapsed()
        return bracket

    def _on_execution(self, execution: Execution) -> Bracket | None:
        found = self.find(execution.order_id, execution.perm_id)
        return None if found is None else found[0]


def reducing_intent(context: SessionContext, entry: Intent, kind: IntentKind, quantity: Decimal, reason: str) -> Intent:
    """The durable decision to sell, or to be ready to sell, what an entry's bracket bought."""
    return replace(
        entry,
        intent_id=new_intent_id(context.owner),
        entry_id=entry.first_entry_id,
        kind=kind,
        action=OrderAction.SELL,
        quantity=quantity,
        limit_price=None,
        target_price=None,
        risk_usd=0.0,
        created_at=context.clock.now(),
        state=IntentState.PREPARED,
        entry_order_id=0,
        target_order_id=0,
        stop_order_id=0,
        timed_order_id=0,
        reason=reason,
    )


def _order_row(
    bracket: Bracket, order: OrderRequest, *, at: datetime, role: str, change: str, decide_ms: float | None
) -> OrderRow:
    """A message that went out; change: place, modify or cancel."""
    return OrderRow(
        at=at,
        intent_id=order.order_ref,
        item_id=bracket.intent.item_id,
        order_id=order.order_id,
        leg=role,
        symbol=bracket.intent.contract.symbol,
        con_id=bracket.intent.contract.con_id,
        action=order.action,
        order_type=order.order_type,
        quantity=order.quantity,
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        tif=order.tif,
        change=change,
        decide_to_sent_ms=decide_ms,
        good_after=order.good_after,
        trailing_usd=order.trailing_usd,
    )


def _update_row(update: OrderUpdate, at: datetime) -> OrderUpdateRow:
    return OrderUpdateRow(
        at=at,
        order_id=update.order_id,
        perm_id=update.perm_id,
        status=update.status,
        filled=update.filled,
        remaining=update.remaining,
        avg_fill_price=update.avg_fill_price,
        why_held=update.why_held,
    )


def _notice_row(notice: OrderNotice, at: datetime) -> NoticeRow:
    return NoticeRow(
        at=at,
        order_id=notice.order_id,
        code=notice.code,
        text=notice.text,
        meaning=notice.meaning,
        advice=notice.advice,
    )


def _untouched(leg: Leg) -> bool:
    """True of an order that was sent once, and of which the broker has said nothing."""
    return leg.state is OrderState.SENT and not (leg.told or leg.changing) and leg.cancel_sent_at is None


def _same(echo: OrderRequest, sent: OrderRequest) -> bool:
    """Type and size only: IB's first echo of a stop carries a stray limit price."""
    return echo.quantity == sent.quantity and echo.order_type == sent.order_type


def age_s(since: float | None, now: float) -> float:
    """Elapsed seconds since a moment; infinite if it never was."""
    return float("inf") if since is None else now - since
