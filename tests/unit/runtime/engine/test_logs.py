import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina
import structlog
from stamina.instrumentation import set_on_retry_hooks

from momentum_kit.config import StorageSettings
from momentum_kit.errors import ConnectionFailed
from momentum_kit.runtime.engine import configure_logs


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Path]:
    """Logging as an engine sets it up, undone afterwards."""
    root, raising = logging.getLogger(), logging.raiseExceptions
    handlers, level = root.handlers[:], root.level
    configure_logs(tmp_path, StorageSettings())
    yield tmp_path / "bot.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:], logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    structlog.reset_defaults()
    set_on_retry_hooks(None)


def test_a_retry_is_a_line_for_people(logs: Path) -> None:
    """What is tried again, when and why; nothing of the library's own call context."""
    with stamina.set_testing(False), pytest.raises(ConnectionFailed):
        for attempt in stamina.retry_context(on=ConnectionFailed, attempts=2, wait_initial=0.01, wait_jitter=0):
            with attempt:
                raise ConnectionFailed("nobody listens at 127.0.0.1:4002")
    (line,) = [json.loads(text) for text in logs.read_text().splitlines()]
    assert (line["event"], line["attempt"], line["why"]) == ("trying again", 1, "nobody listens at 127.0.0.1:4002")
    assert line["level"] == "warning"
