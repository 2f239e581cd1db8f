import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from momentum_kit.errors import StorageError
from momentum_kit.models.session import ConnectionHealth, EngineStatus, LinkState, PositionView, TradingState
from momentum_kit.runtime.control import kill_engine
from momentum_kit.runtime.ownership import (
    SILENT_AFTER_S,
    Restriction,
    StateFolder,
    heartbeat_of,
    last_left,
    no_answer,
    read_heartbeat,
)
from momentum_kit.runtime.production.heartbeat_monitor import HeartbeatMonitor

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
HOLDING = EngineStatus(
    state=TradingState.RUNNING, reason="started", environment="sim", account="DU1", market_time=AT, started_at=AT,
    health=ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP), counts={}, skips={}, queues={},
    positions=(PositionView(symbol="AAPL", con_id=1, quantity=100.0, average_price=10.0, last_price=11.0,
            unrealised_usd=100.0, stop_price=9.5, r=2.0, opened_at=AT),),
    realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0, run_dir="runs/x", pid=os.getpid(),
)  # fmt: skip
ENDED = replace(HOLDING, state=TradingState.STOPPED, reason="stop by test", positions=())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """A state folder below a temporary home."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    found = StateFolder("DU1")
    found.create()
    return found


NOW_S = 1_795_187_000.0


@pytest.fixture(autouse=True)
def standing_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ages to the second, however long a busy machine takes to write and to read."""
    monkeypatch.setattr("momentum_kit.runtime.ownership.heartbeat.time", SimpleNamespace(time=lambda: NOW_S))


def aged(folder: StateFolder, status: EngineStatus, seconds: float) -> None:
    """Leave a sign of life as if it had been given some seconds ago."""
    content = json.loads(heartbeat_of(status, ended=status is ENDED))
    folder.leave_heartbeat(json.dumps({**content, "wall_time": NOW_S - seconds}))


def test_what_the_last_engine_left(folder: StateFolder) -> None:
    """In order and flat: status 1; without a last word and holding: status 3 and what is held; also the latch."""
    assert last_left(folder) == ("none has left a word", 1)
    aged(folder, ENDED, 7200)
    words, status = last_left(folder)
    assert status == 1
    assert "ended in order 2 h ago: stopped (stop by test)" in words
    aged(folder, replace(HOLDING, state=TradingState.KILLED), 90)
    folder.latch(Restriction("kill", "by test"))
    words, status = last_left(folder)
    assert status == 3
    assert "without a last word 90 s ago" in words
    assert "held: 100 AAPL, their stops rest at the broker" in words
    assert "latched (by test)" in words


def test_an_engine_that_does_not_answer(folder: StateFolder) -> None:
    """The error says since when there is no sign of life and what was held; its status is 3 where something was."""
    assert str(no_answer(None, "silent")) == "silent"
    assert "no sign of life yet" in str(no_answer(folder, "silent"))
    aged(folder, HOLDING, 1)
    assert "it hangs" not in str(no_answer(folder, "silent"))
    aged(folder, HOLDING, 60)
    error = no_answer(folder, "silent")
    assert error.exit_status == 3
    assert "it hangs: its last sign of life is 60 s old: running (started)" in str(error)


@pytest.mark.parametrize("text", ["{", "[]", '{"pid": 1}', '{"held": 3}'])
def test_a_malformed_heartbeat_is_told(folder: StateFolder, text: str) -> None:
    """A file that is not ours is an error in words, and no reason to say less about an engine that is silent."""
    folder.leave_heartbeat(text)
    with pytest.raises(StorageError, match="malformed"):
        read_heartbeat(folder)
    assert "malformed" in str(no_answer(folder, "silent"))


def test_a_kill_without_an_engine_latches(folder: StateFolder) -> None:
    """Status 4 in words: nothing ran, nothing is watched, no session starts any more; 3 where something was held."""
    aged(folder, ENDED, 10)
    words, status = kill_engine(folder, "test")
    assert status == 4
    assert "nothing was killed and positions are NOT watched" in words
    assert folder.killed.startswith("by test")
    aged(folder, HOLDING, 10)
    words, status = kill_engine(folder, "test")
    assert status == 3
    assert "100 AAPL" in words
    assert folder.take_command() is None  # nothing lies in wait for the session after the clear


def test_a_kill_before_an_engine_listens_waits_for_it(folder: StateFolder) -> None:
    """An engine that is starting meets the latch, or the stop-file if it is past the latch."""
    with folder.own():
        words, status = kill_engine(folder, "test")
        assert (status, folder.take_command()) == (0, "kill")
        assert "an engine is starting" in words


class Elapsed:
    """The monitor's clock, moved by the test; it is asked once or twice a look."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.asked = 0

    def __call__(self) -> float:
        """As monotonic() does."""
        self.asked += 1
        return self.seconds


def test_a_watch_tells_that_an_engine_hangs_and_that_it_woke(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once each; an engine that has ended in order is not one that hangs."""
    elapsed = Elapsed()
    monkeypatch.setattr("momentum_kit.runtime.production.heartbeat_monitor.EVERY_S", 0.001)
    monkeypatch.setattr("momentum_kit.runtime.production.heartbeat_monitor.monotonic", elapsed)
    told: list[str] = []
    with folder.own(), HeartbeatMonitor(folder, told.append) as monitor:

        def seen(age_s: float, status: EngineStatus) -> None:
            aged(folder, status, age_s)
            until(lambda: monitor.last and monitor.last.wall_time == NOW_S - age_s)

        def look(times: int) -> None:
            asked = elapsed.asked + 2 * times
            until(lambda: elapsed.asked >= asked)

        seen(2, HOLDING)
        elapsed.seconds = SILENT_AFTER_S - 0.1
        look(3)
        assert told == []
        elapsed.seconds = SILENT_AFTER_S
        look(3)
        seen(1, HOLDING)
        look(3)
        seen(0, ENDED)
        elapsed.seconds = 1_000.0
        look(3)
    assert len(told) == 2
    assert "hangs: no sign of life for 5 s" in told[0]
    assert "100 AAPL" in told[0]
    assert "signs of life again" in told[1]


def until(met: Callable[[], object]) -> None:
    """Wait for what a thread does."""
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.001)
