"""The page met by outsiders over raw sockets, and by a browser that is logged in: what docs/page.md promises holds."""

import asyncio
import gzip
import json
import os
import re
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import ExitStack, aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import psutil
import pytest

from momentum_kit.config import Config, load_config
from momentum_kit.errors import EngineError, InputError, MomentumKitError
from momentum_kit.models.session import PositionView
from momentum_kit.notebook.page import PageAddress, PageServer, page_token
from momentum_kit.notebook.page.logins import read_token
from momentum_kit.notebook.page.page import VIEWERS
from momentum_kit.runtime.endpoint.socket import CONNECTIONS
from momentum_kit.runtime.ownership import StateFolder
from tests.helpers.told_endpoint import AT, ToldEndpoint, told_endpoint

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "a token of twenty-four characters"
PATIENCE_S = 60.0
PROMPTLY_S = 8.0  # what must not wait for a stranger's time-out; many times what it takes
IDLE = 200
PAUSE = b'{"command": "pause"}'
JSON = "application/json"
DROPPED = 0  # in place of a status


class Caller:
    """Speaks raw HTTP to one page."""

    def __init__(self, page: PageServer, token: str = TOKEN) -> None:
        self.page = page
        self.token = token
        self.cookie = self.key = ""
        self.said = b""  # the last answer as it came

    @property
    def host(self) -> str:
        """What a browser's Host header says."""
        return f"127.0.0.1:{self.page.port}"

    @property
    def secrets(self) -> str:
        """Both secrets of the login as headers."""
        return f"Cookie: {self.cookie}\r\nX-Momentum-Kit-Key: {self.key}\r\n" if self.key else ""

    async def log_in(self) -> None:
        """As a person does with the token."""
        told = await self.ask("/login", json.dumps({"token": self.token}).encode())
        assert told == 200
        found = re.search(rb"Set-Cookie: ([^;]+)", self.said)
        assert found
        self.cookie, self.key = found[1].decode(), self.content["key"]

    async def ask(self, path: str = "/command", body: bytes = PAUSE, method: str = "POST", **given: str) -> int:
        """One request and its status; given: host, secrets, head (further headers), kind, length, version, as text."""
        host = given.get("host", f"Host: {self.host}\r\n")
        length = given.get("length", f"Content-Length: {len(body)}\r\n")
        kind = f"Content-Type: {given['kind']}\r\n" if given.get("kind", "") else ""
        kind = kind if "kind" in given else f"Content-Type: {JSON}\r\n"
        head = f"{method} {path} HTTP/{given.get('version', '1.1')}\r\n{host}{given.get('secrets', self.secrets)}"
        head += f"{given.get('head', '')}{kind}{length}Connection: close\r\n\r\n"
        return await self.raw(head.encode("latin-1") + body)

    async def raw(self, sent: bytes) -> int:
        """Bytes as they are, and the status of what comes back."""
        self.said = b""
        try:
            self.said = await said_to(sent, "127.0.0.1", self.page.port)
        except ConnectionError:
            return DROPPED
        return int(self.said.split()[1]) if self.said else DROPPED

    @property
    def content(self) -> Any:
        """The last answer's JSON."""
        return json.loads(self.said.partition(b"\r\n\r\n")[2])

    async def kill(self) -> int:
        """Both steps."""
        assert await self.ask("/kill/ask", b"{}") == 200
        return await self.ask("/kill", json.dumps({"step": self.content["step"]}).encode())

    def look(self) -> socket.socket:
        """Begin to follow, and never read what comes."""
        viewer = socket.create_connection(("127.0.0.1", self.page.port), timeout=PATIENCE_S)
        viewer.sendall(f"GET /events HTTP/1.1\r\nHost: {self.host}\r\n{self.secrets}\r\n".encode())
        return viewer


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The simulated account, its state below a temporary folder."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    return load_config(ROOT / "config" / "sim.yaml")


