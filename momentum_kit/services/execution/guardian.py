"""Guardian: keeps brackets right once they are out, with protection equal to position, entries timed out, and exits.

How it works. `reconcile_bracket` compares what the ledger says is held with what the bracket's orders would sell, and
makes the difference go away by the moves of trading/orders/protection: a missing stop is placed before anything else,
a stop or target of another size is modified, what has nothing left to protect is cancelled. It is called after every
event of the bracket's orders and at every beat, and looks at the whole bracket each time; a bracket keeps only when
something was tried last, so a lost or doubled event changes the moment and not the outcome. `check_deadlines` makes a
silent bracket uncertain and cancels an entry that does not fill. An exit modifies the resting stop into a sell order.

Why it is right. It acts on what is known only: nothing is sent while a bracket is uncertain, or while a status has told
of shares whose executions have not come. An exit changes the very order that protects, so at no moment does a position
rest without one, and no two orders of one group sell the same shares. Sizes come from the ledger, which counts
executions, and are never more than the broker has, or a stop would open a short. What IB is likely to do by itself
(resize the children of a partly filled parent, reduce the rest of an OCA group) gets a moment's grace, since a modify
in its way could meet a finished order.

Part of the execution service, called under its lock; everything it sends goes through the order desk.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from momentum_kit.config import ExitSettings
from momentum_kit.errors import BrokerError
from momentum_kit.models import ExitRequest, Intent, IntentKind, IntentState, OrderAction, OrderRequest, Quote
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.entry_gate import new_intent_id
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.trading import exit_limit
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import (
    Bracket,
    Cancel,
    Leg,
    Move,
    OrderState,
    PlaceStop,
    Resize,
    as_limit,
    as_market,
    protective_moves,
    stop_order,
)

PATIENCE_S = 5.0  # market seconds without an answer to something sent; then the broker's lists are asked
PARTIAL_GRACE_S = 2.0  # an entry that stays partly filled longer is cut: children may not protect before it is done
REAP_GRACE_S = 1.0  # for the broker to reduce or cancel by itself what a fill or a dead parent leaves behind
RETRY_S = 2.0  # between two standalone stops for one position, where the broker refuses them


class Guardian:
    """Reconciles one bracket at a time; called under the execution service's lock, with the ledger up to date."""

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        exits: ExitSettings,
        ledger: Ledger,
        desk: OrderDesk,
        rules: PriceRules,
        quote: Callable[[int], Quote | None],
    ) -> None:
        self._context = context
        self._broker = broker
        self._exits = exits
        self._ledger = ledger
        self._desk = desk
        self._rules = rules
        self._quote = quote

    async def reconcile_bracket(self, bracket: Bracket, now: datetime, *, at_beat: bool) -> None:
        """Do what this bracket needs now; nothing while it is uncertain or executions are still to come.

        What the broker is likely to do by itself (resize children, cancel the rest of a group) waits for a beat.
        """
        apply_executions(bracket, self._ledger)
        if bracket.uncertain or any(self._outstanding(leg) for leg in bracket):
            return
        position = self._held(bracket)
        if position < 0:
            why = f"{bracket.intent.contract.symbol}: short {-position} shares; a human must look"
            self._desk.alert_once(bracket, "flipped", "critical", why)
            self._context.halt_entries(why)
            return
        idle = position == 0 and not bracket.entry_live
        bracket.idle_since = (bracket.idle_since or now) if idle else None
        bracket.closed = bracket.closed and idle
        moves = protective_moves(bracket, position, self._ledger.filled)
        shrinking = self._sold(bracket) and any(map(_shrinks, moves))
        bracket.shrinking_since = (bracket.shrinking_since or now) if shrinking else None
        for move in moves:
            match move:
                case Resize() if not at_beat:
                    continue
                case Resize() if shrinking and _shrinks(move) and age_s(bracket.shrinking_since, now) < REAP_GRACE_S:
                    continue  # the group reduces by itself; a modify in its way could meet a finished order
                case Cancel() if idle and age_s(bracket.idle_since, now) < REAP_GRACE_S:
                    continue
                case PlaceStop(quantity):
                    if not await self._place_stop(bracket, quantity, now):
                        break  # nothing is cancelled before a stop is out
                case Resize(leg, quantity):
                    resized = replace(leg.request, quantity=quantity, transmit=True)
                    await self._desk.modify(bracket, leg, resized, leg.role)
                case Cancel(leg):
                    await self._desk.cancel(bracket, leg)
        if bracket.exit is not None:
            await self._advance_exit(bracket, position, now)
        self._close_if_done(bracket, position)

    async def check_deadlines(self, bracket: Bracket, now: datetime) -> None:
        """What becomes due with time: silence makes a bracket uncertain, an entry that does not fill is cancelled."""
        for leg in bracket:
            if self._silent(leg, now):
                self._desk.mark_uncertain(bracket, f"no word on order {leg.request.order_id} for {PATIENCE_S:g} s")
        if bracket.uncertain:
            return
        too_old = age_s(bracket.sent_at, now) >= self._exits.entry_timeout_s
        partial = bracket.first_fill_at is not None and age_s(bracket.first_fill_at, now) >= PARTIAL_GRACE_S
        if too_old or partial:
            await self.cancel_entry(bracket)

    async def cancel_entry(self, bracket: Bracket) -> bool:
        """Cancel the entry if it may still fill and nobody has asked yet."""
        entry = bracket.entry
        if entry is None or not entry.live or entry.cancel_sent_at is not None:
            return False
        await self._desk.cancel(bracket, entry)
        return True

    # -- protection --------------------------------------------------------------------------------------------------

    async def _place_stop(self, bracket: Bracket, quantity: Decimal, now: datetime) -> bool:
        if age_s(bracket.stop_tried_at, now) < RETRY_S:
            return False
        bracket.stop_tried_at = now
        contract = bracket.intent.contract
        intent = reducing_intent(bracket, IntentKind.PROTECT, quantity, now, "no stop rests")
        intent = replace(intent, stop_order_id=self._broker.next_order_id())
        self._desk.record_reducing(intent)
        order = stop_order(
            intent,
            quantity,
            regular_hours=self._context.regular_hours(now),
            stop_slack_pct=self._exits.stop_min_pct,
            bands=self._rules.known(contract),
        )
        why = f"{contract.symbol}: no stop rests; placing one"
        self._desk.alert_once(bracket, f"bare {order.order_id}", "critical", why)
        try:
            await self._desk.place(bracket, "stop", order)
        except BrokerError as error:
            self._desk.alert_once(bracket, "stop not sent", "critical", f"{contract.symbol} has no stop: {error}")
            return False
        bracket.reducing.append(intent.intent_id)
        self._desk.mark_intent(intent.intent_id, IntentState.SENT)
        return True

    # -- exits -------------------------------------------------------------------------------------------------------

    async def _advance_exit(self, bracket: Bracket, position: Decimal, now: datetime) -> None:
        """One step towards flat. The resting stop itself becomes the selling order: never cancel, then sell."""
        if bracket.entry_live:
            await self.cancel_entry(bracket)
            return
        if position == 0:
            bracket.exit = None
            return
        stop = bracket.stop
        if stop is None or not stop.acknowledged or stop.changing:
            return  # a stop is on its way; it is turned once the broker has it
        selling = stop.request.order_type in ("MKT", "LMT")
        if selling and age_s(bracket.exit_tried_at, now) < PATIENCE_S:
            return
        order = self._selling_order(bracket, stop, position + self._ledger.filled(stop.request.order_id), now)
        if order is None:
            return
        bracket.exit_tried_at = now
        if order == stop.request:
            symbol = bracket.intent.contract.symbol
            self._desk.alert_once(bracket, "slow exit", "warning", f"{symbol}: exit not filled after {PATIENCE_S:g} s")
            self._desk.mark_uncertain(bracket, f"exit of {symbol} not filled")
        else:
            await self._turn_stop(bracket, stop, order, now)

    def _selling_order(self, bracket: Bracket, stop: Leg, quantity: Decimal, now: datetime) -> OrderRequest | None:
        """What the stop becomes; None where nothing may be sold now: then the stop keeps protecting."""
        contract = bracket.intent.contract
        quote = self._quote(contract.con_id)
        if quote is not None and quote.halted:
            why = f"{contract.symbol} is halted: exit waits, the stop stays"
            self._desk.alert_once(bracket, "halted", "warning", why)
            return None
        if self._context.regular_hours(now):
            return as_market(stop.request, quantity)
        if quote is None or not quote.bid > 0:
            self._desk.alert_once(bracket, "no bid", "warning", f"{contract.symbol}: no bid to sell to: the stop stays")
            return None
        limit = exit_limit(quote.bid, self._exits.entry_cap_bps, self._rules.known(contract))
        return as_limit(stop.request, quantity, limit)

    async def _turn_stop(self, bracket: Bracket, stop: Leg, order: OrderRequest, now: datetime) -> None:
        assert bracket.exit is not None
        if not bracket.exit_intent_id:
            position = self._held(bracket)
            intent = reducing_intent(bracket, IntentKind.EXIT, position, now, bracket.exit.reason)
            intent = replace(intent, stop_order_id=order.order_id)
            self._desk.record_reducing(intent)
            bracket.exit_intent_id = intent.intent_id
            bracket.reducing.append(intent.intent_id)
        if await self._desk.modify(bracket, stop, order, "exit"):
            self._desk.mark_intent(bracket.exit_intent_id, IntentState.SENT)
        else:
            why = f"{bracket.intent.contract.symbol}: exit not sent"
            self._desk.alert_once(bracket, "exit not sent", "critical", why)

    def _held(self, bracket: Bracket) -> Decimal:
        """Shares to protect and to sell: never more than the broker has, or a stop would open a short."""
        return self._ledger.position(bracket.intent.contract.con_id) - bracket.sold_elsewhere

    def _sold(self, bracket: Bracket) -> bool:
        """True once an order of the group has sold some: from then on the broker reduces the others."""
        return any(self._ledger.filled(leg.request.order_id) for leg in bracket if leg.role != "entry")

    def _close_if_done(self, bracket: Bracket, position: Decimal) -> None:
        if bracket.closed or bracket.uncertain or position or bracket.any_live or not bracket.legs:
            return
        bracket.closed = True
        entry = bracket.entry
        refused = entry is not None and entry.state is OrderState.REJECTED and bracket.first_fill_at is None
        if bracket.intent.state is not IntentState.REFUSED:
            self._desk.mark(bracket, IntentState.REFUSED if refused else IntentState.CLOSED)
        for intent_id in bracket.reducing:
            self._desk.mark_intent(intent_id, IntentState.CLOSED)

    def _outstanding(self, leg: Leg) -> bool:
        """True if a status has told of shares whose executions have not come: positions are not known yet."""
        return self._ledger.filled(leg.request.order_id) < leg.status_filled

    def _silent(self, leg: Leg, now: datetime) -> bool:
        if self._outstanding(leg):
            return age_s(leg.status_at, now) >= PATIENCE_S
        if not leg.live:
            return False
        waiting = leg.changing or leg.state in (OrderState.SENT, OrderState.PENDING)
        unanswered = leg.cancel_sent_at is not None and age_s(leg.cancel_sent_at, now) >= PATIENCE_S
        return unanswered or (waiting and age_s(leg.sent_at, now) >= PATIENCE_S)


