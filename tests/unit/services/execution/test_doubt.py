"""What is not done while the broker's word is late, partial or old: entries, stops, and the end of anything."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from momentum_kit.errors import NotConnected, RequestTimeout
from momentum_kit.models import OpenOrder, OrderAction, OrderRequest, Position
from tests.helpers.broker_in_memory import Held, MemoryBroker, TestClock, contract_of
from tests.helpers.trading_desk import trading_desk


def late(broker, name):
    """From now on a list says how things were when it was asked for, and only once the event is set."""
    answer, free = getattr(broker, f"fetch_{name}"), asyncio.Event()

    async def asked():
        rows = await answer()
        await free.wait()
        broker.trouble.pop(f"late {name}", None)
        return rows

    setattr(broker, f"fetch_{name}", asked)
    broker.trouble[f"late {name}"] = free
    return free


def sent_after(desk, number):
    """What went out after so many messages: what is done, and the kind of order."""
    return [(change, order.order_type) for change, order in desk.broker.sent[number:]]


# -- entries -----------------------------------------------------------------------------------------------------------


async def test_nothing_is_entered_while_the_brokers_words_differ(tmp_path):
    """A row that fits no fill of ours bars the symbol from its first moment, before anybody knows what it means."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.trouble["positions"] = RequestTimeout("positions")
        desk.broker.by_hand(1, 500)
        await desk.settle()
        await desk.signal(1)
        await desk.signal(2)
        assert [(row["con_id"], row["reason"]) for row in desk.journal["risk"]] == [(1, "evidence"), (2, "")]


async def test_nothing_is_entered_beside_somebody_elses_order(tmp_path):
    """An order of the user's own in a symbol bars it, though nothing is held."""
    broker = MemoryBroker(TestClock())
    limit = OrderRequest(action=OrderAction.BUY, quantity=Decimal(40), order_type="LMT", limit_price=4.0, order_id=3)
    await broker.place_order(contract_of(1), limit)
    broker.sent.clear()
    async with trading_desk(tmp_path, broker) as desk:
        await desk.signal(1)
        await desk.signal(2)
        assert [(row["con_id"], row["reason"]) for row in desk.journal["risk"]] == [(1, "evidence"), (2, "")]


@pytest.mark.parametrize("name", ["positions", "open orders", "executions"])
async def test_nothing_is_entered_before_a_list_is_known(tmp_path, name):
    """A list that timed out at a start with something held is unknown, not empty; once it is had, entries go on."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(2)
        broker = desk.broker
    broker.trouble[name] = RequestTimeout(name)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.signal(1)
        assert desk.journal["risk"][-1]["reason"] == "evidence"
        broker.trouble.clear()
        await desk.beat(5)
        await desk.signal(1, item="later")
        assert desk.journal["risk"][-1]["verdict"] == "accepted"


async def test_the_rows_of_another_account_say_nothing(tmp_path):
    """Somebody else's account is flat in the symbol, a row says: what is ours is sold all the same."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.trouble["positions"] = RequestTimeout("positions")
        desk.broker.rows.put_nowait(
            Position(account="DU2", contract=contract_of(1), quantity=Decimal(0), average_cost=0.0)
        )
        await desk.settle()
        desk.positions.request_flatten("flatten")
        await desk.settle()
        target = desk.broker.leg(1, "target").request
        assert (target.order_type, target.quantity) == ("MKT", quantity)


async def test_the_holdings_of_another_account_bar_nothing(tmp_path):
    """Every list of positions names them as well: in our account the symbol is free."""
    broker = MemoryBroker(TestClock())
    answer = broker.fetch_positions
    theirs = Position(account="DU2", contract=contract_of(1), quantity=Decimal(500), average_cost=5.0)

    async def both():
        return (*await answer(), theirs)

    broker.fetch_positions = both
    async with trading_desk(tmp_path, broker) as desk:
        await desk.signal(1)
        assert desk.journal["risk"][-1]["verdict"] == "accepted"


# -- what has ended, and what has not ----------------------------------------------------------------------------------


