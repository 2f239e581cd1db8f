"""The sockets of control endpoint and page: a bound on connections, so that nobody's idle ones keep a kill out."""

import asyncio
import ssl
from collections.abc import Callable

CONNECTIONS = 64  # at once; the engine's other files need descriptors as well
TRUSTED = 32  # of them with the token, event streams included


class BoundedListener:
    """At most CONNECTIONS at once; where one is too many, the oldest that never showed the token gives way."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.BaseTransport, bool] = {}  # oldest first; True: it has shown the token

    async def start(
        self,
        serve: Callable[[], asyncio.Protocol],
        address: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen at an address, by TLS where a context is given; 0: at a port that the system chooses."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Counted(serve(), self), address, port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Listen no more; what is open stays so."""
        if self._server:
            self._server.close()

    def trust(self, transport: asyncio.BaseTransport | None) -> None:
        """This one has shown the token."""
        if transport in self._open:
            self._open[transport] = True

    def opened(self, transport: asyncio.Transport) -> None:
        """Count it in."""
        self._open[transport] = False
        while len(self._open) > CONNECTIONS:
            strangers = (each for each, trusted in self._open.items() if not trusted)
            self._drop(next(strangers))
        friends = [each for each, trusted in self._open.items() if trusted]
        for surplus in friends[: max(0, len(friends) - TRUSTED)]:
            self._drop(surplus)

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """Count it out."""
        self._open.pop(transport, None)

    def _drop(self, transport: asyncio.BaseTransport) -> None:
        del self._open[transport]
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Counted(asyncio.Protocol):
    """A protocol that tells the listener when its connection opens and closes, and is the other one otherwise."""

    def __init__(self, inner: asyncio.Protocol, listener: BoundedListener) -> None:
        self._inner = inner
        self._listener = listener
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counted in, at the cost of another one where there are too many."""
        self._transport = transport
        self._inner.connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            self._listener.opened(transport)

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
