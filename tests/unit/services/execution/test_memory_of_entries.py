"""What a restart must not forget: which stories were traded, and when a symbol was last entered."""

from momentum_kit.models.intents import IntentState
from tests.helpers.broker_in_memory import MemoryBroker, TestClock
from tests.helpers.trading_desk import trading_desk


async def trade(desk, item):
    """A position that its target closes."""
    await desk.signal(item=item)
    entry = desk.broker.leg(1, "entry")
    desk.broker.fill(entry, int(entry.request.quantity), 5.0)
    await desk.settle()
    desk.broker.fill(desk.broker.leg(1, "target"), int(entry.request.quantity), 5.2)
    await desk.settle()
    await desk.beat(3)
    assert desk.intents.unresolved() == ()
    (intent,) = desk.intents.entries_since(desk.clock.now().replace(hour=0))
    assert intent.state is IntentState.CLOSED


async def test_a_story_is_not_traded_again_after_a_restart(tmp_path):
    """An entry that has ended still bars its own item and its symbol's cool-down goes on."""
    async with trading_desk(tmp_path) as desk:
        await trade(desk, "story:1")
        broker = desk.broker
    sent = len(broker.sent)
    async with trading_desk(tmp_path, broker, cool_down_s=900.0) as desk:
        await desk.signal(item="story:2")
        assert desk.journal["risk"][-1]["reason"] == "cool-down"
    async with trading_desk(tmp_path, broker) as desk:
        await desk.signal(item="story:1")
        assert desk.journal["risk"][-1]["reason"] == "already held"
    assert len(broker.sent) == sent


async def test_another_market_of_the_same_day_is_not_remembered(tmp_path):
    """Intents of which this broker lists nothing, as with a simulated gateway that was started anew, bar no entry."""
    async with trading_desk(tmp_path) as desk:
        await trade(desk, "story:1")
    async with trading_desk(tmp_path, MemoryBroker(TestClock()), cool_down_s=900.0) as desk:
        await desk.signal(item="story:1")
        assert desk.journal["risk"][-1]["verdict"] == "accepted"
