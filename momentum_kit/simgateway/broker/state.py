"""What the parts of the simulated broker share: market, account, orders, ids, and the agenda of what is still due.

Every part is handed the one BrokerState. What shall happen later goes on its Agenda: the broker itself never waits,
it runs what is due whenever a client or the market gives it a time (SimulatedBroker.advance).
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from itertools import count

from momentum_kit.simgateway.broker.account import Account, AccountPosition
from momentum_kit.simgateway.broker.assumptions import BrokerAssumptions
from momentum_kit.simgateway.broker.market_view import MarketView, TopOfBook
from momentum_kit.simgateway.broker.order_book import OrderBook, Ticket
from momentum_kit.simgateway.broker.troubles import Troubles
from momentum_kit.simgateway.events import CommissionReportDue, ExecutionReport, OrderEvent

Task = Callable[[datetime], list[OrderEvent]]


class Agenda:
    """Tasks by market time; those due at the same instant run in the order in which they were put."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Task]] = []
        self._order = count()

    def put(self, due: datetime, task: Task) -> None:
        """Run `task` when market time reaches `due`."""
        heapq.heappush(self._heap, (due, next(self._order), task))

    def run(self, to: datetime) -> list[OrderEvent]:
        """Everything due by `to`, including what these tasks put in themselves."""
        events: list[OrderEvent] = []
        while self._heap and self._heap[0][0] <= to:
            due, _, task = heapq.heappop(self._heap)
            events += task(due)
        return events

    def next_due(self) -> datetime | None:
        """When the next task is due; None if there is none."""
        return self._heap[0][0] if self._heap else None


class OrderIds:
    """Perm ids, exec ids and coin tosses from the seed alone: the same orders in the same sequence get the same ids."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._perm_id = 1_000_000_000 + self._number("perm", 0) % 1_000_000_000

    def _number(self, *parts: object) -> int:
        digest = blake2b(repr((self._seed, *parts)).encode(), digest_size=8).digest()
        return int.from_bytes(digest)

    def perm_id(self) -> int:
        """The next perm id: consecutive, below 2^31, unique in the account."""
        self._perm_id += 1
        return self._perm_id

    def exec_id(self, perm_id: int, index: int) -> str:
        """Id of an order's `index`-th execution; the last part is the correction number."""
        number = self._number("exec", perm_id, index)
        return f"{number >> 32:08x}.{number & 0xFFFFFFFF:08x}.01.01"

    def draw(self, perm_id: int, question: str) -> float:
        """A number in [0, 1), drawn once for each order and question."""
        return self._number(question, perm_id) / 2**64


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerState:
    """What every part of the simulated broker is given. latency: from a request to its effect at the market.

    split_share: how often an order that could fill at once fills in parts, by seed and perm id.
    """

    market: MarketView
    account: Account
    assumptions: BrokerAssumptions
    ids: OrderIds
    latency: timedelta
    book: OrderBook
    top: TopOfBook
    troubles: Troubles
    split_share: float = 0.0
    agenda: Agenda = field(default_factory=Agenda)
    executions: list[ExecutionReport] = field(default_factory=list)
    commissions: dict[str, CommissionReportDue] = field(default_factory=dict)
    holdings: list[tuple[datetime, AccountPosition]] = field(default_factory=list)  # each as an execution left it

    def keep(self, before: "BrokerState") -> None:
        """Know what was known on an earlier day, and hear of the contracts in which something is held or works."""
        self.executions.extend(before.executions)
        self.commissions.update(before.commissions)
        self.holdings.extend(before.holdings)
        for con_id in {ticket.order.con_id for ticket in self.book if ticket.is_open}:
            self.market.activate(con_id)
        for holding in self.account.open_holdings():
            self.market.activate(holding.con_id)

    def marks(self) -> dict[int, float]:
        """What every holding is valued at, USD by con_id."""
        held = self.account.open_holdings()
        return {h.con_id: mark for h in held if (mark := self.top.mark(h.con_id)) is not None}

    def holdings_at(self, moment: datetime) -> list[AccountPosition]:
        """All positions that were not flat at a moment, by con_id."""
        then = {holding.con_id: holding for at, holding in self.holdings if at <= moment}
        return [holding for _, holding in sorted(then.items()) if holding.quantity]

    def correct(self, exec_id: str, price: float | None = None) -> list[OrderEvent]:
        """Publish an execution again under the next correction number, at another price if one is given (USD).

        The list of executions keeps what stands. No commission report follows: IB need not send one.
        KeyError for an id that is not, or no longer, on that list.
        """
        row = {report.exec_id: row for row, report in enumerate(self.executions)}[exec_id]
        old = self.executions[row]
        # IB's rule: the correction repeats the execution, all but the number after the last full stop of its id.
        # https://interactivebrokers.github.io/tws-api/executions_commissions.html
        base, _, number = exec_id.rpartition(".")
        new = replace(old, exec_id=f"{base}.{int(number) + 1:02d}", price=old.price if price is None else price)
        self.executions[row] = new
        self.commissions[new.exec_id] = replace(self.commissions.pop(exec_id), exec_id=new.exec_id)
        signed = new.shares if new.side == "BOT" else -new.shares
        self.account.reprice(new.order.con_id, signed, old.price, new.price)
        return [new]

    def charge(self, ticket: Ticket, shares: Decimal, price: float, exec_id: str) -> tuple[CommissionReportDue, bool]:
        """Book an execution; its commission report, and whether it closed anything."""
        # The minimum is an order's, not an execution's: each execution costs what the order's commission has grown by.
        order, account = ticket.order, self.account
        due = account.order_commission(float(order.filled), ticket.value_usd) - ticket.commission_usd
        ticket.commission_usd += due
        cost = due + account.execution_fees(float(shares), price * float(shares), sale=ticket.sign < 0)
        realized = account.book(order.con_id, ticket.signed(shares), price, cost)
        told = 0.0 if realized is None and self.assumptions.opening_pnl == "zero" else realized
        report = CommissionReportDue(
            client_id=order.client_id, exec_id=exec_id, commission=cost, currency="USD", realized_pnl=told
        )
        self.commissions[exec_id] = report
        return report, realized is not None
