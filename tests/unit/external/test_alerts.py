import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.config import AlertSettings
from momentum_kit.errors import ConfigError
from momentum_kit.external import alerts as module
from momentum_kit.external import make_alerts, next_windows, services_of
from momentum_kit.external.alerts import LogAlerts, Service
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
    patience = "cto=60&rto=60"  # Apprise's own are four seconds, which a busy machine takes
    hook.url = f"json://127.0.0.1:{runner.addresses[0][1]}/{SECRET}?{patience}"
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", hook.url)
    yield hook
    hook.open.set()
    await runner.cleanup()


async def test_a_page_and_a_digest_reach_a_webhook(webhook: Webhook) -> None:
    """Account and kind are in the title, the text is the body; a close delivers what is collected."""
    alerts = make_alerts(AlertSettings(), "DU1")
    alerts.page("naked AAPL", "AAPL: held without a stop")
    await asyncio.wait_for(webhook.came.wait(), 60)
    alerts.send("critical", "the day's limit is reached")
    alerts.send("info", "below the least level")
    await asyncio.to_thread(alerts.close)
    page, digest = webhook.received
    assert (page["title"], page["message"]) == ("momentum_kit DU1: page", "AAPL: held without a stop")
    assert page["type"] == digest["type"] == "failure"
    assert digest["title"] == "momentum_kit DU1: digest"
    assert digest["message"].endswith("critical: the day's limit is reached")
    assert "below" not in digest["message"]


async def until(condition: Callable[[], object]) -> None:
    """Wait for it, for a while."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  (it is met on another thread)
            await asyncio.sleep(0.01)


async def test_who_cannot_be_reached_is_known(webhook: Webhook) -> None:
    """A message that a service does not take is a trouble, until one is taken again."""
    alerts = make_alerts(AlertSettings(digest_every_s=0.01), "DU1")
    assert alerts.trouble == ""
    webhook.status = 500
    alerts.send("warning", "one")
    await until(lambda: alerts.trouble == "alerts by 1 (JSON): not accepted")
    webhook.status = 200
    alerts.send("warning", "two")
    await until(lambda: not alerts.trouble)
    await asyncio.to_thread(alerts.close)


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


async def test_sending_never_waits(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a service hangs the engine goes on, and knows that nobody may be reached; nothing that waits is lost."""
    monkeypatch.setattr(module, "SLOW_S", 0.0)
    webhook.open.clear()
    alerts = make_alerts(AlertSettings(), "DU1")
    for number in range(500):  # it is answered by this very loop: who waited here would wait for a minute
        alerts.page("naked AAPL", f"number {number}")
        alerts.send("critical", f"number {number}")
    assert webhook.received == []
    await until(lambda: "on its way" in alerts.trouble)
    webhook.open.set()
    await asyncio.to_thread(alerts.close)
    page, digest = webhook.received
    assert page["title"].endswith("page")
    assert digest["message"].endswith("and 470 more, in the log")


