"""ExitDesk: takes a bracket to flat, a step at a time; for the guardian, and says to the status what an exit waits for.

How it works. An exit makes the target marketable and leaves the stop where it is; where no target is left, it sends a
sell of its own into the stop's group. Outside regular hours, where there is no market order, the price goes down a
ladder of limits below the bid. Each call of `advance` takes one step at most, and says what keeps the next from going.

Why it is right. The group of the orders reduces the stop as the exit fills, so at no moment does a position rest
without one, and no two orders of one group sell the same shares. What an order of unknown outcome may have sold counts
as sold; an exit goes on for the rest. A stop's type is never changed: IB documents price, size and time in force as
what a modify may change, and refuses another type (329).

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
from momentum_kit.services.execution.order_desk import PATIENCE_S, RETRY_S, OrderDesk, age_s, reducing_intent
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.sessions import tradable
from momentum_kit.trading import exit_limit
from momentum_kit.trading.orders import (
    USUAL_LAG_S,
    Bracket,
    Leg,
    OrderState,
    SymbolEvidence,
    as_limit,
    as_market,
    exit_order,
    goes_first,
    oca_group,
    open_group,
)

TURNS_TRIED = 2  # times a target is made marketable in vain before another order is sent to sell
LISTS_UNKNOWN = "lists unknown"  # why an exit waits: only the broker can tell what is left
LADDER_PCT = (0.5, 1.0, 2.0, 4.0)  # below the bid, step by step, where there is no market order


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
        self._rules = rules
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
            bracket.exit = None
            self.wait(bracket, "")
            return
        if not evidence.sellable:
            self.wait(bracket, LISTS_UNKNOWN)
        if not evidence.sellable or age_s(bracket.exit_tried_at, now) < RETRY_S:
            return
        if any(leg.selling and age_s(leg.untold_since, now) < USUAL_LAG_S for leg in bracket):
            return  # it has ended, and may have sold: the executions are being asked, and hold up no exit for longer
        bracket.selling_since = (bracket.selling_since or now) if self._stop_sells(bracket) else None
        if bracket.timed is not None and goes_first(bracket.timed, self._context.clock.now()):
            self.wait(bracket, "the time exit at the broker")
            return
        leg = bracket.way_out or self._to_turn(bracket)
        if leg is not None and not leg.at_rest:
            return  # its word is outstanding, and silence makes it uncertain
        if bracket.selling_since is not None and now - bracket.selling_since < RETRY_S:
            return  # it sells by itself, and a change of the target would meet its fills: it would sell them once more
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
            self.wait(bracket, "order not filled")
            return
        leg.turned = True
        if not bracket.exit_intent_id:
            self._exit_intent(bracket, evidence.sellable, 0)
        self.wait(bracket, "")
        if await self._desk.modify(bracket, leg, order, "exit"):
            self._desk.mark_intent(bracket.exit_intent_id, IntentState.SENT)
        else:
            self.wait(bracket, "order not sent")
            why = f"{bracket.intent.contract.symbol}: exit not sent"
            self._desk.alert_once(bracket, "exit not sent", "critical", why)

    def _stop_sells(self, bracket: Bracket) -> bool:
        """A plain or trailing stop that has sold some is a market order by now; its status alone does not tell."""
        stop = bracket.stop
        at_market = stop is not None and stop.live and stop.request.order_type in ("STP", "TRAIL")
        return stop is not None and at_market and self._witnesses.filled(stop) > 0

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

    def _marketable(self, bracket: Bracket, order: OrderRequest, quantity: Decimal) -> OrderRequest | None:
        """The order as it sells now; None where nobody knows a price: then the stop keeps protecting."""
        contract = bracket.intent.contract
        if self._context.regular_hours(self._context.clock.now()):
            return as_market(order, quantity)
        quote = self._quote(contract.con_id)
        if quote is None or not quote.bid > 0:
            self._desk.alert_once(bracket, "no bid", "warning", f"{contract.symbol}: no bid to sell to: the stop stays")
            open_ = tradable(self._context.clock.now(), self._context.calendar)
            self.wait(bracket, "no bid" if open_ else "market closed")
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
        self.wait(bracket, "order refused" if refused else "")
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
        intent = reducing_intent(
            bracket.intent, IntentKind.EXIT, quantity, bracket.exit.reason, self._context.clock.now()
        )
        intent = replace(intent, target_order_id=order_id)
        self._desk.record_reducing(intent)
        bracket.exit_intent_id = intent.intent_id
        bracket.reducing.append(intent.intent_id)
        return intent


def resume_exit(bracket: Bracket, intent: Intent, now: datetime) -> None:
    """Go on with an exit that an earlier session had decided."""
    bracket.leave(ExitRequest(intent.contract, intent.reason, now))
    bracket.exit_intent_id = intent.intent_id
