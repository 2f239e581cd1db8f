import asyncio
import json
import re
import ssl
import stat
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import aiohttp
import pytest

from momentum_kit.config import Config
from momentum_kit.errors import EngineError, InputError
from momentum_kit.models.session import PositionView
from momentum_kit.notebook.page import PageAddress, PageServer, page_token
from momentum_kit.notebook.page.logins import LASTS_S, METRICS_FILE, MOST, Logins
from momentum_kit.notebook.page.page import VIEWERS
from momentum_kit.runtime.ownership import Restriction, StateFolder
from tests.helpers.told_endpoint import AT, ToldEndpoint

TOKEN = "a token of twenty-four characters"
PATIENCE_S = 60.0
KEY = "X-Momentum-Kit-Key"
HELD = PositionView(
    symbol="ABCD", con_id=1, quantity=300, average_price=5.0, last_price=5.2, unrealised_usd=60.0, stop_price=4.9,
    r=0.6, opened_at=AT,
)  # fmt: skip


class Visitor:
    """A browser without scripts: cookies, headers, and what it was told."""

    def __init__(self, session: aiohttp.ClientSession, page: PageServer) -> None:
        self.session = session
        self.page = page
        self.headers: dict[str, str] = {}
        self.parts: dict[str, Any] = {}

    async def post(self, path: str, content: object, **headers: str) -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        asked = self.session.post(f"{self.page.url}{path}", json=content, headers=self.headers | headers)
        async with asked as answer:
            return answer.status, await answer.json()

    async def log_in(self, token: str = TOKEN) -> None:
        """As a person does with the token."""
        status, told = await self.post("login", {"token": token})
        assert status == 200, told
        self.headers = {KEY: told["key"]}

    async def see(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Follow the stream until the page's parts are so."""
        async with (
            asyncio.timeout(PATIENCE_S),
            self.session.get(f"{self.page.url}events", headers=self.headers) as told,
        ):
            assert told.status == 200
            async for line in told.content:
                if line.startswith(b"data: "):
                    self.parts |= json.loads(line[6:])
                    if condition(self.parts):
                        return self.parts
        raise AssertionError(f"the stream ended: {self.parts}")


@pytest.fixture
async def page(config: Config, endpoint: ToldEndpoint) -> AsyncIterator[PageServer]:
    """The page of an account whose engine runs."""
    async with served(config, endpoint.folder) as server:
        yield server


@asynccontextmanager
async def served(config: Config, folder: StateFolder, **address: Any) -> AsyncIterator[PageServer]:
    """A page until the context ends."""
    server = PageServer(config, folder, PageAddress(**{"port": 0, **address}), token=lambda: TOKEN)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def visitor(page: PageServer) -> AsyncIterator[Visitor]:
    """Somebody who has not logged in yet."""
    async with stranger(page) as come:
        yield come


@asynccontextmanager
async def stranger(page: PageServer) -> AsyncIterator[Visitor]:
    """Cookies of its own, kept for an address as well."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Visitor(session, page)


async def until(condition: Callable[[], Any]) -> None:
    """Wait for it; other tasks go on."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110  (what a thread does has no event of this loop)
            await asyncio.sleep(0.01)


async def test_a_session_is_shown_as_it_is_and_as_it_becomes(visitor: Visitor, endpoint: ToldEndpoint) -> None:
    """Banner, lights, what is held with a button to close it; a headline that comes later, escaped."""
    await visitor.log_in()
    endpoint.status = replace(endpoint.status, positions=(HELD,))
    parts = await visitor.see(lambda parts: "ABCD" in parts.get("positions", ""))
    assert "SIMULATION" in parts["head"]
    assert "gateway up" in parts["head"]
    assert "+0.60" in parts["positions"]
    parts = await visitor.see(lambda parts: parts["controls"]["close"] == ["ABCD"])
    assert parts["controls"]["open"] == ["pause", "reduce_only", "flatten"]
    row = {"at": AT, "story_id": "s", "article_id": "a", "text": "<script>x</script>", "outcome": "skip",
           "reason": "no ticker", "symbols": []}  # fmt: skip
    endpoint.hub.publish("headlines", row)
    parts = await visitor.see(lambda parts: "no ticker" in parts.get("headlines", ""))
    assert "<script>" not in parts["headlines"]


async def test_what_reduces_risk_is_done_and_told_to_every_viewer(
    page: PageServer, visitor: Visitor, endpoint: ToldEndpoint
) -> None:
    """A pause, a position closed, all flattened: the engine hears them, other viewers see what came of it."""
    await visitor.log_in()
    endpoint.status = replace(endpoint.status, positions=(HELD,))
    await visitor.see(lambda parts: parts["controls"]["close"] == ["ABCD"])
    for content in ({"command": "pause"}, {"command": "close", "symbol": "ABCD"}, {"command": "flatten"}):
        status, told = await visitor.post("command", content)
        assert status == 202
        assert "waiting for the engine" in told["outcome"] or "done" in told["outcome"]
    await until(lambda: sorted(endpoint.commands) == ["close ABCD", "flatten", "pause"])
    assert set(endpoint.sources) == {"page"}
    async with stranger(page) as other:
        await other.log_in()
        await other.see(lambda parts: "done" in parts["head"])


async def test_a_page_to_a_person_is_acknowledged_with_and_without_an_engine(config: Config, tmp_path: Path) -> None:
    """What was sent until now is not sent again; the outcome is told as every other one's."""
    folder = StateFolder.of(config)
    async with served(config, folder) as page, stranger(page) as visitor:
        await visitor.log_in()
        assert (await visitor.post("command", {"command": "ack"}))[0] == 202
        await visitor.see(lambda parts: "ack: acknowledged" in parts["head"])
        assert folder.acknowledged_at() is not None


@pytest.mark.parametrize(
    "content",
    [
        *({"command": name} for name in ("resume", "stop", "kill", "adopt", "ignore", "clear", "arm", "", None)),
        {"command": "adopt", "symbol": "ABCD"}, {"command": "close"}, {"command": "close", "symbol": "A" * 41},
        {"command": "close", "symbol": ["ABCD"]}, {"command": ["pause"]}, {"command": {"pause": 1}}, {}, [], "pause", 7,
    ],
    ids=str,
)  # fmt: skip
async def test_nothing_that_adds_risk_and_nothing_malformed_is_done(
    visitor: Visitor, endpoint: ToldEndpoint, content: object
) -> None:
    """With the login and all: this page has no word for it."""
    await visitor.log_in()
    await visitor.see(lambda parts: bool(parts["controls"]["open"]))
    status, told = await visitor.post("command", content)
    assert status == 400
    assert told["error"]
    status, _ = await visitor.post("command", {"command": "pause"})
    await until(lambda: endpoint.commands == ["pause"])


@pytest.mark.parametrize("path", ["thresholds", "start", "inquiry", "status", "proof", "resume", "static/page.js"])
async def test_the_engine_s_own_endpoint_is_not_reached_through_the_page(visitor: Visitor, path: str) -> None:
    """What it has of its own is all there is."""
    await visitor.log_in()
    status, _ = await visitor.post(path, {"values": {"min_z_tod": 0}})
    assert status == 404


async def test_a_collector_reads_numbers_by_a_token_that_opens_nothing_else(
    visitor: Visitor, endpoint: ToldEndpoint
) -> None:
    """Its own token and no other; no login opens the numbers, and no page of another origin gets them with it."""
    numbers, _ = page_token(endpoint.folder, METRICS_FILE)
    assert numbers != TOKEN

    async def ask(path: str, token: str | None, **headers: str) -> tuple[int, str]:
        given = headers | ({"Authorization": f"Bearer {token}"} if token is not None else {})
        async with visitor.session.get(f"{visitor.page.url}{path}", headers=visitor.headers | given) as answer:
            return answer.status, await answer.text()

    status, told = await ask("metrics", numbers)
    assert status == 200
    assert 'momentum_kit_engine{state="answers"}' in told
    assert [(await ask("metrics", each))[0] for each in (None, "", TOKEN, f"{numbers}x")] == [401] * 4
    assert (await ask("metrics", numbers, Origin="http://elsewhere.example"))[0] == 403
    assert (await ask("metrics", numbers, Host="elsewhere.example"))[0] == 403
    assert (await ask("events", numbers))[0] == 401
    status, _ = await visitor.post("command", {"command": "pause"}, Authorization=f"Bearer {numbers}")
    assert status == 401
    await visitor.log_in()
    assert (await ask("metrics", None))[0] == 401
    page_token(endpoint.folder, METRICS_FILE, anew=True)
    assert (await ask("metrics", numbers))[0] == 401
    assert endpoint.commands == []


async def test_a_collector_is_told_whether_an_engine_answers(config: Config, endpoint: ToldEndpoint) -> None:
    """Silent where the account is owned and nobody speaks, none where it is free, and then no number of a session."""

    async def told() -> str:
        return (await asyncio.to_thread(page._painter.metrics)).decode()

    async with served(config, endpoint.folder) as page:
        for _ in range(1000):
            if "momentum_kit_profit_usd" in (text := await told()):  # its first word comes after the connection
                break
            await asyncio.sleep(0.02)
        assert 'state="answers"} 1.0' in text
        await endpoint.streams.stop()
        endpoint.publish(1)
        for _ in range(1000):
            if 'state="silent"} 1.0' in (text := await told()):
                break
            await asyncio.sleep(0.02)
        assert "momentum_kit_profit_usd" not in text
        endpoint.folder.latch(Restriction("kill", "by a test"))
        assert 'momentum_kit_restricted{by="kill"} 1.0' in await told()


async def test_a_kill_needs_both_steps_and_each_word_once(
    visitor: Visitor, endpoint: ToldEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first says what it will do; without it, twice, or too late, the second does nothing."""
    await visitor.log_in()
    endpoint.status = replace(endpoint.status, positions=(HELD,))
    await visitor.see(lambda parts: "ABCD" in parts.get("positions", ""))
    for step in ("", "guess", None, 5):
        status, told = await visitor.post("kill", {"step": step})
        assert status == 409
        assert "NOT KILLED" in told["error"]
    status, asked = await visitor.post("kill/ask", {})
    assert status == 200
    assert "closes 300 ABCD" in asked["words"]
    status, _ = await visitor.post("kill", {"step": asked["step"]})
    assert status == 202
    await until(lambda: endpoint.commands == ["kill"])
    status, _ = await visitor.post("kill", {"step": asked["step"]})
    assert status == 409
    monkeypatch.setattr("momentum_kit.notebook.page.page.KILL_OPEN_S", -10.0)
    _, late = await visitor.post("kill/ask", {})
    status, _ = await visitor.post("kill", {"step": late["step"]})
    assert status == 409
    assert endpoint.commands == ["kill"]


async def test_a_kill_goes_on_where_the_phone_is_gone(page: PageServer, endpoint: ToldEndpoint) -> None:
    """Its second step has arrived; the connection breaks before anything is answered, and nothing is undone."""
    async with stranger(page) as phone:
        await phone.log_in()
        await phone.see(lambda parts: bool(parts["controls"]["open"]))
        endpoint.answer_after.clear()
        _, asked = await phone.post("kill/ask", {})
        _, told = await phone.post("kill", {"step": asked["step"]})
        assert "kill: sent" in told["outcome"]
    endpoint.answer_after.set()
    async with stranger(page) as back:
        await back.log_in()
        await back.see(lambda parts: "kill done" in parts["head"])
    assert endpoint.commands == ["kill"]


async def test_without_an_engine_the_page_says_so_and_a_kill_latches(config: Config, tmp_path: Path) -> None:
    """It outlives engines, and is there before the first; nothing is offered but the kill."""
    folder = StateFolder.of(config)
    async with served(config, folder) as page, stranger(page) as visitor:
        await visitor.log_in()
        parts = await visitor.see(lambda parts: "NO ENGINE RUNS" in parts["head"])
        assert parts["controls"] == {"open": [], "close": [], "killing": False}
        _, asked = await visitor.post("kill/ask", {})
        assert "closes nothing by itself" in asked["words"]
        await visitor.post("kill", {"step": asked["step"]})
        await visitor.see(lambda parts: "latched" in parts["head"])
        assert folder.killed.startswith("by page")


GUARDED = [("GET", "events"), *(("POST", path) for path in ("command", "kill/ask", "kill", "logout"))]


@pytest.mark.parametrize(("method", "path"), GUARDED, ids=[path for _, path in GUARDED])
async def test_both_secrets_of_a_login_are_needed(
    page: PageServer, visitor: Visitor, endpoint: ToldEndpoint, method: str, path: str
) -> None:
    """No login; the key without the cookie; the cookie without the key; another login's key; after a logout."""

    async def refused(come: Visitor) -> bool:
        url = f"{page.url}{path}"
        async with come.session.request(method, url, json={"command": "pause"}, headers=come.headers) as answer:
            return answer.status == 401

    assert await refused(visitor)
    await visitor.log_in()
    async with stranger(page) as thief, stranger(page) as other:
        thief.headers = dict(visitor.headers)
        assert await refused(thief), "the key alone"
        await other.log_in()
        mine, visitor.headers = visitor.headers, {}
        assert await refused(visitor), "the cookie alone"
        visitor.headers = dict(other.headers)
        assert await refused(visitor), "a cookie with another's key"
        visitor.headers = mine
    assert (await visitor.post("logout", {}))[0] == 200
    assert await refused(visitor), "after the logout"
    assert endpoint.commands == []


@pytest.mark.parametrize(
    "token", ["", "x", TOKEN[:-1], TOKEN + "x", None, 5, ["a"], "\ud800", "\0" * 300], ids=range(9)
)
async def test_another_token_logs_nobody_in(visitor: Visitor, token: object) -> None:
    """Whatever it is."""
    status, told = await visitor.post("login", {"token": token})
    assert (status, told) == (401, {"error": "this is not the page's token"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Host": "evil.example"},
        {"Host": "127.0.0.1"}, {"Host": "127.0.0.1.evil.example:{port}"}, {"Host": "localhost:1"},
    ],
    ids=str,
)  # fmt: skip
async def test_another_page_is_refused_whatever_it_carries(
    page: PageServer, visitor: Visitor, endpoint: ToldEndpoint, headers: dict[str, str]
) -> None:
    """With both secrets of a login, for the empty page, the login and a command alike."""
    await visitor.log_in()
    told = {name: value.replace("{port}", str(page.port)) for name, value in headers.items()}
    assert (await visitor.post("command", {"command": "pause"}, **told))[0] == 403
    assert (await visitor.post("login", {"token": TOKEN}, **told))[0] == 403
    async with visitor.session.get(page.url, headers=told) as answer:
        assert answer.status == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert endpoint.commands == []


async def test_its_own_origin_and_either_name_of_the_loopback_are_let_in(page: PageServer, visitor: Visitor) -> None:
    """As its script asks, and as a person types the address."""
    await visitor.log_in()
    own = {"Origin": page.url.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert (await visitor.post("command", {"command": "pause"}, **own))[0] == 202
    for headers in ({"Sec-Fetch-Site": "none"}, {"Host": f"LOCALHOST:{page.port}"}):
        async with visitor.session.get(page.url, headers=headers) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("path", ["", "page.js", "page.css", "login", "command", "nothing", "../../etc/passwd"])
async def test_every_answer_keeps_other_pages_and_scripts_out(page: PageServer, visitor: Visitor, path: str) -> None:
    """No frame, no script of others, no guessing of types, nothing kept; the page itself knows nothing of a session."""
    async with visitor.session.get(f"{page.url}{path}") as answer:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers or "aiohttp" in answer.headers["Server"]
        words = await answer.text()
    assert "DU" not in re.sub(r"[^A-Z0-9 ]", " ", words).split()
    assert TOKEN not in words


async def test_the_cookie_is_for_no_script_and_no_other_site(visitor: Visitor, page: PageServer) -> None:
    """HttpOnly, SameSite=Strict, for hours and not for ever."""
    async with visitor.session.post(f"{page.url}login", json={"token": TOKEN}) as answer:
        cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert f"Max-Age={LASTS_S:.0f}" in cookie


async def test_viewers_are_bounded_and_one_that_goes_makes_room(page: PageServer) -> None:
    """One too many is told so in words; commands are let in all the same."""
    async with stranger(page) as visitor:
        await visitor.log_in()
        streams = [await visitor.session.get(f"{page.url}events", headers=visitor.headers) for _ in range(VIEWERS)]
        async with visitor.session.get(f"{page.url}events", headers=visitor.headers) as surplus:
            assert surplus.status == 409
            assert "viewers" in (await surplus.json())["error"]
        assert (await visitor.post("command", {"command": "pause"}))[0] == 202
        streams.pop().close()
        await until(lambda: len(page._viewers) < VIEWERS)
        await visitor.see(lambda parts: "head" in parts)
        for stream in streams:
            stream.close()


async def test_a_stream_ends_with_its_login(page: PageServer, visitor: Visitor) -> None:
    """Who has logged out sees nothing any more, on a stream that was open as well."""
    await visitor.log_in()
    async with visitor.session.get(f"{page.url}events", headers=visitor.headers) as told:
        await told.content.readline()
        await visitor.post("logout", {})
        async with asyncio.timeout(PATIENCE_S):
            while not told.content.at_eof():
                await told.content.readline()


def test_a_login_lasts_for_hours_and_logins_are_bounded() -> None:
    """By a clock that never steps; the oldest gives way."""
    now = 0.0
    logins = Logins(TOKEN, lambda: now)
    first = logins.enter(TOKEN)
    assert first
    now = LASTS_S - 1
    assert logins.known([first.cookie], first.key)
    now = LASTS_S
    assert not logins.known([first.cookie], first.key)
    many = [login for _ in range(MOST + 1) if (login := logins.enter(TOKEN))]
    assert [bool(logins.known([each.cookie], each.key)) for each in many] == [False] + [True] * MOST


def test_the_token_stays_over_restarts_is_private_and_is_made_anew_on_demand(config: Config) -> None:
    """A short or empty file, as another hand leaves one, is no token."""
    folder = StateFolder.of(config)
    token, file = page_token(folder)
    assert page_token(folder) == (token, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other, _ = page_token(folder, anew=True)
    assert other != token
    file.write_text("short\n")
    assert len(page_token(folder)[0]) >= 16
    file.write_bytes(b"\xff\xfe")
    assert len(page_token(folder)[0]) >= 16
    file.unlink()
    file.mkdir()
    with pytest.raises(EngineError, match="is a folder; remove it"):
        page_token(folder)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ({"bind": "0.0.0.0"}, "TLS alone"), ({"bind": "192.168.1.5"}, "TLS alone"), ({"bind": "::"}, "TLS alone"),
        ({"bind": "a phone"}, "not an address"), ({"bind": ""}, "not an address"),
        ({"certificate": Path("c.pem")}, "TLS needs both"), ({"key": Path("k.pem")}, "TLS needs both"),
        ({"bind": "0.0.0.0", "certificate": Path("c"), "key": Path("k")}, "--name says"),
    ],
    ids=str,
)  # fmt: skip
def test_beyond_this_machine_nothing_is_served_in_the_clear(address: dict[str, Any], words: str) -> None:
    """Refused in one line that says what to do instead."""
    with pytest.raises(InputError, match=words):
        PageAddress(port=0, **address)


async def test_a_port_that_is_taken_is_one_line(config: Config, page: PageServer) -> None:
    """With the option that names another."""
    with pytest.raises(EngineError, match=rf"cannot listen at 127.0.0.1:{page.port} .*--page-port"):
        async with served(config, StateFolder.of(config), port=page.port):
            pass


async def test_over_tls_the_cookie_is_for_tls_alone(config: Config, tmp_path: Path) -> None:
    """A certificate that does not fit its key is one line; with one that does, the page is served."""
    if not (openssl := which("openssl")):
        pytest.skip("no openssl on this machine: apt-get install openssl")
    files = [tmp_path / "cert.pem", tmp_path / "key.pem"]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=desk.example"]
    making = [openssl, *made, "-out", files[0], "-keyout", files[1]]
    await asyncio.to_thread(subprocess.run, making, check=True, capture_output=True)
    folder = StateFolder.of(config)
    with pytest.raises(InputError, match="--certificate"):
        async with served(config, folder, certificate=files[1], key=files[0]):
            pass
    async with served(config, folder, certificate=files[0], key=files[1], names=("desk.example",)) as page:
        assert page.url == f"https://desk.example:{page.port}/"
        trusting = ssl.create_default_context(cafile=str(files[0]))
        trusting.check_hostname = False
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as session:
            own = f"https://127.0.0.1:{page.port}"
            for host, status in ((f"desk.example:{page.port}", 200), (f"other.example:{page.port}", 403)):
                asked = session.post(f"{own}/login", json={"token": TOKEN}, headers={"Host": host})
                async with asked as answer:
                    assert answer.status == status
                    assert ("Secure" in answer.headers.get("Set-Cookie", "")) == (status == 200)
