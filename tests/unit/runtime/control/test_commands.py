import pytest

from momentum_kit.models.session import TradingState
from momentum_kit.runtime.control import COMMANDS, refusal


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_obeyed_after_the_end(name: str) -> None:
    """A session that has ended refuses every command and says what it is."""
    assert "stopped" in refusal(name, TradingState.STOPPED, True, True, False)
    assert "killed" in refusal(name, TradingState.KILLED, True, True, False)


def test_a_kill_obeys_nothing_but_a_stop() -> None:
    """Until it is flat a kill goes on; a stop is a human's word that it shall end, flat or not."""
    state = TradingState.KILLED
    assert [name for name in COMMANDS if not refusal(name, state, True, False, False)] == ["stop"]


def test_a_kill_overrides_a_stop() -> None:
    """While it stops a session obeys nothing but the kill."""
    state = TradingState.STOPPING
    assert [name for name in COMMANDS if not refusal(name, state, True, False, False)] == ["kill"]


def test_entries_need_a_started_session_and_a_disk() -> None:
    """Resume is refused before the start and while the journal cannot be written; everything else is obeyed."""
    assert "not started" in refusal("resume", TradingState.PAUSED, False, False, False)
    assert "disk" in refusal("resume", TradingState.REDUCE_ONLY, True, False, True)
    others = [name for name in COMMANDS if name != "resume"]
    assert not [name for name in others if refusal(name, TradingState.RUNNING, True, False, True)]
