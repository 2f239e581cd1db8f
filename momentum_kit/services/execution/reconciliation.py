"""BrokerTruth: the broker's own lists at the start, each whole or unknown, against our intents.

The position manager settles intents and ledger by it before anything trades; recovery then follows each list.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import structlog

from momentum_kit.errors import AnswerIncomplete, BrokerError, NotConnected
from momentum_kit.models import Execution, Intent, IntentKind, IntentState, OpenOrder, OrderAction, Position
from momentum_kit.ports import Broker

_Row = TypeVar("_Row")

log = structlog.get_logger("reconciliation")

START_TRIES = 3  # whole rounds of asking at the start; what still moves after them is settled while the session runs
EXECUTIONS_WAIT_S = 5.0  # wall seconds

INTENT_PREFIX = "mk-"
"""Every order of ours carries a reference that starts so; anything else in the account is somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTruth:
    """The broker's own lists, as of one moment; None where a list is unknown: refused, silent, or not whole."""

    positions: tuple[Position, ...] | None = ()
    open_orders: tuple[OpenOrder, ...] | None = ()
    completed: tuple[OpenOrder, ...] | None = ()
    executions: tuple[Execution, ...] | None = ()

    def open_of(self, intent: Intent) -> tuple[OpenOrder, ...]:
        """Open orders that belong to an intent, as far as the list is known."""
        return tuple(order for order in self.open_orders or () if order.request.order_ref == intent.intent_id)

    def named(self, intent: Intent) -> Decimal:
        """Net shares that the lists of orders call filled for an intent: the orders' own word, beside executions."""
        listed = [*(self.open_orders or ()), *(self.completed or ())]
        own = [order for order in listed if order.request.order_ref == intent.intent_id]
        return sum((filled_by(order) * order.request.action.sign for order in own), Decimal(0))

    def knows(self, intent: Intent) -> bool:
        """True if the broker lists an order or an execution of it, open or ended today."""
        listed = (order.request.order_ref for order in (*(self.open_orders or ()), *(self.completed or ())))
        executed = (execution.order_ref for execution in self.executions or ())
        return intent.intent_id in {*listed, *executed}

    @property
    def whole(self) -> bool:
        """True if every list is known, so that what stands in none of them does not exist."""
        return None not in (self.positions, self.open_orders, self.completed, self.executions)

    def unknown(self) -> tuple[str, ...]:
        """The names of the lists that are unknown."""
        return tuple(name for name in ("positions", "open_orders", "completed", "executions") if not self._has(name))

    def _has(self, name: str) -> bool:
        return getattr(self, name) is not None

    def same_as(self, other: "BrokerTruth") -> bool:
        """True if nothing that decides has moved between two rounds of asking."""
        return _what_decides(self) == _what_decides(other)


