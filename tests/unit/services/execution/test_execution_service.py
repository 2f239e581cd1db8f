import asyncio
from concurrent.futures import Future
from datetime import timedelta
from decimal import Decimal

import pytest

from momentum_kit.errors import NotConnected, RequestTimeout, StorageError
from momentum_kit.models.intents import ExitRequest, IntentKind, IntentState
from momentum_kit.models.session import TradingState
from momentum_kit.trading.risk import CHECKS
from tests.helpers.broker_in_memory import OPEN, MemoryBroker, TestClock, quote_of
from tests.helpers.trading_desk import trading_desk


def order_rows(desk, **wanted):
    """Rows of the orders table with these columns."""
    return [row for row in desk.journal["orders"] if all(row[key] == value for key, value in wanted.items())]


def full(*_args, **_kwargs) -> "Future[None]":
    """A write that the disk refuses."""
    refused: Future[None] = Future()
    refused.set_exception(StorageError("disk is full"))
    return refused


async def ask_exit(desk, con_id=1, reason="test"):
    """An exit request, handled."""
    desk.exits.put_nowait(ExitRequest(desk.broker.leg(con_id, "entry").contract, reason, desk.clock.now()))
    await desk.settle()


# -- entries -----------------------------------------------------------------------------------------------------------


async def test_signal_becomes_bracket(tmp_path):
    """An accepted signal is one durable intent and three legs; the last leg's row carries the time it took."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        assert [order.transmit for _, order in desk.broker.sent] == [False, False, True]
        (intent,) = desk.intents.unresolved()
        assert {order.order_ref for _, order in desk.broker.sent} == {intent.intent_id}
        assert intent.state is IntentState.WORKING
        assert [row["leg"] for row in desk.journal["orders"]] == ["entry", "target", "stop"]
        assert [row["decide_to_sent_ms"] is None for row in desk.journal["orders"]] == [True, True, False]
        (risk,) = desk.journal["risk"]
        assert (risk["verdict"], risk["reason"], len(risk["limits"])) == ("accepted", "", len(CHECKS))
        assert desk.execution.working_entries == 1
        assert desk.counts["entries"] == 1


async def test_refusal_is_a_row_and_nothing_else(tmp_path):
    """A refused signal leaves its reason in the journal, no intent and no order."""
    async with trading_desk(tmp_path) as desk:
        desk.state = TradingState.PAUSED
        await desk.signal()
        assert [(row["verdict"], row["reason"]) for row in desk.journal["risk"]] == [("refused", "not running")]
        assert not desk.broker.sent
        assert not desk.intents.unresolved()
        assert desk.counts["refused"] == 1


async def test_no_second_entry_while_one_works(tmp_path):
    """The same symbol is refused from the moment its bracket is out, before any fill."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        await desk.signal(item="another")
        assert [row["reason"] for row in desk.journal["risk"]] == ["", "already held"]
        assert len(desk.broker.sent) == 3


