"""The engine: the process that trades, what a human commands, and what it says of itself."""

from momentum_kit.runtime.engine.logs import configure_logs
from momentum_kit.runtime.engine.process import (
    FINAL_STATUS,
    RUN_ACCOUNT,
    RUN_DIR,
    EngineProcess,
    find_engine,
    new_run_dir,
    serve_in_thread,
    start_engine,
)
from momentum_kit.runtime.engine.session_end import check_until, parse_until

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
