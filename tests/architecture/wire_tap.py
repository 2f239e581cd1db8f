"""A proxy between an engine and its gateway that knows frames, keeps what is sent, and can hold a step back."""

import socket
import threading
import time
from collections.abc import Callable

PLACE, CANCEL, STEP = 3, 4, 105  # placeOrder, cancelOrder, reqCurrentTimeInMillis: it moves a market in lock-step
CONNECTION = b"-- a connection"
PATIENCE_S = 120.0
REST_S = 0.5  # without a message either way nothing is under way any more


def message_id(frame: bytes) -> int:
    """Of a request: digits up to a zero, or four raw bytes, 200 more where protobuf follows; 0 for what is none."""
    if frame.startswith((b"v", CONNECTION)):
        return 0
    head = frame.partition(b"\0")[0]
    number = int(head) if head.isdigit() else int.from_bytes(frame[:4], "big")
    return number - 200 if number > 200 else number


class Tap:
    """A proxy on a port: keeps what goes to the gateway, and can hold a step back."""

    def __init__(self, target: int) -> None:
        self.frames: list[bytes] = []
        self.steps = self.orders = 0
        self._hold_at: Callable[[], bool] = lambda: False
        self._held = threading.Event()
        self._kept: Callable[[], None] = lambda: None
        self._moved_at = time.monotonic()
        self._target = target
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def hold_when(self, condition: Callable[[], bool]) -> None:
        """Hold the first step back at which this is true; returns once it is held and nothing is under way."""
        self._held.clear()
        self._hold_at = condition
        if not self._held.wait(PATIENCE_S):
            raise TimeoutError("no step to hold back")
        self.rest()

    def rest(self) -> None:
        """Return once nothing has passed for a while."""
        while time.monotonic() - self._moved_at < REST_S:
            time.sleep(0.05)

    def release(self) -> None:
        """Let the step through."""
        self._kept()

    def ended(self) -> None:
        """Return once every connection so far is closed on both sides."""
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return  # closed
            far = socket.create_connection(("127.0.0.1", self._target))
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.frames.append(CONNECTION)
            pair = [threading.Thread(target=way, args=(near, far), daemon=True) for way in (self._forth, self._back)]
            self._threads += pair
            for thread in pair:
                thread.start()

    def _back(self, near: socket.socket, far: socket.socket) -> None:
        while chunk := _received(far, 1 << 16):
            self._moved_at = time.monotonic()
            _send(near, chunk)
        near.close()

    def _forth(self, near: socket.socket, far: socket.socket) -> None:
        _send(far, _whole(near, 4))  # API and a zero, before the first length
        while len(head := _whole(near, 4)) == 4:
            frame = _whole(near, int.from_bytes(head, "big"))
            self._moved_at = time.monotonic()
            self.frames.append(frame)
            number = message_id(frame)
            self.orders += number == PLACE
            self.steps += number == STEP
            if number == STEP and self._hold_at():
                self._hold_at = lambda: False
                self._kept = lambda step=head + frame: _send(far, step)  # type: ignore[misc]
                self._held.set()  # what else is sent meanwhile goes through
            else:
                _send(far, head + frame)
        _shut(far)


def _received(end: socket.socket, size: int) -> bytes:
    try:
        return end.recv(size)
    except OSError:
        return b""  # reset: the engine was killed


def _send(end: socket.socket, content: bytes) -> None:
    try:
        end.sendall(content)
    except OSError:
        _shut(end)  # whoever it was for has gone


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_WR)
    except OSError:
        end.close()


def _whole(end: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (chunk := _received(end, size - len(found))):
        found += chunk
    return found
