"""The doctor in front of a gateway that is well, one that is not, and none."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from momentum_kit.bridge import IBKRBridge
from momentum_kit.cli import main
from momentum_kit.config import find_project, load_config
from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import Execution, OrderAction, OrderRequest
from momentum_kit.runtime.doctor import Finding, Grade, examination, machine_checks
from momentum_kit.runtime.ownership import Restriction, StateFolder
from momentum_kit.simgateway.server import SimulatedGateway


@pytest.fixture
async def gateway() -> AsyncIterator[Any]:
    """AAPL's market, twenty market seconds a second: its hour lasts longer than a test on a busy machine."""
    async with SimulatedGateway("single", speed=20) as gateway:
        yield gateway


@pytest.fixture
def config(tmp_path: Path, gateway: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of this gateway in a project of its own."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    folder = find_project() / "config"
    written = {
        "environment": "sim",
        "broker": {"port": gateway.port, "account_prefix": "DU"},
        "clock": {"kind": "scaled", "rate": 20},
        "detection": {"thresholds": str(folder / "thresholds" / "default.yaml")},
    }
    path = tmp_path / "config" / "sim.yaml"
    path.parent.mkdir()
    (path.parent / "base.yaml").write_text((folder / "base.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return path


async def examine(config: Path, project: Path) -> list[Finding]:
    """All that the doctor says."""
    return [finding async for finding in examination(config, project, "AAPL", None)]


def rewrite(config: Path, old: str, new: str) -> None:
    """Change a configuration on disk."""
    config.write_text(config.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    """Findings under their names."""
    return {finding.check: finding for finding in findings}


async def test_a_gateway_that_is_well(config: Path, tmp_path: Path) -> None:
    """Every check is made, none finds a problem, nothing is traded."""
    found = by_check(await examine(config, tmp_path))
    assert [f"{f}" for f in found.values() if f.grade is Grade.PROBLEM] == []
    assert list(found) == [
        "software", "configuration", "disk", "state folder", "symbols", "kill switch", "calendar", "gateway",
        "link to IB", "account",
        "clock", "read-only", "order presets", "overfill", "sizes", "orders again", "message rate", "news", "contract",
        "history", "market data", "farms", "orders", "protection",
    ]  # fmt: skip
    assert "live" in found["market data"].found
    assert found["protection"].found == "nothing held"


async def test_a_market_faster_than_the_configured_clock_is_named(config: Path, tmp_path: Path) -> None:
    """With the wrong rate every headline would look old, or new for ever."""
    rewrite(config, "rate: 20", "rate: 1")
    finding = by_check(await examine(config, tmp_path))["clock"]
    assert finding.grade is Grade.WARNING
    assert "clock.rate is 1" in finding.found
    assert "--speed" in finding.advice


@pytest.mark.parametrize("rate", [1, 20])
async def test_a_market_that_stands_still_is_named(
    config: Path, tmp_path: Path, gateway: Any, monkeypatch: pytest.MonkeyPatch, rate: int
) -> None:
    """A simulated day that is over: nothing would ever happen there, at whatever rate."""
    rewrite(config, "rate: 20", f"rate: {rate}")
    monkeypatch.setattr(gateway, "_go_on", lambda: None)
    finding = by_check(await examine(config, tmp_path))["clock"]
    assert finding.grade is Grade.WARNING
    assert "stands still" in finding.found


async def test_a_position_without_a_stop_is_named(config: Path, tmp_path: Path, gateway: Any) -> None:
    """What nobody protects is said before the night, with its size."""
    async with IBKRBridge(port=gateway.port, client_id=5, messages_per_s=float("inf")) as hand:
        contract = (await hand.fetch_contract_details(Contract("AAPL")))[0].contract
        await hand.place_order(contract, OrderRequest(action=OrderAction.BUY, quantity=Decimal(7), order_type="MKT"))
        async with asyncio.timeout(60):
            async for event in hand.stream_order_events():
                if isinstance(event, Execution) and event.cumulative_shares == 7:
                    break
    finding = by_check(await examine(config, tmp_path))["protection"]
    assert finding.grade is Grade.WARNING
    assert "AAPL" in finding.found
    assert "(7)" in finding.found


async def test_the_wrong_account_and_a_latched_kill_switch(config: Path, tmp_path: Path) -> None:
    """One look shows everything that is wrong."""
    rewrite(config, "account_prefix: DU", "account: DU0000001\n  account_prefix: DU")
    folder = StateFolder(load_config(config).owner_key)
    folder.create()
    folder.latch(Restriction("kill", "a test"))
    found = by_check(await examine(config, tmp_path))
    assert found["kill switch"].grade is Grade.PROBLEM
    assert found["account"].grade is Grade.PROBLEM
    assert found["contract"].grade is Grade.OK  # the others are looked at all the same


def test_no_gateway(
    tmp_path: Path, own_port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A closed port is a problem with its remedy, exit status 1."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    status = main(["doctor", "--config", str(find_project() / "config" / "sim.yaml"), "--port", str(own_port)])
    said = capsys.readouterr().out
    assert status == 1
    assert "problem  gateway" in said
    assert "0 for you to look at" in said
    assert "enable its API socket" in said
    assert said.splitlines()[-1].startswith("8 checks: 1 problems")


@pytest.mark.parametrize(("kernel", "grade"), [("6.31.0", "ok"), ("7.2.0", "warning"), ("7.4.0", "ok")])
def test_a_kernel_that_can_strand_is_warned_of(monkeypatch: pytest.MonkeyPatch, kernel: str, grade: str) -> None:
    """A kernel of 7.0 to 7.2 may take no cell any more: said before a session, with the remedy."""
    installed = machine_checks.version
    monkeypatch.setattr(machine_checks, "version", lambda name: kernel if name == "ipykernel" else installed(name))
    found = machine_checks.software()
    assert found.grade == grade
    assert ("install 7.4" in found.advice) == (grade == "warning")
