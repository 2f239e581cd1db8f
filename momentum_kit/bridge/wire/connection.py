"""The socket under the official client: whole frames in, whole messages out, each failure with a name.

Replaces ibapi's Connection and EReader. Theirs lose what a recv of exactly 4096 bytes brought when nothing follows
within a second, re-slice the whole backlog for every frame, and send() where sendall() is needed.

EClient.run() asks for one frame after the other. It gets all but the ticks: those go to the inbox as they are, many at
a time, and are decoded by wire/ticks.py where they are needed. So what stands behind them is soon reached.
"""

import contextlib
import queue
import selectors
import socket
import time
from struct import Struct
from typing import Protocol

from ibapi.connection import Connection
from ibapi.const import MAX_MSG_LEN

_CHUNK = 1 << 18  # bytes a recv
_MUCH = 1 << 16  # bytes of one recv that announce more
_BATCH = 1 << 20  # bytes that are received before the frames in them are looked at
PIECE = 1 << 15  # bytes of ticks that are handed over at once, about a thousand
_length = Struct("!I").unpack_from  # before each frame


class Sink(Protocol):
    """Where the ticks go, and who is told of batches."""

    def arrived(self) -> None:
        """A batch of frames is here."""
        ...

    def ticks(self, frames: bytes) -> None:
        """Ticks as they came, each behind its length, between the frames that were handed out before and after."""
        ...

    def unreadable(self, what: str, why: str, row: str) -> None:
        """A frame that EClient.run() would end at."""
        ...

    def commit(self, *, more: bool) -> None:
        """Every frame that is here has been handed out, and handled; more: others can be received at once."""
        ...

    @property
    def abandoned(self) -> bool:
        """Nobody will ever take what is handed out."""
        ...


