"""An engine, from production's entry on, whose reader a text holds for ever: `python held_engine.py ORDER`.

While the file that MOMENTUM_KIT_TEST_POISON names is empty, the next text that is read becomes the poison, and is
written there. Who reads it, in this engine or a later one, is held by a regular expression that takes longer than any
test, and gives the interpreter's lock back to nobody: heartbeat, endpoint and signal handlers are held as well.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

from momentum_kit.runtime.engine.hosting import main
from momentum_kit.services.news import news_handler

POISON = "MOMENTUM_KIT_TEST_POISON"
read_headline = news_handler.read_headline


def read_and_be_held(text: str, **rest: Any) -> Any:
    """Reads as ever, but for the poison."""
    file = Path(os.environ[POISON])
    known = file.read_text() if file.exists() else None
    if known == "":
        file.write_text(text)
    if known in ("", text):
        re.fullmatch(r"(a|a)*", "a" * 64 + "b")
    return read_headline(text, **rest)


if __name__ == "__main__":
    news_handler.read_headline = read_and_be_held
    sys.exit(main(sys.argv[1]))
