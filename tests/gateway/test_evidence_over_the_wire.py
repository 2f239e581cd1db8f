"""Late, partial and missing words of the broker over a real socket: both trading services against the simulator.

Every delay is in market time and independent of the others; the market goes on behind answers that are held back.
"""

import logging
import math
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.simgateway.broker.order_book import Stage
from momentum_kit.simgateway.embedding import (
    AAPL,
    Lag,
    LateAnswer,
    ManualTrade,
    OrderIdsAnew,
    StrayEnd,
    UnreadableRow,
)
from momentum_kit.simgateway.scenario import DropOrder
from momentum_kit.simgateway.server import SimulatedGateway
from tests.helpers.trading_floor import AaplFloor, gateway_on, steady, trading_floor

log = logging.getLogger(__name__)

LISTS = ("reqPositions", "reqOpenOrders", "reqCompletedOrders", "reqExecutions")


@pytest.fixture(autouse=True)
def briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent list of executions is waited for by the wall at a start: not for long here."""
    monkeypatch.setattr("momentum_kit.services.execution.reconciliation.EXECUTIONS_WAIT_S", 0.2)


async def alone(gateway: SimulatedGateway, seconds: int) -> None:
    """The market goes on while no session of ours is there."""
    async with IBKRBridge(port=gateway.port, client_id=99, messages_per_s=math.inf) as bridge:
        for _ in range(seconds):
            await bridge.fetch_current_time_millis()


def live_sells(gateway: SimulatedGateway) -> list[tuple[str, int]]:
    """Open selling orders: type and shares left."""
    orders = [order for order in gateway.truth()["orders"] if order["open"] and order["action"] == "SELL"]
    return sorted((order["order_type"], int(order["quantity"]) - int(order["filled"])) for order in orders)


def staged(gateway: SimulatedGateway) -> list[int]:
    """Ids of orders that were handed over and never transmitted."""
    return [ticket.order.order_id for ticket in gateway.hub.broker._book if ticket.stage is Stage.STAGED]


def critical(floor: AaplFloor) -> list[str]:
    """What a human was called for."""
    return [text for level, text in floor.alerts.texts if level == "critical"]


@pytest.mark.parametrize("what", ["statuses", "positions", "executions", "commissions"])
@pytest.mark.parametrize("lag_s", [3, 9])
async def test_one_witness_is_late(tmp_path: Path, what: Any, lag_s: int) -> None:
    """Whichever witness lags, events and lists alike: protected all the time, one way out, flat and agreed."""
    async with gateway_on(steady(4.99, 300)) as gateway, trading_floor(gateway, tmp_path, time_stop_s=60) as floor:
        gateway.inject(Lag(of=what, lag_ms=lag_s * 1000))
        await floor.run(40, {2: lambda: floor.signal(5.0)})
        assert (floor.held(), live_sells(gateway)) == (833, [("LMT", 833), ("STP", 833)])
        assert [row["change"] for row in floor.rows("orders")] == ["place"] * 3
        await floor.run(60)
        assert (floor.worst, floor.held(), live_sells(gateway)) == (0, 0, [])
        assert floor.longest_bare_s <= 2
        assert floor.positions.flat
        assert floor.intents.unresolved() == ()
        assert critical(floor) == []


async def test_the_fill_is_not_told_and_executions_hang(tmp_path: Path) -> None:
    """No status tells of the fill, executions come 25 s late, as events and as answers: nothing is resized or cut."""
    async with gateway_on(steady(4.99, 300)) as gateway, trading_floor(gateway, tmp_path) as floor:
        gateway.inject(Lag(of="executions", lag_ms=25_000))
        gateway.inject(Lag(of="statuses", lag_ms=25_000))
        await floor.run(50, {2: lambda: floor.signal(5.0)})
        assert (floor.worst, floor.held(), live_sells(gateway)) == (0, 833, [("LMT", 833), ("STP", 833)])
        assert floor.ledger.position(AAPL.con_id) == 833
        assert floor.longest_bare_s == 0


@pytest.mark.parametrize("falls", [False, True], ids=["calm", "the stop triggers"])
async def test_a_restart_whose_executions_come_late(tmp_path: Path, falls: bool) -> None:
    """The list of executions is silent for 20 s after a restart: ours is what was written down, no more and no less."""
    path = steady(4.99, 14) + steady(4.85 if falls else 4.99, 400)
    async with gateway_on(path) as gateway:
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(8, {2: lambda: floor.signal(5.0)})
        gateway.inject(LateAnswer(requests=("reqExecutions",), delay_ms=20_000))
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path) as floor:
            assert floor.ledger.position(AAPL.con_id) == floor.held()
            await floor.run(60)
            assert floor.worst == 0
            assert floor.ledger.position(AAPL.con_id) == floor.held() == (0 if falls else 833)
            assert live_sells(gateway) == ([] if falls else [("LMT", 833), ("STP", 833)])
            assert floor.rows("orders") == []


@pytest.mark.parametrize("leaves", [False, True], ids=["entry", "target"])
async def test_a_fill_while_away_and_positions_that_trail(tmp_path: Path, leaves: bool) -> None:
    """An order fills between two sessions, and the list of positions is behind it: asked again until all agree."""
    before = steady(4.99, 12) if leaves else steady(5.30, 12)
    after = steady(5.40, 400, 9_000) if leaves else steady(4.98, 400)
    async with gateway_on(before + after) as gateway:
        async with trading_floor(gateway, tmp_path, entry_timeout_s=600) as floor:
            await floor.run(6, {2: lambda: floor.signal(5.0)})
            assert floor.held() == (833 if leaves else 0)
        gateway.inject(Lag(of="positions", lag_ms=9_000))
        await alone(gateway, 9)
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path, entry_timeout_s=600) as floor:
            await floor.run(40)
            held = 0 if leaves else floor.held()
            assert floor.held() == floor.ledger.position(AAPL.con_id) == held
            assert (held == 0) == leaves
            assert {left for _, left in live_sells(gateway)} == ({held} - {0})
            assert (floor.worst, floor.longest_bare_s <= 2) == (0, True)
            assert not any("adopted" in text for _, text in floor.alerts.texts)


async def test_the_users_own_shares(tmp_path: Path) -> None:
    """The user holds the same symbol; our target fills while we are away: their shares are never touched."""
    async with gateway_on(steady(4.99, 12) + steady(5.40, 400, 9_000)) as gateway:
        async with trading_floor(gateway, tmp_path, time_stop_s=60) as floor:
            await floor.run(6, {2: lambda: floor.signal(5.0)})
        gateway.inject(ManualTrade(symbol="AAPL", action="BUY", quantity=1000))
        await alone(gateway, 12)
        assert floor.held() == 1000
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path, time_stop_s=60) as floor:
            await floor.run(90)
            assert (floor.held(), floor.ledger.position(AAPL.con_id)) == (1000, 0)
            assert (floor.rows("orders"), live_sells(gateway)) == ([], [])


@pytest.mark.parametrize("then", [4.99, 4.80], ids=["flat", "falls"])
async def test_a_sale_by_hand(tmp_path: Path, then: float) -> None:
    """The user sells our shares in TWS: within seconds nothing of ours can sell, so that no fall opens a short."""
    async with gateway_on(steady(4.99, 20) + steady(then, 400)) as gateway, trading_floor(gateway, tmp_path) as floor:
        await floor.run(10, {2: lambda: floor.signal(5.0)})
        gateway.inject(ManualTrade(symbol="AAPL", action="SELL", quantity=833))
        await floor.run(5)  # two answers, two cancels, a step of a second for each
        assert live_sells(gateway) == []
        await floor.run(40)
        assert (floor.worst, floor.held()) == (0, 0)
        assert ["833 shares of ours are gone" in text for text in critical(floor)] == [True]


async def test_order_ids_begin_anew(tmp_path: Path) -> None:
    """The next session counts from 1 again on the same day: old executions fill no new order."""
    async with gateway_on(steady(4.99, 8) + steady(5.40, 12, 9_000) + steady(4.99, 400)) as gateway:
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(16, {2: lambda: floor.signal(5.0)})
            assert floor.held() == 0
        gateway.inject(OrderIdsAnew())
        await alone(gateway, 920)  # the symbol rests between two entries
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(15, {3: lambda: floor.signal(5.0, item="story:2")})
            assert floor.held() == floor.ledger.position(AAPL.con_id) == 833
            assert live_sells(gateway) == [("LMT", 833), ("STP", 833)]
            assert [row["order_id"] for row in floor.rows("orders")] == [1, 2, 3]


async def test_order_ids_begin_anew_while_orders_work(tmp_path: Path) -> None:
    """Stop and target rest under the ids that the gateway would give next: the next entry takes others."""
    async with gateway_on(steady(4.99, 400)) as gateway:
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(8, {2: lambda: floor.signal(5.0)})
        gateway.inject(OrderIdsAnew())
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(4)
            assert floor.bridge.next_order_id() > 3
            assert live_sells(gateway) == [("LMT", 833), ("STP", 833)]


@pytest.mark.parametrize("dies", [False, True], ids=["goes on", "dies"])
async def test_the_last_leg_of_a_bracket_is_lost(tmp_path: Path, dies: bool) -> None:
    """Entry and target stay staged at the gateway, where no list shows them: they are taken back, and nothing else."""
    async with gateway_on(steady(4.99, 400)) as gateway:
        async with trading_floor(gateway, tmp_path) as floor:
            gateway.inject(DropOrder(before="placeOrder 3"))
            await floor.run(3 if dies else 30, {2: lambda: floor.signal(5.0)})
        if dies:
            assert staged(gateway)
            (tmp_path / "journal.db").rename(tmp_path / "first.db")
            async with trading_floor(gateway, tmp_path) as floor:
                await floor.run(30, {10: lambda: floor.signal(5.0, item="story:2")})
                assert floor.ledger.position(AAPL.con_id) == floor.held() == 833
                assert live_sells(gateway) == [("LMT", 833), ("STP", 833)]
        assert staged(gateway) == []


@pytest.mark.parametrize("row", ["openOrder", "position", "completedOrder", "execDetails"])
async def test_a_row_that_cannot_be_read(tmp_path: Path, row: Any) -> None:
    """At a restart a list has an unreadable row: it is unknown, no stop is doubled, none goes; later all is well."""
    async with gateway_on(steady(4.99, 400)) as gateway:
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(8, {2: lambda: floor.signal(5.0)})
        gateway.inject(UnreadableRow(messages=(row,)))
        (tmp_path / "journal.db").rename(tmp_path / "first.db")
        async with trading_floor(gateway, tmp_path) as floor:
            await floor.run(30)
            assert live_sells(gateway) == [("LMT", 833), ("STP", 833)]
            assert floor.rows("orders") == []
            assert floor.ledger.position(AAPL.con_id) == floor.held() == 833
            assert floor.longest_bare_s == 0


@pytest.mark.parametrize("end", ["openOrderEnd", "positionEnd", "completedOrdersEnd"])
async def test_ends_that_nobody_asked_for(tmp_path: Path, end: Any) -> None:
    """An End that comes from nowhere is no whole answer: nothing is cancelled, nothing is sent."""
    async with gateway_on(steady(4.99, 400)) as gateway, trading_floor(gateway, tmp_path) as floor:
        await floor.run(8, {2: lambda: floor.signal(5.0)})
        for second in range(12):
            gateway.inject(StrayEnd(ends=(end,)))
            await floor.run(3 if second % 2 else 2)
        assert live_sells(gateway) == [("LMT", 833), ("STP", 833)]
        assert len(floor.rows("orders")) == 3


@pytest.mark.parametrize("which", LISTS)
async def test_a_kill_while_a_list_is_held_back(tmp_path: Path, which: str) -> None:
    """One list is silent for 30 s: a kill sells in the same second."""
    async with gateway_on(steady(4.99, 400)) as gateway, trading_floor(gateway, tmp_path) as floor:
        await floor.run(14, {2: lambda: floor.signal(5.0)})
        gateway.inject(LateAnswer(requests=(which,), delay_ms=30_000))
        await floor.run(20, {18: lambda: floor.positions.request_flatten("kill", floor.execution.held)})
        assert (floor.worst, floor.held()) == (0, 0)
        sold = [row for row in floor.rows("orders") if row["change"] == "modify"]
        assert [(row["leg"], row["order_type"]) for row in sold] == [("exit", "MKT")]


async def test_a_walk_through_one_bracket(tmp_path: Path) -> None:
    """Partly filled, executions 20 s late, the socket lost, the engine gone, a kill: at each step what the three say.

    `--log-cli-level=INFO` shows the walk: the witnesses, what may be sold, and what rests at the broker.
    """
    steps: list[tuple[str, str, list[tuple[str, int]]]] = []

    def note(floor: AaplFloor, what: str) -> None:
        evidence = floor.execution._witnesses.evidence(AAPL.con_id)
        words = f"{evidence.numbers()}; held {evidence.held:f}, sellable {evidence.sellable:f}, {evidence.agreement}"
        steps.append((what, words, live_sells(gateway)))
        log.info("%s %s: %s; at the broker %s", f"{floor.clock.now():%H:%M:%S}", what, words, live_sells(gateway))

    async with gateway_on(steady(4.99, 2, 300) + steady(5.10, 8, 300) + steady(5.10, 400)) as gateway:
        gateway.inject(Lag(of="executions", lag_ms=20_000))
        async with trading_floor(gateway, tmp_path, time_stop_s=6000) as floor:
            await floor.run(4, {2: lambda: floor.signal(5.0)})
            note(floor, "the entry is partly filled, its executions are not told")
            await floor.run(4)
            note(floor, "the rest of the entry is cut, stop and target are of the shares held")
            held = floor.held()
            assert 0 < held < 833
        await alone(gateway, 3)
        async with trading_floor(gateway, tmp_path, time_stop_s=6000) as floor:
            await floor.run(1)
            note(floor, "the socket was lost: a new session, executions still on their way")
            await floor.run(4)
        await alone(gateway, 4)
        async with trading_floor(gateway, tmp_path, time_stop_s=6000) as floor:
            await floor.run(15)
            note(floor, "the engine was gone: another session, the executions have come")
            assert (floor.ledger.position(AAPL.con_id), floor.held()) == (held, held)
            floor.positions.request_flatten("kill", floor.execution.held)
            await floor.run(2)
            note(floor, "a kill: the target sells, its execution is late again")
            await floor.run(30)
            note(floor, "all agree")
            assert (floor.worst, floor.held(), live_sells(gateway), floor.positions.flat) == (0, 0, [], True)
            assert floor.intents.unresolved() == ()
    resting = [sum(left for kind, left in sells if kind == "STP") for _, _, sells in steps[:4]]
    assert resting[1:] == [held] * 3
