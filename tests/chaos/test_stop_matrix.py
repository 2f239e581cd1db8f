"""Every way in which a headless run can be ended, each while something is held: DESIGN.md, decisions 1 to 3."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from chaos_gateway import Gateway
from chaos_processes import Run, client_of, command_line, configure, kill_process, processes_of, wait_until

from momentum_kit.config import load_config
from momentum_kit.models import TradingState
from momentum_kit.runtime.engine_process import new_run_dir, start_engine

FINALLY = "interrupted: stopping in order"


@pytest.fixture
def run(project: Path, gateway: Gateway) -> Iterator[Run]:
    """A run of the production notebook that holds a position."""
    started = Run(project, configure(project, gateway.port, clock={"rate": 200}), gateway.port)
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
    assert gateway.truth()["positions"] == []


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
    known = gateway.truth()
    assert len(known["positions"]) == 1
    (stop,) = [order for order in known["orders"] if order["open"] and order["order_type"] == "STP"]
    assert stop["quantity"] == known["positions"][0]["quantity"]


def test_sigkill_to_the_kernel(run: Run, gateway: Gateway) -> None:
    """The session goes on, a fresh kernel attaches and writes the report, which says first what happened: status 0."""
    first, engine = run.kernel(), client_of(run.config)
    before = engine.status()
    kill_process(first)
    wait_until(lambda: run.kernel(but=first), "a fresh kernel")
    wait_until(lambda: engine.status().market_time > before.market_time, "the session goes on")
    assert engine.status().pid == before.pid
    kept = run.out / "production.kernel-1.ipynb"
    wait_until(kept.is_file, "what the first kernel had written")
    wait_until(lambda: "begun again" in run.printed(), "the second kernel's first output")
    kill_process(run.pid, signal.SIGTERM)
    status, errors = run.end()
    assert status == 0
    assert "was ended by SIGKILL in cell" in errors
    assert "the session goes on, and a fresh kernel begins the notebook again" in errors
    assert f"(pid {first}) was ended by SIGKILL" in run.first_output()
    assert run.summary["kernel_deaths"]
    assert run.last_word().positions == ()
    assert gateway.truth()["positions"] == []


def test_sigkill_to_the_runner(run: Run, gateway: Gateway, project: Path) -> None:
    """The engine goes on by policy, and whoever comes next can attach to it and stop it."""
    kernel, engine = run.kernel(), client_of(run.config)
    before = engine.status()
    kill_process(run.pid)
    run.end()
    wait_until(lambda: not psutil.pid_exists(kernel), "the kernel ends with its runner")
    wait_until(lambda: engine.status().market_time > before.market_time, "the session goes on")
    refused = command_line("run", "notebooks/production.ipynb", "--config", str(run.config), "--out", "second")
    assert refused.returncode == 4
    assert "another engine owns this account" in refused.stderr
    stopped = command_line("stop", "--config", str(run.config), "--port", str(gateway.port))
    assert stopped.returncode == 0
    wait_until(lambda: not processes_of(project).keys() - {gateway.pid}, "the engine ends")
    assert run.last_word().positions == ()
    assert not run.summary_exists
    assert gateway.truth()["positions"] == []


def test_sigkill_to_the_gateway(project: Path, gateway: Gateway) -> None:
    """After the window the session ends in words: status 3, its report written, no summary."""
    config = configure(project, gateway.port, clock={"rate": 200}, broker={"reconnect_timeout_s": 1})
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


def test_a_signal_before_the_notebook_begins(project: Path, gateway: Gateway) -> None:
    """A run that is told to stop while its engine or kernel starts ends in order as well, and says so."""
    run = Run(project, configure(project, gateway.port), gateway.port)
    client_of(run.config)
    kill_process(run.pid, signal.SIGTERM)
    status, errors = run.end()
    assert status == 1
    assert errors.strip()
    assert not run.summary_exists
    assert run.last_word().state is TradingState.STOPPED
