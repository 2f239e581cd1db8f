"""The engine: the process that trades, what a human commands, and what it says of itself.

Whoever starts or finds one loads none of it: a second of processor, in each command and kernel.
"""

from typing import TYPE_CHECKING

from momentum_kit.lazy_faces import lazy_names
from momentum_kit.runtime.engine.process import (
    FINAL_STATUS,
    RUN_ACCOUNT,
    RUN_DIR,
    EngineProcess,
    find_engine,
    new_run_dir,
    start_engine,
)
from momentum_kit.runtime.engine.session_end import check_until, parse_until

if TYPE_CHECKING:
    from momentum_kit.runtime.engine.hosting import serve_in_thread
    from momentum_kit.runtime.engine.logs import configure_logs

__all__ = [
    "FINAL_STATUS",
    "RUN_ACCOUNT",
    "RUN_DIR",
    "EngineProcess",
    "check_until",
    "configure_logs",
    "find_engine",
    "new_run_dir",
    "parse_until",
    "serve_in_thread",
    "start_engine",
]

_HOMES = {
    "configure_logs": "momentum_kit.runtime.engine.logs",
    "serve_in_thread": "momentum_kit.runtime.engine.hosting",
}
__getattr__ = lazy_names(__name__, _HOMES)
