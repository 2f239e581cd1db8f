"""Every way in which a headless run can be ended, each while something is held: DESIGN.md, decisions 1 to 3."""

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from momentum_kit.config import load_config
from momentum_kit.models.session import TradingState
from momentum_kit.runtime.engine import new_run_dir, start_engine
from momentum_kit.runtime.ownership import StateFolder
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import (
    Run,
    client_of,
    command_line,
    configure,
    is_dead,
    kill_process,
    processes_of,
    wait_status,
    wait_until,
)

FINALLY = "interrupted: stopping in order"
THOROUGH = os.environ.get("MOMENTUM_KIT_ALL_PAIRS") == "1"  # as `make chaos` sets it
FULL = 20_000  # bytes a file of the run may have: the executed notebook is beyond that, words are not

MATRIX: list[tuple[str, ...]] = []
HEADS = ("what happened", "exit status", "flat", "finally ran", "notebook", "resumed")


SLOW_KERNEL = """
import os, sys, time
while not os.path.exists(sys.argv[1]): time.sleep(0.01)
os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", "-f", sys.argv[2]])
"""
"""Starts once a file is there."""

HELD_START = """
from pathlib import Path

start = kit.start

async def start_that_is_held(until):
    await start(until)
    Path("starting").touch()
    while True:
        await asyncio.sleep(0.05)

kit.start = start_that_is_held
"""
"""The start is sent and obeyed, and the cell goes on waiting for it."""


def thorough(test: Callable[..., None]) -> Callable[..., None] | None:
    """Left to `make chaos`: each takes as long as all other cases of a kind together."""
    return test if THOROUGH else None


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[None]:
    """Prints the matrix with `pytest -s` once its tests are through."""
    yield
    rows = [HEADS, *MATRIX]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    print()  # noqa: T201
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))  # noqa: T201


def noted(what: str, run: Run, gateway: Gateway, status: int, resumed: str = "no need") -> None:
    """One row, measured: positions by the gateway's own truth, the notebook by its cells."""
    flat = "yes" if not gateway.truth()["positions"] else "no, the stop rests at the broker"
    ran = "yes" if FINALLY in run.printed() else "not interrupted" if run.whole() else "no"
    state = "whole" if run.whole() else "as last saved"
    MATRIX.append((what, str(status), flat, ran, state, resumed))


@pytest.fixture
def run(project: Path, gateway: Gateway) -> Iterator[Run]:
    """A run of the production notebook that holds a position."""
    started = Run(project, configure(project, gateway.port, lasting=True, clock={"rate": 200}), gateway.port)
    try:
        started.until_holding()
        yield started
    finally:
        started.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_run(run: Run, gateway: Gateway, number: signal.Signals) -> None:
    """SIGTERM and SIGINT: the notebook's finally runs, the session ends flat, the report is whole, status 0."""
    kill_process(run.pid, number)
    status, errors = run.end()
    assert (status, errors) == (0, "")
    assert FINALLY in run.printed()
    assert run.summary_exists
    assert run.last_word().state is TradingState.STOPPED
    assert run.last_word().positions == ()
    assert run.whole()
    noted(f"{number.name} to the run", run, gateway, status)
    assert gateway.truth()["positions"] == []


def test_a_signal_to_the_run_while_its_session_starts(project: Path, gateway: Gateway) -> None:
    """No other than later on: the notebook's finally runs, the session ends in order, the report is whole, status 0."""
    path = project / "notebooks" / "production.ipynb"
    notebook = json.loads(path.read_text())
    (opens,) = [cell for cell in notebook["cells"] if "Kit.open(" in "".join(cell["source"])]
    opens["source"] += ["\n", *HELD_START.splitlines(keepends=True)]
    path.write_text(json.dumps(notebook))
    run = Run(project, configure(project, gateway.port, clock={"rate": 200}), gateway.port)
    try:
        wait_until((project / "starting").exists, "the cell that starts", run.printed)
        kill_process(run.pid, signal.SIGTERM)
        status, errors = run.end()
    finally:
        run.close()
    assert (status, errors) == (0, "")
    assert FINALLY in run.printed()
    assert run.summary_exists
    assert run.last_word().state is TradingState.STOPPED
    assert run.whole()
    noted("SIGTERM to the run while it starts", run, gateway, status)
    assert gateway.truth()["positions"] == []


