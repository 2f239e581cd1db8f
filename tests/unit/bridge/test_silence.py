"""What nobody says: lines that another session took, that a farm or a lost link silenced; a gateway that is gone."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.bridge.health.link_watch import ANSWER_S, LOOK_S, QUIET_S
from momentum_kit.bridge.streams.line_states import CARE_S, TAKEN_CARE_S
from momentum_kit.errors import NotConnected
from momentum_kit.models import Contract, LineState, LinkState, MarketDataType
from tests.helpers.shifted_wall import ShiftedWall

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


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that has no event."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


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


async def test_a_line_that_was_taken_is_asked_for_again(
    wall: ShiftedWall, bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Nothing says when the other session has gone; it is told once, and over when live data flows."""
    quotes = bridge.stream_quotes(AAPL)
    first = (await until_asked(gateway))[2]
    gateway.error(first, 10197, TAKEN)
    await until(lambda: bridge.health.competing_session)
    await wall.pass_time(TAKEN_CARE_S + LOOK_S)
    second = (await until_asked(gateway))[2]
    assert second != first
    gateway.error(second, 10197, TAKEN)
    await until(lambda: bridge.health.competing_session)
    await wall.pass_time(2 * TAKEN_CARE_S + LOOK_S)
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


async def test_after_a_lost_link_each_symbol_must_tick_again(
    wall: ShiftedWall, bridge: IBKRBridge, gateway: Gateway
) -> None:
    """1102: subscriptions live on, as the words say; a line that stays silent all the same is asked for again."""
    quotes = bridge.stream_quotes(AAPL)
    req_id = (await gateway.request())[2]
    gateway.send(1, 6, req_id, 1, 10.4, 100, 0)
    await anext(quotes)
    gateway.error(-1, 1100, LOST)
    gateway.error(-1, 1102, KEPT)
    await until(lambda: bridge.health.link_returns)
    assert (bridge.health.may_enter, bridge.health.stale_con_ids) == (True, {AAPL.con_id})
    await wall.pass_time(CARE_S + LOOK_S)
    renewed = await until_asked(gateway)
    gateway.send(1, 6, renewed[2], 1, 10.6, 100, 0)
    assert (await anext(quotes)).bid == 10.6
    assert bridge.health.stale_con_ids == frozenset()


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


LONGEST_S = QUIET_S + ANSWER_S + 2 * LOOK_S  # just not quiet at one look, and the answer just not due at another


async def answer(bridge: IBKRBridge, gateway: Gateway, second: int = 1775425766) -> None:
    """The time, which somebody has asked for; nobody waits for it any more."""
    gateway.send(49, 1, second)
    await until(lambda: not bridge.pending)


async def test_a_quiet_gateway_is_asked_for_the_time(wall: ShiftedWall, bridge: IBKRBridge, gateway: Gateway) -> None:
    """As often as it is quiet; while it answers it is there, and whoever asks for the time himself gets an answer."""
    for _ in range(3):
        await wall.pass_time(QUIET_S + LOOK_S)
        assert await gateway.request() == ["49", "1"]
        await answer(bridge, gateway)
    await wall.pass_time(QUIET_S + LOOK_S)
    await until_asked(gateway, "49")
    asking = asyncio.create_task(bridge.fetch_current_time())
    gateway.send(49, 1, 1775425770)
    assert await until_asked(gateway, "49")
    await answer(bridge, gateway, 1775425777)
    assert (await asking).second == 37
    assert bridge.health.socket is LinkState.UP


@pytest.mark.parametrize("part", [b"", b"\0\0", b"\0\0\0\x644\0-1\0"])
async def test_a_gateway_that_is_gone_is_noticed(
    wall: ShiftedWall, bridge: IBKRBridge, gateway: Gateway, incidents: Incidents, part: bytes
) -> None:
    """A black hole, also in the middle of a message: every caller hears of it, though no connection has ended."""
    asking = asyncio.create_task(bridge.fetch_positions())
    gateway.raw(part)
    await until_asked(gateway, "61")
    for _ in range(round(LONGEST_S / LOOK_S)):
        await wall.pass_time(LOOK_S)
    with pytest.raises(NotConnected, match="does not answer when it is asked for the time"):
        await asking
    assert bridge.health.socket is LinkState.DOWN
    assert [kind for kind, _ in incidents] == ["connection"]


async def test_bytes_that_make_no_message_are_no_life(wall: ShiftedWall, bridge: IBKRBridge, gateway: Gateway) -> None:
    """A message of which the rest only drips in never comes to an end."""
    asking = asyncio.create_task(bridge.fetch_positions())
    await until_asked(gateway, "61")
    gateway.raw(b"\0\x0f\xff\xff")
    while not asking.done():
        before = bridge.last_received_ns
        gateway.raw(b"x")
        await until(lambda before=before: asking.done() or bridge.last_received_ns > before)  # type: ignore[misc]
        await wall.pass_time(LOOK_S)
    with pytest.raises(NotConnected, match="does not answer"):
        await asking


async def test_a_loop_that_was_held_says_nothing_of_the_gateway(
    wall: ShiftedWall, bridge: IBKRBridge, gateway: Gateway
) -> None:
    """A long cell of a notebook ends no connection: the gateway is asked, and has its time to answer."""
    await wall.pass_time(QUIET_S + LOOK_S)
    await until_asked(gateway, "49")
    await wall.pass_time(2 * ANSWER_S)  # at once, without a look in between: so a loop is held
    await answer(bridge, gateway)
    await wall.pass_time(QUIET_S + LOOK_S)
    await until_asked(gateway, "49")
    await answer(bridge, gateway)
    await answered(bridge, gateway)
    assert bridge.health.socket is LinkState.UP


def test_what_is_gone_is_noticed_within_twenty_seconds() -> None:
    """So long may stops and exits be without anybody's eye on them."""
    assert LONGEST_S <= 20
