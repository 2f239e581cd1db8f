"""Engines on the test's own loop, against a gateway on it: no process to start, and a death is to be left alone."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from momentum_kit.config import load_config
from momentum_kit.models import EngineStatus
from momentum_kit.runtime.engine import new_run_dir
from momentum_kit.runtime.engine.engine import Engine
from momentum_kit.runtime.engine.heartbeat import EngineHeartbeat
from momentum_kit.runtime.ownership import StateFolder
from momentum_kit.simgateway import SimulatedGateway
from tests.chaos.chaos_gateway import MARKET

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240.0  # wall seconds: a market in lock-step goes as fast as the machine


def project_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    shutil.copytree(ROOT / "config", folder / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(folder / "state"))
    monkeypatch.chdir(folder)
    return folder


def market(project: Path, port: int = 0, **options: Any) -> SimulatedGateway:
    """A gateway in lock-step on this loop; nothing moves while no engine beats. options: of the gateway."""
    path = project / "market.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(MARKET.read_text()) | {"universe": {"small_caps": 4}}))
    return SimulatedGateway(path, seed=2, port=port, lock_step_s=1.0, **options)


@asynccontextmanager
async def engine_of(project: Path, config: Path) -> AsyncIterator[Engine]:
    """An open engine on this loop; left without a word, as one that dies."""
    settings = load_config(config)
    folder = StateFolder(settings.owner_key)
    run_dir = new_run_dir(settings, project)
    with folder.own():
        engine = Engine(config=settings, project=project, run_dir=run_dir, folder=folder)
        heartbeat = EngineHeartbeat(engine, folder)
        try:
            await engine.open()
            await heartbeat.start()
            yield engine
        finally:
            await engine.close()  # first: in lock-step the market takes no further step for an engine that is dead
            await heartbeat.stop()


async def until(engine: Engine, met: Callable[[EngineStatus], Any], what: str) -> EngineStatus:
    """The first status for which a condition holds."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not met(status := engine.status()):  # noqa: ASYNC110  (a snapshot has no event)
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"{what}: not within {PATIENCE_S:.0f} s; {engine.status()}")
    return status


async def end_of(engine: Engine) -> EngineStatus:
    """Its last status."""
    async with asyncio.timeout(PATIENCE_S):
        await engine.ended.wait()
    return engine.status()