def _shrinks(move: Move) -> bool:
    return isinstance(move, Resize) and move.quantity < move.leg.request.quantity


def apply_executions(bracket: Bracket, ledger: Ledger) -> None:
    """Executions are authoritative: a status may never come."""
    for leg in bracket:
        if leg.live and ledger.filled(leg.request.order_id) >= leg.request.quantity:
            leg.state = OrderState.FILLED


def reducing_intent(bracket: Bracket, kind: IntentKind, quantity: Decimal, now: datetime, reason: str) -> Intent:
    """The durable decision to sell, or to be ready to sell, what a bracket bought."""
    return replace(
        bracket.intent,
        intent_id=new_intent_id(),
        kind=kind,
        action=OrderAction.SELL,
        quantity=quantity,
        limit_price=None,
        target_price=None,
        risk_usd=0.0,
        created_at=now,
        state=IntentState.PREPARED,
        entry_order_id=0,
        target_order_id=0,
        stop_order_id=0,
        reason=reason,
    )


def resume_exit(bracket: Bracket, intent: Intent, now: datetime) -> None:
    """Go on with an exit that an earlier session had decided."""
    bracket.exit = ExitRequest(intent.contract, intent.reason, now)
    bracket.exit_intent_id = intent.intent_id
    bracket.reducing.append(intent.intent_id)
