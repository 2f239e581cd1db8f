"""What overtakes ticks, what keeps its place among them, and when all of them are applied."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.bridge.events import NewsTick, Notice
from momentum_kit.bridge.wire import inbox
from momentum_kit.models import Contract, MarketDataType

AAPL = Contract("AAPL", 265598)
NO_TRADE = "no;trade;at;all;1;true"
Gateway = Any  # the ScriptedGateway of conftest.py


async def lines_open(bridge: IBKRBridge, gateway: Gateway) -> tuple[Any, str, str]:
    """A line for AAPL's quotes and trades and one for a tape: the three streams, and the request ids."""
    streams = bridge.stream_quotes(AAPL), bridge.stream_trades(AAPL), bridge.stream_headlines("BRFG")
    return streams, (await gateway.request())[2], (await gateway.request())[2]


def hold_until_received(bridge: IBKRBridge, is_last: Callable[[Any], bool]) -> None:
    """Keep the loop until the other thread has taken in such a value, and with it all that was sent before."""
    waiting = bridge._session.dispatcher.inbox._queue
    deadline = time.monotonic() + 60
    while not any(is_last(value) for batch in list(waiting.queue) for value in batch):
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("in_order", [False, True])
async def test_a_headline_overtakes_ticks_and_in_lock_step_does_not(gateway: Gateway, in_order: bool) -> None:
    """Both are received when the loop looks: the news handler is called before the tick is applied, or after it."""
    happened: list[str] = []
    async with IBKRBridge(
        port=gateway.port, in_order=in_order, on_incident=lambda _, text: happened.append(text.split(":")[0])
    ) as bridge:
        bridge.news_handler_callback = lambda headline: happened.append(headline.article_id)
        streams, line, tape = await lines_open(bridge, gateway)
        gateway.send(46, 6, line, 77, NO_TRADE)
        gateway.send(84, tape, 1775425766350, "BRFG", "BRFG$1", "Acme wins", "")
        hold_until_received(bridge, lambda value: isinstance(value, NewsTick))
        await bridge.applied()
        assert happened == (["tickString", "BRFG$1"] if in_order else ["BRFG$1", "tickString"])
        del streams


async def test_an_order_event_overtakes_ticks(bridge: IBKRBridge, gateway: Gateway, incidents: Any) -> None:
    """A verdict on an order is in its stream while ticks that came before it still wait."""
    streams, line, _ = await lines_open(bridge, gateway)
    events = bridge.stream_order_events()
    for _ in range(3):
        gateway.send(46, 6, line, 77, NO_TRADE)
    gateway.error(5, 201, "Order rejected - reason: No such account")
    hold_until_received(bridge, lambda value: isinstance(value, Notice) and value.code == 201)
    seen: list[int] = []
    original = bridge._session.router.order_feeds[0].put
    bridge._session.router.order_feeds[0].put = lambda event: (seen.append(len(incidents)), original(event))  # type: ignore[method-assign]
    assert (await anext(events)).code == 201
    await bridge.applied()
    assert (seen, len(incidents)) == ([0], 3)
    del streams


async def test_what_is_said_about_a_line_keeps_its_place(
    bridge: IBKRBridge, gateway: Gateway, incidents: list[tuple[str, str]]
) -> None:
    """A conflict is not over because of ticks that came before it, and live data does not turn delayed behind it."""
    (quotes, *_others), line, _tape = await lines_open(bridge, gateway)
    gateway.send(1, 6, line, 66, "10.4", "300", 0)
    gateway.send(58, 1, line, 1)
    gateway.send(1, 6, line, 1, "10.5", "300", 0)
    gateway.error(line, 10197, "No market data during competing live session")
    hold_until_received(bridge, lambda value: isinstance(value, Notice) and value.code == 10197)
    await bridge.applied()
    assert bridge.health.competing_session
    assert (await anext(quotes)).data_type is MarketDataType.LIVE
    gateway.send(1, 6, line, 1, "10.6", "300", 0)
    assert (await anext(quotes)).bid == 10.6
    assert not bridge.health.competing_session
    assert [kind for kind, _ in incidents] == ["session conflict", "session conflict"]


async def test_applied_means_every_tick(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Behind an answer it stands for all that was sent before: nothing is left to arrive by luck."""
    (_quotes, trades, _news), line, _tape = await lines_open(bridge, gateway)
    for number in range(5_000):
        gateway.send(46, 6, line, 77, f"10.5;{number + 1};1775425766350;1000;10.4;true")
    asking = asyncio.create_task(bridge.fetch_current_time())
    assert (await gateway.request())[0] == "49"
    gateway.send(49, 1, 1775425766)
    await asking
    await bridge.applied()
    assert len(trades._feed._buffer) == 5_000
    assert [(await anext(trades)).size for _ in range(5_000)] == list(range(1, 5_001))


async def test_applied_ends_with_the_connection(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Whoever waits for the last ticks is not left waiting."""
    gateway.hang_up()
    await bridge.applied()
    await bridge.disconnect()


async def test_a_loop_that_is_held_up_holds_up_the_gateway(
    bridge: IBKRBridge, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: beyond a bound nothing more is received, and later all of it is, in its order."""
    monkeypatch.setattr(inbox, "MOST_BEHIND", 20_000)
    (quotes, *_others), line, _tape = await lines_open(bridge, gateway)
    box = bridge._session.dispatcher.inbox
    behind: Callable[[], int] = lambda: box._received - box._applied  # noqa: E731
    taken: list[int] = []
    original = box.applied
    monkeypatch.setattr(box, "applied", lambda size: (taken.append(behind()), original(size)))
    message = gateway.frame([2, 6, line, 0, 100])
    for number in range(200):
        gateway.raw(message * 1_000)
        gateway.send(1, 6, line, 1, number + 1, 7, 0)
        await gateway.flush()
    async for quote in quotes:
        if quote.bid == 200:
            break
    assert max(taken) < 20_000 + (1 << 20) + (1 << 18)  # the bound, and the batch that went over it
    await bridge.applied()
    assert behind() == 0
