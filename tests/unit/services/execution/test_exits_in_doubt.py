"""Exits while orders are partly filled, answers are late and words are lost: all that is left, once, and no more."""

import asyncio
import math
from dataclasses import replace
from datetime import timedelta

import pytest

from momentum_kit.errors import NotConnected, RequestTimeout
from momentum_kit.models import ExitRequest, IntentKind, LinkState
from tests.helpers.broker_in_memory import OPEN, MemoryBroker, TestClock, contract_of, quote_of
from tests.helpers.trading_desk import trading_desk

LISTS = ("open orders", "completed orders", "positions", "executions")


async def ask_exit(desk):
    """Somebody wants the position gone."""
    desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
    await desk.settle()


def before_the_open():
    """A broker an hour before the regular session."""
    return MemoryBroker(TestClock(OPEN - timedelta(hours=1)))


# -- how much ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True], ids=["executed", "by its status alone"])
async def test_an_exit_after_a_partly_filled_target_sells_all_that_is_left(tmp_path, late):
    """An order's size counts what it has sold, executions told or not: 300 of 833 are gone, and the other 533 go."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        target = desk.broker.leg(1, "target")
        desk.broker.fill(target, 300, 5.2, late=late)
        await desk.beat(2)
        await ask_exit(desk)
        assert target.request.order_type == "MKT"
        assert target.remaining == desk.position() == 533
        desk.broker.fill(target, 533, 5.1)
        desk.broker.release()
        await desk.beat(2)
        assert (desk.position(), desk.positions.flat) == (0, True)


@pytest.mark.parametrize("group", ["reduces", "dies at the end"])
async def test_an_exit_after_a_partly_filled_stop_sells_all_that_is_left_and_no_more(tmp_path, group):
    """Whether the group has reduced the target or not: what the stop has sold is not sold again.

    A stop that has triggered sells the rest by itself within seconds; a change of the target would meet its fills.
    """
    async with trading_desk(tmp_path) as desk:
        desk.broker.group = group
        await desk.enter()
        desk.broker.fill(desk.broker.leg(1, "stop"), 300, 4.9)
        await desk.settle()
        await ask_exit(desk)
        target = desk.broker.leg(1, "target")
        assert target.request.order_type == "LMT"
        await desk.beat(3)
        assert target.request.order_type == "MKT"
        assert target.remaining == desk.position() == 533


async def test_a_change_that_never_came_is_made_good(tmp_path, monkeypatch):
    """Copies of the order tell that it is a limit still, where the lists of orders show nothing for a minute."""

    async def nothing():
        return ()

    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker, target, place = desk.broker, desk.broker.leg(1, "target"), desk.broker.place_order
        lost = []

        async def lose_one(contract, order):
            if lost:
                return await place(contract, order)
            lost.append(order)
            return order

        async def a_minute():
            for _ in range(60):
                broker.echo(target)
                broker.echo(broker.leg(1, "stop"))
                await desk.beat()

        monkeypatch.setattr(broker, "fetch_open_orders", nothing)
        await a_minute()
        monkeypatch.setattr(broker, "place_order", lose_one)
        await ask_exit(desk)
        await a_minute()
        assert lost[0].order_type == "MKT"
        assert [order.request.order_type for order in broker.orders.values() if order.alive].count("MKT") == 1


# -- once --------------------------------------------------------------------------------------------------------------


async def test_an_exit_waits_for_a_stop_whose_outcome_nobody_knows(tmp_path):
    """The stop may have sold everything: nothing is sold until the lists have told, and everything then."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.trouble = {name: RequestTimeout(name) for name in LISTS}
        desk.broker.notice(desk.broker.leg(1, "stop").request.order_id, 999, "unknown")
        await desk.settle()
        await ask_exit(desk)
        await desk.beat(6)
        assert len(desk.broker.sent) == 3
        desk.broker.trouble.clear()
        await desk.beat(4)
        target = desk.broker.leg(1, "target").request
        assert (target.order_type, target.quantity) == ("MKT", quantity)


