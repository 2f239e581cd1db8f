"""The control endpoint: local HTTP with a bearer token, the only way into a running engine; server and client."""

import asyncio
import hmac
import http.client
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from momentum_kit.errors import BrokerError, EngineError, GuardRefused, InputError, MomentumKitError
from momentum_kit.models import Bar, EngineStatus
from momentum_kit.runtime.engine import Engine
from momentum_kit.runtime.messages import decode_bars, decode_status, encode_bars, encode_status
from momentum_kit.runtime.state_folder import ControlAddress

BODY_BOUND = 64 * 1024  # bytes
BODY_TIMEOUT_S = 5.0
ANSWERS = {  # what a failure is called on the wire, and its HTTP status; the first that fits
    GuardRefused: ("guard", 409),
    InputError: ("input", 400),
    BrokerError: ("broker", 502),
    MomentumKitError: ("engine", 500),
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ControlServer:
    """Serves one engine on 127.0.0.1, random port."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.token = secrets.token_urlsafe(32)
        self.port = 0
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_BOUND)
        application.add_routes(
            [
                web.get("/status", self._status),
                web.post("/command", self._command),
                web.post("/start", self._start),
                web.get("/history", self._history),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def start(self) -> None:
        """Listen; `port` and `token` tell how to get in."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening; answers under way are finished."""
        await self._runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host not in (f"127.0.0.1:{self.port}", f"localhost:{self.port}"):
            return web.json_response({"error": "wrong Host header"}, status=403)
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(errors="surrogateescape"), f"Bearer {self.token}".encode()):
            return web.json_response({"error": "missing or wrong token"}, status=401)
        try:
            return await handler(request)
        except MomentumKitError as error:
            kind, status = next(answer for known, answer in ANSWERS.items() if isinstance(error, known))
            return web.json_response({"error": str(error), "kind": kind}, status=status)

    async def _status(self, _request: web.Request) -> web.Response:
        return web.Response(text=encode_status(self._engine.status()), content_type="application/json")

    async def _start(self, request: web.Request) -> web.Response:
        content = await _object(request)
        self._engine.start(_until(content.get("until")))
        return web.json_response({"outcome": "started"})

    async def _command(self, request: web.Request) -> web.Response:
        content = await _object(request)
        outcome = await self._engine.command(str(content.get("command", "")), str(content.get("source", "unknown")))
        return web.json_response({"outcome": outcome})

    async def _history(self, request: web.Request) -> web.Response:
        asked = request.query
        try:
            symbol, duration, bar_size = asked["symbol"], asked["duration"], asked["bar_size"]
        except KeyError as missing:
            raise InputError(f"history needs {missing.args[0]}") from None
        bars = await self._engine.history(symbol, duration, bar_size)
        return web.Response(text=encode_bars(bars), content_type="application/json")


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            content = await request.json()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (ValueError, RecursionError):
        raise InputError("the body is not JSON") from None
    if not isinstance(content, dict):
        raise InputError("the body is not a JSON object")
    return content


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


class ControlClient:
    """Talks to a running engine, blocking for milliseconds; callers on a loop use it through a thread."""

    def __init__(self, address: ControlAddress) -> None:
        self.address = address

    def status(self, timeout_s: float = 10.0) -> EngineStatus:
        """The session's snapshot; EngineError if nobody answers."""
        return decode_status(self._call("GET", "/status", timeout_s))

    def start(self, until: datetime | None = None, timeout_s: float = 120.0) -> None:
        """Reconcile and trade until `until`, market time."""
        self._call("POST", "/start", timeout_s, {"until": until.isoformat() if until else None})

    def command(self, name: str, source: str, timeout_s: float = 30.0) -> str:
        """One command; GuardRefused if the session refuses it. Returns the session's own line."""
        return str(self._call("POST", "/command", timeout_s, {"command": name, "source": source})["outcome"])

    def history(self, symbol: str, duration: str, bar_size: str, timeout_s: float = 90.0) -> tuple[Bar, ...]:
        """Bars up to now, in IB's words for duration and size."""
        asked = urlencode({"symbol": symbol, "duration": duration, "bar_size": bar_size})
        return decode_bars(self._call("GET", f"/history?{asked}", timeout_s))

    def _call(self, method: str, path: str, timeout_s: float, content: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.address.port, timeout=timeout_s)
        headers = {"Authorization": f"Bearer {self.address.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if content is None else json.dumps(content), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise EngineError(f"the engine (pid {self.address.pid}) does not answer: {error or 'no answer'}") from None
        finally:
            connection.close()
        if response.status == 200:
            return answer
        kinds: dict[str, type[MomentumKitError]] = {kind: error for error, (kind, _) in ANSWERS.items()}
        kind = kinds.get(answer.get("kind", ""), EngineError)
        raise kind(answer.get("error", f"status {response.status}"))
