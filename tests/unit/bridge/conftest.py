"""A gateway that says what a test tells it to, on a real socket, and a bridge connected to it."""

import asyncio
import contextlib
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

import pytest

from momentum_kit.bridge import IBKRBridge

PATIENCE_S = 60.0  # for what comes at once, but on a busy machine


class ScriptedGateway:
    """Plays the handshake, keeps every request, and sends what it is given."""

    def __init__(self, version: int = 200) -> None:
        self.version = version
        self.requests: asyncio.Queue[list[str]] = asyncio.Queue()
        self.raw_requests: asyncio.Queue[bytes] = asyncio.Queue()
        self.hello = b""
        self.port = 0
        self.connections = 0
        self.greet: Callable[[], Awaitable[None]] = self.introduce
        self.reply: Callable[[], Awaitable[None]] = self.shake_hands
        self.closed = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "ScriptedGateway":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    def hang_up(self) -> None:
        """Close the connection from this side."""
        if self._writer is not None:
            self._writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self.connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            assert await reader.readexactly(4) == b"API\0"
            self.hello = await self._read(reader)
            await self.reply()
            start = await self._read(reader)
            assert start.startswith(b"71\0" if self.version <= 200 else (271).to_bytes(4, "big"))
            await self.greet()
            while True:
                request = await self._read(reader)
                self.raw_requests.put_nowait(request)
                self.requests.put_nowait(request.decode("latin-1").split("\0")[:-1])
        writer.close()
        self.closed.set()

    @staticmethod
    async def _read(reader: asyncio.StreamReader) -> bytes:
        (size,) = struct.unpack("!I", await reader.readexactly(4))
        return await reader.readexactly(size)

    @staticmethod
    def frame(fields: Iterable[object]) -> bytes:
        """One text message as the gateway frames it."""
        body = b"".join(str(field).encode() + b"\0" for field in fields)
        return struct.pack("!I", len(body)) + body

    def raw(self, content: bytes) -> None:
        """Send bytes as they are."""
        assert self._writer is not None
        self._writer.write(content)

    async def flush(self) -> None:
        """Wait until the other side takes what was sent."""
        assert self._writer is not None
        await self._writer.drain()

    def send(self, *fields: object) -> None:
        """Send one message."""
        self.raw(self.frame(fields))

    async def shake_hands(self) -> None:
        """The reply to the hello."""
        self.send(self.version, "20260405 23:49:26 Central European Standard Time")

    async def introduce(self) -> None:
        """What a gateway says after START_API."""
        self.send(15, 1, "DU9000001")
        self.send(9, 1, 1)
        self.send(4, -1, 2104, "Market data farm connection is OK:usfarm", "", 1775425766350)

    async def request(self) -> list[str]:
        """The next request of the client."""
        return await asyncio.wait_for(self.requests.get(), PATIENCE_S)

    def error(self, about: object, code: int, text: str) -> None:
        """An error message, in server version 200's layout."""
        self.send(4, about, code, text, "", 1775425766350)


@pytest.fixture
def our_threads() -> Iterator[Callable[[], list[str]]]:
    """Names of the ibapi threads that run and were not there before the test, of which none outlives it."""
    before = set(threading.enumerate())

    def running() -> list[str]:
        return [each.name for each in threading.enumerate() if each not in before and each.name.startswith("ibapi-")]

    yield running
    assert running() == []


@pytest.fixture
async def gateway() -> AsyncIterator[ScriptedGateway]:
    """A listening scripted gateway."""
    async with ScriptedGateway() as gateway:
        yield gateway


@pytest.fixture
async def incidents() -> list[tuple[str, str]]:
    """What the bridge reported to a person."""
    return []


@pytest.fixture
async def bridge(gateway: ScriptedGateway, incidents: list[tuple[str, str]]) -> AsyncIterator[IBKRBridge]:
    """A bridge connected to the scripted gateway."""
    bridge = IBKRBridge(
        port=gateway.port,
        connect_timeout_s=PATIENCE_S,
        request_timeout_s=PATIENCE_S,
        on_incident=lambda kind, text: incidents.append((kind, text)),
    )
    async with bridge:
        yield bridge
