"""What a real engine's control endpoint answers to mistakes; deliberate attacks are in test_control_attacks.py."""

import http.client
import json
import stat
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.errors import GuardRefused, InputError
from momentum_kit.models.session import TradingState
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import PATIENCE_S, configure


@pytest.fixture
async def address(project: Path, gateway: Gateway) -> AsyncIterator[ControlAddress]:
    """Where an engine in a process of its own listens; at the end it is as it was."""
    kit = await Kit.open(configure(project, gateway.port))
    found = StateFolder(kit.config.owner_key).address()
    assert found
    yield found
    assert kit.status().state is TradingState.PAUSED
    assert (await kit.stop()).incidents == ()


def ask(
    address: ControlAddress, path: str = "/status", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """One request; a body makes it a POST. Without headers it carries the token."""
    connection = http.client.HTTPConnection("127.0.0.1", address.port, timeout=PATIENCE_S)
    try:
        given = {"Authorization": f"Bearer {address.token}"} if headers is None else headers
        connection.request("GET" if body is None else "POST", path, body, given)
        response = connection.getresponse()
        text = response.read()
        assert response.getheader("Access-Control-Allow-Origin") is None
        return response.status, json.loads(text) if text.startswith(b"{") else {}
    finally:
        connection.close()


async def test_mistakes_have_their_status(address: ControlAddress) -> None:
    """No token, a wrong one, a wrong Host, another origin's preflight, too much, nonsense: each with its status."""
    token = {"Authorization": f"Bearer {address.token}"}
    assert ask(address)[0] == 200
    assert ask(address, headers={})[0] == 401
    assert ask(address, headers={"Authorization": "Bearer wrong"})[0] == 401
    assert ask(address, headers={"Authorization": "Bearer \xff\xfe"})[0] == 401
    assert ask(address, "/command", b'{"command": "kill"}', headers={})[0] == 401
    assert ask(address, headers={**token, "Host": "evil.example"})[0] == 403
    assert ask(address, headers={**token, "Host": f"evil.example:{address.port}"})[0] == 403
    assert ask(address, "/command", b'{"command": "' + b"x" * 100_000 + b'"}')[0] == 413
    assert ask(address, "/command", b"{not json")[0] == 400
    assert ask(address, "/command", b"\xff\xfe")[0] == 400
    assert ask(address, "/command", b"[" * 30_000)[0] == 400
    assert ask(address, "/command", b"[]")[0] == 400
    assert ask(address, "/command", b"{}")[0] == 400
    status, answer = ask(address, "/command", b'{"command": "format_disk"}')
    assert (status, answer["kind"]) == (400, "input")
    assert "known: pause" in answer["error"]
    assert ask(address, "/command")[0] == 405
    assert ask(address, "/start", b'{"until": "tomorrow"}')[0] == 400
    assert ask(address, "/start", b'{"until": "2026-11-20T15:00:00"}')[0] == 400
    assert ask(address, "/start", b'{"until": [1]}')[0] == 400
    assert ask(address, "/history")[0] == 400
    assert ask(address, "/history?symbol=AAPL&duration=1+D&bar_size=1+fortnight")[0] == 400
    assert ask(address, "/../etc/passwd")[0] == 404
    assert ask(address, "/command", b'{"command": "resume"}')[0] == 409


async def test_the_token_is_private_and_failures_have_types(address: ControlAddress, project: Path) -> None:
    """Files 0600 in a 0700 folder; the client turns refusals into the error tree."""
    folder = next(path for path in (project / "state" / "momentum_kit").iterdir() if path.is_dir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    client = ControlClient(address)
    with pytest.raises(InputError, match="unknown command"):
        client.command("dance", "test")
    with pytest.raises(GuardRefused, match="not started"):
        client.command("resume", "test")
