"""The stop-file: a person's word where no command reaches the engine; engine and watchdog read it alike.

The watchdog loads nothing but Python's own modules, and so does this one.
"""

import os
import time
from pathlib import Path

BEING_WRITTEN_S = 0.5  # so long an empty one may wait for its words: a shell makes a file first, and writes then
MOST = 100  # characters


def word_in(file: Path) -> str | None:
    """What it commands; empty where somebody only touched it, None without one or before its words are written.

    Raises OSError for one that cannot be read.
    """
    try:
        with open(file, "rb", opener=_at_once) as opened:
            text = (opened.read(4 * MOST) or b"").decode(errors="replace").strip()
        touched = file.stat().st_mtime  # before the clock is read: it may be written at any moment
    except FileNotFoundError:
        return None
    being_written = not text and 0 <= time.time() - touched < BEING_WRITTEN_S  # below 0: a clock that was set back
    return None if being_written else text[:MOST]


def _at_once(path: str, flags: int) -> int:
    """The engine's loop looks: a pipe in the file's place shall not hold it."""
    return os.open(path, flags | os.O_NONBLOCK)
