"""The engine of a world in a process of its own: its project, its birth by the fork server, its end and last words."""

import asyncio
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import yaml

from momentum_kit.config import ExitSettings, RiskSettings, load_config
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.engine.process import ERRORS
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.storage.journal import intents_file
from tests.chaos.orders.mortal_engine import Fuse, live

CONFIG = Path(__file__).parents[3] / "config"
RECONNECT_S = 60.0  # wall seconds
OPEN = {  # whatever has news is a signal: what these worlds try comes after it
    "name": "open", "min_price_usd": 0, "max_price_usd": 1e6, "min_ret_60s": -1, "min_ret_300s": -1, "min_ret_news": -1,
    "max_extension": 10, "min_z_tod": -100, "min_rvol_bar": -1, "min_rvol_cum": -1, "min_dollar_volume_60s_usd": -1,
    "min_trades_60s": -1, "max_spread_bps": 10_000, "max_spread_share": 100, "min_clv": -1, "barred_catalysts": [],
}  # fmt: skip


def nursery() -> ForkServerContext:
    """What forks engines: a process that has loaded all that they need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.chaos.orders.loaded"])
    return context


class EngineProcess:
    """One engine after another in one project folder. on_end: called when one has ended, on the loop."""

    def __init__(
        self, folder: Path, port: int, settings: dict[str, Any], context: ForkServerContext, on_end: Callable[[], None]
    ) -> None:
        self._context = context
        self._config_file = _configure(folder, port, settings)
        config = load_config(self._config_file)
        self.intents = intents_file(folder / "data", config.owner_key)
        self.runs = folder / "runs"
        self._state = StateFolder.of(config)
        self._burnt = folder / "burnt"
        self._on_end = on_end
        self._run_dir = self.runs
        self._process: ForkServerProcess | None = None

    async def begin(self, number: int, fuses: tuple[Fuse, ...]) -> ControlClient | None:
        """Start the n-th and wait until it listens; None where it died before."""
        self._run_dir = self.runs / f"{number:02}"
        self._run_dir.mkdir(parents=True)
        self._burnt.unlink(missing_ok=True)
        order = json.dumps({"config": str(self._config_file), "overrides": {}, "run_dir": str(self._run_dir)})
        kept = {name: value for name, value in os.environ.items() if name.startswith("MOMENTUM_KIT_")}
        arguments = (order, kept, str(self._run_dir), fuses, str(self._burnt))
        self._process = process = self._context.Process(target=live, args=arguments, daemon=True)
        process.start()
        asyncio.get_running_loop().add_reader(process.sentinel, self._ended, process.sentinel)
        while process.is_alive():
            address = self._state.address()
            if address is not None and address.pid == process.pid:
                return ControlClient(address)
            await asyncio.sleep(0.005)
        return None

    @property
    def lives(self) -> bool:
        """It has not ended."""
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()

    async def bury(self) -> None:
        """End it if it lives, and wait until it has ended."""
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.join)

    @property
    def killed(self) -> bool:
        """It was ended by SIGKILL."""
        return self._process is not None and self._process.exitcode == -signal.SIGKILL

    @property
    def burnt(self) -> int | None:
        """The fuse that ended it; None where it was none."""
        return int(self._burnt.read_text()) if self._burnt.exists() else None

    @property
    def last_words(self) -> str:
        """How it ended, in one line."""
        file = self._run_dir / ERRORS
        words = file.read_text().strip().splitlines() if file.exists() else []
        status = None if self._process is None else self._process.exitcode
        return f"status {status}: {words[-1] if words else 'without a word'}"

    def _ended(self, sentinel: int) -> None:
        asyncio.get_running_loop().remove_reader(sentinel)
        self._on_end()


def _configure(folder: Path, port: int, settings: dict[str, Any]) -> Path:
    """A project of its own: the shipped configuration, and one for this world on top of it."""
    shutil.copytree(CONFIG, folder / "config")
    (folder / "config" / "thresholds" / "open.yaml").write_text(yaml.safe_dump(OPEN))
    settings = {"no_entry_after_halt_s": 0, "stop_min_pct": 0.5, **settings}
    content = {
        "environment": "sim",
        "broker": {"port": port, "account_prefix": "DU", "request_timeout_s": 5, "reconnect_timeout_s": RECONNECT_S},
        "clock": {"kind": "stepped", "beat_s": 1, "bar_grace_s": 0, "rate": 1e6},
        "detection": {"thresholds": "thresholds/open.yaml", "baseline_sessions": 2, "min_baseline_sessions": 1},
        "risk": {name: value for name, value in settings.items() if name in RiskSettings.model_fields},
        "exits": {name: value for name, value in settings.items() if name in ExitSettings.model_fields},
        "storage": {"state_dir": str(folder / "state")},
    }
    file = folder / "config" / "world.yaml"
    file.write_text(yaml.safe_dump(content))
    return file
