"""What is to be left is left: asked again where an exit has ended too early, and what it waits for is said."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from momentum_kit.errors import NotConnected, RequestTimeout
from tests.helpers.broker_in_memory import MemoryBroker, TestClock, quote_of
from tests.helpers.trading_desk import trading_desk


async def killing(desk, seconds):
    """A kill is pending: entries are cancelled and every exit is asked for at each beat, as the engine does it."""
    for _ in range(round(seconds / 0.25)):
        await desk.execution.cancel_entries()
        desk.positions.request_flatten("kill", desk.execution.held)
        await desk.beat()


def selling(desk, con_id=1):
    """Shares that orders would sell at once."""
    orders = [o for o in desk.broker.orders.values() if o.alive and o.contract.con_id == con_id]
    return sum(int(o.remaining) for o in orders if o.request.order_type == "MKT")


def fill_the_exit(desk, con_id=1, **how):
    """What sells is sold."""
    for order in [o for o in desk.broker.orders.values() if o.alive and o.contract.con_id == con_id]:
        if order.alive and order.request.order_type == "MKT":
            desk.broker.fill(order, int(order.remaining), 4.9, **how)


# -- asked until gone --------------------------------------------------------------------------------------------------


async def test_shares_that_come_after_the_exit_are_sold_as_well(tmp_path):
    """Sold by status, executions still away; then the cancelled entry fills some more after all: those go too."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, 500, 5.0)
        await desk.settle()
        await killing(desk, 3)
        assert not entry.alive
        assert selling(desk) == 500
        desk.broker.trouble["executions"] = RequestTimeout("executions")
        fill_the_exit(desk, late=True)
        await killing(desk, 1)
        assert not desk.execution.leaving(1)
        assert desk.ledger.position(1) == 500  # as far as executions tell
        entry.status = "Submitted"  # the fill and the cancel crossed on their way
        desk.broker.fill(entry, 100, 5.0)
        entry.status = "Cancelled"
        await killing(desk, 8)
        assert selling(desk) == 100
        fill_the_exit(desk)
        desk.broker.trouble.clear()
        await killing(desk, 5)
        assert desk.position() == 0
        assert desk.execution.flat
        assert len(desk.journal["exits"]) == 1


async def test_a_position_of_no_known_order_calls_a_human_once(tmp_path):
    """However often it is asked for: nobody reads the same alert four times a second."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        bracket = desk.execution._desk.brackets.pop(1)
        await killing(desk, 5)
        assert [text for _, text in desk.alerts.texts] == ["SYM1: asked to exit, but no order of ours is known"]
        desk.execution._desk.brackets[1] = bracket  # a list of orders has brought it
        await killing(desk, 1)
        assert selling(desk) == 833


async def test_flat_is_what_every_witness_says(tmp_path):
    """Sold by our executions is not flat before the position's row has followed and every order has ended."""
    async with trading_desk(tmp_path) as desk:
        assert desk.execution.flat
        await desk.enter()
        assert not desk.execution.flat
        desk.broker.trouble["positions"] = RequestTimeout("positions")
        await killing(desk, 1)
        exit_order = desk.broker.leg(1, "target")
        desk.broker.fill(exit_order, int(exit_order.remaining), 4.9, row=False)
        await killing(desk, 2)
        assert desk.positions.flat
        assert not desk.execution.held
        assert not desk.execution.flat
        assert desk.execution.waits == {"SYM1": "lists unknown"}
        desk.broker.say_position(1)
        await killing(desk, 1)
        assert desk.execution.flat
        assert desk.execution.waits == {}


# -- what it waits for -------------------------------------------------------------------------------------------------


async def test_a_halt_is_what_an_exit_waits_for(tmp_path):
    """Named while it lasts; the sale goes out when it is over, and nothing is waited for any more."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.quotes[1] = quote_of(1, 4.9, 4.91, halted=True)
        await killing(desk, 180)
        assert desk.execution.waits == {"SYM1": "halted"}
        assert selling(desk) == 0
        desk.quotes[1] = quote_of(1, 4.9, 4.91)
        await killing(desk, 1)
        assert desk.execution.waits == {"SYM1": ""}
        assert selling(desk) == 833


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (datetime(2026, 11, 20, 13, 0, tzinfo=UTC), "no bid"),  # 8:00 in New York
        (datetime(2026, 11, 20, 8, 30, tzinfo=UTC), "market closed"),  # 3:30
        (datetime(2026, 11, 28, 15, 0, tzinfo=UTC), "market closed"),  # a Saturday
        (datetime(2026, 11, 27, 22, 30, tzinfo=UTC), "market closed"),  # 17:30 after a half day
    ],
)
async def test_without_a_bid_the_market_may_be_closed(tmp_path, at, why):
    """Before the open somebody may bid yet; at night and at weekends nobody will."""
    broker = MemoryBroker(TestClock())
    async with trading_desk(tmp_path, broker) as desk:
        await desk.enter()
        desk.clock.stepped = at - desk.clock.time
        await killing(desk, 3)
        assert desk.execution.waits == {"SYM1": why}


async def test_an_order_that_is_refused_is_named_and_sent_again(tmp_path):
    """The broker takes no sale for a while: the exit goes on until it does."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        desk.broker.refuse.add("exit")
        await killing(desk, 20)
        assert desk.execution.waits == {"SYM1": "order refused"}
        desk.broker.refuse.clear()
        await killing(desk, 4)
        assert selling(desk) == 833


