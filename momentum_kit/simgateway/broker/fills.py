"""Matches a working order with the touch or a print, and books the execution: where fills are made.

A resting limit order fills at its own price, everything else at the touch and for no more than it shows. Halts and
hours are obeyed here; what a fill does to the rest of a bracket or OCA group is order_life.py's part.
"""

from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from momentum_kit.simgateway.broker.oca_groups import fillable, outside_group
from momentum_kit.simgateway.broker.order_book import Stage, Ticket
from momentum_kit.simgateway.broker.refusals import capped_at
from momentum_kit.simgateway.broker.reports import BookedFill, error, status, tell_fill
from momentum_kit.simgateway.broker.routing import Routing
from momentum_kit.simgateway.broker.state import BrokerState
from momentum_kit.simgateway.events import ExecutionReport, OrderEvent, TradeEvent
from momentum_kit.simgateway.trading_hours import may_trade

ADDED, REMOVED = 1, 2  # execDetails' lastLiquidity
CAP_SHARE = 0.005  # of a simulated market order, through the touch; IB's own distance is not published

AfterFill = Callable[[Ticket, Decimal, datetime], list[OrderEvent]]


class FillEngine:
    """Turns quotes and prints into executions; `after_fill` says what a fill does to other orders."""

    def __init__(self, state: BrokerState, after_fill: AfterFill) -> None:
        self._state = state
        self._after_fill = after_fill
        one_at_a_time = state.assumptions.overfill_protection == "one_at_a_time"
        self._routing = Routing(timedelta(milliseconds=state.assumptions.recall_ms) if one_at_a_time else None)

    def can_trade(self, ticket: Ticket, at: datetime) -> bool:
        """True if the order is at the market and its contract trades in hours that it may trade in."""
        halted = self._state.top.halted(ticket.order.con_id)
        return ticket.stage is Stage.LIVE and not halted and may_trade(at, ticket.extended)

    def reach(self, ticket: Ticket) -> Decimal:
        """Shares the touch would fill now; 0 where it does not cross the order's limit."""
        met = self._meet(ticket)
        return min(met[1], fillable(ticket, self._state)) if met else Decimal(0)

    def match_quote(self, ticket: Ticket, at: datetime) -> list[OrderEvent]:
        """Fill what the touch allows; an uncrossed limit order rests from now on."""
        if ticket.awaits_trigger:
            return []
        if not self.can_trade(ticket, at):
            ticket.resting = False  # an opening or reopening auction gives everyone its one price
            return []
        if self._sits(ticket, at) or not self._is_routed(ticket, at):
            return []
        self._cap(ticket)
        met = self._meet(ticket)
        if met is None:
            ticket.resting = ticket.limit is not None
            return _rests_at_its_cap(ticket)
        best, _ = met
        shares = self._split(ticket, self.reach(ticket))
        if not shares:
            return []
        touch = self._state.top.touch(ticket.order.con_id)
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
        if ticket.sign * (limit - trade.price) <= 0 or not self._is_routed(ticket, trade.time):
            return []
        room = fillable(ticket, self._state)
        shares = min(Decimal(int(trade.size)), room)  # a retold print may be a broken number of shares
        return self._fill(ticket, shares, limit, trade.time, ADDED) if shares > 0 else []

    def _sits(self, ticket: Ticket, at: datetime) -> bool:
        """True while a market order is left where it is, though the market is open to it."""
        assumptions = self._state.assumptions
        if ticket.order.order_type != "MKT" or assumptions.market_order != "sits":
            return False
        if ticket.arrived is None:
            ticket.arrived = at
            wakes = at + timedelta(milliseconds=assumptions.market_order_sits_ms)
            self._state.agenda.put(wakes, lambda now: self.match_quote(ticket, now) if ticket.is_open else [])
        return at < ticket.arrived + timedelta(milliseconds=assumptions.market_order_sits_ms)

    def _cap(self, ticket: Ticket) -> None:
        """Hold a market order to a price near the touch that it meets first, where the broker simulates it so."""
        touch = self._state.top.touch(ticket.order.con_id)
        uncapped = ticket.order.order_type == "MKT" and ticket.cap is None
        if touch is None or not uncapped or self._state.assumptions.market_order != "capped":
            return
        price, _ = touch.opposite(ticket.sign)
        if price > 0:
            ticket.cap = round(price * (1 + ticket.sign * CAP_SHARE), 2 if price >= 1 else 4)

    def _is_routed(self, ticket: Ticket, at: datetime) -> bool:
        """True if overfill protection lets an order trade now; else it tries again once the way is free."""

        def later(moment: datetime, recalled: Callable[[], None]) -> None:
            def go_on(now: datetime) -> list[OrderEvent]:
                recalled()
                return self.match_quote(ticket, now) if ticket.is_open else []

            self._state.agenda.put(moment, go_on)

        return outside_group(ticket, self._state) or self._routing.admits(ticket, at, later)

    def _meet(self, ticket: Ticket) -> tuple[float, Decimal] | None:
        touch = self._state.top.touch(ticket.order.con_id)
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
        if whole or self._state.ids.draw(order.perm_id, "split") >= self._state.split_share:
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
        fill = book_execution(self._state, ticket, shares=shares, price=price, at=at, liquidity=liquidity)
        return tell_fill(self._state, ticket, fill, at) + self._after_fill(ticket, shares, at)


def _rests_at_its_cap(ticket: Ticket) -> list[OrderEvent]:
    """What is told, once, of a market order that the market has left behind."""
    order = ticket.order
    if ticket.cap is None or order.order_type != "MKT" or order.market_cap_price:
        return []
    order.market_cap_price = ticket.cap
    return error(order, capped_at(ticket.cap)) + status(order)


def book_execution(
    state: BrokerState,
    ticket: Ticket,
    *,
    shares: Decimal,
    price: float,
    at: datetime,
    liquidity: int,
    liquidation: bool = False,
) -> BookedFill:
    """Put one match on record, and its cost and profit in the account; the order already counts it."""
    order = ticket.order
    ticket.executions += 1
    report = ExecutionReport(
        order=copy(order),
        exec_id=state.ids.exec_id(order.perm_id, ticket.executions),
        time=at,
        exchange=state.market.instruments[order.con_id].primary_exchange,
        side="BOT" if order.action == "BUY" else "SLD",
        shares=shares,
        price=price,
        cumulative=order.filled,
        average_price=order.average_price,
        liquidity=liquidity,
        liquidation=liquidation,
    )
    state.executions.append(report)
    commission, closes = state.charge(ticket, shares, price, report.exec_id)
    state.holdings.append((at, state.account.holding(order.con_id)))
    return BookedFill(report, commission, closes)
