"""Both trading services on the real bridge and a real socket: a bracket from signal to flat, whatever the broker does.

The market is a path of touches that the test gives, one a second; the gateway runs in lock-step.
"""

import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from momentum_kit.simgateway.embedding import AAPL, BrokerAssumptions
from momentum_kit.simgateway.server import SimulatedGateway
from tests.helpers.trading_floor import Touch, gateway_on, known_answers, pairwise_rows, steady, trading_floor

UP = steady(4.99, 5) + steady(5.30, 20)
DOWN = steady(4.99, 5) + steady(4.80, 20)
FLAT = steady(4.99, 40)
THIN = steady(4.99, 2, 300) + steady(5.10, 8, 300) + steady(4.95, 30)  # runs away after a part of the entry
CRUMBS = steady(4.99, 5) + [(5.20 + 0.01 * (i % 2), 5.30, 100) for i in range(20)]  # the target fills bit by bit

ENDS = {id(UP): "target", id(CRUMBS): "target", id(DOWN): "stop", id(FLAT): "time stop", id(THIN): "time stop"}


async def test_target(tmp_path: Path) -> None:
    """The price runs to the target: one entry, one exit, a round trip with R, and nothing left at the broker."""
    async with gateway_on(UP) as gateway, trading_floor(gateway, tmp_path) as floor:
        await floor.run(20, {2: lambda: floor.signal(5.0)})
        (trip,) = floor.rows("round_trips")
        assert (trip["reason"], trip["quantity"]) == ("target", "833")
        assert trip["r"] > 1
        assert floor.intents.unresolved() == ()
        assert [row["change"] for row in floor.rows("orders")] == ["place"] * 3
        assert floor.rows("orders")[2]["decide_to_sent_ms"] > 0
        assert (floor.halts, floor.alerts.texts) == ([], [])


async def test_stop(tmp_path: Path) -> None:
    """The price falls: the stop at the broker ends it, with no message of ours."""
    async with gateway_on(DOWN) as gateway, trading_floor(gateway, tmp_path) as floor:
        await floor.run(20, {2: lambda: floor.signal(5.0)})
        assert [row["reason"] for row in floor.rows("round_trips")] == ["stop"]
        assert len(floor.rows("orders")) == 3


async def test_time_stop(tmp_path: Path) -> None:
    """Nothing happens: the target is turned to MKT, and its group takes the resting stop along."""
    async with gateway_on(FLAT) as gateway, trading_floor(gateway, tmp_path, time_stop_s=15) as floor:
        await floor.run(30, {2: lambda: floor.signal(5.0)})
        assert [row["reason"] for row in floor.rows("round_trips")] == ["time stop"]
        changes = [(row["leg"], row["change"], row["order_type"]) for row in floor.rows("orders")[3:]]
        assert changes == [("exit", "modify", "MKT")]
        assert floor.intents.unresolved() == ()


async def test_entry_that_never_fills(tmp_path: Path) -> None:
    """The price is gone: the entry is cancelled in time and its children with it."""
    async with gateway_on(steady(5.50, 30)) as gateway, trading_floor(gateway, tmp_path) as floor:
        await floor.run(20, {2: lambda: floor.signal(5.0)})
        assert floor.rows("round_trips") == []
        assert floor.intents.unresolved() == ()
        assert floor.execution.working_entries == 0


async def test_halt_while_leaving(tmp_path: Path) -> None:
    """In a halt the exit waits and the stop stays; after it the position goes."""
    async with (
        gateway_on(FLAT, ((10, 1), (20, 0))) as gateway,
        trading_floor(gateway, tmp_path) as floor,
    ):
        await floor.run(
            19,
            {
                2: lambda: floor.signal(5.0),
                3: floor.quotes.clear,  # from here on the market tells
                12: lambda: floor.positions.request_flatten("flatten"),
            },
        )
        assert floor.held() == 833
        assert len(floor.rows("orders")) == 3
        await floor.run(10)
        assert floor.held() == 0
        assert [row["reason"] for row in floor.rows("round_trips")] == ["flatten"]


async def test_crash_and_restart(tmp_path: Path) -> None:
    """A second session on the same account takes the bracket over and leads it to its end."""
    async with gateway_on(steady(4.99, 20) + steady(5.30, 30)) as gateway:
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(8, {2: lambda: floor.signal(5.0)})
            assert floor.held() == 833
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path) as floor:
            assert floor.ledger.position(AAPL.con_id) == 833
            await floor.run(30)
            assert [(row["reason"], row["costs_usd"] > 0) for row in floor.rows("round_trips")] == [("target", True)]
            assert floor.rows("orders") == []
            assert floor.intents.unresolved() == ()


ROWS = list(pairwise_rows())


