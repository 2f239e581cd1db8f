"""Exits whose market order does not fill: repriced step by step until flat, once, and never without a resting stop."""

import itertools
from datetime import timedelta

import pytest

from momentum_kit.models import ExitRequest
from momentum_kit.models.orders import OrderAction
from tests.helpers.broker_in_memory import OPEN, MemoryBroker, TestClock, contract_of, quote_of
from tests.helpers.trading_desk import trading_desk


async def leave(desk, bid=4.90):
    """A position of 833 at a bid, None for no quote, and somebody who wants it gone."""
    quantity = await desk.enter()
    if bid is not None:
        desk.quotes[1] = quote_of(1, bid, bid + 0.02, at=desk.clock.now())
    desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
    await desk.settle()
    return int(quantity)


def sent_since_entry(desk):
    """What went out after the bracket: change, type, limit."""
    return [(change, order.order_type, order.limit_price) for change, order in desk.broker.sent[3:]]


def watch_sales(desk):
    """After every beat: a stop rests, and no group of orders could sell more than is held; how much is to be sold."""
    live = [order for order in desk.broker.orders.values() if order.alive and order.request.action is OrderAction.SELL]
    groups = {}
    for order in live:
        groups[order.request.oca_group] = max(groups.get(order.request.oca_group, 0), order.remaining)
    assert "" not in groups
    assert sum(groups.values()) <= desk.position()
    assert any(order.kind == "stop" for order in live) or not desk.position()


async def pass_time(desk, seconds):
    """Beat by beat, watched."""
    for _ in range(round(seconds / 0.25)):
        await desk.beat()
        watch_sales(desk)


async def test_a_market_order_that_rests_steps_down_the_ladder(tmp_path):
    """One order all the while: a market order, limits below the bid, and a market order anew; the status says why."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk)
        target, stop = desk.broker.leg(1, "target"), desk.broker.leg(1, "stop")
        assert desk.execution.waits == {"SYM1": ""}
        await pass_time(desk, 5)
        assert desk.execution.waits == {"SYM1": "order not filled"}
        await pass_time(desk, 20)
        assert sent_since_entry(desk) == [
            ("modify", "MKT", None),
            ("modify", "LMT", 4.88),  # half a per cent, on the grid
            ("modify", "LMT", 4.86),
            ("modify", "LMT", 4.81),
            ("modify", "LMT", 4.71),
            ("modify", "MKT", None),
        ]
        assert {order.order_id for _, order in desk.broker.sent[3:]} == {target.request.order_id}
        assert stop.alive
        assert [text for level, text in desk.alerts.texts if level == "warning"] == ["SYM1: exit not filled after 5 s"]
        desk.broker.fill(target, 833, 4.7)
        await pass_time(desk, 3)
        assert (desk.position(), desk.positions.flat, desk.execution.waits) == (0, True, {})


async def test_what_has_been_sold_is_not_sold_again_by_a_new_price(tmp_path):
    """The market order sells some and then rests: each step is for what is left."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk)
        target = desk.broker.leg(1, "target")
        desk.broker.fill(target, 300, 4.9)
        await pass_time(desk, 6)
        assert (target.request.order_type, target.remaining) == ("LMT", 533)
        desk.broker.fill(target, 133, 4.88, late=True)
        await pass_time(desk, 6)
        assert target.remaining == desk.position() == 400


async def test_each_step_goes_below_the_bid_of_its_moment(tmp_path):
    """The market falls on: the next limit is below the bid that there is by then."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk)
        await pass_time(desk, 5)
        desk.quotes[1] = quote_of(1, 4.00, 4.02)
        await pass_time(desk, 5)
        assert sent_since_entry(desk)[-1] == ("modify", "LMT", 3.96)


@pytest.mark.parametrize(
    ("last", "cap", "limit"), [(4.80, 0.0, 4.78), (4.80, 4.70, 4.68), (float("nan"), 4.70, 4.68), (0.0, 4.70, 4.68)]
)
async def test_without_a_bid_a_step_goes_below_the_last_price_or_the_brokers_cap(tmp_path, last, cap, limit):
    """The lower of the two; the status says that the broker holds the order at its cap."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk, 0.0)
        desk.quotes[1] = quote_of(1, 0.0, last)  # its last price is the ask given
        target = desk.broker.leg(1, "target")
        target.cap_price = cap
        desk.broker.notice(target.request.order_id, 2161, "warning")
        desk.broker.update(target)
        await pass_time(desk, 5)
        assert sent_since_entry(desk)[-1] == ("modify", "LMT", limit)
        assert desk.execution.waits == {"SYM1": "held at the broker's price cap" if cap else "order not filled"}


