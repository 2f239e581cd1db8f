"""One client of the simulated gateway without its socket: bytes in, market and order events in, bytes out."""

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from momentum_kit.simgateway.client.account_feeds import AccountFeeds
from momentum_kit.simgateway.client.feeds import ClientFeeds
from momentum_kit.simgateway.client.incoming import Incoming
from momentum_kit.simgateway.client.limits import BREACHES_THAT_END
from momentum_kit.simgateway.client.ports import ClientSocket, GatewayState, OutgoingFilter
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    OpenOrderReport,
    OrderBound,
    OrderErrorReport,
    OrderEvent,
    StatusReport,
)
from momentum_kit.simgateway.protocol import FrameBuffer, Hello, Request, WireError
from momentum_kit.simgateway.protocol.text import (
    commission_report,
    error,
    execution,
    greeting,
    open_order,
    order_bound,
    order_status,
)

log = logging.getLogger(__name__)
HELLO_PREFIX = b"API\0"
PACED = "+PACEAPI"  # connect option: be slowed down rather than refused
OF_ORDERS = frozenset(
    {Request.PLACE_ORDER, Request.CANCEL_ORDER, Request.GLOBAL_CANCEL, Request.OPEN_ORDERS, Request.ALL_OPEN_ORDERS}
    | {Request.AUTO_OPEN_ORDERS, Request.COMPLETED_ORDERS}
)
Handler = Callable[["ClientSession", Any], None]  # answers one kind of request; the value is the request's


class ServingGateway(GatewayState, Protocol):
    """The gateway around a client's session, as the session, its handlers and its faults use it; the Hub is one."""

    def sessions(self, client_id: int | None = None) -> list["ClientSession"]:
        """Sessions that have started, by client id; one of them, or all."""
        ...

    def admit(self, session: "ClientSession", client_id: int) -> bool:
        """Give a session its client id; False if another one holds it."""
        ...

    def started(self, session: "ClientSession") -> None:
        """A session has been greeted."""
        ...

    def may_handle(self, session: "ClientSession", request: Incoming) -> bool:
        """False if a fault swallows this request, or lets it wait."""
        ...

    def step(self, session: "ClientSession") -> datetime:
        """The time to tell; in lock-step the session that drives moves the market first."""
        ...

    def deliver(self, events: Iterable[OrderEvent]) -> None:
        """Hand order events to the clients they belong to."""
        ...

    def tell_position(self, con_id: int) -> None:
        """Tell every subscriber a holding, and what follows from it."""
        ...