async def test_a_bracket_is_not_closed_while_the_brokers_row_still_has_its_shares(tmp_path):
    """Sold by our executions, held by the position: the intent stays open until the row has followed."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.trouble["positions"] = RequestTimeout("positions")
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.2, row=False)
        await desk.beat(3)
        assert desk.intents.unresolved()
        desk.broker.say_position(1)
        await desk.beat(2)
        assert desk.intents.unresolved() == ()


async def test_a_bracket_is_not_closed_while_an_order_of_it_may_fill(tmp_path):
    """Flat, and its stop still rests: the intent stays open until that is gone as well."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        target = desk.broker.leg(1, "target")
        target.request = replace(target.request, oca_group="")
        desk.broker.fill(target, int(quantity), 5.2)
        await desk.beat()
        assert (desk.positions.flat, desk.broker.leg(1, "stop").alive) == (True, True)
        assert desk.intents.unresolved()
        await desk.beat(2)
        assert desk.intents.unresolved() == ()


async def test_a_second_entry_of_one_intent_is_taken_back(tmp_path):
    """Two orders that buy under one reference, of which we sent one: the other goes, the one that we sent works on."""
    async with trading_desk(tmp_path, entry_timeout_s=60) as desk:
        await desk.signal()
        entry = desk.broker.leg(1, "entry")
        twin = Held(entry.contract, replace(entry.request, order_id=77, transmit=True), 777)
        twin.status = "Submitted"
        desk.broker.orders[77] = twin
        await desk.beat(20)
        assert (twin.status, entry.alive) == ("Cancelled", True)
        assert any("never sent" in text for level, text in desk.alerts.texts if level == "critical")


async def test_an_order_that_one_list_leaves_out_is_not_gone(tmp_path):
    """A list without our entry proves nothing by itself: it is asked again at once, and its children stay."""
    async with trading_desk(tmp_path, entry_timeout_s=120) as desk:
        await desk.signal()
        await desk.beat(10)
        answer, answers = desk.broker.fetch_open_orders, []

        async def once_without():
            answers.append(await answer())
            return () if len(answers) == 1 else answers[-1]

        desk.broker.fetch_open_orders = once_without
        await desk.beat(8)
        assert len(answers) == 2  # it was asked again at once
        assert not sent_after(desk, 3)
        assert desk.execution.working_entries == 1


async def test_a_young_entry_is_not_taken_for_dead(tmp_path):
    """Lists that do not have an order of this second yet, two in a row: it is neither closed nor sent again."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.silent = True
        answer, answers = desk.broker.fetch_open_orders, []

        async def slow_to_list():
            answers.append(await answer())
            return ()

        desk.broker.fetch_open_orders = slow_to_list
        await desk.signal()
        desk.execution._questions._asked_at.clear()  # the audit falls right behind the order
        await desk.beat(3)
        assert answers
        assert desk.execution.working_entries == 1
        assert desk.intents.unresolved()
        desk.broker.fetch_open_orders, desk.broker.silent = answer, False
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, int(entry.request.quantity), 5.0)
        await desk.beat(3)
        assert not sent_after(desk, 3)
        assert desk.broker.leg(1, "stop").request.quantity == desk.position()


async def test_a_vanished_entry_is_not_ended_while_ended_orders_are_unknown(tmp_path):
    """On no list of open orders, and no other list is to be had: it may have bought, so its children stay."""
    async with trading_desk(tmp_path, entry_timeout_s=120) as desk:
        await desk.signal()
        await desk.beat(10)
        desk.broker.trouble = {name: RequestTimeout(name) for name in ("completed orders", "executions")}
        answer = desk.broker.fetch_open_orders

        async def without_the_entry():
            return tuple(order for order in await answer() if order.request.action is OrderAction.SELL)

        desk.broker.fetch_open_orders = without_the_entry
        await desk.beat(20)
        assert not sent_after(desk, 3)
        assert desk.execution.working_entries == 1


async def test_a_cancel_that_nobody_answers_is_sent_once(tmp_path):
    """An entry that is out of time is cancelled, and then its verdict is awaited, not asked for at every beat."""
    async with trading_desk(tmp_path, entry_timeout_s=10) as desk:
        await desk.signal()
        await desk.beat(9)
        desk.broker.silent = True
        desk.broker.trouble["open orders"] = RequestTimeout("open orders")
        await desk.beat(5)
        assert [change for change, _ in sent_after(desk, 3)] == ["cancel"]


async def test_an_answer_does_not_undo_what_was_heard_after_its_question(tmp_path):
    """The list had our entry working, the cancel was told since: the late answer does not bring it back to life."""
    async with trading_desk(tmp_path, entry_timeout_s=60) as desk:
        await desk.signal()
        await desk.beat(10)
        free = late(desk.broker, "open_orders")
        await desk.beat(8)  # asked, and answered with what stands now
        desk.broker.kill(desk.broker.leg(1, "entry"), "Cancelled")
        await desk.settle()
        assert desk.execution.working_entries == 0
        free.set()
        await desk.beat(1)
        assert desk.execution.working_entries == 0
        assert desk.intents.unresolved() == ()
        assert not sent_after(desk, 3)


async def test_a_list_from_before_a_row_does_not_undo_it(tmp_path):
    """Asked before the user sold, answered after the row that says so: nothing of it is for sale again."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        await desk.beat(10)
        free = late(desk.broker, "positions")
        await desk.beat(8)
        desk.broker.by_hand(1, -int(quantity))
        await desk.settle()
        free.set()
        desk.broker.trouble["positions"] = RequestTimeout("positions")
        await desk.settle()
        desk.positions.request_flatten("flatten")
        await desk.beat(1)
        assert not sent_after(desk, 3)


