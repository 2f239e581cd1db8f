"""Recovery: rebuilds and corrects brackets from the broker's own lists; for the execution service.

How it works. Events tell what becomes of an order only while we listen and nothing is lost; the broker's lists tell it
at any time. So there are three moments at which the lists are asked. At the start of every run, which is the same for a
first start, a reconnect and a crash, `rebuild` makes the brackets anew from the intents that have no end yet and from
the open orders that carry their references. While something is held, `audit` compares every few seconds, because IB
does not guarantee an orderStatus. And once a bracket is uncertain (silence, a move that the table of orders/lifecycle
does not know, a send that failed half way), `resolve` asks for everything and sets each leg to what the lists say.

Why it is right. Nothing is sent for a bracket while it is uncertain, so asking twice harms nobody. The list of open
orders is complete for this client, so an order that is not on it has ended, and its executions, asked for at the same
time, tell how; only an order younger than the broker's patience may not be listed yet, and stays uncertain. A
difference that is seen twice is no fill that came between two answers: then entries halt, and a human is told. Intents
are durable before their orders are sent, so no order of ours is unknown here, whenever the process died.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from momentum_kit.errors import BrokerError
from momentum_kit.models import (
    CommissionReport,
    Execution,
    Intent,
    IntentKind,
    OpenOrder,
    OrderRequest,
    OrderUpdate,
)
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.guardian import PATIENCE_S, resume_exit
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.services.execution.reconciliation import BrokerTruth, entries, fetch_truth, role_of
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import FROM_LIST, Bracket, Leg, OrderState

log = structlog.get_logger("execution")

MEMORY = timedelta(days=1)  # ended entries of so long count towards cool-down, rate and 'never twice' after a restart
ASK_AGAIN_S = 2.0  # market seconds between two looks at the broker's lists for what is uncertain
AUDIT_S = 15.0  # and for what is held: orderStatus is not guaranteed, and a lost one could leave a position bare


class Recovery:
    """Asks the broker's lists and corrects the order desk's brackets by them; called under the service's lock.

    done: the orders of earlier sessions are known.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        ledger: Ledger,
        desk: OrderDesk,
        fills: "asyncio.Queue[Execution | CommissionReport]",
    ) -> None:
        self.done = False
        self._context = context
        self._broker = broker
        self._ledger = ledger
        self._desk = desk
        self._fills = fills
        self._early: dict[int, OrderUpdate] = {}  # the latest status of each order until brackets are rebuilt
        self._resolved_at: datetime | None = None
        self._audited_at: datetime | None = None

    def keep(self, update: OrderUpdate) -> None:
        """Statuses that come before `rebuild` are applied by it."""
        if not self.done:
            self._early[update.order_id] = update

    def rebuild(self, truth: BrokerTruth, now: datetime) -> tuple[Intent, ...]:
        """Brackets from unresolved intents; the entries that count towards cool-down, rate and 'never twice'."""
        intents = self._context.intents
        unresolved = intents.unresolved()
        # what the broker does not list belongs to another market of the same times: a simulated one, started anew
        lately = intents.entries_since(now - MEMORY)  # read before statuses below change what is written
        ended = [intent for intent in lately if intent not in unresolved and truth.knows(intent)]
        rebuild_brackets(self._desk, unresolved, truth, now)
        for update in self._early.values():  # as new as the lists at least: these were told by events as well
            self._desk.apply_status(update)
        self._early, self.done = {}, True
        return (*entries(unresolved), *ended)

    async def audit(self, now: datetime) -> None:
        """Compare what the broker has with our orders and fills; a difference makes a bracket uncertain."""
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
            elif why not in bracket.alerted:
                self._desk.mark_uncertain(bracket, why)

    async def resolve(self, now: datetime) -> None:
        """Ask for everything and set the uncertain brackets to it."""
        uncertain: list[Bracket] = [bracket for bracket in self._desk.in_order() if bracket.uncertain]
        if not uncertain or age_s(self._resolved_at, now) < ASK_AGAIN_S:
            return
        self._resolved_at = now
        try:
            truth = await fetch_truth(self._broker)
        except BrokerError as error:
            log.warning("broker truth not to be had", error=str(error))
            return
        for execution in truth.executions:
            await self._fills.put(execution)
        await self._fills.join()
        for bracket in uncertain:
            apply_truth(bracket, truth, self._ledger, now)
            why = "" if bracket.uncertain else contradiction(bracket, truth, self._ledger)
            # Seen twice it is no fill that came between two answers: somebody else trades this symbol here.
            again, bracket.contradiction = bool(why) and why == bracket.contradiction, why
            if again:
                self._desk.alert_once(bracket, why, "critical", why)
                self._context.halt_entries(why)
                bracket.sold_elsewhere = sold_elsewhere(bracket, truth, self._ledger)


