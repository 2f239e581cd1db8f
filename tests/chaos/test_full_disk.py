"""A disk that refuses writes in mid-run: entries stop, exits go on, and both are said in words."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from momentum_kit.config import load_config
from momentum_kit.errors import GuardRefused
from momentum_kit.models.session import TradingState
from momentum_kit.notebook.tables import table
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.engine import EngineProcess, new_run_dir, start_engine
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import configure, wait_status

FULL = 8192  # bytes a file may have: databases and log are beyond that, a last word is not
UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def engine(project: Path, gateway: Gateway) -> Iterator[EngineProcess]:
    """An engine that holds a position; ended at the end."""
    config = configure(project, gateway.port, lasting=True, clock={"rate": 200})
    started = start_engine(config, {}, new_run_dir(load_config(config), project))
    client = ControlClient(started.address)
    client.start()
    wait_status(client, lambda status: status.positions, "a position")
    yield started
    started.finish()


def limit(engine: EngineProcess, size: int) -> None:
    """Let no file of the engine grow beyond a size, as a full disk would."""
    psutil.Process(engine.address.pid).rlimit(psutil.RLIMIT_FSIZE, (size, UNLIMITED))


def test_a_full_disk_stops_entries_but_no_exit(engine: EngineProcess, gateway: Gateway) -> None:
    """Reduce-only, in words; the position is closed all the same, and the lost rows make status 1."""
    client = ControlClient(engine.address)
    limit(engine, FULL)
    status = wait_status(client, lambda status: status.state is TradingState.REDUCE_ONLY, "entries off")
    assert "journal cannot be written" in status.reason
    assert any(incident.startswith("disk: journal") for incident in status.incidents)
    with pytest.raises(GuardRefused, match="make room"):
        client.command("resume", "test")
    entries = status.counts["entries"]
    client.command("flatten", "test")
    flat = wait_status(client, lambda status: not status.positions, "the exit")
    assert flat.counts["entries"] == entries
    assert engine.finish() == 1
    assert "rows were not written" in engine.last_words()
    known = gateway.truth()
    assert known["positions"] == []
    assert not [order for order in known["orders"] if order["open"]]


def test_a_disk_with_room_again(engine: EngineProcess, project: Path) -> None:
    """Nothing was lost: the rows that waited are written, a human may resume, and the session ends with status 0."""
    client = ControlClient(engine.address)
    limit(engine, FULL)
    wait_status(client, lambda status: status.state is TradingState.REDUCE_ONLY, "entries off")
    limit(engine, UNLIMITED)
    wait_status(client, lambda status: "writing again" in str(status.incidents), "the journal works")
    assert "running" in client.command("resume", "test")
    assert engine.finish() == 0
    (journal,) = (project / "runs").glob("*/journal.db")
    incidents = table(journal, "incidents")
    assert "disk" in set(incidents["kind"])
    assert "entries halted" in set(incidents["kind"])


def test_a_kill_on_a_full_disk(engine: EngineProcess, gateway: Gateway) -> None:
    """What cannot be latched is closed all the same, and a human is told."""
    client = ControlClient(engine.address)
    limit(engine, 1)
    client.command("kill", "test")
    assert engine.finish() == 1
    assert gateway.truth()["positions"] == []
