import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from momentum_kit.runtime.watchdog import EngineWatch, WatchOrder, engine_watch
from tests.chaos.chaos_processes import kill_process, wait_until


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[EngineWatch]:
    """This process is watched as an engine would be, by nobody who would do anything to it."""
    found = EngineWatch()
    found.start(
        WatchOrder(
            pid=os.getpid(), born="", token="", page=found.page.descriptor, hand_over=(), accounts=("sim-1",),
            state_dir="", stop_files=(), command=(), engine={}, run_dir=str(tmp_path), held_after_s=1e9, then="alert",
            alerts={}, arguments="",
        )
    )  # fmt: skip
    yield found
    for each in watchdogs(found):
        each.kill()
    found.end(failed=False)
    found.close()


def watchdogs(watch: EngineWatch) -> list[psutil.Process]:
    """The living one of this page: it alone was handed that descriptor."""
    page = os.fstat(watch.page.descriptor).st_ino
    found = []
    for child in psutil.Process().children():
        try:
            if Path(f"/proc/{child.pid}/fd/{watch.page.descriptor}").stat().st_ino == page:
                found.append(child)
        except OSError:
            continue  # it has ended, or has no such file
    return found


def test_an_engine_ends_though_its_watchdog_does_not(watch: EngineWatch, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not end when it is told to is killed, and the engine is told so in words."""
    monkeypatch.setattr(engine_watch, "END_S", 0.25)
    (watchdog,) = wait_until(lambda: watchdogs(watch), "a watchdog")
    watchdog.send_signal(signal.SIGSTOP)
    wait_until(lambda: watchdog.status() == psutil.STATUS_STOPPED, "a watchdog that is held")
    assert watch.end(failed=False) == f"the watchdog (pid {watchdog.pid}) did not end within 0.25 s and was killed"
    wait_until(lambda: not watchdogs(watch), "its end")


def test_an_end_in_order_has_nothing_to_say(watch: EngineWatch) -> None:
    """The watchdog ends by itself, or as it is told."""
    assert watch.end(failed=False) == ""
    assert not watchdogs(watch)


def test_an_engine_goes_on_where_no_other_watchdog_can_be_started(
    watch: EngineWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, tried again at each look, and told when one watches again."""
    assert watch.look() == ""
    (watchdog,) = wait_until(lambda: watchdogs(watch), "a watchdog")
    kill_process(watchdog.pid)
    with monkeypatch.context() as short:
        short.setattr(sys, "executable", "/nowhere/python")
        assert "NONE could be started" in watch.look()
        assert watch.look() == ""
    assert "another one watches" in watch.look()
    assert wait_until(lambda: watchdogs(watch), "another one")
