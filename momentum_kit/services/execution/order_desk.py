"""Sends orders and hears what becomes of them; the book of brackets, one a symbol; part of the execution service."""

import time
from collections.abc import MutableMapping
from dataclasses import replace
from datetime import datetime

import structlog

from momentum_kit.errors import BrokerError, NotConnected, StorageError
from momentum_kit.models import Execution, Intent, IntentState, OpenOrder, OrderNotice, OrderRequest, OrderUpdate
from momentum_kit.ports import Alerts, Broker, Clock, Intents, Journal, OrderEvent
from momentum_kit.services.execution.order_trace import OrderTrace
from momentum_kit.trading.orders import Bracket, Leg, OrderState, UnexpectedMove, next_state, notice_state

log = structlog.get_logger("orders")


class OrderDesk:
    """Every placeOrder and cancelOrder of the kit goes through here, and every word on them comes back here."""

    def __init__(
        self,
        broker: Broker,
        intents: Intents,
        journal: Journal,
        clock: Clock,
        counts: MutableMapping[str, int],
        alerts: Alerts,
    ) -> None:
        self.brackets: dict[int, Bracket] = {}  # the latest of each symbol, by con_id
        self._legs: dict[int, tuple[Bracket, Leg]] = {}  # by order_id, of all brackets
        self._broker = broker
        self._intents = intents
        self._clock = clock
        self.trace = OrderTrace(journal, clock, counts, alerts)

    def in_order(self) -> list[Bracket]:
        """Brackets by con_id, so that nothing depends on the order of arrival."""
        return [self.brackets[con_id] for con_id in sorted(self.brackets)]

    def track(self, bracket: Bracket, leg: Leg) -> None:
        """Follow an order from now on."""
        old = bracket.legs.get(leg.role)
        if old is not None and old.live:
            bracket.replaced.append(old)
        bracket.legs[leg.role] = leg
        self._legs[leg.request.order_id] = (bracket, leg)

    # -- out ---------------------------------------------------------------------------------------------------------

    async def place(self, bracket: Bracket, role: str, order: OrderRequest, deciding_ns: int | None = None) -> None:
        """Send a new order, once. BrokerError: NotConnected if nothing was sent, else the outcome is in doubt.

        deciding_ns: perf_counter_ns of what led to it, for the time from there to the last byte.
        """
        leg = Leg(role, order, self._clock.now())
        self.track(bracket, leg)  # before sending: the answer may be here before the await ends
        try:
            await self._broker.place_order(bracket.intent.contract, order)
        except NotConnected:
            leg.state = OrderState.REJECTED
            raise
        except BrokerError as error:
            leg.state = OrderState.UNKNOWN
            self.doubt(bracket, f"order {order.order_id} may or may not have been sent: {error}")
            raise
        decide_ms = (time.perf_counter_ns() - deciding_ns) / 1e6 if deciding_ns else None
        self.trace.order(bracket, role, order, "place", decide_ms)

    async def modify(self, bracket: Bracket, leg: Leg, order: OrderRequest, role: str) -> bool:
        """Change an order at the broker; False if it could not be sent."""
        before, leg.request, leg.changing, leg.sent_at = leg.request, order, True, self._clock.now()
        try:
            await self._broker.place_order(bracket.intent.contract, order)
        except BrokerError as error:
            leg.request, leg.changing = before, False
            self.doubt(bracket, f"order {order.order_id} was perhaps not modified: {error}")
            return False
        self.trace.order(bracket, role, order, "modify")
        return True

    async def cancel(self, bracket: Bracket, leg: Leg) -> None:
        """Ask for a cancel; the verdict comes as an event, and a missing one becomes a doubt."""
        leg.cancel_sent_at = self._clock.now()
        try:
            await self._broker.cancel_order(leg.request.order_id)
        except BrokerError as error:
            self.doubt(bracket, f"order {leg.request.order_id} was perhaps not cancelled: {error}")
            return
        self.trace.order(bracket, leg.role, leg.request, "cancel")

    # -- in ----------------------------------------------------------------------------------------------------------

    def hear(self, event: OrderEvent) -> Bracket | None:
        """Take the broker's word on an order; the bracket that needs a look now, None if there is none.

        A late word on a symbol's earlier bracket is taken in, but what is held belongs to the latest one.
        """
        bracket = self._take_in(event)
        latest = bracket is not None and self.brackets.get(bracket.intent.contract.con_id) is bracket
        return bracket if latest else None

    def _take_in(self, event: OrderEvent) -> Bracket | None:
        match event:
            case OrderUpdate():
                self.trace.update(event)
                return self.believe(event)
            case OpenOrder():
                return self._on_echo(event)
            case OrderNotice():
                return self._on_notice(event)
            case Execution():
                return self._on_execution(event)
            case _:
                return None

    def doubt(self, bracket: Bracket, why: str) -> None:
        """From here on only the broker's lists can tell how this bracket stands; nothing is sent for it until then."""
        if not bracket.doubt:
            bracket.doubt = why
            log.warning("in doubt", symbol=bracket.intent.contract.symbol, why=why)
            self.trace.incident("doubt", why)

    def mark(self, bracket: Bracket, state: IntentState) -> None:
        """Write down how a bracket's intent stands; a disk that refuses is told to a human and stops nothing."""
        bracket.intent = replace(bracket.intent, state=state)
        self.mark_intent(bracket.intent.intent_id, state)

    def mark_intent(self, intent_id: str, state: IntentState) -> None:
        """The same for an exit or a standalone stop."""
        try:
            self._intents.mark(intent_id, state)
        except StorageError as error:
            self.trace.alert(f"intent {intent_id} could not be marked {state}: {error}")

    def record_open(self, intent: Intent) -> None:
        """Make a risk-reducing intent durable if the disk allows it: such orders fail open."""
        try:
            self._intents.record(intent)
        except StorageError as error:
            self.trace.alert(f"{intent.kind} of {intent.contract.symbol} goes out unrecorded: {error}")

    def _find(self, order_id: int, perm_id: int) -> tuple[Bracket, Leg] | None:
        """By order id, unless the permanent id says that it is another client's."""
        found = self._legs.get(order_id)
        if found is None:
            return None
        leg = found[1]
        if leg.perm_id and perm_id and leg.perm_id != perm_id:
            return None
        leg.perm_id = leg.perm_id or perm_id
        return found

    def believe(self, update: OrderUpdate) -> Bracket | None:
        """Move an order to the status the broker tells; its bracket, None if it is none of ours."""
        found = self._find(update.order_id, update.perm_id)
        if found is None:
            return None
        bracket, leg = found
        if update.filled > leg.told_filled:
            leg.told_filled, leg.told_at = update.filled, self._clock.now()
        try:
            leg.state = next_state(leg.state, update.status)
        except UnexpectedMove as surprise:
            if leg.state is not OrderState.UNKNOWN:
                self.doubt(bracket, f"order {update.order_id}: {surprise}")
            leg.state = OrderState.UNKNOWN
        if leg.acknowledged and bracket.intent.state in (IntentState.PREPARED, IntentState.SENT):
            self.mark(bracket, IntentState.WORKING)
        return bracket

    def _on_echo(self, order: OpenOrder) -> Bracket | None:
        found = self._find(order.request.order_id, order.perm_id)
        if found is None:
            return None
        bracket, leg = found
        same = _same(order.request, leg.request)
        if same:
            leg.changing = False
        elif not leg.changing:  # the broker resized it; an echo from before our own modify is skipped
            leg.request = replace(leg.request, quantity=order.request.quantity)
        return bracket

    def _on_notice(self, notice: OrderNotice) -> Bracket | None:
        self.trace.notice(notice)
        found = self._legs.get(notice.order_id)
        if found is None:
            return None
        bracket, leg = found
        try:
            leg.state = notice_state(leg.state, notice.meaning)
        except UnexpectedMove as surprise:
            self.doubt(bracket, f"order {notice.order_id}: {surprise} ({notice.code} {notice.text})")
            leg.state = OrderState.UNKNOWN
        return bracket

    def _on_execution(self, execution: Execution) -> Bracket | None:
        found = self._find(execution.order_id, execution.perm_id)
        if found is None:
            return None
        bracket, leg = found
        if leg.role == "entry" and bracket.first_fill_at is None:
            bracket.first_fill_at = self._clock.now()
        return bracket


def _same(echo: OrderRequest, sent: OrderRequest) -> bool:
    """Type and size only: IB's first echo of a stop carries a stray limit price."""
    return echo.quantity == sent.quantity and echo.order_type == sent.order_type


def age_s(since: datetime | None, now: datetime) -> float:
    """Market seconds since a moment; infinite if it never was."""
    return float("inf") if since is None else (now - since).total_seconds()
