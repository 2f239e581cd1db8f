"""Fixtures every test may use."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hypothesis import HealthCheck, settings

from momentum_kit.file_locks import lock
from tests.helpers.ports import kept_port
from tests.helpers.shifted_wall import ShiftedWall

# How long one example takes, or is drawn for, on a busy machine says nothing about what it shows.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parent.parent
NO_SKIP = os.environ.get("MOMENTUM_KIT_NO_SKIP") == "1"


@pytest.fixture(scope="session", autouse=True)
def lifeline() -> Iterator[None]:
    """Engines that are started here die with this process, also where it is killed and cleans up after nobody."""
    with tempfile.NamedTemporaryFile(prefix="momentum-kit-tests-") as held:
        lock(held)
        os.environ["MOMENTUM_KIT_DIES_WITH"] = held.name  # not imported: engines take a second to load
        yield
        del os.environ["MOMENTUM_KIT_DIES_WITH"]
        for process in psutil.process_iter(["cmdline", "environ"]):  # of engines that are gone; they call for a while
            ours = (process.info["environ"] or {}).get("MOMENTUM_KIT_DIES_WITH") == held.name
            if ours and "momentum_kit.runtime.watchdog" in (process.info["cmdline"] or ()):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


@pytest.fixture(scope="session", autouse=True)
def state_of_the_tests(tmp_path_factory) -> Iterator[None]:
    """What is remembered of accounts and of data that were studied is the tests' own, never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def own_record(tmp_path_factory) -> Iterator[None]:
    """A module's own memory of what was tried and looked at: others study the same sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture
def own_port() -> Iterator[int]:
    """A port of the test's own, which is closed."""
    with kept_port() as port:
        yield port


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> ShiftedWall:
    """Clocks that a test sets forward; named before the fixtures whose time it moves."""
    return ShiftedWall(monkeypatch)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Recorded gateway traffic and real bars, which live beside the project and are never part of it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("recorded data is not on this machine")
    return folder


@pytest.hookimpl(optionalhook=True)  # runs without xdist read this file too: tests/mutants
def pytest_xdist_auto_num_workers() -> int:
    """Three on two cores: much of the suite's time is waiting for engines and browsers. No more than memory bears."""
    return min(3 * (os.cpu_count() or 1) // 2 or 1, 8)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Where the recorded data exists and the environment says so, a skipped test is a failure."""
    outcome = yield
    report = outcome.get_result()
    if NO_SKIP and report.skipped and not hasattr(report, "wasxfail") and (ROOT.parent / "shared").is_dir():
        report.outcome = "failed"
        report.longrepr = f"skipped, but nothing may be skipped here: {report.longrepr}"
