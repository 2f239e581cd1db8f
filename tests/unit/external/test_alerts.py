import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.config import AlertSettings
from momentum_kit.errors import ConfigError
from momentum_kit.external import make_alerts, next_windows, services_of
from momentum_kit.external.alerts import WAITING, AppriseAlerts, LogAlerts, Service
from momentum_kit.external.alerts_policy import AlertPolicy

# some of Apprise's plugins still import modules that Python 3.13 has dropped; it catches that itself
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated and slated for removal:DeprecationWarning")

SECRET = "T0pSecretPath"
NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@dataclass
class Webhook:
    """A real receiver; it can be held up and told to refuse."""

    url: str = ""
    status: int = 200
    received: list[dict[str, str]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        """One notification."""
        await self.open.wait()
        self.received.append(await request.json())
        self.came.set()
        return web.Response(status=self.status)


@pytest.fixture
async def webhook(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Webhook]:
    """A local webhook that the environment names as Apprise's json:// address, with a secret in its path."""
    hook = Webhook()
    hook.open.set()
    application = web.Application()
    application.add_routes([web.post(f"/{SECRET}", hook.take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"json://127.0.0.1:{runner.addresses[0][1]}/{SECRET}"
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", hook.url)
    yield hook
    hook.open.set()
    await runner.cleanup()


async def test_an_alert_reaches_a_webhook(webhook: Webhook) -> None:
    """Level and account are in the title, the text is the body, and close delivers what waits."""
    alerts = make_alerts(AlertSettings(), "DU1")
    alerts.send("critical", "AAPL: held without a stop")
    alerts.send("info", "below the least level")
    await asyncio.to_thread(alerts.close)
    (one,) = webhook.received
    assert one["message"] == "AAPL: held without a stop"
    assert one["title"] == "momentum_kit DU1: critical"
    assert one["type"] == "failure"


async def test_a_failing_service_is_told_without_its_address(
    webhook: Webhook, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither log lines, nor stdout, nor a repr carry any part of the address, and no secret is in the failure."""
    webhook.status = 500
    with caplog.at_level(logging.DEBUG):
        (service,) = services_of(AlertSettings())
        failure = await asyncio.to_thread(service.tell, "warning", "DU1", "text")
        alerts = make_alerts(AlertSettings(), "DU1")
        alerts.send("warning", "text")
        await asyncio.to_thread(alerts.close)
    assert failure == "not accepted"
    said = capfd.readouterr()
    assert SECRET not in f"{caplog.text}{said.out}{said.err}{service!r}{alerts!r}{vars(alerts)!r}{failure}"
    assert "json://" not in f"{service!r}{alerts!r}"


async def test_sending_never_waits_and_drops_are_counted(webhook: Webhook) -> None:
    """While a service hangs the engine goes on; what is too much is dropped, counted, and never raises."""
    webhook.open.clear()
    alerts = make_alerts(AlertSettings(), "DU1")
    assert isinstance(alerts, AppriseAlerts)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for number in range(WAITING + 10):
        alerts.send("critical", f"number {number}")
    assert loop.time() - started < 1.0
    assert 9 <= alerts.dropped <= 10
    webhook.open.set()
    await webhook.came.wait()
    await asyncio.to_thread(alerts.close)
    assert len(webhook.received) == WAITING + 10 - alerts.dropped


def test_without_addresses_alerts_go_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, or an empty one: no thread, no library, just the log."""
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", "  ")
    before = threading.active_count()
    alerts = make_alerts(AlertSettings(), "DU1")
    alerts.send("critical", "text")
    alerts.close()
    assert isinstance(alerts, LogAlerts)
    assert threading.active_count() == before


def test_an_address_that_cannot_be_read_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session must not start with alerts that nobody will get; the error names variable and position only."""
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_OTHER", f"json://127.0.0.1:1 nonsense://{SECRET}")
    with pytest.raises(ConfigError, match="MOMENTUM_KIT_ALERT_OTHER: entry 2 of 2") as caught:
        services_of(AlertSettings(urls_env="MOMENTUM_KIT_ALERT_OTHER"))
    assert SECRET not in str(caught.value)


def test_a_service_with_a_bug_is_a_failed_delivery() -> None:
    """What a plugin raises is neither passed on nor shown, its type excepted."""

    class Broken:
        def notify(self, **_: object) -> bool:
            raise KeyError(SECRET)

    service = Service("1 (Broken)", Broken())  # type: ignore[arg-type]
    assert service.tell("info", "DU1", "text") == "the service failed with KeyError"


def test_the_same_text_is_held_back_and_counted() -> None:
    """Within the time apart a repeat is not sent; the next one afterwards says how many there were."""
    policy = AlertPolicy(AlertSettings(repeat_after_s=600))
    assert policy.passes("warning", "a", NOW) == "a"
    assert policy.passes("warning", "a", NOW + timedelta(seconds=1)) == ""
    assert policy.passes("critical", "a", NOW + timedelta(seconds=1)) == "a"
    assert policy.passes("warning", "b", NOW + timedelta(seconds=599)) == "b"
    assert policy.passes("warning", "a", NOW + timedelta(seconds=600)) == "a (and 1 times since 10:00 EST)"


@given(st.integers(0, 24 * 60 - 1))
def test_quiet_hours_span_midnight_and_let_critical_pass(minute: int) -> None:
    """From 22:00 to 07:00 New York time only what is critical is sent."""
    policy = AlertPolicy(AlertSettings(quiet_from="22:00", quiet_until="07:00"))
    at = datetime(2026, 11, 20, 5, 0, tzinfo=UTC) + timedelta(minutes=minute)  # midnight in New York and on
    hour = minute // 60
    assert bool(policy.passes("warning", "a", at)) is (7 <= hour < 22)
    assert policy.passes("critical", "a", at) == "a"


@pytest.mark.parametrize(
    "keys", [{"quiet_from": "22:00"}, {"quiet_from": "25:00", "quiet_until": "07:00"}, {"quiet_zone": "Mars/Base"}]
)
def test_quiet_hours_are_checked(keys: dict[str, str]) -> None:
    """Half a pair, an hour that does not exist and an unknown zone are refused."""
    with pytest.raises(ValueError, match="quiet"):
        AlertSettings.model_validate(keys)


def test_the_next_windows_of_a_weekend() -> None:
    """Friday evening: weekend reset, then Sunday's nightly one and the log-in, in New York time, earliest first."""
    friday = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
    weekend, nightly, log_in = next_windows(friday)
    assert (weekend.kind, weekend.starts_at.isoformat()) == ("weekend reset", "2026-11-21T04:00:00+00:00")
    assert (nightly.kind, nightly.starts_at.isoformat()) == ("nightly reset", "2026-11-22T05:15:00+00:00")
    assert (log_in.kind, log_in.starts_at.isoformat()) == ("weekly log-in", "2026-11-22T06:00:00+00:00")
    assert "second factor" in log_in.advice


@given(st.integers(0, 2 * 365 * 24 * 60))
def test_windows_are_always_three_and_not_over(minutes: int) -> None:
    """Whenever asked, in summer time and on its borders: one of each kind, none over, the log-in within a week."""
    at = NOW + timedelta(minutes=minutes)
    windows = next_windows(at)
    assert {window.kind for window in windows} == {"nightly reset", "weekend reset", "weekly log-in"}
    assert all(window.ends_at >= at and window.ends_at >= window.starts_at for window in windows)
    assert all(window.starts_at - at <= timedelta(days=7, hours=1) for window in windows)
    assert list(windows) == sorted(windows, key=lambda window: window.starts_at)


def test_settings_name_a_variable_and_never_an_address() -> None:
    """What is dumped into a report or a log carries no address."""
    assert "://" not in json.dumps(AlertSettings().model_dump())
