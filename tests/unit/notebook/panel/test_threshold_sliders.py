import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.config import Thresholds
from momentum_kit.notebook.live_view.commands import SessionCommands
from momentum_kit.notebook.live_view.engine_contact import EngineContact
from momentum_kit.notebook.panel.threshold_sliders import ThresholdSliders
from momentum_kit.runtime.control import ThresholdState
from momentum_kit.runtime.ownership import StateFolder

BEFORE = ThresholdState(Thresholds(), Thresholds())
AFTER = BEFORE.applied({"min_ret_60s": 0.05, "max_spread_bps": 55.0})
ENOUGH_S = 0.5  # for what happens at once, if nothing is in its way; where something is, it happens later


@pytest.fixture
def sliders(tmp_path: Path) -> ThresholdSliders:
    """Those of a panel that nothing else happens to."""
    folder = StateFolder("DU1", str(tmp_path))
    commands = SessionCommands(folder, EngineContact(folder), source="panel", clicked_ago_s=lambda: 0.0)
    return ThresholdSliders(commands, "")


def follow_while(sliders: ThresholdSliders, act: Callable[[], Any]) -> None:
    """Follow a change; when the first slider has been moved and the last one has not, another thread acts."""
    sliders.follow(BEFORE)
    thread = threading.Thread(target=act)

    def in_that_instant(_change: object) -> None:
        thread.start()
        thread.join(ENOUGH_S)

    sliders.sliders["min_ret_60s"].observe(in_that_instant, "value")
    sliders.follow(AFTER)
    thread.join()


def test_a_slider_that_a_hand_moves_in_that_instant_stays_there(sliders: ThresholdSliders) -> None:
    """The browser's word is not overwritten by a change of thresholds that is being shown."""
    spread = sliders.sliders["max_spread_bps"]
    follow_while(sliders, lambda: spread.set_state({"value": 42.0}))
    assert spread.value == 42.0
    assert sliders.moved() == {"max_spread_bps": 42.0}


def test_nothing_seems_moved_while_a_change_is_being_shown(sliders: ThresholdSliders) -> None:
    """To apply in that instant would take back what somebody else has just changed."""
    seen: list[dict[str, float]] = []
    follow_while(sliders, lambda: seen.append(sliders.moved()))
    assert seen == [{}]
