"""What brokers, clocks and people have done to order engines, one story a test, on the in-memory broker."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from momentum_kit.errors import AnswerIncomplete, GuardRefused, RequestTimeout
from momentum_kit.models.intents import ExitRequest, IntentState
from momentum_kit.models.orders import OrderAction, Position
from tests.helpers.broker_in_memory import ACCOUNT, OPEN, Held, MemoryBroker, TestClock, contract_of, quote_of
from tests.helpers.trading_desk import signal_of, trading_desk


def sells(desk, con_id=1):
    """Live selling orders: type and remaining shares."""
    orders = desk.broker.orders.values()
    live = [o for o in orders if o.alive and o.contract.con_id == con_id and o.request.action is OrderAction.SELL]
    return [(order.request.order_type, int(order.remaining)) for order in live]


def critical(desk):
    """What a human was called for."""
    return [text for level, text in desk.alerts.texts if level == "critical"]


def ask_exit(desk, con_id=1, reason="kill"):
    """Somebody wants it gone; nobody waits for it to be handled."""
    desk.exits.put_nowait(ExitRequest(contract_of(con_id), reason, desk.clock.now()))


# -- filled, and no execution comes ------------------------------------------------------------------------------------


async def test_an_entry_filled_by_status_and_position_keeps_its_stop(tmp_path):
    """The order is told Filled, the position is there, executions stay away: no stop goes, nothing is entered, told."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.trouble["executions"] = RequestTimeout("no answer")
        await desk.signal()
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, 833, 5.0, late=True)
        await desk.beat(30)
        assert sells(desk) == [("LMT", 833), ("STP", 833)]
        assert len(desk.broker.sent) == 3
        assert desk.ledger.position(1) == 0
        assert critical(desk) == [
            "SYM1: the broker's words differ, a human must look: position 833, orders 833, executions 0"
        ]
        assert desk.halts
        assert [contract.con_id for contract in desk.execution.held] == [1]
        await desk.signal(1, item="another")
        assert desk.journal["risk"][-1]["verdict"] == "refused"
        desk.broker.trouble.clear()
        await desk.beat(5)
        assert desk.ledger.position(1) == 833


async def test_a_kill_gets_flat_while_executions_never_come(tmp_path):
    """What order and position say is held is sold, once, and what rests beside it goes with its group."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.trouble["executions"] = RequestTimeout("no answer")
        await desk.signal()
        desk.broker.fill(desk.broker.leg(1, "entry"), 833, 5.0, late=True)
        await desk.beat(5)
        assert desk.positions.request_flatten("kill", desk.execution.held) == 1
        await desk.beat(1)
        target = desk.broker.leg(1, "target")
        assert (target.request.order_type, target.remaining) == ("MKT", 833)
        desk.broker.fill(target, 833, 4.9, late=True)
        await desk.beat(20)
        assert (desk.position(), sells(desk), desk.execution.held) == (0, [], ())
        assert len([change for change, order in desk.broker.sent if order.order_type == "MKT"]) == 1


async def test_a_silent_list_of_executions_is_no_empty_day(tmp_path):
    """A restart with a position whose executions are not told: what was written down says that it is ours."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
    broker.trouble["executions"] = RequestTimeout("no answer")
    sent = len(broker.sent)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(20)
        assert (desk.ledger.position(1), len(broker.sent)) == (833, sent)
        assert sells(desk) == [("LMT", 833), ("STP", 833)]
        await desk.signal(2)
        assert desk.journal["risk"][-1]["reason"] == "evidence"
        broker.trouble.clear()
        await desk.beat(5)
        assert desk.ledger.position(1) == 833
        await desk.signal(2, item="later")
        assert desk.journal["risk"][-1]["verdict"] == "accepted"
        broker.fill(broker.leg(1, "stop"), 833, 4.9)
        await desk.beat(3)
        assert (desk.position(), desk.positions.flat) == (0, True)