async def test_an_exit_that_ends_inactive_is_named(tmp_path):
    """Neither dead nor of any use: another one is sent beside it, and what was in the way is said."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await killing(desk, 1)
        target = desk.broker.leg(1, "target")
        assert target.request.order_type == "MKT"
        desk.broker.update(target, "Inactive")
        await killing(desk, 6)
        assert desk.broker.leg(1, "exit").alive
        assert desk.execution.waits == {"SYM1": "order refused"}


async def test_an_order_that_cannot_be_sent_is_named(tmp_path):
    """The gateway is gone: it was not sent, and it is tried again."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.fail_sends = [NotConnected("no gateway")] * 2
        await killing(desk, 1)
        assert desk.execution.waits == {"SYM1": "order not sent"}


async def test_lists_that_do_not_come_are_named(tmp_path):
    """A start at which nobody tells the positions: whether it is flat is unknown."""
    broker = MemoryBroker(TestClock())
    broker.trouble["positions"] = RequestTimeout("positions")
    async with trading_desk(tmp_path, broker) as desk:
        assert not desk.execution.flat
        assert desk.execution.waits == {"": "lists unknown"}


async def test_a_kill_before_the_open_sells_to_the_first_bid(tmp_path):
    """At 8:00 in New York nobody bids: it waits and says so; then a limit below the bid goes out, and it is flat."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.clock.stepped = datetime(2026, 11, 23, 13, 0, tzinfo=UTC) - desk.clock.time
        await killing(desk, 125)
        assert desk.execution.waits == {"SYM1": "no bid"}
        desk.quotes[1] = quote_of(1, 4.8, 4.82)
        await killing(desk, 1)
        target = desk.broker.leg(1, "target")
        assert (target.request.order_type, target.request.outside_rth) == ("LMT", True)
        assert target.request.limit_price < 4.8
        desk.broker.fill(target, int(target.remaining), 4.78)
        await killing(desk, 3)
        assert desk.execution.flat


async def test_a_kill_is_flat_while_stops_are_refused(tmp_path):
    """The stop dies and the broker takes no other: the position is sold, and nothing is left to wait for."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.refuse.add("stop")
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await killing(desk, 10)
        assert selling(desk) == 833
        fill_the_exit(desk)
        await killing(desk, 5)
        assert desk.execution.flat
        assert desk.execution.waits == {}
        assert desk.position() == 0


# -- after a sleep -----------------------------------------------------------------------------------------------------


async def test_after_a_sleep_entries_wait_for_lists_that_were_asked_for_since(tmp_path):
    """An answer that was on its way before proves nothing; the next whole ones do, and then a quote that is newer."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(2)
        on_its_way = asyncio.Event()
        desk.broker.trouble["positions"] = on_its_way
        await desk.beat(16)
        desk.execution.ask_anew("the machine slept for 30 s")
        desk.broker.trouble["positions"] = RequestTimeout("positions")
        on_its_way.set()
        await desk.beat(4)
        assert not desk.execution.told_anew
        await desk.signal(1, item="early")
        refused = desk.journal["risk"][-1]
        assert (refused["verdict"], refused["reason"]) == ("refused", "evidence")
        assert "slept for 30 s" in str(refused["limits"])
        desk.broker.trouble.clear()
        await desk.beat(3)
        assert desk.execution.told_anew
        heard_before = replace(quote_of(1, 4.99, 5.0, at=desk.clock.now()), received_ns=1)
        desk.quotes[1] = heard_before
        await desk.signal(1, item="old quote")
        assert desk.journal["risk"][-1]["reason"] == "stale symbol"
        desk.quotes[1] = replace(heard_before, received_ns=time.perf_counter_ns(), received_at=desk.clock.now())
        await desk.signal(1, item="new quote")
        assert desk.journal["risk"][-1]["verdict"] == "accepted"


async def test_a_sleep_takes_nothing_from_what_is_held(tmp_path):
    """Ten minutes with a closed lid, or a wall clock set back a day: stop and target stay, nothing is sent."""
    for stepped in (timedelta(0), timedelta(days=-1), timedelta(hours=3)):
        folder = tmp_path / f"{stepped.total_seconds():.0f}"
        folder.mkdir()
        async with trading_desk(folder, time_stop_s=14_400) as desk:
            quantity = await desk.enter()
            sent = len(desk.broker.sent)
            desk.clock.stepped = stepped
            desk.clock.time += timedelta(minutes=10)
            desk.execution.ask_anew("the machine slept")
            await desk.beat(5)
            live = [order for order in desk.broker.orders.values() if order.alive]
            assert [(order.request.order_type, order.remaining) for order in live] == [
                ("LMT", Decimal(quantity)),
                ("STP", Decimal(quantity)),
            ]
            assert len(desk.broker.sent) == sent


async def test_a_quote_from_the_future_is_of_unknown_age(tmp_path):
    """The wall clock was set back since it came: it is not fresh for that."""
    async with trading_desk(tmp_path) as desk:
        desk.quotes[1] = quote_of(1, 4.99, 5.0, at=desk.clock.now() + timedelta(minutes=10))
        await desk.signal()
        refused = desk.journal["risk"][-1]
        assert (refused["verdict"], refused["reason"]) == ("refused", "quote age")
