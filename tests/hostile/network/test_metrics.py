"""The page's numbers as a collector, and as somebody who has laid his hand on its token, asks for them."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from momentum_kit.config import load_config
from momentum_kit.models.session import PositionView
from momentum_kit.notebook.page import PageAddress, PageServer, page_token
from momentum_kit.notebook.page.logins import METRICS_FILE, read_token
from tests.helpers.told_endpoint import AT, ToldEndpoint, told_endpoint

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 30.0


@pytest.fixture
async def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ToldEndpoint]:
    """An engine that says what it is told to."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    async with told_endpoint(load_config(ROOT / "config" / "sim.yaml"), tmp_path / "run") as served:
        yield served


@asynccontextmanager
async def page_of(endpoint: ToldEndpoint) -> AsyncIterator[tuple[PageServer, Path]]:
    """Served, with the file of its collector's token."""
    page_token(endpoint.folder)
    _, file = page_token(endpoint.folder, METRICS_FILE)
    config = load_config(ROOT / "config" / "sim.yaml")
    page = PageServer(config, endpoint.folder, PageAddress(port=0), token=lambda: read_token(endpoint.folder))
    await page.start()
    try:
        yield page, file
    finally:
        await page.stop()


async def ask(port: int, authorization: str, path: str = "/metrics") -> tuple[int, bytes]:
    """One GET; its status and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: {authorization}\r\nConnection: close\r\n\r\n"
    writer.write(f"GET {path} HTTP/1.1\r\n{head}".encode())
    try:
        async with asyncio.timeout(PATIENCE_S):
            said = await reader.read()
    finally:
        writer.close()
    return int(said.split()[1]), said.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("token", ["", "a", "fifteen-letters"])
async def test_a_token_that_is_too_short_opens_nothing(endpoint: ToldEndpoint, token: str) -> None:
    """Another's hand has been in the file."""
    async with page_of(endpoint) as (page, file):
        file.write_text(token)
        assert (await ask(page.port, f"Bearer {token}"))[0] == 401


async def test_a_pipe_in_the_place_of_the_token_holds_up_nobody(endpoint: ToldEndpoint) -> None:
    """It is no token, and nobody waits for what it may say one day."""
    async with page_of(endpoint) as (page, file):
        file.unlink()
        os.mkfifo(file)
        try:
            assert {(await ask(page.port, f"Bearer {'x' * 24}"))[0] for _ in range(40)} == {401}
        finally:
            os.close(os.open(file, os.O_RDWR | os.O_NONBLOCK))  # whoever still waits for a writer has one


@pytest.mark.parametrize("symbol", ['A"B\\C\nmomentum_kit_engine{state="none"} 1\n# x', "A\ud800"])
async def test_no_symbol_breaks_the_numbers(endpoint: ToldEndpoint, symbol: str) -> None:
    """Neither one that reads like a row of its own, nor half a character."""
    held = PositionView(
        symbol=symbol, con_id=1, quantity=1.0, average_price=5.0, last_price=5.1, unrealised_usd=1.0, stop_price=4.9,
        r=1.0, opened_at=AT,
    )  # fmt: skip
    endpoint.status = replace(endpoint.status, positions=(held,))
    async with page_of(endpoint) as (page, file):
        text = b""
        for _ in range(300):
            status, text = await ask(page.port, f"bearer {file.read_text()}")  # the scheme is the same in small letters
            assert status == 200
            if b"position_shares{" in text:
                break
            await asyncio.sleep(0.1)
        families = text_string_to_metric_families(text.decode())
        engine = [sample for family in families for sample in family.samples if sample.name == "momentum_kit_engine"]
        assert sorted(sample.value for sample in engine) == [0, 0, 1]
