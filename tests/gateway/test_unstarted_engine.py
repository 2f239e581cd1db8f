"""An engine that is open and not started: what was forbidden before stands, the line is mended, nobody holds it."""

import asyncio
import threading
from pathlib import Path
from time import monotonic

import pytest
import yaml

from momentum_kit.config import load_config
from momentum_kit.errors import GuardRefused
from momentum_kit.models import LinkState, TradingState
from momentum_kit.runtime.engine import unstarted
from momentum_kit.runtime.engine.unstarted import FORSAKEN_S
from momentum_kit.runtime.ownership import Restriction, StateFolder
from momentum_kit.simgateway.broker.fills import FillEngine
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import end_of, engine_of, market, project_folder, until

ACCOUNT = "DU9000001"  # the simulated one
QUICK = {"clock": {"rate": 500}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    return project_folder(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("pause", TradingState.PAUSED),
        ("reduce_only", TradingState.REDUCE_ONLY),
        ("flatten", TradingState.REDUCE_ONLY),
    ],
)
async def test_what_was_forbidden_before_the_start_stands_over_start_and_death(
    project: Path, name: str, state: TradingState
) -> None:
    """A start lets no entry in, nor does the next engine's, until a human resumes; after that nothing is left of it."""
    async with market(project) as gateway:
        config = configure(project, gateway.port, **QUICK)
        async with engine_of(project, config) as engine:
            await engine.command(name, "a trader")
            engine.start()
            status = engine.status()
            assert (status.state, status.started) == (state, True)
            assert "by a trader" in status.reason
            assert "stands until resume" in status.reason
        async with engine_of(project, config) as engine:
            assert "stands until resume" in engine.status().reason
            engine.start()
            assert engine.status().state is state
            assert any("entries are off" in each for each in engine.status().incidents)
            await engine.command("resume", "a trader")
            assert engine.status().state is TradingState.RUNNING
        async with engine_of(project, config) as engine:
            engine.start()
            assert engine.status().state is TradingState.RUNNING


@pytest.mark.parametrize(
    ("name", "state", "left"),
    [
        ("pause", TradingState.PAUSED, "reduce_only"),
        ("flatten", TradingState.REDUCE_ONLY, "reduce_only"),
        ("stop", TradingState.STOPPED, "reduce_only"),
        ("kill", TradingState.KILLED, "kill"),
    ],
)
async def test_a_resume_that_waits_for_the_disk_overrules_nothing_that_is_given_after_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, state: TradingState, left: str
) -> None:
    """Whoever forbids has the last word, however long the disk holds the resume before it: it is refused in words."""
    asked, free, lift = threading.Event(), threading.Event(), StateFolder.lift

    def hang(found: StateFolder, *names: str) -> None:
        asked.set()
        assert free.wait(60)
        lift(found, *names)

    async with market(project) as gateway:
        config = configure(project, gateway.port, **QUICK)
        async with engine_of(project, config) as engine:
            engine.start()
            await engine.command("reduce_only", "one")
            with monkeypatch.context() as stalled:
                stalled.setattr(StateFolder, "lift", hang)
                resuming = asyncio.create_task(engine.command("resume", "one"))
                assert await asyncio.to_thread(asked.wait, 60)
                giving = asyncio.create_task(engine.command(name, "another"))
                await until(engine, lambda status: "by one" not in status.reason, name)
                free.set()
                with pytest.raises(GuardRefused, match=r"meanwhile|the session is"):
                    await resuming
                await giving
            await until(engine, lambda status: status.state is state, f"it is {state}")
        latched = StateFolder(load_config(config).owner_key).latched()
        assert (latched.name if latched else "") == left


async def test_a_weaker_restriction_takes_nothing_from_a_stronger_one(project: Path) -> None:
    """Reduce-only and then a pause, by two people: what stands is reduce-only."""
    async with market(project) as gateway:
        config = configure(project, gateway.port, **QUICK)
        async with engine_of(project, config) as engine:
            await engine.command("reduce_only", "one")
            await engine.command("pause", "another")
        async with engine_of(project, config) as engine:
            engine.start()
            assert engine.status().state is TradingState.REDUCE_ONLY
            assert "by one" in engine.status().reason