@pytest.mark.parametrize("ended", [True, False], ids=["the entry is listed as ended", "no list has the entry"])
async def test_a_whole_and_empty_list_of_executions_proves_nothing(tmp_path, ended):
    """A restart before any execution came: the list's end comes without a row. Our stop says whose the shares are."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        desk.broker.fill(desk.broker.leg(1, "entry"), 833, 5.0, late=True)
        broker = desk.broker
    executions, broker.executions = broker.executions, []
    if not ended:
        entry = broker.orders.pop(broker.leg(1, "entry").request.order_id)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(20)
        assert sells(desk) == [("LMT", 833), ("STP", 833)]
        assert not any("not ours" in text for _, text in desk.alerts.texts)
        assert [contract.con_id for contract in desk.execution.held] == [1]
        assert critical(desk)
        if ended:
            ask_exit(desk)
            await desk.settle()
            assert sells(desk) == [("MKT", 833), ("STP", 833)]
        else:
            broker.orders[entry.request.order_id] = entry
        broker.executions = executions
        await desk.beat(5)
        assert desk.ledger.position(1) == 833
        assert len(broker.orders) == 3


# -- other people ------------------------------------------------------------------------------------------------------


async def test_the_users_own_shares_are_never_adopted(tmp_path):
    """Ours is sold while we are away, the user's 1,000 shares stay: nothing is adopted, protected or sold."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.by_hand(1, 1000)
        desk.broker.by_hand(1, -1000)
        quantity = await desk.enter()
        broker = desk.broker
    broker.by_hand(1, 1000)
    broker.fill(broker.leg(1, "target"), int(quantity), 5.3)
    sent = len(broker.sent)
    async with trading_desk(tmp_path, broker, time_stop_s=60) as desk:
        await desk.beat(90)
        assert (desk.ledger.position(1), desk.position()) == (0, 1000)
        assert (len(broker.sent), sells(desk)) == (sent, [])
        assert "SYM1: 1000 shares are not ours; left alone" in [text for _, text in desk.alerts.texts]


async def test_a_sale_by_hand_is_noticed_at_once(tmp_path):
    """Sold in TWS: the row is asked about at once, and after two whole answers nothing is left that could sell."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        await desk.beat(8)
        desk.broker.by_hand(1, -int(quantity))
        await desk.settle()
        await desk.beat(0.5)
        assert critical(desk) == [
            "SYM1: 833 shares of ours are gone, a human must look: position 0, orders 833, executions 833"
        ]
        await desk.beat(1.5)
        assert sells(desk) == []
        assert desk.halts
        assert desk.positions.flat


async def test_a_part_sold_by_hand_shrinks_what_rests(tmp_path):
    """Less is held than we bought: stop and target come down to it, and are not taken away."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await desk.beat(8)
        desk.broker.by_hand(1, -500)
        await desk.settle()
        await desk.beat(2)
        assert sells(desk) == [("LMT", 333), ("STP", 333)]
        ask_exit(desk)
        await desk.settle()
        desk.broker.fill(desk.broker.leg(1, "target"), 333, 5.0)
        await desk.beat(15)
        assert (desk.position(), sells(desk), desk.positions.flat) == (0, [], True)


async def test_a_stop_that_outlived_its_position_goes_after_a_restart(tmp_path):
    """Closed by hand overnight: our standalone stop still rests, gets its owner back, and is cancelled."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        await desk.beat(5)
        broker = desk.broker
        assert sells(desk) == [("LMT", 833), ("STP", 833)]
    broker.by_hand(1, -833)
    broker.executions.clear()
    broker.clock.time += timedelta(hours=16)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(15)
        assert sells(desk) == []
        assert (
            "SYM1: 833 shares of ours are gone, a human must look: position 0, orders 833, executions 833"
            in critical(desk)
        )
        assert desk.intents.unresolved() == ()
        assert desk.positions.flat


async def test_an_order_whose_intent_is_closed_still_has_an_owner(tmp_path):
    """The entry's books are closed and its stop rests on: the order itself leads to its owner, and goes."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.3)
        await desk.beat(3)
        assert desk.intents.unresolved() == ()
    broker.leg(1, "stop").status = "PreSubmitted"  # the cancel of its group never took
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(15)
        assert sells(desk) == []
        assert critical(desk) == []  # its own intent has it, and none is written anew


