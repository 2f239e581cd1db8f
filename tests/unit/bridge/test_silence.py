"""What nobody says: lines that another session took, that a farm or a lost link silenced; a gateway that is gone."""

import asyncio
import time
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.bridge.health import link_watch
from momentum_kit.bridge.streams import line_states
from momentum_kit.errors import NotConnected
from momentum_kit.models import Contract, LineState, LinkState, MarketDataType

AAPL, TSLA = Contract("AAPL", 265598), Contract("TSLA", 76792991)
TAKEN = "No market data during competing live session"
BROKEN, OK = "Market data farm connection is broken:usfarm", "Market data farm connection is OK:usfarm"
LOST = "Connectivity between IBKR and Trader Workstation has been lost."
KEPT = "Connectivity between IBKR and Trader Workstation has been restored - data maintained."
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]


async def answered(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Everything sent so far has been handled: a later answer has come; its own question is read away."""
    asking = asyncio.create_task(bridge.fetch_current_time())
    while (await gateway.request())[0] != "49":
        pass
    gateway.send(49, 1, 1775425766)
    await asking
    await bridge.applied()


async def until_asked(gateway: Gateway, kind: str = "1") -> list[str]:
    """The next request of a kind; others before it are passed over."""
    while (request := await gateway.request())[0] != kind:
        pass
    return request  # type: ignore[no-any-return]


def hasten(monkeypatch: pytest.MonkeyPatch, module: ModuleType, *names: str) -> None:
    """A fiftieth of the seconds that these names of a module stand for."""
    for name in names:
        monkeypatch.setattr(module, name, getattr(module, name) / 50)


@pytest.fixture
def caring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent lines are asked for again soon."""
    hasten(monkeypatch, link_watch, "LOOK_S")
    hasten(monkeypatch, line_states, "CARE_S", "TAKEN_CARE_S", "MOST_CARE_S")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent gateways are asked soon."""
    hasten(monkeypatch, link_watch, "QUIET_S", "ANSWER_S", "LOOK_S")


async def test_delayed_ticks_do_not_end_a_competing_session(bridge: IBKRBridge, gateway: Gateway) -> None:
    """Nor does a number that says nothing of the market, nor one that says that there is no price."""
    _quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.error(req_id, 10197, TAKEN)
    gateway.send(45, 6, req_id, 49, 0)
    gateway.send(1, 6, req_id, 1, -1, 0, 0)
    gateway.send(1, 6, req_id, 66, 10.4, 100, 0)
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await answered(bridge, gateway)
    assert bridge.health.competing_session


async def test_a_competing_session_ends_when_its_line_closes(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Nobody wants what was taken any more; a person hears the end as well as the beginning."""
    quotes = bridge.stream_quotes(AAPL)
    gateway.error((await gateway.request())[2], 10197, TAKEN)
    await answered(bridge, gateway)
    assert not bridge.health.may_enter
    await quotes.aclose()
    assert bridge.health.may_enter
    assert [kind for kind, _ in incidents] == ["session conflict"] * 2


async def test_a_competing_session_that_names_no_line_takes_all(bridge: IBKRBridge, gateway: Gateway) -> None:
    """And no line for ever: where none is open there is nothing to bar, where one is it ends as any other."""
    gateway.error(-1, 10197, TAKEN)
    await answered(bridge, gateway)
    assert bridge.health.may_enter
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.error(-1, 10197, TAKEN)
    await answered(bridge, gateway)
    assert bridge.health.competing_session
    gateway.send(1, 6, req_id, 2, 10.4, 100, 0)
    await anext(quotes)
    assert bridge.health.may_enter


async def test_a_conflict_about_headlines_or_a_request_bars_nothing(bridge: IBKRBridge, gateway: Gateway) -> None:
    """No line of market data was taken, so none would ever tick it away."""
    _tape = bridge.stream_headlines("BZ")
    gateway.error((await gateway.request())[2], 10197, TAKEN)
    gateway.error(999_999_999, 10197, TAKEN)
    await answered(bridge, gateway)
    assert bridge.health.may_enter


@pytest.mark.usefixtures("caring")
async def test_a_line_that_was_taken_is_asked_for_again(
    bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Nothing says when the other session has gone; it is told once, and over when live data flows."""
    quotes = bridge.stream_quotes(AAPL)
    first = (await until_asked(gateway))[2]
    gateway.error(first, 10197, TAKEN)
    second = (await until_asked(gateway))[2]
    assert second != first
    gateway.error(second, 10197, TAKEN)
    third = (await until_asked(gateway))[2]
    assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (True, {AAPL.con_id})
    gateway.send(1, 6, third, 1, 10.4, 100, 0)
    assert (await anext(quotes)).bid == 10.4
    assert (bridge.health.lines, bridge.health.stale_con_ids) == ({AAPL.con_id: LineState.LIVE}, frozenset())
    assert incidents == [
        ("session conflict", TAKEN),
        ("session conflict", "over: live market data flows again"),
    ]


async def test_after_a_farm_flap_what_is_silent_is_asked_for_again(
    bridge: IBKRBridge, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2103, 2104: one line ticked on, as another farm's would; the other waits for a fresh tick under a new id."""
    monkeypatch.setattr("momentum_kit.bridge.router.FARM_GRACE_S", 0.0)
    streams = [bridge.stream_quotes(contract) for contract in (AAPL, TSLA)]
    aapl, tsla = [(await gateway.request())[2] for _ in streams]
    for req_id, stream in zip((aapl, tsla), streams, strict=True):
        gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
        await anext(stream)
    gateway.error(-1, 2103, BROKEN)
    await answered(bridge, gateway)
    assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (False, {AAPL.con_id, TSLA.con_id})
    gateway.send(1, 6, aapl, 1, 10.5, 100, 0)
    await anext(streams[0])
    assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (True, {TSLA.con_id})
    gateway.error(-1, 2104, OK)
    assert (await gateway.request())[:3] == ["2", "2", tsla]
    renewed = await gateway.request()
    assert (renewed[0], renewed[3]) == ("1", str(TSLA.con_id))
    assert bridge.health.stale_con_ids == {TSLA.con_id}
    gateway.send(1, 6, renewed[2], 1, 20.4, 100, 0)
    assert (await anext(streams[1])).bid == 20.4
    assert bridge.health.stale_con_ids == frozenset()


async def test_a_tick_that_was_on_its_way_when_the_farm_broke_proves_nothing(
    bridge: IBKRBridge, gateway: Gateway
) -> None:
    """The line is doubted all the same, and asked for when the farm is back."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.error(-1, 2103, BROKEN)
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await anext(quotes)
    assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (False, {AAPL.con_id})
    gateway.error(-1, 2104, OK)
    assert (await until_asked(gateway))[3] == str(AAPL.con_id)


async def test_history_and_definitions_touch_no_line(bridge: IBKRBridge, gateway: Gateway) -> None:
    """2105 and 2157 are about other farms: nothing is asked for again."""
    _quotes = bridge.stream_quotes(AAPL)
    await gateway.request()
    for code, name in ((2105, "ushmds"), (2106, "ushmds"), (2157, "secdefil"), (2158, "secdefil")):
        gateway.error(-1, code, f"data farm connection:{name}")
    await answered(bridge, gateway)
    assert gateway.requests.empty()
    assert bridge.health.may_enter


@pytest.mark.usefixtures("caring")
async def test_after_a_lost_link_each_symbol_must_tick_again(bridge: IBKRBridge, gateway: Gateway) -> None:
    """1102: subscriptions live on, as the words say; a line that stays silent all the same is asked for again."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await anext(quotes)
    gateway.error(-1, 1100, LOST)
    gateway.error(-1, 1102, KEPT)
    await until_returned(bridge)
    assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (True, {AAPL.con_id})
    renewed = await until_asked(gateway)
    gateway.send(1, 6, renewed[2], 1, 10.6, 100, 0)
    assert (await anext(quotes)).bid == 10.6
    assert bridge.health.stale_con_ids == frozenset()


async def until_returned(bridge: IBKRBridge) -> None:
    """The gateway has said that it has IB again."""
    async with asyncio.timeout(5):
        while not bridge.health.link_returns:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.001)


async def test_lost_data_is_asked_for_and_must_tick(bridge: IBKRBridge, gateway: Gateway) -> None:
    """1101: what the line knew is old until its new id ticks."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await anext(quotes)
    gateway.error(-1, 1101, "Connectivity restored - data lost.")
    renewed = await until_asked(gateway)
    assert bridge.health.stale_con_ids == {AAPL.con_id}
    gateway.send(1, 6, renewed[2], 1, 10.6, 100, 0)
    await anext(quotes)
    assert bridge.health.stale_con_ids == frozenset()


async def test_delayed_data_is_a_state_of_its_line(bridge: IBKRBridge, gateway: Gateway) -> None:
    """However it was told; the broker's word alone makes the line live again, and then it must tick."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.send(1, 6, req_id, 66, 10.4, 100, 0)
    assert (await anext(quotes)).data_type is MarketDataType.DELAYED
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await answered(bridge, gateway)
    assert bridge.health.lines == {AAPL.con_id: LineState.NOT_LIVE}
    gateway.send(58, 1, req_id, 1)
    gateway.send(1, 6, req_id, 1, 10.5, 100, 0)
    await answered(bridge, gateway)
    assert bridge.health.lines == {AAPL.con_id: LineState.LIVE}


# -- a gateway that is gone ------------------------------------------------------------------------------------------


@pytest.fixture
async def quick(gateway: Gateway, incidents: Incidents, impatient: None) -> AsyncIterator[IBKRBridge]:
    """A bridge that loses patience after hundredths of the usual time."""
    async with IBKRBridge(port=gateway.port, on_incident=lambda kind, text: incidents.append((kind, text))) as bridge:
        yield bridge


async def test_a_quiet_gateway_is_asked_for_the_time(quick: IBKRBridge, gateway: Gateway) -> None:
    """As often as it is quiet; while it answers it is there, and whoever asks for the time himself gets an answer."""
    for _ in range(3):
        assert await until_asked(gateway, "49") == ["49", "1"]
        gateway.send(49, 1, 1775425766)
    await until_asked(gateway, "49")
    asking = asyncio.create_task(quick.fetch_current_time())
    gateway.send(49, 1, 1775425770)
    assert await until_asked(gateway, "49")
    gateway.send(49, 1, 1775425777)
    assert (await asking).second == 37
    assert quick.health.socket is LinkState.UP


@pytest.mark.parametrize("part", [b"", b"\0\0", b"\0\0\0\x644\0-1\0"])
async def test_a_gateway_that_is_gone_is_noticed(
    quick: IBKRBridge, gateway: Gateway, incidents: Incidents, part: bytes
) -> None:
    """A black hole, also in the middle of a message: every caller hears of it, though no connection has ended."""
    asking = asyncio.create_task(quick.fetch_positions())
    gateway.raw(part)
    with pytest.raises(NotConnected, match="does not answer when it is asked for the time"):
        await asking
    assert quick.health.socket is LinkState.DOWN
    assert [kind for kind, _ in incidents] == ["connection"]


async def test_bytes_that_make_no_message_are_no_life(quick: IBKRBridge, gateway: Gateway) -> None:
    """A message of which the rest only drips in never comes to an end."""

    async def drip() -> None:
        gateway.raw(b"\0\x0f\xff\xff")
        while True:
            gateway.raw(b"x")
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    with pytest.raises(NotConnected, match="does not answer"):
        await quick.fetch_positions()
    dripping.cancel()


async def test_a_loop_that_was_held_says_nothing_of_the_gateway(
    quick: IBKRBridge, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long cell of a notebook ends no connection: the gateway is asked, and has its time to answer."""
    monkeypatch.setattr(link_watch, "HELD_S", 0.05)
    await until_asked(gateway, "49")
    time.sleep(0.5)  # noqa: ASYNC251  what is tested
    gateway.send(49, 1, 1775425766)
    await until_asked(gateway, "49")
    gateway.send(49, 1, 1775425766)
    await answered(quick, gateway)
    assert quick.health.socket is LinkState.UP


def test_what_is_gone_is_noticed_within_twenty_seconds() -> None:
    """The longest case: just not quiet at one look, and the answer just not due at another."""
    assert link_watch.QUIET_S + link_watch.ANSWER_S + 2 * link_watch.LOOK_S <= 20
