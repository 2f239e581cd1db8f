"""BrokerTruth: the broker's own lists, asked for at the start and when a bracket is uncertain, against our intents.

The position manager settles intents and ledger by it before anything trades, recovery the brackets.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from momentum_kit.models import Execution, Intent, IntentKind, IntentState, OpenOrder, OrderAction, Position
from momentum_kit.ports import Broker

INTENT_PREFIX = "mk-"
"""Every order of ours carries a reference that starts so; anything else in the account is somebody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTruth:
    """The broker's own lists, as of one moment."""

    positions: tuple[Position, ...] = ()
    open_orders: tuple[OpenOrder, ...] = ()
    completed: tuple[OpenOrder, ...] = ()
    executions: tuple[Execution, ...] = ()

    def position(self, con_id: int, account: str) -> Position | None:
        """The holding of a contract in an account; None if there is none."""
        return next((p for p in self.positions if p.contract.con_id == con_id and p.account == account), None)

    def open_of(self, intent: Intent) -> tuple[OpenOrder, ...]:
        """Open orders that belong to an intent."""
        return tuple(order for order in self.open_orders if order.request.order_ref == intent.intent_id)

    def knows(self, intent: Intent) -> bool:
        """True if the broker lists an order or an execution of it, open or ended today."""
        references = (order.request.order_ref for order in (*self.open_orders, *self.completed))
        return bool(self.executed(intent)) or intent.intent_id in references

    def executed(self, intent: Intent) -> Decimal:
        """Shares executed for an intent since midnight."""
        return sum((e.shares for e in self.executions if e.order_ref == intent.intent_id), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What start-up found: our positions taken over, intents settled, and what is not ours and was left alone.

    lost: entries that worked, of which the broker shows nothing any more.
    """

    adopted: tuple[Position, ...] = ()
    settled: dict[str, IntentState] = field(default_factory=dict)
    lost: tuple[Intent, ...] = ()
    foreign_positions: tuple[Position, ...] = ()
    foreign_orders: tuple[OpenOrder, ...] = ()

    def messages(self) -> Iterator[str]:
        """What a human must be told, a line each."""
        for intent in self.lost:
            yield (
                f"{intent.contract.symbol}: the broker shows no position, order or execution of {intent.intent_id}, "
                f"which was {intent.state}; taken as closed, a human must look"
            )
        for position in self.foreign_positions:
            yield f"{position.contract.symbol}: {position.quantity} shares are not ours; left alone"
        for order in self.foreign_orders:
            yield f"{order.contract.symbol}: order {order.request.order_id} is not ours; left alone"


def separate_foreign(
    truth: BrokerTruth, settled: dict[str, IntentState], lost: tuple[Intent, ...], owned: set[int]
) -> Reconciliation:
    """Tell ours from other people's; owned: con_ids that an intent of ours still holds."""
    held = [position for position in truth.positions if position.quantity]
    return Reconciliation(
        adopted=tuple(p for p in held if p.contract.con_id in owned),
        settled=settled,
        lost=lost,
        foreign_positions=tuple(p for p in held if p.contract.con_id not in owned),
        foreign_orders=tuple(o for o in truth.open_orders if o.request.order_ref not in settled),
    )


async def fetch_truth(broker: Broker) -> BrokerTruth:
    """Ask for everything. Orders first: what fills in between shows in the executions, asked last."""
    open_orders = await broker.fetch_open_orders()
    completed = await broker.fetch_completed_orders()
    positions = await broker.fetch_positions()
    executions = await broker.fetch_executions()
    return BrokerTruth(positions=positions, open_orders=open_orders, completed=completed, executions=executions)


def settle_intent(intent: Intent, truth: BrokerTruth) -> IntentState:
    """What became of an intent whose end nobody wrote down.

    WORKING while an order of it is open or its position is held; REFUSED if it never reached the broker.
    """
    executed = truth.executed(intent)
    position = truth.position(intent.contract.con_id, intent.account)
    traced = truth.knows(intent)
    held = position is not None and position.quantity > 0
    if truth.open_of(intent) or (intent.kind is IntentKind.EXIT and held):  # an exit has no order of its own
        return IntentState.WORKING
    # Fills of earlier days are not listed any more: an intent known to have worked still owns the position.
    owns = bool(executed) or intent.state in (IntentState.WORKING, IntentState.UNKNOWN)
    if held and owns:
        return IntentState.WORKING
    if traced or intent.state is not IntentState.PREPARED:
        return IntentState.CLOSED
    return IntentState.REFUSED


def is_lost(intent: Intent, truth: BrokerTruth) -> bool:
    """True for an entry that had worked and of which nothing is left: closed on an earlier day, or forgotten."""
    worked = intent.kind is IntentKind.ENTRY and intent.state in (IntentState.WORKING, IntentState.UNKNOWN)
    return worked and settle_intent(intent, truth) is IntentState.CLOSED and not truth.knows(intent)


def is_ours(order_ref: str) -> bool:
    """True for the reference of one of our intents, of this session or an earlier one."""
    return order_ref.startswith(INTENT_PREFIX)


def role_of(order: OpenOrder, intent: Intent) -> str:
    """Which leg of an intent an open order is; an exit is the stop, turned into a selling order."""
    by_id = {
        intent.entry_order_id: "entry",
        intent.target_order_id: "target",
        intent.stop_order_id: "stop",
    }
    known = by_id.get(order.request.order_id) if order.request.order_id > 0 else None
    if known:
        return known
    if intent.kind is IntentKind.ENTRY and order.request.action is intent.action:
        return "entry"
    return "target" if order.request.order_type == "LMT" else "stop"


def entries(intents: Iterable[Intent]) -> tuple[Intent, ...]:
    """The intents that opened, or were to open, a position."""
    return tuple(i for i in intents if i.kind is IntentKind.ENTRY and i.action is OrderAction.BUY)
