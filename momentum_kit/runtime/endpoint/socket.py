"""The sockets of control endpoint and page: a bound on connections, so that nobody's idle ones keep a kill out."""

import asyncio
import ssl
from collections.abc import Callable

CONNECTIONS = 64  # at once; the engine's other files need descriptors as well
HANDSHAKE_S = 5.0
TURNS = 3  # of the loop, in which what was just accepted comes, is dropped, and gives its socket back
TRUSTED = 32  # of them with the token, event streams included


class BoundedListener:
    """At most CONNECTIONS at once; where one is too many, the oldest that never showed the token gives way."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._closed = False
        self._open: dict[asyncio.BaseTransport, bool] = {}  # oldest first; True: it has shown the token
        self._below: dict[asyncio.BaseTransport, asyncio.BaseTransport] = {}  # of TLS: what carries it

    async def start(
        self,
        serve: Callable[[], asyncio.Protocol],
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen at an address, by TLS where a context is given; 0: at a port that the system chooses."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Accepted(serve, self, tls), address, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more; what is open stays so.

        What has just been accepted is let in first: asyncio leaves its socket open where the server has closed since.
        """
        if self._server:
            for each in self._server.sockets:
                asyncio.get_running_loop().remove_reader(each.fileno())
            for _ in range(TURNS):
                await asyncio.sleep(0)
            self._server.close()

    async def close(self) -> None:
        """Drop what is still open, such as a stranger in the middle of a handshake."""
        self._closed = True
        for _ in range(TURNS):
            for transport in list(self._open):
                self._drop(transport)
            await asyncio.sleep(0)

    def trust(self, transport: asyncio.BaseTransport | None) -> None:
        """This one has shown the token."""
        carrier = self._below.get(transport, transport) if transport else None
        if carrier in self._open:
            self._open[carrier] = True

    def secured(self, transport: asyncio.BaseTransport, carrier: asyncio.BaseTransport) -> None:
        """The handshake of this one is done."""
        self._below[transport] = carrier

    def opened(self, transport: asyncio.Transport) -> None:
        """Count it in."""
        self._open[transport] = False
        if self._closed:
            self._drop(transport)
        while len(self._open) > CONNECTIONS:
            strangers = (each for each, trusted in self._open.items() if not trusted)
            self._drop(next(strangers))
        friends = [each for each, trusted in self._open.items() if trusted]
        for surplus in friends[: max(0, len(friends) - TRUSTED)]:
            self._drop(surplus)

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Count it out."""
        self._open.pop(self._below.pop(transport, transport), None)

    def _drop(self, transport: asyncio.BaseTransport) -> None:
        del self._open[transport]
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Accepted(asyncio.Protocol):
    """A connection from its first moment: counted, and by TLS only then shaken hands with.

    One that never does is a stranger like another one, which gives way when there are too many.
    """

    def __init__(
        self, serve: Callable[[], asyncio.Protocol], listener: BoundedListener, tls: ssl.SSLContext | None
    ) -> None:
        self._serve = serve
        self._listener = listener
        self._tls = tls
        self._handshake: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counted in, at the cost of another one where there are too many."""
        assert isinstance(transport, asyncio.Transport)
        inner = _Counted(self._serve(), self._listener)
        self._listener.opened(transport)
        if self._tls is None:
            transport.set_protocol(inner)
            inner.connection_made(transport)
        else:
            transport.pause_reading()
            self._handshake = asyncio.create_task(self._secure(transport, inner, self._tls), name="handshake")

    async def _secure(self, transport: asyncio.Transport, inner: "_Counted", tls: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(transport, inner, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_S)
        except (OSError, TimeoutError):  # of ssl's as well: whoever it was speaks something else
            secured = None
        if secured is None:
            self._listener.closed(transport)
            transport.abort()
            return
        self._listener.secured(secured, transport)
        inner.connection_made(secured)

    def connection_lost(self, exc: Exception | None) -> None:
        """Before anything was served: the listener has dropped it, and counted it out."""


class _Counted(asyncio.Protocol):
    """A protocol that tells the listener when its connection closes, and is the other one otherwise."""

    def __init__(self, inner: asyncio.Protocol, listener: BoundedListener) -> None:
        self._inner = inner
        self._listener = listener
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Passed on."""
        self._transport = transport
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Passed on."""
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Passed on."""
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        """Passed on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Passed on."""
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Counted out."""
        if self._transport is not None:
            self._listener.closed(self._transport)
        self._inner.connection_lost(exc)
