"""A stop that trails at the broker, over the wire: from the entry to flat, under every answer and pair of answers."""

import os
import random
from datetime import time
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.simgateway.embedding import AAPL, BrokerAssumptions, Market, Scenario
from momentum_kit.simgateway.scenario import BrokerSpec
from momentum_kit.simgateway.server import SimulatedGateway
from tests.helpers.trading_floor import (
    PathSource,
    Touch,
    gateway_on,
    known_answers,
    pairwise_rows,
    steady,
    trading_floor,
)

TRAILS = {name: answers for name, answers in known_answers().items() if name.startswith("trail_")}
RISES_AND_FALLS = steady(4.99, 5) + steady(5.08, 5) + steady(5.04, 5) + steady(5.02, 30)
PATHS = {
    "rises and falls": RISES_AND_FALLS,
    "down": steady(4.99, 5) + steady(4.80, 30),
    "flat": steady(4.99, 70),
    "thin": steady(4.99, 2, 300) + steady(5.05, 8, 300) + steady(4.97, 30, 60),  # filled in parts, sold in parts
}


def stops(floor: Any) -> list[tuple[str, str, float | None]]:
    """Messages about stops: what, type and trigger."""
    kinds = ("STP", "STP LMT", "TRAIL")
    return [(r["change"], r["order_type"], r["stop_price"]) for r in floor.rows("orders") if r["order_type"] in kinds]


def level(gateway: SimulatedGateway) -> float | None:
    """Where the stop at the broker stands."""
    working = [t.order for t in gateway.hub.broker._book.working(AAPL.con_id) if t.awaits_trigger]
    return max((order.stop_price or 0.0 for order in working), default=None)


async def test_a_trailing_stop_takes_what_the_price_had_reached(tmp_path: Path) -> None:
    """It follows the price up, does not come back down, and sells by itself: no message of ours after the bracket."""
    seen = []
    async with gateway_on(RISES_AND_FALLS) as gateway, trading_floor(gateway, tmp_path, trail_r=0.5) as floor:
        look = {second: lambda: seen.append(level(gateway)) for second in (4, 8, 13)}
        await floor.run(40, {2: lambda: floor.signal(5.0), **look})
        assert seen == [4.94, 5.03, 5.03]
        (trip,) = floor.rows("round_trips")
        assert (trip["reason"], trip["exit_price"]) == ("stop", 5.02)
        assert stops(floor) == [("place", "TRAIL", 4.9)]
        assert (floor.halts, floor.alerts.texts, floor.intents.unresolved()) == ([], [], ())


async def test_over_the_close_a_stop_limit_stands_where_it_had_trailed_to(tmp_path: Path) -> None:
    """The order that sleeps goes once another protects, at the level that the list tells, and never below it."""
    scenario = Scenario(start=time(15, 59), end=time(16, 30), broker=BrokerSpec(latency_ms=20, partial_fill_share=0.0))
    path = steady(4.99, 10) + steady(5.08, 620)
    market = Market(scenario, PathSource(scenario.starts_at, {AAPL: path}))
    settings = {"trail_r": 0.5, "flat_before_close_s": 0.0, "no_entry_before_close_s": 0.0}
    async with (
        SimulatedGateway(market, lock_step_s=1.0) as gateway,
        trading_floor(gateway, tmp_path, **settings) as floor,
    ):
        await floor.run(80, {2: lambda: floor.signal(5.0)})
        assert stops(floor)[:2] == [("place", "TRAIL", 4.9), ("place", "STP LMT", 5.03)]
        assert level(gateway) == 5.03
        assert floor.protected() == floor.held() == 833
        open_stops = [o["order_type"] for o in gateway.truth()["orders"] if o["open"] and o["order_type"] != "LMT"]
        assert open_stops == ["STP LMT"]


async def test_a_session_that_dies_leaves_it_trailing_and_the_next_knows_it(tmp_path: Path) -> None:
    """Nobody is there while the price rises; the next session finds its stop where it stands, and sends nothing."""
    path = steady(4.99, 9) + steady(5.08, 60)
    async with gateway_on(path) as gateway:
        async with trading_floor(gateway, tmp_path, trail_r=0.5) as floor:
            await floor.run(6, {2: lambda: floor.signal(5.0)})
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path, trail_r=0.5) as floor:
            await floor.run(20)
            assert floor.rows("orders") == []
            assert (level(gateway), floor.protected(), floor.held()) == (5.03, 833, 833)
            assert floor.execution.protected == {AAPL.con_id}
            bracket = floor.execution._desk.brackets[AAPL.con_id]
            assert bracket.stop_level == 5.03


async def ends_well(tmp_path: Path, path: list[Touch], answers: dict[str, str]) -> None:
    """Never short, never bare for long, and all is gone at the end."""
    settings: dict[str, Any] = {"trail_r": 0.5, "time_stop_s": 25}
    async with gateway_on(path, **answers) as gateway, trading_floor(gateway, tmp_path, **settings) as floor:
        await floor.run(75, {2: lambda: floor.signal(5.0)})
        assert floor.worst == 0, "short"
        assert floor.longest_bare_s <= 4
        assert floor.held() == 0
        assert floor.positions.flat
        assert floor.execution.working_entries == 0
        assert floor.intents.unresolved() == ()
        assert floor.halts == []
        told = [text for _, text in floor.alerts.texts if "takes no trailing stop" in text]
        assert len(told) == (answers.get("trail_in_group", "works") != "works")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name in TRAILS for answer in TRAILS[name]])
async def test_safe_under_every_answer(tmp_path: Path, name: str, answer: str, path: str) -> None:
    """Each answer by itself, on each path."""
    await ends_well(tmp_path, PATHS[path], {name: answer})


ROWS = list(pairwise_rows())


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
async def test_safe_under_every_pair_of_assumptions(tmp_path: Path, row: dict[str, str]) -> None:
    """Rows that together show every pair of answers, each on one of the paths."""
    await ends_well(tmp_path, [*PATHS.values()][ROWS.index(row) % len(PATHS)], row)


def trailing_pairs() -> list[dict[str, str]]:
    """An answer about trails with one about anything, both not the default; a seeded few unless all are asked for."""
    usual, answers = BrokerAssumptions(), known_answers()
    others = [(name, answer) for name in answers for answer in answers[name] if answer != getattr(usual, name)]
    pairs = [dict([one, two]) for one in others if one[0] in TRAILS for two in others if one[0] != two[0]]
    everything = os.environ.get("MOMENTUM_KIT_ALL_PAIRS") == "1"
    return pairs if everything else random.Random(7).sample(pairs, 8)


@pytest.mark.parametrize("pair", trailing_pairs(), ids=lambda pair: "+".join(pair.values()))
async def test_safe_under_two_answers(tmp_path: Path, pair: dict[str, str]) -> None:
    """Each pair by itself, on every path; `make chaos` tries them all."""
    for name, path in PATHS.items():
        (tmp_path / name).mkdir()
        await ends_well(tmp_path / name, path, pair)
