import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from momentum_kit.runtime.ownership import SILENT_AFTER_S, StateFolder
from momentum_kit.runtime.production import notify as production_notify
from momentum_kit.runtime.production.notify import Notifier, notify

ALIVE = '{"pid": 1, "wall_time": WALL, "market_time": "now", "state": "running", "reason": "started", '
ALIVE += '"run_dir": "/r", "held": [], "ended": false}'


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """What systemd would hear, asking for a sign of life every 0.1 s."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind(str(path))
        theirs.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        yield theirs


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """An account's folder."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    found = StateFolder("sim-1")
    found.create()
    return found


def beat(folder: StateFolder, number: int) -> None:
    """A sign of life that differs from the one before."""
    folder.leave_heartbeat(ALIVE.replace("WALL", str(number)))


def until(theirs: socket.socket, word: str) -> str:
    """The first datagram with this word."""
    while True:
        text = theirs.recv(4096).decode()
        if word in text:
            return text


def test_ready_then_watchdog_then_stopping(heard: socket.socket, folder: StateFolder) -> None:
    """In this order, with how the session stands as the unit's status line."""
    with folder.own():
        beat(folder, 1)
        with Notifier(folder):
            assert heard.recv(4096).decode().startswith("READY=1")
            assert "running (started)" in until(heard, "WATCHDOG=1")
        assert "STOPPING=1" in until(heard, "STOPPING")


def test_an_engine_that_hangs_gets_no_watchdog_until_it_lives_again(
    heard: socket.socket, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It owns the account and gives no sign of life: systemd must see that."""
    seconds = 0.0
    monkeypatch.setattr(production_notify, "monotonic", lambda: seconds)
    with folder.own():
        beat(folder, 1)
        with Notifier(folder):
            until(heard, "WATCHDOG=1")
            seconds = SILENT_AFTER_S
            heard.settimeout(0.5)
            with pytest.raises(TimeoutError):
                while True:
                    heard.recv(4096)
            beat(folder, 2)
            heard.settimeout(60)
            until(heard, "WATCHDOG=1")


def test_a_report_that_is_written_after_the_session_keeps_the_watchdog(
    heard: socket.socket, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has ended and gives no signs of life any more; that is no reason to kill the report."""
    monkeypatch.setattr(production_notify, "SILENT_AFTER_S", 0.0)
    with folder.own():
        beat(folder, 1)
    with Notifier(folder):
        for _ in range(3):
            assert until(heard, "WATCHDOG=1")


def test_without_systemd_nothing_is_started(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cron and terminals have no socket: no thread, no word."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    threads = set(threading.enumerate())
    with Notifier(folder):
        assert "notify" not in [thread.name for thread in set(threading.enumerate()) - threads]


def test_nobody_waits_for_a_systemd_that_does_not_read(heard: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue is full after some datagrams; a session goes on all the same."""
    monkeypatch.setattr(production_notify, "PATIENCE_S", 0.001)
    for _ in range(40):
        notify("WATCHDOG=1")
    assert heard.recv(100) == b"WATCHDOG=1"


def test_a_socket_that_is_gone_costs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A restarted systemd must not end a session."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Systemd writes the zero byte in front as an at sign."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
        theirs.bind("")  # Linux names it itself
        name = theirs.getsockname()
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name[1:].decode())
        notify("READY=1", "STATUS=x")
        assert theirs.recv(100) == b"READY=1\nSTATUS=x"
