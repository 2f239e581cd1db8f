"""ExitDesk: takes a bracket to flat, a step at a time; for the guardian, and says to the status what an exit waits for.

How it works. An exit makes the target marketable and leaves the stop where it is; where no target is left, it sends a
sell of its own into the stop's group. What has not filled in its patience is repriced (exit_prices.py) by a change of
the same order, which is never two orders. Where the broker keeps a market order what it is (329), a limit order is sent
beside it, in its group; if neither fills, the first is cancelled, and what is left is sold once its end is known. Each
call of `advance` takes one step at most, and says what keeps the next from going.

Why it is right. The group of the orders reduces the stop as the exit fills, so at no moment does a position rest
without one, and no two orders of one group sell the same shares. What an order of unknown outcome may have sold counts
as sold; an exit goes on for the rest. Orders follow each other by patience: a refused one is not sent again before, and
one whose price was refused (202) after twice the time of the last, nearer to the market. A stop's type is never
changed: IB documents price, size and time in force as what a modify may change, and refuses another type (329).

Called under the execution service's lock; everything it sends goes through the order desk.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from momentum_kit.errors import BrokerError
from momentum_kit.models import (
    ConnectionHealth,
    ExitRequest,
    Intent,
    IntentKind,
    IntentState,
    LinkState,
    OrderRequest,
    Quote,
)
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.exit_prices import ExitPrices
from momentum_kit.services.execution.order_desk import PATIENCE_S, RETRY_S, OrderDesk, age_s, reducing_intent
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading.orders import (
    USUAL_LAG_S,
    Bracket,
    Leg,
    OrderState,
    SymbolEvidence,
    exit_order,
    goes_first,
    oca_group,
    open_group,
)

TURNS_TRIED = 2  # times a target is made marketable in vain before another order is sent to sell
LISTS_UNKNOWN = "lists unknown"  # why an exit waits: only the broker can tell what is left
LONGEST_PAUSE_S = 320.0  # between two sales whose prices are refused


class ExitDesk:
    """Leaves one bracket at a time. waits: what keeps an exit from going on, by con_id; those that go are not here."""

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        desk: OrderDesk,
        witnesses: Witnesses,
        rules: PriceRules,
        quote: Callable[[int], Quote | None],
        health: Callable[[], ConnectionHealth],
    ) -> None:
        self.waits: dict[int, str] = {}
        self._context = context
        self._broker = broker
        self._desk = desk
        self._witnesses = witnesses
        self._prices = ExitPrices(context, rules=rules, quote=quote)
        self._quote = quote
        self._health = health

    async def advance(self, bracket: Bracket, evidence: SymbolEvidence, now: float) -> None:
        """One step towards flat: the target is made marketable, or a sell is sent beside the stop, in its group."""
        if bracket.entry_live:
            await self._desk.cancel_entry(bracket)
            entry = bracket.entry
            if entry is not None and age_s(entry.cancel_sent_at, now) < PATIENCE_S:
                return  # it may still buy: what it bought in the end is then sold at once
        if not evidence.held:
            bracket.exit, bracket.exit_steps, bracket.prices_refused = None, 0, 0
            self.wait(bracket, "")
            return
        if not evidence.sellable:
            self.wait(bracket, LISTS_UNKNOWN)
            return
        if any(leg.selling and age_s(leg.untold_since, now) < USUAL_LAG_S for leg in bracket):
            return  # it has ended, and may have sold: the executions are being asked, and hold up no exit for longer
        bracket.selling_since = (bracket.selling_since or now) if self._stop_sells(bracket) else None
        if bracket.timed is not None and goes_first(bracket.timed, self._context.clock.now()):
            self.wait(bracket, "the time exit at the broker")
            return
        leg = _selling(bracket) or self._to_turn(bracket, evidence)
        if leg is not None and not leg.at_rest:
            return  # its word is outstanding, and silence makes it uncertain
        if bracket.selling_since is not None and now - bracket.selling_since < RETRY_S:
            return  # it sells by itself, and a change of the target would meet its fills: it would sell them once more
        unfilled = leg is not None and leg.selling
        if age_s(bracket.exit_tried_at, now) < _pause_s(bracket, unfilled=unfilled):
            if unfilled and bracket.exit_steps:
                self.wait(bracket, _why_slow(bracket))  # also where lists were unknown meanwhile
            return
        if not self._may_sell(bracket):
            return
        if leg is None:
            if await self._free_of_target(bracket, now):
                await self._send_exit(bracket, evidence.sellable, now)
            return
        step = self._prices.step(bracket, unfilled=unfilled)
        quantity = min(evidence.sellable + self._witnesses.filled(leg), bracket.room(leg))
        order = self._priced(bracket, leg.request, quantity, step)
        if order is None:
            return
        bracket.exit_tried_at, bracket.exit_steps = now, step
        bracket.exit_tries += 1
        if unfilled:
            symbol = bracket.intent.contract.symbol
            self._desk.alert_once(bracket, "slow exit", "warning", f"{symbol}: exit not filled after {PATIENCE_S:g} s")
            self.wait(bracket, _why_slow(bracket))
        stays = next((each for each in bracket if _stays_market(each)), None)
        if stays is not None and (leg is stays or stays.cancel_sent_at is None):
            await self._pass_by(bracket, stays, evidence.sellable, now)
            return
        if order == leg.request:
            if step and order.order_type == "MKT":
                bracket.exit_steps -= 1  # nobody knew a price to step from
            self._desk.mark_uncertain(bracket, f"exit of {bracket.intent.contract.symbol} not filled")
            return
        leg.turned = True
        leg.limited = order.order_type == "LMT"
        if not bracket.exit_intent_id:
            self._exit_intent(bracket, evidence.sellable, 0)
        if not unfilled:
            self.wait(bracket, "")
        if await self._desk.modify(bracket, leg, order, "exit"):
            self._desk.mark_intent(bracket.exit_intent_id, IntentState.SENT)
        else:
            self.wait(bracket, "order not sent")
            why = f"{bracket.intent.contract.symbol}: exit not sent"
            self._desk.alert_once(bracket, "exit not sent", "critical", why)

    def _stop_sells(self, bracket: Bracket) -> bool:
        """A plain or trailing stop that has sold some, or that the market has reached, is a market order by now.

        Its status alone does not tell; an exit beside it would cross its fills, and sell the same shares.
        """
        stop, quote, level = bracket.stop, self._quote(bracket.intent.contract.con_id), bracket.stop_level
        if stop is None or not stop.live or stop.request.order_type not in ("STP", "TRAIL"):
            return False
        awake = self._context.regular_hours(self._context.clock.now())
        reached = awake and quote is not None and level is not None and 0 < quote.bid < level
        return reached or self._witnesses.filled(stop) > 0

    def _to_turn(self, bracket: Bracket, evidence: SymbolEvidence) -> Leg | None:
        """The target, where it may be made marketable: alive, in the stop's group, large enough, not refused before."""
        target, stop = bracket.target, bracket.stop
        if target is None or not target.protecting or bracket.exit_tries >= TURNS_TRIED:
            return None
        if evidence.sellable + self._witnesses.filled(target) > bracket.room(target):
            return None
        apart = stop is not None and stop.live and stop.request.oca_group != target.request.oca_group
        return None if apart else target

    async def _pass_by(self, bracket: Bracket, stays: Leg, quantity: Decimal, now: float) -> None:
        """A market order does not fill and may not be changed: a limit beside it in its group, then its cancel."""
        if not stays.passed:
            stays.passed = True
            await self._send_exit(bracket, quantity, now)
        else:
            await self._desk.cancel(bracket, stays)

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
        return (
            stop.request.oca_group
            if stop is not None and stop.live
            else open_group(bracket, bracket.target, self._witnesses.filled, "")
        )

    def wait(self, bracket: Bracket, why: str) -> None:
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
            self.wait(bracket, "the gateway has lost IB")
            return False
        asked_for_s = self._context.clock.elapsed() - self._witnesses.asking_since
        if self._witnesses.asking_anew and asked_for_s < PATIENCE_S:
            self.wait(bracket, LISTS_UNKNOWN)  # the stop may have sold; lists that never come hold up no exit
            return False
        quote = self._quote(bracket.intent.contract.con_id)
        if quote is not None and quote.halted:
            why = f"{bracket.intent.contract.symbol} is halted: exit waits, the stop stays"
            self._desk.alert_once(bracket, "halted", "warning", why)
            self.wait(bracket, "halted")
            return False
        return True

    def _priced(self, bracket: Bracket, order: OrderRequest, quantity: Decimal, step: int) -> OrderRequest | None:
        """The order as it sells now; None where nobody knows a price: then the stop keeps protecting."""
        priced = self._prices.priced(bracket, order, quantity, step)
        if priced is None:
            symbol = bracket.intent.contract.symbol
            self._desk.alert_once(bracket, "no bid", "warning", f"{symbol}: no bid to sell to: the stop stays")
            self.wait(bracket, self._prices.nobody_bids())
        return priced

    async def _send_exit(self, bracket: Bracket, quantity: Decimal, now: float) -> None:
        """A sell of its own, in the group of what rests, so that the two never sell the same shares."""
        contract = bracket.intent.contract
        group = self._exit_group(bracket)
        step = self._prices.step(bracket, unfilled=False)
        priced = self._priced(bracket, exit_order(bracket.intent, group, quantity), quantity, step)
        if priced is None:
            return  # nothing is decided before it can be sent
        intent = self._exit_intent(bracket, quantity, self._broker.next_order_id())
        group = group or oca_group(intent)
        order = replace(priced, order_ref=intent.intent_id, order_id=intent.target_order_id, oca_group=group)
        bracket.exit_tried_at, bracket.exit_steps = now, step
        bracket.exit_tries += 1
        refused = "price refused" if bracket.prices_refused else "order refused" if _refused(bracket) else ""
        self.wait(bracket, refused or (_why_slow(bracket) if step else ""))
        try:
            await self._desk.place(bracket, "exit", order)
        except BrokerError as error:
            self.wait(bracket, "order not sent")
            self._desk.alert_once(bracket, "exit not sent", "critical", f"{contract.symbol}: exit not sent: {error}")
            return
        self._desk.mark_intent(intent.intent_id, IntentState.SENT)

    def _exit_intent(self, bracket: Bracket, quantity: Decimal, order_id: int) -> Intent:
        """The durable decision to leave; order_id of a sell of its own, 0 for a turned target."""
        assert bracket.exit is not None
        intent = reducing_intent(self._context, bracket.intent, IntentKind.EXIT, quantity, bracket.exit.reason)
        intent = replace(intent, target_order_id=order_id)
        self._desk.record_reducing(intent)
        bracket.exit_intent_id = intent.intent_id
        bracket.reducing.append(intent.intent_id)
        return intent


