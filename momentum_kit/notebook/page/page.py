"""Serves the page of one account: a small web server of its own, beside the engine and its client like any other.

The engine's endpoint keeps refusing every browser. This process lets browsers in, and holds only what it may do: show,
and reduce risk. It names no resume, clear, adopt, arm or threshold, so that whoever gets past its door cannot either.
It outlives the engine, and says when there is none. What keeps hostile pages out, each alone enough:

- a Host header that is not this page's is refused: a name that was rebound to this address carries its own;
- an Origin or Sec-Fetch-Site that is not this page's own is refused, and there is no cross-origin header in any answer;
- every request but the empty page, its script and its style needs a cookie (HttpOnly, SameSite=Strict) and a header
  with a key that only scripts of this origin can read: a form, a link or a picture cannot send it;
- no page may frame this one, no script but its own runs in it, and everything shown is escaped.
"""

import asyncio
import json
import secrets
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import resources
from time import monotonic
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from momentum_kit.config import Config
from momentum_kit.errors import EngineError, InputError
from momentum_kit.notebook.html import STYLE
from momentum_kit.notebook.page.logins import LASTS_S, METRICS_FILE, Logins, opens, page_token, read_token
from momentum_kit.notebook.page.page_address import PageAddress, tls_of
from momentum_kit.notebook.page.painter import BUTTONS, GATHER_S, KILL_OPEN_S, PAINT_S, PagePart, Painter
from momentum_kit.notebook.page.requests import (
    CLOSED_TO_OTHERS,
    QuietReader,
    json_object,
    refused,
    silent_logger,
)
from momentum_kit.runtime.endpoint import BoundedListener
from momentum_kit.runtime.ownership import StateFolder

COOKIE = "momentum_kit_page_{}"  # with the port: a browser keeps one of a name for all ports of a host
KEY = "X-Momentum-Kit-Key"
BODY_BOUND = 4 * 1024  # bytes
HEADER_TIMEOUT_S = 5.0
VIEWERS = 24  # at once, each with a stream
WRITE_TIMEOUT_S = 15.0  # after this a viewer that takes nothing is let go; it comes back and is shown the newest
FRESH_S = 5.0  # what was painted longer ago is not sent any more: it would look alive
LINGER_S = 1.0  # what a refused body's sender is listened to
SLACK_S = 2.0  # a second step of a kill that was under way as it closed
FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}
"""What a browser gets before it is logged in: nothing of any session is in it."""
METRICS = "/metrics"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger("page")


