"""Commands to a running session, from the kit and from the command line, and two kits at once."""

import asyncio
from pathlib import Path

import pytest

from momentum_kit.config import load_config
from momentum_kit.errors import EngineError, GuardRefused
from momentum_kit.models.session import TradingState
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.runtime.engine import RUN_ACCOUNT
from momentum_kit.runtime.ownership import clear_phrase
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import (
    ENDING,
    client_of,
    command_line,
    configure,
    processes_of,
    wait_status,
    wait_until,
)

QUICK = {"clock": {"rate": 200}}


async def test_kill_is_flat_latched_and_cleared_by_a_human(project: Path, gateway: Gateway) -> None:
    """After a kill nothing is held and nothing starts, status 4 and in words, until `momentum-kit clear`."""
    config = configure(project, gateway.port, lasting=True, **QUICK)
    kit = await Kit.open(config)
    await kit.start()
    wait_status(client_of(config), lambda status: status.positions, "a position")
    killed = await asyncio.to_thread(command_line, "kill", "--config", str(config))
    assert (killed.returncode, killed.stderr) == (0, "")
    final = await kit.wait()
    assert (final.state, final.positions) == (TradingState.KILLED, ())
    again = ("run", "notebooks/production.ipynb", "--config", str(config), "--out", "again")
    refused = await asyncio.to_thread(command_line, *again)
    assert refused.returncode == 4
    assert "kill switch is latched" in refused.stderr
    assert f"momentum-kit clear --config {config}" in refused.stderr
    with pytest.raises(GuardRefused, match="latched"):
        await Kit.open(config)
    clear = ("clear", "--config", str(config))
    refused = await asyncio.to_thread(command_line, *clear)
    phrase = clear_phrase(kit.config.owner_key)
    assert (refused.returncode, phrase in refused.stderr) == (4, True)
    assert (await asyncio.to_thread(command_line, *clear, "--phrase", phrase.upper())).returncode == 4
    cleared = await asyncio.to_thread(command_line, *clear, "--phrase", phrase)
    assert "cleared: by command line" in cleared.stdout
    final = await (await Kit.open(config)).stop()
    assert final.state is TradingState.STOPPED
    assert gateway.truth()["positions"] == []


async def test_flatten_then_resume_then_stopped(project: Path, gateway: Gateway) -> None:
    """Flatten closes and keeps entries off, resume lets them in again; after the end every command is refused."""
    config = configure(project, gateway.port, lasting=True, clock={"rate": 400})
    kit = await Kit.open(config)
    await kit.start()
    client = client_of(config)
    wait_status(client, lambda status: status.positions, "a position")
    await kit.flatten()
    status = wait_status(client, lambda status: status.state is TradingState.REDUCE_ONLY, "flat")
    assert status.positions == ()
    assert "resume" in status.reason
    entries = status.counts["entries"]
    assert "running" in await kit.resume()
    wait_status(client, lambda status: status.counts["entries"] > entries, "another entry")
    await kit.stop()
    for name in ("pause", "stop"):
        refused = await asyncio.to_thread(command_line, name, "--config", str(config))
        assert refused.returncode == 4, refused
        assert "no engine runs" in refused.stderr
    asked = await asyncio.to_thread(command_line, "status", "--config", str(config))
    assert (asked.returncode, asked.stdout) == (1, "")
    assert gateway.truth()["positions"] == []


async def test_pause_keeps_exits_working(project: Path, gateway: Gateway) -> None:
    """A paused session enters nothing, yet what it holds finds its target, stop or end of time."""
    config = configure(project, gateway.port, **QUICK, **ENDING)
    kit = await Kit.open(config)
    await kit.start()
    client = client_of(config)
    wait_status(client, lambda status: status.positions, "a position")
    await kit.pause()
    paused = kit.status()
    assert paused.positions
    entries = paused.counts["entries"]
    status = wait_status(client, lambda status: not status.positions, "the exit")
    assert status.state is TradingState.PAUSED
    assert status.counts["entries"] == entries
    await kit.stop()


async def test_two_kits_at_once_share_one_engine(project: Path, gateway: Gateway) -> None:
    """Whoever loses the race for the account attaches, and leaves no folder of a run that never was."""
    config = configure(project, gateway.port)
    kits = await asyncio.gather(*(Kit.open(config) for _ in range(3)))
    assert len({kit.status().pid for kit in kits}) == 1
    assert sum(kit.started_here for kit in kits) == 1
    engines = [
        words
        for words in processes_of(project).values()
        if any("momentum_kit.runtime.engine" in word for word in words)
    ]
    assert len(engines) == 1
    assert len(list((project / "runs").iterdir())) == 1
    await kits[0].stop()
    wait_until(lambda: not any(kit.running for kit in kits), "the engine ends")


async def test_a_stop_before_the_start_ends_the_engine(project: Path, gateway: Gateway) -> None:
    """An engine that never traded ends at once, and a flatten of nothing changes nothing."""
    kit = await Kit.open(configure(project, gateway.port))
    assert "nothing is held" in await kit.flatten()
    assert kit.status().state is TradingState.PAUSED
    with pytest.raises(GuardRefused, match="not started"):
        await kit.resume()
    final = await kit.stop()
    assert (final.state, final.incidents) == (TradingState.STOPPED, ())


async def test_a_notebook_under_run_starts_no_engine(
    project: Path, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was told to stop has ended its engine: a kernel that missed the interrupt must not start another."""
    config = configure(project, gateway.port)
    monkeypatch.setenv(RUN_ACCOUNT, load_config(config).owner_key)
    with pytest.raises(EngineError, match="starts no other"):
        await Kit.open(config)
    assert set(processes_of(project)) == {gateway.pid}
