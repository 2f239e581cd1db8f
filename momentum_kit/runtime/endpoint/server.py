"""The control endpoint's server: local HTTP with a bearer token, the only way into a running engine."""

import asyncio
import hmac
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from momentum_kit.errors import EngineError, GuardRefused, InputError, MomentumKitError
from momentum_kit.json_text import parse_json
from momentum_kit.models import Bar, EngineStatus
from momentum_kit.runtime.control import (
    ANSWERS,
    PROOF_PATH,
    PROOF_QUESTION,
    REDUCING,
    ThresholdState,
    encode_bars,
    encode_status,
    prove,
)
from momentum_kit.runtime.endpoint.hub import EventHub
from momentum_kit.runtime.endpoint.metrics import Metrics
from momentum_kit.runtime.endpoint.socket import BoundedListener
from momentum_kit.runtime.endpoint.stream import EventStreams

BODY_BOUND = 64 * 1024  # bytes
SYMBOL_BOUND = 40  # characters
BODY_TIMEOUT_S = 5.0
HEADER_TIMEOUT_S = 5.0  # for the whole header of a request, and between two requests of one connection
LINGER_S = 1.0  # what a refused body's sender is listened to
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger("control")


class ControlledEngine(Protocol):
    """What the endpoint needs of an engine: its snapshot, its numbers, and where commands go."""

    hub: EventHub
    metrics: Metrics
    tuning: ThresholdState

    def status(self) -> EngineStatus:
        """One frozen snapshot."""

    def asked(self) -> None:
        """A client, whatever it wants, is there."""

    def start(self, until: datetime | None = None) -> None:
        """Begin to trade, until then at the latest."""

    async def command(self, name: str, source: str, symbol: str = "") -> str:
        """Obey one of COMMANDS, or one of a symbol; the outcome in words."""

    def tune(self, values: Mapping[str, Any] | None, source: str) -> str:
        """Other thresholds, or with None the tuned file's; the outcome in words."""

    async def history(self, symbol: str, duration: str, bar_size: str) -> tuple[Bar, ...]:
        """TRADES bars of a symbol up to now."""

    async def inquire(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The broker's answer to an inquiry of a notebook, as JSON."""


class ControlServer:
    """Serves one engine on 127.0.0.1, random port."""

    def __init__(self, engine: ControlledEngine) -> None:
        self._engine = engine
        self.token = secrets.token_urlsafe(32)
        self._streams = EventStreams(engine.hub, lambda: encode_status(engine.status()))
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_BOUND)
        application.add_routes(
            [
                web.get("/alive", self._alive),
                web.get(PROOF_PATH, self._alive),
                web.get("/status", self._status),
                web.post("/command", self._command),
                web.post("/start", self._start),
                web.get("/history", self._history),
                web.post("/inquiry", self._inquiry),
                web.get("/thresholds", self._thresholds),
                web.post("/thresholds", self._tune),
                web.post("/thresholds/revert", self._revert),
                web.get("/metrics", self._metrics),
                web.get("/events", self._streams.serve),
            ]
        )
        self._runner = web.AppRunner(
            application,
            access_log=None,
            auto_decompress=False,  # a stranger's would be unpacked on the loop that trades, before the token is asked
            keepalive_timeout=HEADER_TIMEOUT_S,
            lingering_time=LINGER_S,
            shutdown_timeout=LINGER_S,
        )
        self._listener = BoundedListener()

    @property
    def port(self) -> int:
        """Where it listens; 0 before `start`."""
        return self._listener.port

    async def start(self) -> None:
        """Listen; `port` and `token` tell how to get in."""
        await self._runner.setup()
        if self._runner.server is None:
            raise EngineError("the control endpoint has no server")
        await self._listener.start(self._runner.server)
        self._streams.start()

    async def stop(self) -> None:
        """Stop listening; answers under way are finished, streams end with a word."""
        await self._listener.stop()
        await self._streams.stop()
        await self._runner.cleanup()
        await self._listener.close()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return web.json_response({"error": "wrong Host header"}, status=403)
        if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:  # a browser; none of ours asks from one
            return web.json_response({"error": "no web page may ask"}, status=403)
        if request.path == PROOF_PATH:  # before the token: whoever has it wants to know first whom to give it
            question = request.query.get("question", "")[:PROOF_QUESTION]
            return web.json_response({"proof": prove(self.token, os.getpid(), question)})
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), f"Bearer {self.token}".encode()):
            return web.json_response({"error": "missing or wrong token"}, status=401)
        self._listener.trust(request.transport)
        if request.path != "/metrics":  # a collector takes its numbers for ever, and wants nothing
            self._engine.asked()
        try:
            return await handler(request)
        except MomentumKitError as error:
            kind, status = next(answer for known, answer in ANSWERS.items() if isinstance(error, known))
            return web.json_response({"error": str(error), "kind": kind}, status=status)

    async def _alive(self, _request: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _status(self, _request: web.Request) -> web.Response:
        return web.Response(text=encode_status(self._engine.status()), content_type="application/json")

    async def _start(self, request: web.Request) -> web.Response:
        content = await _object(request)
        _refuse_late(content)
        self._engine.start(_until(content.get("until")))
        return web.json_response({"outcome": "started"})

    async def _command(self, request: web.Request) -> web.Response:
        content = await _object(request)
        name = str(content.get("command", ""))
        if name not in REDUCING:
            _refuse_late(content)
        symbol = str(content.get("symbol", ""))[:SYMBOL_BOUND]
        outcome = await self._engine.command(name, _source(content), symbol)
        return web.json_response({"outcome": outcome, "account": self._engine.status().account})

    async def _history(self, request: web.Request) -> web.Response:
        asked = request.query
        try:
            symbol, duration, bar_size = asked["symbol"], asked["duration"], asked["bar_size"]
        except KeyError as missing:
            raise InputError(f"history needs {missing.args[0]}") from None
        bars = await self._engine.history(symbol, duration, bar_size)
        return web.Response(text=encode_bars(bars), content_type="application/json")

    async def _inquiry(self, request: web.Request) -> web.Response:
        content = await _object(request)
        arguments = content.get("arguments", {})
        if not isinstance(arguments, dict):
            raise InputError("an inquiry needs arguments: an object of names and values")
        answer = await self._engine.inquire(str(content.get("name", "")), arguments)
        return web.Response(text=answer, content_type="application/json")

    async def _thresholds(self, _request: web.Request) -> web.Response:
        tuning = self._engine.tuning
        sets = {"current": tuning.current, "file": tuning.file}
        content = {name: each.model_dump(mode="json", exclude_unset=True) for name, each in sets.items()}
        return web.json_response({**content, "hash": tuning.hash, "changes": tuning.changes})

    async def _tune(self, request: web.Request) -> web.Response:
        content = await _object(request)
        values = content.get("values")
        if not isinstance(values, dict) or not values:
            raise InputError("thresholds need values: an object of names and limits")
        return self._tuned(content, values)

    async def _revert(self, request: web.Request) -> web.Response:
        return self._tuned(await _object(request), None)

    def _tuned(self, content: Mapping[str, Any], values: Mapping[str, Any] | None) -> web.Response:
        _refuse_late(content)
        return web.json_response({"outcome": self._engine.tune(values, _source(content))})

    async def _metrics(self, _request: web.Request) -> web.Response:
        text = self._engine.metrics.text(self._engine.status())
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            content = parse_json(await request.text())
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (ValueError, LookupError):  # not JSON, not the charset it says, a charset nobody knows
        raise InputError("the body is not JSON") from None
    if not isinstance(content, dict):
        raise InputError("the body is not a JSON object")
    return content


def _source(content: Mapping[str, Any]) -> str:
    return str(content.get("source", "unknown"))[:100]


def _refuse_late(content: Mapping[str, Any]) -> None:
    """What adds risk is obeyed only while whoever asked still waits for the answer: not by an engine that hung."""
    valid_until = content.get("valid_until")
    if isinstance(valid_until, int | float) and time.time() > valid_until:
        raise GuardRefused("this came too late: whoever asked has given up; ask again")


def _until(text: object) -> datetime | None:
    if not text:
        return None
    try:
        until = datetime.fromisoformat(str(text))
    except ValueError:
        raise InputError(f"until {text!r} is not an ISO time") from None
    if until.tzinfo is None:
        raise InputError(f"until {text!r} has no time zone")
    return until
