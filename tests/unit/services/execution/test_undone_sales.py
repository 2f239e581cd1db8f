"""Shares that are back after our own sale: the broker has undone it (a busted trade), or somebody else has bought."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from momentum_kit.models.intents import ExitRequest
from momentum_kit.models.orders import OrderAction
from tests.helpers.broker_in_memory import contract_of
from tests.helpers.trading_desk import trading_desk

LONG_AGO_S = 60  # the rows of positions have told of the sale by then


async def sold(desk, *parts):
    """Enter and leave again, the sale in these parts or in one; how many shares."""
    quantity = await desk.enter()
    desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
    await desk.settle()
    for shares in parts or (int(quantity),):
        desk.broker.fill(desk.broker.leg(1, "target"), shares, 5.1)
        await desk.settle()
    assert desk.position() == desk.ledger.position(1) == 0
    await desk.beat(LONG_AGO_S)
    return quantity


def resting(desk):
    """What may still sell: kind and shares."""
    orders = [order for order in desk.broker.orders.values() if order.alive]
    return [(order.kind, order.remaining) for order in orders if order.request.action is OrderAction.SELL]


async def test_they_are_ours_and_protected_first(tmp_path):
    """As many as we had sold: a stop where the last one was, and a human is told; the books are as before the sale."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(3)
        assert resting(desk) == [("stop", quantity)]
        assert desk.broker.leg(1, "stop").request.stop_price == 4.9
        assert desk.ledger.position(1) == quantity
        assert any("are back (a busted trade?)" in text for _, text in desk.alerts.texts)
        assert desk.halts
        await desk.beat(LONG_AGO_S)
        assert resting(desk) == [("stop", quantity)]


async def test_one_of_several_executions_may_be_undone(tmp_path):
    """What is back is one part of the sale."""
    async with trading_desk(tmp_path) as desk:
        await sold(desk, 500, 333)
        desk.broker.by_hand(1, 333)
        await desk.beat(3)
        assert resting(desk) == [("stop", 333)]
        assert desk.ledger.position(1) == 333


@pytest.mark.parametrize("shares", [832, 834, 52])
async def test_another_number_is_somebody_elses(tmp_path, shares):
    """Nothing of ours was of this size: never sold, and no entry in the symbol."""
    async with trading_desk(tmp_path) as desk:
        await sold(desk)
        desk.broker.by_hand(1, shares)
        await desk.beat(LONG_AGO_S)
        assert resting(desk) == []
        assert desk.ledger.position(1) == 0
        assert any("not ours" in text for _, text in desk.alerts.texts)


async def test_what_a_person_is_seen_to_buy_is_his(tmp_path):
    """As many as we had sold, by an execution that the list of the day has and that is not ours."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        his = replace(
            desk.broker.executions[0], exec_id="0009.0001.01", order_id=0, perm_id=77, client_id=0, order_ref="",
            time=desk.clock.now().replace(microsecond=0),
        )  # fmt: skip
        desk.broker.executions.append(his)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(LONG_AGO_S)
        assert resting(desk) == []
        assert desk.ledger.position(1) == 0
        assert not any("are back" in text for _, text in desk.alerts.texts)  # not for a moment


async def test_before_the_rows_have_told_of_the_sale_nothing_is_back(tmp_path):
    """A row that repeats the number from before the sale trails it, however often it is asked for."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        target = desk.broker.leg(1, "target")
        desk.broker.fill(target, int(quantity), 5.2, row=False)
        desk.broker.positions[1] = (quantity, 5.0)  # the broker's own list trails
        await desk.beat(20)
        assert resting(desk) == []
        desk.broker.positions[1] = (Decimal(0), 0.0)
        desk.broker.say_position(1)
        await desk.beat(LONG_AGO_S)
        assert resting(desk) == []
        assert not any("are back" in text for _, text in desk.alerts.texts)


