"""Attacks on a real engine's control endpoint, printed as a table (pytest -s): all refused, and the engine lives on."""

import http.client
import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from momentum_kit.models.session import TradingState
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.runtime.endpoint.socket import CONNECTIONS
from momentum_kit.runtime.endpoint.stream import READERS
from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import PATIENCE_S, configure, wait_until

IDLE = 2_000
DROPPED = "dropped"


class Attacker:
    """Speaks raw HTTP to one endpoint; every method returns the status line's code, or that it was dropped."""

    def __init__(self, address: ControlAddress) -> None:
        self.address = address
        self.host = f"127.0.0.1:{address.port}"
        self.token = f"Bearer {address.token}"

    def ask(self, path: str = "/status", method: str = "GET", body: bytes | None = None, **headers: str) -> str:
        """A well-formed request; without further words it carries the right token."""
        connection = http.client.HTTPConnection("127.0.0.1", self.address.port, timeout=PATIENCE_S)
        given = {"Authorization": self.token, **{name.replace("_", "-"): value for name, value in headers.items()}}
        try:
            connection.request(method, path, body, {name: value for name, value in given.items() if value})
            response = connection.getresponse()
            assert not [name for name, _ in response.getheaders() if name.lower().startswith("access-control")]
            return str(response.status)
        except (http.client.RemoteDisconnected, ConnectionError):
            return DROPPED
        finally:
            connection.close()

    def raw(self, *pieces: bytes, pause_s: float = 0.0) -> str:
        """Bytes, with a pause after each piece, and what comes back."""
        with socket.create_connection(("127.0.0.1", self.address.port), timeout=60) as sent:
            try:
                for piece in pieces:
                    sent.sendall(piece)
                    time.sleep(pause_s)
                answer = sent.recv(200)
            except ConnectionError:
                return DROPPED
        return answer.split()[1].decode() if answer else DROPPED

    def head(self, rest: str = "", method: str = "POST", path: str = "/command") -> bytes:
        """A request's header with the right token."""
        return f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: {self.token}\r\n{rest}".encode()


def attacks(a: Attacker) -> Iterator[tuple[str, Callable[[], str], set[str]]]:
    """What is tried, how, and the answers that are a refusal."""
    kill = b'{"command": "kill"}'
    dropped = {DROPPED, "400", "408"}
    yield "no token", lambda: a.ask(Authorization=""), {"401"}
    yield "wrong token", lambda: a.ask(Authorization="Bearer wrong"), {"401"}
    yield "token in the query", lambda: a.ask(f"/status?token={a.address.token}", Authorization=""), {"401"}
    yield "kill without token", lambda: a.ask("/command", "POST", kill, Authorization=""), {"401"}
    yield "metrics without token", lambda: a.ask("/metrics", Authorization=""), {"401"}
    yield "events without token", lambda: a.ask("/events", Authorization=""), {"401"}
    yield "wrong Host (DNS rebinding)", lambda: a.ask(Host="evil.example"), {"403"}
    yield "wrong Host, right port", lambda: a.ask(Host=f"evil.example:{a.address.port}"), {"403"}
    yield "a web page (Origin)", lambda: a.ask("/command", "POST", kill, Origin="https://evil.example"), {"403"}
    yield "a local file's page (Origin null)", lambda: a.ask("/status", Origin="null"), {"403"}
    yield "preflight", lambda: a.ask("/command", "OPTIONS", Origin="https://evil.example"), {"403"}
    yield "oversized body", lambda: a.ask("/command", "POST", b'"' + b"x" * 1_000_000 + b'"'), {"413", DROPPED}
    yield "oversized body, chunked", lambda: a.raw(
        a.head("Transfer-Encoding: chunked\r\n\r\n"), b"20000\r\n" + b"x" * 0x20000 + b"\r\n0\r\n\r\n"
    ), {"413", DROPPED}  # fmt: skip
    yield "slow body", lambda: a.raw(a.head("Content-Length: 30\r\n\r\n{")), {"408"}
    yield "slow headers", lambda: a.raw(*[b"GET /status HTTP/1.1\r\n", *[b"X: y\r\n"] * 14], pause_s=0.5), dropped
    yield "connected and silent", lambda: a.raw(b""), dropped
    yield "garbage", lambda: a.raw(b"\x16\x03\x01\x02\x00\x01\xff\xfe\r\n\r\n"), dropped
    yield "huge header", lambda: a.ask(X_Large="x" * 100_000), {"400", "431", DROPPED}
    yield (
        "thousands of headers",
        lambda: a.raw(a.head("".join(f"X-{n}: y\r\n" for n in range(3_000))) + b"\r\n"),
        dropped,
    )
    yield "huge address", lambda: a.ask("/" + "x" * 100_000), {"400", "414", DROPPED}
    yield "path traversal", lambda: a.ask("/../../etc/passwd"), {"404"}
    yield "path traversal, encoded", lambda: a.ask("/%2e%2e/%2e%2e/etc/passwd"), {"404"}
    yield "unknown charset", lambda: a.ask("/command", "POST", kill, Content_Type="text/x; charset=nope"), {"400"}
    yield "two lengths (smuggling)", lambda: a.raw(
        a.head("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}")
    ), dropped  # fmt: skip
    yield "a number that is none", lambda: a.ask("/events", Last_Event_ID="9" * 400), {"400"}


