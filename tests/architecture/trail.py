"""What trips.py measures with: which functions are called, and a socket whose messages can be held back."""

import inspect
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import momentum_kit

PACKAGE = Path(momentum_kit.__file__).resolve().parent
ASIDE = ("models", "errors", "simgateway")
REST_S, REST_LONG_S, PATIENCE_S = 0.5, 3.0, 60.0
Files = dict[str, str]  # file -> the function of it that was first, in the order of first execution


class Trail:
    """Takes down which functions of the package are called while it is on: a profile function for threads."""

    def __init__(self) -> None:
        self.on = self.awaits_write = False
        self._codes: dict[CodeType, str] = {}
        self._never: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """As sys.setprofile wants it."""
        if event == "call" and self.on and frame.f_code not in self._codes and frame.f_code not in self._never:
            self._take(frame)
        elif event == "c_call" and self.awaits_write and argument.__name__ == "executemany":
            self.awaits_write = False
            callers: list[FrameType] = []
            while frame.f_back and Path(frame.f_code.co_filename).is_relative_to(PACKAGE):
                callers.append(frame)
                frame = frame.f_back
            for each in reversed(callers):
                self._take(each)

    def _take(self, frame: FrameType) -> None:
        code = frame.f_code
        file = Path(code.co_filename)
        ours = file.is_relative_to(PACKAGE) and file.relative_to(PACKAGE).parts[0].removesuffix(".py") not in ASIDE
        lazy = file.name == "__init__.py" and code.co_name == "__getattr__"  # an import, when it is first needed
        if not ours or lazy or not code.co_flags & inspect.CO_OPTIMIZED:  # without: the body of a module or class
            self._never.add(code)
            return
        caller = frame.f_back
        while caller is not None and "importlib" not in caller.f_code.co_filename:
            caller = caller.f_back
        if caller is None and code not in self._never:
            self._codes[code] = str(file.relative_to(PACKAGE))

    def take_compiled(self, loop: Any) -> None:
        """A loop of numba's, and those that it calls: no profile function sees them."""
        code, known = loop.py_func.__code__, loop.py_func.__globals__
        if code in self._codes or not Path(code.co_filename).is_relative_to(PACKAGE):
            return
        self._codes[code] = str(Path(code.co_filename).relative_to(PACKAGE))
        for name in code.co_names:
            if hasattr(inner := known.get(name), "py_func"):
                self.take_compiled(inner)

    def begin(self) -> None:
        """A new trip."""
        self._codes = {}
        self.on = True

    def end(self) -> Files:
        """What was executed on it."""
        self.on = False
        found: Files = {}
        for code, file in self._codes.items():
            found.setdefault(file, code.co_qualname)
        return found

    def rest(self) -> None:
        """While the market stands still: what is called now is called by the wall clock, and counts on no trip."""
        on_the_way, self._codes = self._codes, {}
        self.on = True
        time.sleep(REST_LONG_S)
        self.on = False
        self._never |= set(self._codes)
        self._codes = {code: file for code, file in on_the_way.items() if code not in self._never}


class Line:
    """The socket to the gateway, overheard in this process; frames reach the engine one by one and can be held back."""

    def __init__(self, port: int) -> None:
        self.sent: Callable[[bytes], None] = lambda _kind: None  # called when the last byte is with the socket
        self._port = port
        self._buffer = b""
        self._kind, self._count = b"never", 1
        self._held, self._go = threading.Event(), threading.Event()
        self._recv, self._sendall = socket.socket.recv, socket.socket.sendall
        socket.socket.recv = lambda *given: self._receive(*given)  # type: ignore[method-assign]
        socket.socket.sendall = lambda *given: self._send(*given)  # type: ignore[method-assign]

    def hold(self, kind: bytes, count: int = 1) -> None:
        """Let go what is held, and hold the count-th frame of a kind from there on; b"" is any. Returns at rest."""
        self._kind, self._count = kind, count
        self._held.clear()
        self._go.set()
        if not self._held.wait(PATIENCE_S):
            raise TimeoutError(f"no message {kind!r} came")
        time.sleep(REST_S)

    def free(self) -> None:
        """Hold nothing any more."""
        self._kind = b"never"
        self._go.set()

    def _is_it(self, end: socket.socket) -> bool:
        try:
            return end.family == socket.AF_INET and end.getpeername()[1] == self._port
        except OSError:
            return False  # not connected

    def _receive(self, end: socket.socket, size: int, *flags: int) -> bytes:
        if not self._is_it(end):
            return self._recv(end, size, *flags)
        while len(self._buffer) < (length := 4 + int.from_bytes(self._buffer[:4].ljust(4), "big")):
            if not (chunk := self._recv(end, size, *flags)):
                return b""
            self._buffer += chunk
        frame, self._buffer = self._buffer[:length], self._buffer[length:]
        if self._kind in (b"", frame[4:].partition(b"\0")[0]):
            self._count -= 1
            if not self._count:
                self._go.clear()
                self._held.set()
                self._go.wait(PATIENCE_S)
        return frame

    def _send(self, end: socket.socket, content: bytes, *flags: int) -> None:
        self._sendall(end, content, *flags)
        if self._is_it(end):
            self.sent(content[4:].partition(b"\0")[0])
