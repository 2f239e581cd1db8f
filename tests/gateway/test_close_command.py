"""`momentum-kit close SYMBOL`: one position goes, the way through command line, endpoint and engine."""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from momentum_kit.cli import main
from momentum_kit.errors import InputError
from momentum_kit.models import LinkState, TradingState
from momentum_kit.runtime.endpoint import ControlServer
from momentum_kit.runtime.engine.engine import Engine
from momentum_kit.runtime.ownership import ControlAddress, StateFolder
from tests.chaos.chaos_gateway import Proxy
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import engine_of, market, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@asynccontextmanager
async def reachable(engine: Engine) -> AsyncIterator[None]:
    """The engine listens where commands look for it."""
    folder, server = StateFolder.of(engine.config), ControlServer(engine)
    await server.start()
    folder.publish(ControlAddress(port=server.port, token=server.token, pid=1, run_dir="", arguments=""))
    try:
        yield
    finally:
        folder.withdraw()
        await server.stop()


async def tell(*words: str) -> int:
    """`momentum-kit WORDS`; its exit status."""
    return await asyncio.to_thread(main, list(words))


async def test_one_position_is_closed_and_the_others_stay(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By whatever spelling; a symbol that is not held is refused with what is; both are in the journal."""
    async with market(project) as gateway:
        config = configure(project, gateway.port, lasting=True, clock={"rate": 500}, risk={"max_positions": 2})
        async with engine_of(project, config) as engine, reachable(engine):
            engine.start()
            held = (await until(engine, lambda status: len(status.positions) == 2, "two positions")).positions
            gone, kept = (view.symbol for view in held)
            assert await tell("close", "NONE") == 4
            refused = capsys.readouterr().err
            assert "nothing of ours is held in NONE" in refused
            assert gone in refused
            await engine.command("pause", "a trader")  # else what is free again is entered again
            assert await tell("close", f" {gone.lower()} ") == 0
            assert f"{gone} is on its way out" in capsys.readouterr().out
            status = await until(engine, lambda status: len(status.positions) == 1, "one position")
            assert status.positions[0].symbol == kept
            assert await tell("close", gone) == 4
            assert status.state is TradingState.PAUSED
            with pytest.raises(InputError, match="symbol"):
                await engine.command("close", "a trader")
        with closing(sqlite3.connect(engine.run_dir / "journal.db")) as journal:
            commands = journal.execute("SELECT command, source, outcome FROM commands WHERE command LIKE 'close%'")
            first, second, _ = commands.fetchall()
            trips = journal.execute("SELECT symbol, reason FROM round_trips").fetchall()
        assert first[:2] == ("close NONE", "command line")
        assert second == (f"close {gone}", "command line", "accepted")
        assert (gone, "close by command line") in trips


async def test_what_was_taken_over_is_closed_before_the_start(project: Path) -> None:
    """An open engine is enough; it has not started by that."""
    async with market(project) as gateway:
        config = configure(project, gateway.port, lasting=True, clock={"rate": 500})
        async with engine_of(project, config) as engine:
            engine.start()
            (held,) = (await until(engine, lambda status: status.positions, "a position")).positions
        async with engine_of(project, config) as engine:
            await engine.command("close", "a trader", held.symbol)
            status = await until(engine, lambda status: not status.positions, "flat")
            assert (status.state, status.started) == (TradingState.PAUSED, False)


async def test_a_close_is_not_forgotten_over_a_lost_line(project: Path) -> None:
    """Asked for while the gateway is away, the exit is asked for again once it is back."""
    async with market(project) as gateway:
        proxy = await asyncio.to_thread(Proxy, gateway.port)
        config = configure(project, proxy.port, lasting=True, clock={"rate": 500})
        async with engine_of(project, config) as engine:
            engine.start()
            (held,) = (await until(engine, lambda status: status.positions, "a position")).positions
            proxy.cut()
            await until(engine, lambda status: status.health.socket is LinkState.DOWN, "the loss is seen")
            await engine.command("pause", "a trader")
            await engine.command("close", "a trader", held.symbol)
            proxy.mend()
            status = await until(engine, lambda status: not status.positions, "flat")
            assert any("reconnected" in each for each in status.incidents)
        await asyncio.to_thread(proxy.close)
