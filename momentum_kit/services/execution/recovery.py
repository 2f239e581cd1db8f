"""Recovery: asks the broker's lists, rebuilds brackets and corrects orders by them; for the execution service.

How it works. Events tell what becomes of an order only while we listen and nothing is lost; the broker's lists tell it
at any time. Three kinds of list are asked for, each on its own and beside the work: orders, positions, executions. They
are asked at the start of every run, which is the same for a first start, a reconnect and a crash; every few seconds
while something is held, because IB does not guarantee an orderStatus; and again as long as an order is uncertain
(silence, a move that the table of orders/lifecycle does not know, a send that failed half way) or the witnesses of a
symbol differ. A list is applied when it comes, whatever became of the others.

Why it is right. A list that is refused, silent or not whole changes nothing: it is unknown, and is asked again. An
order that a whole list does not have is gone only when the next whole list does not have it either, and a word that
came after the question was put outweighs the answer. What follows from positions is decided by trading/orders/evidence.
Intents are durable before their orders are sent, so every order that carries one of our references finds its intent,
and with it an owner, whenever the process died and whatever became of the entry.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from momentum_kit.errors import BrokerError, StorageError
from momentum_kit.models import (
    CommissionReport,
    Execution,
    Intent,
    IntentKind,
    IntentState,
    OpenOrder,
    OrderAction,
    OrderRequest,
    OrderUpdate,
    Position,
)
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.exit_desk import resume_exit
from momentum_kit.services.execution.order_desk import PATIENCE_S, OrderDesk, age_s
from momentum_kit.services.execution.reconciliation import (
    BrokerTruth,
    entries,
    filled_by,
    role_of,
    sells_for_us,
    unwritten_intent,
    whole,
)
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import FROM_LIST, POSITION_LAG_S, Agreement, Bracket, Leg, OrderState

log = structlog.get_logger("execution")

MEMORY = timedelta(days=1)  # ended entries of so long count towards cool-down, rate and 'never twice' after a restart
AT_ONCE_S = 0.25  # market seconds between two answers that are to confirm each other
ASK_AGAIN_S = 2.0  # market seconds between two looks at the broker's lists for what is uncertain
AUDIT_S = 15.0  # and for what is held: orderStatus is not guaranteed, and a lost one could leave a position bare
TELL_AFTER_S = 10.0  # a difference that lasts so long is a human's business
VANISHED = 2  # whole lists in a row that must not have an order before it is taken for gone


class Question(StrEnum):
    """A kind of list to ask the broker for."""

    ORDERS = "orders"
    POSITIONS = "positions"
    EXECUTIONS = "executions"


class Recovery:
    """Asks the broker's lists beside the work; what they say is applied under the service's lock.

    done: the orders of earlier sessions are known, as far as the list of orders is.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        ledger: Ledger,
        desk: OrderDesk,
        witnesses: Witnesses,
        fills: "asyncio.Queue[Execution | CommissionReport]",
    ) -> None:
        self.done = False
        self.questions: dict[Question, asyncio.Queue[Question]] = {kind: asyncio.Queue() for kind in Question}
        self._context = context
        self._broker = broker
        self._ledger = ledger
        self._desk = desk
        self._witnesses = witnesses
        self._fills = fills
        self._early: dict[int, OrderUpdate] = {}  # the latest status of each order until brackets are rebuilt
        self._asked_at: dict[Question, float] = {}
        self._asking: set[Question] = set()
        self._differs_since: dict[int, float] = {}
        self._owed: set[Question] = set()  # whole answers to questions that were put since `ask_anew`
        self._rounds = 0  # how often that was
        self._told: set[str] = set()

    def keep(self, update: OrderUpdate) -> None:
        """Statuses that come before `rebuild` are applied by it."""
        if not self.done:
            self._early[update.order_id] = update

    # -- asking ------------------------------------------------------------------------------------------------------

    def ask_what_is_due(self) -> None:
        """Put the questions that are due; one of a kind is on its way at a time."""
        brackets = self._desk.in_order()
        con_ids = self._witnesses.known()
        weighed = {con_id: self._witnesses.evidence(con_id) for con_id in con_ids}
        differing = any(each.agreement is Agreement.DIFFERING and not each.missing for each in weighed.values())
        vanishing = any(leg.absent == 1 and leg.live for bracket in brackets for leg in bracket)
        smaller = any(leg.smaller and leg.live for bracket in brackets for leg in bracket)
        every_s = dict.fromkeys(Question, float("inf"))
        if any(bracket.any_live or not weighed[_con_id(bracket)].flat for bracket in brackets):
            every_s[Question.ORDERS] = every_s[Question.POSITIONS] = AUDIT_S
        if differing or not self._witnesses.executions_whole:
            every_s[Question.EXECUTIONS] = ASK_AGAIN_S
        if differing or not self._witnesses.positions_whole:
            every_s[Question.POSITIONS] = ASK_AGAIN_S
        if any(map(self._witnesses.contradicted, con_ids)):
            every_s[Question.POSITIONS] = ASK_AGAIN_S / 2
        if differing or any(bracket.uncertain or not bracket.listed for bracket in brackets):
            every_s[Question.ORDERS] = ASK_AGAIN_S
        if any(map(self._witnesses.suspicious, con_ids)):
            every_s[Question.POSITIONS] = AT_ONCE_S
            every_s[Question.EXECUTIONS] = min(every_s[Question.EXECUTIONS], ASK_AGAIN_S)
        if vanishing or smaller or not all(bracket.listed for bracket in brackets):
            every_s[Question.ORDERS] = AT_ONCE_S
        for kind in self._owed:
            every_s[kind] = min(every_s[kind], ASK_AGAIN_S)
        now = self._context.clock.elapsed()
        for kind, seconds in every_s.items():
            if kind not in self._asking and age_s(self._asked_at.get(kind), now) >= seconds:
                self._asking.add(kind)
                self._asked_at[kind] = now
                self.questions[kind].put_nowait(kind)

    def ask_anew(self, why: str = "") -> None:
        """Ask for orders and positions from now on, whatever is on its way. why: entries wait for the answers.

        Executions are asked as well and not waited for: on an empty day a gateway may send no end of them.
        """
        self._owed = {Question.ORDERS, Question.POSITIONS}
        self._rounds += 1
        if why:
            self._witnesses.asking_anew, self._witnesses.asking_since = why, self._context.clock.elapsed()
        self._asked_at.clear()
        self.ask_what_is_due()

    @property
    def told_anew(self) -> bool:
        """True once all that `ask_anew` asked for has come, whole."""
        return not self._owed

    def _had(self, kind: Question, asked_in: int) -> None:
        """A whole answer has been applied to a question that was put in a round."""
        if asked_in != self._rounds or kind not in self._owed:
            return
        self._owed.remove(kind)
        if not self._owed and self._witnesses.asking_anew:
            self._witnesses.asking_anew, self._witnesses.heard_since_ns = "", time.perf_counter_ns()

    async def ask(self, kind: Question) -> Callable[[], Awaitable[None]] | None:
        """Ask for one kind of list, without any lock; what its answer changes, None if it is unknown."""
        asked, rows, asked_in = self._desk.words, self._witnesses.rows_said, self._rounds
        try:
            apply = await self._answer(kind, asked, rows)
        except BrokerError as error:
            log.warning("list unknown", list=str(kind), error=str(error))
            return None
        finally:
            self._asking.discard(kind)

        async def apply_and_count() -> None:
            await apply()
            self._had(kind, asked_in)

        return apply_and_count

    async def _answer(self, kind: Question, asked: int, rows: int) -> Callable[[], Awaitable[None]]:
        match kind:
            case Question.ORDERS:
                listed, completed = await whole(self._broker.fetch_open_orders), await self._completed()
                return lambda: self._apply_orders(listed, completed, asked)
            case Question.POSITIONS:
                positions = await whole(self._broker.fetch_positions)
                return lambda: self._apply_positions(positions, rows)
            case Question.EXECUTIONS:
                executions = await whole(self._broker.fetch_executions)
                return lambda: self._apply_executions(executions)

    async def _completed(self) -> tuple[OpenOrder, ...] | None:
        """Today's ended orders, asked for only where an order has vanished; None if they are unknown."""
        if not any(leg.absent for bracket in self._desk.in_order() for leg in bracket if leg.live):
            return ()
        try:
            return await whole(self._broker.fetch_completed_orders)
        except BrokerError as error:
            log.warning("list unknown", list="completed orders", error=str(error))
            return None

    # -- the start ---------------------------------------------------------------------------------------------------

    async def rebuild(self, truth: BrokerTruth, now: datetime) -> tuple[Intent, ...]:
        """Brackets from unresolved intents; the entries that count towards cool-down, rate and 'never twice'."""
        intents = self._context.intents
        unresolved = intents.unresolved()
        # what the broker does not list belongs to another market of the same times: a simulated one, started anew
        lately = intents.entries_since(now - MEMORY)  # read before statuses below change what is written
        ended = [i for i in lately if i not in unresolved and (truth.knows(i) or not truth.whole)]
        self._witnesses.resumed = bool(unresolved)
        self._leave_ids_behind(unresolved)
        for intent in sorted(unresolved, key=lambda intent: intent.kind is not IntentKind.ENTRY):
            bracket = self._bracket_of(intent)
            if intent.kind is IntentKind.EXIT and bracket.exit is None:
                resume_exit(bracket, intent, now)
        self._own_what_is_held()
        if truth.executions is not None:
            self._witnesses.executions_whole = True
        self._follow_what_has_ended(truth.completed or (), {intent.intent_id: intent for intent in unresolved})
        if truth.open_orders is not None:
            await self._apply_orders(truth.open_orders, truth.completed, self._desk.words)
        if truth.positions is not None:
            await self._apply_positions(truth.positions, 0)  # rows of the stream are as new at least
        for update in self._early.values():  # as new as the lists at least: these were told by events as well
            self._desk.apply_status(update)
        self._early, self.done = {}, True
        for con_id in self._witnesses.known():
            self._witnesses.evidence(con_id)
        self._witnesses.begun = True
        # one of which nothing ever reached the market bars no symbol
        lived = [
            i
            for i in entries(unresolved)
            if truth.knows(i) or not truth.whole or self._ledger.traded(i.contract.con_id)
        ]
        return (*lived, *ended)

    def _bracket_of(self, intent: Intent) -> Bracket:
        """The bracket of an intent's symbol; a new one, whose orders nobody has listed yet, if there is none."""
        con_id = intent.contract.con_id
        bracket = self._desk.brackets.get(con_id)
        if bracket is None or (bracket.closed and bracket.intent.intent_id != intent.intent_id):
            bracket = Bracket(intent=intent, sent_at=self._context.clock.elapsed(), listed=False)
            self._desk.brackets[con_id] = bracket
        if intent.intent_id not in (bracket.intent.intent_id, *bracket.reducing):
            bracket.reducing.append(intent.intent_id)
        return bracket

    # -- answers -----------------------------------------------------------------------------------------------------

    async def _apply_orders(
        self, listed: tuple[OpenOrder, ...], completed: tuple[OpenOrder, ...] | None, asked: int
    ) -> None:
        """Set every order to what a whole list says. asked: how many words were known when it was asked for."""
        self._own_what_nobody_owns(listed)
        for bracket in self._desk.in_order():
            young = False
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
                    await self._desk.take_back({leg.request.order_id})
            bracket.lists += 1
            if not bracket.listed and (bracket.stop is not None or bracket.lists >= VANISHED):
                bracket.listed = True
                await self._take_back_what_is_staged(bracket)
            if not young:
                bracket.uncertain = ""

    def _may_linger(self, bracket: Bracket, leg: Leg, completed: tuple[OpenOrder, ...] | None) -> bool:
        """True if an order that was concluded to be gone is cancelled on the chance that it is not.

        An entry may be staged, where no list shows it, or work on: its children would wait, and protect nothing. What
        sells might go short by a list that was late, once what we held is surely gone.
        """
        if any(_is(leg, order) for order in completed or ()):
            return False
        if leg is bracket.entry:
            return True
        return bracket.first_fill_at is not None and self._witnesses.gone(_con_id(bracket))

    async def _take_back_what_is_staged(self, bracket: Bracket) -> None:
        """A death between the legs of a bracket leaves some staged at the gateway, where no list shows them."""
        intent = bracket.intent
        sent = intent.kind is IntentKind.ENTRY and intent.state is not IntentState.WORKING
        if sent and not bracket.legs and self._witnesses.gone(intent.contract.con_id):
            await self._desk.take_back({intent.entry_order_id, intent.target_order_id, intent.stop_order_id} - {0})

    def _leave_ids_behind(self, intents: Iterable[Intent]) -> None:
        """Ids that were written down and perhaps never sent: what the gateway says of them must not meet new orders."""
        written = [order_id for i in intents for order_id in (i.entry_order_id, i.target_order_id, i.stop_order_id)]
        if written:
            self._broker.next_order_id(above=max(written))

    def _own_what_is_held(self) -> None:
        """Shares that executions call ours have an owner, also where their intent was closed too early."""
        orphans = [h.order_ref for h in self._ledger.holdings() if h.contract.con_id not in self._desk.brackets]
        for intent in self._context.intents.find(orphans) if orphans else ():
            self._bracket_of(intent)

    def _follow_what_has_ended(self, completed: tuple[OpenOrder, ...], intents: dict[str, Intent]) -> None:
        """Today's ended orders of open intents are witnesses too: their executions may come late, or never."""
        for order in completed:
            intent = intents.get(order.request.order_ref)
            if intent is not None:
                leg = self._listed_leg(order, intent)
                if leg.state is OrderState.INACTIVE:  # among orders that have ended: it was refused
                    leg.state = OrderState.REJECTED
                self._desk.track(self._bracket_of(intent), leg)

    def _listed_leg(self, order: OpenOrder, intent: Intent) -> Leg:
        return Leg(
            role=role_of(order, intent),
            request=replace(order.request, transmit=True),
            sent_at=self._context.clock.elapsed(),
            perm_id=order.perm_id,
            named=filled_by(order),
            state=FROM_LIST.get(order.status, OrderState.UNKNOWN),
        )

    def _own_what_nobody_owns(self, listed: tuple[OpenOrder, ...]) -> None:
        """An open order that carries a reference of ours gets an owner, whatever became of its intent."""
        known = [leg for con_id in self._desk.brackets for leg in self._desk.legs_of(con_id)]
        strays = [order for order in listed if not any(_is(leg, order) for leg in known)]
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
                self._desk.track(self._bracket_of(intent), self._listed_leg(order, intent), surplus=True)
                if self.done:
                    symbol, order_id = order.contract.symbol, order.request.order_id
                    self._tell(
                        f"{symbol}: order {order_id} of ours ({order.perm_id}) works that this session never sent"
                    )
        owned = {order.contract.con_id for order in strays if order.request.order_ref in intents}
        self._witnesses.foreign_orders -= owned

    def _write_down(self, order: OpenOrder) -> Intent | None:
        """The intent of a sale of ours that a death kept from the disk; None for what is not ours."""
        if not sells_for_us(order):
            return None
        intent = unwritten_intent(order, self._context.account, self._context.clock.now())
        log.warning("an order of ours that nothing written down explains", order_id=order.request.order_id)
        self._desk.record_reducing(intent)
        return intent

    def _as_listed(self, leg: Leg, order: OpenOrder, *, newer: bool) -> None:
        """Set an order to its row in the list; newer: events have told of it since, the row itself among them."""
        back = leg.absent >= VANISHED and not leg.live  # taken for gone because lists had lacked it
        leg.absent = 0
        leg.perm_id = leg.perm_id or order.perm_id
        leg.named = max(leg.named, order.filled)
        if self._witnesses.filled(leg) >= max(order.request.quantity, leg.asked):
            leg.state = OrderState.FILLED  # the list is behind what executions say
            return
        if back or not newer or leg.state is OrderState.UNKNOWN:
            leg.state = FROM_LIST.get((newer and leg.told) or order.status, OrderState.UNKNOWN)
        listed = leg.echo if newer and leg.echo is not None else order.request
        sent, leg.request = leg.request, _as_listed(leg.request, listed)
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
            leg.named = max(leg.named, filled_by(ended))
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

    async def _apply_positions(self, positions: tuple[Position, ...], asked: int) -> None:
        before = set(self._witnesses.foreign())
        self._witnesses.answer(positions, asked)
        for con_id, symbol in self._witnesses.foreign().items():
            if con_id not in before and con_id in self._desk.brackets:
                numbers = self._witnesses.evidence(con_id).numbers()
                self._tell(f"{symbol}: shares that are not ours; left alone, no entries there: {numbers}", halt=False)
        self.draw_conclusions()

    async def _apply_executions(self, executions: tuple[Execution, ...]) -> None:
        for execution in executions:
            await self._fills.put(execution)
        await self._fills.join()
        self._witnesses.executions_whole = True
        self.draw_conclusions()

    def draw_conclusions(self) -> None:
        """What is gone is written off, what lasts is told with the three numbers; a human decides the rest."""
        now = self._context.clock.elapsed()
        for con_id in self._witnesses.known():
            evidence = self._witnesses.evidence(con_id)
            bracket = self._desk.brackets.get(con_id)
            if bracket is None:
                continue
            symbol = bracket.intent.contract.symbol
            if not bracket.listed and now - bracket.sent_at >= TELL_AFTER_S:
                self._tell(f"{symbol}: the broker does not tell its open orders; whether a stop rests is unknown")
            if self._ledger.write_off(con_id, evidence.missing) and evidence.missing:
                self._tell(
                    f"{symbol}: {evidence.missing:f} shares of ours are gone, a human must look: {evidence.numbers()}"
                )
            if evidence.agreement is not Agreement.DIFFERING:
                self._differs_since.pop(con_id, None)
            elif now - self._differs_since.setdefault(con_id, now) >= TELL_AFTER_S and not evidence.missing:
                self._tell(f"{symbol}: the broker's words differ, a human must look: {evidence.numbers()}")

    def _tell(self, text: str, *, halt: bool = True) -> None:
        """A human is told once of each finding; entries stop until one has looked."""
        if text in self._told:
            return
        self._told.add(text)
        self._context.alerts.send("critical" if halt else "warning", text)
        self._context.incident("evidence", text)
        if halt:
            self._context.halt_entries(text)


def _con_id(bracket: Bracket) -> int:
    return bracket.intent.contract.con_id


def _is(leg: Leg, order: OpenOrder) -> bool:
    """By permanent id; before there is one by reference and id, since order ids begin anew on some days."""
    if leg.perm_id and order.perm_id:
        return leg.perm_id == order.perm_id
    request = order.request
    return (request.order_ref, request.order_id) == (leg.request.order_ref, leg.request.order_id)


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
