"""What is told late: order events by kind, position rows, and whole answers to requests; all in market time.

Each kind is a line of its own, in which nothing overtakes. A kind that lags also has its lists say how it was so long
ago: positions and executions as of then, orders as they were last told. So no answer knows more than the events do.
"""

from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta
from typing import Literal

from momentum_kit.simgateway.broker import CompletedOrder
from momentum_kit.simgateway.client import ClientSession, Incoming, ServingGateway
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    OpenOrderReport,
    OrderEvent,
    SimOrder,
    StatusReport,
)
from momentum_kit.simgateway.protocol import REQUESTS
from momentum_kit.simgateway.scenario import Lag, LateAnswer

Kind = Literal["statuses", "positions", "executions", "commissions"]
ENDED = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive"})
_NONE = timedelta(0)


class Delays:
    """What lags now. later(moment, action) belongs to the FaultPlayer; tell(event) sends an order event to clients."""

    def __init__(self, hub: ServingGateway, later: Callable[[datetime, Callable[[], None]], None]) -> None:
        self._hub = hub
        self._later = later
        self._lags: dict[Kind, timedelta] = {}
        self._lists: dict[Kind, bool] = {}
        self._last_due: dict[Kind, datetime] = {}
        self._told: dict[int, SimOrder] = {}  # by perm id: each order as clients last heard of it
        self._late: list[tuple[LateAnswer, int]] = []  # with how many answers are left to hit

    def begin(self, fault: Lag | LateAnswer) -> None:
        """From now on."""
        if isinstance(fault, LateAnswer):
            self._late.append((fault, fault.count))
        else:
            self._lags[fault.of] = timedelta(milliseconds=fault.lag_ms)
            self._lists[fault.of] = fault.lists

    def keeps(self, event: OrderEvent, tell: Callable[[OrderEvent], None]) -> bool:
        """True if an order event is told later, by `tell`."""
        return self._put(_kind_of(event), lambda: tell(event))

    def keeps_position(self, tell: Callable[[], None]) -> bool:
        """True if a position is told later, by `tell`."""
        return self._put("positions", tell)

    def heard(self, event: OrderEvent) -> None:
        """A client is told this now."""
        if isinstance(event, OpenOrderReport | StatusReport) and event.order.perm_id:
            self._told[event.order.perm_id] = event.order

    def as_of(self, kind: Kind) -> datetime:
        """The moment of which lists of this kind tell."""
        return self._hub.now - (self._lags.get(kind, _NONE) if self._lists.get(kind) else _NONE)

    def open_orders(self, client_id: int | None) -> list[OrderEvent]:
        """What answers reqOpenOrders of one client, or reqAllOpenOrders (None)."""
        if not self._lists_lag("statuses"):
            return self._hub.broker.open_orders(client_id)
        return [
            OpenOrderReport(copy(order))
            for order in self._told.values()
            if order.status not in ENDED and client_id in (None, order.client_id)
        ]

    def completed_orders(self, *, api_only: bool) -> list[CompletedOrder]:
        """What answers reqCompletedOrders."""
        until = self.as_of("statuses")
        return [done for done in self._hub.broker.completed_orders(api_only=api_only) if done.at <= until]

    def admits(self, session: ClientSession, request: Incoming) -> bool:
        """False if the request is answered later."""
        for at, (fault, left) in enumerate(self._late):
            numbers = {REQUESTS[name] for name in fault.requests}
            if request.kind in numbers and fault.client in (None, session.client_id):
                self._late[at : at + 1] = [(fault, left - 1)] if left > 1 else []
                self._hold(session, request, fault)
                return False
        return True

    def _hold(self, session: ClientSession, request: Incoming, fault: LateAnswer) -> None:
        answer = session.answer_to(request) if fault.content == "as_asked" else None

        def send() -> None:
            if session not in self._hub.sessions():
                return
            if answer is None:
                session.dispatch(request)
            else:
                session.send_raw(answer)

        self._later(self._hub.now + timedelta(milliseconds=fault.delay_ms), send)

    def _lists_lag(self, kind: Kind) -> bool:
        under_way = self._hub.now < self._last_due.get(kind, self._hub.now)
        return self._lists.get(kind, False) and (bool(self._lags[kind]) or under_way)

    def _put(self, kind: Kind, action: Callable[[], None]) -> bool:
        """Let it happen when its turn has come; False if that is now."""
        now = self._hub.now
        due = max(now + self._lags.get(kind, _NONE), self._last_due.get(kind, now))
        if due <= now:
            return False
        self._last_due[kind] = due
        self._later(due, action)
        return True


def _kind_of(event: OrderEvent) -> Kind:
    if isinstance(event, ExecutionReport):
        return "executions"
    return "commissions" if isinstance(event, CommissionReportDue) else "statuses"
