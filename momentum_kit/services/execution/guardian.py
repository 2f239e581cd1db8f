"""Guardian: keeps brackets right once they are out, with protection equal to position, entries timed out, and exits.

How it works. `reconcile_bracket` compares what the evidence says is held with what the bracket's orders would sell, and
makes the difference go away by the moves of trading/orders/protection: a missing stop is placed before anything else,
a stop or target of another size is modified, what has nothing left to protect is cancelled. It is called after every
event of the bracket's orders and at every beat, and looks at the whole bracket each time; a bracket keeps only when
something was tried last, so a lost or doubled event changes the moment and not the outcome. `check_deadlines` makes a
silent bracket uncertain and cancels an entry that does not fill. An exit makes the target marketable and leaves the
stop where it is; where no target is left, it sends a sell of its own into the stop's group.

Why it is right. Sizes come from the evidence of three witnesses: what may be sold is never more than the surest of them
has, and what protects shrinks only when no witness holds more. The group of the orders reduces the stop as the exit
fills, so at no moment does a position rest without one, and no two orders of one group sell the same shares. While only
the broker's lists can tell how an order stands, nothing that protects is taken away, and what an order of unknown
outcome may have sold counts as sold; an exit goes on for the rest. What IB is likely to do by itself (resize the
children of a partly filled parent, reduce the rest of an OCA group) gets a moment's grace, since a modify in its way
could meet a finished order. A stop's type is never changed: IB documents price, size and time in force as what a modify
may change, and refuses another type (329).

Part of the execution service, called under its lock; everything it sends goes through the order desk.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from momentum_kit.config import ExitSettings
from momentum_kit.errors import BrokerError
from momentum_kit.models import (
    ConnectionHealth,
    ExitRequest,
    Intent,
    IntentKind,
    IntentState,
    LinkState,
    OrderAction,
    OrderRequest,
    Quote,
)
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.entry_gate import new_intent_id
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.sessions import tradable
from momentum_kit.trading import exit_limit
from momentum_kit.trading.orders import (
    Bracket,
    Cancel,
    Leg,
    OrderState,
    PlaceStop,
    Resize,
    SymbolEvidence,
    as_limit,
    as_market,
    exit_order,
    oca_group,
    protective_moves,
    stop_order,
)

PATIENCE_S = 5.0  # market seconds without an answer to something sent; then the broker's lists are asked
PARTIAL_GRACE_S = 2.0  # an entry that stays partly filled longer is cut: children may not protect before it is done
REAP_GRACE_S = 1.0  # for the broker to reduce or cancel by itself what a fill or a dead parent leaves behind
RETRY_S = 2.0  # between two standalone stops for one position, and between two tries to sell
GAPPED_S = 2.0  # below the limit of its triggered stop for so long, a position is not protected by it
STOPS_TRIED = 2  # a stop, and one corrected one; a broker that takes neither leaves only selling
TURNS_TRIED = 2  # times a target is made marketable in vain before another order is sent to sell
LISTS_UNKNOWN = "lists unknown"  # why an exit waits: only the broker can tell what is left
LADDER_PCT = (0.5, 1.0, 2.0, 4.0)  # below the bid, step by step, where there is no market order


class Guardian:
    """Reconciles one bracket at a time; called under the execution service's lock, with the ledger up to date."""

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        exits: ExitSettings,
        desk: OrderDesk,
        witnesses: Witnesses,
        rules: PriceRules,
        quote: Callable[[int], Quote | None],
        health: Callable[[], ConnectionHealth],
    ) -> None:
        self.waits: dict[int, str] = {}  # what keeps an exit from going on, by con_id; those that go are not here
        self._context = context
        self._broker = broker
        self._exits = exits
        self._desk = desk
        self._witnesses = witnesses
        self._rules = rules
        self._quote = quote
        self._health = health

    async def reconcile_bracket(self, bracket: Bracket, *, at_beat: bool) -> None:
        """Do what this bracket needs now.

        What the broker is likely to do by itself (resize children, cancel the rest of a group) waits for a beat.
        """
        self._apply_fills(bracket)
        now = self._context.clock.elapsed()
        evidence = self._witnesses.evidence(bracket.intent.contract.con_id)
        if evidence.held < 0:
            why = f"{bracket.intent.contract.symbol}: short {-evidence.held} shares; a human must look"
            self._desk.alert_once(bracket, "flipped", "critical", why)
            self._context.halt_entries(why)
            self._wait(bracket, "short, a human must look")
            return
        idle = not evidence.held and not bracket.entry_live
        bracket.idle_since = (bracket.idle_since or now) if idle else None
        bracket.closed = bracket.closed and idle
        await self._protect(bracket, evidence, now, at_beat=at_beat)
        await self._wake_stop(bracket, evidence, now)
        self._watch_gap(bracket, now)
        if bracket.exit is not None:
            await self._advance_exit(bracket, evidence, now)
        else:
            self._wait(bracket, "")
        await self._clear_what_is_staged(bracket)
        self._close_if_done(bracket, evidence)

    async def check_deadlines(self, bracket: Bracket) -> None:
        """What becomes due with time: silence makes a bracket uncertain, an entry that does not fill is cancelled."""
        now = self._context.clock.elapsed()
        for leg in bracket:
            if _silent(leg, now):
                self._desk.mark_uncertain(bracket, f"no word on order {leg.request.order_id} for {PATIENCE_S:g} s")
                if leg.selling:
                    leg.state = OrderState.UNKNOWN  # it may have sold everything: nothing is sold beside it
        too_old = age_s(bracket.sent_at, now) >= self._exits.entry_timeout_s
        for twin in bracket.replaced:
            if twin.request.action is OrderAction.BUY and twin.live and twin.cancel_sent_at is None:
                await self._desk.cancel(bracket, twin)
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

    async def _protect(self, bracket: Bracket, evidence: SymbolEvidence, now: float, *, at_beat: bool) -> None:
        moves = protective_moves(bracket, evidence, self._witnesses.filled)
        shrinking = self._sold(bracket) and any(isinstance(move, Resize) and move.shrinks for move in moves)
        bracket.shrinking_since = (bracket.shrinking_since or now) if shrinking else None
        for move in moves:
            match move:
                case Resize() if not at_beat:
                    continue
                case Resize() if move.shrinks and bracket.uncertain:
                    continue  # nothing that protects is taken away while only the lists can tell
                case Resize() if move.shrinks and shrinking and age_s(bracket.shrinking_since, now) < REAP_GRACE_S:
                    continue  # the group reduces by itself; a modify in its way could meet a finished order
                case Cancel(leg) if leg.role == "target" and not leg.turned and evidence.held > 0:
                    await self._desk.cancel(bracket, leg)  # it would sell the same shares once more, and protects none
                case Cancel() if (
                    bracket.uncertain
                    or evidence.unexplained
                    or (bracket.idle_since is not None and age_s(bracket.idle_since, now) < REAP_GRACE_S)
                ):
                    continue
                case PlaceStop(quantity):
                    if not await self._place_stop(bracket, quantity, now):
                        break  # nothing is cancelled before a stop is out
                case Resize(leg, quantity):
                    resized = replace(leg.request, quantity=quantity, transmit=True)
                    await self._desk.modify(bracket, leg, resized, leg.role)
                case Cancel(leg):
                    await self._desk.cancel(bracket, leg)

    async def _wake_stop(self, bracket: Bracket, evidence: SymbolEvidence, now: float) -> None:
        """A plain stop sleeps outside regular hours: one that does not joins its group, and then takes its place."""
        stop = bracket.stop
        asleep = stop is not None and stop.at_rest and stop.request.order_type == "STP" and not stop.request.outside_rth
        if asleep and evidence.sellable and not self._context.regular_hours(self._context.clock.now()):
            await self._place_stop(bracket, evidence.sellable, now, why="its stop sleeps until the open")

    async def _place_stop(self, bracket: Bracket, quantity: Decimal, now: float, *, why: str = "no stop rests") -> bool:
        """Place a stop in the group of what rests; False if none went out."""
        if not bracket.listed or age_s(bracket.stop_tried_at, now) < RETRY_S:
            return False
        contract = bracket.intent.contract
        if bracket.stops_unheard >= STOPS_TRIED:
            self._sell_unprotected(bracket)
            return False
        bracket.stop_tried_at = now
        intent = self._reducing_intent(bracket, IntentKind.PROTECT, quantity, why)
        intent = replace(intent, stop_order_id=self._broker.next_order_id())
        self._desk.record_reducing(intent)
        order = stop_order(
            intent,
            quantity,
            regular_hours=self._context.regular_hours(self._context.clock.now()),
            stop_slack_pct=self._exits.stop_min_pct,
            bands=self._rules.known(contract),
        )
        if bracket.stops_unheard == 0:  # a corrected try stands in a group of its own
            beside = bracket.stop if bracket.stop is not None and bracket.stop.live else bracket.target
            # legs of an earlier session that no list shows may rest all the same: then they share this group
            unseen = not any(leg.role != "entry" for leg in bracket)
            otherwise = oca_group(bracket.intent) if unseen else order.oca_group
            order = replace(order, oca_group=self._group_of(bracket, beside, otherwise))
        text = f"{contract.symbol}: {why}; placing one"
        self._desk.alert_once(bracket, f"bare {order.order_id}", "critical", text)
        try:
            await self._desk.place(bracket, "stop", order)
        except BrokerError as error:
            self._desk.alert_once(bracket, "stop not sent", "critical", f"{contract.symbol} has no stop: {error}")
            return False
        bracket.stops_unheard += 1
        bracket.reducing.append(intent.intent_id)
        self._desk.mark_intent(intent.intent_id, IntentState.SENT)
        return True

    def _sell_unprotected(self, bracket: Bracket) -> None:
        symbol = bracket.intent.contract.symbol
        why = f"{symbol}: the broker takes no stop, so the position is sold; a human must look"
        self._desk.alert_once(bracket, "stops refused", "critical", why)
        bracket.leave(ExitRequest(bracket.intent.contract, "stop refused", self._context.clock.now()))

    def _watch_gap(self, bracket: Bracket, now: float) -> None:
        """A triggered stop whose limit the market has left behind protects nothing: then it is sold otherwise."""
        stop, quote = bracket.stop, self._quote(bracket.intent.contract.con_id)
        gapped = (
            stop is not None
            and stop.live
            and stop.request.order_type == "STP LMT"
            and stop.request.limit_price is not None
            and quote is not None
            and not quote.halted
            and 0 < quote.bid < stop.request.limit_price
        )
        bracket.gapped_since = (bracket.gapped_since or now) if gapped else None
        if gapped and bracket.exit is None and age_s(bracket.gapped_since, now) >= GAPPED_S:
            why = f"{bracket.intent.contract.symbol}: the market fell through the stop's limit; selling"
            self._desk.alert_once(bracket, "gapped", "critical", why)
            bracket.leave(ExitRequest(bracket.intent.contract, "stop gapped through", self._context.clock.now()))

    async def _clear_what_is_staged(self, bracket: Bracket) -> None:
        """An entry that was cancelled unfilled may leave children staged, which no list shows."""
        entry = bracket.entry
        if entry is None or entry.told not in ("Cancelled", "ApiCancelled") or self._witnesses.filled(entry):
            return
        for leg in bracket:
            if leg.state is OrderState.CANCELLED and not leg.perm_id and leg.cancel_sent_at is None:
                await self._desk.cancel(bracket, leg)

    # -- exits -------------------------------------------------------------------------------------------------------

    async def _advance_exit(self, bracket: Bracket, evidence: SymbolEvidence, now: float) -> None:
        """One step towards flat: the target is made marketable, or a sell is sent beside the stop, in its group."""
        if bracket.entry_live:
            await self.cancel_entry(bracket)
            entry = bracket.entry
            if entry is not None and age_s(entry.cancel_sent_at, now) < PATIENCE_S:
                return  # it may still buy: what it bought in the end is then sold at once
        if not evidence.held:
            bracket.exit = None
            self._wait(bracket, "")
            return
        if not evidence.sellable:
            self._wait(bracket, LISTS_UNKNOWN)
        if not evidence.sellable or age_s(bracket.exit_tried_at, now) < RETRY_S:
            return
        leg = bracket.way_out or self._to_turn(bracket)
        if leg is not None and not leg.at_rest:
            return  # its word is outstanding, and silence makes it uncertain
        if leg is not None and leg.selling and age_s(bracket.exit_tried_at, now) < PATIENCE_S:
            return
        if not self._may_sell(bracket):
            return
        if leg is None:
            if await self._free_of_target(bracket, now):
                await self._send_exit(bracket, evidence.sellable, now)
            return
        order = self._marketable(bracket, leg.request, evidence.sellable + self._witnesses.filled(leg))
        if order is None:
            return
        bracket.exit_tried_at = now
        bracket.exit_tries += 1
        if order == leg.request:
            symbol = bracket.intent.contract.symbol
            self._desk.alert_once(bracket, "slow exit", "warning", f"{symbol}: exit not filled after {PATIENCE_S:g} s")
            self._desk.mark_uncertain(bracket, f"exit of {symbol} not filled")
            self._wait(bracket, "order not filled")
            return
        leg.turned = True
        if not bracket.exit_intent_id:
            self._exit_intent(bracket, evidence.sellable, 0)
        self._wait(bracket, "")
        if await self._desk.modify(bracket, leg, order, "exit"):
            self._desk.mark_intent(bracket.exit_intent_id, IntentState.SENT)
        else:
            self._wait(bracket, "order not sent")
            why = f"{bracket.intent.contract.symbol}: exit not sent"
            self._desk.alert_once(bracket, "exit not sent", "critical", why)

    def _to_turn(self, bracket: Bracket) -> Leg | None:
        """The target, where it may be made marketable: alive, in the stop's group, and not refused before."""
        target, stop = bracket.target, bracket.stop
        if target is None or not target.protecting or bracket.exit_tries >= TURNS_TRIED:
            return None
        apart = stop is not None and stop.live and stop.request.oca_group != target.request.oca_group
        return None if apart else target

    async def _free_of_target(self, bracket: Bracket, now: float) -> bool:
        """True once no target of another group could sell the same shares as a sell of its own."""
        target = bracket.target
        if target is None or not target.live or target.request.oca_group == self._exit_group(bracket):
            return True
        if target.cancel_sent_at is None:
            await self._desk.cancel(bracket, target)
        return age_s(target.cancel_sent_at, now) >= PATIENCE_S

    def _exit_group(self, bracket: Bracket) -> str:
        """The group of what rests: of the stop, else of a target that has sold nothing; empty if neither is there."""
        stop = bracket.stop
        return stop.request.oca_group if stop is not None and stop.live else self._group_of(bracket, bracket.target, "")

    def _wait(self, bracket: Bracket, why: str) -> None:
        """Say what keeps an exit from going on; empty where nothing does."""
        con_id = bracket.intent.contract.con_id
        if why:
            self.waits[con_id] = why
        else:
            self.waits.pop(con_id, None)

    def _may_sell(self, bracket: Bracket) -> bool:
        if self._health().broker is LinkState.DOWN:
            # a gateway without IB keeps what it is given, and the stop that rests at IB may sell the same shares first
            why = f"{bracket.intent.contract.symbol}: the gateway has lost IB: exit waits, the stop rests there"
            self._desk.alert_once(bracket, "IB lost", "warning", why)
            self._wait(bracket, "the gateway has lost IB")
            return False
        asked_for_s = self._context.clock.elapsed() - self._witnesses.asking_since
        if self._witnesses.asking_anew and asked_for_s < PATIENCE_S:
            self._wait(bracket, LISTS_UNKNOWN)  # the stop may have sold; lists that never come hold up no exit
            return False
        quote = self._quote(bracket.intent.contract.con_id)
        if quote is not None and quote.halted:
            why = f"{bracket.intent.contract.symbol} is halted: exit waits, the stop stays"
            self._desk.alert_once(bracket, "halted", "warning", why)
            self._wait(bracket, "halted")
            return False
        return True

    def _marketable(self, bracket: Bracket, order: OrderRequest, quantity: Decimal) -> OrderRequest | None:
        """The order as it sells now; None where nobody knows a price: then the stop keeps protecting."""
        contract = bracket.intent.contract
        if self._context.regular_hours(self._context.clock.now()):
            return as_market(order, quantity)
        quote = self._quote(contract.con_id)
        if quote is None or not quote.bid > 0:
            self._desk.alert_once(bracket, "no bid", "warning", f"{contract.symbol}: no bid to sell to: the stop stays")
            open_ = tradable(self._context.clock.now(), self._context.calendar)
            self._wait(bracket, "no bid" if open_ else "market closed")
            return None
        step = LADDER_PCT[min(bracket.exit_tries, len(LADDER_PCT) - 1)]
        return as_limit(order, quantity, exit_limit(quote.bid, step * 100, self._rules.known(contract)))

    async def _send_exit(self, bracket: Bracket, quantity: Decimal, now: float) -> None:
        """A sell of its own, in the group of what rests, so that the two never sell the same shares."""
        contract = bracket.intent.contract
        group = self._exit_group(bracket)
        priced = self._marketable(bracket, exit_order(bracket.intent, group, quantity), quantity)
        if priced is None:
            return  # nothing is decided before it can be sent
        intent = self._exit_intent(bracket, quantity, self._broker.next_order_id())
        group = group or oca_group(intent)
        order = replace(priced, order_ref=intent.intent_id, order_id=intent.target_order_id, oca_group=group)
        bracket.exit_tried_at = now
        bracket.exit_tries += 1
        refused = any(leg.selling and leg.state in (OrderState.REJECTED, OrderState.INACTIVE) for leg in bracket)
        self._wait(bracket, "order refused" if refused else "")
        try:
            await self._desk.place(bracket, "exit", order)
        except BrokerError as error:
            self._wait(bracket, "order not sent")
            self._desk.alert_once(bracket, "exit not sent", "critical", f"{contract.symbol}: exit not sent: {error}")
            return
        self._desk.mark_intent(intent.intent_id, IntentState.SENT)

    def _exit_intent(self, bracket: Bracket, quantity: Decimal, order_id: int) -> Intent:
        """The durable decision to leave; order_id of a sell of its own, 0 for a turned target."""
        assert bracket.exit is not None
        intent = self._reducing_intent(bracket, IntentKind.EXIT, quantity, bracket.exit.reason)
        intent = replace(intent, target_order_id=order_id)
        self._desk.record_reducing(intent)
        bracket.exit_intent_id = intent.intent_id
        bracket.reducing.append(intent.intent_id)
        return intent

    def _group_of(self, bracket: Bracket, leg: Leg | None, otherwise: str) -> str:
        """The OCA group of a live order that has sold nothing: IB takes nobody into a group that has filled (201)."""
        if leg is None or not leg.live or self._witnesses.filled(leg):
            return otherwise
        group = leg.request.oca_group
        spent = any(each.state is OrderState.FILLED and each.request.oca_group == group for each in bracket)
        return otherwise if spent else group

    def _reducing_intent(self, bracket: Bracket, kind: IntentKind, quantity: Decimal, reason: str) -> Intent:
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
            created_at=self._context.clock.now(),
            state=IntentState.PREPARED,
            entry_order_id=0,
            target_order_id=0,
            stop_order_id=0,
            reason=reason,
        )

    # -- books -------------------------------------------------------------------------------------------------------

    def _apply_fills(self, bracket: Bracket) -> None:
        """What has filled whole is done, whether a status ever says so or not; an accepted stop ends the tries."""
        for leg in bracket:
            filled = self._witnesses.filled(leg)
            if leg.live and filled >= leg.whole:
                leg.state = OrderState.FILLED
            if leg.role == "entry" and filled and bracket.first_fill_at is None:
                bracket.first_fill_at = self._context.clock.elapsed()
        if bracket.stop is not None and bracket.stop.acknowledged:
            bracket.stops_unheard = 0

    def _sold(self, bracket: Bracket) -> bool:
        """True once an order of the group has sold some: from then on the broker reduces the others."""
        return any(self._witnesses.filled(leg) for leg in bracket if leg.role != "entry")

    def _close_if_done(self, bracket: Bracket, evidence: SymbolEvidence) -> None:
        known = bool(bracket.legs) or (bracket.listed and self._witnesses.executions_whole)
        if bracket.closed or bracket.uncertain or bracket.any_live or not evidence.flat or not known:
            return
        bracket.closed = True
        entry = bracket.entry
        refused = entry is not None and entry.state is OrderState.REJECTED and bracket.first_fill_at is None
        if bracket.intent.state is not IntentState.REFUSED:
            self._desk.mark(bracket, IntentState.REFUSED if refused else IntentState.CLOSED)
        for intent_id in bracket.reducing:
            self._desk.mark_intent(intent_id, IntentState.CLOSED)


def _silent(leg: Leg, now: float) -> bool:
    """True if something was asked of a live order and nobody has answered for too long."""
    if not leg.live or leg.state is OrderState.UNKNOWN:
        return False
    waiting = leg.changing or leg.state in (OrderState.SENT, OrderState.PENDING)
    unanswered = leg.cancel_sent_at is not None and age_s(leg.cancel_sent_at, now) >= PATIENCE_S
    return unanswered or (waiting and age_s(leg.sent_at, now) >= PATIENCE_S)


def resume_exit(bracket: Bracket, intent: Intent, now: datetime) -> None:
    """Go on with an exit that an earlier session had decided."""
    bracket.leave(ExitRequest(intent.contract, intent.reason, now))
    bracket.exit_intent_id = intent.intent_id