async def test_a_broker_that_has_forgotten_a_fill_of_seconds_ago_is_not_sold_to(tmp_path):
    """Our book has a fill that its whole lists of the day lack: no stop is placed for shares that are not there."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
    broker.executions.clear()
    broker.orders.clear()
    broker.positions.clear()
    sent = len(broker.sent)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(3)
        assert len(broker.sent) == sent
        assert "SYM1: 833 shares of ours are gone, a human must look: position 0, orders 833, executions 833" in (
            critical(desk)
        )
        assert desk.positions.flat


async def test_adopted_shares_are_protected_and_sold_as_ours(tmp_path):
    """Nobody explains 400 shares until a human says that they are ours: a stop at their cost, an exit, a restart."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.by_hand(1, 400, 5.0)
        await desk.beat(5)
        assert sells(desk) == []
        with pytest.raises(GuardRefused, match="SYM2: nothing is held there that is not ours"):
            desk.execution.adopt("SYM2")
        desk.execution.adopt("SYM1")
        await desk.beat(2)
        assert sells(desk) == [("STP", 400)]
        assert desk.broker.leg(1, "stop").request.stop_price == 4.9
        assert [(h.quantity, h.average_price) for h in desk.ledger.holdings()] == [(400, 5.0)]
        broker = desk.broker
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(5)
        assert (desk.ledger.position(1), sells(desk)) == (400, [("STP", 400)])
        ask_exit(desk)
        await desk.settle()
        broker.fill(broker.leg(1, "exit"), 400, 5.2)
        await desk.beat(4)
        assert (desk.position(), sells(desk), desk.positions.flat) == (0, [], True)
        assert desk.intents.unresolved() == ()


async def test_ignored_shares_stay_and_our_orders_go(tmp_path):
    """A human takes a position over: our stop and target go, the shares stay, also for the next session."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        with pytest.raises(GuardRefused, match="SYM2: our book has no shares of it"):
            desk.execution.ignore("SYM2")
        desk.execution.ignore("SYM1")
        await desk.beat(5)
        assert (sells(desk), desk.position(), desk.positions.flat) == ([], 833, True)
        assert [row["reason"] for row in desk.journal["round_trips"]] == ["ignored by hand"]
        assert desk.journal["round_trips"][0]["gross_usd"] == 0
        await desk.beat(15)  # a row that repeats what was ours seconds ago might trail
        assert desk.intents.unresolved() == ()
        broker = desk.broker
    sent = len(broker.sent)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(20)
        assert (len(broker.sent), desk.position(), desk.ledger.position(1)) == (sent, 833, 0)


async def test_a_position_whose_intent_was_closed_too_early_has_an_owner(tmp_path):
    """Executions say that it is ours, and no order is left: a restart gives it a bracket, and that a stop."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
        (intent,) = desk.intents.unresolved()
        desk.intents.mark(intent.intent_id, IntentState.CLOSED).result()
    for kind in ("stop", "target"):
        broker.leg(1, kind).status = "Cancelled"
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(3)
        assert sells(desk) == [("STP", 833)]
        assert [contract.con_id for contract in desk.execution.held] == [1]


async def test_legs_that_a_death_left_staged_are_taken_back(tmp_path):
    """An intent of which no list has an order may have some at the gateway all the same: their ids are cancelled."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        (intent,) = desk.intents.unresolved()
        staged = replace(
            intent, intent_id="mk-staged", contract=contract_of(5), state=IntentState.PREPARED,
            entry_order_id=901, target_order_id=902, stop_order_id=903,
        )  # fmt: skip
        desk.intents.record(staged).result()
        broker = desk.broker
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(3)
        assert {row["order_id"] for row in desk.journal["notices"]} == {901, 902, 903}
        assert "mk-staged" not in {each.intent_id for each in desk.intents.unresolved()}


async def test_a_stop_whose_shrink_is_under_way_is_not_done_by_the_smaller_size(tmp_path):
    """It sold 433 of 833 while a change to 433 was on its way: 400 may still rest, and no second stop goes out."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        bracket = desk.execution._desk.brackets[1]
        stop = desk.broker.leg(1, "stop")
        await desk.execution._desk.modify(
            bracket, bracket.stop, replace(bracket.stop.request, quantity=Decimal(433)), "stop"
        )
        await desk.settle()
        stop.request = replace(stop.request, quantity=Decimal(833))  # the broker has not come to it yet
        bracket.stop.changing = True
        desk.broker.group = "dies at the end"
        desk.broker.fill(stop, 433, 4.9)
        await desk.settle()
        await desk.beat(1)
        assert bracket.stop.live
        assert [kind for kind, _ in sells(desk)].count("STP") == 1