async def test_a_human_says_that_they_are_his(tmp_path):
    """`ignore` takes them out of our book again: the stop goes, and they are not taken back once more."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(3)
        desk.execution.ignore("SYM1")
        await desk.beat(LONG_AGO_S)
        assert resting(desk) == []
        assert (desk.ledger.position(1), desk.position()) == (0, quantity)
        desk.broker.by_hand(1, -int(quantity))  # he sells them, and later buys as many
        await desk.beat(LONG_AGO_S)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(LONG_AGO_S)
        assert (desk.ledger.position(1), resting(desk), desk.intents.unresolved()) == (0, [], ())


async def test_they_are_sold_like_any_position(tmp_path):
    """An exit goes for them, and what it sells is sold once."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(3)
        desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
        await desk.settle()
        desk.broker.fill(desk.broker.leg(1, "exit"), int(quantity), 5.0)
        await desk.beat(LONG_AGO_S)
        assert (desk.ledger.position(1), desk.position(), resting(desk)) == (0, 0, [])


async def test_the_next_session_knows_them(tmp_path):
    """They are written down: a restart finds their stop, and places no second one."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(3)
        broker = desk.broker
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(LONG_AGO_S)
        assert desk.ledger.position(1) == quantity
        assert resting(desk) == [("stop", quantity)]


@pytest.mark.parametrize("listed", [True, False])
async def test_a_sale_that_was_undone_while_nothing_ran(tmp_path, listed):
    """The day's list has the purchase and not the sale that our book has: ours. Where it has both, somebody else's."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        broker = desk.broker
    if not listed:
        broker.executions = [each for each in broker.executions if each.side is OrderAction.BUY]
    broker.by_hand(1, int(quantity))
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(5)
        assert resting(desk) == ([] if listed else [("stop", quantity)])
        assert desk.ledger.position(1) == (0 if listed else quantity)
    broker.clock.time += timedelta(days=1)
    async with trading_desk(tmp_path, broker) as desk:  # and on the next day nothing else is concluded
        await desk.beat(LONG_AGO_S)
        assert resting(desk) == ([] if listed else [("stop", quantity)])


def his_purchase(desk, shares, at=None):
    """Another's execution, as the list of the day has it."""
    when = (at or desk.clock.now()).replace(microsecond=0)
    return replace(
        desk.broker.executions[0], exec_id=f"0009.{shares:04d}.01", order_id=0, perm_id=77, client_id=0, order_ref="",
        shares=Decimal(shares), time=when,
    )  # fmt: skip


async def test_his_execution_may_come_later_than_the_row(tmp_path):
    """What was taken back was his after all: the stop goes, and a human is told whose they are."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        bought_at = desk.clock.now()
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(3)
        assert desk.ledger.position(1) == quantity
        desk.broker.executions.append(his_purchase(desk, int(quantity), bought_at))
        await desk.beat(LONG_AGO_S)
        assert (resting(desk), desk.ledger.position(1)) == ([], 0)
        assert any("shares that are not ours" in text for _, text in desk.alerts.texts)


async def test_beside_what_somebody_else_has_long_had(tmp_path):
    """A person bought some after our sale; what is back besides is ours, and his stay his."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        desk.broker.executions.append(his_purchase(desk, 52))
        desk.broker.by_hand(1, 52)
        await desk.beat(LONG_AGO_S)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(3)
        assert resting(desk) == [("stop", quantity)]
        assert desk.ledger.position(1) == quantity


async def test_more_of_somebody_elses_is_told_again(tmp_path):
    """A number that no sale of ours explains grows what is his; whoever watches hears of the new one as well."""
    async with trading_desk(tmp_path) as desk:
        await sold(desk)
        for shares in (52, 300):
            desk.broker.by_hand(1, shares)
            await desk.beat(LONG_AGO_S)
        told = [text for _, text in desk.alerts.texts if "shares that are not ours" in text]
        assert len(told) == 2
        assert "position 352 (352 of it not ours)" in told[-1]