@pytest.fixture
async def endpoint(config: Config, tmp_path: Path) -> AsyncIterator[ToldEndpoint]:
    """An engine's endpoint that owns the account."""
    async with told_endpoint(config, tmp_path / "run") as served:
        yield served


@pytest.fixture
async def page(config: Config, endpoint: ToldEndpoint) -> AsyncIterator[PageServer]:
    """Its page."""
    async with served(config, endpoint.folder) as server:
        yield server


@pytest.fixture
async def caller(page: PageServer) -> Caller:
    """Somebody who is logged in, at a page that hears its engine: what it lets through would be obeyed."""
    known = Caller(page)
    await known.log_in()
    await until(lambda: "controls" in page._painter.parts and page._painter.parts["controls"].content["open"], "heard")  # type: ignore[index]
    return known


@asynccontextmanager
async def served(
    config: Config, folder: StateFolder, token: Callable[[], str] = lambda: TOKEN, **address: Any
) -> AsyncIterator[PageServer]:
    """A page until the context ends."""
    server = PageServer(config, folder, PageAddress(**{"port": 0, **address}), token=token)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def said_to(sent: bytes, address: str, port: int) -> bytes:
    """Everything that comes back until the other end closes."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            writer.write(sent)
            await writer.drain()
            return await reader.read()
    finally:
        writer.transport.abort()


async def until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> None:
    """Wait for it; other tasks go on."""
    try:
        async with asyncio.timeout(patience_s):
            while not condition():  # noqa: ASYNC110  (what a thread or the system does has no event of this loop)
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {patience_s:g} s") from None


# -- who asks ----------------------------------------------------------------------------------------------------------

HOSTS = [
    "", "Host:\r\n", "Host: {host}\r\nHost: {host}\r\n", "Host: {host}\r\nHost: evil\r\n",
    "Host: evil\r\nHost: {host}\r\n", "Host : {host}\r\n",
    "Host: localhost.:{port}\r\n", "Host: x@{host}\r\n", "Host: {host}@evil\r\n", "Host: [::1]:{port}\r\n",
    "Host: 127.0.0.1:0\r\n", "Host: 127.0.0.1:0{port}\r\n", "Host: 127.0.0.1:+{port}\r\n", "Host: 127.0.0.1\r\n",
    "Host: 2130706433:{port}\r\n", "Host: 127.1:{port}\r\n", "Host: 0177.0.0.1:{port}\r\n", "Host: 0.0.0.0:{port}\r\n",
    "Host: {host}, evil\r\n", "Host: {host} evil\r\n", "Host: {host}\xff\r\n", "Host: {host}\0\r\n",
    "Host: {host}\r\n evil\r\n", "Host: {host}\revil\r\n", "X-Forwarded-Host: {host}\r\nHost: evil\r\n",
]  # fmt: skip


@pytest.mark.parametrize("version", ["1.1", "1.0", "0.9"])
async def test_no_other_host_is_taken_for_this_one_however_it_is_written(
    caller: Caller, endpoint: ToldEndpoint, version: str
) -> None:
    """Missing, twice, as a number, with a user, with what a proxy adds: with both secrets, and nothing is obeyed."""
    for host in HOSTS:
        given = host.format(host=caller.host, port=caller.page.port)
        assert await caller.ask(host=given, version=version) in {400, 403, DROPPED}, host
        assert await caller.ask(f"http://{caller.host}/command", host="Host: evil\r\n", version=version) == 403
    assert endpoint.commands == []


ASKERS = [
    "Origin: null", "Origin:", "Origin: http://{host}/", "Origin: https://{host}", "Origin: http://localhost:{port}",
    "Origin: http://{host} http://evil", "Origin: http://evil\r\nOrigin: http://{host}", "Origin: {host}",
    "Origin: chrome-extension://abc", "Origin: http://{host}.evil", "Origin: http://evil@{host}",
    "Sec-Fetch-Site:", "Sec-Fetch-Site: other", "Sec-Fetch-Site: Same-Origin", "Sec-Fetch-Site: same-site",
    "Sec-Fetch-Site: same-origin, cross-site", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Site: same-origin",
    "Origin: http://{host}\r\nSec-Fetch-Site: cross-site", "Origin: http://evil\r\nSec-Fetch-Site: same-origin",
]  # fmt: skip


async def test_no_other_page_is_taken_for_this_one_however_it_says_who_it_is(
    caller: Caller, endpoint: ToldEndpoint
) -> None:
    """Odd, doubled and contradicting words of a browser are no page's own."""
    for asker in ASKERS:
        given = asker.format(host=caller.host, port=caller.page.port) + "\r\n"
        assert await caller.ask(head=given) == 403, asker
        assert await caller.ask("/login", json.dumps({"token": TOKEN}).encode(), head=given) == 403, asker
    assert endpoint.commands == []


