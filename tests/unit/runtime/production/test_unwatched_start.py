"""The start of a session that nobody watches, with starts that fail as they do and a phone that takes what is sent."""

import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.config import Config, load_config
from momentum_kit.errors import EngineError, GuardRefused, MomentumKitError, NotebookError
from momentum_kit.runtime.engine import EngineProcess
from momentum_kit.runtime.production import unwatched_start
from momentum_kit.runtime.production.interrupts import TOLD_TO_STOP, Interrupts
from momentum_kit.runtime.production.unwatched_start import UnwatchedStart
from tests.helpers.alert_receiver import Receiver

ROOT = Path(__file__).resolve().parents[4]
# some of Apprise's plugins still import modules that Python 3.13 has dropped; it catches that itself
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated and slated for removal:DeprecationWarning")
AWAY = "nobody listens at 127.0.0.1:4002"


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Receiver]:
    """What a person is sent."""
    receiver = Receiver()
    monkeypatch.setenv("MOMENTUM_KIT_ALERT_URLS", receiver.address)
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(unwatched_start, "AGAIN_S", 0.02)
    monkeypatch.setattr(unwatched_start, "LOOK_S", 0.01)
    yield receiver
    receiver.close()


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    """Of this process."""
    with Interrupts() as entered:
        yield entered


def settings(alarm_s: float = 0.2, patience_s: float = 30.0) -> Config:
    """The simulated gateway's, whose clock is not the wall's."""
    changes = {"alerts.reconnect_alarm_s": alarm_s, "broker.reconnect_timeout_s": patience_s}
    return load_config(ROOT / "config" / "sim.yaml", changes)


def away() -> MomentumKitError:
    """As start_engine tells of a gateway that does not answer."""
    error = EngineError(AWAY)
    error.exit_status = 2
    return error


class Starts:
    """`start`, which fails so often with an error and gives an engine then."""

    def __init__(self, failures: int, error: Any = away) -> None:
        self.calls = 0
        self.engine = EngineProcess.__new__(EngineProcess)  # handed on and never looked at
        self._failures, self._error = failures, error

    def __call__(self) -> EngineProcess:
        """One attempt."""
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error()
        return self.engine


def begin(starts: Starts, interrupts: Interrupts, config: Config, until: str = "") -> tuple[EngineProcess, list[str]]:
    """The engine, and what stderr was told."""
    said: list[str] = []
    start = UnwatchedStart(config, until=until, interrupts=interrupts, say=said.append)
    return start(starts), said


def texts(phone: Receiver) -> list[str]:
    """What came, oldest first."""
    return [text for _, text in phone.taken]


def test_a_gateway_that_restarts_calls_nobody(phone: Receiver, interrupts: Interrupts) -> None:
    """Away for less than `alerts.reconnect_alarm_s`: one line on stderr, and the session begins."""
    starts = Starts(3)
    engine, said = begin(starts, interrupts, settings(alarm_s=60))
    assert (engine, starts.calls, texts(phone)) == (starts.engine, 4, [])
    assert said == [f"{AWAY}; it is waited for"]


def test_a_late_log_in_is_asked_for_once_and_its_end_is_told(phone: Receiver, interrupts: Interrupts) -> None:
    """Whoever is called for the log-in hears when it is done; the session begins with it."""
    begin(Starts(30), interrupts, settings(alarm_s=0.1))
    assert texts(phone) == [
        f"{AWAY}; the session waits: log in to the gateway, with the second factor",
        "over: the gateway is there, and the session begins",
    ]
    assert all(title.endswith(": page") for title in phone.titles)


def test_a_log_in_that_was_missed_is_a_session_that_has_not_begun(phone: Receiver, interrupts: Interrupts) -> None:
    """After its patience it fails as it would have failed at once, and somebody is told."""
    starts = Starts(10_000)
    with pytest.raises(EngineError, match=AWAY) as failed:
        begin(starts, interrupts, settings(alarm_s=0.1, patience_s=0.5))
    assert failed.value.exit_status == 2
    assert starts.calls > 3
    assert texts(phone)[-1] == f"no session has begun: {AWAY}"


def test_a_refusal_is_no_matter_of_patience(phone: Receiver, interrupts: Interrupts) -> None:
    """Not armed, another account, a latched kill: told at once, asked once."""
    starts = Starts(10_000, lambda: GuardRefused("live wants arming"))
    with pytest.raises(GuardRefused, match="arming"):
        begin(starts, interrupts, settings())
    assert (starts.calls, texts(phone)) == (1, ["no session has begun: live wants arming"])


def test_on_the_wall_a_gateway_is_waited_for_until_the_session_would_end(
    phone: Receiver, interrupts: Interrupts
) -> None:
    """By the end that the session is told, not by the patience of a reconnect."""
    config = load_config(ROOT / "config" / "paper.yaml", {"broker.reconnect_timeout_s": 0.01}, with_thresholds=False)
    starts = Starts(5)
    begin(starts, interrupts, config, "90m")
    assert starts.calls == 6
    ends_at = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    with pytest.raises(EngineError, match=AWAY):
        begin(Starts(10_000), interrupts, config, ends_at)


def test_whoever_waits_can_be_told_to_stop(phone: Receiver, interrupts: Interrupts) -> None:
    """SIGTERM ends the wait at once, as a session that was ended by a person: nobody is called for it."""
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with pytest.raises(NotebookError, match=TOLD_TO_STOP):
        begin(Starts(10_000), interrupts, settings(alarm_s=60))
    assert texts(phone) == []
