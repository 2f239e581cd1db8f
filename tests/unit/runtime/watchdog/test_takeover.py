import sys
from dataclasses import replace
from pathlib import Path

import pytest

from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from momentum_kit.runtime.watchdog import HandOver, WatchOrder, takeover
from momentum_kit.runtime.watchdog.takeover import LOG, Takeover


def order_of(tmp_path: Path, *command: str) -> WatchOrder:
    """Of an engine that is gone, whose place a command takes."""
    return WatchOrder(
        pid=1, born="", token="", page=0, hand_over=(), accounts=("sim-1",), state_dir="", stop_files=(),
        command=command, engine={}, run_dir=str(tmp_path), held_after_s=10.0, then="restart_keep",
        alerts={}, arguments="--config FILE",
    )  # fmt: skip


def test_an_engine_that_was_told_to_end_as_it_came_up_is_followed_by_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops a session while another engine takes over has stopped it: status 0 is no failed attempt."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    StateFolder("sim-1").create()
    begun = tmp_path / "begun"
    code = f"open({str(begun)!r}, 'a').write('x')"
    Takeover(order_of(tmp_path, sys.executable, "-c", code), HandOver()).succeed("", "")
    assert begun.read_text() == "x"
    assert "came up and has ended in order" in (tmp_path / LOG).read_text()


def test_what_a_failed_attempt_said_is_not_the_word_of_who_came_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run judges a session by engine.err: it is the last engine's alone, the log has the rest."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(takeover, "PAUSE_S", 0.01)
    StateFolder("sim-1").create()
    (tmp_path / "engine.err").write_text("a fault of the first one")
    code = (
        f"import pathlib, sys; tried = pathlib.Path({str(tmp_path / 'tried')!r})\n"
        "if not tried.exists(): tried.touch(); sys.exit('nobody listens')"
    )
    Takeover(order_of(tmp_path, sys.executable, "-c", code), HandOver()).succeed("", "")
    assert "attempt 1: nobody listens" in (tmp_path / LOG).read_text()
    assert "a fault of the first one" in (tmp_path / LOG).read_text()
    assert (tmp_path / "engine.err").read_text() == ""
    assert not list(tmp_path.glob(".engine.err*"))


def test_who_was_faster_than_a_watchdog_keeps_its_account_and_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine died, and a schedule started another one before it was noticed: nothing of that one is touched."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    folder = StateFolder("sim-1")
    order = replace(order_of(tmp_path, "/nowhere/engine"), then="restart_flatten")
    with folder.own():
        living = ControlAddress(port=5, token="t", pid=77, run_dir="elsewhere", arguments="--config FILE")
        folder.publish(living)
        Takeover(order, HandOver()).succeed("", "")
        assert folder.address() == living
        assert folder.latched() is None
    assert "another one has the account" in (tmp_path / LOG).read_text()
