"""A project of its own for every test, a gateway to break, and a look for what is left behind."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.chaos_gateway import Gateway, Proxy
from tests.chaos.chaos_processes import PATIENCE_S, processes_of, sockets_of_ours, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration and notebooks; state below it as well."""
    for folder in ("config", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def nothing_left(project: Path) -> Iterator[None]:
    """After each test no process, thread or socket of ours is left."""
    threads, sockets = set(threading.enumerate()), sockets_of_ours()
    yield
    wait_until(lambda: not processes_of(project), "no process left", lambda: processes_of(project))
    wait_until(lambda: sockets_of_ours() <= sockets, "no socket left", sockets_of_ours)
    for thread in set(threading.enumerate()) - threads:
        if not thread.name.startswith("asyncio_"):  # the loop's own pool, which ends with the loop
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), thread.name


@pytest.fixture
def gateway(project: Path) -> Iterator[Gateway]:
    """A simulated gateway in lock-step: while nobody steps it, the market stands still."""
    served = Gateway(project)
    yield served
    served.close()


@pytest.fixture
def proxy(gateway: Gateway) -> Iterator[Proxy]:
    """A way to the gateway that can be cut."""
    between = Proxy(gateway.port)
    yield between
    between.close()
