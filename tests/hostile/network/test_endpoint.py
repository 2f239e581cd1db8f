"""The engine's own endpoint and bodies that are packed: whoever sends one, the loop that trades does not unpack it."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from momentum_kit.runtime.endpoint import EventHub
from momentum_kit.runtime.endpoint.server import ControlServer
from tests.helpers.told_endpoint import snapshot


class Told:
    """An engine that keeps what it was told."""

    def __init__(self) -> None:
        self.hub = EventHub()
        self.commands: list[str] = []

    def asked(self) -> None:
        """A client is there."""

    def status(self) -> object:
        """A session that runs."""
        return snapshot(Path())

    async def command(self, name: str, _source: str, _symbol: str = "") -> str:
        """Kept."""
        self.commands.append(name)
        return "done"


@pytest.fixture
async def engine() -> Told:
    """On the loop of the test."""
    return Told()


@pytest.fixture
async def control(engine: Told) -> AsyncIterator[ControlServer]:
    """Its endpoint."""
    server = ControlServer(engine)  # type: ignore[arg-type]
    await server.start()
    yield server
    await server.stop()


@pytest.mark.parametrize(("packed", "name"), [(gzip.compress, "gzip"), (zlib.compress, "deflate")])
async def test_a_packed_body_is_not_unpacked(
    engine: Told, control: ControlServer, packed: Callable[[bytes], bytes], name: str
) -> None:
    """Twenty of a few megabytes, sent by anybody on the machine, hold the loop for seconds before a token is asked."""
    url, token = f"http://127.0.0.1:{control.port}/command", {"Authorization": f"Bearer {control.token}"}
    async with aiohttp.ClientSession(headers=token) as session:
        body = packed(json.dumps({"command": "pause"}).encode())
        headers = {"Content-Encoding": name, "Content-Type": "application/json"}
        async with session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 400
        assert engine.commands == []
        async with session.post(url, json={"command": "pause"}) as answer:
            assert answer.status == 200
    assert engine.commands == ["pause"]
