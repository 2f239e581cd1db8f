"""The doctor in front of gateways that are ill in one way each: it names the illness, and what to do about it."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from momentum_kit.config import find_project
from momentum_kit.runtime.doctor import Finding, Grade, examination, gateway_checks
from momentum_kit.simgateway.scenario import (
    CompetingSession,
    ConnectivityLost,
    FarmFlap,
    parse_scenario,
)
from momentum_kit.simgateway.server import SimulatedGateway

LONG_S = 1e6  # market seconds
ALONE = {"name": "ill", "seed": 2, "end": "16:00", "universe": {"small_caps": 0, "large_caps": 0}}
Look = Callable[..., Awaitable[dict[str, Finding]]]


@asynccontextmanager
async def market(version: int = 226, **scenario: Any) -> AsyncIterator[SimulatedGateway]:
    """AAPL's market alone, a hundred market seconds a second."""
    async with SimulatedGateway(parse_scenario(ALONE | scenario), speed=100, server_version=version) as gateway:
        yield gateway


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """What the doctor says of a gateway, by check; it is printed too, as a person sees it."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    folder = find_project() / "config"
    path = tmp_path / "config" / "sim.yaml"
    path.parent.mkdir()
    (path.parent / "base.yaml").write_text((folder / "base.yaml").read_text(encoding="utf-8"), encoding="utf-8")

    async def examine(port: int, **settings: Any) -> dict[str, Finding]:
        written = {
            "environment": "sim",
            "broker": {"port": port, "account_prefix": "DU"},
            "clock": {"kind": "scaled", "rate": 100},
            "detection": {"thresholds": str(folder / "thresholds" / "default.yaml")},
        }
        path.write_text(yaml.safe_dump(written | settings), encoding="utf-8")
        began = time.monotonic()
        found = [finding async for finding in examination(path, tmp_path, "AAPL", None)]
        print(*found, sep="\n")  # noqa: T201  to be looked at with pytest -s
        assert time.monotonic() - began < 30
        assert all(finding.advice for finding in found if finding.grade in (Grade.PROBLEM, Grade.WARNING))
        return {finding.check: finding for finding in found}

    return examine


def problems(found: dict[str, Finding]) -> set[str]:
    """The checks that found one."""
    return {check for check, finding in found.items() if finding.grade is Grade.PROBLEM}


async def test_a_gateway_without_ib(look: Look) -> None:
    """It answers the time and nothing else: said once, with IB's windows, and no check waits for it."""
    async with market() as gateway:
        gateway.hub.faults.play(ConnectivityLost(for_s=LONG_S, restored="never"))
        found = await look(gateway.port)
    assert problems(found) == {"link to IB"}
    assert "2110" in found["link to IB"].found
    assert "maintenance" in found["link to IB"].advice
    assert "market data" not in found


@pytest.mark.parametrize(
    ("farm", "ill"),
    [("usfarm", {"market data", "farms"}), ("ushmds", {"history"}), ("secdefnj", {"contract"})],
)
async def test_a_broken_farm(look: Look, farm: str, ill: set[str]) -> None:
    """What it serves has no answer, and each such finding leads to the farm; the others are looked at."""
    async with market() as gateway:
        gateway.hub.faults.play(FarmFlap(farm=farm, for_s=LONG_S))
        found = await look(gateway.port)
    assert problems(found) == ill
    assert farm in found["farms"].found
    assert farm in found[min(ill - {"farms"})].found + found[min(ill - {"farms"})].advice
    assert found["account"].grade is found["news"].grade is Grade.OK


async def test_only_delayed_data(look: Look) -> None:
    """10089: the live line is silent, delayed data comes and never opens a position."""
    async with market(market_data_type=3) as gateway:
        found = await look(gateway.port)
    assert problems(found) == {"market data"}
    assert "10089" in found["market data"].found
    assert "delayed" in found["market data"].found
    assert "Client Portal" in found["market data"].advice