async def test_an_order_of_somebody_else_under_our_id_is_not_ours(tmp_path):
    """Before we are told a permanent id, an id alone proves nothing: other clients count from one as well."""
    async with trading_desk(tmp_path, entry_timeout_s=60) as desk:
        desk.broker.silent = True
        await desk.signal()
        entry, answer = desk.broker.leg(1, "entry"), desk.broker.fetch_open_orders
        theirs = OpenOrder(
            contract=contract_of(1), request=replace(entry.request, order_ref="by hand", quantity=Decimal(10)),
            perm_id=4242, client_id=3, status="Submitted", received_at=desk.clock.now(),
        )  # fmt: skip

        async def with_theirs():
            return (theirs, *await answer())

        desk.broker.fetch_open_orders = with_theirs
        await desk.beat(7)
        desk.broker.silent = False
        desk.broker.fetch_open_orders = answer
        desk.broker.kill(entry)
        await desk.beat(2)
        assert desk.execution.working_entries == 0
        assert desk.intents.unresolved() == ()


# -- protection --------------------------------------------------------------------------------------------------------


async def test_nothing_is_cancelled_while_in_doubt(tmp_path):
    """While only the lists can tell how an order stands it is left alone; once they have told, the orphan goes."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        free = late(desk.broker, "open_orders")
        target, stop = desk.broker.leg(1, "target"), desk.broker.leg(1, "stop")
        target.request = replace(target.request, oca_group="")
        desk.broker.notice(stop.request.order_id, 999, "unknown")
        await desk.settle()
        desk.broker.fill(target, int(quantity), 5.2)
        await desk.beat(4)
        assert not sent_after(desk, 3)
        free.set()
        await desk.beat(4)
        assert not stop.alive


async def test_no_stop_shrinks_while_in_doubt(tmp_path):
    """Nobody knows how the target stands: the stop keeps its size until the lists have told, and shrinks then."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.group = "dies at the end"
        quantity = await desk.enter()
        free = late(desk.broker, "open_orders")
        target = desk.broker.leg(1, "target")
        desk.broker.notice(target.request.order_id, 999, "unknown")
        await desk.settle()
        desk.broker.fill(target, 300, 5.2)
        await desk.beat(4)
        assert not sent_after(desk, 3)
        free.set()
        await desk.beat(4)
        assert desk.broker.leg(1, "stop").request.quantity == quantity - 300


