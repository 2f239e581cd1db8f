"""The engines of a test die with it: each waits for the lock on a file that the test holds for as long as it lives.

An engine outlives its starter on purpose, so that a test which is killed would leave it, and its account, behind. The
system gives back the lock on a file for a process that is killed, on Linux and macOS alike, whoever started the engine
in between: a pipe would have to be handed through every process on the way, and prctl exists on Linux alone.
"""

import os
import threading
from pathlib import Path

import structlog

from momentum_kit.config import Config
from momentum_kit.file_locks import lock

DIES_WITH = "MOMENTUM_KIT_DIES_WITH"  # environment variable: the file whose lock the test holds

log = structlog.get_logger("engine")


def tie_life(config: Config) -> None:
    """End this process, at once and without a word to the broker, when the holder of the lock has ended.

    Without the variable there is no such holder, and an engine that trades real money takes none.
    """
    file = os.environ.get(DIES_WITH)
    if file and not config.needs_arming:
        threading.Thread(target=_die_after, args=(Path(file),), name="lifeline", daemon=True).start()


def _die_after(file: Path) -> None:
    try:
        with file.open() as held:
            lock(held)
    except OSError as error:
        log.warning("the test that this engine belongs to holds no file any more", error=str(error))
    os._exit(1)
