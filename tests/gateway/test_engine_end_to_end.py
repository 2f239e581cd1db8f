"""The whole pipeline in one process: official client, real socket, simulated gateway, real SQLite."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from momentum_kit import Kit
from momentum_kit.errors import DatabaseTooNew, EngineError, GuardRefused
from momentum_kit.models import TradingState
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.runtime.sim import gateway_process
from momentum_kit.storage.journal import SqliteIntents, decisions_digest
from tests.chaos.chaos_processes import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.timeout(400)  # whole mornings, which a busy machine takes minutes for


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def gateway_port(project: Path) -> Iterator[int]:
    """A simulated gateway in lock-step, in a process of its own."""
    arguments = ["--port", "0", "--scenario", "demo", "--seed", "3", "--lock-step", "1.0"]
    with gateway_process(arguments, project / "gateway.err") as port:
        yield port


def config_of(project: Path) -> Path:
    """The simulation's configuration."""
    return project / "config" / "demo.yaml"


async def test_a_session_from_open_to_stop(project: Path, gateway_port: int) -> None:
    """Headlines become decisions, orders and fills; at the end nothing is held and nothing is left running."""
    before = set(threading.enumerate())
    kit = await Kit.open(config_of(project), port=gateway_port, run_dir=project, in_process=True)
    assert kit.status().state is TradingState.PAUSED
    await kit.start(until="10:00")
    final = await kit.wait()
    assert final.state is TradingState.STOPPED
    assert final.positions == ()
    assert final.incidents == ()
    assert final.counts["headlines"] > 5
    summary = kit.summary()
    assert summary["signals"] > 0
    assert summary["fills"] > 0
    with closing(sqlite3.connect(f"file:{kit.journal}?mode=ro", uri=True)) as journal:
        unexplained = journal.execute("SELECT count(*) FROM decisions WHERE verdict = 'skip' AND reason = ''")
        assert unexplained.fetchone() == (0,)
    for thread in set(threading.enumerate()) - before:
        if not thread.name.startswith("asyncio_"):  # the pool of this test's own loop ends with the loop
            thread.join(60)
            assert not thread.is_alive(), thread.name


async def test_the_wire_changes_no_decision(project: Path) -> None:
    """A morning in text and the same one in protobuf: the same decisions, to the last feature."""
    digests, wires = [], []
    for version in ("200", "226"):
        arguments = [
            "--port",
            "0",
            "--scenario",
            "demo",
            "--seed",
            "3",
            "--lock-step",
            "1.0",
            "--server-version",
            version,
        ]
        folder = project / version
        folder.mkdir()
        with gateway_process(arguments, project / "gateway.err") as port:
            kit = await Kit.open(config_of(project), port=port, run_dir=folder, in_process=True)
            wires.append(kit.status().health.server_version)
            await kit.start(until="09:45")
            assert (await kit.wait()).incidents == ()
            digests.append(decisions_digest(kit.journal))
    assert wires == [200, 226]
    assert digests[0] == digests[1]


def test_a_demo_from_end_to_end(project: Path) -> None:
    """`momentum-kit demo` on a small market: both planted stories traded, a report, one object printed, status 0."""
    (project / "notebooks").symlink_to(ROOT / "notebooks")
    market = project / "small.yaml"
    market.write_text(json.dumps({"end": "09:46", "universe": {"small_caps": 4}, "news": {"planted": 2, "neutral": 2}}))
    command = [sys.executable, "-m", "momentum_kit.cli", "demo", "--scenario", str(market), "--seed", "7", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["headlines"], summary["planted"], summary["caught"], summary["round_trips"]) == (4, 2, 2, 2)
    assert summary["latency_ms"]["n"] == 2
    assert summary["wall_s"] > 0
    (report,) = project.glob("runs/*/production.html")
    assert "What needs a human" in report.read_text()


async def test_commands_reach_the_engine(project: Path, gateway_port: int) -> None:
    """Pause and resume are obeyed, a second kit attaches, kill latches until a human clears it."""
    kit = await Kit.open(config_of(project), port=gateway_port, run_dir=project, in_process=True)
    await kit.start()
    assert "paused" in await kit.pause()
    second = await Kit.open(config_of(project), port=gateway_port)
    assert not second.started_here
    assert second.status().state is TradingState.PAUSED
    assert "running" in await second.resume()
    await kit.kill()
    final = await kit.wait()
    assert final.state is TradingState.KILLED
    with pytest.raises(GuardRefused, match="kill switch is latched"):
        await Kit.open(config_of(project), port=gateway_port, run_dir=project, in_process=True)


async def test_commands_without_an_await_act_all_the_same(
    project: Path, gateway_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is obeyed, in its order, while this loop does not turn; a kill's latch stands; a refusal is told."""
    kit = await Kit.open(config_of(project), port=gateway_port, run_dir=project, in_process=True)
    kit.start()
    kit.resume()
    kit.pause()
    assert repr(kit.set_thresholds(min_z_tod=5.0)).startswith("set_thresholds: thresholds")
    assert kit.status().state is TradingState.PAUSED
    kit.kill()
    wait_until(lambda: not kit.running, "the engine ends")
    assert StateFolder.of(kit.config).killed.startswith("by kit")
    assert capsys.readouterr().err == ""
    kit.pause()
    wait_until(lambda: "pause: NOT OBEYED: " in capsys.readouterr().err, "the refusal is told")


async def test_a_closed_port_is_one_clear_line(project: Path) -> None:
    """Nobody listens: the engine process says so and leaves no control file behind."""
    with pytest.raises(EngineError, match=r"127\.0\.0\.1:9;") as caught:
        await Kit.open(config_of(project), port=9, run_dir=project)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    assert not list((project / "state").rglob("control.json"))


async def test_a_start_that_is_refused_leaves_no_file_open(project: Path) -> None:
    """Intents of a later kit refuse the engine of this process, and the journal opened before them is closed."""
    data = project / "data"
    data.mkdir()
    SqliteIntents(data / "intents-sim-4999.db").close()
    with closing(sqlite3.connect(data / "intents-sim-4999.db")) as intents:
        intents.execute("PRAGMA user_version = 9999")
    with pytest.raises(DatabaseTooNew):
        await Kit.open(config_of(project), port=4999, run_dir=project, in_process=True)
    assert (project / "journal.db").exists()
    assert not (project / "journal.db-wal").exists()  # SQLite takes it away with the last connection


async def test_live_is_never_hosted_in_the_kernel(project: Path) -> None:
    """in_process is for simulation; a live configuration refuses it."""
    live = project / "live.yaml"
    live.write_text(json.dumps({"environment": "live", "broker": {"port": 4001, "account_prefix": "U"}}))
    shutil.copytree(ROOT / "config" / "thresholds", project / "thresholds")
    with pytest.raises(GuardRefused, match="process"):
        await Kit.open(live, in_process=True, run_dir=project)
    assert os.environ["MOMENTUM_KIT_STATE_DIR"]