# -- identity ----------------------------------------------------------------------------------------------------------


async def test_order_ids_that_begin_anew_are_other_orders(tmp_path):
    """A gateway that counts from the start again on the same day: the new entry is not the morning's filled one."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter(1)
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.3)
        await desk.beat(3)
        broker = desk.broker
    broker._ids, broker.orders = 100, {}
    async with trading_desk(tmp_path, broker) as desk:
        await desk.signal(2)
        entry = broker.leg(2, "entry")
        assert entry.request.order_id == 101
        assert desk.execution.working_entries == 1
        await desk.beat(5)
        assert sells(desk, 2) == [("LMT", 833), ("STP", 833)]
        assert await desk.execution.cancel_entries() == 1
        assert not entry.alive


# -- lists that hang, or lie -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["positions", "open orders", "completed orders", "executions"])
async def test_an_exit_waits_for_no_list(tmp_path, which):
    """One list hangs for ever, an order is uncertain: a kill is sent at once all the same."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.trouble[which] = asyncio.Event()
        await desk.beat(20)  # the audit has asked for it by now
        desk.broker.notice(desk.broker.leg(1, "entry").request.order_id, 999, "unknown")
        ask_exit(desk)
        await desk.settle()
        assert desk.broker.leg(1, "target").request.order_type == "MKT"
        assert sells(desk) == [("MKT", 833), ("STP", 833)]


@pytest.mark.parametrize("which", ["positions", "open orders", "executions"])
async def test_a_list_that_is_not_whole_changes_nothing(tmp_path, which):
    """A row that cannot be read makes the list unknown: no stop is doubled, none is taken away, at a start or later."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
        broker.trouble[which] = AnswerIncomplete(which, "row 1", "not a number")
        await desk.beat(40)
        assert len(broker.sent) == 3
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(20)
        assert len(broker.sent) == 3
        broker.trouble.clear()
        await desk.beat(10)
        assert len(broker.sent) == 3
        assert sells(desk) == [("LMT", 833), ("STP", 833)]


async def test_a_stop_that_no_list_has_is_not_doubled(tmp_path):
    """The broker's list lacks an order that it has accepted, and nobody says that it ended: a human is called."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        whole = desk.broker.fetch_open_orders

        async def without_stops():
            return tuple(order for order in await whole() if order.request.order_type != "STP")

        desk.broker.fetch_open_orders = without_stops
        await desk.beat(60)
        assert len(desk.broker.sent) == 3
        stop = desk.broker.leg(1, "stop").request.order_id
        assert critical(desk) == [f"SYM1: order {stop} is on no list of the broker"]


async def test_a_stop_that_late_lists_lack_shares_its_group_with_the_new_one(tmp_path):
    """At a start the lists are behind and show no order of ours: the new stop joins their group."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
    whole = broker.fetch_open_orders

    async def behind():
        return ()

    broker.fetch_open_orders = broker.fetch_completed_orders = behind
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(2)
        groups = {o.request.oca_group for o in broker.orders.values() if o.alive and o.kind != "entry"}
        assert sells(desk) == [("LMT", 833), ("STP", 833), ("STP", 833)]
        assert len(groups) == 1
        broker.fetch_open_orders = whole
        await desk.beat(20)
        assert sells(desk) == [("LMT", 833), ("STP", 833)]
        assert len([text for text in critical(desk) if "never sent" in text]) == 2


async def test_a_position_that_a_list_leaves_out_is_not_gone(tmp_path):
    """A list that omits a holding which no row has ended contradicts itself: nothing is cancelled for it."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()

        async def nothing():
            return ()

        desk.broker.fetch_positions = nothing
        await desk.beat(40)
        assert (len(desk.broker.sent), critical(desk)) == (3, [])


