"""Questions: which of the broker's lists are due to be asked for, and what they answer; for the execution service.

Three kinds of list are asked for, each on its own and beside the work: orders, positions, executions. They are asked
every few seconds while something is held, because IB does not guarantee an orderStatus, and again as long as an order
is uncertain (silence, a move that the table of orders/lifecycle does not know, a send that failed half way) or the
witnesses of a symbol differ. A list that is refused, silent or not whole is unknown, and is asked for again; what a
whole one changes is recovery's to say.
"""

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import structlog

from momentum_kit.errors import BrokerError
from momentum_kit.models import Execution, OpenOrder, Position
from momentum_kit.ports import Broker
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.services.execution.reconciliation import whole
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading.orders import Agreement

log = structlog.get_logger("execution")

AT_ONCE_S = 0.25  # market seconds between two answers that are to confirm each other
ASK_AGAIN_S = 2.0  # market seconds between two looks at the broker's lists for what is uncertain
AUDIT_S = 15.0  # and for what is held: orderStatus is not guaranteed, and a lost one could leave a position bare


class Question(StrEnum):
    """A kind of list to ask the broker for."""

    ORDERS = "orders"
    POSITIONS = "positions"
    EXECUTIONS = "executions"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAnswer:
    """A whole list. words, rows: how many words of orders and position rows were known when it was asked for.

    orders, completed, positions, executions: what was told, of one kind; completed: None where it is unknown which
    orders have ended. asked_in: how often everything had been asked for anew by then; asked_s: when, elapsed seconds.
    """

    kind: Question
    words: int
    rows: int
    asked_in: int
    asked_s: float
    orders: tuple[OpenOrder, ...] = ()
    completed: tuple[OpenOrder, ...] | None = ()
    positions: tuple[Position, ...] = ()
    executions: tuple[Execution, ...] = ()


class Questions:
    """Puts what is due into a queue of its kind, of which one question is on its way at a time; `ask` asks it."""

    def __init__(self, context: SessionContext, *, broker: Broker, desk: OrderDesk, witnesses: Witnesses) -> None:
        self.queues: dict[Question, asyncio.Queue[Question]] = {kind: asyncio.Queue() for kind in Question}
        self._context = context
        self._broker = broker
        self._desk = desk
        self._witnesses = witnesses
        self._asked_at: dict[Question, float] = {}
        self._asking: set[Question] = set()
        self._owed: set[Question] = set()  # whole answers to questions that were put since `ask_anew`
        self._rounds = 0  # how often that was

    def ask_what_is_due(self) -> None:
        """Put the questions that are due; one of a kind is on its way at a time."""
        brackets = self._desk.in_order()
        con_ids = self._witnesses.known()
        weighed = {con_id: self._witnesses.evidence(con_id) for con_id in con_ids}
        differing = any(each.agreement is Agreement.DIFFERING and not each.missing for each in weighed.values())
        vanishing = any(leg.absent == 1 and leg.live for bracket in brackets for leg in bracket)
        smaller = any(leg.smaller and leg.live for bracket in brackets for leg in bracket)
        untold = [leg.untold_since for bracket in brackets for leg in bracket if leg.untold_since is not None]
        every_s = dict.fromkeys(Question, float("inf"))
        if any(bracket.any_live or not weighed[bracket.intent.contract.con_id].flat for bracket in brackets):
            every_s[Question.ORDERS] = every_s[Question.POSITIONS] = AUDIT_S
        if differing or not self._witnesses.executions_whole:
            every_s[Question.EXECUTIONS] = ASK_AGAIN_S
        if differing or not self._witnesses.positions_whole:
            every_s[Question.POSITIONS] = ASK_AGAIN_S
        back = any(self._witnesses.perhaps_back(con_id, weighed[con_id]) for con_id in con_ids)
        if back or any(map(self._witnesses.contradicted, con_ids)):
            every_s[Question.POSITIONS] = ASK_AGAIN_S / 2
        if back:
            every_s[Question.EXECUTIONS] = ASK_AGAIN_S
        if differing or any(bracket.uncertain or not bracket.listed for bracket in brackets):
            every_s[Question.ORDERS] = ASK_AGAIN_S
        if any(map(self._witnesses.suspicious, con_ids)):
            every_s[Question.POSITIONS] = AT_ONCE_S
            every_s[Question.EXECUTIONS] = min(every_s[Question.EXECUTIONS], ASK_AGAIN_S)
        if vanishing or smaller or not all(bracket.listed for bracket in brackets):
            every_s[Question.ORDERS] = AT_ONCE_S
        now = self._context.clock.elapsed()
        if untold:
            soon_s = AT_ONCE_S if now - max(untold) < ASK_AGAIN_S else ASK_AGAIN_S
            every_s = {kind: min(seconds, soon_s) for kind, seconds in every_s.items()}
        for kind in self._owed:
            every_s[kind] = min(every_s[kind], ASK_AGAIN_S)
        for kind, seconds in every_s.items():
            if kind not in self._asking and age_s(self._asked_at.get(kind), now) >= seconds:
                self._asking.add(kind)
                self._asked_at[kind] = now
                self.queues[kind].put_nowait(kind)

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

    async def ask(self, kind: Question) -> ListAnswer | None:
        """Ask for one kind of list, without any lock; None if it is unknown."""
        words, rows, asked_in = self._desk.words, self._witnesses.rows_said, self._rounds
        asked_s = self._context.clock.elapsed()
        answer = partial(ListAnswer, kind=kind, words=words, rows=rows, asked_in=asked_in, asked_s=asked_s)
        try:
            match kind:
                case Question.ORDERS:
                    return answer(orders=await whole(self._broker.fetch_open_orders), completed=await self._completed())
                case Question.POSITIONS:
                    return answer(positions=await whole(self._broker.fetch_positions))
                case Question.EXECUTIONS:
                    return answer(executions=await whole(self._broker.fetch_executions))
        except BrokerError as error:
            log.warning("list unknown", list=str(kind), error=str(error))
            return None
        finally:
            self._asking.discard(kind)

    def had(self, answer: ListAnswer) -> None:
        """A whole answer has been applied; it is one of a round only where it was asked for since."""
        if answer.asked_in != self._rounds or answer.kind not in self._owed:
            return
        self._owed.remove(answer.kind)
        if not self._owed and self._witnesses.asking_anew:
            self._witnesses.asking_anew, self._witnesses.heard_since_ns = "", time.perf_counter_ns()

    async def _completed(self) -> tuple[OpenOrder, ...] | None:
        """Today's ended orders, asked for only where an order has vanished; None if they are unknown."""
        if not any(leg.absent for bracket in self._desk.in_order() for leg in bracket if leg.live):
            return ()
        try:
            return await whole(self._broker.fetch_completed_orders)
        except BrokerError as error:
            log.warning("list unknown", list="completed orders", error=str(error))
            return None