class IBConnection(Connection):  # type: ignore[misc]
    """One TCP connection; also the queue face (get, empty, qsize) that EClient.run() reads its messages from.

    send_timeout_s bounds a send into a full buffer: a gateway that has stopped reading is gone. tick_heads: how the
    frames begin that go to the sink. text_ids: messages begin with their id as text, else with any four bytes.
    """

    def __init__(self, host: str, port: int, sink: Sink, *, send_timeout_s: float = 2.0) -> None:
        super().__init__(host, port)
        self.socket: socket.socket | None = None
        self.sent = 0  # messages wholly handed to the socket
        self.failure = ""  # why the connection ended
        self._send_timeout_s = send_timeout_s
        self.tick_heads: tuple[bytes, ...] = ()
        self.text_ids = False
        self._sink = sink
        self._stopping = False
        self._data = b""
        self._offset = 0
        self._received = 0  # bytes of the latest batch
        self._arrived = self.heard = time.monotonic()  # of that batch, and of the latest whole frame

    def connect(self, timeout_s: float = 10.0) -> None:
        """Open the socket; OSError if nobody listens."""
        self.socket = socket.create_connection((self.host, self.port), timeout_s)
        # a bracket is three small messages: Nagle would hold the second back for the acknowledgement of the first
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self.socket.settimeout(self._send_timeout_s)

    def sendMsg(self, msg: bytes) -> int:  # noqa: N802
        """Send all of it; OSError ends the connection, because half a message may have gone out."""
        with self.lock:
            if self.socket is None:
                raise OSError("not connected")
            try:
                self.socket.sendall(msg)
            except OSError as error:
                self.failure = f"a send failed: {error}"
                self.abort()
                raise
            self.sent += 1
        return len(msg)

    def first_frame(self, deadline: float) -> bytes:
        """The next frame before `deadline` (time.monotonic), however it was split; TimeoutError, OSError."""
        while (frame := self._next_frame()) is None:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            if self.socket is None:
                raise OSError(self.failure or "connection closed")
            self.socket.settimeout(left_s)
            self._receive(self.socket)
        if self.socket is not None:
            self.socket.settimeout(self._send_timeout_s)
        return frame

    def get(self, block: bool = True, timeout: float | None = None) -> bytes:  # noqa: ARG002  queue.Queue's signature
        """The next whole frame that is no tick, without its length; queue.Empty if none came for a while, or will."""
        while True:
            if self._stopping:
                self._data, self._offset = b"", 0
            elif (frame := self._next_frame()) is not None:
                if not self.text_ids or _says_what_it_is(frame):
                    return frame
                self._sink.unreadable("frame", "it has no message id", repr(frame[:200]))
                continue
            # on a large batch another one may follow, and it is looked through before the ticks of this one are applied
            self._sink.commit(more=self._received >= _MUCH and self.socket is not None and _readable(self.socket))
            if self._sink.abandoned:
                self.disconnect()
            if self.socket is None:
                raise queue.Empty
            try:
                self._receive(self.socket)
            except TimeoutError:
                raise queue.Empty from None
            except OSError as error:
                self.failure = self.failure or f"the connection broke: {error}"
                self.disconnect()

    def empty(self) -> bool:
        """True if no whole frame is waiting."""
        data, start = self._data, self._offset + 4
        return self._stopping or len(data) < start or len(data) < start + _length(data, self._offset)[0]

    def qsize(self) -> int:
        """Bytes waiting (EClient only logs it)."""
        return len(self._data) - self._offset

    def stop(self) -> None:
        """From any thread: half-close, so that everything sent still arrives, and drop what comes from now on."""
        self._stopping = True
        self._shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """From any thread: end the connection now; wakes a reader that is waiting."""
        self._shutdown(socket.SHUT_RDWR)

    def disconnect(self) -> None:
        """Close the socket; on the reading thread only."""
        with self.lock:
            if self.socket is not None:
                self.socket.close()
                self.socket = None

    def _shutdown(self, how: int) -> None:
        open_socket = self.socket
        if open_socket is not None:
            with contextlib.suppress(OSError):  # already closed by the other side
                open_socket.shutdown(how)

    def _receive(self, open_socket: socket.socket) -> None:
        pieces = [self._data[self._offset :]]
        count = size = len(chunk := open_socket.recv(_CHUNK))
        pieces.append(chunk)
        while count >= _MUCH and size < _BATCH and _readable(open_socket):
            try:
                count = len(chunk := open_socket.recv(_CHUNK))
            except OSError:  # the next recv says so again, once what came before has been handed out
                break
            pieces.append(chunk)
            size += count
        self._data, self._offset, self._received = b"".join(pieces), 0, size
        if size:
            self._arrived = time.monotonic()
            self._sink.arrived()
        else:
            self.failure = self.failure or "the gateway closed the connection"
            self.disconnect()

    def _next_frame(self) -> bytes | None:
        data, size, heads, frame = self._data, len(self._data), self.tick_heads, None
        first = end = self._offset
        while (start := end + 4) <= size and (after := start + _length(data, end)[0]) <= size:
            if not data.startswith(heads, start, after):
                frame, self._offset = data[start:after], after
                break
            end = after
            if end - first >= PIECE:
                self._sink.ticks(data[first:end])
                first = end
        if end > first:
            self._sink.ticks(data[first:end])
        if frame is not None or end > first:
            self.heard = self._arrived
        if frame is None:
            self._offset = end
            if start <= size:
                self._check(after - start)
        return frame

    def _check(self, size: int) -> None:
        if size > MAX_MSG_LEN:
            self.failure = f"not an IB message: {size} bytes announced"
            self._stopping = True
            self.abort()


def _readable(open_socket: socket.socket) -> bool:
    """There is more to receive, or an end to be noticed, right now."""
    with selectors.DefaultSelector() as selector:
        selector.register(open_socket, selectors.EVENT_READ)
        return bool(selector.select(0))


def _says_what_it_is(frame: bytes) -> bool:
    kind, end, _ = frame.partition(b"\0")
    try:
        return int(kind) >= 0 and bool(end)
    except ValueError:
        return False