async def test_one_signal_is_sent_once_ever(tmp_path):
    """The same news item never enters twice, even when all is over and no cool-down holds."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal(item="story:1")
        desk.broker.kill(desk.broker.leg(1, "entry"))
        await desk.beat(2)
        await desk.signal(item="story:1")
        assert [row["reason"] for row in desk.journal["risk"]] == ["", "already held"]


async def test_limits_see_working_entries(tmp_path):
    """Entries that have not filled take a position slot and notional."""
    async with trading_desk(tmp_path, max_positions=2) as desk:
        for con_id in (1, 2, 3):
            await desk.signal(con_id)
        assert [row["reason"] for row in desk.journal["risk"]] == ["", "", "max positions"]


async def test_cool_down_and_rate(tmp_path):
    """A symbol rests after an entry, and entries a minute are bounded."""
    async with trading_desk(tmp_path, cool_down_s=60, max_orders_per_minute=2) as desk:
        await desk.signal(1)
        desk.broker.kill(desk.broker.leg(1, "entry"))
        await desk.beat(1.5)
        await desk.signal(1)
        await desk.signal(2)
        await desk.signal(3)
        assert [row["reason"] for row in desk.journal["risk"]] == ["", "cool-down", "", "order rate"]


async def test_open_loss_counts_towards_the_day(tmp_path):
    """The daily limit looks at what a holding would fetch now, costs included."""
    async with trading_desk(tmp_path, max_daily_loss_usd=50) as desk:
        await desk.enter(1)
        desk.quotes[1] = quote_of(1, 4.94, 4.95)
        await desk.signal(2)
        assert desk.journal["risk"][-1]["reason"] == "daily loss"


async def test_a_day_s_limit_begins_anew_with_the_day(tmp_path):
    """Friday's profit buys no loss on Monday, and Friday's loss bars nothing there."""
    for friday, monday, refused in ((5.60, 4.90, True), (4.90, 5.10, False)):
        async with trading_desk(tmp_path / f"{friday:g}", max_daily_loss_usd=50) as desk:
            for con_id, price in ((1, friday), (2, monday)):
                quantity = await desk.enter(con_id)
                desk.broker.fill(desk.broker.leg(con_id, "stop"), int(quantity), price)
                await desk.beat(1)
                if con_id == 1:
                    desk.clock.time += timedelta(days=3)
                    await desk.beat(1)
            await desk.signal(3)
            assert (desk.journal["risk"][-1]["reason"] == "daily loss") is refused, friday


async def test_halted_symbol_is_not_entered(tmp_path):
    """A halt between decision and order refuses."""
    async with trading_desk(tmp_path) as desk:
        desk.quotes[1] = quote_of(1, 4.9, 5.0, halted=True, at=desk.clock.now())
        await desk.signal()
        assert desk.journal["risk"][-1]["reason"] == "halt"


async def test_no_intent_no_order(tmp_path):
    """An intent that cannot be written stops the entry and all that would follow: entries fail closed."""
    async with trading_desk(tmp_path) as desk:
        desk.intents.record = full
        await desk.signal()
        assert not desk.broker.sent
        assert "disk is full" in desk.halts[0]


async def test_unknown_send_is_never_repeated(tmp_path):
    """A send without an outcome stops entries, and the broker's lists then decide."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.fail_sends = [None, None, RequestTimeout("no bytes went, or all of them")]
        await desk.signal()
        assert len(desk.halts) == 1
        assert desk.intents.unresolved()[0].state is IntentState.UNKNOWN
        sent = [change for change, _ in desk.broker.sent]
        await desk.beat(10)
        assert [change for change, _ in desk.broker.sent if change == "place"] == ["place", "place"]
        assert sent == ["place", "place", "cancel"]
        assert desk.intents.unresolved() == ()
        assert desk.execution.working_entries == 0


async def test_nothing_sent_is_refused(tmp_path):
    """When the very first leg finds no connection, nothing is out and nothing is unknown."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.fail_sends = [NotConnected("socket is down")]
        await desk.signal()
        assert desk.intents.unresolved() == ()
        assert desk.halts
        assert not desk.broker.sent


async def test_rejected_entry_ends_quietly(tmp_path):
    """The broker's refusal of the entry ends the bracket, its children too, and frees the symbol."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.refuse = {"entry"}
        await desk.signal()
        desk.broker.refuse = set()
        await desk.beat(8)
        assert desk.intents.unresolved() == ()
        assert not any(held.alive for held in desk.broker.orders.values())
        await desk.signal(item="next")
        assert desk.journal["risk"][-1]["verdict"] == "accepted"


async def test_unfilled_entry_times_out(tmp_path):
    """After entry_timeout_s of market time the entry is cancelled, once, and the intent closed."""
    async with trading_desk(tmp_path, entry_timeout_s=10) as desk:
        await desk.signal()
        await desk.beat(9.5)
        assert not order_rows(desk, change="cancel")
        await desk.beat(4)
        assert [row["leg"] for row in order_rows(desk, change="cancel")] == ["entry"]
        assert desk.intents.unresolved() == ()
        assert desk.execution.working_entries == 0


async def test_cancel_entries_takes_back_what_has_not_filled(tmp_path):
    """A command cancels entries and leaves the protection of filled ones alone."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter(1)
        await desk.signal(2)
        assert await desk.execution.cancel_entries() == 1
        await desk.beat(3)
        assert [row["con_id"] for row in order_rows(desk, change="cancel")] == [2]
        assert desk.broker.leg(1, "stop").alive


# -- protection --------------------------------------------------------------------------------------------------------


async def test_full_fill_needs_no_message(tmp_path):
    """After a whole fill the bracket stands as sent: no modify, no cancel."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await desk.beat(20)
        assert len(desk.broker.sent) == 3
        assert not desk.alerts.texts


