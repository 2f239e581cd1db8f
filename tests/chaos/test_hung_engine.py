"""An engine that hangs (SIGSTOP): whoever asks is told so in words within seconds, and a kill has it replaced."""

import asyncio
import os
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from momentum_kit import Kit
from momentum_kit.config import load_config
from momentum_kit.errors import EngineError, GuardRefused
from momentum_kit.models import EngineStatus, TradingState
from momentum_kit.notebook.kit import awaitable_kit
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.ownership import StateFolder
from tests.chaos.chaos_gateway import Gateway, Proxy
from tests.chaos.chaos_processes import Run, client_of, command_line, configure, wait_status, wait_until


@pytest.fixture
async def kit(project: Path, gateway: Gateway) -> AsyncIterator[Kit]:
    """A session that holds something and trades slowly."""
    opened = await Kit.open(configure(project, gateway.port, lasting=True, clock={"rate": 100}))
    await opened.start()
    pid = wait_status(client(opened), lambda status: status.positions, "a position").pid
    yield opened
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    await opened.stop()


def client(kit: Kit) -> ControlClient:
    """The engine's endpoint."""
    folder = StateFolder(kit.config.owner_key)
    address = folder.address()
    assert address
    return ControlClient(address, folder)


def freeze(kit: Kit) -> EngineStatus:
    """Stop the process where it stands, once its sign of life says what it holds."""
    status = wait_status(client(kit), lambda status: status.positions, "a position")
    folder = StateFolder(kit.config.owner_key)
    held = status.positions[0].symbol
    wait_until(lambda: held in folder.heartbeat(), "a sign of life that says so", folder.heartbeat)
    os.kill(status.pid, signal.SIGSTOP)
    return status


