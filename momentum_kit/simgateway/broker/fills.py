"""Matches a working order with the touch or a print, books the execution and says what its client hears."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from momentum_kit.simgateway.broker.account import Account
from momentum_kit.simgateway.broker.agenda import Agenda
from momentum_kit.simgateway.broker.assumptions import Assumptions
from momentum_kit.simgateway.broker.depth import Depth
from momentum_kit.simgateway.broker.groups import fillable
from momentum_kit.simgateway.broker.ids import OrderIds
from momentum_kit.simgateway.broker.order_book import OrderBook, Stage, Ticket
from momentum_kit.simgateway.broker.reports import both, execution, status
from momentum_kit.simgateway.broker.rules import MarketView
from momentum_kit.simgateway.events import CommissionReportDue, ExecutionReport, OrderEvent, TradeEvent
from momentum_kit.simgateway.market.order_hours import may_trade

ADDED, REMOVED = 1, 2  # execDetails' lastLiquidity


@dataclass(slots=True)
class BrokerState:
    """Everything the parts of the simulated broker share. latency: from a request to its effect at the market.

    split_share: how often an order that could fill at once fills in parts, by seed and perm id.
    """

    market: MarketView
    account: Account
    assumptions: Assumptions
    ids: OrderIds
    latency: timedelta
    book: OrderBook
    depth: Depth
    split_share: float = 0.0
    agenda: Agenda = field(default_factory=Agenda)
    executions: list[ExecutionReport] = field(default_factory=list)
    commissions: dict[str, CommissionReportDue] = field(default_factory=dict)

    def marks(self) -> dict[int, float]:
        """What every holding is valued at, USD by con_id."""
        held = self.account.open_holdings()
        return {h.con_id: mark for h in held if (mark := self.depth.mark(h.con_id)) is not None}

    def correct(self, exec_id: str, price: float | None = None) -> list[OrderEvent]:
        """Publish an execution again under the next correction number, at another price if one is given (USD).

        The list of executions keeps what stands. No commission report follows: IB need not send one.
        KeyError for an id that is not, or no longer, on that list.
        """
        row = {report.exec_id: row for row, report in enumerate(self.executions)}[exec_id]
        old = self.executions[row]
        base, _, number = exec_id.rpartition(".")
        new = replace(old, exec_id=f"{base}.{int(number) + 1:02d}", price=old.price if price is None else price)
        self.executions[row] = new
        self.commissions[new.exec_id] = replace(self.commissions.pop(exec_id), exec_id=new.exec_id)
        signed = new.shares if new.side == "BOT" else -new.shares
        self.account.reprice(new.order.con_id, signed, old.price, new.price)
        return [new]

    def charge(self, ticket: Ticket, shares: Decimal, price: float, exec_id: str) -> tuple[CommissionReportDue, bool]:
        """Book an execution; its commission report, and whether it closed anything."""
        order, costs = ticket.order, self.account.costs
        due = costs.order_commission(float(order.filled), ticket.value_usd) - ticket.commission_usd
        ticket.commission_usd += due
        cost = due + costs.fees(float(shares), price * float(shares), sale=ticket.sign < 0)
        realized = self.account.book(order.con_id, ticket.signed(shares), price, cost)
        told = 0.0 if realized is None and self.assumptions.opening_pnl == "zero" else realized
        report = CommissionReportDue(order.client_id, exec_id, cost, "USD", told)
        self.commissions[exec_id] = report
        return report, realized is not None


AfterFill = Callable[[Ticket, Decimal, datetime], list[OrderEvent]]


class FillEngine:
    """Turns quotes and prints into executions; `after_fill` says what a fill does to other orders."""

    def __init__(self, state: BrokerState, after_fill: AfterFill) -> None:
        self._state = state
        self._after_fill = after_fill

    def can_trade(self, ticket: Ticket, at: datetime) -> bool:
        """True if the order is at the market and its contract trades in hours that it may trade in."""
        halted = self._state.depth.halted(ticket.order.con_id)
        return ticket.stage is Stage.LIVE and not halted and may_trade(at, ticket.extended)

    def reach(self, ticket: Ticket) -> Decimal:
        """Shares the touch would fill now; 0 where it does not cross the order's limit."""
        met = self._meet(ticket)
        return min(met[1], fillable(ticket, self._state.book, self._state.assumptions)) if met else Decimal(0)

    def match_quote(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """Fill what the touch allows; an uncrossed limit order rests from now on."""
        if ticket.awaits_trigger:
            return []
        if not self.can_trade(ticket, at):
            ticket.resting = False  # an opening or reopening auction gives everyone its one price
            return []
        met = self._meet(ticket)
        if met is None:
            ticket.resting = ticket.limit is not None
            return []
        best, _ = met
        shares = self._split(ticket, self.reach(ticket))
        if not shares:
            return []
        touch = self._state.depth.touch(ticket.order.con_id)
        if touch is not None:
            touch.take(ticket.sign, shares)
        # A resting order is hit at its own price: better prices are what takers get.
        price = ticket.limit if ticket.resting and ticket.limit is not None else best
        return self._fill(ticket, shares, price, at, ADDED if ticket.resting else REMOVED)

    def match_print(self, ticket: Ticket, trade: TradeEvent) -> list[OrderEvent]:
        """Fill a resting limit order when a trade prints through its limit (at the limit others may stand first)."""
        limit = ticket.limit
        if limit is None or not ticket.resting or ticket.awaits_trigger or not self.can_trade(ticket, trade.time):
            return []
        if ticket.sign * (limit - trade.price) <= 0:
            return []
        room = fillable(ticket, self._state.book, self._state.assumptions)
        shares = min(Decimal(int(trade.size)), room)  # a retold print may be a broken number of shares
        return self._fill(ticket, shares, limit, trade.time, ADDED) if shares > 0 else []

    def _meet(self, ticket: Ticket) -> tuple[float, Decimal] | None:
        touch = self._state.depth.touch(ticket.order.con_id)
        if touch is None:
            return None
        price, size = touch.opposite(ticket.sign)
        if not price > 0:
            return None
        if ticket.limit is not None and ticket.sign * (ticket.limit - price) < 0:
            return None
        return price, size

    def _split(self, ticket: Ticket, shares: Decimal) -> Decimal:
        order = ticket.order
        whole = ticket.executions or order.tif == "FOK" or shares < 2
        if whole or self._state.ids.share(order.perm_id, "split") >= self._state.split_share:
            return shares
        return (shares / 2).to_integral_value(ROUND_CEILING)

    def _fill(self, ticket: Ticket, shares: Decimal, price: float, at: datetime, liquidity: int) -> list[OrderEvent]:
        order, book = ticket.order, self._state.book
        order.filled += shares
        ticket.value_usd += price * float(shares)
        order.average_price = round(ticket.value_usd / float(order.filled), 8)
        order.last_fill_price, order.why_held = price, ""
        if not order.remaining:
            order.status = "Filled"
            book.finish(ticket, at)
        else:
            ticket.show("Submitted")
        ticket.executions += 1
        exec_id = self._state.ids.exec_id(order.perm_id, ticket.executions)
        venue = self._state.market.instruments[order.con_id].primary_exchange
        report = execution(ticket, exec_id, at, venue, shares, price, liquidity)
        self._state.executions.append(report)
        if self._state.assumptions.execution_correction == "every":
            again = at + timedelta(milliseconds=self._state.assumptions.late_correction_ms)
            self._state.agenda.put(again, lambda _: self._restate(exec_id))
        costs = self._commission_events(*self._state.charge(ticket, shares, price, exec_id), at)
        return self._tell(ticket, report, costs, at) + self._after_fill(ticket, shares, at)

    def _restate(self, exec_id: str) -> list[OrderEvent]:
        return self._state.correct(exec_id) if exec_id in self._state.commissions else []

    def _tell(self, ticket: Ticket, report: ExecutionReport, costs: list[OrderEvent], at: datetime) -> list[OrderEvent]:
        order, assumptions = ticket.order, self._state.assumptions
        after_modify = assumptions.fill_order == "status_first_after_modify" and ticket.modified
        if after_modify or assumptions.fill_order == "status_first":
            late = at + timedelta(milliseconds=assumptions.late_execution_ms)
            self._state.agenda.put(late, lambda _: [report, *costs])
            return status(order)
        return [report, *both(order), *costs]

    def _commission_events(self, report: CommissionReportDue, closes: bool, at: datetime) -> list[OrderEvent]:
        answer = self._state.assumptions.closing_commission if closes else "prompt"
        if answer == "late":
            late = at + timedelta(milliseconds=self._state.assumptions.late_commission_ms)
            self._state.agenda.put(late, lambda _: [report])
        return [report] if answer == "prompt" else []
