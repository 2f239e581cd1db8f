"""A stop that trails by itself at the broker: placed, resized, asleep, refused, found again; its level never falls."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from momentum_kit.errors import RequestTimeout
from momentum_kit.models import ExitRequest
from momentum_kit.services.execution.reconciliation import role_of
from tests.helpers.broker_in_memory import OPEN, MemoryBroker, TestClock, contract_of, quote_of
from tests.helpers.trading_desk import trading_desk

ON = {"trail_r": 0.5}  # of a stop distance of 0.10: the stop follows by 0.05
OVER_THE_CLOSE = {**ON, "flat_before_close_s": 0, "no_entry_before_close_s": 0, "time_stop_s": 500_000}
DOES_NOT_TRAIL = "SYM1: the broker takes no trailing stop; a plain one rests, not trailing"


async def ask_exit(desk):
    """Somebody wants the position gone."""
    desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
    await desk.settle()


def trail_to(desk, level, *, told=True):
    """The market has risen, and with it the trailing stop; told: an echo says so, as recorded without its amount."""
    stop = desk.broker.leg(1, "stop")
    stop.request = replace(stop.request, stop_price=level, trailing_usd=None)
    if told:
        desk.broker.echo(stop)


def selling(desk):
    """What may sell: type, shares, trigger."""
    orders = [o for o in desk.broker.orders.values() if o.alive and o.kind != "entry"]
    return [(o.request.order_type, int(o.remaining), o.request.stop_price) for o in orders]


def sent(desk, change):
    """Stops that were placed, modified or cancelled: type, trigger, distance."""
    orders = [
        order for what, order in desk.broker.sent if what == change and order.order_type in ("STP", "STP LMT", "TRAIL")
    ]
    return [(order.order_type, order.stop_price, order.trailing_usd) for order in orders]


async def test_it_stands_in_the_bracket(tmp_path):
    """The stop leg is TRAIL, GTC, from the stop price on, at trail_r stop distances; written down before it is sent."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        stop, target = desk.broker.leg(1, "stop").request, desk.broker.leg(1, "target").request
        assert (stop.order_type, stop.stop_price, stop.trailing_usd, stop.tif) == ("TRAIL", 4.9, 0.05, "GTC")
        assert (stop.limit_price, stop.outside_rth, stop.oca_group) == (None, False, target.oca_group)
        (intent,) = desk.intents.unresolved()
        assert (intent.stop_price, intent.trail_usd) == (4.9, 0.05)
        (row,) = [row for row in desk.journal["orders"] if row["leg"] == "stop"]
        assert (row["order_type"], row["trailing_usd"]) == ("TRAIL", 0.05)
        await desk.beat(20)
        assert len(desk.broker.sent) == 3
        assert (desk.alerts.texts, desk.execution.protected) == ([], {1})


async def test_it_is_off_unless_asked_for(tmp_path):
    """A plain stop, as ever, and no distance anywhere."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        assert desk.broker.leg(1, "stop").request.order_type == "STP"
        assert [order.trailing_usd for _, order in desk.broker.sent] == [None] * 3
        assert [intent.trail_usd for intent in desk.intents.unresolved()] == [None]


async def test_a_change_of_its_size_never_loosens_it(tmp_path):
    """A part of the entry, and the trail has moved up since: the new size goes out with the level that was told."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.signal()
        desk.broker.fill(desk.broker.leg(1, "entry"), 300, 5.0)
        await desk.settle()
        trail_to(desk, 4.97)
        await desk.settle()
        trail_to(desk, 4.94)  # an older echo that comes late, or a broker that starts anew
        await desk.beat(4)
        assert sent(desk, "modify")[0] == ("TRAIL", 4.97, 0.05)
        assert all(order[1] == 4.97 for order in sent(desk, "modify"))
        assert ("TRAIL", 300, 4.97) in selling(desk)


async def test_a_level_that_only_the_list_tells_counts(tmp_path):
    """A move that brings no echo is known from the next list of open orders."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        trail_to(desk, 4.97, told=False)
        await desk.beat(20)
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.beat(3)
        assert selling(desk)[-1] == ("TRAIL", 833, 4.97)


async def test_a_level_off_the_grid_is_sent_on_it(tmp_path):
    """What the broker tells may have more digits than the exchange takes: never rounded to below."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        trail_to(desk, 4.9612)
        await desk.settle()
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.beat(3)
        assert selling(desk)[-1] == ("TRAIL", 833, 4.97)


