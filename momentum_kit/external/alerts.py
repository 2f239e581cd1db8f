"""Tells a human: all goes to the log, pages and digests by Apprise to chat, mail or webhook where one is named."""

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import structlog

from momentum_kit.config import AlertSettings
from momentum_kit.errors import ConfigError
from momentum_kit.external.alerts_policy import LEVELS, AlertPolicy, Message
from momentum_kit.plain_text import plain_text

if TYPE_CHECKING:
    from apprise import NotifyBase

LOOK_S = 0.5  # wall seconds between two looks for what is due
SLOW_S = 30.0  # a service that takes longer for one message is no way to reach anybody
CLOSE_TIMEOUT_S = 10.0  # for what is still waiting when the session ends
CHATTY = ("apprise", "urllib3", "requests")  # their lines can carry addresses, and an address is a secret

_CALLS = re.compile(r"@(?=\w)|<(?=[!@#])")  # a chat would call everybody: @everyone, <!channel>

log = structlog.get_logger("alerts")


class ClosingAlerts(Protocol):
    """ports.Alerts with an end."""

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical; for the digest. Never raises, never blocks."""
        ...

    def page(self, matter: str, text: str, *, told: bool = False) -> None:
        """Call somebody, now and again; told: the first call was made by somebody else. Never raises, never blocks."""
        ...

    def settle(self, matter: str, text: str = "") -> None:
        """What somebody was called for is over."""
        ...

    @property
    def pending(self) -> bool:
        """Somebody will be called again."""
        ...

    @property
    def trouble(self) -> str:
        """Why nobody may be reached; empty where the last message was taken by every service."""
        ...

    def close(self) -> None:
        """Deliver what waits, for a bounded time."""
        ...


class LogAlerts:
    """The Alerts port on the structured log."""

    pending = False
    trouble = "no address for alerts is set"

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical."""
        log.log(LEVELS[level], plain_text(text))

    def page(self, matter: str, text: str, *, told: bool = False) -> None:
        """As critical."""
        log.critical(plain_text(text), matter=matter, told=told)

    def settle(self, matter: str, text: str = "") -> None:
        """As news, which calls nobody."""
        log.info(plain_text(text) or "over", matter=matter)

    def close(self) -> None:
        """Nothing waits."""


class AppriseAlerts:
    """The Alerts port on a thread of its own; addresses never reach a log, a repr or a traceback.

    acknowledged(): when a person last said that the pages were heard; None: never.
    """

    def __init__(
        self,
        services: "tuple[Service, ...]",
        settings: AlertSettings,
        *,
        account: str,
        acknowledged: Callable[[], datetime | None],
    ) -> None:
        self._services = services
        self._policy = AlertPolicy(settings)
        self._asking = threading.Lock()
        self._account = account
        self._acknowledged = acknowledged
        self._failure = ""
        self._telling_since: float | None = None  # monotonic, of the message that is on its way
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<AppriseAlerts to {len(self._services)} services>"

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical; for the digest. Never raises, never blocks."""
        log.log(LEVELS[level], text)
        with self._asking:
            self._policy.note(level, text, datetime.now(UTC))

    def page(self, matter: str, text: str, *, told: bool = False) -> None:
        """Call somebody, now and again; never raises, never blocks."""
        log.critical(text, matter=matter)
        with self._asking:
            self._policy.page(matter, text, datetime.now(UTC), told=told)
        self._wake.set()

    def settle(self, matter: str, text: str = "") -> None:
        """What somebody was called for is over."""
        with self._asking:
            self._policy.settle(matter, text)
        self._wake.set()

    @property
    def pending(self) -> bool:
        """Somebody will be called again."""
        with self._asking:
            return self._policy.pending

    @property
    def trouble(self) -> str:
        """Why nobody may be reached: the last message was not taken, or is on its way for too long."""
        since = self._telling_since
        if since is not None and time.monotonic() - since >= SLOW_S:
            return f"an alert is on its way for over {SLOW_S:.0f} s"
        return self._failure

    def close(self) -> None:
        """Deliver what waits, for at most CLOSE_TIMEOUT_S."""
        self._closing = True
        self._wake.set()
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("alerts not delivered")

    def _run(self) -> None:
        while True:
            self._wake.wait(LOOK_S)
            self._wake.clear()
            last = self._closing
            acknowledged = self._acknowledged() if self.pending else None
            with self._asking:
                messages = self._policy.due(datetime.now(UTC), acknowledged, last=last)
            for message in messages:
                self._deliver(message)
            if last:
                return

    def _deliver(self, message: Message) -> None:
        failures = []
        for service in self._services:
            self._telling_since = time.monotonic()
            if failure := service.tell(message.level, self._account, message.text, message.kind):
                log.error("alert not delivered", service=service.name, failure=failure)
                failures.append(f"alerts by {service.name}: {failure}")
        self._telling_since = None
        self._failure = "; ".join(failures)


@dataclass(frozen=True, repr=False)
class Service:
    """One address of the environment variable; `name` is the only part of it that may be shown."""

    name: str
    _plugin: "NotifyBase"

    def __repr__(self) -> str:
        return f"<Service {self.name}>"

    def tell(self, level: str, account: str, text: str, title: str = "") -> str:
        """Deliver; why it failed, empty if it did not."""
        from apprise import NotifyFormat, NotifyType

        kind = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "critical": NotifyType.FAILURE}[level]
        try:
            # Said to be text: a service that shows HTML or Markdown is given it escaped, a headline's tags included.
            told = self._plugin.notify(
                body=_CALLS.sub(r"\g<0> ", plain_text(text)),
                title=f"momentum_kit {account}: {title or level}",
                notify_type=kind,
                body_format=NotifyFormat.TEXT,
            )
        except Exception as error:  # noqa: BLE001  (a plugin's own bug; its words may carry the address, its type not)
            return f"the service failed with {type(error).__name__}"
        return "" if told else "not accepted"


def services_of(settings: AlertSettings) -> tuple[Service, ...]:
    """The services that the environment names; ConfigError, without the address, for one that Apprise cannot read."""
    addresses = os.environ.get(settings.urls_env, "").split()
    if not addresses:
        return ()
    from apprise import Apprise

    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    services = []
    for number, address in enumerate(addresses, 1):
        # the plugin alone: Apprise.notify hands even a single one to a pool of threads that never end
        plugin = Apprise.instantiate(address, suppress_exceptions=True)
        if plugin is None:
            raise ConfigError(f"{settings.urls_env}: entry {number} of {len(addresses)} is no address Apprise knows")
        services.append(Service(f"{number} ({plugin.service_name})", plugin))
    return tuple(services)


def make_alerts(
    settings: AlertSettings, account: str, acknowledged: Callable[[], datetime | None] = lambda: None
) -> ClosingAlerts:
    """Log and services, or the log alone where the environment names none."""
    services = services_of(settings)
    return AppriseAlerts(services, settings, account=account, acknowledged=acknowledged) if services else LogAlerts()
