import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from aiohttp import web

from momentum_kit.config import AlertSettings
from momentum_kit.errors import ConfigError
from momentum_kit.external import dead_man_switch
from momentum_kit.models import ConnectionHealth, EngineStatus, LinkState, TapeView, TradingState
from momentum_kit.runtime.engine.vouching import Vouching, what_is_wrong

SECRET = "5f2c-secret"
WELL = EngineStatus(
    state=TradingState.RUNNING, reason="started", environment="paper", account="DU1", counts={}, skips={}, queues={},
    market_time=datetime(2026, 11, 20, 15, 0, tzinfo=UTC), started_at=datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
    health=ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP, farms={"usfarm": LinkState.UP}),
    positions=(), realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0, run_dir="runs/1", pid=1,
)  # fmt: skip


def health(**changes: object) -> EngineStatus:
    """The well one with something else in its connection."""
    return replace(WELL, health=replace(WELL.health, **changes))


@dataclass
class Outside:
    """The service that is pinged, and what it answers."""

    url: str = ""
    pings: int = 0
    status: int = 200
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, _: web.Request) -> web.Response:
        """One ping."""
        self.pings += 1
        self.came.set()
        return web.Response(status=self.status, headers={"Location": f"{self.url}/elsewhere"})

    async def next(self) -> None:
        """Another one has come."""
        self.came.clear()
        async with asyncio.timeout(20):
            await self.came.wait()


@pytest.fixture
async def outside(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outside]:
    """A real server on this machine, whose address the environment names, with a secret in its path."""
    service = Outside()
    application = web.Application()
    application.add_routes([web.get(f"/{SECRET}", service.take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{SECRET}"
    monkeypatch.setenv("MOMENTUM_KIT_DEAD_MAN_URL", service.url)
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", "json://127.0.0.1:1/")
    yield service
    await runner.cleanup()


class Engine:
    """What is vouched for: a status and a way for alerts, which a test spoils and mends."""

    def __init__(self) -> None:
        self.status = WELL
        self.failure = ""
        self.alerts = ""
        self.looks = 0
        self.told: list[tuple[str, str]] = []

    def trouble(self) -> str:
        """As the engine says it."""
        self.looks += 1
        return what_is_wrong(self.status, self.failure, self.alerts)

    async def looked_at(self, times: int) -> None:
        """So many times from now on."""
        until = self.looks + times
        async with asyncio.timeout(20):
            while self.looks < until:  # noqa: ASYNC110  (looks have no event of their own)
                await asyncio.sleep(0.001)


@pytest.fixture
async def engine(outside: Outside) -> AsyncIterator[Engine]:
    """One that vouches for itself a hundred times a second."""
    own = Engine()
    switch = dead_man_switch(AlertSettings())
    vouching = Vouching(switch, 0.01, trouble=own.trouble, incident=lambda kind, text: own.told.append((kind, text)))
    vouching.start()
    await outside.next()
    yield own
    await vouching.stop()
    looks = own.looks
    await asyncio.sleep(0.05)
    assert own.looks == looks, "a session that has ended vouches for nothing"


def spoilt(engine: Engine) -> dict[str, Callable[[], None]]:
    """Everything that must not be vouched for, by its words."""
    tape = TapeView(provider="BRFG", state=LinkState.DOWN, heard=0, missed=9, delay_s=0.0)

    def status(changed: EngineStatus) -> Callable[[], None]:
        return lambda: setattr(engine, "status", changed)

    return {
        "no gateway": status(health(socket=LinkState.DOWN)),
        "the gateway has lost IB": status(health(broker=LinkState.DOWN)),
        "broken farms: usfarm": status(health(farms={"usfarm": LinkState.DOWN})),
        "another session": status(health(competing_session=True)),
        "a news tape is not heard": status(replace(WELL, tapes=(tape,))),
        "the services stand still": status(replace(WELL, lags_s={"beat": 20.0})),
        "the disk": lambda: setattr(engine, "failure", "the disk"),
        "not accepted": lambda: setattr(engine, "alerts", "alerts by 1 (JSON): not accepted"),
    }


async def test_nobody_is_pinged_while_something_is_not_well(engine: Engine, outside: Outside) -> None:
    """Engine, gateway, feeds, the way of alerts: each alone ends the pings, and they go on once it is mended."""
    for words, spoil in spoilt(engine).items():
        spoil()
        assert engine.trouble().startswith(words) or words in engine.trouble()
        await engine.looked_at(2)  # a ping may have been on its way
        pings = outside.pings
        await engine.looked_at(3)
        assert outside.pings == pings, words
        engine.status, engine.failure, engine.alerts = WELL, "", ""
        await outside.next()


async def test_a_switch_that_does_not_take_it_is_told_once_without_its_address(
    engine: Engine, outside: Outside, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A refusal and a redirect, which is not followed: it will raise an alarm by itself, and a person knows why."""
    with caplog.at_level(logging.DEBUG):
        for status in (500, 302):
            outside.status = status
            await outside.next()
            await engine.looked_at(3)
    assert engine.told == [
        ("dead man's switch", f"it cannot be reached (status {status}) and will raise an alarm")
        for status in (500, 302)
    ]
    said = capfd.readouterr()
    assert SECRET not in f"{caplog.text}{said.out}{said.err}{engine.told}"


async def test_an_address_that_nobody_listens_at_is_a_failure_in_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the failure nor the switch shows the address."""
    monkeypatch.setenv("MOMENTUM_KIT_DEAD_MAN_URL", f"http://localhost:1/{SECRET}")
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", "json://127.0.0.1:1/")
    switch = dead_man_switch(AlertSettings())
    assert switch is not None
    assert SECRET not in repr(switch)
    assert await switch.ping() == "ClientConnectorError"
    await switch.close()


@pytest.mark.parametrize(
    "address",
    ["http://hc.example/SECRET", "ftp://127.0.0.1/SECRET", "SECRET", "https:///SECRET", "http://[::1/SECRET",
     "https://hc.example/SEC RET", "http://127.0.0.1.evil.example/SECRET", "http://localhost@evil.example/SECRET"],
)  # fmt: skip
def test_an_address_that_is_not_private_is_refused_without_being_shown(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Https to anywhere, http to this machine alone; else whoever listens between could say that all is well."""
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", "json://127.0.0.1:1/")
    monkeypatch.setenv("MOMENTUM_KIT_DEAD_MAN_URL", address)
    with pytest.raises(ConfigError, match="MOMENTUM_KIT_DEAD_MAN_URL: an https address") as caught:
        dead_man_switch(AlertSettings())
    assert "SEC" not in str(caught.value)


@pytest.mark.parametrize("address", ["https://hc.example/a", "http://[::1]:80/a", "http://127.9.9.9/a"])
def test_a_private_address_is_taken(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a way for alerts to vouch for."""
    monkeypatch.setenv("MOMENTUM_KIT_DEAD_MAN_URL", address)
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", "")
    with pytest.raises(ConfigError, match="MOMENTUM_KIT_ALERT_URLS is not"):
        dead_man_switch(AlertSettings())
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", "json://127.0.0.1:1/")
    assert dead_man_switch(AlertSettings()) is not None
    monkeypatch.delenv("MOMENTUM_KIT_DEAD_MAN_URL")
    assert dead_man_switch(AlertSettings()) is None


def test_a_setting_names_no_other_secret() -> None:
    """The address of a switch is asked of its own variable, and of no other."""
    with pytest.raises(ValueError, match="MOMENTUM_KIT_DEAD_MAN_"):
        AlertSettings(dead_man_env="MOMENTUM_KIT_ALERT_URLS")