async def test_a_fill_between_two_lists_is_asked_about_again(tmp_path):
    """The list of positions is older than the list of executions: nothing is adopted, cancelled or written off."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        broker = desk.broker
    whole, asked = broker.fetch_positions, []

    async def then_it_fills():
        answer = await whole()
        if not asked:
            asked.append(1)
            broker.fill(broker.leg(1, "entry"), 833, 5.0)
        return answer

    broker.fetch_positions = then_it_fills
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(15)
        assert desk.ledger.position(1) == 833
        assert sells(desk) == [("LMT", 833), ("STP", 833)]
        assert (critical(desk), len(broker.sent)) == ([], 3)


# -- the disk ----------------------------------------------------------------------------------------------------------


async def test_a_stalled_disk_holds_no_exit_up(tmp_path):
    """An fsync hangs: the entry of another symbol waits for it, a kill and a missing stop do not."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(1)
        stalled = threading.Event()
        desk.intents._writer.submit(stalled.wait)
        try:
            desk.broker.kill(desk.broker.leg(1, "stop"))
            desk.broker.kill(desk.broker.leg(1, "target"))
            await desk.settle()
            assert sells(desk) == [("STP", 833)]
            await desk.rules.learn(contract_of(2))
            desk.quotes[2] = quote_of(2, 4.99, 5.0, at=desk.clock.now())
            desk.signals.put_nowait(signal_of(2, 5.0, 0.05, desk.clock))
            ask_exit(desk)
            await desk.exits.join()
            assert sells(desk) == [("STP", 833), ("MKT", 833)]
            assert not [o for o in desk.broker.orders.values() if o.contract.con_id == 2]
        finally:
            stalled.set()
        await desk.settle()
        assert desk.broker.leg(2, "entry").alive
        kinds = sorted(str(intent.kind) for intent in desk.intents.unresolved())
        assert kinds == ["entry", "entry", "exit", "protect"]


# -- clocks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_wall_clock_that_steps_freezes_nothing(tmp_path, minutes):
    """Ten minutes either way: a dead stop is replaced, and again, a silent order is asked about, an exit is sent."""
    async with trading_desk(tmp_path, time_stop_s=6000, flat_before_close_s=0) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        await desk.beat(4)
        desk.clock.stepped = timedelta(minutes=minutes)
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        await desk.beat(4)
        assert sells(desk) == [("LMT", 833), ("STP", 833)]
        desk.broker.notice(desk.broker.leg(1, "stop").request.order_id, 999, "unknown")
        ask_exit(desk)
        await desk.beat(4)
        assert sells(desk) == [("MKT", 833), ("STP", 833)]
        desk.broker.fill(desk.broker.leg(1, "target"), 833, 5.0)
        await desk.beat(4)
        assert desk.positions.flat


async def test_a_holding_gets_no_younger_by_a_clock_set_back(tmp_path):
    """The holding time is the greater of both clocks'."""
    async with trading_desk(tmp_path, time_stop_s=60) as desk:
        await desk.enter()
        await desk.beat(5)
        desk.clock.stepped = timedelta(minutes=-10)
        await desk.beat(54)
        assert not desk.journal["exits"]
        await desk.beat(3)
        assert [row["reason"] for row in desk.journal["exits"]] == ["time stop"]


# -- stops that do not protect -----------------------------------------------------------------------------------------


