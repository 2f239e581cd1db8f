"""One client of the simulated gateway without its socket: bytes in, market and order events in, bytes out."""

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from momentum_kit.simgateway.client_feeds import ClientFeeds
from momentum_kit.simgateway.client_requests import HANDLERS
from momentum_kit.simgateway.events import (
    CommissionReportDue,
    ExecutionReport,
    OpenOrderReport,
    OrderErrorReport,
    OrderEvent,
    StatusReport,
)
from momentum_kit.simgateway.incoming import Incoming
from momentum_kit.simgateway.messages import Request, error, greeting
from momentum_kit.simgateway.messages_orders import commission_report, execution, open_order, order_status
from momentum_kit.simgateway.wire import FrameBuffer, Hello, WireError

if TYPE_CHECKING:
    from momentum_kit.simgateway.hub import Hub

log = logging.getLogger(__name__)
HELLO_PREFIX = b"API\0"


class ClientSession:
    """State of one client: hello, START_API, then requests in any order.

    version is 0 before the hello, client_id None before START_API. Whoever owns the socket writes `take_output()`
    after every call and closes once `closing` is set and all was written.
    """

    def __init__(self, hub: "Hub") -> None:
        self.hub = hub
        self.version = 0
        self.client_id: int | None = None
        self.closing = False
        self.data_type = 1  # what reqMarketDataType asked for last
        self.account_updates = False
        self.positions = False
        self.account_multi: set[int] = set()  # ids of reqAccountUpdatesMulti
        self.feeds = ClientFeeds(self.send)
        self._input = FrameBuffer()
        self._output = bytearray()
        self._greeted = False

    def receive(self, data: bytes) -> None:
        """Handle what the socket delivered; a stream that is not IB's ends this session and no other."""
        self._input.feed(data)
        try:
            if not self._greeted and not self._take_prefix():
                return
            for payload in self._input.frames():
                if self.closing:
                    return
                if self.version:
                    self._handle(payload)
                else:
                    self._on_hello(payload)
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
        self._output += message

    def error(self, request_id: int, code: int, text: str, advanced: str = "") -> None:
        """Queue an error, warning or notice at market time."""
        self.send(error(self.version, self.hub.now, request_id, code, text, advanced))

    def close(self) -> None:
        """End the session; what is queued is still written."""
        self.closing = True

    def on_order(self, event: OrderEvent) -> None:
        """Send what an order event means to this client."""
        match event:
            case OpenOrderReport(order):
                self.send(open_order(self.version, order, self.hub.instrument(order.con_id)))
            case StatusReport(order, status):
                self.send(order_status(self.version, order, status))
            case ExecutionReport():
                self.send(execution(self.version, -1, event, self.hub.instrument(event.order.con_id)))
            case CommissionReportDue():
                self.send(commission_report(self.version, event))
            case OrderErrorReport():
                self.error(event.order_id, event.code, event.text, event.advanced)

    def on_time(self, now: datetime) -> None:
        """Send what has fallen due."""
        self.feeds.on_time(now)

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
        self.send(greeting(version, self.hub.now))

    def _handle(self, payload: bytes) -> None:
        request = Incoming.split(payload, self.version)
        if self.client_id is None and request.kind != Request.START_API:
            log.warning("request before START_API is dropped: %r", payload[:200])
            return
        handler = HANDLERS.get(request.kind)
        if handler is None:
            log.warning("client %s: request %s is not simulated: %r", self.client_id, request.kind, payload[:200])
            cause = f"Request {request.kind} is not supported"
            self.error(request.request_id, 321, f"Error validating request.-'bN' : cause - {cause}")
            return
        try:
            handler(self, request.decode())
        except WireError as problem:
            log.warning("client %s: %s in %r", self.client_id, problem, payload[:400])
            self.error(request.request_id, 320, f"Error reading request. {problem}")
