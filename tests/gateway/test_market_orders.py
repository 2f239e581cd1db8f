"""Exits whose market order rests, over the wire: flat under every answer, never short, never bare for long."""

from pathlib import Path

import pytest

from momentum_kit.models import EngineStatus
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import engine_of, market, project_folder, until
from tests.helpers.trading_floor import gateway_on, known_answers, steady, trading_floor

CHANGES = known_answers()["market_to_limit"]
ROUTES = known_answers()["overfill_protection"]
CANCELS = known_answers()["oca_member_cancelled"]
FALLING = steady(4.99, 25, 20_000) + steady(4.99, 2, 100) + steady(4.95, 200, 20_000)  # through the cap of the exit
MARKETS = {"capped": FALLING, "sits": steady(4.99, 200, 20_000)}


@pytest.mark.parametrize("cancels", CANCELS)
@pytest.mark.parametrize("routes", ROUTES)
@pytest.mark.parametrize("changes", CHANGES)
@pytest.mark.parametrize("rests", MARKETS)
async def test_flat_under_every_answer(tmp_path: Path, rests: str, changes: str, routes: str, cancels: str) -> None:
    """The holding time is over, the market order rests, and no more than its shares are sold in the end."""
    switches = {
        "market_order": rests, "market_to_limit": changes, "overfill_protection": routes,
        "oca_member_cancelled": cancels, "market_order_sits_ms": 3_600_000,
    }  # fmt: skip
    async with (
        gateway_on(MARKETS[rests], **switches) as gateway,
        trading_floor(gateway, tmp_path, time_stop_s=25) as floor,
    ):
        await floor.run(31, {2: lambda: floor.signal(5.0)})
        assert floor.held() > 0
        assert floor.protected() >= floor.held()
        await floor.run(35)
        assert (floor.worst, floor.held()) == (0, 0)
        assert floor.longest_bare_s <= 2
        assert floor.positions.flat
        assert floor.intents.unresolved() == ()
        assert not any(order["open"] for order in gateway.truth()["orders"])
        sales = [row for row in floor.rows("orders") if row["leg"] == "exit"]
        assert [row["change"] for row in sales][:2] == ["modify", "modify"]
        assert ("place" in [row["change"] for row in sales]) is (changes != "works")
        assert len(sales) <= 5
        assert any("exit not filled after 5 s" in text for _, text in floor.alerts.texts)


@pytest.mark.parametrize("server_version", [200, 226])
async def test_a_cap_is_told_on_either_wire(tmp_path: Path, server_version: int) -> None:
    """2161 in IB's words and mktCapPrice in the status, text and protobuf; the exit says that it is held there."""
    switches = {"market_order": "capped", "market_to_limit": "refused"}
    async with (
        gateway_on(FALLING, server_version=server_version, **switches) as gateway,
        trading_floor(gateway, tmp_path, time_stop_s=25) as floor,
    ):
        waits: set[str] = set()
        looks = {second: lambda: waits.update(floor.execution.waits.values()) for second in range(28, 60)}
        await floor.run(60, {2: lambda: floor.signal(5.0), **looks})
        notice = next(row for row in floor.rows("notices") if row["code"] == 2161)
        assert "capped at 4.97" in notice["text"]
        assert notice["meaning"] == "warning"
        assert "held at the broker's price cap" in waits
        assert (floor.worst, floor.held()) == (0, 0)


@pytest.mark.parametrize("command", ["kill", "flatten"])
@pytest.mark.parametrize("changes", CHANGES)
async def test_a_command_goes_on_until_flat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: str, command: str
) -> None:
    """An engine whose market orders never fill is flat all the same; its status says what it waits for."""
    project_folder(tmp_path, monkeypatch)
    answers = {"market_order": "sits", "market_order_sits_ms": 36_000_000, "market_to_limit": changes}
    async with market(tmp_path, assumptions=answers) as gateway:
        config = configure(tmp_path, gateway.port, lasting=True, clock={"rate": 500})
        async with engine_of(tmp_path, config) as engine:
            engine.start()
            await until(engine, lambda status: status.positions, "a position")
            waits: set[str] = set()

            def flat(status: EngineStatus) -> bool:
                waits.update(wait.why for wait in status.waits)
                return not status.positions and engine.session.flat

            await engine.command(command, "a trader")
            await until(engine, flat, "flat")
            assert waits <= {"order not filled", "lists unknown"}  # a wait may be over between two looks
        truth = gateway.truth()
    assert all(row["quantity"] == "0" for row in truth["positions"])
    assert not any(order["open"] for order in truth["orders"])
    sold = {o["order_type"] for o in truth["orders"] if o["action"] == "SELL" and o["filled"] != "0"}
    assert sold == {"LMT"}