def _selling(bracket: Bracket) -> Leg | None:
    """The order that sells and can be repriced; else one that only sells."""
    sellers = [leg for leg in bracket if leg.selling and leg.protecting]
    return next((leg for leg in sellers if not _stays_market(leg)), sellers[0] if sellers else None)


def _stays_market(leg: Leg) -> bool:
    """True of a market order that was to become a limit, and that the broker has kept what it was."""
    return leg.limited and leg.protecting and leg.request.order_type == "MKT" and not leg.changing


def _why_slow(bracket: Bracket) -> str:
    """Why an exit that works is not done, and is repriced."""
    capped = any(leg.cap_price > 0 for leg in bracket if leg.selling and leg.protecting)
    return "held at the broker's price cap" if capped else "order not filled"


def _refused(bracket: Bracket) -> list[Leg]:
    """The orders that were to sell and that the broker has refused, as far as none took their place."""
    refused = (OrderState.REJECTED, OrderState.INACTIVE)
    return [leg for leg in bracket if leg.selling and leg.heard and leg.state in refused]


def _pause_s(bracket: Bracket, *, unfilled: bool) -> float:
    """Seconds from the latest try to sell to the next; each price that was refused doubles them."""
    if bracket.prices_refused:
        return float(min(PATIENCE_S * 2 ** (bracket.prices_refused - 1), LONGEST_PAUSE_S))
    again = any(leg.role == "exit" for leg in _refused(bracket))  # a turned target has no second try
    return PATIENCE_S if unfilled or again else RETRY_S


def resume_exit(bracket: Bracket, intent: Intent, now: datetime) -> None:
    """Go on with an exit that an earlier session had decided."""
    bracket.leave(ExitRequest(intent.contract, intent.reason, now))
    bracket.exit_intent_id = intent.intent_id