async def test_partial_fill_is_cut_and_protected(tmp_path):
    """An entry that stays partly filled loses its rest, and stop and target shrink to the position."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        desk.broker.fill(desk.broker.leg(1, "entry"), 300, 5.0)
        await desk.settle()
        await desk.beat(4)
        assert desk.broker.leg(1, "entry").status == "Cancelled"
        assert desk.broker.leg(1, "stop").request.quantity == 300
        assert desk.broker.leg(1, "target").request.quantity == 300
        assert [row["leg"] for row in order_rows(desk, change="cancel")] == ["entry"]


async def test_fills_in_parts_grow_the_protection(tmp_path):
    """When the rest fills in time, stop and target end at the whole size and nothing is cancelled."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, 300, 5.0)
        await desk.beat()
        assert desk.broker.leg(1, "stop").request.quantity == 300
        desk.broker.fill(entry, 533, 5.0)
        await desk.beat(4)
        assert desk.broker.leg(1, "stop").request.quantity == desk.position() == 833
        assert not order_rows(desk, change="cancel")


async def test_children_that_died_with_the_entry(tmp_path):
    """A partly filled entry whose children died is bare: a standalone stop goes out and a human hears of it."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, 300, 5.0)
        desk.broker.kill(entry)
        for kind in ("target", "stop"):
            desk.broker.kill(desk.broker.leg(1, kind))
        await desk.settle()
        stop = desk.broker.leg(1, "stop")
        assert (stop.alive, stop.request.quantity, stop.request.parent_id) == (True, 300, 0)
        assert stop.request.stop_price == 4.9
        assert desk.alerts.levels() == ["critical"]
        assert {intent.kind for intent in desk.intents.unresolved()} == {IntentKind.ENTRY, IntentKind.PROTECT}


async def test_a_dead_stop_is_replaced_in_the_group_of_the_target(tmp_path):
    """When only the stop dies, its replacement joins the target's group: a fill of one still takes the other along."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        await desk.beat(1)
        assert [change for change, _ in desk.broker.sent[3:]] == ["place"]
        stop, target = desk.broker.leg(1, "stop"), desk.broker.leg(1, "target")
        assert stop.alive
        assert target.alive
        assert stop.request.oca_group == target.request.oca_group


async def test_a_broker_that_takes_no_stop_is_sold_to(tmp_path):
    """One corrected try, then the position is sold by its target, with the reason, and a human is called; no flood."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.refuse = {"stop"}
        desk.broker.kill(desk.broker.leg(1, "stop"))
        await desk.settle()
        await desk.beat(5)
        assert len(order_rows(desk, leg="stop", change="place")) - 1 == 2
        target = desk.broker.leg(1, "target")
        assert (target.request.order_type, target.request.quantity) == ("MKT", quantity)
        desk.broker.fill(target, int(quantity), 4.9)
        await desk.beat(3)
        assert desk.positions.flat
        assert [row["reason"] for row in desk.journal["round_trips"]] == ["stop refused"]
        assert "SYM1: the broker takes no stop, so the position is sold; a human must look" in [
            text for level, text in desk.alerts.texts if level == "critical"
        ]
        assert len(order_rows(desk, leg="stop", change="place")) - 1 == 2


async def test_filled_status_before_its_execution_is_not_a_bare_position(tmp_path):
    """A stop told Filled whose execution is late is no reason for a second stop."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        stop = desk.broker.leg(1, "stop")
        stop.filled, stop.status = quantity, "Filled"
        desk.broker.update(stop)
        await desk.settle()
        await desk.beat(1)
        stop.filled, stop.status = Decimal(0), "PreSubmitted"
        desk.broker.fill(stop, int(quantity), 4.9)
        await desk.beat(2)
        assert desk.positions.flat
        assert not order_rows(desk, leg="stop", change="place")[1:]


async def test_entry_told_filled_before_its_execution_keeps_its_children(tmp_path):
    """An entry told Filled whose execution is late does not make its children orphans."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        entry = desk.broker.leg(1, "entry")
        entry.filled, entry.status = entry.request.quantity, "Filled"
        desk.broker.update(entry)
        await desk.beat(3)
        assert len(desk.broker.sent) == 3


async def test_a_target_filling_in_parts_takes_the_stop_along(tmp_path):
    """The group reduces the stop with every part of the target: nothing is sent, no list is needed, nothing is left."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.trouble["open orders"] = RequestTimeout("no answer")
        target, stop = desk.broker.leg(1, "target"), desk.broker.leg(1, "stop")
        desk.broker.fill(target, 300, 5.2)
        await desk.beat(2)
        assert stop.request.quantity == desk.position() == quantity - 300
        desk.broker.fill(target, int(target.remaining), 5.2)
        await desk.beat(2)
        assert len(desk.broker.sent) == 3
        assert desk.intents.unresolved() == ()


