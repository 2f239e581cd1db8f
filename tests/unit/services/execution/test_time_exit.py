"""A time exit at the broker: it rests beside stop and target, ends what nobody else ends, and sells no share twice."""

from datetime import timedelta

import pytest

from momentum_kit.errors import NotConnected, RequestTimeout
from momentum_kit.models import ExitRequest, Position
from tests.helpers.broker_in_memory import ACCOUNT, OPEN, MemoryBroker, TestClock, contract_of
from tests.helpers.trading_desk import trading_desk

ON = {"time_exit_at_broker": True, "time_stop_s": 60.0, "entry_timeout_s": 10.0}
NONE_RESTS = "SYM1: no time exit rests at the broker; only this machine ends its holding time"


async def ask_exit(desk):
    """Somebody wants the position gone."""
    desk.exits.put_nowait(ExitRequest(contract_of(1), "test", desk.clock.now()))
    await desk.settle()


def told(desk, words):
    """Alerts that have these words."""
    return [text for _, text in desk.alerts.texts if words in text]


def wake(desk):
    """The broker says that it works the leg now."""
    timed = desk.broker.leg(1, "timed")
    timed.status = "Submitted"
    desk.broker.echo(timed)
    return timed


def selling(desk):
    """Orders that would sell at once."""
    orders = desk.broker.orders.values()
    return [o.kind for o in orders if o.alive and o.request.order_type == "MKT" and o.status == "Submitted"]


async def test_it_rests_with_the_bracket(tmp_path):
    """Sent between target and stop, which transmits them all, for the end of the holding time and the entry's time."""
    async with trading_desk(tmp_path, **ON) as desk:
        ordered_at = desk.clock.now()  # a quarter of a second past a whole one
        await desk.enter()
        kinds = [desk.broker.orders[order.order_id].kind for what, order in desk.broker.sent if what == "place"]
        assert kinds == ["entry", "target", "timed", "stop"]
        timed, stop = desk.broker.leg(1, "timed"), desk.broker.leg(1, "stop")
        assert timed.request.good_after == ordered_at + timedelta(seconds=70.75)
        assert timed.request.oca_group == stop.request.oca_group
        assert timed.remaining == stop.remaining == desk.position()
        (row,) = [row for row in desk.journal["orders"] if row["leg"] == "timed"]
        assert row["good_after"] == timed.request.good_after
        (intent,) = desk.intents.unresolved()
        assert intent.timed_order_id == timed.request.order_id
        await desk.beat(5)
        assert desk.alerts.texts == []
        assert desk.execution.protected == {1}


async def test_it_is_off_unless_asked_for(tmp_path):
    """Three legs, as ever."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        assert [order.good_after for _, order in desk.broker.sent] == [None] * 3


async def test_none_rests_where_its_hour_is_outside_regular_hours(tmp_path):
    """An hour before the open, a minute's holding ends before it: three legs, and nobody misses a fourth."""
    broker = MemoryBroker(TestClock(OPEN - timedelta(hours=1)))
    async with trading_desk(tmp_path, broker, **ON) as desk:
        await desk.enter()
        await desk.beat(5)
        assert [desk.broker.orders[order.order_id].kind for _, order in broker.sent] == ["entry", "target", "stop"]
        assert told(desk, "no time exit") == []


@pytest.mark.parametrize("how", [{"timed"}, {"timed", "inactive"}], ids=["dead", "inactive"])
async def test_one_that_is_refused_is_told_and_changes_nothing(tmp_path, how):
    """The stop rests, the position is left in time by this machine, and a human knows on what that depends."""
    async with trading_desk(tmp_path, **ON) as desk:
        desk.broker.refuse = how
        await desk.enter()
        await desk.beat(2)
        assert desk.alerts.texts == [("warning", NONE_RESTS)]
        stop, target = desk.broker.leg(1, "stop"), desk.broker.leg(1, "target")
        assert (stop.alive, stop.remaining, target.alive) == (True, desk.position(), True)
        await desk.beat(60)
        assert target.request.order_type == "MKT"
        desk.broker.fill(target, int(target.remaining), 5.0)
        await desk.beat(10)
        assert desk.execution.flat
        assert desk.intents.unresolved() == ()
        assert told(desk, "no time exit") == [NONE_RESTS]