def _what_decides(truth: BrokerTruth) -> tuple[object, ...]:
    positions = None if truth.positions is None else sorted((p.contract.con_id, p.quantity) for p in truth.positions)
    orders = truth.open_orders
    listed = None if orders is None else sorted((o.perm_id, o.request.quantity, o.status) for o in orders)
    executions = None if truth.executions is None else sorted(e.exec_id for e in truth.executions)
    return positions, listed, executions


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What start-up found: intents settled, and what is not ours and was left alone.

    lost: entries that worked, of which the broker shows nothing any more. unexplained: intents of symbols in which
    something is held that no execution known to us explains. unknown: lists that the broker did not give whole.
    """

    settled: dict[str, IntentState] = field(default_factory=dict)
    lost: tuple[Intent, ...] = ()
    unexplained: tuple[tuple[Intent, Position], ...] = ()
    foreign_positions: tuple[Position, ...] = ()
    foreign_orders: tuple[OpenOrder, ...] = ()
    unknown: tuple[str, ...] = ()

    def messages(self) -> Iterator[str]:
        """What a human must be told, a line each."""
        for name in self.unknown:
            yield f"the broker gave no whole list of {name.replace('_', ' ')}; entries wait until it does"
        for intent in self.lost:
            yield (
                f"{intent.contract.symbol}: the broker shows no position, order or execution of {intent.intent_id}, "
                f"which was {intent.state}; taken as closed, a human must look"
            )
        for intent, position in self.unexplained:
            yield (
                f"{position.contract.symbol}: {position.quantity} shares are held and no execution known to us "
                f"explains them, though {intent.intent_id} was {intent.state}; not touched, a human must look"
            )
        for position in self.foreign_positions:
            yield f"{position.contract.symbol}: {position.quantity} shares are not ours; left alone"
        for order in self.foreign_orders:
            yield f"{order.contract.symbol}: order {order.request.order_id} is not ours; left alone"


async def fetch_truth(broker: Broker) -> BrokerTruth:
    """Ask for every list; one that is not had whole is None. NotConnected passes through.

    Orders first: what fills in between shows in the executions, asked last. On an empty day a gateway may send no end
    of executions at all, so their silence is not waited for longer than usual.
    """
    open_orders = await _whole_or_unknown("open orders", broker.fetch_open_orders)
    completed = await _whole_or_unknown("completed orders", broker.fetch_completed_orders)
    positions = await _whole_or_unknown("positions", broker.fetch_positions)
    executions = await _whole_or_unknown("executions", lambda: _in_time(broker.fetch_executions()))
    return BrokerTruth(positions=positions, open_orders=open_orders, completed=completed, executions=executions)


async def _in_time(asked: Awaitable[tuple[Execution, ...]]) -> tuple[Execution, ...]:
    async with asyncio.timeout(EXECUTIONS_WAIT_S):  # wait_for loses a cancel before Python 3.12
        return await asked


async def fetch_settled_truth(broker: Broker) -> BrokerTruth:
    """Ask until two rounds in a row say the same: a fill between two lists of one round shows as a difference.

    After START_TRIES rounds the latest stands; what moves then is judged by the evidence of each symbol.
    """
    truth = await fetch_truth(broker)
    for _ in range(START_TRIES - 1):
        before, truth = truth, await fetch_truth(broker)
        if truth.same_as(before):
            break
    return truth


async def whole(ask: Callable[[], Awaitable[tuple[_Row, ...]]]) -> tuple[_Row, ...]:
    """A list, asked for once more where a row of it could not be read; AnswerIncomplete if one cannot again."""
    try:
        return await ask()
    except AnswerIncomplete as error:
        log.warning("asked again", list=error.which, why=error.why)
        return await ask()


async def _whole_or_unknown(name: str, ask: Callable[[], Awaitable[tuple[_Row, ...]]]) -> tuple[_Row, ...] | None:
    try:
        return await whole(ask)
    except NotConnected:
        raise
    except (BrokerError, TimeoutError) as error:
        log.warning("list unknown", list=name, error=str(error))
        return None


def filled_by(order: OpenOrder) -> Decimal:
    """Shares that a listed order has filled; some gateways name no size of one that is Filled."""
    return order.request.quantity if order.status == "Filled" and not order.filled else order.filled


def settle_intent(intent: Intent, truth: BrokerTruth, ours: Decimal) -> IntentState:
    """What became of an intent whose end nobody wrote down.

    ours: shares of its symbol that we hold, by executions or by the orders' own word.
    WORKING while an order of it is open or its shares are held. Where a list is unknown nothing is concluded from what
    the others do not have; and of what the broker never acknowledged some legs may lie staged, which no list shows:
    UNKNOWN until recovery has taken them back.
    """
    if truth.open_of(intent) or ours > 0:
        return IntentState.WORKING
    if not truth.whole:
        return IntentState.UNKNOWN if intent.state is IntentState.PREPARED else intent.state
    unheard = intent.state in (IntentState.PREPARED, IntentState.SENT) and not truth.knows(intent)
    return IntentState.UNKNOWN if unheard else IntentState.CLOSED


def new_intent_id(owner: str) -> str:
    """A reference for all orders of one intent; unique for ever, because a restart must not mistake an old order.

    owner: six characters that tell it from those of an engine elsewhere, '' for none.
    """
    return f"{INTENT_PREFIX}{owner}-{uuid.uuid4().hex[:20]}" if owner else f"{INTENT_PREFIX}{uuid.uuid4().hex[:24]}"


def is_ours(order_ref: str, owner: str = "") -> bool:
    """True for the reference of one of our intents, of this session or an earlier one.

    owner: whose they are; '' where nobody else's need be told from them. A reference of 0.1.0 names no owner.
    """
    if not order_ref.startswith(INTENT_PREFIX):
        return False
    named, dash, _ = order_ref.removeprefix(INTENT_PREFIX).partition("-")
    return not (owner and dash) or named == owner


def sells_for_us(order: OpenOrder, owner: str) -> bool:
    """True for a sale with a reference of ours, whether its intent is written down or not.

    What reduces risk waits for no disk: a death may leave the order at work and its intent unwritten. An entry's never.
    """
    return is_ours(order.request.order_ref, owner) and order.request.action is OrderAction.SELL


def unwritten_intent(order: OpenOrder, account: str, now: datetime) -> Intent:
    """The intent of a sale of ours that nothing written down explains, as the order itself tells it."""
    request = order.request
    protects = request.order_type in ("STP", "STP LMT", "TRAIL")
    return Intent(
        intent_id=request.order_ref,
        kind=IntentKind.PROTECT if protects else IntentKind.EXIT,
        item_id="",
        contract=order.contract,
        account=account,
        action=request.action,
        quantity=request.quantity,
        limit_price=request.limit_price,
        target_price=None,
        stop_price=request.stop_price,
        risk_usd=0.0,
        created_at=now,
        state=IntentState.WORKING,
        entry_order_id=0,
        target_order_id=0 if protects else request.order_id,
        stop_order_id=request.order_id if protects else 0,
        trail_usd=request.trailing_usd,
        reason="found at work, written down by nobody",
    )


def role_of(order: OpenOrder, intent: Intent) -> str:
    """Which leg of an intent an open order is."""
    by_id = {
        intent.entry_order_id: "entry",
        intent.target_order_id: "target",
        intent.stop_order_id: "stop",
        intent.timed_order_id: "timed",
    }
    known = by_id.get(order.request.order_id) if order.request.order_id > 0 else None
    if order.request.good_after is not None:
        return "timed"  # nothing else of ours waits for an hour; lists of ended orders carry no id
    if intent.kind is IntentKind.EXIT:
        return "exit"
    if known:
        return known
    if intent.kind is IntentKind.ENTRY and order.request.action is intent.action:
        return "entry"
    return "target" if order.request.order_type in ("LMT", "MKT") else "stop"


def entries(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """The intents that opened, or were to open, a position."""
    return tuple(i for i in intents if i.kind is IntentKind.ENTRY and i.action is OrderAction.BUY)