@pytest.mark.parametrize("path", [UP, DOWN, FLAT, THIN, CRUMBS], ids=["up", "down", "flat", "thin", "crumbs"])
@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
async def test_safe_under_every_pair_of_assumptions(tmp_path: Path, row: dict[str, str], path: list[Touch]) -> None:
    """Whatever the broker does where nobody knows: never short, never bare for long, and all is gone at the end."""
    async with gateway_on(path, **row) as gateway, trading_floor(gateway, tmp_path, time_stop_s=25) as floor:
        await floor.run(60, {2: lambda: floor.signal(5.0)})
        assert floor.worst == 0, "short"
        assert floor.longest_bare_s <= 4
        assert floor.held() == 0
        assert floor.positions.flat
        assert floor.execution.working_entries == 0
        assert floor.intents.unresolved() == ()
        assert floor.halts == []
        assert len([r for r in floor.rows("orders") if r["leg"] == "entry" and r["change"] == "place"]) == 1
        assert [(r["item_id"], r["reason"]) for r in floor.rows("round_trips")] == [("story:1", ENDS[id(path)])]


def two_answers() -> list[dict[str, str]]:
    """Every two settings that are not the defaults, all else by default; a seeded few unless all are asked for."""
    usual, answers = BrokerAssumptions(), known_answers()
    others = [(name, answer) for name in answers for answer in answers[name] if answer != getattr(usual, name)]
    pairs = [dict(pair) for pair in itertools.combinations(others, 2) if pair[0][0] != pair[1][0]]
    everything = os.environ.get("MOMENTUM_KIT_ALL_PAIRS") == "1"
    return pairs if everything else random.Random(7).sample(pairs, 12)


@pytest.mark.parametrize("pair", two_answers(), ids=lambda pair: "+".join(pair.values()))
async def test_safe_under_two_answers(tmp_path: Path, pair: dict[str, str]) -> None:
    """Each pair by itself, on every path; `make chaos` tries them all."""
    for number, path in enumerate((UP, DOWN, FLAT, THIN, CRUMBS)):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with gateway_on(path, **pair) as gateway, trading_floor(gateway, folder, time_stop_s=25) as floor:
            await floor.run(60, {2: lambda floor=floor: floor.signal(5.0)})
            assert floor.worst == 0, "short"
            assert floor.longest_bare_s <= 4
            assert floor.held() == 0
            assert floor.positions.flat
            assert floor.execution.working_entries == 0
            assert floor.intents.unresolved() == ()


def liquidation(gateway: SimulatedGateway) -> Callable[[], None]:
    """The broker sells AAPL by force, now."""

    def force() -> None:
        hub = gateway.hub
        hub.deliver(hub.broker.liquidate(AAPL.con_id, hub.now))
        gateway.flush()

    return force


@pytest.mark.parametrize("answer", ["cancelled", "live"])
@pytest.mark.parametrize("second", [5, 26])
async def test_liquidation(tmp_path: Path, answer: str, second: int) -> None:
    """The broker sells by force: flat, not short, told to a human, and nothing of ours is left working."""
    async with (
        gateway_on(FLAT, liquidated_orders=answer) as gateway,
        trading_floor(gateway, tmp_path, time_stop_s=25) as floor,
    ):
        await floor.run(50, {2: lambda: floor.signal(5.0), second: liquidation(gateway)})
        assert (floor.worst, floor.held()) == (0, 0)
        assert floor.positions.flat
        assert gateway.hub.broker.open_orders() == []
        assert floor.intents.unresolved() == ()
        assert [row["reason"] for row in floor.rows("round_trips")] == ["liquidation"]
        assert any("liquidated" in text for _, text in floor.alerts.texts)


async def test_liquidation_while_we_sell(tmp_path: Path) -> None:
    """Both sell at once and nobody can prevent it: nothing is sent after that, entries stop, a human is called."""
    async with (
        gateway_on(FLAT, liquidated_orders="live") as gateway,
        trading_floor(gateway, tmp_path, time_stop_s=25) as floor,
    ):
        await floor.run(50, {2: lambda: floor.signal(5.0), 27: liquidation(gateway)})
        assert floor.held() == -833
        assert [row["change"] for row in floor.rows("orders")] == ["place"] * 3 + ["modify"]
        assert floor.halts
        assert any("short 833" in text for _, text in floor.alerts.texts)


def test_pairs_are_covered() -> None:
    """The chosen sets are few, and between them show any two answers together."""
    assert 4 <= len(ROWS) <= 36
    for one, two in itertools.combinations(ROWS[0], 2):
        seen = {(row[one], row[two]) for row in ROWS}
        assert len(seen) == len({row[one] for row in ROWS}) * len({row[two] for row in ROWS})