async def test_at_the_port_that_addresses_leave_out_the_page_is_let_in(
    page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser names no port where it is the scheme's own, 80 or, by TLS, 443."""
    port = page.port
    monkeypatch.setattr(PageServer, "port", property(lambda _: 80))
    said = await said_to(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", "127.0.0.1", port)
    assert said.startswith(b"HTTP/1.1 200")


WAYS = [
    "//", "//command", "/%2e/command", "/./command", "/command/", "/x/../command", "/command%00", "/command%2f",
    "/page.js%2f..%2fcommand", "/page.js/../command", "/page.js;x", "/page.js%3f", "/\\command", "/%ff", "/%",
    "/page.js/", "/static/page.js", "/..%2f..%2fetc%2fpasswd", "/page.js\0", "command", "*", "",
]  # fmt: skip


async def test_no_way_leads_around_the_door(caller: Caller, endpoint: ToldEndpoint) -> None:
    """Paths that are written otherwise, and methods: without a login nothing is answered, with one nothing else is."""
    for path in WAYS:
        for method in ("GET", "POST"):
            assert await caller.ask(path, method=method, secrets="") in {400, 401, DROPPED}, path
            assert await caller.ask(path, method=method) in {400, 404, 405, DROPPED}, path
    for path in ("/command", "/%63ommand", "/command?token=x", "/command#x", "/kill", "/events", "/kill/ask"):
        for method in ("GET", "POST", "HEAD", "PUT", "OPTIONS", "TRACE", "CONNECT", "DELETE", "PATCH", "BREW"):
            assert await caller.ask(path, method=method, secrets="") in {400, 401, DROPPED}, (method, path)
    for method in ("PUT", "OPTIONS", "TRACE", "DELETE", "PATCH", "GET", "HEAD"):
        assert await caller.ask(method=method) == 405, method
    assert endpoint.commands == []


async def test_an_upgrade_leads_nowhere(caller: Caller) -> None:
    """To a WebSocket or to HTTP/2: the page speaks neither, and the door stays where it is."""
    upgrade = "Upgrade: {}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    for to in ("websocket", "h2c"):
        assert await caller.ask("/events", b"", "GET", head=upgrade.format(to), secrets="") == 401
        assert await caller.ask("/", b"", "GET", head=upgrade.format(to)) == 200


# -- what is sent ------------------------------------------------------------------------------------------------------

CHUNKED = f"{len(PAUSE):x}\r\n".encode() + PAUSE + b"\r\n0\r\n\r\n"
LENGTHS = {
    f"Content-Length: 2\r\nContent-Length: {len(PAUSE)}\r\n": PAUSE,
    f"Content-Length: +{len(PAUSE)}\r\n": PAUSE,
    "Content-Length: -1\r\n": PAUSE,
    "Content-Length: 99999999999999999999\r\n": PAUSE,
    f"Content-Length: {len(CHUNKED)}\r\nTransfer-Encoding: chunked\r\n": CHUNKED,
    "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n": CHUNKED,
    "Transfer-Encoding: xchunked\r\n": CHUNKED,
    "Transfer-Encoding: chunked, identity\r\n": CHUNKED,
    "Transfer-Encoding: \x0bchunked\r\n": CHUNKED,
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n": CHUNKED,
    "Transfer-Encoding : chunked\r\n": CHUNKED,
    "Transfer-Encoding: chunked\n": CHUNKED,
}


async def test_a_body_whose_end_is_in_doubt_is_refused(caller: Caller, endpoint: ToldEndpoint) -> None:
    """Nothing is smuggled in behind it."""
    for length, body in LENGTHS.items():
        assert await caller.ask(body=body, length=length) in {400, DROPPED}, length
    assert endpoint.commands == []


KINDS = [
    "text/plain", "text/plain; application/json", "text/plain, application/json", "application/json, text/plain",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/ json", "text/json",
    "application/json\r\nContent-Type: text/plain", "text/plain\r\nContent-Type: application/json",
    "application/json; charset=utf-16", "application/json; charset=rot13", "application/json; charset=none",
]  # fmt: skip


async def test_nothing_that_a_form_can_send_is_obeyed(caller: Caller, endpoint: ToldEndpoint) -> None:
    """Nor read: a token in it logs nobody in."""
    for kind in KINDS:
        assert await caller.ask(kind=kind) == 400, kind
        assert await caller.ask("/login", json.dumps({"token": TOKEN}).encode(), kind=kind) == 400, kind
    assert endpoint.commands == []


BODIES = [
    b"[" * 4000, b'{"a":' * 700, b'{"command": NaN}', b'{"command": "pause", "command": "resume"}', b"1" * 4000,
    b'\xef\xbb\xbf{"command": "pause"}', b'{"command": "pause"}x', b'{"command": "pause\\u0000"}',
    b'{"command": "Pause"}',
    b'{"command": "close", "symbol": NaN}', b'{"command": "close", "symbol": ""}', b'{"command": "\xff"}', b"", b"null",
    b'{"command": "pause", "x": "' + b"x" * 5000 + b'"}',
]  # fmt: skip


async def test_a_body_that_is_odd_is_refused_in_words(caller: Caller, endpoint: ToldEndpoint) -> None:
    """Deep, large, doubled or not quite what is known; the page answers the next one."""
    for body in BODIES:
        assert await caller.ask(body=body) in {400, 413}, body[:40]
        assert caller.content["error"], body[:40]
    assert await caller.ask() == 202
    await until(lambda: endpoint.commands == ["pause"], "the one that was right is obeyed, alone")


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress, bytes.hex], ids=["gzip", "deflate", "neither"])
async def test_a_packed_body_is_not_unpacked(
    page: PageServer, caplog: pytest.LogCaptureFixture, packed: Callable[[bytes], bytes | str]
) -> None:
    """Half a megabyte of a stranger's would be half a gigabyte here, and hold up a kill; no browser packs any."""
    stranger = Caller(page)
    made = packed(json.dumps({"token": TOKEN}).encode())
    body = made.encode() if isinstance(made, str) else made
    kind = "deflate" if packed is zlib.compress else "gzip"
    assert await stranger.ask("/login", body, head=f"Content-Encoding: {kind}\r\n") == 400
    assert b"frame-ancestors 'none'" in stranger.said
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