async def test_a_group_that_does_not_reduce_is_resized(tmp_path):
    """Where the broker leaves the stop at its old size, it is cut to the position."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.group = "dies at the end"
        quantity = await desk.enter()
        desk.broker.fill(desk.broker.leg(1, "target"), 300, 5.2)
        await desk.beat(1)
        assert len(desk.journal["orders"]) == 3  # the group is given a second
        await desk.beat(0.5)
        assert desk.broker.leg(1, "stop").request.quantity == quantity - 300
        assert [(row["leg"], row["change"]) for row in desk.journal["orders"][3:]] == [("stop", "modify")]


async def test_a_group_that_dies_at_once_leaves_nothing_bare(tmp_path):
    """Where the first shares of the target cancel the whole stop, the rest gets one of its own."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.group = "dies at once"
        quantity = await desk.enter()
        desk.broker.fill(desk.broker.leg(1, "target"), 300, 5.2)
        await desk.settle()
        stop = desk.broker.leg(1, "stop")
        assert (stop.alive, stop.request.quantity) == (True, quantity - 300)


async def test_orphans_are_reaped(tmp_path):
    """What a broker leaves working after the position is gone is cancelled, after a moment for its own cancel."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        target = desk.broker.leg(1, "target")
        target.request = target.request.__class__(**{**_fields(target.request), "oca_group": ""})
        desk.broker.fill(target, int(quantity), 5.2)
        await desk.settle()
        assert not order_rows(desk, change="cancel")
        await desk.beat(2)
        assert [row["leg"] for row in order_rows(desk, change="cancel")] == ["stop"]
        assert desk.intents.unresolved() == ()


def _fields(request):
    return {name: getattr(request, name) for name in request.__dataclass_fields__}


async def test_a_flip_is_for_a_human(tmp_path):
    """A short position is reported, entries stop, and nothing is sent on top of it."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        stop = desk.broker.leg(1, "stop")
        stop.request = stop.request.__class__(**{**_fields(stop.request), "quantity": quantity + 50})
        desk.broker.fill(stop, int(quantity) + 50, 4.9)
        await desk.beat(3)
        assert desk.position() == -50
        assert "page" in desk.alerts.levels()
        assert desk.halts
        assert len(desk.broker.sent) == 3


# -- exits -------------------------------------------------------------------------------------------------------------


async def test_an_exit_turns_the_target_and_leaves_the_stop(tmp_path):
    """In regular hours the target becomes the market order, of the position's size; the stop rests on."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        await ask_exit(desk)
        change, order = desk.broker.sent[-1]
        assert (change, order.order_type, order.quantity) == ("modify", "MKT", quantity)
        assert order.order_id == desk.broker.sent[1][1].order_id
        assert [row["leg"] for row in order_rows(desk, change="modify")] == ["exit"]
        stop = desk.broker.leg(1, "stop")
        assert (stop.alive, stop.request.order_type, stop.request.quantity) == (True, "STP", quantity)
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.1)
        await desk.beat(2)
        assert desk.positions.flat
        assert not order_rows(desk, change="cancel")
        assert desk.intents.unresolved() == ()
        assert desk.execution.working_entries == 0


async def test_an_exit_without_a_target_sells_in_the_stops_group(tmp_path):
    """Where the target is gone a sell of its own goes out, and its group reduces the stop as it fills."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.kill(desk.broker.leg(1, "target"))
        await desk.settle()
        await ask_exit(desk)
        sell, stop = desk.broker.leg(1, "exit"), desk.broker.leg(1, "stop")
        assert (sell.request.order_type, sell.request.quantity) == ("MKT", quantity)
        assert sell.request.oca_group == stop.request.oca_group
        assert stop.alive
        desk.broker.fill(sell, int(quantity), 5.0)
        await desk.beat(3)
        assert desk.positions.flat
        assert desk.intents.unresolved() == ()


async def test_exit_while_the_entry_works(tmp_path):
    """The entry is cancelled first, so that nothing is bought behind the exit; then what was bought is sold."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        desk.broker.fill(desk.broker.leg(1, "entry"), 200, 5.0)
        await desk.settle()
        await ask_exit(desk)
        await desk.beat(1)
        assert [row["leg"] for row in order_rows(desk, change="cancel")] == ["entry"]
        (sold,) = order_rows(desk, leg="exit")
        assert (sold["order_type"], sold["quantity"]) == ("MKT", 200)


async def test_exit_of_an_unfilled_entry_is_its_cancel(tmp_path):
    """Nothing held, nothing sold."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        await ask_exit(desk)
        await desk.beat(3)
        assert not order_rows(desk, leg="exit")
        assert desk.intents.unresolved() == ()