async def test_no_stop_is_placed_before_the_orders_are_listed(tmp_path):
    """A start whose list of orders is unknown knows of no stop, which is no reason for a second one."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
    broker.trouble["open orders"] = RequestTimeout("open orders")
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(4)
        assert not sent_after(desk, 3)
        broker.trouble.clear()
        await desk.beat(4)
        assert not sent_after(desk, 3)
        assert desk.execution.protected == {1}


async def test_a_stop_that_cannot_be_sent_is_not_tried_at_every_beat(tmp_path):
    """It is tried every other second, for as long as it takes."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.fail_sends = [NotConnected("socket is down")] * 50
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.beat(9)
        tries = 50 - len(desk.broker.fail_sends)
        assert 3 <= tries <= 6
        desk.broker.fail_sends = []
        await desk.beat(3)
        assert desk.broker.leg(1, "stop").alive


async def test_the_corrected_stop_stands_in_a_group_of_its_own(tmp_path):
    """The group may be why the first one was refused (10326): the second one does not join it."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.refuse = {"stop"}
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.beat(3)
        target = desk.broker.leg(1, "target").request.oca_group
        stops = [held.request.oca_group for held in desk.broker.orders.values() if held.kind == "stop"]
        assert [group == target for group in stops] == [True, True, False]


# -- time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [timedelta(minutes=-10), timedelta(minutes=10)])
async def test_a_wall_clock_that_steps_moves_no_time_limit(tmp_path, step):
    """Ten minutes back or ahead: an entry is taken back after its own 10 s."""
    async with trading_desk(tmp_path, entry_timeout_s=10) as desk:
        await desk.signal()
        await desk.beat(2)
        desk.clock.stepped = step
        await desk.beat(6)
        assert not sent_after(desk, 3)
        await desk.beat(4)
        assert [change for change, _ in sent_after(desk, 3)] == ["cancel"]


async def test_a_list_that_is_older_than_a_row_undoes_nothing(tmp_path):
    """Positions are asked for, the stop sells, the row says 0, and only then the answer comes: with the old number."""
    async with trading_desk(tmp_path) as desk:
        broker, asked = desk.broker, []
        quantity = await desk.enter()
        free, answer = late(broker, "positions"), broker.fetch_positions

        async def counted():
            asked.append(desk.clock.elapsed())
            assert len(asked) < 20, "asked without a pause"
            return tuple(row for row in await answer() if row.quantity)  # IB's list leaves out what has ended

        broker.fetch_positions = counted
        await desk.beat(16)
        assert len(asked) == 1
        broker.fill(broker.leg(1, "stop"), int(quantity), 4.9)
        await desk.settle()
        free.set()
        await desk.beat(20)
        await desk.signal(1)
        assert desk.journal["risk"][-1]["verdict"] == "accepted"


async def test_a_new_stop_joins_no_group_that_has_filled(tmp_path):
    """The stop sold what it was sized for, the entry bought more meanwhile: IB would refuse who joins that group."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        broker = desk.broker
        broker.fill(broker.leg(1, "entry"), 100, 5.0)
        await desk.beat(1)
        stop = broker.leg(1, "stop")
        assert stop.request.quantity == 100
        broker.fill(broker.leg(1, "entry"), 50, 5.0)
        broker.fill(stop, 100, 4.9)
        await desk.settle()
        assert broker.leg(1, "stop") is not stop
        assert broker.leg(1, "stop").request.oca_group != stop.request.oca_group


async def test_an_order_that_has_shares_left_is_not_done(tmp_path):
    """An echo of the stop's earlier size comes late; when so many have sold, the status says that more are left."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
        stop = broker.leg(1, "stop")
        sent, stop.request = stop.request, replace(stop.request, quantity=Decimal(400))
        broker.echo(stop)
        stop.request = sent
        broker.update(stop)
        broker.fill(stop, 400, 4.9)
        await desk.beat(4)
        assert broker.leg(1, "stop") is stop
        broker.fill(stop, int(quantity) - 400, 4.9)
        await desk.beat(4)
        assert desk.position() == 0
        assert desk.alerts.texts == []


async def test_a_stop_that_may_be_smaller_than_believed_is_asked_about_at_once(tmp_path):
    """A status from before our change comes after its echo and counts more; the true one, smaller, is not overheard."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        await desk.beat(1)
        broker, bracket = desk.broker, desk.execution._desk.brackets[1]
        stop = broker.leg(1, "stop")
        now = replace(stop.request, quantity=quantity - 22)
        bracket.stop.request = stop.request = now  # the size that was agreed on last
        stop.request = replace(now, quantity=quantity)
        broker.update(stop)
        stop.request = now
        broker.update(stop)
        await desk.beat(1)
        assert broker.leg(1, "stop") is stop
        assert (stop.request.quantity, desk.alerts.texts) == (quantity, [])


