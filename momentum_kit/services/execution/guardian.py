"""Guardian: keeps brackets right once they are out, with protection equal to position and entries timed out.

How it works. `reconcile_bracket` compares what the evidence says is held with what the bracket's orders would sell, and
makes the difference go away by the moves of trading/orders/protection: a missing stop is placed before anything else,
a stop or target of another size is modified, what has nothing left to protect is cancelled. It is called after every
event of the bracket's orders and at every beat, and looks at the whole bracket each time; a bracket keeps only when
something was tried last, so a lost or doubled event changes the moment and not the outcome. `check_deadlines` makes a
silent bracket uncertain and cancels an entry that does not fill. What is to be left is the exit desk's.

Why it is right. Sizes come from the evidence of three witnesses: what may be sold is never more than the surest of them
has, and what protects shrinks only when no witness holds more. While only the broker's lists can tell how an order
stands, nothing that protects is taken away, and what an order of unknown outcome may have sold counts as sold. What IB
is likely to do by itself (resize the children of a partly filled parent, reduce the rest of an OCA group) gets a
moment's grace, since a modify in its way could meet a finished order.

Part of the execution service, called under its lock; everything it sends goes through the order desk.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from momentum_kit.config import ExitSettings
from momentum_kit.errors import BrokerError
from momentum_kit.models import ExitRequest, IntentKind, IntentState, OrderAction, Quote
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.exit_desk import ExitDesk
from momentum_kit.services.execution.order_desk import PATIENCE_S, RETRY_S, OrderDesk, age_s, reducing_intent
from momentum_kit.services.execution.stop_forms import StopForms
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.sessions import in_words, session_at
from momentum_kit.trading.orders import (
    Bracket,
    Cancel,
    Leg,
    Move,
    OrderState,
    PlaceStop,
    Resize,
    SymbolEvidence,
    gone_by,
    oca_group,
    open_group,
    protective_moves,
    stop_order,
    wakes,
)

FLIPPED = "flipped"  # what a human is called for
PARTIAL_GRACE_S = 2.0  # an entry that stays partly filled longer is cut: children may not protect before it is done
REAP_GRACE_S = 1.0  # for the broker to reduce or cancel by itself what a fill or a dead parent leaves behind
GAPPED_S = 2.0  # below the limit of its triggered stop for so long, a position is not protected by it
STOPS_TRIED = 2  # a stop, and one corrected one; a broker that takes neither leaves only selling
UNSOLD_S = 10.0  # to the next stop where no sale can be sent either: a halt, no bid; each refusal doubles it
LONGEST_PAUSE_S = 640.0


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
        exit_desk: ExitDesk,
    ) -> None:
        self._context = context
        self._broker = broker
        self._settings = exits
        self._desk = desk
        self._witnesses = witnesses
        self._rules = rules
        self._quote = quote
        self._exit_desk = exit_desk
        self._stop_forms = StopForms(
            context, desk=desk, witnesses=witnesses, rules=rules, quote=quote, slack_pct=exits.stop_min_pct,
            place=self._place_stop,
        )  # fmt: skip

    async def reconcile_bracket(self, bracket: Bracket, *, at_beat: bool) -> None:
        """Do what this bracket needs now.

        What the broker is likely to do by itself (resize children, cancel the rest of a group) waits for a beat. What
        is held belongs to the latest bracket of its symbol: a late word may be on an earlier one, or another may lead
        since whoever asks has waited for the lock.
        """
        if self._desk.brackets.get(bracket.intent.contract.con_id) is not bracket:
            return
        self._apply_fills(bracket)
        bracket.let_stand_in()
        now = self._context.clock.elapsed()
        evidence = self._witnesses.evidence(bracket.intent.contract.con_id)
        if evidence.held < 0:
            why = f"{bracket.intent.contract.symbol}: short {-evidence.held} shares; a human must look"
            self._desk.call_once(bracket, FLIPPED, why)
            self._context.halt_entries(why)
            self._exit_desk.wait(bracket, "short, a human must look")
            return
        if FLIPPED in bracket.alerted:
            self._desk.settle(bracket, FLIPPED)
        idle = not evidence.held and not bracket.entry_live
        bracket.idle_since = (bracket.idle_since or now) if idle else None
        bracket.closed = bracket.closed and idle
        self._watch_time_exit(bracket, evidence, at_beat=at_beat)
        self._stop_forms.watch(bracket, evidence)
        await self._protect(bracket, evidence, now, at_beat=at_beat)
        await self._stop_forms.suit(bracket, evidence, now)
        self._watch_gap(bracket, now)
        if bracket.exit is not None:
            await self._exit_desk.advance(bracket, evidence, now)
        else:
            self._exit_desk.wait(bracket, "")
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
        too_old = age_s(bracket.sent_at, now) >= self._settings.entry_timeout_s
        for twin in bracket.replaced:
            if twin.request.action is OrderAction.BUY and twin.live and twin.cancel_sent_at is None:
                await self._desk.cancel(bracket, twin)
        partial = bracket.first_fill_at is not None and age_s(bracket.first_fill_at, now) >= PARTIAL_GRACE_S
        if too_old or partial:
            await self._desk.cancel_entry(bracket)

    # -- protection --------------------------------------------------------------------------------------------------

    async def _protect(self, bracket: Bracket, evidence: SymbolEvidence, now: float, *, at_beat: bool) -> None:
        moves = protective_moves(bracket, evidence, self._witnesses.filled)
        shrinking = self._witnesses.sold(bracket) and any(isinstance(move, Resize) and move.shrinks for move in moves)
        bracket.shrinking_since = (bracket.shrinking_since or now) if shrinking else None
        shrinking_s = age_s(bracket.shrinking_since, now)
        grace_s = REAP_GRACE_S if bracket.way_out is None else PATIENCE_S  # beside an exit every fill reduces again
        bare = False  # no stop rests, and none went out: nothing is cancelled then
        for move in moves:
            match move:
                case Cancel() if bare:
                    continue
                case Resize() if not at_beat:
                    continue
                case Resize() if move.shrinks and bracket.uncertain:
                    continue  # nothing that protects is taken away while only the lists can tell
                case Resize(leg) if move.shrinks and _left_behind(leg, moves) and shrinking_s >= REAP_GRACE_S:
                    await self._resize(bracket, move)
                case Resize() if move.shrinks and shrinking and shrinking_s < grace_s:
                    continue  # the group reduces by itself; a modify in its way could meet a finished order
                case Cancel(leg) if leg.role in ("target", "timed") and not leg.turned and evidence.held > 0:
                    await self._desk.cancel(bracket, leg)  # it would sell the same shares once more, and protects none
                case Cancel(leg) if (
                    bracket.uncertain
                    or bracket.entry_untold  # its fills may be on their way, and the children wait for it in any case
                    # a time exit protects nothing: beside shares that are not ours it can only sell those
                    or (evidence.unexplained and leg.role != "timed")
                    or (bracket.idle_since is not None and age_s(bracket.idle_since, now) < REAP_GRACE_S)
                ):
                    continue
                case PlaceStop(quantity):
                    stands = bracket.stop is not None and bracket.stop.protecting
                    why = "its stop cannot grow beyond its entry" if stands else "no stop rests"
                    bare = not await self._place_stop(bracket, quantity, now, why=why) and not stands
                case Resize():
                    await self._resize(bracket, move)
                case Cancel(leg):
                    await self._desk.cancel(bracket, leg)

    async def _resize(self, bracket: Bracket, move: Resize) -> None:
        resized = self._stop_forms.of_size(bracket, move.leg.request, move.quantity)
        if resized is not None:
            await self._desk.modify(bracket, move.leg, resized, move.leg.role)

    async def _place_stop(
        self, bracket: Bracket, quantity: Decimal, now: float, why: str = "no stop rests", alert: str = "critical"
    ) -> bool:
        """Place a stop in the group of what rests, at the level that it has reached; False if none went out."""
        if not bracket.listed or age_s(bracket.stop_tried_at, now) < RETRY_S:
            return False
        contract = bracket.intent.contract
        if bracket.stops_unheard >= STOPS_TRIED:
            self._sell_unprotected(bracket)
            waits = bool(self._exit_desk.waits.get(contract.con_id)) and bracket.way_out is None
            pause_s = min(UNSOLD_S * 2 ** (bracket.stops_unheard - STOPS_TRIED), LONGEST_PAUSE_S)
            if not waits or age_s(bracket.stop_tried_at, now) < pause_s:
                return False
        bracket.stop_tried_at = now
        intent = reducing_intent(self._context, bracket.intent, IntentKind.PROTECT, quantity, why)
        trail_usd = bracket.intent.trail_usd if bracket.trails and not bracket.stops_unheard else None
        intent = replace(
            intent,
            stop_order_id=self._broker.next_order_id(),
            stop_price=self._stop_forms.level(bracket),
            trail_usd=trail_usd,
        )
        self._desk.record_reducing(intent)
        order = stop_order(
            intent,
            quantity,
            regular_hours=self._context.regular_hours(self._context.clock.now()),
            stop_slack_pct=self._settings.stop_min_pct,
            bands=self._rules.known(contract),
        )
        if bracket.stops_unheard == 0:  # a corrected try stands in a group of its own
            beside = bracket.stop if bracket.stop is not None and bracket.stop.live else bracket.target
            # legs of an earlier session that no list shows may rest all the same: then they share this group
            unseen = not any(leg.role != "entry" for leg in bracket)
            otherwise = oca_group(bracket.intent) if unseen else order.oca_group
            order = replace(order, oca_group=open_group(bracket, beside, self._witnesses.filled, otherwise))
        text = f"{contract.symbol}: {why}; placing one"
        key = f"bare {order.order_id}" if bracket.stops_unheard < STOPS_TRIED else "bare and unsold"
        self._desk.alert_once(bracket, key, alert, text)
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

    def _watch_time_exit(self, bracket: Bracket, evidence: SymbolEvidence, *, at_beat: bool) -> None:
        """Note when the leg that waits at the broker wakes; a human is told where none rests that should."""
        leg, symbol = bracket.timed, bracket.intent.contract.symbol
        if leg is not None:
            leg.turned = wakes(leg, self._context.clock.now())
            self._tell_of_another_hour(bracket, leg)
        wanted = bracket.intent.timed_order_id and at_beat and evidence.held and bracket.listed
        if not wanted or bracket.exit is not None or bracket.uncertain or self._witnesses.sold(bracket):
            return
        if leg is None or not (leg.protecting or leg.turned):
            why = f"{symbol}: no time exit rests at the broker; only this machine ends its holding time"
            self._desk.alert_once(bracket, "no time exit", "warning", why)

    def _tell_of_another_hour(self, bracket: Bracket, leg: Leg) -> None:
        """An hour that rests is left as it is, also where settings have changed since; this machine obeys the new."""
        ordered_at, rests = bracket.intent.created_at, leg.request.good_after
        planned = gone_by(ordered_at, session_at(ordered_at, self._context.calendar), self._settings)
        if leg.protecting and rests is not None and planned is not None and rests != planned:
            symbol = bracket.intent.contract.symbol
            why = f"{symbol}: its time exit at the broker stays at {in_words(rests)}; settings say {in_words(planned)}"
            self._desk.alert_once(bracket, "another hour", "warning", why)

    async def _clear_what_is_staged(self, bracket: Bracket) -> None:
        """An entry that was cancelled unfilled may leave children staged, which no list shows."""
        entry = bracket.entry
        if entry is None or entry.told not in ("Cancelled", "ApiCancelled") or self._witnesses.filled(entry):
            return
        for leg in bracket:
            if leg.state is OrderState.CANCELLED and not leg.perm_id and leg.cancel_sent_at is None:
                await self._desk.cancel(bracket, leg)

    # -- books -------------------------------------------------------------------------------------------------------

    def _apply_fills(self, bracket: Bracket) -> None:
        """What has filled whole is done, whether a status ever says so or not; an accepted stop ends the tries."""
        self._doubt_what_was_taken_for_gone(bracket)
        for leg in bracket:
            filled = self._witnesses.filled(leg)
            if leg.live and filled >= leg.whole:
                self._may_be_done(leg, filled)
            if leg.state is OrderState.FILLED and leg.left and leg.named == filled:  # by its own word it goes on
                leg.state = OrderState.UNKNOWN
                self._desk.mark_uncertain(bracket, f"order {leg.request.order_id} has {leg.left:f} left by its status")
            if leg.role == "entry" and filled and bracket.first_fill_at is None:
                bracket.first_fill_at = self._context.clock.elapsed()
        if bracket.stop is not None and bracket.stop.acknowledged:
            bracket.stops_unheard = 0

    def _doubt_what_was_taken_for_gone(self, bracket: Bracket) -> None:
        """An entry that lists lacked has filled after all: they were late, and what else they lacked may live too."""
        entry = bracket.entry
        first = bracket.first_fill_at is None and entry is not None and self._witnesses.filled(entry)
        if entry is None or entry.live or not entry.absent or not first:
            return
        for leg in bracket:
            if leg.absent and not leg.live:
                leg.state, leg.absent = OrderState.UNKNOWN, 0
        self._desk.mark_uncertain(
            bracket, f"order {entry.request.order_id} was on no list of the broker, and has filled"
        )

    def _may_be_done(self, leg: Leg, filled: Decimal) -> None:
        """It has filled what we believe of it; by another size that was asked for it may go on, or be done long ago."""
        most = leg.most
        if filled > leg.whole:  # no order fills more than it has: the size that we believe is an old one
            leg.request = replace(leg.request, quantity=max(filled, most))
        if filled == most:
            leg.state = OrderState.FILLED
        leg.smaller = leg.live and filled >= leg.whole

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


def _left_behind(leg: Leg, moves: tuple[Move, ...]) -> bool:
    """True for a time exit that is too large while the stop is not: its group reduces the one and not the other."""
    return leg.role == "timed" and not any(isinstance(move, Resize) and move.leg.role == "stop" for move in moves)


def _silent(leg: Leg, now: float) -> bool:
    """True if something was asked of a live order and nobody has answered for too long."""
    if not leg.live or leg.state is OrderState.UNKNOWN:
        return False
    waiting = leg.changing or leg.state in (OrderState.SENT, OrderState.PENDING)
    unanswered = leg.cancel_sent_at is not None and age_s(leg.cancel_sent_at, now) >= PATIENCE_S
    return unanswered or (waiting and age_s(leg.sent_at, now) >= PATIENCE_S)
