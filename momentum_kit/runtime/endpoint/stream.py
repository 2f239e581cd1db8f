"""/events of the control endpoint: server-sent events for panels, each reader at its own speed."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiohttp import web

from momentum_kit.errors import GuardRefused, InputError
from momentum_kit.runtime.endpoint.hub import BUFFERED, EventHub, Portion
from momentum_kit.storage.journal import to_json

SNAPSHOT_S = 0.25  # wall seconds between two status snapshots
READERS = 16  # at once
BATCH = 100  # events that are encoded at once, so that a reader far behind never holds the loop
WRITE_TIMEOUT_S = 15.0  # after this a reader that takes nothing is let go; it comes back and is told what it lost

log = structlog.get_logger("control")


class EventStreams:
    """Every reader of the hub; snapshots are taken only while somebody reads."""

    def __init__(self, hub: EventHub, snapshot: Callable[[], str]) -> None:
        self._hub = hub
        self._snapshot = snapshot
        self._showing: asyncio.Task[None] | None = None
        self._lines = HubLines(hub)

    def start(self) -> None:
        """Begin to show snapshots and to tell log lines."""
        self._showing = asyncio.create_task(self._show(), name="snapshots")
        logging.getLogger().addHandler(self._lines)

    async def stop(self) -> None:
        """End every stream."""
        logging.getLogger().removeHandler(self._lines)
        self._hub.close()
        if self._showing:
            self._showing.cancel()
            await asyncio.gather(self._showing, return_exceptions=True)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One reader, until it goes or the engine ends; Last-Event-ID takes up where it was."""
        if len(self._hub.readers) >= READERS:
            raise GuardRefused(f"{READERS} readers listen already")
        since = _number(request.headers.get("Last-Event-ID"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        reader = self._hub.subscribe(since)
        try:
            await response.prepare(request)
            reader.show(self._snapshot())
            while not self._hub.closed:
                await reader.wake.wait()
                await self._write(response, _text(self._hub.take(reader, BATCH)))
            await self._write(response, _text(self._hub.take(reader, BUFFERED)) + frame("ended", {}))
        except (TimeoutError, ConnectionError):
            log.info("event stream dropped", waiting=len(reader.events))
        finally:
            self._hub.unsubscribe(reader)
        return response

    async def _write(self, response: web.StreamResponse, text: str) -> None:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await response.write(text.encode(errors="replace"))

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(SNAPSHOT_S)
            if readers := self._hub.readers:
                snapshot = self._snapshot()
                for reader in readers:
                    reader.show(snapshot)


class HubLines(logging.Handler):
    """Log lines on their way to the readers; from any thread."""

    def __init__(self, hub: EventHub) -> None:
        super().__init__(logging.INFO)
        self._hub = hub

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one line."""
        said: Any = record.msg  # structlog hands a dict over, everybody else a text
        if isinstance(said, Mapping):
            shown = {key: str(value) for key, value in said.items() if key not in {"level", "logger", "timestamp"}}
            event, at = shown.pop("event", ""), shown.pop("market_time", "")
            told = ", ".join(value if key == event else f"{key} {value}" for key, value in shown.items() if value)
            text = f"{event}: {told}" if told else event
        else:
            text, at = record.getMessage(), ""
        self._hub.publish("log", {"at": at, "level": record.levelname.lower(), "logger": record.name, "text": text})


def frame(kind: str, content: Any, number: int | None = None) -> str:
    """One server-sent event; JSON has no line breaks of its own."""
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {kind}\ndata: {to_json(content)}\n\n"


def _text(portion: Portion) -> str:
    text = frame("lost", portion.lost) if any(portion.lost.values()) else ""
    text += "".join(frame(kind, content, number) for number, kind, content in portion.events)
    return text + (f"event: status\ndata: {portion.snapshot}\n\n" if portion.snapshot else "")


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise InputError("Last-Event-ID is not a number of ours")
    return int(text)