async def test_it_is_as_large_as_what_is_held(tmp_path):
    """A partly filled entry: every leg of the group sells what was bought, and keeps its hour."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.signal()
        desk.broker.fill(desk.broker.leg(1, "entry"), 300, 5.0)
        await desk.beat(4)
        timed = desk.broker.leg(1, "timed")
        assert timed.remaining == desk.broker.leg(1, "stop").remaining == desk.position() == 300
        assert timed.request.good_after is not None


async def test_it_ends_with_the_position(tmp_path):
    """The target has sold everything and its group took nobody along: what waits for its hour is cancelled."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        target, timed = desk.broker.leg(1, "target"), desk.broker.leg(1, "timed")
        alone(desk)
        desk.broker.fill(target, int(target.remaining), 5.2)
        await desk.beat(3)
        assert not timed.alive
        assert desk.execution.flat


def alone(desk):
    """From now on the time exit has no part in its group, whatever the broker's echo says."""
    broker, reduce = desk.broker, desk.broker._after_fill

    def after_fill(held):
        timed = [o for o in broker.orders.values() if o.kind == "timed" and o.alive]
        if held.kind == "timed":
            return
        before = [(o, o.request, o.status) for o in timed]
        for order in timed:
            order.status = ""  # the group does not see it
        reduce(held)
        for order, request, status in before:
            order.request, order.status = request, status

    broker._after_fill = after_fill


async def test_about_its_hour_no_other_order_is_made_to_sell(tmp_path):
    """The holding time ends for this machine as well: the broker's leg sells, and the target stays what it is."""
    async with trading_desk(tmp_path, **ON) as desk:
        alone(desk)
        await desk.enter()
        await desk.beat(57)
        target = desk.broker.leg(1, "target")
        desk.clock.time += timedelta(seconds=12)  # a machine that slept over the end of the holding time
        await desk.beat(0.5)
        assert target.request.order_type == "LMT"
        assert desk.execution.waits == {"SYM1": "the time exit at the broker"}
        timed = wake(desk)
        await desk.beat(0.5)
        desk.broker.fill(timed, 300, 4.99)
        await desk.beat(1)
        assert selling(desk) == ["timed"]
        desk.broker.fill(timed, int(timed.remaining), 4.99)
        await desk.beat(4)
        assert desk.position() == 0
        assert desk.execution.flat
        assert not any(order.alive for order in desk.broker.orders.values())


async def test_one_that_never_wakes_holds_up_no_exit(tmp_path):
    """Five seconds after its hour the target is made to sell, in the same group."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        await desk.beat(57)
        desk.clock.time += timedelta(seconds=12)
        await desk.beat(4)
        target = desk.broker.leg(1, "target")
        assert target.request.order_type == "LMT"
        await desk.beat(4)
        assert target.request.order_type == "MKT"
        assert target.request.oca_group == desk.broker.leg(1, "timed").request.oca_group


async def test_an_exit_before_its_hour_waits_for_nothing(tmp_path):
    """Asked for in the middle of the holding time: the target sells, stop and time exit rest until it has."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        await desk.beat(20)
        await ask_exit(desk)
        target = desk.broker.leg(1, "target")
        assert target.request.order_type == "MKT"
        assert [desk.broker.leg(1, kind).alive for kind in ("timed", "stop")] == [True, True]