async def test_everybody_is_told_within_seconds_and_a_kill_replaces_it(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All get an error with the last sign of life, status 3 if it held; a kill has a fresh engine that gets flat."""
    frozen = freeze(kit)
    config = ("--config", str(kit_config(kit)))
    monkeypatch.setattr(awaitable_kit, "SILENCE_S", 0.5)
    asked, told, status, waited = await asyncio.gather(
        asyncio.to_thread(command_line, "status", *config),
        asyncio.to_thread(command_line, "pause", *config),
        asyncio.to_thread(kit.status),
        kit.wait(),
        return_exceptions=True,
    )
    for answer in (asked, told):
        assert not isinstance(answer, BaseException)
        assert (answer.returncode, answer.stdout) == (3, "")
        assert f"pid {frozen.pid}) does not answer within 5 s" in answer.stderr
        assert "sign of life" in answer.stderr
        assert frozen.positions[0].symbol in answer.stderr
        assert answer.stderr.count("\n") == 1
    for error in (status, waited):
        assert isinstance(error, EngineError)
        assert "does not answer" in str(error)
    killed = await asyncio.to_thread(command_line, "kill", *config)
    assert (killed.returncode, killed.stderr) == (0, "")
    assert f"the engine (pid {frozen.pid}) hung and was ended; a fresh one (pid " in killed.stdout
    assert StateFolder(kit.config.owner_key).killed
    final = await kit.wait()
    assert (final.state, final.positions) == (TradingState.KILLED, ())
    assert final.pid != frozen.pid


async def test_a_kill_without_a_watchdog_waits_for_the_waking(kit: Kit) -> None:
    """It latches, says that nothing is flat by that and whose process it is, and is obeyed as soon as there is life."""
    frozen = kit.status()
    (watchdog,) = psutil.Process(frozen.pid).children()
    watchdog.suspend()
    freeze(kit)
    address = client(kit).address
    StateFolder(kit.config.owner_key).publish(replace(address, watched=False))  # as one in a kernel does
    killed = await asyncio.to_thread(command_line, "kill", "--config", str(kit_config(kit)))
    assert (killed.returncode, killed.stdout) == (3, "")
    assert "NOT flat" in killed.stderr
    assert f"process {frozen.pid}" in killed.stderr
    assert StateFolder(kit.config.owner_key).killed
    with pytest.raises(GuardRefused, match="still owns"):
        await kit.clear("anything")
    os.kill(frozen.pid, signal.SIGCONT)
    watchdog.resume()
    final = await kit.wait()
    assert (final.state, final.positions) == (TradingState.KILLED, ())


def test_a_run_goes_on_with_the_engine_that_took_over(project: Path, gateway: Gateway) -> None:
    """By policy what hangs is replaced; the notebook follows, the end is in order, and nothing is missing of it."""
    config = configure(
        project, gateway.port, lasting=True, clock={"rate": 100}, watchdog={"then": "restart_keep", "held_after_s": 5}
    )
    run = Run(project, config, gateway.port)
    try:
        held = run.until_holding()
        folder = StateFolder(load_config(config).owner_key)
        wait_until(lambda: held.positions[0].symbol in folder.heartbeat(), "a sign of life that says so")
        os.kill(held.pid, signal.SIGSTOP)
        wait_until(lambda: (address := folder.address()) and address.pid != held.pid, "a fresh engine listens")
        kept = wait_status(client_of(config), lambda status: status.started, "its session goes on")
        assert (kept.state, kept.until) == (TradingState.REDUCE_ONLY, held.until)
        assert [(view.symbol, view.quantity) for view in kept.positions] == [
            (view.symbol, view.quantity) for view in held.positions
        ]
        os.kill(run.pid, signal.SIGTERM)
        status, errors = run.end()
        assert status == 0, errors
        assert f"the engine (pid {held.pid}) hangs" in errors
        assert run.whole()
        assert run.summary_exists
        assert run.last_word().pid == kept.pid
    finally:
        run.close()
    assert gateway.truth()["positions"] == []


def test_an_attempt_that_failed_is_not_how_the_session_ended(project: Path, gateway: Gateway, proxy: Proxy) -> None:
    """The engine dies while the gateway restarts: the first to take over meets nobody, and the run ends well."""
    config = configure(project, proxy.port, clock={"rate": 100}, watchdog={"then": "restart_keep"})
    run = Run(project, config, proxy.port)
    log = run.out / "watchdog.log"
    try:
        first = client_of(config).status()
        folder = StateFolder(load_config(config).owner_key)
        wait_until(lambda: '"started": true' in folder.heartbeat(), "a sign of life of a session that has begun")
        proxy.cut()
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: log.exists() and "attempt 1:" in log.read_text(), "one has met no gateway")
        proxy.mend()
        wait_until(lambda: " listens; " in log.read_text(), "a fresh engine listens")
        os.kill(run.pid, signal.SIGTERM)
        status, errors = run.end()
        assert status == 0, errors
        assert run.summary_exists
        assert (run.out / "engine.err").read_text() == ""
    finally:
        run.close()


async def test_a_resume_that_came_too_late_is_not_obeyed(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What adds risk and was given up by its sender is refused when the engine wakes; a pause would be obeyed."""
    engine = client(kit)
    await kit.pause()
    frozen = kit.status()
    os.kill(frozen.pid, signal.SIGSTOP)
    with pytest.raises(EngineError, match="does not answer"):
        engine.command("resume", "test", timeout_s=0.5)
    with monkeypatch.context() as short, pytest.raises(EngineError, match="does not answer"):
        short.setattr("momentum_kit.runtime.control.client.PATIENCE_S", 0.5)
        engine.set_thresholds({"min_ret_60s": 0.0}, "test")
    os.kill(frozen.pid, signal.SIGCONT)
    wait_until(lambda: engine.status().market_time >= frozen.market_time, "it wakes")
    assert engine.status().state is TradingState.PAUSED
    assert not engine.status().thresholds_changed


def kit_config(kit: Kit) -> Path:
    """The file that the kit was opened with."""
    return Path(shlex.split(client(kit).address.arguments)[1])