@pytest.mark.parametrize(("heard", "seconds"), [(True, 30), (False, 14)])
async def test_a_sale_that_vanished_may_have_sold(tmp_path, heard, seconds):
    """Filled while every word about it was lost: gone from all lists, and still not sold a second time.

    One that the broker has acknowledged is never taken for cancelled; one that nobody ever spoke of not before the
    position would show what it sold.
    """
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        desk.broker.silent = not heard
        await ask_exit(desk)
        desk.broker.trouble = {name: RequestTimeout(name) for name in ("positions", "executions")}
        desk.broker.fetch_completed_orders = desk.broker.fetch_open_orders  # as a gateway that has begun anew
        desk.broker.silent = True
        desk.broker.fill(desk.broker.leg(1, "exit"), int(quantity), 5.0)
        sent = len(desk.broker.sent)
        await desk.beat(seconds)
        assert len(desk.broker.sent) == sent
        desk.broker.silent = False
        desk.broker.trouble.clear()
        await desk.beat(20)  # an audit at the latest
        assert {kind for kind, _ in desk.broker.sent[sent:]} <= {"cancel"}
        assert (desk.position(), desk.positions.flat) == (0, True)


async def test_no_stop_is_placed_beside_a_sale_that_nobody_speaks_of(tmp_path):
    """Its group has ended the stop, of its own fill no word has come: what it may have sold gets no stop."""
    async with trading_desk(tmp_path, before_the_open()) as desk:
        quantity = await desk.enter()
        desk.quotes[1] = quote_of(1, 4.95, 5.0, at=desk.clock.now())
        desk.broker.silent = True
        await ask_exit(desk)
        assert desk.broker.leg(1, "target").request.limit_price < 4.95
        desk.broker.trouble = {name: RequestTimeout(name) for name in LISTS}
        await desk.beat(6)
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 4.95)
        sent = len(desk.broker.sent)
        desk.broker.silent = False
        desk.broker.update(desk.broker.leg(1, "stop"))  # the one word that gets through
        await desk.beat(3)
        assert len(desk.broker.sent) == sent


async def test_an_answer_from_before_the_exit_does_not_undo_it(tmp_path):
    """A list that was asked for before the target was turned shows it as it was: it is not turned a second time."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        answer, free, asked = desk.broker.fetch_open_orders, asyncio.Event(), []

        async def late():
            asked.append(await answer())
            await free.wait()
            return asked[-1]

        desk.broker.fetch_open_orders = late
        desk.broker.trouble["late"] = free
        await desk.beat(16)
        assert len(asked) == 1
        desk.broker.silent = True
        await ask_exit(desk)
        sent = len(desk.broker.sent)
        assert desk.broker.leg(1, "target").request.order_type == "MKT"
        del desk.broker.trouble["late"]
        free.set()
        await desk.beat(3)
        assert len(desk.broker.sent) == sent


# -- at all, and when --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bid", [0.0, -1.0, math.nan])
async def test_without_a_bid_the_stop_stays(tmp_path, bid):
    """Before the open an exit needs a price: without one it waits, says so once, and goes on when there is one."""
    async with trading_desk(tmp_path, before_the_open()) as desk:
        await desk.enter()
        desk.quotes[1] = quote_of(1, bid, 4.8, at=desk.clock.now())
        await ask_exit(desk)
        await desk.beat(3)
        assert len(desk.broker.sent) == 3
        assert [text for level, text in desk.alerts.texts if level == "warning"] == [
            "SYM1: no bid to sell to: the stop stays"
        ]
        desk.quotes[1] = quote_of(1, 4.9, 4.95, at=desk.clock.now())
        await desk.beat(1)
        assert desk.broker.leg(1, "target").request.limit_price < 4.9


async def test_an_exit_that_cannot_be_priced_leaves_no_trail_of_intents(tmp_path):
    """Without a target and without a bid it waits: what is not sent is not decided again at every beat."""
    async with trading_desk(tmp_path, before_the_open()) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        await ask_exit(desk)
        await desk.beat(10)
        assert [i.kind for i in desk.intents.unresolved()] == [IntentKind.ENTRY]
        desk.quotes[1] = quote_of(1, 4.9, 4.95, at=desk.clock.now())
        await desk.beat(1)
        sale = desk.broker.leg(1, "exit").request
        (exit_intent,) = (i for i in desk.intents.unresolved() if i.kind is IntentKind.EXIT)
        assert (sale.order_ref, sale.order_id) == (exit_intent.intent_id, exit_intent.target_order_id)
        assert sale.limit_price < 4.9


async def test_an_exit_that_cannot_be_sent_is_not_tried_at_every_beat(tmp_path):
    """It is tried every other second, and goes out with the first message that does."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        desk.broker.fail_sends = [NotConnected("socket is down")] * 50
        await ask_exit(desk)
        await desk.beat(9)
        assert 3 <= 50 - len(desk.broker.fail_sends) <= 6
        desk.broker.fail_sends = []
        await desk.beat(3)
        assert desk.broker.leg(1, "exit").request.quantity == quantity