async def test_a_stop_limit_that_is_gapped_through_is_no_protection(tmp_path):
    """Before the open the bid falls below the limit of the stop: two seconds later the target steps down the bid."""
    clock = TestClock(OPEN - timedelta(minutes=12))
    async with trading_desk(tmp_path, MemoryBroker(clock)) as desk:
        quantity = await desk.enter()
        assert desk.broker.leg(1, "stop").request.order_type == "STP LMT"
        desk.quotes[1] = quote_of(1, 4.50, 4.52)
        await desk.beat(1.5)
        assert len(desk.broker.sent) == 3
        await desk.beat(2)
        target = desk.broker.leg(1, "target").request
        assert (target.order_type, target.limit_price, target.outside_rth) == ("LMT", 4.48, True)
        for _ in range(5):
            await desk.beat(6)
        assert desk.broker.leg(1, "target").request.limit_price == 4.32  # four per cent is the last step
        clock.time = OPEN + timedelta(seconds=1)
        await desk.beat(2)
        assert desk.broker.leg(1, "target").request.order_type == "MKT"
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 4.4)
        await desk.beat(4)
        assert (desk.position(), sells(desk)) == (0, [])
        assert [row["reason"] for row in desk.journal["round_trips"]] == ["stop gapped through"]


async def test_a_stop_that_would_sleep_through_the_evening_is_replaced(tmp_path):
    """Held over the close: a stop that works outside hours joins the group, is accepted, and then the old one goes."""
    clock = TestClock(OPEN + timedelta(hours=6.4))
    settings = {"flat_before_close_s": 0, "no_entry_before_close_s": 0, "time_stop_s": 80_000}
    async with trading_desk(tmp_path, MemoryBroker(clock), **settings) as desk:
        await desk.enter()
        await desk.beat(5)
        clock.time = OPEN + timedelta(hours=6.6)
        await desk.beat(3)
        assert sells(desk) == [("LMT", 833), ("STP LMT", 833)]
        new, target = desk.broker.leg(1, "stop"), desk.broker.leg(1, "target")
        assert (new.request.oca_group, new.request.outside_rth) == (target.request.oca_group, True)
        changes = [(change, order.order_type) for change, order in desk.broker.sent[3:]]
        assert changes == [("place", "STP LMT"), ("cancel", "STP")]
        await desk.beat(30)
        assert len(desk.broker.sent) == 5


async def test_a_second_order_of_one_intent_is_surplus(tmp_path):
    """The broker shows our stop, and our entry, twice, each with another permanent id: the second ones go, told."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(1)
        await desk.signal(2)
        for held in (desk.broker.leg(1, "stop"), desk.broker.leg(2, "entry")):
            twin = Held(held.contract, replace(held.request, order_id=held.request.order_id + 500), held.perm_id + 500)
            twin.status = held.status
            desk.broker.orders[twin.request.order_id] = twin
        await desk.beat(20)
        assert sells(desk, 1) == [("LMT", 833), ("STP", 833)]
        assert len([text for text in critical(desk) if "never sent" in text]) == 2
        assert not any(o.alive for o in desk.broker.orders.values() if o.request.order_id > 500)


async def test_a_kill_sells_where_no_stop_can_be_had(tmp_path):
    """The broker refuses every stop and the target is gone too: the kill still sends its sell, and one only."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.refuse = {"stop"}
        desk.broker.kill(desk.broker.leg(1, "target"))
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        ask_exit(desk)
        await desk.beat(30)
        assert sells(desk) == [("MKT", 833)]
        assert len([o for change, o in desk.broker.sent if change == "place" and o.order_type == "STP"]) <= 3
        desk.broker.fill(desk.broker.leg(1, "exit"), int(quantity), 4.9)
        await desk.beat(4)
        assert (desk.position(), sells(desk)) == (0, [])


async def test_a_stop_that_the_gateways_presets_refuse_is_refused(tmp_path):
    """451 on a new stop says that it "cannot" pass: nobody waits for a list, and the position is sold."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        accept = desk.broker._accept

        def preset(held):
            if held.kind != "stop":
                return accept(held)
            held.status = ""
            return desk.broker.notice(held.request.order_id, 451, "cancel verdict")

        desk.broker._accept = preset
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        await desk.beat(5)
        assert sells(desk) == [("MKT", 833)]
        assert len([order for change, order in desk.broker.sent[3:] if order.order_type == "STP"]) == 2


async def test_an_exit_after_a_partly_filled_stop_sells_the_rest(tmp_path):
    """The stop has sold 300 of 833 when a kill comes: 533 are sold, not fewer and not more."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.fill(desk.broker.leg(1, "stop"), 300, 4.9)
        await desk.settle()
        ask_exit(desk)
        await desk.beat(3)
        live = [kind for kind, _ in sells(desk)]
        assert "MKT" in live
        assert all(left == 533 for _, left in sells(desk))


