"""Streams that have a request of their own: real-time bars, single ticks, profit; asked for again after data loss."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from momentum_kit.bridge.streams.buffers import Feed
from momentum_kit.errors import BrokerError, NotConnected


@dataclass(slots=True, kw_only=True, eq=False)
class OwnStream:
    """One of them. request, args: as EClient has them, without the id; cancel: what ends it.

    turn: waits until IB's pacing lets it be asked for. complete: makes the reader's value of what arrives.
    of_market: lost with the market's data (1101), and asked for again.
    """

    what: str
    request: str
    args: tuple[Any, ...]
    cancel: str
    feed: Feed[Any]
    turn: Callable[[], Awaitable[None]] | None = None
    complete: Callable[[Any], Any] = lambda value: value
    of_market: bool = True
    req_id: int = 0
    asking: "asyncio.Task[None] | None" = None
    sent: bool = False


class OwnStreams:
    """By request id. send(request, *args) hands over; cancel(request, req_id) is sent quietly; next_id draws ids."""

    def __init__(
        self,
        *,
        send: Callable[..., "asyncio.Future[None]"],
        cancel: Callable[..., None],
        next_id: Callable[[], int],
    ) -> None:
        self._send = send
        self._cancel = cancel
        self._next_id = next_id
        self._streams: dict[int, OwnStream] = {}

    def open(self, stream: OwnStream) -> None:
        """Ask for it, as soon as pacing allows; a refusal reaches the stream's reader."""
        stream.req_id, stream.sent = self._next_id(), False
        self._streams[stream.req_id] = stream
        stream.asking = asyncio.get_running_loop().create_task(self._ask(stream))

    def put(self, req_id: int, value: Any) -> None:
        """A value for its reader; nobody's is dropped, because a cancel is on its way."""
        stream = self._streams.get(req_id)
        if stream is not None:
            stream.feed.put(stream.complete(value))

    def drop(self, feed: Feed[Any]) -> None:
        """The reader has gone."""
        for stream in [each for each in self._streams.values() if each.feed is feed]:
            self._end(stream)

    def has(self, req_id: int) -> bool:
        """True if a stream has this id."""
        return req_id in self._streams

    def what(self, req_id: int) -> str:
        """What it brings, for a person; '' if there is none."""
        return self._streams[req_id].what if req_id in self._streams else ""

    def fail(self, req_id: int, error: BrokerError, *, cancel: bool = False) -> None:
        """The broker refused it: its reader gets the error. cancel: it may be alive there, and is ended."""
        stream = self._streams.pop(req_id, None)
        if stream is not None:
            stream.feed.end(error)
            if cancel:
                self._cancel(stream.cancel, req_id)

    def ask_again(self, req_id: int) -> None:
        """The broker dropped one: cancel it and ask under a new id."""
        stream = self._streams.get(req_id)
        if stream is not None:
            self._end(stream)
            self.open(stream)

    def ask_again_all(self) -> None:
        """The broker lost all market data (1101)."""
        for stream in [each for each in self._streams.values() if each.of_market]:
            self.ask_again(stream.req_id)

    def end_all(self, error: BrokerError | None) -> None:
        """The connection is over."""
        for stream in self._streams.values():
            if stream.asking is not None:
                stream.asking.cancel()
            stream.feed.end(error)
        self._streams.clear()

    @property
    def feeds(self) -> list[Feed[Any]]:
        """Every reader."""
        return [stream.feed for stream in self._streams.values()]

    def _end(self, stream: OwnStream) -> None:
        del self._streams[stream.req_id]
        if stream.asking is not None:
            stream.asking.cancel()
        if stream.sent:
            self._cancel(stream.cancel, stream.req_id)

    async def _ask(self, stream: OwnStream) -> None:
        req_id = stream.req_id
        try:
            if stream.turn is not None:
                await stream.turn()
            stream.sent = True  # a cancel of what was not sent after all does no harm
            await self._send(stream.request, req_id, *stream.args)
        except BrokerError as error:
            with contextlib.suppress(NotConnected):
                self.fail(req_id, error)