@pytest.fixture
async def kit(project: Path, gateway: Gateway) -> Kit:
    """An engine in a process of its own."""
    return await Kit.open(configure(project, gateway.port))


async def test_every_attack_is_refused_and_the_engine_lives_on(kit: Kit) -> None:
    """Nothing but the right token, asked the right way, gets in; slow and greedy clients hold nobody up."""
    address = StateFolder(kit.config.owner_key).address()
    assert address
    attacker = Attacker(address)
    tried = list(attacks(attacker))
    with ThreadPoolExecutor(len(tried)) as pool:
        answers = [future.result() for future in [pool.submit(attack) for _, attack, _ in tried]]
    rows = [(name, answer, answer in fine) for (name, _, fine), answer in zip(tried, answers, strict=True)]
    print()  # noqa: T201
    for name, answer, refused in rows:
        print(f"{name:36} {answer:8} {'refused' if refused else 'GOT THROUGH'}")  # noqa: T201
    assert [row for row in rows if not row[2]] == []
    with ExitStack() as held:
        _hold_idle_connections(held, address)
        engine = psutil.Process(address.pid)  # a batch that was just accepted takes a moment to be turned away
        wait_until(lambda: engine.num_fds() < 2 * CONNECTIONS, "idle connections are dropped")
        descriptors = engine.num_fds()
        assert attacker.ask() == "200"
        words = f"{IDLE} idle connections"
        print(f"{words:36} {DROPPED:8} all but {CONNECTIONS}; {descriptors} descriptors")  # noqa: T201
    with ExitStack() as held:
        _hold_deaf_readers(held, attacker)
        assert attacker.raw(attacker.head("\r\n", "GET", "/events")) == "409"
        assert attacker.ask() == "200"
        print(f"{'one reader of events too many':36} {'409':8} {READERS} that never read")  # noqa: T201
    assert kit.status().state is TradingState.PAUSED
    assert (await kit.stop()).incidents == ()


def _hold_idle_connections(held: ExitStack, address: ControlAddress) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 3 * IDLE)), hard))
    held.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
    for _ in range(IDLE):
        held.enter_context(socket.create_connection(("127.0.0.1", address.port), timeout=PATIENCE_S))


def _hold_deaf_readers(held: ExitStack, attacker: Attacker) -> None:
    for _ in range(READERS):
        deaf = held.enter_context(socket.create_connection(("127.0.0.1", attacker.address.port), timeout=PATIENCE_S))
        deaf.sendall(attacker.head("\r\n", "GET", "/events"))
        assert deaf.recv(15).startswith(b"HTTP/1.1 200")
