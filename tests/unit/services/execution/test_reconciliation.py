from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from momentum_kit.errors import AnswerIncomplete
from momentum_kit.models.intents import ExitRequest, IntentState
from momentum_kit.models.orders import Execution, OrderAction, OrderRequest
from momentum_kit.services.execution import BrokerTruth, fetch_truth, settle_intent
from tests.helpers.broker_in_memory import MemoryBroker, TestClock, contract_of
from tests.helpers.trading_desk import trading_desk


async def test_restart_with_a_whole_bracket(tmp_path):
    """After a crash position, stop and target are taken over as they stand; nothing is sent."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
    sent = len(broker.sent)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(5)
        assert len(broker.sent) == sent
        assert desk.ledger.position(1) == quantity
        assert desk.positions.views()[0].stop_price == 4.9
        await desk.signal()
        assert desk.journal["risk"][-1]["reason"] == "already held"
        broker.fill(broker.leg(1, "target"), int(quantity), 5.2)
        await desk.beat(2)
        assert desk.journal["round_trips"][0]["reason"] == "target"
        assert desk.intents.unresolved() == ()


async def test_restart_without_a_stop(tmp_path):
    """A position of ours that lost its stop while we were away gets one before anything else."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
    for kind in ("stop", "target"):
        broker.leg(1, kind).status = "Cancelled"
    async with trading_desk(tmp_path, broker) as desk:
        stop = broker.leg(1, "stop")
        assert (stop.alive, stop.request.quantity, stop.request.stop_price) == (True, 833, 4.9)
        assert desk.alerts.levels() == ["critical"]
    async with trading_desk(tmp_path, broker) as desk:  # and the standalone stop is known after the next restart
        sent = len(broker.sent)
        await desk.beat(3)
        assert len(broker.sent) == sent


async def test_an_order_that_ends_while_the_broker_is_asked(tmp_path):
    """What is told after the list of open orders was read is not lost: the stop that died then is replaced at once."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        broker = desk.broker
    answer, asked = broker.fetch_executions, []

    async def end_the_stop() -> tuple[Execution, ...]:
        asked.append(broker.leg(1, "stop"))
        if len(asked) == 2:  # the second to ask, after the position manager, is the one that rebuilds
            broker.kill(asked[-1])
            await broker.events.join()  # it is heard before the answer
        return await answer()

    broker.fetch_executions = end_the_stop  # type: ignore[method-assign]
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat()
        assert not asked[1].alive
        assert broker.leg(1, "stop").alive
        assert "doubt" not in [row["kind"] for row in desk.journal["incidents"]]


async def test_restart_with_an_entry_that_filled_meanwhile(tmp_path):
    """Fills that happened while nobody listened are in the broker's executions."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        broker = desk.broker
    entry = broker.leg(1, "entry")
    broker.fill(entry, 500, 5.0)
    async with trading_desk(tmp_path, broker) as desk:
        assert desk.ledger.position(1) == 500
        await desk.beat(12)
        assert not entry.alive
        assert broker.leg(1, "stop").request.quantity == 500


async def test_restart_in_the_middle_of_an_exit(tmp_path):
    """An exit that was decided goes on."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        desk.exits.put_nowait(ExitRequest(contract_of(1), "kill", desk.clock.now()))
        await desk.settle()
        broker = desk.broker
    target = broker.leg(1, "target")
    target.request = replace(target.request, order_type="LMT", limit_price=5.2)  # as if the modify had never arrived
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(1)
        assert target.request.order_type == "MKT"
        broker.fill(target, int(target.remaining), 5.0)
        await desk.beat(12)
        assert [row["reason"] for row in desk.journal["round_trips"]] == ["kill"]


async def test_an_entry_that_was_partly_filled_before_a_restart_is_cut(tmp_path):
    """While it works its children may wait and protect nothing, so that it gets no longer than before the restart."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        broker = desk.broker
        entry = broker.leg(1, "entry")
        broker.fill(entry, 100, 5.0)
        await desk.settle()
        assert entry.alive
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(3)
        assert not entry.alive
        assert desk.position() == 100


async def test_an_intent_that_was_never_sent(tmp_path):
    """A crash between the intent and its orders leaves REFUSED, and nothing is sent for it."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        (intent,) = desk.intents.unresolved()
        desk.intents.record(replace(intent, intent_id="mk-lost", contract=contract_of(5), state=IntentState.PREPARED))
        broker = desk.broker
    async with trading_desk(tmp_path, broker) as desk:
        assert [intent.intent_id for intent in desk.intents.unresolved()] == [intent.intent_id]
        assert len(broker.sent) == 3


async def test_shares_of_earlier_days(tmp_path):
    """The broker lists executions since midnight only: what was written down says what is ours, and at which price."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
    broker.executions.clear()
    broker.clock.time += timedelta(days=3)
    async with trading_desk(tmp_path, broker) as desk:
        (holding,) = desk.ledger.holdings()
        assert (holding.quantity, holding.average_price) == (quantity, 5.0)
        assert desk.alerts.texts == []
        assert [row["reason"] for row in desk.journal["exits"]] == ["time stop"]


