"""What a command does to orders that are out, the way through engine and bridge to the simulated gateway."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from momentum_kit.simgateway import SimulatedGateway
from momentum_kit.simgateway.broker.fills import FillEngine
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import engine_of, market, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_sellers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A market in which no buying order finds anybody."""
    usual = FillEngine.can_trade
    monkeypatch.setattr(
        FillEngine,
        "can_trade",
        lambda engine, ticket, at: ticket.order.action != "BUY" and usual(engine, ticket, at),
    )


def working(gateway: SimulatedGateway) -> int:
    """Buying orders that may still fill."""
    orders = gateway.truth()["orders"]
    return sum(order["action"] == "BUY" and order["status"] not in ("Filled", "Cancelled") for order in orders)


@pytest.mark.usefixtures("no_sellers")
@pytest.mark.parametrize("name", ["pause", "reduce_only", "flatten", "kill", "stop"])
async def test_no_command_leaves_an_entry_working(project: Path, name: str) -> None:
    """Whoever forbids entries means the one that has not filled yet as well: nothing is bought behind a command."""
    async with market(project) as gateway:
        config = configure(project, gateway.port, lasting=True, clock={"rate": 500}, exits={"entry_timeout_s": 3600.0})
        async with engine_of(project, config) as engine:
            engine.start()
            await until(engine, lambda _: working(gateway), "a working entry")
            await engine.command(name, "a trader")
            before = engine.status().market_time
            status = await until(engine, lambda _: not working(gateway), "no entry works")
            assert status.market_time - before < timedelta(minutes=1)  # its own time-out comes an hour later
            assert not status.positions