# -- two secrets -------------------------------------------------------------------------------------------------------


async def test_what_other_servers_of_this_host_set_does_not_log_anybody_out(caller: Caller) -> None:
    """A browser sends their cookies as well: odd ones, and some of the same name, before ours or behind it."""
    own, key = caller.cookie, f"X-Momentum-Kit-Key: {caller.key}\r\n"
    name = own.partition("=")[0]
    others = [
        f"{name}=other", f"{name}=", f'{name}="other"', 'like={"a": 1, "b": 2}', 'open="half', "a b=c; =; ;; x[1]=2",
        "path=/; expires=x; secure", "sign=\xe9\xff", f"large={'x' * 6000}",
    ]  # fmt: skip
    cookies = [cookie for other in others for cookie in (f"{other}; {own}", f"{own}; {other}")]
    told = [(each.replace(own, "ours")[:60], await caller.ask(secrets=f"Cookie: {each}\r\n{key}")) for each in cookies]
    assert {cookie: status for cookie, status in told if status != 202} == {}


async def test_two_pages_in_one_browser_do_not_log_each_other_out(
    config: Config, page: PageServer, caller: Caller
) -> None:
    """Paper and live side by side: a browser keeps one cookie of a name for all ports of a host."""
    async with served(config, StateFolder.of(config)) as second:
        other = Caller(second)
        await other.log_in()
        kept = {each.partition("=")[0]: each for each in (caller.cookie, other.cookie)}
        for each in (caller, other):
            each.cookie = "; ".join(kept.values())
        assert (await other.ask(), await caller.ask()) == (202, 202)


