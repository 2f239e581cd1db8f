"""A time exit at the broker over the wire, under every answer to whether it may have a parent and a group."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.simgateway.embedding import AAPL
from momentum_kit.simgateway.server import SimulatedGateway
from tests.helpers.trading_floor import AaplFloor, gateway_on, known_answers, steady, trading_floor

ANSWERS = known_answers()["good_after_time_in_group"]
ROUTES = known_answers()["overfill_protection"]
PATHS = {
    "up": steady(4.99, 5) + steady(5.30, 60),
    "down": steady(4.99, 5) + steady(4.80, 60),
    "flat": steady(4.99, 70),
    "thin": steady(4.99, 2, 300) + steady(5.00, 68, 40),  # the exit fills bit by bit, over the hour and beyond
}
DEADLINE = {"flat_before_close_s": 6 * 3600 - 40.0}  # of the session that began at ten: its fortieth second


def sold(gateway: SimulatedGateway) -> dict[int, int]:
    """Shares by the order that sold them."""
    orders = gateway.truth()["orders"]
    return {o["order_id"]: int(o["filled"]) for o in orders if o["action"] == "SELL" and int(o["filled"])}


def nothing_is_left(floor: AaplFloor) -> bool:
    """Held, at work, written down as open, or in doubt."""
    return not (floor.held() or floor.execution.working_entries or floor.intents.unresolved() or floor.halts)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("routes", ROUTES)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_safe_under_every_answer(tmp_path: Path, answer: str, routes: str, path: str) -> None:
    """Never short, never bare for long, all is gone at the end; and who relies on one that is not there is told."""
    switches = {"good_after_time_in_group": answer, "overfill_protection": routes}
    settings: dict[str, Any] = {"time_stop_s": 25, "time_exit_at_broker": True}
    async with gateway_on(PATHS[path], **switches) as gateway, trading_floor(gateway, tmp_path, **settings) as floor:
        await floor.run(90, {2: lambda: floor.signal(5.0)})
        assert floor.worst == 0, "short"
        assert floor.longest_bare_s <= 4
        assert nothing_is_left(floor)
        assert [row["leg"] for row in floor.rows("orders")[:4]] == ["entry", "target", "timed", "stop"]
        assert any("no time exit rests" in text for _, text in floor.alerts.texts) is (
            answer in ("refused", "inactive")
        )


@pytest.mark.parametrize("routes", ROUTES)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_the_sessions_deadline_sells_once(tmp_path: Path, answer: str, routes: str) -> None:
    """This machine and the broker leave at the same second: one of them sells, and all of it."""
    switches = {"good_after_time_in_group": answer, "overfill_protection": routes, "family_cap": "uncapped"}
    settings = {"time_exit_at_broker": True, **DEADLINE}
    async with gateway_on(PATHS["flat"], **switches) as gateway, trading_floor(gateway, tmp_path, **settings) as floor:
        await floor.run(60, {2: lambda: floor.signal(5.0)})
        assert floor.worst == 0, "short"
        assert floor.longest_bare_s <= 4
        assert nothing_is_left(floor)
        assert list(sold(gateway).values()) == [833]
        (trip,) = floor.rows("round_trips")
        assert trip["reason"] in ("session close", "time exit at the broker")  # whoever came first
        turned = [row for row in floor.rows("orders") if (row["leg"], row["change"]) == ("exit", "modify")]
        assert bool(turned) is (answer in ("refused", "inactive", "asleep"))


@pytest.mark.parametrize("path", ["flat", "thin"])
@pytest.mark.parametrize("changes", known_answers()["market_to_limit"])
@pytest.mark.parametrize("rests", ["capped", "sits"])
async def test_a_time_exit_that_rests_is_repriced(tmp_path: Path, rests: str, changes: str, path: str) -> None:
    """Its hour comes and it does not fill: this machine goes on until flat, and no share is sold twice."""
    switches = {"market_order": rests, "market_to_limit": changes, "market_order_sits_ms": 3_600_000}
    settings: dict[str, Any] = {"time_stop_s": 25, "time_exit_at_broker": True}
    async with gateway_on(PATHS[path], **switches) as gateway, trading_floor(gateway, tmp_path, **settings) as floor:
        await floor.run(110, {2: lambda: floor.signal(5.0)})
        assert floor.worst == 0, "short"
        assert floor.longest_bare_s <= 4
        assert nothing_is_left(floor)


@pytest.mark.parametrize("routes", ROUTES)
async def test_the_broker_sells_when_nobody_is_there(tmp_path: Path, routes: str) -> None:
    """The machine dies with a position: at the hour it is sold, stop and target go, and the next start finds it so."""
    settings: dict[str, Any] = {"time_stop_s": 25, "time_exit_at_broker": True}
    async with gateway_on(PATHS["flat"], overfill_protection=routes) as gateway:
        async with trading_floor(gateway, tmp_path, **settings) as floor:
            await floor.run(6, {2: lambda: floor.signal(5.0)})
            assert (floor.held(), floor.protected()) == (833, 833)
        pass_time(gateway, 28)
        assert floor.held() == 833
        pass_time(gateway, 8)
        assert floor.held() == 0
        assert not any(order["open"] for order in gateway.truth()["orders"])
        async with trading_floor(gateway, tmp_path, **settings) as floor:
            await floor.run(10)
            assert nothing_is_left(floor)
            assert floor.positions.flat
            assert [row["reason"] for row in floor.rows("round_trips")] == ["time exit at the broker"]
            assert len(floor.rows("orders")) == 4


async def test_a_restart_knows_its_own(tmp_path: Path) -> None:
    """Ten seconds without a machine: the next start adopts all three legs, sends nothing, and leaves in time."""
    settings: dict[str, Any] = {"time_stop_s": 25, "time_exit_at_broker": True}
    async with gateway_on(PATHS["flat"]) as gateway:
        async with trading_floor(gateway, tmp_path, **settings) as floor:
            await floor.run(6, {2: lambda: floor.signal(5.0)})
        pass_time(gateway, 10)
        async with trading_floor(gateway, tmp_path, **settings) as floor:
            await floor.run(5)
            bracket = floor.execution._desk.brackets[AAPL.con_id]
            assert {role for role, leg in bracket.legs.items() if leg.acknowledged} == {"target", "timed", "stop"}
            assert len(floor.rows("orders")) == 4
            await floor.run(30)
            assert (floor.worst, nothing_is_left(floor)) == (0, True)
            assert floor.alerts.texts == []


def pass_time(gateway: SimulatedGateway, seconds: int) -> None:
    """The market goes on, and nobody is there."""
    for _ in range(seconds):
        gateway.hub.advance(gateway.hub.now + timedelta(seconds=1))