async def test_an_exit_leaves_it_alone_and_turns_the_target(tmp_path):
    """As beside a plain stop; what has triggered and sells by itself is given its time."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        stop, target = desk.broker.leg(1, "stop"), desk.broker.leg(1, "target")
        desk.broker.fill(stop, 300, 4.9)
        await desk.settle()
        await ask_exit(desk)
        await desk.beat(1)
        assert target.request.order_type == "LMT"
        await desk.beat(3)
        assert (target.request.order_type, int(target.remaining)) == ("MKT", 533)
        assert not [order for what, order in desk.broker.sent if what == "cancel"]
        desk.broker.fill(target, 533, 4.9)
        await desk.beat(5)
        assert desk.execution.flat
        assert not stop.alive


async def test_over_the_close_and_back(tmp_path):
    """It sleeps after the close: a stop-limit from where the list says that it stood, and a trail again at the open."""
    clock = TestClock(OPEN + timedelta(hours=6.4))
    async with trading_desk(tmp_path, MemoryBroker(clock), **OVER_THE_CLOSE) as desk:
        await desk.enter()
        trail_to(desk, 4.96)
        await desk.beat(2)
        trail_to(desk, 4.98, told=False)  # the last move of the day, of which only a list tells
        clock.time = OPEN + timedelta(hours=6.6)
        await desk.beat(12)
        assert selling(desk) == [("LMT", 833, None), ("STP LMT", 833, 4.98)]
        stop = desk.broker.leg(1, "stop").request
        assert (stop.limit_price, stop.outside_rth, stop.trailing_usd) == (4.88, True, None)
        changes = [(what, order.order_type) for what, order in desk.broker.sent[3:]]
        assert changes == [("place", "STP LMT"), ("cancel", "TRAIL")]
        assert [intent.stop_price for intent in desk.intents.unresolved()] == [4.9, 4.98]
        clock.time = OPEN + timedelta(days=3, seconds=1)
        desk.quotes[1] = quote_of(1, 4.99, 5.0)
        await desk.beat(5)
        assert selling(desk)[-1] == ("STP LMT", 833, 4.98)  # it could fire while another joins it
        desk.quotes[1] = quote_of(1, 5.02, 5.03)
        await desk.beat(5)
        assert selling(desk) == [("LMT", 833, None), ("TRAIL", 833, 4.98)]
        assert desk.broker.leg(1, "stop").request.trailing_usd == 0.05
        before = len(desk.broker.sent)
        await desk.beat(30)
        assert len(desk.broker.sent) == before


async def test_the_old_one_stays_until_the_list_has_told_where_it_stood(tmp_path):
    """No list of open orders after the close: the stop-limit protects, and the sleeping trail is not taken away."""
    clock = TestClock(OPEN + timedelta(hours=6.4))
    async with trading_desk(tmp_path, MemoryBroker(clock), **OVER_THE_CLOSE) as desk:
        await desk.enter()
        trail_to(desk, 4.95)
        await desk.beat(2)
        trail_to(desk, 4.97, told=False)
        desk.broker.trouble["open orders"] = RequestTimeout("silent")
        clock.time = OPEN + timedelta(hours=6.6)
        await desk.beat(20)
        assert selling(desk)[1:] == [("TRAIL", 833, 4.97), ("STP LMT", 833, 4.95)]
        desk.broker.trouble.clear()
        await desk.beat(10)
        assert selling(desk)[1:] == [("STP LMT", 833, 4.97)]
        changes = [(what, order.order_type) for what, order in desk.broker.sent[3:]]
        assert changes == [("place", "STP LMT"), ("cancel", "TRAIL"), ("modify", "STP LMT")]


@pytest.mark.parametrize("settings", [OVER_THE_CLOSE, {**OVER_THE_CLOSE, "trail_r": None}], ids=["trails", "plain"])
async def test_a_stop_that_fires_with_the_bell_is_not_sold_once_more(tmp_path, settings):
    """Its fills are on their way when the session ends: no other stop for the same shares goes out before them."""
    clock = TestClock(OPEN + timedelta(hours=6.4))
    async with trading_desk(tmp_path, MemoryBroker(clock), **settings) as desk:
        await desk.enter()
        await desk.beat(2)
        clock.time = OPEN + timedelta(hours=6.5)
        await desk.beat(1.5)
        stop = desk.broker.leg(1, "stop")
        desk.broker.fill(stop, int(stop.remaining), 4.9)
        await desk.beat(10)
        assert [what for what, _ in desk.broker.sent] == ["place"] * 3
        assert desk.execution.flat


async def test_it_is_the_stop_of_its_intent_whatever_its_id(tmp_path):
    """Order ids have begun anew, or a list has none: by its type it is the stop, not the target."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        (intent,) = desk.intents.unresolved()
        listed = [o for o in await desk.broker.fetch_open_orders() if o.request.order_type == "TRAIL"]
        assert [role_of(replace(o, request=replace(o.request, order_id=0)), intent) for o in listed] == ["stop"]


