"""Hosts the engine on a loop and thread of this process: for simulation, replay and tests, never for live."""

import asyncio
import threading
from pathlib import Path

from momentum_kit.config import Config
from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError
from momentum_kit.runtime.engine.process import serve
from momentum_kit.runtime.ownership import ControlAddress, StateFolder


def serve_in_thread(config: Config, name: str, project: Path, run_dir: Path) -> ControlAddress:
    """Start it; returns where it listens once it does, or raises its error."""
    if config.needs_arming:
        raise GuardRefused("an engine that trades live runs in its own process; leave in_process off")
    folder, outcome = StateFolder(config.owner_key), list[MomentumKitError]()

    def host() -> None:
        try:
            asyncio.run(serve(config, name, project, run_dir, signals=False))
        except MomentumKitError as error:
            outcome.append(error)

    thread = threading.Thread(target=host, name="engine", daemon=True)
    thread.start()
    while True:
        address = folder.address()
        if address and address.run_dir == str(run_dir):
            return address
        thread.join(0.02)
        if not thread.is_alive():
            raise outcome[0] if outcome else EngineError("the engine thread ended before it listened")