@pytest.mark.parametrize("sold", [400, 450])
async def test_a_stop_that_sells_beyond_an_old_size_is_not_doubled(tmp_path, sold):
    """An echo from before our change comes late, and no status: what was asked for last may be at work still."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
        stop = broker.leg(1, "stop")
        sent, stop.request = stop.request, replace(stop.request, quantity=Decimal(400))
        broker.say(broker._open(stop))
        stop.request = sent
        broker.fill(stop, sold, 4.9, status=False)
        await desk.beat(2)
        assert broker.leg(1, "stop") is stop
        assert stop.remaining == quantity - sold
        broker.fill(stop, int(quantity) - sold, 4.9)
        await desk.beat(4)
        assert (desk.position(), desk.alerts.texts) == (0, [])


async def test_a_stop_beside_a_refused_one_is_not_surplus_after_a_restart(tmp_path):
    """The refused one is among the ended orders, as Inactive: what rests is the stop, and no other is placed."""
    broker = MemoryBroker(TestClock())
    async with trading_desk(tmp_path, broker) as desk:
        broker.refuse = {"stop", "inactive"}
        await desk.signal()
        broker.refuse = set()
        entry = broker.leg(1, "entry")
        broker.fill(entry, int(entry.request.quantity), 5.0)
        await desk.beat(8)
        stops = [o for o in broker.orders.values() if o.kind == "stop"]
        assert [o.status for o in stops] == ["Inactive", "PreSubmitted"]
    sent = len(broker.sent)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(8)
        assert broker.sent[sent:] == []
        assert stops[1].remaining == desk.position()


@pytest.mark.parametrize("sold", [False, True])
async def test_a_stop_whose_intent_a_death_kept_from_the_disk_is_ours(tmp_path, sold):
    """It goes out before its intent is on disk: after a restart it is the stop, and goes with what it stood for."""
    broker = MemoryBroker(TestClock())
    async with trading_desk(tmp_path, broker) as desk:
        await desk.enter()
        broker.kill(broker.leg(1, "stop"))
        await desk.beat(2)
        stop = broker.leg(1, "stop")
        assert stop.request.order_ref != broker.leg(1, "entry").request.order_ref
    with closing(sqlite3.connect(tmp_path / "intents.db")) as intents, intents:
        intents.execute("DELETE FROM intents WHERE kind = 'protect'")
    sent = len(broker.sent)
    if sold:
        broker.group = "dies at the end"
        broker.fill(broker.leg(1, "target"), int(stop.remaining), 5.3)
        stop.status = "PreSubmitted"  # it outlived what it stood for
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(12)
        assert [(change, order.order_id) for change, order in broker.sent[sent:]] == (
            [("cancel", stop.request.order_id)] if sold else []
        )
        desk.positions.request_flatten("close", desk.execution.held)
        await desk.beat(1)
        if not sold:
            broker.fill(broker.leg(1, "target"), int(broker.leg(1, "target").remaining), 5.0)
        await desk.beat(4)
        assert desk.position() == 0
        assert [order.request.order_type for order in broker.orders.values() if order.alive] == []
        assert desk.intents.unresolved() == ()


@pytest.mark.parametrize("heard", [True, False])
async def test_an_entry_that_lists_lacked_and_that_works_on_is_cancelled(tmp_path, heard):
    """Partly filled, it keeps its children waiting: it is cancelled when it is taken for gone, and when it is back."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        broker = desk.broker
        entry, listed, cancel = broker.leg(1, "entry"), broker.fetch_open_orders, broker.cancel_order
        cancels = []

        async def none():
            return ()

        async def asked(order_id):
            cancels.append(order_id)
            if heard:
                await cancel(order_id)

        async def told():
            rows = await listed()
            for row in rows:
                broker.say(row)  # as a gateway does that answers without statuses
            await broker.events.join()
            return rows

        broker.fetch_open_orders = broker.fetch_completed_orders = none
        broker.cancel_order = asked
        broker.fill(entry, 300, 5.0)
        desk.execution._desk.mark_uncertain(desk.execution._desk.brackets[1], "a test")
        desk.execution.ask_anew()
        await desk.beat(1)
        assert entry.request.order_id in cancels
        assert entry.alive is not heard
        cancels.clear()
        broker.fetch_open_orders, broker.cancel_order = told, cancel
        await desk.beat(16)
        assert not entry.alive


