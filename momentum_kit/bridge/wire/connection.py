"""The socket under the official client: whole frames in, whole messages out, each failure with a name.

Replaces ibapi's Connection and EReader. Theirs lose what a recv of exactly 4096 bytes brought when nothing follows
within a second, re-slice the whole backlog for every frame, and send() where sendall() is needed.
"""

import contextlib
import queue
import socket
import time

from ibapi.connection import Connection
from ibapi.const import MAX_MSG_LEN

_CHUNK = 1 << 16  # bytes a recv
_LENGTH = 4  # bytes of the big-endian length before each frame


class IBConnection(Connection):  # type: ignore[misc]
    """One TCP connection; also the queue face (get, empty, qsize) that EClient.run() reads its messages from.

    send_timeout_s bounds a send into a full buffer: a gateway that has stopped reading is gone.
    """

    def __init__(self, host: str, port: int, *, send_timeout_s: float = 2.0) -> None:
        super().__init__(host, port)
        self.socket: socket.socket | None = None
        self.sent = 0  # messages wholly handed to the socket
        self.failure = ""  # why the connection ended
        self._send_timeout_s = send_timeout_s
        self._stopping = False
        self._buffer = bytearray()
        self._offset = 0

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
        """The next whole frame without its length; queue.Empty if none came for a while, or none will."""
        while True:
            if self._stopping:
                self._buffer.clear()
                self._offset = 0
            elif (frame := self._next_frame()) is not None:
                return frame
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
        return self._stopping or self._frame_size() is None

    def qsize(self) -> int:
        """Bytes waiting (EClient only logs it)."""
        return len(self._buffer) - self._offset

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
        chunk = open_socket.recv(_CHUNK)
        if not chunk:
            self.failure = self.failure or "the gateway closed the connection"
            self.disconnect()
            return
        if self._offset:  # only what is left of a split frame moves: the work is linear in the bytes
            del self._buffer[: self._offset]
            self._offset = 0
        self._buffer += chunk

    def _frame_size(self) -> int | None:
        start = self._offset + _LENGTH
        if len(self._buffer) < start:
            return None
        size = int.from_bytes(self._buffer[self._offset : start], "big")
        if size > MAX_MSG_LEN:
            self.failure = f"not an IB message: {size} bytes announced"
            self._stopping = True
            self.abort()
            return None
        return size if len(self._buffer) >= start + size else None

    def _next_frame(self) -> bytes | None:
        size = self._frame_size()
        if size is None:
            return None
        start = self._offset + _LENGTH
        self._offset = start + size
        return bytes(self._buffer[start : self._offset])