async def test_a_flatten_whose_engine_died_goes_on_with_the_next(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open is enough: it closes what is held, then stays reduce-only, and a start with an end still counts."""
    buyers = wait_for_buyers(monkeypatch)
    async with market(project) as gateway:
        config = configure(project, gateway.port, lasting=True, **QUICK)
        async with engine_of(project, config) as engine:
            engine.start()
            await until(engine, lambda status: status.positions, "a position")
            await engine.command("flatten", "a trader")
            assert engine.status().positions
        async with engine_of(project, config) as engine:
            assert engine.status().state is TradingState.FLATTENING
            assert engine.status().positions
            buyers.set()
            status = await until(engine, lambda status: status.state is not TradingState.FLATTENING, "flat")
            assert (status.state, status.positions, status.started) == (TradingState.REDUCE_ONLY, (), False)
            engine.start(until=status.market_time)
            assert engine.status().state is TradingState.REDUCE_ONLY
            status = await end_of(engine)
            assert (status.state, status.positions) == (TradingState.STOPPED, ())
            with pytest.raises(GuardRefused, match="stopped"):
                engine.start()


def wait_for_buyers(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until the event is set nothing that is for sale finds a buyer."""
    come, usual = threading.Event(), FillEngine.can_trade
    monkeypatch.setattr(
        FillEngine,
        "can_trade",
        lambda engine, ticket, at: (come.is_set() or ticket.order.action == "BUY") and usual(engine, ticket, at),
    )
    return come


async def test_a_latch_that_the_disk_keeps_waiting_holds_up_no_exit(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill is flat and over while its latch is still being written."""
    async with market(project) as gateway:
        config = configure(project, gateway.port, lasting=True, **QUICK)
        async with engine_of(project, config) as engine:
            engine.start()
            await until(engine, lambda status: status.positions, "a position")
            stalled = hold(monkeypatch)
            killing = asyncio.create_task(engine.command("kill", "a trader"))
            try:
                status = await end_of(engine)
                assert (status.state, status.positions) == (TradingState.KILLED, ())
                assert not killing.done()
            finally:
                stalled.set()
            assert "killed" in await killing
        assert StateFolder(load_config(config).owner_key).killed.startswith("by a trader")


def hold(monkeypatch: pytest.MonkeyPatch) -> "threading.Event":
    """Until the event is set no latch gets onto the disk."""
    free, write = threading.Event(), StateFolder.latch

    def latch(folder: StateFolder, restriction: Restriction) -> None:
        assert free.wait(60)
        write(folder, restriction)

    monkeypatch.setattr(StateFolder, "latch", latch)
    return free


async def test_a_line_that_breaks_before_the_start_is_mended(project: Path, own_port: int) -> None:
    """It reconnects without anybody's start; while the gateway is away a stop ends it, in order and at once."""
    async with market(project, own_port):
        config = configure(project, own_port, **QUICK)
        engine_life = engine_of(project, config)
        engine = await engine_life.__aenter__()
    await until(engine, lambda status: status.health.socket is LinkState.DOWN, "the loss is seen")
    async with market(project, own_port):
        status = await until(engine, lambda status: "reconnected" in str(status.incidents), "the line is back")
        assert status.health.socket is LinkState.UP
        assert (status.state, status.started) == (TradingState.PAUSED, False)
        assert not any("nobody has started" in each for each in status.incidents)
    await until(engine, lambda status: status.health.socket is LinkState.DOWN, "the second loss is seen")
    await engine.command("stop", "a trader")
    status = await end_of(engine)
    assert (status.state, status.reason) == (TradingState.STOPPED, "stop by a trader")
    assert not engine.session_state.failure
    await engine_life.__aexit__(None, None, None)


async def test_what_is_held_without_a_start_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken over from an engine that died, and nobody starts: a human is told, also that the line is lost."""
    monkeypatch.setattr(unstarted, "HELD_ALARM_S", 0.5)
    async with market(project) as gateway:
        config = configure(project, gateway.port, lasting=True, **QUICK)
        async with engine_of(project, config) as engine:
            engine.start()
            held = await until(engine, lambda status: status.positions, "a position")
        engine_life = engine_of(project, config)
        engine = await engine_life.__aenter__()
        status = await until(engine, lambda status: status.incidents, "the alarm")
        assert held.positions[0].symbol in status.incidents[0]
        assert "nobody has started" in status.incidents[0]
    lost = "no gateway, and nobody has started"
    status = await until(engine, lambda status: lost in str(status.incidents), "the second alarm")
    assert held.positions[0].symbol in next(each for each in status.incidents if lost in each)
    await engine_life.__aexit__(None, None, None)


async def test_an_engine_that_nobody_wants_ends_by_itself(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before the last client has been silent for its time, and what was forbidden still stands afterwards."""
    monkeypatch.setattr("momentum_kit.runtime.engine.heartbeat.HEARTBEAT_S", 0.05)
    ahead_s = [0.0]
    monkeypatch.setattr("momentum_kit.runtime.engine.engine.monotonic", lambda: monotonic() + ahead_s[0])
    async with market(project) as gateway:
        config = configure(project, gateway.port, **QUICK)
        async with engine_of(project, config) as engine:
            await engine.command("reduce_only", "a trader")
            for _ in range(3):
                engine.asked()
                ahead_s[0] += FORSAKEN_S / 2
                await asyncio.sleep(0.2)  # some heartbeats
                assert not engine.ended.is_set()
            ahead_s[0] += FORSAKEN_S / 2
            status = await end_of(engine)
            assert status.state is TradingState.STOPPED
            assert "nobody asks" in status.reason
        async with engine_of(project, config) as engine:
            engine.start()
            assert engine.status().state is TradingState.REDUCE_ONLY


async def test_an_account_has_one_owner_by_whatever_name(project: Path) -> None:
    """By its address or by its id: the second engine is refused, and a kill by one holds for the other."""
    async with market(project) as gateway:
        by_address, by_id = (paper(project, gateway.port, account) for account in ("", ACCOUNT))
        async with engine_of(project, by_address) as engine:
            with pytest.raises(GuardRefused, match="another engine owns"):
                await engine_of(project, by_id).__aenter__()
            await engine.command("kill", "a trader")
        with pytest.raises(GuardRefused, match="latched"):
            await engine_of(project, by_id).__aenter__()
        StateFolder.of(load_config(by_id)).clear_kill()
        StateFolder.of(load_config(by_address)).clear_kill()
        async with engine_of(project, by_id):
            with pytest.raises(GuardRefused, match=f"another engine owns this account .{ACCOUNT}"):
                await engine_of(project, by_address).__aenter__()


def paper(project: Path, port: int, account: str) -> Path:
    """A paper configuration at the gateway: of an account, or of whichever it serves."""
    content = yaml.safe_load(configure(project, port).read_text())
    content["broker"] |= {"account": account, "client_id": 20 + bool(account)}
    path = project / "config" / f"paper{account}.yaml"
    path.write_text(yaml.safe_dump(content | {"environment": "paper"}))
    return path