def test_without_addresses_alerts_go_to_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable, or an empty one: no thread, no library, just the log."""
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", "  ")
    before = set(threading.enumerate())
    alerts = make_alerts(AlertSettings(), "DU1")
    alerts.send("critical", "text")
    alerts.close()
    assert isinstance(alerts, LogAlerts)
    assert set(threading.enumerate()) <= before  # one of an earlier test may end meanwhile


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


def said(policy: AlertPolicy, seconds: float, acknowledged: float | None = None, *, last: bool = False) -> list[str]:
    """Kind and text of what is due so many seconds after NOW."""
    heard = None if acknowledged is None else NOW + timedelta(seconds=acknowledged)
    return [f"{each.kind}: {each.text}" for each in policy.due(NOW + timedelta(seconds=seconds), heard, last=last)]


def test_a_page_is_sent_at_zero_two_and_ten_minutes() -> None:
    """With the words that stand by then, and never again."""
    policy = AlertPolicy(AlertSettings())
    policy.page("naked ABC", "ABC: without a stop for 5 s", NOW)
    assert said(policy, 0) == ["page: ABC: without a stop for 5 s"]
    assert said(policy, 119) == []
    policy.page("naked ABC", "ABC: without a stop for 100 s", NOW + timedelta(seconds=100))
    assert said(policy, 120) == ["page: ABC: without a stop for 100 s (again, 2 of 3, since 10:00 EST)"]
    assert policy.pending
    assert said(policy, 600) == ["page: ABC: without a stop for 100 s (again, 3 of 3, since 10:00 EST)"]
    assert not policy.pending
    assert said(policy, 86_400) == []


def test_an_acknowledgement_ends_the_repeats_of_what_was_paged_before() -> None:
    """What comes after it is paged as ever; what was said before a page is no answer to it."""
    policy = AlertPolicy(AlertSettings())
    policy.page("naked ABC", "ABC", NOW)
    assert said(policy, 0, acknowledged=-1) == ["page: ABC"]
    policy.page("naked DEF", "DEF", NOW + timedelta(seconds=40))
    assert said(policy, 60, acknowledged=30) == ["page: DEF"]
    assert said(policy, 640, acknowledged=30) == ["page: DEF (again, 3 of 3, since 10:00 EST)"]


def test_what_is_over_is_told_once_and_paged_no_more() -> None:
    """To whoever was paged; a matter that nobody was paged for needs no end."""
    policy = AlertPolicy(AlertSettings())
    policy.page("naked ABC", "ABC", NOW)
    said(policy, 0)
    for _ in range(2):
        policy.settle("naked ABC", "ABC is covered")
        policy.settle("naked XYZ", "XYZ is covered")
    assert said(policy, 5) == ["page: over: ABC is covered"]
    assert said(policy, 600) == []


def test_a_matter_that_comes_and_goes_is_one_matter() -> None:
    """It goes on where it stood; after ten minutes it is a new one."""
    policy = AlertPolicy(AlertSettings(repeat_after_s=600))
    for seconds in range(0, 60, 5):
        policy.page("naked ABC", "ABC", NOW + timedelta(seconds=seconds))
        policy.settle("naked ABC", "")
    policy.page("naked ABC", "ABC", NOW + timedelta(seconds=60))
    assert said(policy, 60) == ["page: ABC"]
    policy.settle("naked ABC", "")
    policy.page("naked ABC", "ABC", NOW + timedelta(seconds=601))
    assert said(policy, 601) == ["page: ABC"]


def test_a_page_that_somebody_else_has_sent_is_only_repeated() -> None:
    """A watchdog goes on where an engine that failed has left off."""
    policy = AlertPolicy(AlertSettings())
    policy.page("engine gone", "failed", NOW, told=True)
    assert said(policy, 0) == []
    assert said(policy, 120) == ["page: failed (again, 2 of 3, since 10:00 EST)"]


def test_everything_else_is_one_digest() -> None:
    """After half an hour or at the end, each text once with how often it came; nothing is sent where nothing came."""
    policy = AlertPolicy(AlertSettings())
    assert said(policy, 0, last=True) == []
    for text in ("a", "b", "a"):
        policy.note("warning", text, NOW)
    policy.note("info", "too little", NOW)
    assert said(policy, 1799) == []
    assert said(policy, 1800) == ["digest: since 10:00 EST:\nwarning: a (2 times)\nwarning: b"]
    policy.note("critical", "c", NOW + timedelta(seconds=1801))
    assert said(policy, 1802, last=True) == ["digest: since 10:30 EST:\ncritical: c"]


@given(st.integers(0, 24 * 60 - 1))
def test_quiet_hours_span_midnight_and_let_pages_pass(minute: int) -> None:
    """From 22:00 to 07:00 New York time only pages are sent, and what is collected waits."""
    policy = AlertPolicy(AlertSettings(quiet_from="22:00", quiet_until="07:00"))
    at = datetime(2026, 11, 20, 5, 0, tzinfo=UTC) + timedelta(minutes=minute)  # midnight in New York and on
    hour = minute // 60
    policy.note("critical", "a", at - timedelta(hours=1))
    policy.page("naked ABC", "ABC", at)
    kinds = [each.kind for each in policy.due(at, None)]
    assert kinds == (["page", "digest"] if 7 <= hour < 22 else ["page"])


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