async def test_a_browser_that_logs_out_has_no_login_left(page: PageServer) -> None:
    """Nor one that it replaced, logging in again: a tab that was opened with that goes on showing otherwise."""
    browser, first = Caller(page), Caller(page)
    await first.log_in()
    given = f"Cookie: {first.cookie}\r\n"
    assert await browser.ask("/login", json.dumps({"token": TOKEN}).encode(), secrets=given) == 200
    found = re.search(rb"Set-Cookie: ([^;]+)", browser.said)
    assert found
    browser.cookie, browser.key = found[1].decode(), browser.content["key"]
    assert await browser.ask("/logout", b"{}") == 200
    assert await browser.ask() == 401
    assert await first.ask() == 401


async def test_a_stranger_logs_nobody_out(caller: Caller) -> None:
    """However often he tries, with words, with nothing, or by leaving with a cookie that he guessed."""
    stranger = Caller(caller.page)
    for number in range(40):
        assert await stranger.ask("/login", json.dumps({"token": f"guess {number}"}).encode()) == 401
    assert await stranger.ask("/logout", b"{}", secrets=f"Cookie: {caller.cookie}\r\n") == 401
    assert await caller.ask() == 202


async def test_a_browser_that_asks_often_does_not_take_another_s_second_step(page: PageServer) -> None:
    """Of a kill: whose first step was taken can take the second while it is open."""
    person, restless = Caller(page), Caller(page)
    await person.log_in()
    await restless.log_in()
    assert await person.ask("/kill/ask", b"{}") == 200
    step = json.dumps({"step": person.content["step"]}).encode()
    for _ in range(2 * VIEWERS):
        await restless.ask("/kill/ask", b"{}")
    assert await person.ask("/kill", step) == 202
    assert await person.ask("/kill", step) == 409, "once"


