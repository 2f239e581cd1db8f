"""Who owns an account: an engine that answers, one that hangs, one that is dying, nobody."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from momentum_kit.runtime.control import client
from momentum_kit.runtime.engine import find_engine
from momentum_kit.runtime.ownership import StateFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """An account of its own."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    return StateFolder("sim-127.0.0.1-1-1")


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A socket that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def announce(folder: StateFolder, port: int) -> None:
    """As an engine does once it listens."""
    address = {"port": port, "token": "t", "pid": os.getpid(), "run_dir": "", "config": ""}
    folder.write_private("control.json", json.dumps(address))


def test_nobody(folder: StateFolder) -> None:
    """An account that nobody owns has no engine."""
    assert find_engine(folder) is None


def test_an_engine_that_hangs_is_still_the_owner(
    folder: StateFolder, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the account and may wake: whoever asks is told of it, and starts no other beside it."""
    monkeypatch.setattr(client, "GONE_PATIENCE_S", 0.1)
    with folder.own():
        announce(folder, silent.getsockname()[1])
        address = find_engine(folder)
        assert address is not None
        assert address.pid == os.getpid()


def test_one_that_dies_is_waited_for(
    folder: StateFolder, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock of a killed process stays until its last thread has ended: its address is not handed out meanwhile."""
    monkeypatch.setattr(client, "GONE_PATIENCE_S", 60.0)  # who is asked is cut off, and does not just hang
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as life:
        life.enter_context(folder.own())
        announce(folder, silent.getsockname()[1])
        finding = pool.submit(find_engine, folder)
        connection, _ = silent.accept()
        silent.close()
        connection.close()  # asked whether it lives, it is cut off
        life.close()
        assert finding.result(60) is None
