"""An engine's control endpoint with the real event streams, whose session does what it is told and nothing else."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from momentum_kit.config import Config, Thresholds
from momentum_kit.models.session import ConnectionHealth, EngineStatus, LinkState, TradingState
from momentum_kit.private_files import make_private_folder
from momentum_kit.runtime.control import ThresholdState, encode_status
from momentum_kit.runtime.endpoint import EventHub
from momentum_kit.runtime.endpoint.stream import EventStreams
from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from momentum_kit.storage.journal import SqliteJournal

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)


def snapshot(run_dir: Path) -> EngineStatus:
    """A session that runs and holds nothing."""
    return EngineStatus(
        state=TradingState.RUNNING, reason="started", environment="sim", account="DU1", market_time=AT,
        started_at=AT, health=ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP), counts={}, skips={},
        queues={},
        positions=(), realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0, run_dir=str(run_dir), pid=os.getpid(),
        message_age_s=0.5, thresholds_hash=ThresholdState(Thresholds(), Thresholds()).hash,
        started=True,
    )  # fmt: skip


class ToldEndpoint:
    """Serves one account's state folder on the loopback."""

    def __init__(self, folder: StateFolder, run_dir: Path) -> None:
        self.folder = folder
        self.run_dir = run_dir
        self.hub = EventHub()
        self.tuning = ThresholdState(Thresholds(), Thresholds())
        self.commands: list[str] = []
        self.sources: list[str] = []
        self.answer_after = threading.Event()
        self.answer_after.set()
        self.status = snapshot(run_dir)

    async def start(self) -> web.AppRunner:
        """Serve on the loopback and be found by the account's state folder."""
        application = web.Application()
        self.streams = streams = EventStreams(self.hub, lambda: encode_status(self.status))
        application.add_routes([
            web.get("/events", streams.serve), web.get("/alive", self._alive), web.post("/command", self._command),
            web.get("/thresholds", self._thresholds), web.post("/thresholds", self._tune),
            web.post("/thresholds/revert", self._revert),
        ])  # fmt: skip
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        streams.start()
        self.publish(runner.addresses[0][1])
        return runner

    def publish(self, port: int, pid: int | None = None) -> None:
        """Tell where it listens."""
        self.port = port
        self.folder.publish(
            ControlAddress(
                port=port, token="t", pid=pid or os.getpid(), run_dir=str(self.run_dir), arguments="--config sim.yaml"
            )
        )

    async def _alive(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _command(self, request: web.Request) -> web.Response:
        content = await request.json()
        name = " ".join(filter(None, (content["command"], content.get("symbol", ""))))
        self.commands.append(name)
        self.sources.append(content["source"])
        await asyncio.to_thread(self.answer_after.wait)
        if name == "resume":
            return web.json_response({"error": "the session is killed", "kind": "guard"}, status=409)
        self.status = replace(self.status, state=TradingState.PAUSED)
        return web.json_response({"outcome": f"{name} done"})

    async def _thresholds(self, _: web.Request) -> web.Response:
        sets = {"current": self.tuning.current, "file": self.tuning.file}
        return web.json_response(
            {name: each.model_dump(mode="json", exclude_unset=True) for name, each in sets.items()}
        )

    async def _tune(self, request: web.Request) -> web.Response:
        return self._tuned(self.tuning.applied((await request.json())["values"]))

    async def _revert(self, _: web.Request) -> web.Response:
        return self._tuned(self.tuning.reverted())

    def _tuned(self, changed: ThresholdState) -> web.Response:
        self.commands.append(changed.words_since(self.tuning))
        self.tuning = changed
        self.status = replace(self.status, thresholds_hash=changed.hash)
        return web.json_response({"outcome": self.commands[-1]})


@asynccontextmanager
async def told_endpoint(config: Config, run_dir: Path) -> AsyncIterator[ToldEndpoint]:
    """An engine's endpoint that owns the account until the context ends; run_dir is made."""
    folder = StateFolder(config.owner_key)
    make_private_folder(run_dir)
    SqliteJournal(run_dir / "journal.db").close()
    with folder.own():
        served = ToldEndpoint(folder, run_dir)
        runner = await served.start()
        try:
            yield served
        finally:
            served.answer_after.set()
            await served.streams.stop()
            await runner.cleanup()
            folder.withdraw()