def apply_truth(bracket: Bracket, truth: BrokerTruth, ledger: Ledger, now: datetime) -> None:
    """Set every leg to what the broker's lists say, and end the uncertainty.

    The list of open orders is complete for this client, so what is not on it has ended: filled if its executions
    say so, else cancelled. Only an order sent a moment ago may not be listed yet: then the bracket stays uncertain.
    """
    young = False
    for leg in bracket:
        listed = _listed(leg, truth)
        filled = ledger.filled(leg.request.order_id)
        leg.status_filled = filled  # the executions were asked for as well: there are no others
        if listed is not None:
            leg.state = FROM_LIST.get(listed.status, OrderState.UNKNOWN)
            leg.perm_id = leg.perm_id or listed.perm_id
            leg.request = _as_listed(leg.request, listed.request)
        elif leg.live:
            recent = leg.state in (OrderState.SENT, OrderState.PENDING) and age_s(leg.sent_at, now) < PATIENCE_S
            young = young or recent
            if not recent:
                leg.state = _ended(filled, leg.request.quantity)
        if listed is not None or not leg.live:
            leg.changing, leg.cancel_sent_at, leg.sent_at = False, None, now
    if not young:
        bracket.uncertain = ""


def contradiction(bracket: Bracket, truth: BrokerTruth, ledger: Ledger) -> str:
    """Where the broker's orders and holding differ from our orders and fills of a bracket; empty if nowhere."""
    for leg in bracket:
        if leg.live and not leg.changing and leg.cancel_sent_at is None:
            listed = _listed(leg, truth)
            if listed is None or listed.request.quantity != leg.request.quantity:
                return f"order {leg.request.order_id} is not on the broker's list as we know it"
    held, ours = _holdings(bracket, truth, ledger)
    return "" if held == ours else f"{bracket.intent.contract.symbol}: the broker holds {held}, our fills say {ours}"


def sold_elsewhere(bracket: Bracket, truth: BrokerTruth, ledger: Ledger) -> Decimal:
    """Shares of ours that the broker no longer has; never more than ours."""
    held, ours = _holdings(bracket, truth, ledger)
    return max(ours - max(held, Decimal(0)), Decimal(0))


def _holdings(bracket: Bracket, truth: BrokerTruth, ledger: Ledger) -> tuple[Decimal, Decimal]:
    contract = bracket.intent.contract
    position = truth.position(contract.con_id, bracket.intent.account)
    return position.quantity if position else Decimal(0), ledger.position(contract.con_id)


def rebuild_brackets(desk: OrderDesk, intents: Iterable[Intent], truth: BrokerTruth, now: datetime) -> None:
    """Brackets of an earlier session, from its unresolved intents and the broker's open orders."""
    pending = tuple(intents)
    for intent in pending:
        if intent.kind is IntentKind.ENTRY:
            bracket = Bracket(intent=intent, sent_at=intent.created_at)
            desk.brackets[intent.contract.con_id] = bracket
            _adopt(desk, bracket, intent, truth, now)
    for intent in pending:
        held = desk.brackets.get(intent.contract.con_id)
        if held is None or intent.kind is IntentKind.ENTRY:
            continue
        if intent.kind is IntentKind.PROTECT:
            held.reducing.append(intent.intent_id)
            _adopt(desk, held, intent, truth, now)
        elif held.exit is None:
            resume_exit(held, intent, now)


def _adopt(desk: OrderDesk, bracket: Bracket, intent: Intent, truth: BrokerTruth, now: datetime) -> None:
    for order in truth.open_of(intent):
        leg = Leg(role=role_of(order, intent), request=_as_listed(order.request, order.request), sent_at=now)
        leg.state = FROM_LIST.get(order.status, OrderState.UNKNOWN)
        leg.perm_id = order.perm_id
        desk.track(bracket, leg)


def _listed(leg: Leg, truth: BrokerTruth) -> OpenOrder | None:
    """By permanent id where it is known: order ids belong to one client's session."""
    for order in truth.open_orders:
        if leg.perm_id and order.perm_id:
            if order.perm_id == leg.perm_id:
                return order
        elif order.request.order_id == leg.request.order_id:
            return order
    return None


def _ended(filled: Decimal, quantity: Decimal) -> OrderState:
    return OrderState.FILLED if filled >= quantity else OrderState.CANCELLED


def _as_listed(ours: OrderRequest, listed: OrderRequest) -> OrderRequest:
    """Our request with the broker's type, size and prices; IB fills in prices that a type does not have."""
    kind = listed.order_type
    return replace(
        ours,
        order_type=kind,
        quantity=listed.quantity,
        limit_price=listed.limit_price if kind in ("LMT", "STP LMT") else None,
        stop_price=listed.stop_price if kind in ("STP", "STP LMT") else None,
        outside_rth=listed.outside_rth,
        transmit=True,
    )