async def test_an_order_that_ended_by_its_own_word_is_not_back_by_an_old_list(tmp_path):
    """Lists had lacked it, then its status said Cancelled: a list from before that, told as events, changes nothing."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        broker, bracket = desk.broker, desk.execution._desk.brackets[1]
        old = broker._open(broker.leg(1, "entry"))
        bracket.entry.absent = 2  # as two lists leave it
        broker.kill(broker.leg(1, "entry"))
        await desk.settle()

        async def told():
            broker.say(old)
            await broker.events.join()
            return (old,)

        broker.fetch_open_orders = told
        desk.execution.ask_anew()
        await desk.settle()
        assert not bracket.entry.live


# -- what lists and late words leave behind ----------------------------------------------------------------------------


async def test_a_late_word_on_an_earlier_brackets_stop_blocks_no_exit(tmp_path):
    """An old status of a stop that ended with its bracket: the lists settle it, and the next position can be left."""
    async with trading_desk(tmp_path, cool_down_s=0) as desk:
        quantity = await desk.enter()
        old = desk.broker.leg(1, "stop")
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.3)
        await desk.beat(2)
        assert (desk.position(), old.alive) == (0, False)
        await desk.signal(1, item="second")
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, int(entry.remaining), 5.0)
        await desk.beat(1)
        status, old.status = old.status, "PreSubmitted"
        desk.broker.update(old)
        old.status = status
        await desk.beat(12)
        desk.positions.request_flatten("close", desk.execution.held)
        await desk.beat(1)
        assert desk.broker.leg(1, "target").request.order_type == "MKT"


async def test_a_late_word_on_a_stop_that_was_replaced_blocks_no_protection(tmp_path):
    """Cancelled, replaced, and then an old status of it: the lists settle it, and the next stop still goes out."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        old = desk.broker.leg(1, "stop")
        desk.broker.kill(old)
        await desk.beat(1)
        status, old.status = old.status, "PreSubmitted"
        desk.broker.update(old)
        old.status = status
        await desk.beat(12)
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.beat(3)
        stops = [o for o in desk.broker.orders.values() if o.alive and o.request.order_type == "STP"]
        assert [stop.remaining for stop in stops] == [quantity]


async def test_a_change_that_the_gateway_echoed_may_still_be_refused(tmp_path):
    """A stop that was to shrink fills beyond its new size: the exchange works the old one, no second stop goes out."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        bracket, stop = desk.execution._desk.brackets[1], desk.broker.leg(1, "stop")
        await desk.execution._desk.modify(
            bracket, bracket.stop, replace(bracket.stop.request, quantity=Decimal(300)), "stop"
        )
        await desk.settle()
        assert not bracket.stop.changing
        stop.request = replace(stop.request, quantity=Decimal(833))
        desk.broker.silent = True  # the execution comes, no status does
        desk.broker.fill(stop, 500, 4.9, row=False)
        desk.broker.silent = False
        for execution in desk.broker.executions[-1:]:
            desk.broker.say(execution)
        await desk.settle()
        await desk.beat(1)
        assert bracket.stop.live
        assert len([o for o in desk.broker.orders.values() if o.request.order_type == "STP"]) == 1


async def test_an_exit_that_is_done_by_our_count_and_not_by_its_own_goes_on(tmp_path):
    """The group had reduced it, a change of ours raised it again: what its status says is left is not forgotten."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        bracket, target = desk.execution._desk.brackets[1], desk.broker.leg(1, "target")
        bracket.target.request = replace(bracket.target.request, quantity=Decimal(400))  # the group's echo
        desk.broker.fill(target, 400, 5.3)
        await desk.settle()
        assert int(target.remaining) == quantity - 400 > 0
        assert bracket.target.live
        await desk.beat(3)
        assert (bracket.target.live, bracket.uncertain) == (True, "")