async def test_no_secret_is_in_a_log_or_an_answer_whatever_is_wrong_with_the_request(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """A header that is too long, as other servers' cookies make it, one with an odd sign, a body that is cut wrong."""
    host, chunks = f"Host: {caller.host}\r\n", "Transfer-Encoding: chunked\r\n"
    broken = [
        f"GET /events HTTP/1.1\r\n{host}Cookie: {caller.cookie}; large={'x' * 9000}\r\n\r\n",
        f"GET /events HTTP/1.1\r\n{host}Cookie: {caller.cookie}; odd=\x01\r\n\r\n",
        f"GET /events HTTP/1.1\r\n{host}X-Momentum-Kit-Key: {caller.key}\x01\r\n\r\n",
        f"POST /login HTTP/1.1\r\n{host}{chunks}Content-Type: {JSON}\r\n\r\nx{TOKEN}\r\n",
    ]
    said = b""
    for request in broken:
        assert await caller.raw(request.encode("latin-1")) in {400, 431, DROPPED}
        said += caller.said
    for secret in (caller.cookie.partition("=")[2], caller.key, TOKEN):
        assert secret not in caplog.text
        assert secret.encode() not in said


async def test_a_new_token_ends_what_the_old_one_opened(config: Config) -> None:
    """Also at a page that runs meanwhile: what the file says is what lets in, and nothing else does."""
    folder = StateFolder.of(config)
    old, file = page_token(folder)
    async with served(config, folder, lambda: read_token(folder)) as page:
        known = Caller(page, old)
        await known.log_in()
        with suppress(EngineError):  # it may as well be refused while a page runs
            page_token(folder, anew=True)
        new = file.read_text().strip()
        for _ in range(30):  # it may look at the file now and then
            if await Caller(page).ask("/login", json.dumps({"token": new}).encode()) == 200:
                break
            await asyncio.sleep(0.1)
        assert await Caller(page).ask("/login", json.dumps({"token": new}).encode()) == 200
        if new != old:
            assert await Caller(page).ask("/login", json.dumps({"token": old}).encode()) == 401
            assert await known.ask("/kill/ask", b"{}") == 401


@pytest.mark.parametrize("how", ["link", "writable"])
def test_a_token_that_another_hand_laid_there_is_none(config: Config, tmp_path: Path, how: str) -> None:
    """A link, or a file that others may write: who laid it there knows it. Refused by name, or replaced."""
    folder = StateFolder.of(config)
    _, file = page_token(folder)
    planted = tmp_path / "planted"
    planted.write_text("a token that somebody knows")
    file.unlink()
    if how == "link":
        file.symlink_to(planted)
    else:
        file.write_text(planted.read_text())
        file.chmod(0o666)
    with suppress(MomentumKitError):
        assert page_token(folder)[0] != planted.read_text()
    page_token(folder, anew=True)
    assert not file.is_symlink()
    assert file.stat().st_mode & 0o077 == 0
    assert planted.read_text() == "a token that somebody knows"


# -- many, slow and deaf -----------------------------------------------------------------------------------------------


async def test_a_person_kills_past_thousands_that_connect_and_say_nothing(
    caller: Caller, endpoint: ToldEndpoint
) -> None:
    """Or half a word: they give way, and their connections are closed."""
    with ExitStack() as held:
        before = psutil.Process().num_fds()
        for number in range(IDLE):
            idle = held.enter_context(socket.create_connection(("127.0.0.1", caller.page.port), timeout=PATIENCE_S))
            if number % 2:
                idle.sendall(f"POST /login HTTP/1.1\r\nHost: {caller.host}\r\n".encode())
            await asyncio.sleep(0)
        async with asyncio.timeout(PROMPTLY_S):
            assert await caller.kill() == 202
        await until(lambda: "kill" in endpoint.commands, "the engine hears of it")
        await until(lambda: psutil.Process().num_fds() - before - IDLE < 2 * CONNECTIONS, "the others are dropped")


async def test_over_tls_those_that_never_shake_hands_are_bounded_as_well(config: Config, tmp_path: Path) -> None:
    """At once, not after a time-out: a thousand would take every descriptor, and no kill would get in."""
    certificate, key = self_signed(tmp_path)
    async with served(config, StateFolder.of(config), certificate=certificate, key=key) as page:
        with ExitStack() as held:
            before = psutil.Process().num_fds()
            for _ in range(IDLE):
                held.enter_context(socket.create_connection(("127.0.0.1", page.port), timeout=PATIENCE_S))
                await asyncio.sleep(0)
            await until(lambda: psutil.Process().num_fds() - before - IDLE < 2 * CONNECTIONS, "they are dropped", 3.0)


async def test_a_person_kills_past_viewers_that_never_read(caller: Caller, endpoint: ToldEndpoint) -> None:
    """As many as may look, each deaf."""
    with ExitStack() as held:
        for _ in range(VIEWERS):
            deaf = held.enter_context(caller.look())
            assert (await asyncio.to_thread(deaf.recv, 15)).startswith(b"HTTP/1.1 200")
        for number in range(300):
            row = {"at": "", "level": "info", "logger": "x", "text": f"{number} " * 100}
            endpoint.hub.publish("log", row)
        async with asyncio.timeout(PROMPTLY_S):
            assert await caller.kill() == 202
        await until(lambda: endpoint.commands == ["kill"], "the engine hears of it")


async def test_viewers_that_come_and_go_leave_nothing(caller: Caller) -> None:
    """No descriptor, no task and no place that is taken."""
    before, tasks = psutil.Process().num_fds(), len(asyncio.all_tasks())
    seen = set()
    for _ in range(5 * VIEWERS):
        with caller.look() as viewer:
            seen.add((await asyncio.to_thread(viewer.recv, 12)).split()[1])
    assert seen <= {b"200", b"409"}
    await until(lambda: psutil.Process().num_fds() <= before, "descriptors are given back")
    await until(lambda: len(asyncio.all_tasks()) <= tasks, "nobody is served any more")
    with caller.look() as viewer:
        assert (await asyncio.to_thread(viewer.recv, 12)).endswith(b"200")


# -- what an engine says -----------------------------------------------------------------------------------------------

NASTY = [
    "<script>alert(1)</script>", "\"'><img src=x onerror=1>", "</div></main>", "&lt;", "`${1 + 1}`", "{0}{x}{{", "%s%n",
    '\n\nevent: parts\ndata: {"controls": {}}\n\n', "data: ", "\u2028\u2029\x85\r\n", "a\0b", "\ud800", "\udfff\ud800",
    "\u202eABCD", "\ufeff", "x" * 100_000,
]  # fmt: skip


async def test_whatever_an_engine_says_every_part_arrives_and_is_text(caller: Caller, endpoint: ToldEndpoint) -> None:
    """Markup, ends of lines and of events, half signs, signs that turn text around, and a book's length."""
    held = [
        PositionView(symbol=name, con_id=number, quantity=1, average_price=5.0, last_price=5.2, unrealised_usd=6.0,
                     stop_price=4.9, r=0.6, opened_at=AT)
        for number, name in enumerate(NASTY)
    ]  # fmt: skip
    endpoint.status = replace(
        endpoint.status, positions=tuple(held), reason="".join(NASTY), incidents=tuple(NASTY), account="".join(NASTY),
        counts=dict.fromkeys(NASTY, 1), data_ages_s=dict.fromkeys(NASTY, 1.0), thresholds_name=NASTY[1],
    )  # fmt: skip
    for number, text in enumerate(NASTY):
        row = {"article_id": "a", "text": text, "outcome": "skip", "reason": text, "symbols": [text, None, 5]}
        endpoint.hub.publish("headlines", {**row, "at": AT, "story_id": f"s{number}"})
        endpoint.hub.publish("headlines", {**row, "at": text, "story_id": text})
        endpoint.hub.publish("log", {"at": text, "level": "warning", "logger": text, "text": text})
    endpoint.hub.publish("log", {"at": "", "level": "info", "logger": "x", "text": "the last line"})
    parts: dict[str, Any] = {}
    async with aclosing(events(caller)) as told:
        async for event in told:
            assert event.startswith("event: parts\ndata: ")
            assert event.count("\n") == 1
            parts |= json.loads(event.partition("data: ")[2])
            if len(parts["controls"]["close"]) == len(NASTY) and "the last line" in parts["log"]:
                break
    assert parts.keys() == {
        "controls",
        "head",
        "positions",
        "engine",
        "headlines",
        "signals",
        "equity",
        "orders",
        "log",
    }
    shown = "".join(content for content in parts.values() if isinstance(content, str))
    assert await caller.ask("/kill/ask", b"{}") == 200
    shown += caller.content["words"]
    assert re.findall(r"<(?:script|img|/main)|onerror=1>|[\0\u202e\ud800-\udfff\ufeff]", shown) == []
    assert await caller.kill() == 202


async def events(caller: Caller) -> AsyncGenerator[str, None]:
    """What a viewer is told, one event after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", caller.page.port, limit=1 << 20)
    try:
        writer.write(f"GET /events HTTP/1.1\r\nHost: {caller.host}\r\n{caller.secrets}\r\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            waiting = ""
            while size := int(await reader.readline(), 16):
                waiting += (await reader.readexactly(size)).decode()
                await reader.readline()
                *whole, waiting = waiting.split("\n\n")
                for event in whole:
                    yield event
    finally:
        writer.transport.abort()


async def test_a_kill_that_went_wrong_says_so(config: Config) -> None:
    """Whatever went wrong, as where a link lies in place of a lock: never that it is under way, for ever."""
    folder = StateFolder.of(config)
    folder.create()
    async with served(config, folder) as page:
        person = Caller(page)
        await person.log_in()
        (folder.path / "owner.lock").symlink_to(folder.path / "elsewhere")
        assert await person.kill() == 202
        await until(lambda: "kill" not in page._painter.commands.busy, "its thread has ended")
        outcome = page._painter.commands.outcome
        assert "waiting" not in outcome.words
        assert "FAILED" in outcome.words or folder.killed


# -- where it is served ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bind", ["127.0.0.2", "::1", "0:0:0:0:0:0:0:1"])
async def test_what_a_person_is_told_to_open_is_where_the_page_is(config: Config, bind: str) -> None:
    """Elsewhere another program may listen, and be given the token."""
    try:
        socket.create_server((bind, 0), family=socket.AF_INET6 if ":" in bind else socket.AF_INET).close()
    except OSError:
        pytest.skip(f"this machine has no {bind}")
    async with served(config, StateFolder.of(config), bind=bind) as page:
        host, _, port = page.url.removeprefix("http://").rstrip("/").rpartition(":")
        assert int(port) == page.port
        assert host == ("[::1]" if ":" in bind else bind)
        asked = f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()
        assert (await said_to(asked, host.strip("[]"), page.port)).startswith(b"HTTP/1.1 200")


NO_NAMES = [
    "desk.example:8470", "http://desk.example", "desk.example/", "*.example", "*", "", "a b", "a\nb", "x@desk", ".",
    "[::1]:80", "d\u00fcsk.example",
]  # fmt: skip


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_no_browser_would_send_is_refused(name: str) -> None:
    """With a port, a scheme, a star: nobody would get in by it, and the address that is told would lead nowhere."""
    with pytest.raises(InputError, match="--name"):
        PageAddress(port=0, names=(name,))


@pytest.mark.parametrize("what", ["missing", "a folder", "empty", "not ours to read"])
async def test_a_certificate_that_cannot_be_used_is_one_line(config: Config, tmp_path: Path, what: str) -> None:
    """With the names of both files; nothing is served."""
    certificate = tmp_path / "cert.pem"
    if what == "a folder":
        certificate.mkdir()
    elif what != "missing":
        certificate.touch(mode=0o000 if what == "not ours to read" else 0o600)
    with pytest.raises(InputError, match=rf"--certificate {re.escape(str(certificate))}.*--key") as refused:
        async with served(config, StateFolder.of(config), certificate=certificate, key=certificate):
            pass
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_in_order_whoever_looks(config: Config, tmp_path: Path, number: int) -> None:
    """Status 0 within seconds, with viewers that read and that do not; a stream ends as streams do."""
    command = [
        sys.executable,
        "-m",
        "momentum_kit.cli",
        "page",
        "--config",
        "config/sim.yaml",
        "--page-port",
        "0",
        "--json",
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    told = json.loads(await process.stdout.readline())
    token, _ = page_token(StateFolder.of(config))
    viewer = Caller(_At(int(told["url"].rstrip("/").rpartition(":")[2])), token)  # type: ignore[arg-type]
    await viewer.log_in()
    with ExitStack() as held:
        for _ in range(VIEWERS - 1):
            held.enter_context(viewer.look())
        async for _ in events(viewer):
            if process.returncode is None:
                process.send_signal(number)
        async with asyncio.timeout(PROMPTLY_S):
            out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")


class _At:
    """A page that another process serves."""

    def __init__(self, port: int) -> None:
        self.port = port


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key."""
    if not (openssl := which("openssl")):
        pytest.skip("no openssl on this machine: apt-get install openssl")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=desk.example"]
    subprocess.run([openssl, *made, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key
