import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from momentum_kit.errors import EngineError
from momentum_kit.runtime.control import ControlClient, client, kill_engine
from momentum_kit.runtime.ownership import ControlAddress, StateFolder

ASKS: dict[str, Callable[[ControlClient], object]] = {
    "status": lambda engine: engine.status(),
    "start": lambda engine: engine.start(),
    "thresholds": lambda engine: engine.thresholds(),
    "a change of thresholds": lambda engine: engine.set_thresholds({}, "test"),
    "the file's thresholds": lambda engine: engine.revert_thresholds("test"),
}


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlAddress]:
    """Where somebody takes connections and never says a word; nobody waits long for it."""
    monkeypatch.setattr(client, "PATIENCE_S", 0.125)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield ControlAddress(port=listener.getsockname()[1], token="t", pid=1, run_dir="", arguments="")


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_every_question_has_the_patience_that_is_set(
    silent: ControlAddress, ask: Callable[[ControlClient], object]
) -> None:
    """It is looked up when the question is put, so that one who sets it is obeyed."""
    with pytest.raises(EngineError, match=r"does not answer within 0\.125 s"):
        ask(ControlClient(silent))


def test_a_kill_has_it_as_well(silent: ControlAddress, tmp_path: Path) -> None:
    """It goes past an engine that says nothing as soon as patience is over."""
    folder = StateFolder("DU1", str(tmp_path))
    with folder.own():
        folder.publish(silent)
        words, status = kill_engine(folder, "test")
    assert "does not answer within 0.125 s" in words
    assert status == EngineError.exit_status