async def test_an_exit_beside_one_that_its_group_leaves_behind(tmp_path):
    """The stop shrinks with what is sold, the time exit does not: it is cut to what is held before its hour comes."""
    async with trading_desk(tmp_path, **ON) as desk:
        alone(desk)
        await desk.enter()
        await ask_exit(desk)
        desk.broker.fill(desk.broker.leg(1, "target"), 500, 5.0)
        await desk.beat(2)
        assert desk.broker.leg(1, "timed").remaining == desk.broker.leg(1, "stop").remaining == desk.position() == 333


async def test_one_that_has_woken_goes_when_all_is_sold_whatever_a_late_row_says(tmp_path):
    """Our own words name every share sold; a position row from before that is no reason to sell them once more."""
    async with trading_desk(tmp_path, **ON) as desk:
        alone(desk)
        quantity = await desk.enter()
        await desk.beat(55)
        await ask_exit(desk)
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.0)
        await desk.settle()
        late = Position(account=ACCOUNT, contract=contract_of(1), quantity=quantity, average_cost=5.0)
        desk.broker.rows.put_nowait(late)
        desk.broker.trouble["positions"] = RequestTimeout("positions")
        await desk.settle()
        desk.clock.time += timedelta(seconds=20)  # its hour comes
        timed = wake(desk)
        await desk.beat(5)
        assert desk.ledger.position(1) == 0
        assert not timed.alive


async def test_a_stop_rests_beside_one_that_only_waits(tmp_path):
    """The stop is gone, the time exit has not woken: a new stop is placed at once, in the same group."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.beat(1)
        stop, timed = desk.broker.leg(1, "stop"), desk.broker.leg(1, "timed")
        assert (stop.alive, stop.remaining) == (True, desk.position())
        assert timed.alive
        assert timed.request.oca_group == stop.request.oca_group


async def test_after_a_restart_it_is_known_and_left_at_its_hour(tmp_path):
    """Another holding time is in force now: a human is told which hour rests, and this machine obeys the new one."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        broker = desk.broker
    before = len(broker.sent)
    async with trading_desk(tmp_path, broker, **{**ON, "time_stop_s": 20.0}) as desk:
        await desk.beat(5)
        assert broker.sent[before:] == []
        (text,) = told(desk, "stays at")
        assert text == "SYM1: its time exit at the broker stays at 2026-11-20 10:31:11 EST; settings say " + (
            "2026-11-20 10:30:31 EST"
        )
        await desk.beat(16)
        assert broker.leg(1, "target").request.order_type == "MKT"


async def test_what_it_sold_while_nobody_was_there_is_known(tmp_path):
    """Its execution has our reference: the next start finds nothing held, and the round trip says what ended it."""
    async with trading_desk(tmp_path, **ON) as desk:
        await desk.enter()
        broker = desk.broker
    broker.clock.time += timedelta(minutes=5)
    timed = broker.leg(1, "timed")
    broker.fill(timed, int(timed.remaining), 5.05)
    async with trading_desk(tmp_path, broker, **ON) as desk:
        await desk.beat(10)
        assert desk.positions.flat
        assert desk.execution.flat
        assert desk.intents.unresolved() == ()


async def test_the_round_trip_says_that_it_ended_it(tmp_path):
    """Where nothing else asked for an exit."""
    async with trading_desk(tmp_path, **{**ON, "time_stop_s": 900.0}) as desk:
        await desk.enter()
        timed = desk.broker.leg(1, "timed")
        desk.broker.fill(timed, int(timed.remaining), 5.05)
        await desk.beat(3)
        assert [row["reason"] for row in desk.journal["round_trips"]] == ["time exit at the broker"]


async def test_a_bracket_that_broke_off_leaves_none_staged(tmp_path):
    """The line broke after the third leg: nobody transmitted them, and the entry is taken back."""
    async with trading_desk(tmp_path, **ON) as desk:
        desk.broker.fail_sends = [None, None, None, NotConnected("gone")]
        await desk.signal()
        assert [what for what, _ in desk.broker.sent] == ["place", "place", "place", "cancel"]
        assert not any(order.alive for order in desk.broker.orders.values())
