"""A real kernel of this environment, and a client that sends what JupyterLab sends and keeps all that is said."""

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

PATIENCE_S = 25.0
Message = dict[str, Any]


class Wedged(AssertionError):
    """The kernel lives and says nothing of what was asked."""


@dataclass(frozen=True)
class Cell:
    """A cell that has ended. begun, ended: by the kernel's clock, UTC; error: the exception's name, empty if none."""

    begun: datetime
    ended: datetime
    printed: str
    error: str

    @property
    def span_s(self) -> float:
        """Seconds that it took."""
        return (self.ended - self.begun).total_seconds()


class LiveKernel:
    """Starts a kernel whose sockets lie in a folder. Used by one thread; messages are timed by the kernel itself."""

    def __init__(self, sockets: Path) -> None:
        self.heard: list[Message] = []
        self._replied: set[str] = set()
        self._subshell = ""
        self.manager = KernelManager(kernel_name="python3", transport="ipc", ip=str(sockets / "kernel"))
        self.manager.start_kernel()
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self._ready()

    def close(self) -> None:
        """End it."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def restart(self) -> None:
        """SIGKILL, and a fresh one in its place."""
        self.manager.restart_kernel(now=True)
        self._ready()

    @property
    def has_subshells(self) -> bool:
        """True where JupyterLab would send a click to a thread of its own."""
        return bool(self._subshell)

    def run(self, code: str, patience_s: float = PATIENCE_S) -> Cell:
        """Execute a cell to its end."""
        return self.end(self.send(code), patience_s)

    def send(self, code: str, ago_s: float = 0.0) -> str:
        """Send a cell, as if so long ago, without waiting for anything; its id."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False,
                   "stop_on_error": False}  # fmt: skip
        return self._send("execute_request", content, ago_s)

    def begin(self, code: str, ago_s: float = 0.0) -> str:
        """Send a cell and wait until the kernel has taken it; its id."""
        cell = self.send(code, ago_s)
        self._await(lambda message: _is(message, cell, "execute_input"), "the cell begins")
        return cell

    def end(self, cell: str, patience_s: float = PATIENCE_S) -> Cell:
        """Wait for a cell's end."""
        done = self._await(lambda message: _is(message, cell, "status", "idle"), "the cell ends", patience_s)
        began = self._await(lambda message: _is(message, cell, "execute_input"), "the cell has begun")
        self._await_reply(cell, patience_s)
        error = next((message["content"]["ename"] for message in self.heard if _is(message, cell, "error")), "")
        return Cell(began["header"]["date"], done["header"]["date"], self.printed(cell), error)

    def printed(self, cell: str) -> str:
        """What lies under a cell until now."""
        return "".join(message["content"]["text"] for message in self.heard if _is(message, cell, "stream"))

    def until_printed(self, cell: str, words: str) -> None:
        """Wait until a cell has said something."""
        self._await(lambda message: _is(message, cell, "stream") and words in self.printed(cell), f"it says {words!r}")

    def interrupt(self, cell: str, patience_s: float = PATIENCE_S) -> tuple[float, Cell]:
        """What the stop button does; seconds until the cell had ended, and the cell."""
        asked = datetime.now(UTC)
        self.manager.interrupt_kernel()
        ended = self.end(cell, patience_s)
        return (ended.ended - asked).total_seconds(), ended

    def listen(self, seconds: float) -> None:
        """Keep what is said meanwhile."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            self._hear(left_s)

    def click(self, comm: str, ago_s: float = 0.0) -> None:
        """A browser's click on a button, as if so long ago; by a subshell where the kernel has them, as JupyterLab."""
        content = {"comm_id": comm, "data": {"method": "custom", "content": {"event": "click"}}}
        self._send("comm_msg", content, ago_s, self._subshell)

    def _send(self, kind: str, content: Message, ago_s: float, subshell: str = "") -> str:
        message = self.client.session.msg(kind, content)
        message["header"]["date"] -= timedelta(seconds=ago_s)
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def _ready(self) -> None:
        self.client.wait_for_ready(timeout=PATIENCE_S)
        told = self.client.kernel_info(reply=True, timeout=PATIENCE_S)["content"]
        self._subshell = ""
        if "kernel subshells" in told.get("supported_features", []):
            self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
            self._subshell = str(self.client.get_control_msg(timeout=PATIENCE_S)["content"]["subshell_id"])

    def _await_reply(self, cell: str, patience_s: float) -> None:
        """As every front end does before it sends what comes next."""
        deadline = time.monotonic() + patience_s
        while cell not in self._replied:
            try:
                reply = self.client.get_shell_msg(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                raise Wedged(f"a reply: not within {patience_s:g} s") from None
            self._replied.add(reply["parent_header"].get("msg_id", ""))

    def _hear(self, patience_s: float) -> Message | None:
        try:
            message: Message = self.client.get_iopub_msg(timeout=max(patience_s, 0.001))
        except queue.Empty:
            return None
        self.heard.append(message)
        return message

    def _await(self, met: Callable[[Message], bool], what: str, patience_s: float = PATIENCE_S) -> Message:
        """The first message, heard or still to come, for which a condition holds."""
        for message in self.heard:
            if met(message):
                return message
        deadline = time.monotonic() + patience_s
        while (left_s := deadline - time.monotonic()) > 0:
            message_now = self._hear(left_s)
            if message_now and met(message_now):
                return message_now
        raise Wedged(f"{what}: not within {patience_s:g} s")


def _is(message: Message, cell: str, kind: str, state: str = "") -> bool:
    """True for a cell's message of a kind, and of a state."""
    return bool(
        message["msg_type"] == kind
        and message["parent_header"].get("msg_id") == cell
        and (not state or message["content"]["execution_state"] == state)
    )