async def test_a_sale_that_leaves_the_list_is_not_undone_twice(tmp_path):
    """It was sold by an order of its own, and a restart hears of the purchase alone: one position, one stop."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        await desk.broker.cancel_order(desk.broker.leg(1, "target").request.order_id)
        await desk.settle()
        desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
        await desk.beat(3)
        desk.broker.fill(desk.broker.leg(1, "exit"), int(quantity), 5.1)
        await desk.beat(LONG_AGO_S)
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(3)
        assert resting(desk) == [("stop", quantity)]
        broker = desk.broker
    broker.executions = [each for each in broker.executions if each.side is OrderAction.BUY]
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(LONG_AGO_S)
        assert desk.ledger.position(1) == quantity
        assert resting(desk) == [("stop", quantity)]


async def test_an_earlier_bracket_that_waited_for_its_turn_protects_nothing_of_a_later_ones(tmp_path):
    """A late word on the order that had sold is looked at after the shares are back, which have their stop already."""
    async with trading_desk(tmp_path) as desk:
        quantity = await sold(desk)
        earlier = desk.execution._desk.brackets[1]
        desk.broker.by_hand(1, int(quantity))
        await desk.beat(5)
        assert resting(desk) == [("stop", quantity)]
        await desk.execution._guardian.reconcile_bracket(earlier, at_beat=True)
        await desk.settle()
        assert resting(desk) == [("stop", quantity)]


@pytest.mark.parametrize("listed", [True, False])
async def test_a_row_that_runs_ahead_of_a_purchase_is_no_sale_undone(tmp_path, listed):
    """As many were bought again, and positions tell of it before statuses and executions: they are counted once."""
    async with trading_desk(tmp_path, entry_timeout_s=60.0) as desk:
        quantity = await sold(desk)
        desk.broker.silent = True
        await desk.signal(item="another")
        entry = desk.broker.leg(1, "entry")
        assert entry.request.quantity == quantity
        desk.broker.fill(entry, int(quantity), 5.0)
        entry.status, entry.filled = "Submitted" if listed else "", Decimal(0)  # as late lists have it, or have it not
        execution = desk.broker.executions.pop()
        desk.broker.silent = False
        desk.broker.say_position(1)
        await desk.beat(20)
        assert not any("are back" in text for _, text in desk.alerts.texts)
        entry.status, entry.filled = "Filled", quantity
        desk.broker.executions.append(execution)
        desk.broker.say(execution)
        await desk.beat(LONG_AGO_S)
        assert desk.ledger.position(1) == quantity
        assert sum(shares for kind, shares in resting(desk) if kind == "stop") == quantity


async def test_beside_a_position_of_its_own(tmp_path):
    """The stop of a later entry cannot grow beyond it: one for all joins its group and takes its place; all is sold."""
    async with trading_desk(tmp_path) as desk:
        first = await sold(desk)
        second = await desk.enter()
        await desk.beat(LONG_AGO_S)
        desk.broker.by_hand(1, int(first))
        await desk.beat(5)
        assert desk.ledger.position(1) == first + second
        stops = [order for order in desk.broker.orders.values() if order.alive and order.kind == "stop"]
        assert [(stop.remaining, stop.request.parent_id) for stop in stops] == [(first + second, 0)]
        assert {stop.request.oca_group for stop in stops} == {desk.broker.leg(1, "target").request.oca_group}
        desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
        await desk.beat(1)
        leaving = desk.broker.leg(1, "exit")
        assert (leaving.request.order_type, leaving.remaining) == ("MKT", first + second)
        desk.broker.fill(leaving, int(first + second), 5.0)
        await desk.beat(LONG_AGO_S)
        assert (desk.ledger.position(1), desk.position(), resting(desk)) == (0, 0, [])


async def test_what_a_status_names_alone_is_no_reason_to_undo_what_an_execution_names(tmp_path):
    """Sold in two parts while nothing ran; one is struck off the list: the other one stands, and is counted once."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker, half = desk.broker, int(quantity) // 2
    broker.silent = True
    for shares in (half, int(quantity) - 2 * half, half):
        broker.fill(broker.leg(1, "stop"), shares, 4.9)
    broker.silent = False
    broker.executions = [each for each in broker.executions if each.exec_id != broker.executions[1].exec_id]
    broker.positions[1] = (Decimal(half), 5.0)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(2 * LONG_AGO_S)
        assert not any("are back" in text for _, text in desk.alerts.texts)
        assert desk.ledger.position(1) <= half
        assert sum((shares for _, shares in resting(desk)), Decimal(0)) <= half
        assert "critical" in desk.alerts.levels()
