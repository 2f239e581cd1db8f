"""The official EClient with a connect that ends, a decoder that survives, requests that raise, and its thread."""

import asyncio
import contextlib
import inspect
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from ibapi import comm
from ibapi.client import EClient
from ibapi.decoder import Decoder
from ibapi.errors import NOT_CONNECTED
from ibapi.order_cancel import OrderCancel
from ibapi.server_versions import MAX_CLIENT_VER, MIN_CLIENT_VER, MIN_SERVER_VER_PROTOBUF

from momentum_kit.bridge import events
from momentum_kit.bridge.wire.connection import IBConnection
from momentum_kit.bridge.wire.inbox import Inbox, Values
from momentum_kit.bridge.wire.ticks import PROTOBUF, TickDecoder
from momentum_kit.bridge.wire.wrapper import IBWrapper
from momentum_kit.errors import BrokerError, ConnectionFailed, NotConnected, RequestFailed, RequestTimeout

log = logging.getLogger(__name__)

_GRACE_S = 0.5  # for the gateway to close after our half-close; then the socket is cut

MIN_SERVER_VERSION = 163  # the first with sizes in shares and fractions of them
_CANCEL_TAKES_OBJECT = "orderCancel" in inspect.signature(EClient.cancelOrder).parameters  # since API 10.30


# Messages that count their rows: bars, scans, symbols, providers, bands, ticks of the past, sessions. A count that
# cannot be read is 0 for ibapi, and the answer would be empty.
_COUNTED = frozenset({17, 20, 79, 85, 93, 96, 97, 98, 106})


class _ReadOnce(tuple[Any, ...]):
    """The fields of a message, and how many of them nobody has read."""

    def __iter__(self) -> Iterator[Any]:
        self._reading = super().__iter__()
        return self._reading

    @property
    def left(self) -> int:
        """How many are left."""
        return sum(1 for _ in self._reading)


class SafeDecoder(Decoder):  # type: ignore[misc]
    """ibapi's decoder, for which one bad message costs that message and not the connection our stops hang on."""

    def interpret(self, fields: Any, msgId: int) -> None:  # noqa: N803
        """Decode a text message; what cannot be decoded becomes an Unreadable."""
        before = self.wrapper.inbox.said
        try:
            if msgId in _COUNTED:
                fields = _ReadOnce(fields)
            super().interpret(fields, msgId)
            if msgId in _COUNTED and (left := fields.left):
                self.wrapper.inbox.take_back(before)  # the answer may have been called complete
                raise ValueError(f"{left} fields more than its count of rows says")
        except Exception as error:  # noqa: BLE001  whatever it is, it would end run()
            cause = error.__context__ or error  # ibapi fails once more while it reports a BadMessage
            self._unreadable(msgId, repr(cause), f"{fields[:40]!r}", request_of(fields))
        else:
            self._check_row(msgId, before, fields[:40])

    def interpretWithSignature(self, fields: Any, handleInfo: Any) -> None:  # noqa: N802, N803
        """As ibapi's, but a wrong number of fields is an error and not a log line."""
        expected = handleInfo.wrapperParams
        if expected is not None and len(fields) != len(expected):
            raise ValueError(f"{len(fields)} fields, expected {len(expected)}")
        super().interpretWithSignature(fields, handleInfo)

    def processProtoBuf(self, protoBuf: bytes, msgId: int) -> None:  # noqa: N802, N803
        """Decode a protobuf message; what cannot be decoded becomes an Unreadable."""
        before = self.wrapper.inbox.said
        try:
            super().processProtoBuf(protoBuf, msgId)
        except Exception as error:  # noqa: BLE001  whatever it is, it would end run()
            self._unreadable(msgId, repr(error), f"{protoBuf[:200]!r}", request_of_protobuf(protoBuf))
        else:
            self._check_row(msgId, before, protoBuf[:200])

    def _unreadable(self, message_id: int, why: str, row: str, request: int | None) -> None:
        answer = events.ROWS.get(message_id, request)
        if answer == events.EXECUTIONS and request is not None:
            answer = request
        self.wrapper.inbox.unreadable(f"message {message_id}", why, row, answer)

    def _check_row(self, message_id: int, before: int, row: Any) -> None:
        # ibapi returns without a word where a protobuf row has no contract, order or execution
        if message_id in events.SPEAKING and self.wrapper.inbox.said == before:
            request = request_of_protobuf(row) if isinstance(row, bytes) else request_of(row)
            self._unreadable(message_id, "a part of it is missing", repr(row), request)


