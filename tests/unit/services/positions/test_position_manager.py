import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from momentum_kit.models.intents import ExitRequest
from momentum_kit.models.orders import CommissionReport
from momentum_kit.trading import FillCosts, parse_costs
from tests.helpers.broker_in_memory import OPEN, MemoryBroker, TestClock, contract_of, quote_of
from tests.helpers.trading_desk import trading_desk

ROOT = Path(__file__).resolve().parents[4]


async def close_by(desk, kind, price, con_id=1):
    """The target or stop fills whole."""
    leg = desk.broker.leg(con_id, kind)
    desk.broker.fill(leg, int(leg.remaining), price)
    await desk.settle()


async def test_target_makes_a_round_trip(tmp_path):
    """Entry and target leave one row with both costs, the reason and R."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        assert not desk.positions.flat
        await close_by(desk, "target", 5.2)
        (trip,) = desk.journal["round_trips"]
        assert (trip["quantity"], trip["reason"], trip["costs_usd"]) == (quantity, "target", 2.0)
        assert trip["net_usd"] == pytest.approx(float(quantity) * 0.2 - 2)
        assert trip["r"] == pytest.approx(trip["net_usd"] / 99.96)
        assert trip["item_id"].startswith("story:1:")
        assert desk.positions.flat
        assert len(desk.journal["executions"]) == len(desk.journal["commissions"]) == 2


async def test_stop_is_named(tmp_path):
    """A trip that nobody asked to end, and no target, was stopped."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await close_by(desk, "stop", 4.88)
        assert [row["reason"] for row in desk.journal["round_trips"]] == ["stop"]


async def test_repeated_executions_are_one(tmp_path):
    """What the broker says twice is held and journaled once."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        for execution in list(desk.broker.executions):
            desk.broker.say(replace(execution, from_request=True))
            desk.broker.say(
                CommissionReport(
                    exec_id=execution.exec_id, commission_usd=1.0, currency="USD", realized_pnl_usd=float("nan")
                )
            )
        await desk.settle()
        assert desk.ledger.position(1) == quantity
        assert len(desk.journal["executions"]) == len(desk.journal["commissions"]) == 1
        assert desk.counts["fills"] == 1


async def test_a_trip_waits_for_its_costs(tmp_path):
    """A late commission report is waited for; a missing one is not waited for for ever."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(1)
        await desk.enter(2)
        for con_id in (1, 2):
            target = desk.broker.leg(con_id, "target")
            desk.broker.fill(target, int(target.remaining), 5.2, commission=False)
        await desk.beat(2)
        assert not desk.journal["round_trips"]
        sale = next(e for e in desk.broker.executions if e.contract.con_id == 1 and e.side == "SELL")
        desk.broker.say(
            CommissionReport(exec_id=sale.exec_id, commission_usd=3.0, currency="USD", realized_pnl_usd=10.0)
        )
        await desk.settle()
        assert [(row["con_id"], row["costs_usd"]) for row in desk.journal["round_trips"]] == [(1, 4.0)]
        await desk.beat(10)
        assert [(row["con_id"], row["costs_usd"]) for row in desk.journal["round_trips"]] == [(1, 4.0), (2, 1.0)]


@pytest.mark.parametrize(
    ("amount", "currency", "row"),
    [
        (float("nan"), "USD", ("unknown", None, "USD")),
        (88.0, "HKD", ("unknown", None, "HKD")),
        (2.0, "USD", ("reported", 2.0, "USD")),
    ],
)
async def test_a_cost_that_is_no_amount_in_usd_enters_no_sum(tmp_path, amount, currency, row):
    """The journal keeps what the broker told; round trip, R and equity take the estimate, marked, and stay finite."""
    table = parse_costs(yaml.safe_load((ROOT / "config" / "costs.yaml").read_text()))
    async with trading_desk(tmp_path) as desk:
        desk.ledger.fill_costs = FillCosts(table, "fixed")
        await desk.enter()
        target = desk.broker.leg(1, "target")
        desk.broker.fill(target, int(target.remaining), 5.2, commission=False)
        sale = desk.broker.executions[-1].exec_id
        desk.broker.say(
            CommissionReport(exec_id=sale, commission_usd=amount, currency=currency, realized_pnl_usd=float("nan"))
        )
        await desk.settle()
        await desk.beat(6)
        told = desk.journal["commissions"][-1]
        usd = None if math.isnan(told["commission_usd"]) else told["commission_usd"]
        assert (told["basis"], usd, told["currency"]) == row
        assert told["amount"] == amount or math.isnan(amount)
        (trip,) = desk.journal["round_trips"]
        estimated = row[0] == "unknown"
        assert trip["costs_basis"] == ("estimated" if estimated else "reported")
        assert trip["estimated_usd"] == (pytest.approx(4.2, abs=0.2) if estimated else 0.0)
        assert trip["costs_usd"] == pytest.approx(1.0 + (trip["estimated_usd"] or 2.0))
        assert trip["r"] == pytest.approx((trip["gross_usd"] - trip["costs_usd"]) / 99.96, abs=0.01)
        assert desk.journal["equity"][-1]["costs_usd"] == pytest.approx(trip["costs_usd"])


