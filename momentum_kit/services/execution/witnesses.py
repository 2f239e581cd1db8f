"""Witnesses: what position rows, orders and executions say of each symbol, weighed; for the whole execution service.

The order desk follows the orders, the ledger counts the executions, position rows come here; trading/orders/evidence
decides what follows from the three.
"""

import math
from collections.abc import Iterable
from decimal import Decimal

from momentum_kit.models import Intent, OrderAction, Position
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.order_desk import OrderDesk
from momentum_kit.sessions import exchange_day
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import (
    NEVER_SO_LATE_S,
    POSITION_LAG_S,
    Agreement,
    Bracket,
    Leg,
    OrderState,
    OrderWitness,
    PositionWitness,
    SymbolEvidence,
    weigh,
)

DOUBTED_S = 60.0  # an execution of another that explains what was taken back comes within so long


class Witnesses:
    """The evidence of every symbol that the account or we have to do with; by con_id.

    executions_whole: a whole list of today's executions has been had, so that what they do not name is not ours;
    executions_asked: when the latest was asked for, in elapsed seconds. taken_back: when shares of a contract last were
    taken for those of a sale undone; executions of others, who may have bought them, come late.
    positions_whole: the same for positions; before it, what nobody named is unknown and not zero. resumed: the start
    found intents without an end; begun: it is over. foreign_orders: con_ids in which the latest list has an
    order that is not ours.
    asking_anew: why nothing may be entered before the lists have been told again; asking_since: elapsed seconds.
    heard_since_ns: perf_counter_ns, when they were; quotes from before it are as old as whatever made them be asked.
    """

    def __init__(self, context: SessionContext, *, ledger: Ledger, desk: OrderDesk) -> None:
        self.executions_whole = False
        self.executions_asked = -math.inf
        self.taken_back: dict[int, float] = {}
        self.positions_whole = False
        self.resumed = False
        self.begun = False
        self.foreign_orders: frozenset[int] = frozenset()
        self.rows_said = 0
        self.asking_anew = ""
        self.asking_since = 0.0
        self.heard_since_ns = 0
        self._context = context
        self._ledger = ledger
        self._desk = desk
        self._rows: dict[int, PositionWitness] = {}
        self._positions: dict[int, Position] = {}  # the latest row of each contract
        self._said: dict[int, int] = {}  # the number of each contract's latest row

    def evidence(self, con_id: int) -> SymbolEvidence:
        """What is held of a contract, by all that is known now."""
        # an order that names nothing and is not in doubt adds nothing, and a busy symbol has dozens of those
        telling = (leg for leg in self._desk.legs_of(con_id) if leg.named or leg.state is OrderState.UNKNOWN)
        words = [self._word(leg) for leg in telling]
        return weigh(self._ledger.traded(con_id), words, self._witness(con_id), self._context.clock.elapsed())

    def filled(self, leg: Leg) -> Decimal:
        """Shares that an order has filled, by its executions or by its own word, whichever names more."""
        return max(self._executed(leg), leg.named)

    def sold(self, bracket: Bracket) -> bool:
        """True once an order of a bracket's group has sold some: from then on the broker reduces the others."""
        return any(self.filled(leg) for leg in bracket if leg.role != "entry")

    def row(self, position: Position) -> None:
        """A position row as the broker says it."""
        if position.account != self._context.account:
            return
        con_id = position.contract.con_id
        self._positions[con_id] = position
        self.evidence(con_id)  # the path of ours must be up to date before a row is compared with it
        self._witness(con_id).row(position.quantity, self._context.clock.elapsed())
        self.rows_said += 1
        self._said[con_id] = self.rows_said

    def answer(self, positions: Iterable[Position], asked: int) -> None:
        """A whole list of positions: what it does not name is not held, unless a row has said that it is.

        asked: rows_said when it was asked for; every row of the list comes as a row as well, so that a later one which
        says otherwise is newer.

        The broker says a holding that ends as a row of 0; a list that merely leaves one out, which no row has ended,
        contradicts itself and proves nothing.
        """
        mine = [p for p in positions if p.account == self._context.account]
        named = {p.contract.con_id: p.quantity for p in mine}
        self._positions.update((p.contract.con_id, p) for p in mine)
        self.positions_whole = True
        now, today = self._context.clock.elapsed(), exchange_day(self._context.clock.now())
        for con_id in sorted(named.keys() | self._rows.keys() | self._desk.brackets.keys()):
            self.evidence(con_id)
            witness = self._witness(con_id)
            newer = self._said.get(con_id, 0) > asked and witness.quantity != named.get(con_id, 0)
            if newer or (con_id not in named and not witness.ended(now)):
                continue
            untold = self._may_have_bought(con_id, now) or self._more_is_named(con_id)
            witness.answer(
                named.get(con_id, Decimal(0)),
                now,
                explained=not untold and self._explained(con_id),
                undoable=frozenset() if untold else self._ledger.undoable(con_id, witness.foreign),
                struck=self._ledger.struck(con_id, today, witness.foreign) if self.executions_whole else frozenset(),
                executions_asked=self.executions_asked,
            )
            for leg in self._desk.legs_of(con_id):
                if leg.untold_since is not None and now - leg.untold_since >= POSITION_LAG_S:
                    leg.untold_since = None  # what it filled would be in the rows by now

    def _may_have_bought(self, con_id: int, now: float) -> bool:
        """True while a purchase of ours may have filled without a word: its shares are no person's, and none come back.

        Rows may run ahead of statuses and executions, and lists that lack an order may be late.
        """
        buys = (leg for leg in self._desk.legs_of(con_id) if leg.request.action is OrderAction.BUY)
        return any(leg.live or (leg.absent and now - leg.absent_since < NEVER_SO_LATE_S) for leg in buys)

    def _more_is_named(self, con_id: int) -> bool:
        """True while an order's own word names more than its executions, which may still come, or be undone."""
        return any(leg.named > self._executed(leg) for leg in self._desk.legs_of(con_id))

    def _explained(self, con_id: int) -> bool:
        """True if what is beyond our executions is somebody else's: none of our orders stands for more than they name.

        A list of executions that is whole and empty proves nothing: a stop of ours that rests for shares which nobody
        has told of says that they are ours. Once all that its entry could buy has been told, and sold, it says nothing.
        """
        live = [leg for leg in self._desk.legs_of(con_id) if leg.live and leg.request.action is OrderAction.SELL]
        bracket = self._desk.brackets.get(con_id)
        if bracket is not None and self._spent(bracket.intent):
            live = [leg for leg in live if leg.request.order_ref != bracket.intent.intent_id]
        stands_for = max((leg.request.quantity - self.filled(leg) for leg in live), default=Decimal(0))
        return self.executions_whole and stands_for <= self.evidence(con_id).orders

    def _spent(self, intent: Intent) -> bool:
        """True if executions name every share that its entry could buy, and the sale of each."""
        bought, sold = self._ledger.bought_and_sold(intent.intent_id)
        return intent.quantity <= bought <= sold

    def suspicious(self, con_id: int) -> bool:
        """True if the broker's row fell below ours, or a first whole answer waits for its second."""
        witness = self._witness(con_id)
        return witness.answers == 1 or witness.suspicious(self._context.clock.elapsed())

    def contradicted(self, con_id: int) -> bool:
        """True if the broker's row fell below ours a moment ago, whatever was answered since."""
        return self._witness(con_id).contradicted(self._context.clock.elapsed())

    def doubt(self, con_id: int) -> str:
        """Why nothing may be entered in a symbol now; empty if nothing speaks against it."""
        if self.asking_anew:
            return f"{self.asking_anew}: the broker's lists are being asked again"
        if not self.positions_whole:
            return "the broker has not told the positions yet"
        if self.resumed and not self.executions_whole:
            return "the broker has not told today's executions yet"
        if not all(bracket.listed for bracket in self._desk.in_order()):
            return "the broker has not told the open orders yet"
        evidence = self.evidence(con_id)
        if evidence.foreign or con_id in self.foreign_orders:
            return f"somebody else is in this symbol: {evidence.numbers()}"
        return "" if evidence.agreement is Agreement.AGREED else f"the broker's words differ: {evidence.numbers()}"

    def gone(self, con_id: int) -> bool:
        """True if nothing of ours is held by anybody's word, and the broker's row has nothing but other people's."""
        evidence = self.evidence(con_id)
        return not evidence.held and evidence.position == evidence.foreign

    def perhaps_back(self, con_id: int, evidence: SymbolEvidence) -> bool:
        """True if as many shares are there too many as a sale of ours had, or were lately: whose they are is asked."""
        lately = self._context.clock.elapsed() - self.taken_back.get(con_id, -math.inf) < DOUBTED_S
        return lately or (
            bool(evidence.unexplained) and evidence.unexplained in self._ledger.undoable(con_id, evidence.foreign)
        )

    def back(self) -> dict[int, Decimal]:
        """Shares that had gone by a sale of ours and are there again, by con_id: the broker has undone the sale."""
        return {con_id: row.back for con_id, row in self._rows.items() if row.back}

    def foreign(self) -> dict[int, str]:
        """Symbols of which other people hold shares, by con_id."""
        held = [con_id for con_id, row in self._rows.items() if row.foreign and con_id in self._positions]
        return {con_id: self._positions[con_id].contract.symbol for con_id in held}

    def position(self, symbol: str) -> Position | None:
        """The broker's latest row of a symbol; None if it has said none."""
        return next((each for each in self._positions.values() if each.contract.symbol == symbol), None)

    def not_foreign(self, con_id: int) -> None:
        """A human has said whose the shares of others are; the next rows are compared with ours alone."""
        self._witness(con_id).foreign = Decimal(0)

    def known(self) -> tuple[int, ...]:
        """Every contract of which a row or a bracket is known, in order."""
        return tuple(sorted(self._rows.keys() | self._desk.brackets.keys()))

    def _witness(self, con_id: int) -> PositionWitness:
        witness = self._rows.get(con_id)
        if witness is None:
            witness = self._rows[con_id] = PositionWitness()
            self._follow_the_fills(witness, con_id)
        if self.positions_whole and witness.quantity is None:
            witness.row(Decimal(0), self._context.clock.elapsed())
        return witness

    def _follow_the_fills(self, witness: PositionWitness, con_id: int) -> None:
        """From nothing over each fill to now: a row that trails a fill of seconds ago does so after a restart too.

        What only our own book has is no such fill: the broker, asked for the day's executions, would have said it.
        """
        now, elapsed = self._context.clock.now(), self._context.clock.elapsed()
        ages = [(now - at).total_seconds() if at else POSITION_LAG_S for at, _ in self._ledger.path(con_id)]
        witness.ours(Decimal(0), elapsed - max(ages, default=0.0))
        for age_s, (_, shares) in zip(ages, self._ledger.path(con_id), strict=True):
            witness.ours(shares, elapsed - max(age_s, 0.0))
        witness.at_start = not self.begun

    def _executed(self, leg: Leg) -> Decimal:
        return self._ledger.filled(leg.request.order_ref, leg.request.order_id, leg.perm_id)

    def _word(self, leg: Leg) -> OrderWitness:
        executed = self._executed(leg)
        unknown = Decimal(0)
        if leg.state is OrderState.UNKNOWN and leg.request.action is OrderAction.SELL:
            unknown = max(leg.request.quantity - max(executed, leg.named), Decimal(0))
        return OrderWitness(action=leg.request.action, named=leg.named, executed=executed, unknown=unknown)