def official_decoder(server_version: int, now: Callable[[], datetime]) -> Callable[[bytes], list[Any]]:
    """What ibapi's decoder makes of one frame, in our values."""
    said = Values(now)
    decoder = SafeDecoder(IBWrapper(said), server_version)

    def decode(frame: bytes) -> list[Any]:
        if server_version < MIN_SERVER_VER_PROTOBUF:
            kind, _, body = frame.partition(b"\0")
            number = int(kind)
        else:
            number, body = int.from_bytes(frame[:4], "big"), frame[4:]
        if number > PROTOBUF:
            decoder.processProtoBuf(body, number - PROTOBUF)
        else:
            decoder.interpret(comm.read_fields(body), number)
        return said.taken()

    return decode


def request_of(fields: Any) -> int | None:
    """The request id in a text message, if it is one of ours: the first field, or the second after a version."""
    numbers = (int(field) for field in fields[:2] if field.isdigit())
    return next((number for number in numbers if number >= events.FIRST_REQUEST_ID), None)


def request_of_protobuf(body: bytes) -> int | None:
    """The request id in a protobuf message, if it is one of ours: a varint, and field 1 of whatever has one."""
    number = 0
    for place, byte in enumerate(body[1:6]) if body[:1] == b"\x08" else ():
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number if number >= events.FIRST_REQUEST_ID else None
    return None


class IBClient(EClient):  # type: ignore[misc]
    """One connection, used once: ibapi leaves the old session's messages behind when a client is used again."""

    def __init__(self, wrapper: IBWrapper, connect_timeout_s: float) -> None:
        super().__init__(wrapper)
        # at INFO ibapi formats every request and every answer; its errors reach us through the wrapper anyway
        logging.getLogger("ibapi").setLevel(logging.CRITICAL)
        self.connect_timeout_s = connect_timeout_s
        self.connection: IBConnection | None = None
        self._ticks: TickDecoder | None = None

    def connect(self, host: str, port: int, clientId: int) -> None:  # noqa: N803
        """Handshake and START_API; ConnectionFailed says in one line what is wrong."""
        deadline = time.monotonic() + self.connect_timeout_s
        self.host, self.port, self.clientId = host, port, clientId
        self.connection = self.conn = self.msg_queue = IBConnection(host, port, self.wrapper.inbox)
        try:
            self.connection.connect(self.connect_timeout_s)
            hello = comm.make_initial_msg(f"v{MIN_CLIENT_VER}..{MAX_CLIENT_VER}")
            self.connection.sendMsg(b"API\0" + hello)
            fields = comm.read_fields(self.connection.first_frame(deadline))
        except OSError as error:
            self.connection.disconnect()
            raise ConnectionFailed(_explain(error, host, port, self.connect_timeout_s, self.connection.sent)) from None
        self._agree(fields, f"{host}:{port}")
        self.startApi()

    def _agree(self, fields: tuple[bytes, ...], where: str) -> None:
        assert self.connection is not None
        if len(fields) != 2 or not fields[0].isdigit():
            self.connection.disconnect()
            raise ConnectionFailed(f"{where} is not an IB gateway: it answered {b' '.join(fields)[:60]!r}")
        version = int(fields[0])
        if version < MIN_SERVER_VERSION:
            self.connection.disconnect()
            raise ConnectionFailed(f"{where} is too old: server version {version}, needed {MIN_SERVER_VERSION}")
        self.serverVersion_, self.connTime = version, fields[1].decode(errors="replace")
        self.decoder = SafeDecoder(self.wrapper, version)
        self._ticks = TickDecoder(version, official_decoder(version, self.wrapper.inbox.now))
        self.connection.tick_heads = self._ticks.heads
        self.connection.text_ids = version < MIN_SERVER_VER_PROTOBUF
        self.setConnState(EClient.CONNECTED)

    def isConnected(self) -> bool:  # noqa: N802
        """True while the socket is open; without the log line that ibapi formats twice a message."""
        return bool(
            self.connState == EClient.CONNECTED and self.connection is not None and self.connection.socket is not None
        )

    def disconnect(self) -> None:
        """Close the socket, on the reading thread. The versions stay: a request may be on its way into them."""
        self.setConnState(EClient.DISCONNECTED)
        if self.connection is not None:
            self.connection.disconnect()

    def call(self, request: str, *args: Any) -> None:
        """Send one request by its ibapi name, on the loop's thread; raise what ibapi would only report to error().

        NotConnected, RequestFailed: nothing was sent. RequestTimeout: it may have been sent in part, outcome unknown.
        """
        connection = self.connection
        if connection is None or not self.isConnected():
            raise NotConnected(f"{request}: not connected to the gateway")
        before = connection.sent
        self.wrapper.refusals.clear()
        with contextlib.suppress(OSError):  # API 10.37 lets it through, later ones report it; connection.failure has it
            getattr(self, request)(*args)
        if connection.sent > before:
            return
        code, text = self.wrapper.refusals[-1] if self.wrapper.refusals else (NOT_CONNECTED.code(), "nothing was sent")
        if connection.failure:
            raise RequestTimeout(f"{request}: {connection.failure}; the outcome is unknown, reconcile")
        if code == NOT_CONNECTED.code():
            raise NotConnected(f"{request}: {text}")
        raise RequestFailed(code, text)

    def decode_ticks(self, frames: bytes) -> tuple[list[events.Update], list[Any]]:
        """The ticks of these frames, in order, and what was said of those that are none; on the loop's thread."""
        assert self._ticks is not None  # there are none before the handshake
        return self._ticks.decode(frames)

    def cancel(self, order_id: int) -> None:
        """Cancel an order, in this API version's form."""
        self.cancelOrder(order_id, OrderCancel() if _CANCEL_TAKES_OBJECT else "")

    def cancel_everything(self) -> None:
        """Cancel what IB takes for every order, in this API version's form."""
        self.reqGlobalCancel(*([OrderCancel()] if _CANCEL_TAKES_OBJECT else []))


