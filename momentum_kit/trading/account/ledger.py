"""Fills to positions and profit: deduplicated, corrected, joined with their costs, in any order of arrival.

Owned and fed by the position manager; the execution service only reads it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

from momentum_kit.models import CommissionReport, Contract, Execution, Fill
from momentum_kit.sessions import exchange_day
from momentum_kit.trading.account.lots import RoundTrip, SymbolBook, match_fills
from momentum_kit.trading.costs import FillCosts

UNDOING = "undone-"
OTHERS_CLOCK = timedelta(seconds=2)  # the broker's clock and ours may differ by so much


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is held of one contract: signed shares, mean price in USD, and the intent that opened it."""

    contract: Contract
    quantity: Decimal
    average_price: float
    opened_at: datetime
    order_ref: str


class Ledger:
    """All executions of a day and what follows from them; the same for any order and repetition of its inputs.

    Only executions say what is ours. Positions are FIFO, rebuilt per symbol from its executions in time order, so that
    a correction simply replaces.
    """

    def __init__(self, costs: FillCosts | None = None) -> None:
        self.fill_costs = costs or FillCosts()
        self._executions: dict[str, Execution] = {}  # by base id
        self._base_ids: dict[int, set[str]] = {}  # by con_id
        self._by_reference: dict[str, set[str]] = {}  # base ids by order_ref
        self._held: tuple[Holding, ...] | None = None  # emptied when something changes
        self._commissions: dict[str, dict[int, CommissionReport]] = {}  # by base id, then correction
        self._others: dict[int, dict[str, Execution]] = {}  # of other people, by con_id, then base id
        self._gone: dict[int, Decimal] = {}
        self._written: set[str] = set()  # base ids that only our own book has
        self._contracts: dict[int, Contract] = {}
        self._books: dict[int, SymbolBook] = {}  # emptied when something changes

    def add_execution(self, execution: Execution, *, written: bool = False) -> bool:
        """Take an execution in; False if it, or a later correction of it, is known already.

        written: from our own book; the broker has not said it in this session.
        """
        known = self._executions.get(execution.base_id)
        if written and known is None:
            self._written.add(execution.base_id)
        elif not written:
            self._written.discard(execution.base_id)
        if known is not None and known.correction >= execution.correction:
            return False
        con_id = execution.contract.con_id
        if known is not None:
            self._by_reference[known.order_ref].discard(known.base_id)
            if known.contract.con_id != con_id:
                self._base_ids[known.contract.con_id].discard(known.base_id)
                self._forget(known.contract.con_id)
        self._by_reference.setdefault(execution.order_ref, set()).add(execution.base_id)
        self._executions[execution.base_id] = execution
        self._base_ids.setdefault(con_id, set()).add(execution.base_id)
        self._contracts.setdefault(con_id, execution.contract)
        self._forget(con_id)
        return True

    def note_other(self, execution: Execution) -> None:
        """Keep an execution that is not ours: it may explain shares, and is never counted."""
        con_id = execution.contract.con_id
        self._others.setdefault(con_id, {})[execution.base_id] = execution
        self._forget(con_id)

    def executions(self, con_id: int) -> tuple[Execution, ...]:
        """Ours in a contract, in time order; an entry that undoes a sale as far as it holds."""
        known = (self._executions[i] for i in self._base_ids.get(con_id, ()))
        counted = (replace(each, shares=shares) for each in known if (shares := self._counted(each)))
        return tuple(sorted(counted, key=_in_time))

    def _counted(self, execution: Execution) -> Decimal:
        """Shares of an execution. An entry that undoes a sale holds while the sale is known and nobody else has bought.

        The sale may leave the list of the day, or be corrected to nothing: then it is undone twice. And executions of
        others come late: what was taken for a sale undone was theirs where they bought as many by then.
        """
        if not execution.base_id.startswith(UNDOING):
            return execution.shares
        sale = self._executions.get(execution.base_id.removeprefix(UNDOING))
        if sale is None:
            return Decimal(0)
        until = execution.time + OTHERS_CLOCK
        theirs = self._bought_by_others(execution.contract.con_id, sale.time, until)
        return Decimal(0) if theirs >= execution.shares else min(execution.shares, sale.shares)

    def _bought_by_others(self, con_id: int, since: datetime, until: datetime | None = None) -> Decimal:
        known = self._others.get(con_id, {}).values()
        buys = (e for e in known if e.side.sign > 0 and e.time >= since and (until is None or e.time <= until))
        return sum((each.shares for each in buys), Decimal(0))

    def undoable(self, con_id: int, foreign: Decimal = Decimal(0)) -> dict[Decimal, tuple[Execution, ...]]:
        """Sales of ours that the broker may have undone (busted trades), by their shares: an execution, a whole order.

        The latest of a size. Not those whose number others have bought since, or have in the day beyond the shares that
        are known to be foreign: then they may be theirs.
        """
        known = [self._executions[i] for i in self._base_ids.get(con_id, ())]
        undone = {execution.base_id for execution in known}
        sales = [e for e in known if e.side.sign < 0 and e.order_id > 0 and undoing(e) not in undone]
        if not sales:
            return {}
        sales.sort(key=_in_time)
        net = sum((e.shares * e.side.sign for e in self._others.get(con_id, {}).values()), Decimal(0))
        theirs = max(self._bought_by_others(con_id, sales[-1].time), net - foreign)
        orders: dict[tuple[str, int], list[Execution]] = {}
        for sale in sales:
            orders.setdefault((sale.order_ref, sale.perm_id or sale.order_id), []).append(sale)
        found: dict[Decimal, tuple[Execution, ...]] = {sale.shares: (sale,) for sale in sales}
        found |= {sum((e.shares for e in parts), Decimal(0)): tuple(parts) for parts in orders.values()}
        return {shares: parts for shares, parts in found.items() if shares > theirs}

    def struck(self, con_id: int, day: date, foreign: Decimal = Decimal(0)) -> frozenset[Decimal]:
        """Sizes of `undoable` of an exchange day that only our own book has, though the broker listed others of it."""
        found = [
            shares
            for shares, sales in self.undoable(con_id, foreign).items()
            if all(sale.base_id in self._written and exchange_day(sale.time) == day for sale in sales)
        ]
        told = (each for each in self._executions.values() if found and each.base_id not in self._written)
        return frozenset(found) if any(exchange_day(each.time) == day for each in told) else frozenset()

    def add_commission(self, report: CommissionReport) -> bool:
        """Take a commission report in, before or after its execution; False if it says nothing new."""
        base_id, correction = split_exec_id(report.exec_id)
        versions = self._commissions.setdefault(base_id, {})
        if correction in versions and repr(versions[correction]) == repr(report):  # repr: nan equals itself
            return False
        versions[correction] = report
        execution = self._executions.get(base_id)
        if execution is not None:
            self._forget(execution.contract.con_id)
        return True

    def write_off(self, con_id: int, shares: Decimal) -> bool:
        """State how many shares of ours the broker no longer has, without an execution that says why; False if known.

        A later statement replaces an earlier one, so that an execution that comes after all puts things right.
        """
        if shares == self._gone.get(con_id, Decimal(0)):
            return False
        self._gone[con_id] = shares
        self._forget(con_id)
        return True

    def traded(self, con_id: int) -> Decimal:
        """Signed shares of the known executions, whatever was written off."""
        known = map(self._executions.__getitem__, self._base_ids.get(con_id, ()))
        return sum((self._counted(e) * e.side.sign for e in known), Decimal(0))

    def path(self, con_id: int) -> tuple[tuple[datetime | None, Decimal], ...]:
        """What `traded` was after each execution, in time order; no time where only our own book has it."""
        executions = self.executions(con_id)
        totals = accumulate(e.shares * e.side.sign for e in executions)
        times = (None if execution.base_id in self._written else execution.time for execution in executions)
        return tuple(zip(times, totals, strict=True))

    def position(self, con_id: int) -> Decimal:
        """Signed shares held."""
        return self._book(con_id).quantity if con_id in self._contracts else Decimal(0)

    def filled(self, order_ref: str, order_id: int, perm_id: int = 0) -> Decimal:
        """Shares that one order of a reference has filled: by permanent id, or by order id where either has none.

        Order ids begin anew on some days, and lists of ended orders carry none.
        """
        known = (self._executions[base_id] for base_id in self._by_reference.get(order_ref, ()))
        same = (e for e in known if (e.perm_id == perm_id if perm_id and e.perm_id else e.order_id == order_id))
        return sum((execution.shares for execution in same), Decimal(0))

    def bought_and_sold(self, order_ref: str) -> tuple[Decimal, Decimal]:
        """Shares that all orders of a reference have bought, and sold; what an entry undid in vain is both."""
        known = [self._executions[base_id] for base_id in self._by_reference.get(order_ref, ())]
        bought = sum((e.shares for e in known if e.side.sign > 0), Decimal(0))
        sold = sum((e.shares for e in known if e.side.sign < 0), Decimal(0))
        return bought, sold + sum((e.shares - self._counted(e) for e in known if e.side.sign > 0), Decimal(0))

    def holdings(self) -> tuple[Holding, ...]:
        """What is held, by con_id."""
        if self._held is None:
            self._held = self._holdings()
        return self._held

    def _holdings(self) -> tuple[Holding, ...]:
        found = []
        for con_id in sorted(self._contracts):
            book = self._book(con_id)
            if book.quantity:
                first = book.lots[0]
                found.append(
                    Holding(
                        contract=book.contract,
                        quantity=book.quantity,
                        average_price=book.average_price,
                        opened_at=first.opened_at,
                        order_ref=first.order_ref,
                    )
                )
        return tuple(found)

    def round_trips(self, con_id: int | None = None) -> tuple[RoundTrip, ...]:
        """Finished round trips of one contract or of all, in the order of closing."""
        con_ids = sorted(self._contracts) if con_id is None else [con_id] if con_id in self._contracts else []
        trips = [trip for each in con_ids for trip in self._book(each).trips]
        return tuple(sorted(trips, key=lambda trip: trip.closed_at))

    def fills(self) -> tuple[Fill, ...]:
        """Every execution with its commission report, in time order."""
        return tuple(self._fill(e) for e in sorted(self._executions.values(), key=_in_time))

    @property
    def realised_usd(self) -> float:
        """Profit of what was closed, before costs."""
        return math.fsum(self._book(con_id).realised_usd for con_id in sorted(self._contracts))

    @property
    def costs_usd(self) -> float:
        """Commissions and fees: as reported, else as estimated."""
        return math.fsum(self._book(con_id).costs_usd for con_id in sorted(self._contracts))

    def net_usd_on(self, day: date) -> float:
        """Profit of what the executions of an exchange day closed, less what these cost."""
        return math.fsum(self._book(con_id).net_by_day.get(day, 0.0) for con_id in sorted(self._contracts))

    def unrealised_usd(self, price: Callable[[int], float]) -> float:
        """Open profit at price(con_id) in USD; a holding whose price is nan counts as unchanged."""
        gains = (float(h.quantity) * (price(h.contract.con_id) - h.average_price) for h in self.holdings())
        return math.fsum(gain for gain in gains if not math.isnan(gain))

    def _forget(self, con_id: int) -> None:
        """Something about this contract has changed."""
        self._books.pop(con_id, None)
        self._held = None

    def _book(self, con_id: int) -> SymbolBook:
        book = self._books.get(con_id)
        if book is None:
            fills = [self._fill(execution) for execution in self.executions(con_id)]
            book = match_fills(self._contracts[con_id], fills, self.fill_costs)
            book.write_off(self._gone.get(con_id, Decimal(0)))
            self._books[con_id] = book
        return book

    def _fill(self, execution: Execution) -> Fill:
        """Joined with its own report, else with that of the version it corrects: IB need not send another."""
        versions = self._commissions.get(execution.base_id, {})
        upto = [correction for correction in versions if correction <= execution.correction]
        return Fill(execution, versions[max(upto)] if upto else None)


def undoing(sale: Execution) -> str:
    """Base id of the entry that undoes a sale in our book."""
    return f"{UNDOING}{sale.base_id}"


def split_exec_id(exec_id: str) -> tuple[str, int]:
    """Base id and correction number, as Execution has them."""
    base, _, suffix = exec_id.rpartition(".")
    return base or exec_id, int(suffix) if suffix.isdigit() else 0


def _in_time(execution: Execution) -> tuple[datetime, bool, int, str]:
    """Time order; IB's times are whole seconds, and within one our later orders have higher ids (IB's own: below 1)."""
    return execution.time, execution.order_id < 1, execution.order_id, execution.base_id
