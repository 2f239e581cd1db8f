"""The official client as a judge: every callback is recorded, in order, from its own thread."""

import asyncio
import contextlib
import inspect
import logging
import queue
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from ibapi.client import EClient
from ibapi.common import TickerId
from ibapi.contract import Contract
from ibapi.wrapper import EWrapper

logging.getLogger("ibapi").setLevel(logging.ERROR)  # its INFO logging formats every message
_INTERNAL = {"connectAck", "winError", "logAnswer"}
PATIENCE_S = 60.0  # for what comes at once, but on a busy machine


class Call(NamedTuple):
    """One callback: its name, and its arguments by IB's parameter names."""

    name: str
    args: SimpleNamespace


def _recording(name: str, method: Callable[..., None]) -> Callable[..., None]:
    parameters = list(inspect.signature(method).parameters)[1:]

    def callback(self: "RecordingClient", *values: Any) -> None:
        self.record(Call(name, SimpleNamespace(**dict(zip(parameters, values, strict=False)))))

    return callback


_CALLBACKS = {
    name: _recording(name, method)
    for name, method in inspect.getmembers(EWrapper, inspect.isfunction)
    if not name.startswith("_") and not name.endswith("ProtoBuf") and name not in _INTERNAL
}
Recorder = type("Recorder", (EWrapper,), _CALLBACKS)


class _KeptMessages(queue.Queue[bytes]):
    """The queue between the client's reader and its run(): keeps what passes, as text fields."""

    def __init__(self) -> None:
        super().__init__()
        self.passed: list[list[str]] = []

    def put(self, item: bytes, *args: Any) -> None:
        self.passed.append(item.decode(errors="replace").split("\0")[:-1])
        super().put(item, *args)


class RecordingClient(Recorder, EClient):
    """An EClient that keeps every callback in `calls` and every message in `frames`; requests are EClient's own.

    Use `await open(port, client_id)`, then requests, then `await wait_for(...)`, then `await close()`.
    """

    def __init__(self) -> None:
        EClient.__init__(self, wrapper=self)
        self.calls: list[Call] = []
        self.msg_queue = _KeptMessages()
        self.frames = self.msg_queue.passed
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._thread: threading.Thread | None = None

    def record(self, call: Call) -> None:
        """Keep one callback and wake whoever waits; runs on the client's thread."""
        self.calls.append(call)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._news.set)

    async def open(self, port: int, client_id: int = 1) -> None:
        """Connect and start the message loop; returns when nextValidId came or the gateway hung up."""
        await asyncio.to_thread(self.connect, "127.0.0.1", port, client_id)
        self._thread = threading.Thread(target=self.run, name=f"ibapi client {client_id}")
        self._thread.start()
        await self.wait_for(lambda: self.named("nextValidId") or self.named("connectionClosed"))

    async def close(self) -> None:
        """Hang up and wait for the client's threads; safe to repeat."""
        connection = self.conn
        if connection is not None and connection.socket is not None:
            with contextlib.suppress(OSError):  # the gateway was first
                connection.socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, PATIENCE_S)
            assert not self._thread.is_alive()

    def named(self, *names: str) -> list[SimpleNamespace]:
        """Arguments of all calls of these callbacks, oldest first."""
        return [call.args for call in list(self.calls) if call.name in names]

    def errors(self, request_id: TickerId) -> list[tuple[int, str]]:
        """Code and text of the errors of one request, oldest first."""
        return [(args.errorCode, args.errorString) for args in self.named("error") if args.reqId == request_id]

    async def wait_for(self, condition: Callable[[], Any], timeout: float = PATIENCE_S) -> Any:
        """Wait until `condition()` is true and return what it gave; checked after every callback."""
        async with asyncio.timeout(timeout):
            while not (result := condition()):
                self._news.clear()
                if not (result := condition()):
                    await self._news.wait()
                    continue
                break
        return result

    async def step(self) -> int:
        """Send reqCurrentTimeInMillis (a lock-step gateway moves on) and return the answer."""
        before = len(self.named("currentTimeInMillis"))
        self.reqCurrentTimeInMillis()
        await self.wait_for(lambda: len(self.named("currentTimeInMillis")) > before)
        return int(self.named("currentTimeInMillis")[-1].timeInMillis)


def stock(symbol: str = "AAPL", con_id: int = 265598, exchange: str = "SMART") -> Contract:
    """A US stock as clients write it."""
    contract = Contract()
    contract.conId, contract.symbol, contract.secType = con_id, symbol, "STK"
    contract.exchange, contract.currency = exchange, "USD"
    return contract


@pytest.fixture
def show_table() -> Callable[[str, Sequence[str], Sequence[Sequence[Any]]], None]:
    """Prints a table; to be seen with `pytest -s`, as `make compare` runs it."""

    def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        lines = [[str(cell) for cell in row] for row in (columns, *rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        print("", title, *body, sep="\n")  # noqa: T201

    return show


@pytest.fixture
def aapl() -> Contract:
    """AAPL, which every scenario lists."""
    return stock()


@pytest.fixture
async def connect_client() -> AsyncIterator[Callable[..., Awaitable[RecordingClient]]]:
    """Open official clients by port and client id; all are closed after the test."""
    clients: list[RecordingClient] = []

    async def connect(port: int, client_id: int = 1, options: str = "") -> RecordingClient:
        client = RecordingClient()
        if options:
            client.setConnectOptions(options)
        clients.append(client)
        await client.open(port, client_id)
        return client

    yield connect
    for client in clients:
        await client.close()
