"""One client's socket: carries bytes between its session and the client, well or, where a fault says so, badly."""

import asyncio
import logging
import socket
import struct
from typing import Protocol

from momentum_kit.simgateway.hub import Hub

log = logging.getLogger(__name__)
MAX_UNREAD_BYTES = 16_000_000  # a client that lets this much pile up is dropped
PIECE_S = 0.001  # between two pieces of a trickle
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing resets the connection


class Server(Protocol):
    """What a connection needs of the gateway around it."""

    hub: Hub
    connections: "set[Connection]"

    def catch_up(self) -> None:
        """Bring market time up to the wall clock."""
        ...

    def flush(self) -> None:
        """Write what every session has to say."""
        ...


class Connection(asyncio.Protocol):
    """One client's socket, and the faults of one (client.ports.ClientSocket); times in seconds of the loop's clock."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._silent = False
        self._unread_until_s = self._unwritten_until_s = self._trickling_until_s = 0.0
        self._piece = 1
        self._pieces = bytearray()
        self._paced: asyncio.TimerHandle | None = None
        self.session = server.hub.open_session()
        self.session.socket = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Requests, in any pieces."""
        if self._silent:
            return
        self._server.catch_up()
        self.session.receive(data)
        self._server.flush()
        self._go_on_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; its orders stay."""
        if exc is not None:
            log.info("client %s is gone: %s", self.session.client_id, exc)
        if self._paced:
            self._paced.cancel()
        self._server.connections.discard(self)
        self._server.hub.leave(self.session)
        self._transport = None

    @property
    def unwritten_bytes(self) -> int:
        """What waits for the client to read."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def flush(self) -> None:
        """Write what the session has to say; drop the client if it does not read."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._loop.time() < self._unwritten_until_s:
            return
        output = self.session.take_output()
        if self._silent:
            return
        if self._pieces or (output and self._loop.time() < self._trickling_until_s):
            self._pieces += output
            self._write_piece()
        elif output:
            transport.write(output)
        if self.unwritten_bytes > MAX_UNREAD_BYTES:
            log.warning(
                "client %s does not read: %s bytes wait, it is dropped", self.session.client_id, MAX_UNREAD_BYTES
            )
            transport.abort()
        elif self.session.closing and not self._pieces:
            transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()

    def drop(self, how: str) -> None:
        """End the connection: 'fin', 'reset', or 'silence' for a socket that is open and dead."""
        if how == "fin":
            self.session.close()
        elif how == "silence":
            self._silent = True  # the gateway has not noticed: the client id stays taken
        elif self._transport is not None:
            raw: socket.socket = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
            self._transport.abort()

    def stall(self, wall_s: float, *, reading_only: bool = False) -> None:
        """Do not read for a while, and unless reading_only do not write either."""
        until = self._loop.time() + wall_s
        self._unread_until_s = max(self._unread_until_s, until)
        if not reading_only:
            self._unwritten_until_s = max(self._unwritten_until_s, until)
        if self._transport is not None and self._transport.is_reading():
            self._transport.pause_reading()
        self._loop.call_later(wall_s, self._wake)

    def trickle(self, wall_s: float, size: int) -> None:
        """Write in pieces of `size` bytes for a while."""
        self._trickling_until_s, self._piece = self._loop.time() + wall_s, size

    def _wake(self) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._loop.time() >= self._unread_until_s and not transport.is_reading():
            transport.resume_reading()
        self.flush()

    def _write_piece(self) -> None:
        if self._transport is None or self._transport.is_closing() or not self._pieces:
            return
        size = self._piece if self._loop.time() < self._trickling_until_s else len(self._pieces)
        self._transport.write(bytes(self._pieces[:size]))
        del self._pieces[:size]
        if self._pieces:
            self._loop.call_later(PIECE_S, self._write_piece)
        else:
            self.flush()

    def _go_on_later(self) -> None:
        if self.session.behind and self._transport is not None:
            if self._paced:
                self._paced.cancel()
            self._paced = self._loop.call_later(self.session.wait_s(), self.data_received, b"")
