"""A liquid line as the witness of its farm."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.bridge.health import Canary
from momentum_kit.bridge.health.canary import SILENT_S
from momentum_kit.bridge.health.link_watch import LOOK_S
from momentum_kit.models import Contract, LineState, LinkState
from momentum_kit.sessions import session_at, tradable
from tests.helpers.shifted_wall import ShiftedWall

SPY, QUIET = Contract("SPY", 756733), Contract("QUIET", 4711)
Gateway = Any  # the ScriptedGateway of conftest.py
Incidents = list[tuple[str, str]]
S = 1_000_000_000


class Line:
    """A line as the canary sees it."""

    def __init__(self) -> None:
        self.alive_ns = 0
        self.state = LineState.LIVE
        self.halted = False


class Watched:
    """A canary, its line, and what it told."""

    def __init__(self) -> None:
        self.line: Line | None = Line()
        self.expected = True
        self.told: list[str] = []
        self.canary = Canary(
            line=lambda: self.line,
            expected=lambda: self.expected,
            fell_silent=lambda seconds: self.told.append(f"silent {seconds:.0f}"),
            sings=lambda: self.told.append("sings"),
            rests=lambda: self.told.append("rests"),
        )

    def pass_time(self, begin_s: int, end_s: int, ticks_every_s: float = 0) -> None:
        """Look once a second; it ticks so often, 0: not."""
        for second in range(begin_s, end_s):
            if ticks_every_s and self.line is not None and second % ticks_every_s == 0:
                self.line.alive_ns = second * S
            self.canary.look(second * S)


def test_silence_is_told_once_and_so_is_its_end() -> None:
    """After half a minute; a tick ends it."""
    watched = Watched()
    watched.pass_time(1, 600, ticks_every_s=20)
    assert watched.told == []
    watched.pass_time(600, 900)
    assert watched.told == ["silent 31"]
    watched.pass_time(900, 1000, ticks_every_s=1)
    assert watched.told == ["silent 31", "sings"]


@pytest.mark.parametrize("excuse", ["closed", "halted", "taken", "delayed", "refused"])
def test_silence_with_a_reason_is_none(excuse: str) -> None:
    """And the time of the reason does not count when it is over."""
    watched = Watched()
    line = watched.line
    assert line is not None
    watched.expected = excuse != "closed"
    line.halted = excuse == "halted"
    line.state = {"taken": LineState.TAKEN, "delayed": LineState.NOT_LIVE}.get(excuse, LineState.LIVE)
    watched.line = None if excuse == "refused" else line
    watched.pass_time(1, 600)
    watched.expected, line.halted, line.state, watched.line = True, False, LineState.LIVE, line
    watched.pass_time(600, 630)
    assert watched.told == []
    watched.pass_time(630, 632)
    assert watched.told == ["silent 31"]


def test_what_is_silent_when_the_day_ends_is_not_silent_all_night() -> None:
    """Its light goes out with the session."""
    watched = Watched()
    watched.pass_time(1, 100)
    watched.expected = False
    watched.pass_time(100, 200)
    assert watched.told == ["silent 31", "rests"]


def test_no_false_alarm_over_a_week_with_a_holiday_and_a_half_day() -> None:
    """Thanksgiving 2026, its Friday to 13:00, and a weekend: it ticks only while stocks trade at all."""
    watched = Watched()
    begin = datetime(2026, 11, 24, tzinfo=UTC)
    for second in range(0, 7 * 86_400, 5):
        now = begin + timedelta(seconds=second)
        session = session_at(now)
        watched.expected = session is not None and session.contains(now)
        assert watched.line is not None
        if tradable(now) and second % 20 == 0:
            watched.line.alive_ns = second * S
        watched.canary.look(second * S)
    assert watched.told == []


@pytest.fixture
async def watched_bridge(wall: ShiftedWall, gateway: Gateway, incidents: Incidents) -> AsyncIterator[IBKRBridge]:
    """A bridge with a canary that is expected to tick at any time, and was so at a first look."""
    async with IBKRBridge(
        port=gateway.port, canary=SPY, canary_ticks=lambda _: True,
        on_incident=lambda kind, text: incidents.append((kind, text)),
    ) as bridge:  # fmt: skip
        for _ in range(2):
            await wall.pass_time(LOOK_S)
        yield bridge


async def until(gateway: Gateway, kind: str) -> list[str]:
    """The next request of a kind."""
    while (request := await gateway.request())[0] != kind:
        pass
    return request  # type: ignore[no-any-return]


async def tick(bridge: IBKRBridge, gateway: Gateway, req_id: str) -> None:
    """A line ticks, and that is handled."""
    before = bridge.last_received_ns
    gateway.send(1, 6, req_id, 1, 600.0, 100, 0)
    async with asyncio.timeout(60):
        while bridge.last_received_ns == before:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.001)
    await bridge.applied()


async def test_a_farm_that_is_silent_under_a_green_light_is_down(
    wall: ShiftedWall, watched_bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """It bars entries, is asked for the time and asked again, and told; its tick ends all that."""
    first = await until(gateway, "1")
    assert first[3] == str(SPY.con_id)
    await tick(watched_bridge, gateway, first[2])
    assert watched_bridge.health.may_enter
    await wall.pass_time(SILENT_S + LOOK_S)
    again = await until(gateway, "1")
    assert (await until(gateway, "49"))[0] == "49"
    assert watched_bridge.health.farms["usfarm"] is LinkState.UP
    assert not watched_bridge.health.may_enter
    ((kind, text),) = incidents
    assert kind == "data farm"
    assert text.startswith("the farm of SPY is down: SPY has not ticked for ")
    await tick(watched_bridge, gateway, again[2])
    await wall.pass_time(LOOK_S)
    assert watched_bridge.health.may_enter
    assert incidents[-1] == ("data farm", "the farm of SPY is up again")


async def test_a_quiet_symbol_is_quiet_while_the_canary_ticks(
    wall: ShiftedWall, watched_bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """Nothing is concluded from it, and it is not asked for again."""
    spy = (await until(gateway, "1"))[2]
    _quotes = watched_bridge.stream_quotes(QUIET)
    quiet = (await until(gateway, "1"))[2]
    gateway.send(1, 6, quiet, 1, 3.4, 100, 0)
    for _ in range(8):
        await tick(watched_bridge, gateway, spy)
        await wall.pass_time(SILENT_S / 4)
    assert (incidents, watched_bridge.health.may_enter) == ([], True)
    assert watched_bridge.health.lines[QUIET.con_id] is LineState.LIVE
    assert gateway.requests.empty()


async def test_a_canary_that_nobody_watches_is_no_stale_symbol(
    watched_bridge: IBKRBridge, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At night it is silent, and the status counts what is watched; whoever watches it as well wants to know."""
    await until(gateway, "1")
    monkeypatch.setattr("momentum_kit.bridge.bridge.STALE_AFTER_S", 0.0)
    assert watched_bridge.health.stale_con_ids == frozenset()
    _quotes = watched_bridge.stream_quotes(SPY)
    assert watched_bridge.health.stale_con_ids == {SPY.con_id}


async def test_a_canary_that_is_refused_is_told_and_bars_nothing(
    wall: ShiftedWall, watched_bridge: IBKRBridge, gateway: Gateway, incidents: Incidents
) -> None:
    """No subscription for it: then nobody knows, and nobody is stopped."""
    gateway.error((await until(gateway, "1"))[2], 354, "Requested market data is not subscribed.")
    async with asyncio.timeout(60):
        while not incidents:  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.001)
    for _ in range(2):
        await wall.pass_time(SILENT_S + LOOK_S)
    assert [kind for kind, _ in incidents] == ["subscription"]
    assert watched_bridge.health.may_enter