async def test_exit_without_a_stop_places_it_first(tmp_path):
    """A bare position gets its stop in the target's group, and the target then sells."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.silent = True
        desk.broker.kill(desk.broker.leg(1, "stop"))
        desk.broker.silent = False
        desk.broker.update(desk.broker.leg(1, "stop"))
        await desk.settle()
        await ask_exit(desk)
        await desk.beat(1)
        changes = [(change, order.order_type) for change, order in desk.broker.sent[3:] if change != "cancel"]
        assert changes == [("place", "STP"), ("modify", "MKT")]


async def test_halt_keeps_the_stop(tmp_path):
    """In a halt the exit waits and says so; when trading resumes it goes on."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.quotes[1] = quote_of(1, 4.9, 5.0, halted=True)
        await ask_exit(desk)
        await desk.beat(10)
        assert len(desk.broker.sent) == 3
        assert [level for level, text in desk.alerts.texts if "halted" in text] == ["warning"]
        desk.quotes[1] = quote_of(1, 4.9, 5.0)
        await desk.beat()
        assert desk.broker.sent[-1][1].order_type == "MKT"


async def test_outside_hours_the_exit_is_a_marketable_limit(tmp_path):
    """Before the open the bracket's stop is STP LMT, and an exit steps the target down a ladder below the bid."""
    clock = TestClock(OPEN - timedelta(hours=1))
    async with trading_desk(tmp_path, MemoryBroker(clock)) as desk:
        await desk.enter()
        assert desk.broker.sent[2][1].order_type == "STP LMT"
        desk.quotes[1] = quote_of(1, 4.80, 4.85)
        await ask_exit(desk)
        order = desk.broker.sent[-1][1]
        assert (order.order_type, order.limit_price, order.outside_rth) == ("LMT", 4.78, True)
        desk.quotes[1] = quote_of(1, 4.60, 4.65)
        await desk.beat(6)
        assert desk.broker.sent[-1][1].limit_price == 4.56  # one per cent
        assert desk.broker.leg(1, "stop").alive


async def test_refused_exit_is_tried_again_after_asking(tmp_path):
    """A refused modify leaves the stop protecting; the exit is repeated once the broker's lists say how it stands."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.refuse = {"modify"}
        await ask_exit(desk)
        target, stop = desk.broker.leg(1, "target"), desk.broker.leg(1, "stop")
        assert (target.request.order_type, target.alive, stop.alive) == ("LMT", True, True)
        desk.broker.refuse = set()
        await desk.beat(4)
        assert target.request.order_type == "MKT"
        assert not order_rows(desk, change="cancel")
        desk.broker.fill(target, int(quantity), 5.0)
        await desk.beat(2)
        assert desk.positions.flat


async def test_a_target_that_may_not_be_changed_is_sold_beside(tmp_path):
    """Where the broker refuses every modify, a sell of its own goes out in the group instead."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.refuse = {"modify"}
        await ask_exit(desk)
        await desk.beat(8)
        sell = desk.broker.leg(1, "exit")
        assert (sell.request.order_type, sell.request.quantity) == ("MKT", quantity)
        assert sell.request.oca_group == desk.broker.leg(1, "stop").request.oca_group
        desk.broker.fill(sell, int(quantity), 5.0)
        await desk.beat(3)
        assert (desk.position(), desk.positions.flat) == (0, True)


async def test_slow_exit_is_reported_and_not_repeated(tmp_path):
    """A market order that does not fill is compared with the broker's lists; no second order is sent."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        await ask_exit(desk)
        sent = len(desk.broker.sent)
        await desk.beat(30)
        assert len(desk.broker.sent) == sent
        assert [text for level, text in desk.alerts.texts if level == "warning"] == ["SYM1: exit not filled after 5 s"]


async def test_exit_survives_a_full_disk(tmp_path):
    """Exits fail open: an intent that cannot be written is told to a human and the order goes out."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.intents.record = full
        await ask_exit(desk)
        assert desk.broker.sent[-1][1].order_type == "MKT"
        await asyncio.sleep(0)
        assert any("disk is full" in text for _, text in desk.alerts.texts)
        del desk.intents.record


# -- doubt -------------------------------------------------------------------------------------------------------------