class ClientThread:
    """A client, its wrapper, its inbox and its thread, for one connection. `ended` is set when nothing more comes."""

    def __init__(self, address: tuple[str, int, int], *, connect_timeout_s: float, inbox: Inbox) -> None:
        self.inbox = inbox
        self.wrapper = IBWrapper(inbox)
        self.client = IBClient(self.wrapper, connect_timeout_s)
        self.ended = asyncio.Event()
        self.stopping = False
        self._address = address
        self._loop = asyncio.get_running_loop()
        host, port, client_id = address
        self._thread = threading.Thread(target=self._run, name=f"ibapi-{host}:{port}-{client_id}", daemon=True)

    @property
    def heard(self) -> float:
        """time.monotonic at the arrival of the latest whole message."""
        connection = self.client.connection
        return connection.heard if connection is not None else time.monotonic()

    def start(self) -> None:
        """Start connecting, on the thread; the outcome comes through the inbox."""
        self._thread.start()

    async def stop(self) -> None:
        """End the connection and the thread, whatever they are doing; safe with a backlog, and twice."""
        self.stopping = True
        connection = self.client.connection
        if connection is not None:
            connection.stop()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE_S):  # wait_for loses a cancel before Python 3.12
                    await self.ended.wait()
            connection.abort()
        await self.ended.wait()
        self._thread.join()

    def _run(self) -> None:
        error: BrokerError = NotConnected("the connection ended")
        try:
            self.client.connect(*self._address)
            if not self.stopping:  # stop() may have come before there was a socket to end
                self.client.run()
            connection = self.client.connection
            error = NotConnected(connection.failure if connection and connection.failure else "the connection ended")
        except ConnectionFailed as failure:
            error = failure
        except Exception as failure:  # a thread that dies silently would leave every request waiting
            log.exception("the ibapi thread died")
            error = NotConnected(f"the reader thread died: {failure!r}")
        finally:
            self.client.disconnect()
            self.inbox.post(events.ConnectionEnded(error))
            self.inbox.commit(more=False)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.ended.set)


def _explain(error: OSError, host: str, port: int, timeout_s: float, hello_sent: int) -> str:
    where = f"{host}:{port}"
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {where}; start IB Gateway, TWS or momentum-kit sim there, or correct broker.port"
    if isinstance(error, socket.gaierror):
        return f"unknown host {host}"
    if isinstance(error, TimeoutError):
        state = "is silent: no handshake" if hello_sent else "cannot be reached: no connection"
        return f"{where} {state} within {timeout_s:g} s; is it an IB Gateway with its API enabled?"
    if hello_sent:
        return f"{where} ended the handshake ({error}); is this address among the gateway's trusted ones?"
    return f"cannot connect to {where}: {error.strerror or error}"