async def test_ending_writes_what_waits(tmp_path):
    """A session that ends does not take a round trip with it."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        target = desk.broker.leg(1, "target")
        desk.broker.fill(target, int(target.remaining), 5.2, commission=False)
        await desk.settle()
        assert not desk.journal["round_trips"]
    assert len(desk.journal["round_trips"]) == 1


async def test_time_stop(tmp_path):
    """A position older than time_stop_s is sold, and the trip says why."""
    async with trading_desk(tmp_path, time_stop_s=30) as desk:
        await desk.enter()
        await desk.beat(29)
        assert not desk.journal["exits"]
        await desk.beat(2)
        assert [row["reason"] for row in desk.journal["exits"]] == ["time stop"]
        await close_by(desk, "stop", 5.1)
        assert desk.journal["round_trips"][0]["reason"] == "time stop"


@pytest.mark.parametrize(
    ("close", "label"),
    [(OPEN + timedelta(hours=6.5), "a whole day"), (OPEN + timedelta(days=7, hours=3.5), "the day after Thanksgiving")],
)
async def test_flat_before_the_close(tmp_path, close, label):
    """Positions go flat_before_close_s before the session's close, half days too."""
    clock = TestClock(close - timedelta(seconds=310))
    async with trading_desk(tmp_path, MemoryBroker(clock), no_entry_before_close_s=0) as desk:
        await desk.enter()
        await desk.beat(8)
        assert not desk.journal["exits"], label
        await desk.beat(3)
        assert [row["reason"] for row in desk.journal["exits"]] == ["session close"]
        assert desk.broker.sent[-1][1].order_type == "MKT"


async def test_flatten_asks_for_every_position_once(tmp_path):
    """All holdings are asked to go; asking again adds nothing."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(1)
        await desk.enter(2)
        assert desk.positions.request_flatten("flatten") == 2
        desk.positions.request_flatten("kill")
        await desk.settle()
        assert [row["reason"] for row in desk.journal["exits"]] == ["flatten", "flatten"]
        await close_by(desk, "stop", 5.0, 1)
        await close_by(desk, "stop", 5.0, 2)
        await desk.positions.wait_flat()
        assert desk.positions.flat
        assert {row["reason"] for row in desk.journal["round_trips"]} == {"flatten"}


async def test_one_symbol_is_asked_to_go_by_whoever_knows_of_it(tmp_path):
    """Held by our executions, or by the broker's word alone while they are late; what is not held is not asked for."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(1)
        await desk.signal(2)
        desk.broker.fill(desk.broker.leg(2, "entry"), 833, 5.0, late=True)
        await desk.settle()
        for symbol, found in (("SYM1", True), ("SYM2", True), ("SYM3", False)):
            assert desk.positions.request_exit(symbol, "close", desk.execution.held) is found
        await desk.settle()
        asked = [(row["symbol"], row["reason"]) for row in desk.journal["exits"]]
        assert asked == [("SYM1", "close"), ("SYM2", "close")]


async def test_a_position_asked_to_go_can_be_asked_again_later(tmp_path):
    """Once flat, the next position in the symbol has its own exits."""
    async with trading_desk(tmp_path) as desk:
        for _ in range(2):
            await desk.enter()
            desk.positions.request_flatten("flatten")
            await desk.settle()
            await close_by(desk, "stop", 5.0)
            await desk.beat(2)
        assert len(desk.journal["exits"]) == len(desk.journal["round_trips"]) == 2


async def test_equity_every_five_seconds(tmp_path):
    """Realised, open and costs, by market time."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.quotes[1] = quote_of(1, 5.05, 5.10)
        await desk.beat(20)
        rows = desk.journal["equity"]
        assert len(rows) == 5
        assert rows[-1]["unrealised_usd"] == pytest.approx(833 * 0.10)
        assert rows[-1]["costs_usd"] == 1.0
        assert {later["at"] - row["at"] for row, later in pairwise(rows)} == {timedelta(seconds=5)}


async def test_views(tmp_path):
    """A holding for the eye: price, open profit, stop and R."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.quotes[1] = quote_of(1, 5.05, 5.10)
        (view,) = desk.positions.views()
        assert (view.symbol, view.quantity, view.stop_price, view.last_price) == ("SYM1", 833.0, 4.9, 5.10)
        assert view.r == pytest.approx(833 * 0.10 / 99.96)


async def test_other_peoples_fills_are_recorded_not_owned(tmp_path):
    """A manual order in the account is in the journal and in no position of ours."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        manual = replace(desk.broker.executions[0], exec_id="ffff.01.01", order_ref="", order_id=0, perm_id=5)
        desk.broker.say(manual)
        await desk.settle()
        assert desk.ledger.position(1) == 833
        assert len(desk.journal["executions"]) == 2


async def test_a_liquidation_is_ours_and_is_shouted(tmp_path):
    """The broker's forced sale ends our position, and a human is told."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        bought = desk.broker.executions[0]
        sale = replace(
            bought, exec_id="ffff.01.01", order_ref="", order_id=-1, side=bought.side.opposite, liquidation=True
        )
        desk.broker.positions[1] = (Decimal(0), 0.0)
        desk.broker.say(sale)
        await desk.beat(12)
        assert quantity
        assert desk.positions.flat
        assert desk.journal["round_trips"][0]["reason"] == "liquidation"
        assert "critical" in desk.alerts.levels()
        assert not desk.broker.leg(1, "stop").alive


async def test_exit_of_something_unknown_is_reported(tmp_path):
    """An exit request for what no order of ours explains is told to a human, and nothing is sent."""
    async with trading_desk(tmp_path) as desk:
        desk.exits.put_nowait(ExitRequest(contract_of(77), "test", desk.clock.now()))
        await desk.settle()
        assert not desk.broker.sent
        assert desk.alerts.levels() == ["critical"]
