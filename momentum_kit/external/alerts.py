"""Tells a human: every alert goes to the log, and by Apprise to chat, mail or webhook if the environment names one."""

import logging
import os
import queue
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import structlog

from momentum_kit.config import AlertSettings
from momentum_kit.errors import ConfigError
from momentum_kit.external.alerts_policy import LEVELS, AlertPolicy
from momentum_kit.plain_text import plain_text

if TYPE_CHECKING:
    from apprise import NotifyBase

WAITING = 200  # alerts on their way; more are dropped, counted, and in the log all the same
CLOSE_TIMEOUT_S = 10.0  # for what is still waiting when the session ends
CHATTY = ("apprise", "urllib3", "requests")  # their lines can carry addresses, and an address is a secret

_CALLS = re.compile(r"@(?=\w)|<(?=[!@#])")  # a chat would call everybody: @everyone, <!channel>

log = structlog.get_logger("alerts")


class ClosingAlerts(Protocol):
    """ports.Alerts with an end."""

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical; never raises, never blocks."""
        ...

    def close(self) -> None:
        """Deliver what waits, for a bounded time."""
        ...


class LogAlerts:
    """The Alerts port on the structured log."""

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical."""
        log.log(LEVELS[level], text)

    def close(self) -> None:
        """Nothing waits."""


class AppriseAlerts:
    """The Alerts port on a thread of its own; addresses never reach a log, a repr or a traceback."""

    def __init__(self, services: "tuple[Service, ...]", settings: AlertSettings, account: str) -> None:
        self.dropped = 0
        self._services = services
        self._policy = AlertPolicy(settings)
        self._asking = threading.Lock()
        self._account = account
        self._waiting: queue.Queue[tuple[str, str] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._deliver, name="alerts", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<AppriseAlerts to {len(self._services)} services>"

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical; never raises, never blocks."""
        log.log(LEVELS[level], text)
        with self._asking:
            words = self._policy.passes(level, text, datetime.now(UTC))
        if not words:
            return
        try:
            self._waiting.put_nowait((level, words))
        except queue.Full:
            self.dropped += 1
            log.error("alert dropped: too many wait", dropped=self.dropped)

    def close(self) -> None:
        """Deliver what waits, for at most CLOSE_TIMEOUT_S."""
        deadline = time.monotonic() + CLOSE_TIMEOUT_S
        try:
            self._waiting.put(None, timeout=CLOSE_TIMEOUT_S)
        except queue.Full:
            log.error("alerts not delivered", waiting=self._waiting.qsize())
            return
        self._thread.join(max(0.0, deadline - time.monotonic()))
        if self._thread.is_alive():
            log.error("alerts not delivered", waiting=self._waiting.qsize())

    def _deliver(self) -> None:
        while (alert := self._waiting.get()) is not None:
            level, text = alert
            for service in self._services:
                if failure := service.tell(level, self._account, text):
                    log.error("alert not delivered", service=service.name, failure=failure)


@dataclass(frozen=True, repr=False)
class Service:
    """One address of the environment variable; `name` is the only part of it that may be shown."""

    name: str
    _plugin: "NotifyBase"

    def __repr__(self) -> str:
        return f"<Service {self.name}>"

    def tell(self, level: str, account: str, text: str) -> str:
        """Deliver; why it failed, empty if it did not."""
        from apprise import NotifyFormat, NotifyType

        kind = {"info": NotifyType.INFO, "warning": NotifyType.WARNING, "critical": NotifyType.FAILURE}[level]
        try:
            # Said to be text: a service that shows HTML or Markdown is given it escaped, a headline's tags included.
            told = self._plugin.notify(
                body=_CALLS.sub(r"\g<0> ", plain_text(text)),
                title=f"momentum_kit {account}: {level}",
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


def make_alerts(settings: AlertSettings, account: str) -> ClosingAlerts:
    """Log and services, or the log alone where the environment names none."""
    services = services_of(settings)
    return AppriseAlerts(services, settings, account) if services else LogAlerts()