async def test_another_login_has_the_data(look: Look) -> None:
    """10197: who may have it, and that it may take a while."""
    async with market() as gateway:
        gateway.hub.faults.play(CompetingSession(for_s=LONG_S))
        found = await look(gateway.port)
    assert problems(found) == {"market data"}
    assert "10197" in found["market data"].found
    assert "username of its own" in found["market data"].advice


async def test_a_gateway_whose_settings_are_wrong(look: Look) -> None:
    """Read-only is seen in the settings and by an order that would be refused; each setting has its box and reason."""
    wrong = {
        "read_only": True, "bypass_order_precautions": False, "bypass_no_overfill_protection": True,
        "lots_for_us_stocks": True, "reject_above_max_rate": False, "resubmit_on_reconnect": True,
    }  # fmt: skip
    async with market(api=wrong) as gateway:
        found = await look(gateway.port)
    assert problems(found) == {"read-only", "sizes", "orders"}
    assert {check for check, each in found.items() if each.grade is Grade.WARNING} >= {
        "order presets", "overfill", "orders again",
    }  # fmt: skip
    assert "(321)" in found["orders"].found
    assert "Read-Only API" in found["orders"].advice
    assert found["protection"].grade is Grade.ASK


async def test_a_gateway_that_tells_no_settings(look: Look) -> None:
    """Below server version 219 a person is asked for each, and read-only is seen by the order all the same."""
    async with market(version=200, api={"read_only": True}) as gateway:
        found = await look(gateway.port)
    asked = {check for check, each in found.items() if each.grade is Grade.ASK}
    assert asked == {"read-only", "order presets", "overfill", "sizes", "orders again", "message rate", "protection"}
    assert problems(found) == {"orders"}


async def test_news_that_this_username_may_not_read(look: Look) -> None:
    """Which tapes are missing, and that they belong to the username."""
    async with market(news={"providers": ["BRFG"]}) as gateway:
        found = await look(gateway.port, news={"broad_tapes": ["BRFG", "DJ-N"]})
        assert found["news"].grade is Grade.WARNING
        assert "not DJ-N" in found["news"].found
        assert "username" in found["news"].advice
        found = await look(gateway.port, news={"broad_tapes": ["DJ-N"]})
        assert found["news"].grade is Grade.PROBLEM


@pytest.mark.parametrize("answers", ["nothing", "the hello alone"])
async def test_a_silent_gateway(look: Look, answers: str) -> None:
    """It takes the connection and says nothing, or nothing after the hello: a person has to look at its window."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answers != "nothing":
            await reader.readexactly(8)
            body = b"200\0" + b"20260405 23:49:26 UTC\0"
            writer.write(len(body).to_bytes(4, "big") + body)
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        found = await look(server.sockets[0].getsockname()[1], broker={
            "port": server.sockets[0].getsockname()[1], "account_prefix": "DU", "connect_timeout_s": 1,
        })  # fmt: skip
    assert problems(found) == {"gateway"}
    assert "two-factor" in found["gateway"].advice


@pytest.mark.parametrize(("ahead_s", "grade"), [(0.08, Grade.OK), (-0.9, Grade.WARNING), (14.0, Grade.PROBLEM)])
async def test_the_clock_is_compared_to_the_millisecond(
    look: Look, monkeypatch: pytest.MonkeyPatch, ahead_s: float, grade: Grade
) -> None:
    """Which way and by how much, with what the answers' way gives or takes."""
    async with SimulatedGateway(parse_scenario(ALONE), server_version=226, lock_step_s=0.001) as gateway:
        monkeypatch.setattr(gateway_checks, "time", lambda: gateway.hub.now.timestamp() + ahead_s)
        finding = (await look(gateway.port, clock={"kind": "wall"}))["clock"]
    assert finding.grade is grade
    ahead_ms, give_ms = map(float, re.findall(r"[+-]?[\d,]+(?= ms)", finding.found.replace(",", "")))
    assert ahead_ms == pytest.approx(ahead_s * 1000, abs=give_ms + 10)