def test_the_deadline(project: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """--until is the session's end, flat and status 0; systemd hears READY, WATCHDOG while it runs, and STOPPING."""
    path = project / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        words: list[str] = []
        reader = threading.Thread(target=_listen, args=(heard, words))
        reader.start()
        run = Run(project, configure(project, gateway.port, clock={"rate": 200}), gateway.port, "--until", "20m")
        try:
            status, errors = run.end()
        finally:
            run.close()
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
                ours.sendto(b"", str(path))
            reader.join()
    assert (status, errors) == (0, "")
    assert run.summary_exists
    assert run.last_word().reason == "stop by schedule"
    assert (run.out / "production.html").is_file()
    assert words[0].startswith("READY=1")
    assert any("WATCHDOG=1" in each and "running (started)" in each for each in words)
    assert words[-1].startswith("STOPPING=1")
    noted("the deadline (--until)", run, gateway, status)
    assert gateway.truth()["positions"] == []


def _listen(heard: socket.socket, words: list[str]) -> None:
    """Keep what is told until an empty datagram."""
    while text := heard.recv(4096).decode():
        words.append(text)


def test_sigterm_to_the_engine(run: Run, gateway: Gateway) -> None:
    """The session ends flat and in order, the notebook goes on to its report, status 0."""
    kill_process(client_of(run.config).status().pid, signal.SIGTERM)
    status, errors = run.end()
    assert (status, errors) == (0, "")
    assert FINALLY not in run.printed()  # nothing was interrupted
    assert run.summary_exists
    assert run.last_word().reason == "stop by SIGTERM"
    assert gateway.truth()["positions"] == []


def test_sigkill_to_the_engine(run: Run, gateway: Gateway) -> None:
    """Nobody could close anything: status 3, in words, and the stop rests at the broker."""
    held = client_of(run.config).status()
    kill_process(held.pid)
    status, errors = run.end()
    assert status == 3
    assert "SIGKILL" in errors
    assert held.positions[0].symbol in errors
    assert not run.summary_exists
    assert run.whole()  # the report is written all the same, and says what is not known
    noted("SIGKILL to the engine", run, gateway, status, "by the next session")
    known = gateway.truth()
    assert len(known["positions"]) == 1
    (stop,) = [order for order in known["orders"] if order["open"] and order["order_type"] == "STP"]
    assert stop["quantity"] == known["positions"][0]["quantity"]


def test_sigkill_to_an_engine_that_another_one_follows(project: Path, gateway: Gateway) -> None:
    """The run goes on with the engine that took over; what was held is kept, and closed at the end: status 0."""
    config = configure(project, gateway.port, lasting=True, clock={"rate": 200}, watchdog={"then": "restart_keep"})
    run = Run(project, config, gateway.port)
    try:
        run.until_holding()
        held = client_of(config).status()
        kill_process(held.pid)
        folder = StateFolder.of(load_config(config))
        wait_until(lambda: (address := folder.address()) and address.pid != held.pid, "another engine")
        wait_status(client_of(config), lambda status: len(status.positions) == len(held.positions), "all is known")
        assert not run.summary_exists
        kill_process(run.pid, signal.SIGTERM)
        status, errors = run.end()
    finally:
        run.close()
    assert status == 0, errors
    assert run.last_word().pid != held.pid
    assert run.last_word().positions == ()
    assert run.whole()
    noted("SIGKILL to the engine, restart_keep", run, gateway, status, "by the watchdog")
    assert gateway.truth()["positions"] == []


def test_sigkill_to_the_kernel(run: Run, gateway: Gateway) -> None:
    """The session goes on, a fresh kernel attaches and writes the report, which says first what happened: status 0."""
    first, engine = run.kernel(), client_of(run.config)
    before = engine.status()
    kill_process(first)
    run.kernel(but=first)
    wait_until(lambda: engine.status().market_time > before.market_time, "the session goes on")
    assert engine.status().pid == before.pid
    kept = run.out / "production.kernel-1.ipynb"
    wait_until(kept.is_file, "what the first kernel had written")
    wait_until(lambda: "begun again" in run.printed(), "the second kernel's first output")
    wait_until(lambda: run.is_at("kit.wait("), "it waits for the session's end", run.states)
    kill_process(run.pid, signal.SIGTERM)
    status, errors = run.end()
    assert status == 0
    assert "was ended by SIGKILL in cell" in errors
    assert "the session goes on, and a fresh kernel begins the notebook again" in errors
    assert f"(pid {first}) was ended by SIGKILL" in run.first_output()
    assert run.summary["kernel_deaths"]
    assert run.last_word().positions == ()
    noted("SIGKILL to the kernel, then SIGTERM", run, gateway, status, "by a fresh kernel")
    assert gateway.truth()["positions"] == []


@thorough
def test_sigkill_to_the_kernel_of_a_session_that_shall_stop_then(project: Path, gateway: Gateway) -> None:
    """By policy the session ends flat and in order; a fresh kernel writes its report: status 0."""
    config = configure(project, gateway.port, lasting=True, clock={"rate": 200})
    run = Run(project, config, gateway.port, "--on-kernel-death", "stop")
    try:
        run.until_holding()
        kill_process(run.kernel())
        status, errors = run.end()
    finally:
        run.close()
    assert status == 0
    assert "the session ends in order, and a fresh kernel begins the notebook again" in errors
    assert "was ended by SIGKILL" in run.first_output()
    assert run.whole()
    noted("SIGKILL to the kernel, --on-kernel-death stop", run, gateway, status, "for the report")
    assert gateway.truth()["positions"] == []


@thorough
def test_kernels_that_die_again_and_again(run: Run, gateway: Gateway) -> None:
    """After the third the session ends flat and in order; the summary is written, status 1 calls for a human."""
    killed = 0
    for _ in range(3):
        kernel = run.kernel(but=killed)
        wait_until(lambda: "running" in run.states(), "it executes a cell")
        kill_process(killed := kernel)
    status, errors = run.end()
    assert status == 1
    assert "no other kernel is tried" in errors
    assert len(run.summary["kernel_deaths"]) == 3
    assert run.summary["exit_status"] == 1
    noted("SIGKILL to three kernels", run, gateway, status, "twice, then ended")
    assert gateway.truth()["positions"] == []


@thorough
def test_a_full_disk_in_mid_run(run: Run, gateway: Gateway) -> None:
    """The run cannot save its notebook: it says so, the session ends flat, the last whole notebook stands: status 1."""
    psutil.Process(run.pid).rlimit(psutil.RLIMIT_FSIZE, (FULL, psutil.RLIM_INFINITY))
    kill_process(run.pid, signal.SIGTERM)
    status, errors = run.end()
    assert status == 1
    assert "production.ipynb cannot be written: File too large; the session goes on" in errors
    assert "what stands there is from" in errors
    json.loads((run.out / "production.ipynb").read_text())
    assert not run.summary_exists
    noted("a full disk in mid-run, then SIGTERM", run, gateway, status)
    assert gateway.truth()["positions"] == []


def _install_kernel(project: Path, monkeypatch: pytest.MonkeyPatch, *command: str) -> None:
    """Start kernels by this command."""
    folder = project / "jupyter" / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(project / "jupyter"))


