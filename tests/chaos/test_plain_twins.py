"""The kit in plain code: twins with and without a running loop, as a context manager, and under Ctrl-C."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from momentum_kit.models.session import TradingState
from momentum_kit.notebook.kit.kit import Kit
from tests.chaos.chaos_gateway import Gateway
from tests.chaos.chaos_processes import PATIENCE_S, client_of, configure, wait_until

WAITER = """
import signal, sys
from momentum_kit import Kit
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
kit = Kit.open_sync(sys.argv[1])
kit.start_sync()
try:
    print("waiting", flush=True)
    kit.wait_sync()
except KeyboardInterrupt:
    print("interrupted", kit.status().state, flush=True)
"""
CELL = """
import asyncio, json, sys
from momentum_kit import Kit

async def cell():
    ticks = 0

    async def panel():
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def stop_after(more):
        enough = ticks + more
        while ticks < enough:
            await asyncio.sleep(0.01)
        await kit.stop()

    task = asyncio.create_task(panel())
    await asyncio.sleep(0)
    kit = Kit.open_sync(sys.argv[1])
    opened = ticks
    kit.start_sync("15:00")
    kit.history_sync("AAPL", "1 D", "1 min")
    kit.pause_sync()
    kit.resume_sync()
    kit.reduce_only_sync()
    begun, stopping = ticks, asyncio.create_task(stop_after(50))
    final = kit.wait_sync()
    await stopping
    task.cancel()
    print(json.dumps({"opened": opened, "waited": ticks - begun, "state": final.state}))

asyncio.run(cell())
"""


def test_a_session_in_plain_code(project: Path, gateway: Gateway) -> None:
    """Every twin works without a loop, and leaving the block stops the session that was started in it."""
    with Kit.open_sync(configure(project, gateway.port, clock={"rate": 50})) as kit:
        assert kit.start_sync("15:00").state is TradingState.RUNNING
        assert "paused" in kit.pause_sync()
        assert "running" in kit.resume_sync()
        assert "reduce_only" in kit.reduce_only_sync()
        barred = kit.status().market_time + timedelta(minutes=2)  # before its first minute there is no bar
        wait_until(lambda: kit.status().market_time >= barred, "the market has a bar")
        assert len(kit.history_sync("AAPL", "1 D", "1 min"))
        assert kit.flatten_sync().startswith(("flattening", "reduce_only: flat"))  # nothing held is soon flat
    assert not kit.running
    assert kit.status().state is TradingState.STOPPED


def test_twins_inside_a_running_loop_let_other_tasks_go_on(project: Path, gateway: Gateway) -> None:
    """As in a notebook: while a plain cell waits, a task of the same loop is served all the time."""
    config = configure(project, gateway.port, clock={"rate": 20})
    done = subprocess.run([sys.executable, "-c", CELL, str(config)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["state"] == "stopped"
    assert seen["opened"] > 10  # hundredths of a second: starting an engine takes the best part of one
    assert seen["waited"] >= 50


def test_an_interrupt_ends_the_waiting_and_not_the_session(project: Path, gateway: Gateway) -> None:
    """Ctrl-C in `wait_sync` is a KeyboardInterrupt for whoever waits; the engine goes on, the next kit attaches."""
    config = configure(project, gateway.port, clock={"rate": 20})
    waiter = subprocess.Popen([sys.executable, "-c", WAITER, str(config)], stdout=subprocess.PIPE, text=True)
    assert waiter.stdout
    try:
        assert waiter.stdout.readline() == "waiting\n"
        waiter.send_signal(signal.SIGINT)
        assert waiter.stdout.readline() == "interrupted running\n"
        assert waiter.wait(PATIENCE_S) == 0
    finally:
        waiter.kill()
        waiter.communicate()
    client = client_of(config)
    before = client.status()
    wait_until(lambda: client.status().market_time > before.market_time, "the session goes on")
    with Kit.open_sync(config) as kit:
        assert not kit.started_here
    assert kit.running  # it was not ours to stop
    assert kit.stop_sync().state is TradingState.STOPPED


async def test_a_cancelled_wait_leaves_the_session(project: Path, gateway: Gateway) -> None:
    """Cancelling the task that waits cancels nothing else."""
    kit = await Kit.open(configure(project, gateway.port, clock={"rate": 20}))
    await kit.start()
    waiting = asyncio.create_task(kit.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert kit.status().state is TradingState.RUNNING
    await kit.stop()
