from broker_in_memory import HEALTHY
from trading_desk import trading_desk


async def test_signal_becomes_bracket(tmp_path):
    """An accepted signal is one durable intent and three legs, only the last transmitted."""
    async with trading_desk(tmp_path) as desk:
        await desk.signal()
        print(desk.broker.sent, desk.journal.tables, desk.alerts.texts)
        q = await desk.enter(2)
        desk.broker.fill(desk.broker.leg(2, "target"), int(q), 6)
        await desk.settle()
        print(desk.journal["round_trips"], desk.journal["incidents"], desk.intents.unresolved())