async def test_one_that_trails_by_nobody_knows_how_much_is_replaced(tmp_path):
    """Neither echo nor intent has the distance, so no change of its size can be sent: a plain stop at its level."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        trail_to(desk, 4.97)
        await desk.settle()
        broker = desk.broker
    with closing(sqlite3.connect(tmp_path / "intents.db")) as written, written:
        written.execute("UPDATE intents SET trail_usd = NULL")
    async with trading_desk(tmp_path, broker, **ON) as desk:
        await desk.beat(10)
        assert selling(desk) == [("LMT", 833, None), ("STP", 833, 4.97)]
        assert sent(desk, "modify") == []


async def test_entered_before_the_open_it_trails_from_the_open_on(tmp_path):
    """A stop-limit before the open, for a market order sleeps; then a trail from the same level."""
    clock = TestClock(OPEN - timedelta(minutes=1))
    async with trading_desk(tmp_path, MemoryBroker(clock), **ON) as desk:
        await desk.enter()
        desk.quotes[1] = quote_of(1, 4.99, 5.0)
        assert selling(desk)[-1] == ("STP LMT", 833, 4.9)
        await desk.beat(65)
        assert selling(desk) == [("LMT", 833, None), ("TRAIL", 833, 4.9)]
        assert not [text for level, text in desk.alerts.texts if level != "info"]


@pytest.mark.parametrize("how", ["dead", "inactive", "request failed"])
async def test_where_it_is_refused_a_plain_stop_rests_and_a_human_is_told(tmp_path, how):
    """Whatever the code: one plain stop at the level, told once, and no trailing stop is tried again."""
    async with trading_desk(tmp_path, **ON) as desk:
        broker, accept = desk.broker, desk.broker._accept

        def refusing(held):
            if held.request.order_type != "TRAIL":
                accept(held)
            elif how == "inactive":
                held.status = "Inactive"
                broker.echo(held)
            else:
                held.status = ""
                broker.notice(held.request.order_id, 387, "order dead" if how == "dead" else how)

        broker._accept = refusing
        await desk.enter()
        await desk.beat(40)
        stops = [order for what, order in broker.sent if what == "place" and order.order_type in ("STP", "TRAIL")]
        assert [(order.order_type, order.stop_price) for order in stops] == [("TRAIL", 4.9), ("STP", 4.9)]
        assert [text for kind, quantity, text in selling(desk) if kind == "STP"] == [4.9]
        assert [text for _, text in desk.alerts.texts].count(DOES_NOT_TRAIL) == 1
        assert not any(text.endswith("a human must look") for _, text in desk.alerts.texts)


async def test_refused_later_a_plain_stop_stands_at_the_level_reached(tmp_path):
    """A person cancels the trail, and the broker takes no other: the plain stop begins where that stood."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        trail_to(desk, 4.97)
        await desk.settle()
        desk.broker.refuse = {"stop"}
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.beat(0.5)
        desk.broker.refuse = set()
        await desk.beat(4)
        assert selling(desk)[-1] == ("STP", 833, 4.97)


async def test_after_a_restart_it_is_our_stop_at_its_level(tmp_path):
    """The echo tells no distance: the intent has it. Nothing is sent, and a new size keeps level and distance."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        trail_to(desk, 4.97)
        await desk.settle()
        broker = desk.broker
    before = len(broker.sent)
    async with trading_desk(tmp_path, broker, **ON) as desk:
        await desk.beat(5)
        assert broker.sent[before:] == []
        assert desk.execution.protected == {1}
        broker.fill(broker.leg(1, "target"), 100, 5.2)
        stop = broker.leg(1, "stop")
        stop.request = replace(stop.request, quantity=stop.request.quantity + 100)  # a group that reduces nothing
        broker.echo(stop)
        await desk.beat(10)
        assert sent(desk, "modify") == [("TRAIL", 4.97, 0.05)]
        assert int(stop.remaining) == desk.position()


async def test_after_a_restart_without_the_setting_it_goes_on_trailing(tmp_path):
    """What rests is left as it is: the intent says how it was planned."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        broker = desk.broker
    before = len(broker.sent)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(20)
        assert broker.sent[before:] == []


async def test_one_that_nothing_written_down_explains_is_a_stop(tmp_path):
    """Found at work after a death, its intent unwritten: it protects, and is not taken for a target or an exit."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        broker = desk.broker
        stray = replace(broker.leg(1, "stop").request, order_ref="mk-unwritten", order_id=900, trailing_usd=None)
        desk.broker.silent = True
        broker.kill(broker.leg(1, "stop"))
        desk.broker.silent = False
    broker.orders[900] = type(broker.leg(1, "target"))(contract_of(1), stray, 9900)
    broker.orders[900].status = "PreSubmitted"
    for order in broker.orders.values():
        if order.kind == "stop" and order.request.order_id != 900 and order.alive:
            order.status = "Cancelled"
    async with trading_desk(tmp_path, broker, **ON) as desk:
        await desk.beat(10)
        assert [(kind, shares) for kind, shares, _ in selling(desk) if kind != "LMT"] == [("TRAIL", 833)]
        assert [i.kind for i in desk.intents.unresolved() if i.intent_id == "mk-unwritten"] == ["protect"]
        assert desk.execution.protected == {1}