async def test_where_nobody_knows_a_price_the_market_order_stays(tmp_path):
    """Neither bid nor last nor cap: nothing is changed, the lists are asked, and it steps once there is a bid."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk, None)
        await pass_time(desk, 20)
        assert sent_since_entry(desk) == [("modify", "MKT", None)]
        assert desk.execution.waits == {"SYM1": "order not filled"}
        desk.quotes[1] = quote_of(1, 4.90, 4.92)
        await pass_time(desk, 5)
        assert sent_since_entry(desk)[-1][:2] == ("modify", "LMT")


async def test_a_market_order_that_may_not_be_changed_is_passed_by(tmp_path):
    """329: a limit goes out beside it in its group; that does not fill either: the first is cancelled, once."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.refuse = {"limit"}
        await leave(desk)
        target, stop = desk.broker.leg(1, "target"), desk.broker.leg(1, "stop")
        await pass_time(desk, 9)
        assert sent_since_entry(desk) == [("modify", "MKT", None), ("modify", "LMT", 4.88)]
        await pass_time(desk, 3)
        beside = desk.broker.leg(1, "exit")
        assert (beside.request.order_type, beside.request.limit_price, beside.remaining) == ("LMT", 4.86, 833)
        assert beside.request.oca_group == target.request.oca_group == stop.request.oca_group
        assert target.alive
        await pass_time(desk, 5)
        assert (target.alive, beside.alive, stop.alive) == (False, True, True)
        await pass_time(desk, 5)
        assert [change for change, *_ in sent_since_entry(desk)] == ["modify", "modify", "place", "cancel", "modify"]
        desk.broker.fill(beside, 833, 4.8)
        await pass_time(desk, 3)
        assert (desk.position(), desk.positions.flat) == (0, True)


async def test_where_no_other_may_stand_beside_it_the_market_order_goes_first(tmp_path):
    """Neither a change nor an order beside it is taken: cancelled, and sold by a limit once its end is known."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.refuse = {"limit", "exit"}
        await leave(desk)
        target = desk.broker.leg(1, "target")
        await pass_time(desk, 14)
        assert target.alive
        desk.broker.silent = True  # of the cancel no word comes at first: what it sold is unknown, and nothing is sent
        await pass_time(desk, 3)
        assert not target.alive
        assert [change for change, *_ in sent_since_entry(desk)] == ["modify", "modify", "place", "cancel"]
        desk.broker.silent, desk.broker.refuse = False, set()
        await pass_time(desk, 15)
        changes = sent_since_entry(desk)[4:]
        assert [(change, kind) for change, kind, _ in changes[:1]] == [("place", "LMT")]
        assert [change for change, *_ in changes].count("place") == 1


async def test_a_sale_of_its_own_that_rests_is_passed_by_as_a_target_is(tmp_path):
    """No target is left: the sell that was sent stays where it is until the one beside it has had its time."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        desk.broker.refuse = {"limit"}
        desk.quotes[1] = quote_of(1, 4.90, 4.92)
        desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
        await desk.settle()
        first = desk.broker.leg(1, "exit")
        await pass_time(desk, 13)
        beside = desk.broker.leg(1, "exit")
        assert beside is not first
        assert (first.alive, beside.alive, first.request.order_type, beside.request.order_type) == (
            True, True, "MKT", "LMT",
        )  # fmt: skip
        await pass_time(desk, 5)
        assert (first.alive, beside.alive) == (False, True)


