"""ListedOrders: sets orders to what the broker's list of them says, and gives each an owner; for recovery.

An order that a whole list does not have is gone only when the next whole list does not have it either, and a word that
came after the question was put outweighs the answer. Intents are durable before their orders are sent, so every order
that carries one of our references finds its intent, and with it an owner, whenever the process died and whatever became
of the entry.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import structlog

from momentum_kit.errors import StorageError
from momentum_kit.models import Intent, IntentKind, IntentState, OpenOrder, OrderAction
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.order_desk import PATIENCE_S, OrderDesk, age_s
from momentum_kit.services.execution.reconciliation import filled_by, role_of, sells_for_us, unwritten_intent
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading.orders import FROM_LIST, POSITION_LAG_S, Bracket, Leg, OrderState, as_told

log = structlog.get_logger("execution")

VANISHED = 2  # whole lists in a row that must not have an order before it is taken for gone


class ListedOrders:
    """Applies whole lists of open and ended orders to the desk's brackets. tell: a finding, to a human."""

    def __init__(
        self, context: SessionContext, *, desk: OrderDesk, witnesses: Witnesses, tell: Callable[[str], None]
    ) -> None:
        self._context = context
        self._desk = desk
        self._witnesses = witnesses
        self._tell = tell
        self._perhaps_staged: list[Bracket] = []  # sent before a death, and on no list since

    async def apply(self, listed: tuple[OpenOrder, ...], completed: tuple[OpenOrder, ...] | None, asked: int) -> None:
        """Set every order to what a whole list says. asked: how many words were known when it was asked for."""
        self._own_what_nobody_owns(listed)
        for bracket in self._desk.in_order():
            young, lingering = False, set[int]()
            for leg in bracket:
                lived = leg.live
                order = next((order for order in listed if _is(leg, order)), None)
                if leg.spoken > asked:
                    young = young or leg.state is OrderState.UNKNOWN
                elif order is not None:
                    self._as_listed(leg, order, newer=leg.heard > asked)
                elif leg.live and leg.heard <= asked:
                    young = self._not_listed(bracket, leg, completed) or young
                if lived and leg.state is OrderState.CANCELLED and self._may_linger(bracket, leg, completed):
                    lingering.add(leg.request.order_id)
            entry = bracket.entry
            if entry and entry.request.order_id in lingering and self._witnesses.gone(_con_id(bracket)):
                lingering |= {leg.request.order_id for leg in bracket if not leg.perm_id}  # its children stay staged
            await self._desk.take_back(lingering)
            bracket.lists += 1
            if not bracket.listed and (bracket.stop is not None or bracket.lists >= VANISHED):
                bracket.listed = True
                self._perhaps_staged.append(bracket)
            if not young:
                bracket.uncertain = ""
        await self._take_back_what_is_staged()

    def bracket_of(self, intent: Intent) -> Bracket:
        """The bracket of an intent's symbol; a new one, whose orders nobody has listed yet, if there is none."""
        con_id = intent.contract.con_id
        bracket = self._desk.brackets.get(con_id)
        if bracket is None or (bracket.closed and bracket.intent.intent_id != intent.intent_id):
            bracket = Bracket(intent=intent, sent_at=self._context.clock.elapsed(), listed=False)
            self._desk.brackets[con_id] = bracket
        if intent.intent_id not in (bracket.intent.intent_id, *bracket.reducing):
            bracket.reducing.append(intent.intent_id)
        return bracket

    def follow_what_has_ended(self, completed: tuple[OpenOrder, ...], intents: dict[str, Intent]) -> None:
        """Today's ended orders of open intents are witnesses too: their executions may come late, or never."""
        for order in completed:
            intent = intents.get(order.request.order_ref)
            if intent is not None:
                leg = self._listed_leg(order, intent)
                if leg.state is OrderState.INACTIVE:  # among orders that have ended: it was refused
                    leg.state = OrderState.REJECTED
                self._desk.track(self.bracket_of(intent), leg)

    # -- owners ------------------------------------------------------------------------------------------------------

    def _own_what_nobody_owns(self, listed: tuple[OpenOrder, ...]) -> None:
        """An open order that carries a reference of ours gets an owner, whatever became of its intent."""
        known = [(bracket, leg) for bracket in self._desk.in_order() for leg in self._desk.legs_of(_con_id(bracket))]
        strays = [order for order in listed if not any(_is(leg, order) for _, leg in known)]
        for bracket, leg in known:
            if not leg.live and any(_is(leg, order) for order in listed):
                self._desk.hand_over(bracket, leg)  # taken for ended, and another stands in its place
        self._witnesses.foreign_orders = frozenset(order.contract.con_id for order in strays)
        if not strays:
            return
        try:
            intents = {i.intent_id: i for i in self._context.intents.find([o.request.order_ref for o in strays])}
        except StorageError as error:
            log.warning("intents not readable", error=str(error))
            return
        for order in strays:
            intent = intents.get(order.request.order_ref) or self._write_down(order)
            if intent is not None:
                intents[intent.intent_id] = intent
                self._desk.track(self.bracket_of(intent), self._listed_leg(order, intent), surplus=True)
                if self._witnesses.begun:
                    symbol, order_id = order.contract.symbol, order.request.order_id
                    self._tell(
                        f"{symbol}: order {order_id} of ours ({order.perm_id}) works that this session never sent"
                    )
        owned = {order.contract.con_id for order in strays if order.request.order_ref in intents}
        self._witnesses.foreign_orders -= owned

    def _write_down(self, order: OpenOrder) -> Intent | None:
        """The intent of a sale of ours that a death kept from the disk; None for what is not ours."""
        if not sells_for_us(order, self._context.owner):
            return None
        intent = unwritten_intent(order, self._context.account, self._context.clock.now())
        log.warning("an order of ours that nothing written down explains", order_id=order.request.order_id)
        self._desk.record_reducing(intent)
        return intent

    def _listed_leg(self, order: OpenOrder, intent: Intent) -> Leg:
        return Leg(
            role=role_of(order, intent),
            request=replace(order.request, transmit=True),
            sent_at=self._context.clock.elapsed(),
            perm_id=order.perm_id,
            named=filled_by(order),
            state=FROM_LIST.get(order.status, OrderState.UNKNOWN),
        )

    # -- there, or gone ----------------------------------------------------------------------------------------------

    def _as_listed(self, leg: Leg, order: OpenOrder, *, newer: bool) -> None:
        """Set an order to its row in the list; newer: events have told of it since, the row itself among them."""
        back = leg.absent >= VANISHED and not leg.live  # taken for gone because lists had lacked it
        leg.absent, leg.untold_since = 0, None
        leg.perm_id = leg.perm_id or order.perm_id
        if order.filled > leg.named:
            leg.named, leg.left = order.filled, order.request.quantity - order.filled
        if self._witnesses.filled(leg) >= max(order.request.quantity, leg.asked):
            leg.state = OrderState.FILLED  # the list is behind what executions say
            return
        if back or not newer or leg.state is OrderState.UNKNOWN:
            leg.state = FROM_LIST.get((newer and leg.told) or order.status, OrderState.UNKNOWN)
        listed = leg.echo if newer and leg.echo is not None else order.request
        sent, leg.request = leg.request, as_told(leg.request, listed)
        if (sent.order_type, sent.limit_price) != (leg.request.order_type, leg.request.limit_price):
            leg.turned = False  # the broker did not take our change
        leg.changing, leg.cancel_sent_at, leg.sent_at = False, None, self._context.clock.elapsed()
        leg.size_before, leg.smaller = leg.request.quantity, False

    def _not_listed(self, bracket: Bracket, leg: Leg, completed: tuple[OpenOrder, ...] | None) -> bool:
        """A whole list does not have the order; True while that proves nothing yet."""
        now = self._context.clock.elapsed()
        unheard = leg.state in (OrderState.SENT, OrderState.PENDING)
        if unheard and age_s(leg.sent_at, now) < PATIENCE_S:
            return True  # too young to be listed
        leg.absent += 1
        leg.absent_since = now if leg.absent == 1 else leg.absent_since
        if leg.absent < VANISHED:
            return True
        self._desk.mark_uncertain(bracket, f"order {leg.request.order_id} is not on the broker's list of open orders")
        if completed is None:
            return True
        ended = next((order for order in completed if _is(leg, order)), None)
        if ended is not None:
            leg.named, leg.left = max(leg.named, filled_by(ended)), Decimal(0)  # whatever an older status had left
        elif leg.request.action is OrderAction.SELL and self._witnesses.evidence(_con_id(bracket)).held > 0:
            if now - leg.absent_since < POSITION_LAG_S:
                leg.state = OrderState.UNKNOWN  # nothing is sold again before the position would show what it sold
                return True
            if leg.perm_id:  # the broker had it, and nobody says that it ended: it is left to a human
                leg.state, leg.changing, leg.cancel_sent_at = OrderState.HELD, False, None
                why = f"{bracket.intent.contract.symbol}: order {leg.request.order_id} is on no list of the broker"
                self._desk.alert_once(bracket, why, "critical", why)
                return False
        filled = self._witnesses.filled(leg) >= leg.request.quantity
        leg.state = OrderState.FILLED if filled else OrderState.CANCELLED
        leg.changing, leg.cancel_sent_at = False, None
        return False

    def _may_linger(self, bracket: Bracket, leg: Leg, completed: tuple[OpenOrder, ...] | None) -> bool:
        """True if an order that was concluded to be gone is cancelled on the chance that it is not.

        An entry may be staged, where no list shows it, or work on: its children would wait, and protect nothing. What
        sells might go short by a list that was late, once what we held is surely gone.
        """
        if any(_is(leg, order) for order in completed or ()):
            return False
        if leg is bracket.entry:
            return True
        return (bracket.first_fill_at is not None or not leg.perm_id) and self._witnesses.gone(_con_id(bracket))

    async def _take_back_what_is_staged(self) -> None:
        """A death between the legs of a bracket leaves some staged at the gateway, where no list shows them.

        Where shares are there, they may be its own: it waits until that is known.
        """
        waiting = []
        for bracket in self._perhaps_staged:
            intent = bracket.intent
            if bracket.legs or intent.kind is not IntentKind.ENTRY or intent.state is IntentState.WORKING:
                continue
            if self._witnesses.gone(intent.contract.con_id):
                staged = {intent.entry_order_id, intent.target_order_id, intent.timed_order_id, intent.stop_order_id}
                await self._desk.take_back(staged - {0})
            else:
                waiting.append(bracket)
        self._perhaps_staged = waiting


def _con_id(bracket: Bracket) -> int:
    return bracket.intent.contract.con_id


def _is(leg: Leg, order: OpenOrder) -> bool:
    """By permanent id; before there is one by reference and id, since order ids begin anew on some days."""
    if leg.perm_id and order.perm_id:
        return leg.perm_id == order.perm_id
    request = order.request
    return (request.order_ref, request.order_id) == (leg.request.order_ref, leg.request.order_id)
