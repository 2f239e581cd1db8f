"""Brackets rebuilt from broker truth: after a restart, after a reconnect, and whenever one is in doubt."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from momentum_kit.models import Intent, IntentKind, OpenOrder, OrderRequest
from momentum_kit.services.execution.guardian import PATIENCE_S, resume_exit
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.services.execution.reconciliation import BrokerTruth, role_of
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import FROM_LIST, Bracket, Leg, OrderState


def apply_truth(bracket: Bracket, truth: BrokerTruth, ledger: Ledger, now: datetime) -> None:
    """Set every leg to what the broker's lists say, and end the doubt.

    The list of open orders is complete for this client, so what is not on it has ended: filled if its executions
    say so, else cancelled. Only an order sent a moment ago may not be listed yet: then the doubt stays.
    """
    young = False
    for leg in bracket:
        listed = _listed(leg, truth)
        filled = ledger.filled(leg.request.order_id)
        leg.told_filled = filled  # the executions were asked for as well: there are no others
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
        bracket.doubt = ""


def contradiction(bracket: Bracket, truth: BrokerTruth, ledger: Ledger) -> str:
    """Where the broker's orders and holding differ from what we believe of a bracket; empty if nowhere."""
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


def rebuild(desk: OrderDesk, intents: Iterable[Intent], truth: BrokerTruth, now: datetime) -> None:
    """Brackets of an earlier session, from its unresolved intents and the broker's open orders."""
    pending = tuple(intents)
    for intent in pending:
        if intent.kind is IntentKind.ENTRY:
            bracket = Bracket(intent, intent.created_at)
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
        leg = Leg(role_of(order, intent), _as_listed(order.request, order.request), now)
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