async def test_an_exit_that_ends_inactive_is_sold_beside(tmp_path):
    """The turned target is neither dead nor of any use: a sell of its own goes out in the group, within seconds."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        ask_exit(desk)
        await desk.settle()
        target = desk.broker.leg(1, "target")
        desk.broker.update(target, "Inactive")
        await desk.beat(3)
        sell = desk.broker.leg(1, "exit")
        assert (sell.request.order_type, sell.remaining) == ("MKT", 833)
        assert sell.request.oca_group == desk.broker.leg(1, "stop").request.oca_group


async def test_orders_that_a_start_cannot_list_are_a_humans_business(tmp_path):
    """Nothing is doubled while the list of open orders is unknown, and a human knows that nobody knows of a stop."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
    broker.trouble["open orders"] = RequestTimeout("no answer")
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(15)
        assert len(broker.sent) == 3
        assert critical(desk) == ["SYM1: the broker does not tell its open orders; whether a stop rests is unknown"]


async def test_an_exit_of_unknown_outcome_is_not_sent_twice(tmp_path):
    """The send of a sell breaks off: nothing is sold beside it until the broker's list tells what became of it."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        desk.broker.trouble["open orders"] = asyncio.Event()
        desk.broker.fail_sends = [RequestTimeout("broken off")]
        ask_exit(desk)
        await desk.settle()
        await desk.beat(20)
        assert sells(desk) == [("STP", 833)]
        desk.broker.trouble.pop("open orders").set()
        await desk.beat(15)
        assert sells(desk) == [("STP", 833), ("MKT", 833)]
        assert len([o for o in desk.broker.orders.values() if o.kind == "exit"]) == 1


async def test_five_symbols_fill_at_once(tmp_path):
    """Each symbol is judged on its own: one whose executions are late bars and delays no other."""
    async with trading_desk(tmp_path, max_positions=6, max_per_catalyst=6) as desk:
        for con_id in range(1, 6):
            await desk.signal(con_id)
        for con_id in range(1, 6):
            desk.broker.fill(desk.broker.leg(con_id, "entry"), 833, 5.0, late=con_id == 3)
        await desk.settle()
        await desk.beat(1)
        for con_id in (1, 2, 4, 5):
            ask_exit(desk, con_id)
        await desk.settle()
        for con_id in range(1, 6):
            kinds = {kind for kind, _ in sells(desk, con_id)}
            assert kinds == ({"LMT", "STP"} if con_id == 3 else {"MKT", "STP"})
        desk.broker.release()
        await desk.beat(4)
        assert desk.ledger.position(3) == 833


async def test_an_end_of_a_day_old_bracket_counts_old_executions_once(tmp_path):
    """Bought yesterday, sold today: what was written down and what is listed today add up to nothing."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
    broker.executions.clear()
    broker.clock.time += timedelta(days=3)
    broker.fill(broker.leg(1, "stop"), int(quantity), 4.9)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(5)
        assert (desk.ledger.position(1), desk.ledger.traded(1)) == (0, 0)
        assert desk.intents.unresolved() == ()
        assert critical(desk) == []
        executed = replace(broker.executions[-1], from_request=True)
        broker.say(executed)
        await desk.settle()
        assert desk.ledger.traded(1) == Decimal(0)


async def test_a_late_answer_that_brings_back_what_was_sold_is_outlived(tmp_path):
    """A row of what was held comes after the one that ended it; the lists that leave it out are believed in the end."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        ask_exit(desk)
        await desk.settle()
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.0)
        await desk.settle()
        del desk.broker.positions[1]  # no list names it any more
        late = Position(account=ACCOUNT, contract=contract_of(1), quantity=quantity, average_cost=5.0)
        desk.broker.rows.put_nowait(late)
        await desk.beat(30)
        await desk.signal(1)
        await desk.beat(60)
        await desk.signal(1)
        assert [row["reason"] for row in desk.journal["risk"]] == ["", "evidence", ""]