async def test_a_market_order_that_ends_by_its_change_is_sold_anew(tmp_path):
    """201 and Inactive: neither dead nor of any use; a limit goes out in the group, and the stop rests."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk)
        await pass_time(desk, 5)
        target = desk.broker.leg(1, "target")
        desk.broker.notice(target.request.order_id, 201, "order dead")
        desk.broker.update(target, "Inactive")
        target.status = "Inactive"
        await pass_time(desk, 10)
        sale = desk.broker.leg(1, "exit")
        assert (sale.request.order_type, sale.remaining) == ("LMT", 833)
        assert sale.request.oca_group == desk.broker.leg(1, "stop").request.oca_group


async def test_a_price_that_is_refused_comes_nearer_and_rarer(tmp_path):
    """202 kills each limit: the way below the bid halves, the time to the next doubles; the stop rests throughout."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk)
        desk.broker.refuse.add("price")
        await pass_time(desk, 5)  # the change to 4.88 is refused, and ends the target
        sent = len(desk.broker.sent)
        limits = []
        for _ in range(200):
            await pass_time(desk, 1)
            limits += [(desk.clock.elapsed(), order.limit_price) for _, order in desk.broker.sent[sent:]]
            sent = len(desk.broker.sent)
        prices, times = [price for _, price in limits], [at for at, _ in limits]
        assert 4 <= len(limits) <= 7
        assert prices[:3] == [4.89, 4.90, 4.90]  # at the bid in the end
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert gaps == sorted(gaps)
        assert gaps[-1] > 4 * gaps[0] >= 20
        assert desk.execution.waits == {"SYM1": "price refused"}


async def test_a_change_whose_price_is_refused_ends_the_order_and_not_the_exit(tmp_path):
    """202 cancels what was changed: once its end is known a sale of its own goes out, nearer to the market."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.refuse = {"price"}
        await leave(desk)
        await pass_time(desk, 6)
        assert not desk.broker.leg(1, "target").alive
        desk.broker.refuse = set()
        await pass_time(desk, 8)
        assert sent_since_entry(desk) == [("modify", "MKT", None), ("modify", "LMT", 4.88), ("place", "LMT", 4.89)]
        sale = desk.broker.leg(1, "exit")
        assert sale.request.oca_group == desk.broker.leg(1, "stop").request.oca_group
        desk.broker.fill(sale, 833, 4.9)
        await pass_time(desk, 3)
        assert (desk.position(), desk.positions.flat, desk.execution.waits) == (0, True, {})


async def test_a_sale_that_is_refused_waits_for_its_patience(tmp_path):
    """201 for every order of its own: one in five seconds and no more."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        desk.broker.refuse.add("exit")
        desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
        await desk.settle()
        await pass_time(desk, 30)
        assert [change for change, *_ in sent_since_entry(desk)].count("place") in (6, 7)


async def test_a_market_order_that_rests_is_repriced_by_the_next_session(tmp_path):
    """Found at work at a start: one patience later it becomes a limit, and no second order is sent."""
    async with trading_desk(tmp_path) as desk:
        await leave(desk)
        broker = desk.broker
    async with trading_desk(tmp_path, broker) as desk:
        desk.quotes[1] = quote_of(1, 4.90, 4.92)
        await desk.beat(7)
        assert sent_since_entry(desk) == [("modify", "MKT", None), ("modify", "LMT", 4.88)]


async def test_the_close_turns_a_market_order_that_rests_into_a_limit(tmp_path):
    """Other hours begin the ladder anew: half a per cent below the bid, and able to trade there."""
    broker = MemoryBroker(TestClock(OPEN + timedelta(hours=6, minutes=29, seconds=57)))
    async with trading_desk(tmp_path, broker, no_entry_before_close_s=0, flat_before_close_s=0) as desk:
        await leave(desk)
        assert desk.broker.leg(1, "target").request.order_type == "MKT"
        await desk.beat(6)
        last = desk.broker.leg(1, "target").request
        assert (last.order_type, last.limit_price, last.outside_rth) == ("LMT", 4.88, True)