def test_a_missing_kernel(project: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused in one line before anything starts: status 2."""
    _install_kernel(project, monkeypatch, "/no/such/python")
    config = str(configure(project, gateway.port))
    refused = command_line("run", "notebooks/production.ipynb", "--config", config, "--out", "out")
    assert refused.returncode == 2
    assert "the Jupyter kernel python3 cannot be started: no program /no/such/python" in refused.stderr
    assert not (project / "out" / "journal.db").exists()
    MATRIX.append(("a missing kernel", "2", "nothing started", "nothing started", "none", "no need"))


def test_sigkill_to_the_runner(run: Run, gateway: Gateway, project: Path) -> None:
    """The engine goes on by policy, and whoever comes next can attach to it and stop it."""
    kernel, engine = run.kernel(), client_of(run.config)
    before = engine.status()
    kill_process(run.pid)
    run.end()
    wait_until(lambda: is_dead(kernel), "the kernel ends with its runner")
    wait_until(lambda: engine.status().market_time > before.market_time, "the session goes on")
    refused = command_line("run", "notebooks/production.ipynb", "--config", str(run.config), "--out", "second")
    assert refused.returncode == 4
    assert "another engine owns this account" in refused.stderr
    stopped = command_line("stop", "--config", str(run.config), "--port", str(gateway.port))
    assert stopped.returncode == 0
    wait_until(lambda: not processes_of(project).keys() - {gateway.pid}, "the engine ends")
    assert run.last_word().positions == ()
    assert not run.summary_exists
    noted("SIGKILL to the run, then stop", run, gateway, -signal.SIGKILL, "the engine goes on")
    assert gateway.truth()["positions"] == []


def test_sigkill_to_the_gateway(project: Path, gateway: Gateway) -> None:
    """After the window the session ends in words: status 3, its report written, no summary."""
    config = configure(project, gateway.port, lasting=True, clock={"rate": 200}, broker={"reconnect_timeout_s": 1})
    run = Run(project, config, gateway.port)
    try:
        run.until_holding()
        gateway.die()
        status, errors = run.end()
    finally:
        run.close()
    assert status == 3
    assert "did not come back within 1 s" in errors
    assert "their stops rest at the broker" in errors
    assert not run.summary_exists
    assert len(run.last_word().positions) == 1
    assert "did not come back" in (run.out / "production.ipynb").read_text()
    MATRIX.append(("SIGKILL to the gateway", "3", "no, the stop rests at the broker", "not interrupted", "whole", "no"))


def test_sigkill_to_the_gateway_while_flat(project: Path, gateway: Gateway) -> None:
    """With nothing held the same is status 1."""
    config = configure(project, gateway.port, clock={"rate": 20}, broker={"reconnect_timeout_s": 1})
    run_dir = new_run_dir(load_config(config), project)
    engine = start_engine(config, {}, run_dir)
    client = client_of(config)
    client.start()
    gateway.die()
    wait_until(lambda: (run_dir / "engine.json").exists(), "the session ends")
    assert engine.finish() == 1
    assert "did not come back within 1 s" in engine.last_words()
    assert "nothing is held" in engine.last_words()


def test_a_signal_before_the_notebook_begins(project: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is told to stop while its engine or kernel starts ends in order as well, and says so."""
    told = project / "told"
    _install_kernel(project, monkeypatch, sys.executable, "-c", SLOW_KERNEL, str(told), "{connection_file}")
    run = Run(project, configure(project, gateway.port), gateway.port)
    client_of(run.config)
    kill_process(run.pid, signal.SIGTERM)
    told.touch()
    status, errors = run.end()
    assert status == 1
    assert errors.strip()
    assert not run.summary_exists
    assert run.last_word().state is TradingState.STOPPED
