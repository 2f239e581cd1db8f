"""Crashes of the engine and the gateway, and a socket that breaks, each while something is held."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ib_async import IB

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import EngineError
from momentum_kit.models.session import LinkState, TradingState
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.notebook.tables import table
from momentum_kit.runtime.control import ControlClient
from momentum_kit.runtime.ownership import StateFolder
from tests.chaos.chaos_gateway import Gateway, Proxy
from tests.chaos.chaos_processes import ENDING, configure, kill_process, wait_status, wait_until

QUICK = {"clock": {"rate": 200}}


def client(kit: Kit) -> ControlClient:
    """The control endpoint of a kit's engine."""
    address = StateFolder(kit.config.owner_key).address()
    assert address
    return ControlClient(address)


async def holding(config: Path) -> Kit:
    """A kit whose engine, in a process of its own, holds a position."""
    kit = await Kit.open(config)
    await kit.start()
    wait_status(client(kit), lambda status: status.positions, "a position")
    return kit


@pytest.fixture
async def observer(gateway: Gateway) -> AsyncIterator[IB]:
    """A second, unmodified client of the gateway, which shares nothing with ours."""
    other = IB()
    await other.connectAsync("127.0.0.1", gateway.port, clientId=99, timeout=10)
    yield other
    other.disconnect()


async def test_a_killed_engine_is_taken_over(project: Path, gateway: Gateway, observer: IB) -> None:
    """The stop rests at the broker; a new engine adopts position and orders, enters nothing twice, and ends flat."""
    config = configure(project, gateway.port, lasting=True, **QUICK)
    dead = await holding(config)
    before = dead.status()
    kill_process(before.pid)
    with pytest.raises(EngineError, match="without a last word"):
        await dead.wait()
    resting = await observer.reqAllOpenOrdersAsync()
    assert sorted(trade.order.orderType for trade in resting) == ["LMT", "STP"]
    assert {trade.order.totalQuantity for trade in resting} == {before.positions[0].quantity}
    references = {trade.order.orderRef for trade in resting}
    assert len(references) == 1
    assert references.pop().startswith("mk-")

    kit = await Kit.open(config)
    assert kit.started_here
    (adopted,) = kit.status().positions
    assert (adopted.symbol, adopted.quantity) == (before.positions[0].symbol, before.positions[0].quantity)
    assert kit.status().incidents == ()
    await kit.start()
    wait_status(client(kit), lambda status: status.market_time > before.market_time, "the session goes on")
    still = await observer.reqAllOpenOrdersAsync()
    assert {trade.order.permId for trade in still} == {trade.order.permId for trade in resting}
    final = await kit.stop()
    assert (final.state, final.positions) == (TradingState.STOPPED, ())
    known = gateway.truth()
    assert known["positions"] == []
    assert len([order for order in known["orders"] if order["action"] == "BUY"]) == 1
    assert not [order for order in known["orders"] if order["open"]]


async def test_what_is_taken_over_is_closed_without_a_start(project: Path, gateway: Gateway) -> None:
    """A stop of an engine that was opened but never started closes what it adopted."""
    config = configure(project, gateway.port, lasting=True, **QUICK)
    kill_process((await holding(config)).status().pid)
    kit = await Kit.open(config)
    assert kit.status().positions
    final = await kit.stop()
    assert (final.state, final.positions) == (TradingState.STOPPED, ())
    assert gateway.truth()["positions"] == []


async def test_a_gateway_that_dies(project: Path, gateway: Gateway) -> None:
    """Reported within seconds; after the window the session ends in words, what it holds rests with its stop."""
    kit = await holding(configure(project, gateway.port, lasting=True, **QUICK, broker={"reconnect_timeout_s": 2}))
    gateway.die()
    final = await kit.wait()
    assert final.state is TradingState.STOPPED
    assert "lost" in final.incidents[0]
    assert "did not come back within 2 s" in final.reason
    assert "their stops rest at the broker" in final.reason
    assert len(final.positions) == 1
    said = wait_until((kit.run_dir / "engine.err").read_text, "its last word, which comes after its last status")
    assert said.strip() == final.reason


async def test_a_stop_while_the_gateway_is_away(project: Path, gateway: Gateway) -> None:
    """Nobody waits for the whole window: a stop ends the session, in words, once its time to get flat is over."""
    config = configure(project, gateway.port, lasting=True, **QUICK, exits={"flatten_timeout_s": 1})
    kit = await holding(config)
    gateway.die()
    wait_status(client(kit), lambda status: status.health.socket is LinkState.DOWN, "the loss is seen")
    final = await kit.stop()
    assert "when the session was told to end" in final.reason
    assert len(final.positions) == 1


async def test_a_gateway_that_comes_back_without_memory(project: Path, gateway: Gateway, proxy: Proxy) -> None:
    """The position is gone from the broker: a human is told, nothing is sent for it, the session goes on."""
    kit = await holding(configure(project, proxy.port, lasting=True, **QUICK))
    lost = kit.status().positions[0].symbol
    gateway.die()
    successor = Gateway(project, stories=False)
    proxy.target = successor.port
    try:
        wait_status(client(kit), lambda status: "reconnected" in str(status.incidents), "the session is back")
        status = wait_status(client(kit), lambda status: status.positions == (), "two whole answers have none")
        assert any(lost in incident and "look" in incident for incident in status.incidents), status.incidents
        final = await kit.stop()
        assert final.state is TradingState.STOPPED
        assert successor.truth()["orders"] == []
    finally:
        successor.close()


async def test_a_cut_line_is_mended(project: Path, gateway: Gateway, proxy: Proxy) -> None:
    """Reconnected and reconciled: what filled meanwhile is in the ledger, and every fill counts once."""
    kit = await holding(configure(project, proxy.port, **QUICK, **ENDING))
    proxy.cut()
    wait_status(client(kit), lambda status: status.health.socket is LinkState.DOWN, "the loss is seen")
    assert kit.status().positions
    async with IBKRBridge("127.0.0.1", gateway.port, 98, messages_per_s=float("inf")) as hand:
        symbol = kit.status().positions[0].con_id
        for _ in range(3600):  # the market goes on by another hand, until target or stop has filled
            await hand.fetch_current_time_millis()
            held = {position.contract.con_id: position.quantity for position in await hand.fetch_positions()}
            if not held.get(symbol):
                break
        assert not held.get(symbol)
    proxy.mend()
    status = wait_status(client(kit), lambda status: "reconnected" in str(status.incidents), "the session is back")
    assert symbol not in {view.con_id for view in status.positions}
    assert status.state is TradingState.RUNNING
    wait_status(client(kit), lambda later: later.market_time > status.market_time, "the session goes on")
    final = await kit.stop()
    known = gateway.truth()
    assert final.positions == ()
    assert final.counts["fills"] == len(known["fills"])
    assert final.realised_usd == pytest.approx(known["realized_usd"] + known["commissions_usd"], abs=0.01)
    trips = table(kit.journal, "round_trips")
    assert trips["item_id"].is_unique  # the session goes on: a later story may open the same symbol again
    assert symbol in set(trips["con_id"])
    wait_until(lambda: not kit.running, "the engine ends")
