"""The kill drill: by each way and with each thing in the way a kill gets flat, and says what it waited for."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from momentum_kit.models import EngineStatus, TradingState
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.endpoint import ControlServer
from momentum_kit.runtime.engine.engine import Engine
from momentum_kit.runtime.ownership import ControlAddress, Restriction, StateFolder
from momentum_kit.simgateway import SimulatedGateway
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import end_of, engine_of, market, project_folder, until

SPEED = 60.0  # market seconds a second, where nobody steps
QUICK = {"clock": {"rate": 500}}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    return project_folder(tmp_path, monkeypatch)


async def go_on(gateway: SimulatedGateway) -> None:
    """The market runs although nobody steps."""
    while True:
        gateway.hub.advance(gateway.hub.now + timedelta(seconds=1))
        gateway.flush()
        await asyncio.sleep(1 / SPEED)


@asynccontextmanager
async def holding(project: Path, gateway: SimulatedGateway, **changes: dict[str, object]) -> AsyncIterator[Engine]:
    """A started engine that holds something which no price of the market sells."""
    async with engine_of(project, configure(project, gateway.port, lasting=True, **changes)) as engine:
        engine.start()
        await until(engine, lambda status: status.positions, "a position")
        yield engine


async def by_command(engine: Engine) -> None:
    """As kit and panel give it to an engine of their own process."""
    await engine.command("kill", "kit")


async def by_endpoint(engine: Engine) -> None:
    """As the command line, a notebook's kit and the panel give it to an engine process."""
    server = ControlServer(engine)
    await server.start()
    address = ControlAddress(port=server.port, token=server.token, pid=0, run_dir="", arguments="")
    try:
        await asyncio.to_thread(ControlClient(address).command, "kill", "command line")
    finally:
        await server.stop()


async def by_file(engine: Engine) -> None:
    """As somebody leaves it who has no other way."""
    StateFolder(engine.config.owner_key).leave_command("kill")
    await until(engine, lambda status: status.state is TradingState.KILLED, "the file is obeyed")


WAYS = (by_command, by_endpoint, by_file)
Way = Callable[[Engine], Awaitable[None]]


def flat(gateway: SimulatedGateway) -> bool:
    """By the broker's own book: nothing held, nothing open."""
    truth = gateway.truth()
    return not any(row["quantity"] for row in truth["positions"]) and not any(row["open"] for row in truth["orders"])


def latched(engine: Engine) -> Restriction | None:
    """What stands over the next start."""
    return StateFolder(engine.config.owner_key).latched()


def assert_killed(status: EngineStatus, engine: Engine, gateway: SimulatedGateway) -> None:
    """Flat by everybody's word, latched, and no failure."""
    assert (status.state, status.positions, status.waits) == (TradingState.KILLED, (), ())
    assert engine.session_state.failure == ""
    assert flat(gateway)
    restriction = latched(engine)
    assert restriction is not None
    assert restriction.name == "kill"


@pytest.mark.parametrize("way", WAYS)
async def test_a_kill_outlives_two_minutes_without_a_gateway(project: Path, own_port: int, way: Way) -> None:
    """Whoever gives it while the gateway is away: it asks on, says so, and sells when the gateway is back."""
    by_wall = {"clock": {"kind": "scaled", "rate": SPEED}, "broker": {"reconnect_timeout_s": 1.0}}
    async with market(project, own_port) as gateway:
        async with holding(project, gateway, **QUICK):
            pass
        async with engine_of(project, configure(project, gateway.port, lasting=True, **by_wall)) as engine:
            engine.start()
            (held,) = engine.status().positions
            symbol = held.symbol
            await until(engine, lambda _: engine.session.waits == {symbol: ""}, "the bracket is taken over")
            gateway.go_down(None)
            await way(engine)
            lasting = lambda status: any(wait.seconds >= 120 for wait in status.waits)  # noqa: E731
            status = await until(engine, lasting, "it says what it waits for")
            (wait,) = status.waits
            assert (wait.symbol, wait.why) == (symbol, "gateway away")
            assert status.state is TradingState.KILLED
            await gateway.come_back()
            going_on = asyncio.create_task(go_on(gateway))
            status = await end_of(engine)
            going_on.cancel()
            assert_killed(status, engine, gateway)
            alarms = [each for each in status.incidents if "kill is not done" in each]
            assert f"{symbol}: gateway away, for 0 s" in alarms[0]


async def test_a_kill_is_flat_while_the_disk_stalls(project: Path) -> None:
    """No intent can be written: what reduces risk goes out all the same, and the engine ends."""
    async with market(project) as gateway, holding(project, gateway, **QUICK) as engine:
        free = threading.Event()
        engine._intents._writer.submit(free.wait, 60.0)
        try:
            await engine.command("kill", "a trader")
            assert_killed(await end_of(engine), engine, gateway)
        finally:
            free.set()


async def test_a_stop_ends_at_its_time_with_what_it_holds(project: Path) -> None:
    """No gateway and a deadline: it ends, the broker's stop rests, and nothing is entered before a human has looked."""
    settings = {**QUICK, "exits": {"flatten_timeout_s": 0.5}}
    async with market(project) as gateway, holding(project, gateway, **settings) as engine:
        symbol = engine.status().positions[0].symbol
        gateway.go_down(None)
        await engine.command("stop", "SIGTERM")
        status = await end_of(engine)
        assert status.state is TradingState.STOPPED
        assert [view.symbol for view in status.positions] == [symbol]
        resting = [row for row in gateway.truth()["orders"] if row["open"]]
        assert "STP" in {row["order_type"] for row in resting}
        restriction = latched(engine)
        assert restriction is not None
        assert restriction.name == "reduce_only"
        assert "not flat at its end" in restriction.reason


async def test_a_human_ends_a_kill_that_cannot_be_done(project: Path) -> None:
    """The gateway stays away: the kill asks for ever, and a stop gives it its time; the account stays latched."""
    settings = {**QUICK, "exits": {"flatten_timeout_s": 0.5}, "broker": {"reconnect_timeout_s": 0.5}}
    async with market(project) as gateway, holding(project, gateway, **settings) as engine:
        gateway.go_down(None)
        await engine.command("kill", "a trader")
        await until(engine, lambda status: status.waits, "it waits")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):  # many times both limits
                await engine.ended.wait()
        await engine.command("stop", "another trader")
        status = await end_of(engine)
        assert status.state is TradingState.KILLED
        assert status.positions
        restriction = latched(engine)
        assert restriction is not None
        assert restriction.name == "kill"


async def test_a_service_that_fails_does_not_end_a_kill(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in what judges headlines, just then: the session is made anew from the broker's word, and gets flat."""
    monkeypatch.setattr("momentum_kit.runtime.engine.engine.REBUILD_PAUSE_S", 0.1)
    async with market(project) as gateway, holding(project, gateway, **QUICK) as engine:
        session = engine.session

        async def fail() -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(session, "cancel_entries", fail)
        killing = asyncio.create_task(engine.command("kill", "a trader"))
        assert_killed(await end_of(engine), engine, gateway)
        assert any("a bug" in each for each in engine.status().incidents)
        await asyncio.gather(killing, return_exceptions=True)