async def test_orders_that_late_lists_lack_do_not_outlive_what_they_sold(tmp_path):
    """Our shares are sold by hand while the lists leave the acknowledged stop and target out: both are cancelled."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        listed = desk.broker.fetch_open_orders, desk.broker.fetch_completed_orders

        async def none():
            return ()

        desk.broker.fetch_open_orders = desk.broker.fetch_completed_orders = none
        while not desk.execution._desk.brackets[1].uncertain:
            await desk.beat()
        desk.broker.positions[1] = (Decimal(0), 0.0)
        desk.broker.say_position(1)
        await desk.beat(20)
        desk.broker.fetch_open_orders, desk.broker.fetch_completed_orders = listed
        await desk.beat(5)
        assert [order.request.order_type for order in desk.broker.orders.values() if order.alive] == []


async def test_a_target_apart_from_the_stop_goes_whatever_is_in_doubt(tmp_path):
    """The stop was refused and placed anew in a group of its own: the old target would sell the same shares twice."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        bracket = desk.execution._desk.brackets[1]
        stop = desk.broker.leg(1, "stop")
        stop.request = replace(stop.request, oca_group="another")
        bracket.stop.request = stop.request
        bracket.uncertain = "order 7 is not on the broker's list of open orders"
        desk.broker.trouble["open orders"] = RequestTimeout("no answer")
        await desk.beat(2)
        target = desk.broker.leg(1, "target")
        assert (target.alive, stop.alive) == (False, True)


async def test_a_late_buy_of_a_trip_that_is_over_is_no_position(tmp_path):
    """After a restart executions come late and in parts: what was written down of the trip belongs to it."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.3)
        await desk.beat(3)
        assert (desk.position(), desk.intents.unresolved()) == (0, ())
        broker = desk.broker
    told, broker.executions = broker.executions, []
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(1)
        broker.say(told[0])
        await desk.settle()
        assert desk.ledger.position(1) == 0


async def test_an_entry_that_never_came_takes_its_staged_children_along(tmp_path, monkeypatch):
    """The message that sends all three is lost: no list shows the two that wait for it, and none is left waiting."""
    async with trading_desk(tmp_path) as desk:
        broker, place, lost = desk.broker, desk.broker.place_order, []

        async def lose_the_last(contract, order):
            if not order.transmit:
                return await place(contract, order)
            lost.append(order)
            return order

        monkeypatch.setattr(broker, "place_order", lose_the_last)
        await desk.signal()
        assert (len(lost), len(broker.staged)) == (1, 2)
        target = broker.orders[broker.staged[1]]
        target.perm_id = 0  # IB has not seen it
        broker.update(target, "Cancelled")  # called dead, and waits on
        await desk.beat(20)
        cancelled = {order.order_id for what, order in broker.sent if what == "cancel"}
        assert cancelled >= set(broker.staged)


async def test_an_entry_that_was_taken_for_gone_and_has_filled_has_a_stop(tmp_path, monkeypatch):
    """Lists that lacked the entry were late, and so for its stop: it is looked for, no second one goes out."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.silent = True
        await desk.signal()
        entry, stop = desk.broker.leg(1, "entry"), desk.broker.leg(1, "stop")
        with monkeypatch.context() as late_lists:
            late_lists.setattr(desk.broker, "fetch_open_orders", nothing)
            late_lists.setattr(desk.broker, "cancel_order", nothing)  # nor does a cancel find any of them
            await desk.beat(12)
        desk.broker.silent = False
        desk.broker.fill(entry, int(entry.request.quantity), 5.0)
        await desk.beat(60)
        assert [each for each in desk.broker.orders.values() if each.kind == "stop"] == [stop]
        assert (stop.alive, stop.remaining) == (True, entry.request.quantity)


async def nothing(*_):
    """An empty answer."""
    return ()
