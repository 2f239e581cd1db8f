"""Bad input at the command line: one clear line on stderr, exit status 2, nothing half-written, nothing left behind."""

import contextlib
import os
import pty
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from momentum_kit.storage.journal import SqliteIntents

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.timeout(400)  # a few processes each, whose start a busy machine takes minutes for


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a copy of the shipped configuration and the production notebook."""
    for folder in ("config", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Somebody listens and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def momentum_kit(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the project folder and check that it leaves no process behind."""
    environment = {"MOMENTUM_KIT_STATE_DIR": str(project / "state"), "PATH": "/usr/bin:/bin", "HOME": str(project)}
    done = subprocess.run(
        [sys.executable, "-m", "momentum_kit.cli", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["environ"] or {}).get("MOMENTUM_KIT_STATE_DIR") == environment["MOMENTUM_KIT_STATE_DIR"]
    ]
    assert left == []
    return done


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """One line with these words, exit status 2."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]
    assert done.returncode == 2


def run_arguments(config: str, *parameters: str) -> list[str]:
    """`momentum-kit run` of the production notebook."""
    return ["run", "notebooks/production.ipynb", "--config", config, "--out", "out", *parameters]


def test_closed_port(project: Path, own_port: int) -> None:
    """Nobody listens on the port."""
    told = momentum_kit(project, *run_arguments("config/sim.yaml", "-p", "port", str(own_port)))
    refused(told, f"127.0.0.1:{own_port}")
    assert not (project / "out" / "summary.json").exists()


def test_a_person_at_a_terminal_is_told_how_to_steer(project: Path) -> None:
    """A run is silent for hours otherwise; a pipe hears of failures alone."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "momentum_kit.cli", *run_arguments("config/sim.yaml", "-p", "port", "1")],
        cwd=project,
        env={"MOMENTUM_KIT_STATE_DIR": str(project / "state"), "PATH": "/usr/bin:/bin", "HOME": str(project)},
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        timeout=180,
    )
    os.close(theirs)
    first, second = whole(ours).decode().splitlines()
    os.close(ours)
    assert "momentum-kit status, flatten or stop --config config/sim.yaml" in first
    assert "127.0.0.1:1" in second
    assert done.returncode == 2


def whole(terminal: int) -> bytes:
    """All that was written to it; it comes in any pieces."""
    said = b""
    with contextlib.suppress(OSError):  # how a terminal ends that nobody writes to any more
        while piece := os.read(terminal, 4096):
            said += piece
    return said


def test_silent_gateway(project: Path, silent_port: int) -> None:
    """A gateway that accepts and never answers is given up after the connection's time-out."""
    config = project / "quick.yaml"
    config.write_text("environment: sim\nbroker: {connect_timeout_s: 1.0, account_prefix: DU}\n")
    shutil.copytree(ROOT / "config" / "thresholds", project / "thresholds")
    refused(momentum_kit(project, *run_arguments("quick.yaml", "-p", "port", str(silent_port))), str(silent_port))


def test_malformed_yaml(project: Path) -> None:
    """The line of the mistake is named."""
    (project / "bad.yaml").write_text("environment: sim\nbroker: {port: [\n")
    refused(momentum_kit(project, *run_arguments("bad.yaml")), "bad.yaml", "line")


def test_unknown_key(project: Path) -> None:
    """The nearest known key is named."""
    (project / "config" / "bad.yaml").write_text("environment: sim\nbroker: {prot: 4002}\n")
    refused(momentum_kit(project, *run_arguments("config/bad.yaml")), "broker.prot", "did you mean port?")


def test_unknown_parameter(project: Path) -> None:
    """A parameter that the notebook does not declare is refused, with the nearest one named."""
    refused(momentum_kit(project, *run_arguments("config/sim.yaml", "-p", "untill", "15:55")), "untill", "until")


def test_missing_notebook(project: Path) -> None:
    """A notebook that does not exist is named."""
    refused(momentum_kit(project, "run", "no.ipynb", "--config", "config/sim.yaml", "--out", "out"), "no such notebook")


def test_unknown_scenario(project: Path) -> None:
    """A scenario that does not exist; the known ones are listed."""
    refused(momentum_kit(project, "demo", "--scenario", "nowhere"), "nowhere", "demo")
    refused(momentum_kit(project, "sim", "--scenario", "nowhere", "--port", "0"), "nowhere", "demo")


def test_missing_archive_day(project: Path) -> None:
    """An archive without that day says which days it has."""
    (project / "archive").mkdir()
    refused(momentum_kit(project, "demo", "--archive", "archive", "--date", "2013-10-11"), "2013-10-11")


def test_archive_needs_a_date(project: Path) -> None:
    """--archive alone is incomplete."""
    refused(momentum_kit(project, "demo", "--archive", "archive"), "--date")


def test_unknown_option(project: Path) -> None:
    """An unknown option is one line as well."""
    refused(momentum_kit(project, "demo", "--sed", "7"), "--sed")


def test_unwritable_run_folder(project: Path) -> None:
    """A run folder that cannot be made is refused before anything starts."""
    (project / "file").write_text("in the way")
    arguments = ["run", "notebooks/production.ipynb", "--config", "config/sim.yaml", "--out", "file/out"]
    refused(momentum_kit(project, *arguments), "cannot write the run folder")
    (project / "runs").write_text("in the way")
    refused(momentum_kit(project, "demo"), "run folder")


def test_newer_database(project: Path) -> None:
    """A database of a newer version is refused and not touched."""
    data = project / "data"
    data.mkdir()
    file = data / "intents-sim-4999.db"
    SqliteIntents(file).close()
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA user_version = 9999")
    connection.commit()
    connection.close()
    before = file.read_bytes()
    refused(momentum_kit(project, *run_arguments("config/sim.yaml", "-p", "port", "4999")), "newer")
    assert file.read_bytes() == before


def test_wrong_account(project: Path) -> None:
    """A configuration that names an account the gateway does not serve is refused by a guard: status 4."""
    (project / "other.yaml").write_text("environment: sim\nbroker: {account: DU777, account_prefix: DU}\n")
    shutil.copytree(ROOT / "config" / "thresholds", project / "thresholds")
    sim = subprocess.Popen(
        [sys.executable, "-m", "momentum_kit.cli", "sim", "--port", "0", "--scenario", "single", "--json"],
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert sim.stdout
    try:
        port = sim.stdout.readline().split(":")[1].strip(" }\n")
        done = momentum_kit(project, *run_arguments("other.yaml", "-p", "port", port))
    finally:
        sim.terminate()
        sim.wait(60)
        sim.stdout.close()
    assert done.returncode == 4
    assert "DU777" in done.stderr