async def test_a_target_of_another_group_goes_before_a_sale_of_its_own(tmp_path):
    """Stop and target stand apart, and the stop is unheard of: the target goes first, or both could sell the same."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        target = desk.broker.leg(1, "target")
        desk.broker.refuse = {"stop"}
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        desk.broker.refuse, desk.broker.silent = set(), True
        await desk.beat(2.5)  # the corrected stop is out, in a group of its own
        sent = len(desk.broker.sent)
        await ask_exit(desk)
        await desk.beat(2)
        assert [change for change, _ in desk.broker.sent[sent:]] == ["cancel"]
        desk.broker.silent = False
        desk.broker.update(target)
        desk.broker.update(desk.broker.leg(1, "stop"))
        await desk.beat(3)
        sale = desk.broker.leg(1, "exit").request
        assert (sale.order_type, sale.quantity) == ("MKT", quantity)
        assert sale.oca_group == desk.broker.leg(1, "stop").request.oca_group


async def test_one_quote_below_the_stops_limit_sells_nothing(tmp_path):
    """A bid that is gone a second later was no market."""
    async with trading_desk(tmp_path, before_the_open()) as desk:
        await desk.enter()
        limit = desk.broker.leg(1, "stop").request.limit_price
        for bid in (limit - 0.2, limit + 0.1, limit - 0.2, limit + 0.1):
            desk.quotes[1] = quote_of(1, bid, bid + 0.05, at=desk.clock.now())
            await desk.beat(1)
        assert len(desk.broker.sent) == 3


async def test_an_exit_waits_while_the_gateway_has_lost_ib(tmp_path):
    """What it is given it would keep, while the stop at IB may sell the same shares; told, and done once it is back."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.health = replace(desk.health, broker=LinkState.DOWN)
        await ask_exit(desk)
        await desk.beat(10)
        assert len(desk.broker.sent) == 3
        assert list(desk.execution.waits.values()) == ["the gateway has lost IB"]
        desk.health = replace(desk.health, broker=LinkState.UP)
        await desk.beat(1)
        assert desk.broker.leg(1, "target").request.order_type == "MKT"


async def test_after_ib_was_lost_the_lists_come_before_an_exit(tmp_path):
    """The stop sold a part meanwhile, and its word comes after the link's: what is sold is what is left."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        desk.health = replace(desk.health, broker=LinkState.DOWN)
        await ask_exit(desk)
        await desk.beat(2)
        desk.broker.silent = True
        desk.broker.fill(desk.broker.leg(1, "stop"), 400, 4.9, row=False)
        desk.broker.silent = False
        sent = len(desk.broker.sent)
        late = desk.broker.trouble["open orders"] = asyncio.Event()
        desk.health = replace(desk.health, broker=LinkState.UP)
        await desk.beat(1)
        assert len(desk.broker.sent) == sent
        late.set()
        await desk.beat(3)
        assert [(change, order.order_type, order.quantity) for change, order in desk.broker.sent[sent:]] == [
            ("place", "MKT", 433)
        ]


async def test_a_link_that_is_back_before_anybody_looked_is_noticed(tmp_path):
    """1100 and 1102 in one breath: the lists are asked, and what filled meanwhile without a word is known."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.silent = True
        desk.broker.fill(desk.broker.leg(1, "stop"), 833, 4.9, row=False)
        desk.broker.silent = False
        desk.health = replace(desk.health, link_returns=desk.health.link_returns + 1)
        await desk.beat(1)
        assert desk.ledger.position(1) == 0


async def test_no_stop_is_changed_in_the_way_of_an_exits_group(tmp_path):
    """Statuses are late while an exit fills: its group reduces the stop at the broker, and a change would undo that."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await ask_exit(desk)
        desk.broker.group = "reduces late"
        desk.broker.fill(desk.broker.leg(1, "target"), 100, 4.99, status=False)
        await desk.settle()
        sent = len(desk.broker.sent)
        await desk.beat(3)
        assert desk.broker.sent[sent:] == []


async def test_an_exit_leaves_a_stop_that_the_market_has_reached_to_sell(tmp_path):
    """It would cross the fills of the stop: it waits for two seconds, and goes on where the stop has sold nothing."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.quotes[1] = quote_of(1, 4.89, 4.9, at=desk.clock.now())
        desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
        await desk.beat(1)
        assert desk.broker.leg(1, "target").request.order_type == "LMT"
        await desk.beat(2)
        assert desk.broker.leg(1, "target").request.order_type == "MKT"