async def test_silence_is_asked_about(tmp_path):
    """Orders nobody speaks of are looked up; what the lists say is then believed."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.silent = True
        await desk.signal()
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, int(entry.request.quantity), 5.0)
        await desk.beat(9)
        desk.broker.silent = False
        assert desk.ledger.position(1) == entry.request.quantity
        assert any(row["kind"] == "doubt" for row in desk.journal["incidents"])
        assert len(desk.broker.sent) == 3


@pytest.mark.parametrize("meaning", ["cancel verdict", "unknown", "request failed", "order dead"])
async def test_a_notice_on_a_living_stop_changes_nothing(tmp_path, meaning):
    """No code on a working order is taken for its end: the lists say that it lives, and it is left alone."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.notice(desk.broker.leg(1, "stop").request.order_id, 999, meaning)
        await desk.settle()
        await desk.beat(6)
        assert len(desk.broker.sent) == 3
        assert desk.broker.leg(1, "stop").alive


async def test_transient_cancel_of_a_child(tmp_path):
    """A child told Cancelled and then PreSubmitted is looked up, and found alive."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        stop = desk.broker.leg(1, "stop")
        desk.broker.update(stop, "Cancelled")
        desk.broker.update(stop, "PreSubmitted")
        entry = desk.broker.leg(1, "entry")
        desk.broker.fill(entry, int(entry.request.quantity), 5.0)
        await desk.settle()
        await desk.beat(6)
        assert len(desk.broker.sent) == 3


async def test_another_clients_order_is_left_alone(tmp_path):
    """The same order id under another permanent id is not ours."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        stop = desk.broker.leg(1, "stop")
        stop.perm_id, ours = 4242, stop.perm_id
        desk.broker.update(stop, "Cancelled")
        stop.perm_id = ours
        await desk.beat(3)
        assert len(desk.broker.sent) == 3


async def test_a_stop_that_died_unheard_is_missed(tmp_path):
    """What rests at the broker is compared with what we believe: a lost Cancelled does not leave a position bare."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.silent = True
        desk.broker.kill(desk.broker.leg(1, "stop"))
        desk.broker.silent = False
        await desk.beat(18)
        assert desk.broker.leg(1, "stop").alive


async def test_nothing_is_entered_where_somebody_else_is(tmp_path):
    """Shares that the user bought by hand bar the symbol for entries; another symbol stays open."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.by_hand(1, 500)
        await desk.beat(5)
        await desk.signal(1)
        await desk.signal(2)
        verdicts = [(row["con_id"], row["verdict"], row["reason"]) for row in desk.journal["risk"]]
        assert verdicts == [(1, "refused", "evidence"), (2, "accepted", "")]


async def test_shares_that_somebody_else_sold_are_reported(tmp_path):
    """A holding that our fills do not explain stops entries and is told to a human, once."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.positions[1] = (Decimal(100), 5.0)
        await desk.beat(60)
        assert [text for level, text in desk.alerts.texts if level == "critical"] == [
            "SYM1: 733 shares of ours are gone, a human must look: position 100, orders 833, executions 833"
        ]
        assert desk.halts


@pytest.mark.parametrize("left", [100, 0])
async def test_a_stop_never_covers_shares_that_somebody_else_sold(tmp_path, left):
    """Protection and exit shrink to what the broker still has: a stop for more would open a short."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.broker.positions[1] = (Decimal(left), 5.0)
        await desk.beat(60)
        stop = desk.broker.leg(1, "stop")
        assert (stop.request.quantity if stop.alive else 0) == left
        assert not left or desk.broker.leg(1, "target").request.quantity == left


async def test_a_late_word_on_an_earlier_bracket_is_no_alarm(tmp_path):
    """What is held belongs to the symbol's latest bracket: the dead stop of the one before is not missed."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        earlier = desk.broker.leg(1, "stop").request.order_id
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.2)
        await desk.beat(2)
        await desk.enter()
        desk.broker.notice(earlier, 10148, "cancel verdict")
        await desk.beat(2)
        assert len(desk.broker.sent) == 6


async def test_a_lost_link_ends_the_service_with_its_own_error(tmp_path):
    """When the event stream fails, run() raises that error, not a group of them."""
    async with trading_desk(tmp_path) as desk:

        async def broken():
            raise NotConnected("gone")
            yield

        desk.broker.stream_order_events = broken
        with pytest.raises(NotConnected, match="gone"):
            await asyncio.wait_for(desk.execution.run(), 60)
