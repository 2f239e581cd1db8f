from pathlib import Path

import pytest

from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from momentum_kit.runtime.watchdog import HandOver, WatchOrder
from momentum_kit.runtime.watchdog.takeover import LOG, Takeover


def test_who_was_faster_than_a_watchdog_keeps_its_account_and_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine died, and a schedule started another one before it was noticed: nothing of that one is touched."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    folder = StateFolder("sim-1")
    order = WatchOrder(
        pid=1, born="", token="", page=0, hand_over=(), accounts=("sim-1",), state_dir="", stop_files=(),
        command=("/nowhere/engine",), engine={}, run_dir=str(tmp_path), held_after_s=10.0, then="restart_flatten",
        alerts={}, arguments="--config FILE",
    )  # fmt: skip
    with folder.own():
        living = ControlAddress(port=5, token="t", pid=77, run_dir="elsewhere", arguments="--config FILE")
        folder.publish(living)
        Takeover(order, HandOver()).succeed("", "")
        assert folder.address() == living
        assert folder.latched() is None
    assert "another one has the account" in (tmp_path / LOG).read_text()