@pytest.mark.parametrize("sold_by", ["a stop of its own", "an exit of its own"])
async def test_shares_of_earlier_days_that_were_sold_today(tmp_path, sold_by):
    """Bought days ago, sold under another reference: after a restart the sale alone is no short position."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
    broker.executions.clear()
    broker.clock.time += timedelta(days=3)
    for leg in ("target", "stop"):
        broker.kill(broker.leg(1, leg))  # good till cancelled, and cancelled
    async with trading_desk(tmp_path, broker, time_stop_s=6e5 if "stop" in sold_by else 900.0) as desk:
        await desk.beat(5)
        broker.fill(broker.leg(1, "stop" if "stop" in sold_by else "exit"), int(quantity), 4.9)
        await desk.beat(60)
        assert desk.ledger.position(1) == 0
        assert desk.intents.unresolved() == ()
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(60)
        assert desk.ledger.position(1) == 0
        assert not [text for _, text in desk.alerts.texts if "short" in text or "differ" in text]


async def test_what_our_own_book_has_is_ours_under_another_owners_id(tmp_path):
    """The file with the id was lost: position, stop and fills are ours all the same, by what we wrote down."""
    async with trading_desk(tmp_path, owner="0a1b2c") as desk:
        quantity = await desk.enter()
        broker = desk.broker
    async with trading_desk(tmp_path, broker, owner="c0ffee") as desk:
        await desk.beat(5)
        assert desk.ledger.position(1) == quantity
        assert desk.execution.protected == {1}
        broker.fill(broker.leg(1, "stop"), int(quantity), 4.9)
        await desk.beat(5)
        assert desk.ledger.position(1) == 0


async def test_adopted_shares_that_were_sold_today(tmp_path):
    """No list has ever had their purchase: it is read again for the sale that the list of the day has."""
    async with trading_desk(tmp_path) as desk:
        desk.broker.by_hand(1, 100)
        await desk.beat(5)
        desk.execution.adopt("SYM1")
        await desk.beat(5)
        desk.broker.fill(desk.broker.leg(1, "stop"), 100, 4.9)
        await desk.beat(60)
        assert desk.ledger.position(1) == 0
        broker = desk.broker
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(60)
        assert desk.ledger.position(1) == 0
        assert desk.alerts.texts == []


async def test_what_is_not_ours_is_left_alone(tmp_path):
    """Foreign positions and orders are told to a human, never touched, never owned."""
    broker = MemoryBroker(TestClock())
    broker.positions[9] = (Decimal(-300), 7.0)
    await broker.place_order(
        contract_of(9),
        OrderRequest(action=OrderAction.BUY, quantity=Decimal(300), order_type="LMT", limit_price=6.0, order_id=3),
    )
    broker.sent.clear()
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(3)
        assert not broker.sent
        assert desk.positions.flat
        assert desk.positions.request_flatten("kill") == 0
        assert desk.alerts.levels() == ["warning", "warning"]


async def test_somebody_elses_shares_in_our_symbol(tmp_path):
    """We own no more than our intent could have bought."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        broker = desk.broker
    broker.positions[1] = (quantity + 1000, 5.0)
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(2)
        assert desk.ledger.position(1) == quantity
        assert broker.leg(1, "stop").request.quantity == quantity


async def test_yesterdays_round_trip_is_not_written_again(tmp_path):
    """A restart rebuilds the ledger, but the journal of this session holds only its own trips."""
    async with trading_desk(tmp_path) as desk:
        quantity = await desk.enter()
        desk.broker.fill(desk.broker.leg(1, "target"), int(quantity), 5.2)
        await desk.beat(2)
        broker = desk.broker
    async with trading_desk(tmp_path, broker) as desk:
        await desk.beat(12)
        assert not desk.journal["round_trips"]
        assert desk.ledger.realised_usd == pytest.approx(float(quantity) * 0.2)


async def test_states_an_intent_can_end_in(tmp_path):
    """Each intent is settled by orders and executions, never by a guess and never by a list that is unknown."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        (intent,) = desk.intents.unresolved()
        truth = await fetch_truth(desk.broker)
    nothing, none, some = BrokerTruth(), Decimal(0), Decimal(5)
    assert settle_intent(intent, truth, none) is IntentState.WORKING
    assert settle_intent(intent, nothing, some) is IntentState.WORKING
    prepared = replace(intent, state=IntentState.PREPARED)
    for state in (IntentState.PREPARED, IntentState.SENT):  # staged legs are on no list
        assert settle_intent(replace(intent, state=state), nothing, none) is IntentState.UNKNOWN
    for state in (IntentState.WORKING, IntentState.UNKNOWN):
        assert settle_intent(replace(intent, state=state), nothing, none) is IntentState.CLOSED
    for unknown in (BrokerTruth(open_orders=None), BrokerTruth(executions=None), BrokerTruth(positions=None)):
        assert settle_intent(intent, unknown, none) is intent.state
        assert settle_intent(prepared, unknown, none) is IntentState.UNKNOWN


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("which", ["open_orders", "completed_orders", "positions", "executions"])
async def test_a_list_with_an_unreadable_row_is_asked_for_once_more(tmp_path, which, times):
    """A row that came torn is often whole the second time; torn twice the list is unknown, without a third question."""
    async with trading_desk(tmp_path) as desk:
        await desk.enter()
        whole, asked = getattr(desk.broker, f"fetch_{which}"), []

        async def torn() -> tuple[object, ...]:
            asked.append(which)
            if len(asked) <= times:
                raise AnswerIncomplete(which, "row 2", "not a number")
            return await whole()

        setattr(desk.broker, f"fetch_{which}", torn)
        truth = await fetch_truth(desk.broker)
        assert len(asked) == 2
        assert (getattr(truth, which.replace("_orders", "") if "completed" in which else which) is None) == (times == 2)