class ClientSession:
    """State of one client: hello, START_API, then requests in any order, answered by `handlers`.

    version is 0 before the hello, client_id None before START_API. Whoever owns the socket writes `take_output()`
    after every call, closes once `closing` is set and all was written, and while `behind` calls `receive(b"")` after
    `wait_s()`.
    socket: where there is one. filter: what a fault does to outgoing messages, while one does.
    """

    def __init__(self, hub: ServingGateway, handlers: Mapping[int, Handler]) -> None:
        self.hub = hub
        self._handlers = handlers
        self.version = 0
        self.client_id: int | None = None
        self.closing = False
        self.behind = False  # a paced client's requests wait
        self.data_type = 1  # what reqMarketDataType asked for last
        self.hears_bulletins = False
        self.sees_manual_orders = False  # client 0 alone: orders entered in TWS that it has not bound
        self.feeds = ClientFeeds(self.send)
        self.account_feeds = AccountFeeds(self, hub)
        self.socket: ClientSocket | None = None
        self.filter: OutgoingFilter | None = None
        self._rate = hub.limits.message_rate()
        self._input = FrameBuffer()
        self._output = bytearray()
        self._greeted = False

    def receive(self, data: bytes) -> None:
        """Handle what the socket delivered; a stream that is not IB's ends this session and no other."""
        self._input.feed(data)
        try:
            if not self._greeted and not self._take_prefix():
                return
            self.behind = False
            while not self.closing and (payload := self._next_frame()) is not None:
                if not self.version:
                    self._on_hello(payload)
                elif self._within_rate(payload):
                    self._handle(payload)
        except WireError as problem:
            log.warning("client %s is cut off: %s", self.client_id, problem)
            self.closing = True

    def take_output(self) -> bytes:
        """What is to be written now; the buffer is empty afterwards."""
        output = bytes(self._output)
        self._output.clear()
        return output

    def send(self, message: bytes) -> None:
        """Queue finished messages."""
        self._output += message if self.filter is None else self.filter.pass_on(message, self.hub.now)

    def send_raw(self, data: bytes) -> None:
        """Queue bytes as they are, past every fault."""
        self._output += data

    def wait_s(self) -> float:
        """Seconds until the next request of a paced client may be handled."""
        return self._rate.wait_s()

    def error(self, request_id: int, code: int, text: str, advanced: str = "") -> None:
        """Queue an error, warning or notice at market time."""
        self.send(error(self.version, self.hub.clock_time, request_id, code, text, advanced))

    def close(self) -> None:
        """End the session; what is queued is still written."""
        self.closing = True

    def on_order(self, event: OrderEvent) -> None:
        """Send what an order event means to this client."""
        match event:
            case OpenOrderReport(order):
                self.send(open_order(self.version, order, self.hub.market.instruments[order.con_id]))
            case StatusReport(order, status):
                self.send(order_status(self.version, order, status))
            case ExecutionReport():
                item = self.hub.market.instruments[event.order.con_id]
                self.send(execution(self.version, -1, event, item))
            case CommissionReportDue():
                self.send(commission_report(self.version, event))
            case OrderBound():
                self.send(order_bound(self.version, event))
            case OrderErrorReport():
                self.error(event.order_id, event.code, event.text, event.advanced)

    def on_time(self, now: datetime) -> None:
        """Send what has fallen due."""
        if not self.hub.data_stopped:
            self.feeds.on_time(now)
            self.account_feeds.on_time(now)
        if self.filter is not None:
            self._output += self.filter.release(now)

    def _take_prefix(self) -> bool:
        seen = self._input.take_prefix(HELLO_PREFIX)
        if seen is False:
            raise WireError("the stream does not begin with API")
        self._greeted = bool(seen)
        return self._greeted

    def _on_hello(self, payload: bytes) -> None:
        hello = Hello.parse(payload)
        version = hello.agree(self.hub.version_cap)
        if version is None:
            raise WireError(f"no common version with {hello}")
        self.version = version
        self._rate.paced = PACED in hello.options.split()
        self.send(greeting(version, self.hub.now))  # alone: the official client loses what arrives with it

    def _next_frame(self) -> bytes | None:
        self.behind = self.wait_s() > 0
        return None if self.behind else self._input.next_frame()

    def _within_rate(self, payload: bytes) -> bool:
        refusal = self._rate.refusal()
        if refusal is None:
            return True
        log.warning("client %s: %s: %r", self.client_id, refusal, payload[:200])
        self.error(-1, 100, refusal)
        self.closing = self._rate.breaches >= BREACHES_THAT_END
        return False

    def _handle(self, payload: bytes) -> None:
        request = Incoming.split(payload, self.version)
        if self.client_id is None and request.kind != Request.START_API:
            # IB: nothing before nextValidId, a call may be dropped; ours always is
            log.warning("request before START_API is dropped: %r", payload[:200])
            return
        if self.hub.may_handle(self, request):
            self.dispatch(request)

    def answer_to(self, request: Incoming) -> bytes:
        """Handle a request now and return what it would have sent, for whoever sends it later."""
        before, self._output = self._output, bytearray()
        self.dispatch(request)
        answer, self._output = bytes(self._output), before
        return answer

    def dispatch(self, request: Incoming) -> None:
        """Answer a request, or refuse what it says as IB does."""
        if self.hub.market.scenario.api.read_only and request.kind in OF_ORDERS:
            cause = "The API interface is currently in Read-Only mode."
            self.error(request.request_id, 321, f"Error validating request.-'bh' : cause - {cause}")
            return
        handler = self._handlers.get(request.kind)
        if handler is None:
            log.warning("client %s: request %s is not simulated: %r", self.client_id, request.kind, request.body[:200])
            cause = f"Request {request.kind} is not supported"
            self.error(request.request_id, 321, f"Error validating request.-'bN' : cause - {cause}")
            return
        try:
            handler(self, request.decode())
        except WireError as problem:
            log.warning("client %s: %s in %r", self.client_id, problem, request.body[:400])
            self.error(request.request_id, 320, f"Error reading request. {problem}")