async def serve_page(
    config: Config, folder: StateFolder, address: PageAddress, *, new_token: bool, listening: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or Ctrl-C; `listening` is told what to open once it is served, and not before.

    EngineError where the port is taken.
    """
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    server = PageServer(config, folder, address, token=lambda: read_token(folder))
    try:
        await server.start()
        page_token(folder, METRICS_FILE, anew=new_token)
        page_token(folder, anew=new_token)  # not before it is known that this page can be served
        listening(server.url)
        await ending.wait()
    finally:
        await server.stop()


class PageServer:
    """One account's page. `start` and `stop` on the loop that serves it.

    token: the one that lets in now; asked again and again, so that one that was replaced opens nothing.
    """

    def __init__(self, config: Config, folder: StateFolder, address: PageAddress, *, token: Callable[[], str]) -> None:
        self._address = address
        self._logins = Logins(token())
        self._folder = folder
        self._painter = Painter(config, folder, self._hear)
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._viewers: set[asyncio.Event] = set()
        self._painting: asyncio.Task[None] | None = None
        self._closed = False
        self._kill_steps: dict[str, tuple[str, float]] = {}  # by login
        self._painted_at = float("-inf")
        self._token = token
        self._files = {path: _file(name) for path, (name, _) in FILES.items()}
        application = web.Application(middlewares=[self._guard], client_max_size=BODY_BOUND)
        application.add_routes(
            [
                *(web.get(path, self._static) for path in FILES),
                web.post("/login", self._login),
                web.post("/logout", self._logout),
                web.get("/events", self._events),
                web.get(METRICS, self._metrics),
                web.post("/command", self._command),
                web.post("/kill/ask", self._ask_kill),
                web.post("/kill", self._kill),
            ]
        )
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=silent_logger(),
            auto_decompress=False,  # half a megabyte of a stranger's would be half a gigabyte; no browser packs any
            keepalive_timeout=HEADER_TIMEOUT_S,
            lingering_time=LINGER_S,
            shutdown_timeout=LINGER_S,
        )
        self._listener = BoundedListener()

    @property
    def url(self) -> str:
        """What a person opens."""
        host = self._address.names[0] if self._address.names else self._address.hosts[0]
        return f"{self._address.scheme}://{host}:{self.port}/"

    @property
    def port(self) -> int:
        """Where it listens; 0 before `start`."""
        return self._listener.port

    async def start(self) -> None:
        """Listen, and begin to paint."""
        tls = await asyncio.to_thread(tls_of, self._address)
        await self._runner.setup()
        if (server := self._runner.server) is None:
            raise EngineError("the page has no server")
        try:
            await self._listener.start(lambda: QuietReader(server), self._address.bind, self._address.port, tls)
        except OSError as error:
            where = f"{self._address.bind}:{self._address.port}"
            raise EngineError(
                f"the page cannot listen at {where} ({error.strerror}); --page-port N names another"
            ) from None
        self._painter.start()
        self._painting = asyncio.create_task(self._paint(), name="page")

    async def stop(self) -> None:
        """Listen no more; streams end."""
        self._closed = True
        await self._listener.stop()
        self._wake()
        if self._painting:
            self._painting.cancel()
            await asyncio.gather(self._painting, return_exceptions=True)
        await asyncio.to_thread(self._painter.close)
        await self._runner.cleanup()
        await self._listener.close()

    async def _paint(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._painter.paint)
                self._painted_at = monotonic()
            except Exception:  # one painting that failed must not be the last one: the next shows the session again
                log.exception("the page was not painted")
            self._logins.renew(await asyncio.to_thread(self._token))
            self._wake()
            with suppress(TimeoutError):
                async with asyncio.timeout(PAINT_S):
                    await self._news.wait()
            await asyncio.sleep(GATHER_S)
            self._news.clear()

    def _hear(self) -> None:
        """Called on the stream's thread."""
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._news.set)

    def _wake(self) -> None:
        for viewer in self._viewers:
            viewer.set()

    # -- the door ----------------------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            answer = await self._admit(request, handler)
        except web.HTTPException as failure:
            answer = refused(failure.reason, failure.status)
        except InputError as error:
            answer = refused(str(error), 400)
        if not answer.prepared:
            answer.headers.update(CLOSED_TO_OTHERS)
        return answer

    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        hosts = [host.lower() for host in request.headers.getall("Host", [])]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            return refused("wrong Host header", 403)
        own = f"{self._address.scheme}://{hosts[0]}"
        if any(origin.lower() != own for origin in request.headers.getall("Origin", [])):
            return refused("no other page may ask", 403)
        if not set(request.headers.getall("Sec-Fetch-Site", [])) <= {"same-origin", "none"}:
            return refused("no other page may ask; open this one by its address", 403)
        if request.path == METRICS:
            known = await asyncio.to_thread(read_token, self._folder, METRICS_FILE)
            if not opens(request.headers.getall("Authorization", []), known):
                return refused("not the collector's token", 401)
        elif request.path not in FILES and request.path != "/login":
            if not self._login_of(request):
                return refused("not logged in", 401)
            self._listener.trust(request.transport)
        return await handler(request)

    @property
    def _hosts(self) -> set[str]:
        """What a browser sends, which leaves out the scheme's own port."""
        usual = {"http": 80, "https": 443}[self._address.scheme] == self.port
        bare = self._address.hosts if usual else ()
        return {*bare, *(f"{host}:{self.port}" for host in self._address.hosts)}

    @property
    def _cookie(self) -> str:
        return COOKIE.format(self.port)

    def _cookies(self, request: web.Request) -> list[str]:
        """Every value of our name: other servers of this host may have set some."""
        pairs = ";".join(request.headers.getall("Cookie", [])).split(";")
        sent = (pair.strip().partition("=") for pair in pairs)
        return [value for name, _, value in sent if name == self._cookie]

    def _login_of(self, request: web.Request) -> str:
        """The cookie that names the login; empty without one."""
        keys = request.headers.getall(KEY, [])
        return self._logins.known(self._cookies(request), keys[0]) if len(keys) == 1 else ""

    async def _static(self, request: web.Request) -> web.Response:
        return web.Response(body=self._files[request.path], content_type=FILES[request.path][1], charset="utf-8")

    async def _login(self, request: web.Request) -> web.Response:
        given = (await json_object(request)).get("token")
        self._logins.renew(await asyncio.to_thread(self._token))
        login = self._logins.enter(given) if isinstance(given, str) else None
        if login is None:
            return refused("this is not the page's token", 401)
        self._logins.leave(self._cookies(request))  # what this browser had before
        answer = web.json_response({"key": login.key})
        answer.set_cookie(
            self._cookie, login.cookie, max_age=int(LASTS_S), path="/", httponly=True, samesite="Strict",
            secure=self._address.certificate is not None,
        )  # fmt: skip
        return answer

    async def _logout(self, request: web.Request) -> web.Response:
        self._logins.leave(self._cookies(request))
        answer = web.json_response({"outcome": "logged out"})
        answer.del_cookie(self._cookie, path="/")
        return answer

    # -- what is shown -----------------------------------------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """One viewer, until it goes: the newest of each part that it has not seen."""
        if len(self._viewers) >= VIEWERS:
            return refused(f"{VIEWERS} viewers look already", 409)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **CLOSED_TO_OTHERS})
        seen, wake = dict[str, int](), asyncio.Event()
        self._viewers.add(wake)
        try:
            await response.prepare(request)
            while not self._closed and self._login_of(request):
                alive = monotonic() - self._painted_at < FRESH_S
                if alive and (fresh := _fresh(self._painter.parts, seen)):
                    async with asyncio.timeout(WRITE_TIMEOUT_S):
                        await response.write(f"event: parts\ndata: {json.dumps(fresh)}\n\n".encode(errors="replace"))
                await wake.wait()
                wake.clear()
        except (TimeoutError, ConnectionError):
            log.info("a viewer of the page is gone")
        finally:
            self._viewers.discard(wake)
        return response

    async def _metrics(self, _: web.Request) -> web.Response:
        """Numbers for a collector, which has a token of its own that opens nothing else."""
        text = await asyncio.to_thread(self._painter.metrics)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    # -- what is done ------------------------------------------------------------------------------------------------

    async def _command(self, request: web.Request) -> web.Response:
        content = await json_object(request)
        name, symbol = content.get("command"), content.get("symbol", "")
        if name == "close" and isinstance(symbol, str) and symbol:
            if symbol not in self._painter.closable:
                raise InputError("no position of this symbol is shown, or it is being closed already")
            self._painter.commands.command("close", symbol)
        elif name == "ack":
            self._painter.commands.acknowledge()
        elif isinstance(name, str) and name in BUTTONS:
            self._painter.commands.command(name)
        else:
            raise InputError("this page pauses, reduces, closes a position, flattens, kills and acknowledges; no more")
        return self._taken()

    async def _ask_kill(self, request: web.Request) -> web.Response:
        """The first step: what a kill would do, and the word that its second step has to bring; one open a login."""
        now = monotonic()
        self._kill_steps = {login: known for login, known in self._kill_steps.items() if known[1] > now}
        step = secrets.token_urlsafe(12)
        self._kill_steps[self._login_of(request)] = step, now + KILL_OPEN_S + SLACK_S
        return web.json_response({"step": step, "open_s": KILL_OPEN_S, "words": self._painter.kill_words()})

    async def _kill(self, request: web.Request) -> web.Response:
        given = (await json_object(request)).get("step")
        step, until = self._kill_steps.pop(self._login_of(request), ("", 0.0))
        if given != step or monotonic() > until:
            return refused("NOT KILLED: the second step came too late or without the first; begin again", 409)
        self._painter.commands.kill()
        return self._taken()

    def _taken(self) -> web.Response:
        return web.json_response({"outcome": self._painter.commands.outcome.words}, status=202)


def _fresh(parts: Any, seen: dict[str, int]) -> dict[str, object]:
    """The parts that a viewer has not seen as they are now, which are counted as seen."""
    fresh: dict[str, object] = {}
    part: PagePart
    for name, part in parts.items():
        if seen.get(name) != part.version:
            seen[name], fresh[name] = part.version, part.content
    return fresh


def _file(name: str) -> bytes:
    own = resources.files(__package__).joinpath("static", name).read_bytes()
    if name != "page.css":
        return own
    shared = STYLE.replace("<style>", "").replace("</style>", "\n")
    return own + shared.encode()
