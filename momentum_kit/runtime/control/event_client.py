"""The event stream's client: a thread that delivers snapshots and events, reconnects, tells gaps and ends cleanly."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import structlog

from momentum_kit.errors import EngineError, MomentumKitError
from momentum_kit.json_text import parse_json
from momentum_kit.models import EngineStatus
from momentum_kit.runtime.control.messages import decode_status
from momentum_kit.runtime.control.proof import believed
from momentum_kit.runtime.ownership import ControlAddress, StateFolder

SILENCE_S = 5.0  # without a word, snapshots included, the engine hangs
RETRY_S = 0.5
JOIN_S = 5.0

log = structlog.get_logger("events")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One thing that happened.

    kind: `status` (then `status` is set); a journal table's name (`headlines`, `decisions`, `risk`, `orders`,
    `order_updates`, `notices`, `executions`, `commissions`, `exits`, `round_trips`, `equity`, `items`, `commands`,
    `incidents`; content: the row); `log` (level, logger, text); `lost` (events, snapshots that this reader missed);
    `connected` (pid, run_dir, new: another engine than before); `disconnected` (reason); `ended` (the session is over).
    """

    kind: str
    content: dict[str, Any]
    number: int | None = None
    status: EngineStatus | None = None


class EventStream:
    """Delivers the events of one account's engine, whichever runs, until it is closed.

    deliver is called on the stream's thread, one event at a time; what it raises is logged and costs that event only.
    """

    def __init__(self, folder: StateFolder, deliver: Callable[[StreamEvent], None]) -> None:
        self._folder = folder
        self._deliver = deliver
        self._closing = threading.Event()
        self._socket: socket.socket | None = None
        self._last: int | None = None  # number of the last event that was delivered
        self._engine: ControlAddress | None = None
        self._thread = threading.Thread(target=self._run, name="event stream", daemon=True)

    def start(self) -> Self:
        """Begin; returns at once."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End the thread: nothing is delivered once this has returned, unless `deliver` itself has called it."""
        self._closing.set()
        if connected := self._socket:
            with suppress(OSError):  # it was just closing by itself
                connected.shutdown(socket.SHUT_RDWR)  # wakes the thread out of its reading
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        told = ""
        while not self._closing.is_set():
            try:
                reason = self._follow()
                told = ""
            except (MomentumKitError, OSError) as error:  # also of the state folder, as where no descriptor is left
                reason = str(error)
            if reason != told and not self._closing.is_set():
                told = reason
                self._tell(StreamEvent(kind="disconnected", content={"reason": reason}))
            self._closing.wait(RETRY_S)

    def _follow(self) -> str:
        """One connection, to its end; why it ended."""
        address = self._folder.address()
        if address is None:
            raise EngineError("no engine runs")
        connection = None
        try:
            connection = believed(address, self._folder, SILENCE_S)
            self._socket = connection.sock
            self._ask(connection, address)
            response = connection.getresponse()
            if response.status != 200:
                raise EngineError(f"the engine refuses the stream: {response.read(500).decode(errors='replace')}")
            self._tell_connected(address)
            for event in _frames(response):
                if self._closing.is_set():
                    break
                self._take(event)
                if event.kind == "ended":
                    return "the session is over"
            return "the engine closed the stream"
        except TimeoutError:
            raise EngineError(f"the engine (pid {address.pid}) does not answer within {SILENCE_S:g} s") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EngineError(f"the stream broke: {str(error) or type(error).__name__}") from None
        finally:
            self._socket = None
            if connection is not None:
                connection.close()

    def _ask(self, connection: http.client.HTTPConnection, address: ControlAddress) -> None:
        headers = {"Authorization": f"Bearer {address.token}", "Accept": "text/event-stream"}
        if self._last is not None and self._engine == address:
            headers["Last-Event-ID"] = str(self._last)
        connection.request("GET", "/events", headers=headers)

    def _tell_connected(self, address: ControlAddress) -> None:
        new, self._engine = self._engine != address, address
        if new:
            self._last = None
        self._tell(StreamEvent(kind="connected", content={"pid": address.pid, "run_dir": address.run_dir, "new": new}))

    def _take(self, event: StreamEvent) -> None:
        if event.number is not None:
            self._last = event.number
        self._tell(event)

    def _tell(self, event: StreamEvent) -> None:
        if self._closing.is_set():
            return
        try:
            self._deliver(event)
        except Exception:  # what the reader does with an event is its own matter; the next one must still come
            log.exception("an event was not taken", kind=event.kind)


def _frames(response: http.client.HTTPResponse) -> Iterator[StreamEvent]:
    """Server-sent events of a response, until it ends."""
    fields: dict[str, str] = {}
    while line := response.readline():
        text = line.decode().rstrip("\r\n")
        if text:
            name, _, value = text.partition(": ")
            fields[name] = value
        elif fields:
            yield _event(fields)
            fields = {}


def _event(fields: dict[str, str]) -> StreamEvent:
    content = parse_json(fields["data"])
    kind = fields["event"]
    if kind == "status":
        return StreamEvent(kind=kind, content={}, status=decode_status(content))
    return StreamEvent(kind=kind, content=content, number=int(fields["id"]) if "id" in fields else None)
