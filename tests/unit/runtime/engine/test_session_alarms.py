from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import cast

import pytest

from momentum_kit.config import AlertSettings, Config, RiskSettings
from momentum_kit.models import JournalRow
from momentum_kit.runtime.engine.session_alarms import SessionAlarms
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.session import Session
from momentum_kit.sessions import exchange_day

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


class Told:
    """Alerts, journal and clock in one: what a human was told."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.over: list[tuple[str, str]] = []
        self.matters: list[str] = []

    def send(self, level: str, text: str) -> None:
        """Keep it."""
        self.sent.append((level, text))

    def page(self, matter: str, text: str) -> None:
        """Keep it, as a level of its own."""
        self.matters.append(matter)
        self.sent.append(("page", text))

    def settle(self, matter: str, text: str = "") -> None:
        """Keep what somebody was called for."""
        self.over.append((matter, text))

    def write(self, row: JournalRow) -> None:
        """Nobody reads it here."""

    def now(self) -> datetime:
        """A standing clock."""
        return START


@dataclass
class Look:
    """What a watchman sees of a session."""

    unprotected: tuple[str, ...] = ()
    day_pnl_usd: float = 0.0

    def __call__(self, watchman: SessionAlarms, seconds: float) -> None:
        """One look, so many market seconds after the start."""
        watchman.look(cast(Session, self), START + timedelta(seconds=seconds))


@pytest.fixture
def told() -> Told:
    """Everything in one object."""
    return Told()


@pytest.fixture
def watchman(told: Told) -> SessionAlarms:
    """With a daily limit of 500 USD and reminders half an hour ahead."""
    config = Config(environment="sim", risk=RiskSettings(max_daily_loss_usd=500), alerts=AlertSettings())
    return SessionAlarms(config, SessionState(told, told, told))


def test_a_position_without_a_stop_is_told_once_it_lasts(watchman: SessionAlarms, told: Told) -> None:
    """A stop that is on its way is none; five seconds later a human is told, once for each time it happens."""
    bare, safe = Look(unprotected=("AAPL",)), Look()
    for seconds in (0, 2, 4):
        bare(watchman, seconds)
    assert told.sent == []
    for seconds in (5, 6, 60):
        bare(watchman, seconds)
    assert told.sent == [("page", "AAPL: held without a stop for 5 s; look at once")]
    safe(watchman, 61)
    assert told.over == [("naked AAPL", "AAPL is covered again, or no longer held")]
    assert told.matters == ["naked AAPL"]
    bare(watchman, 62)
    bare(watchman, 67)
    assert len(told.sent) == 2


def test_the_day_s_loss_is_told_once_a_day(watchman: SessionAlarms, told: Told) -> None:
    """At the limit and not before; the next day has its own."""
    Look(day_pnl_usd=-499.99)(watchman, 0)
    assert told.sent == []
    for seconds in (1, 2, 3):
        Look(day_pnl_usd=-500.0)(watchman, seconds)
    Look(day_pnl_usd=-600.0)(watchman, 24 * 3600)
    losses = [text for level, text in told.sent if level == "critical" and "limit of 500" in text]
    assert len(losses) == 2


def test_the_gateway_s_own_restarts_are_announced(watchman: SessionAlarms, told: Told) -> None:
    """Half an hour before each window, once; over a weekend that is the reset, the nightly one and the log-in."""
    look = Look()
    for minute in range(0, 3 * 24 * 60, 5):
        look(watchman, minute * 60)
    assert [text.partition(" of the gateway")[0] for _, text in told.sent] == [
        "weekend reset", "nightly reset", "weekly log-in", "nightly reset",
    ]  # fmt: skip
    assert "2026-11-20 23:00 EST" in told.sent[0][1]
    assert "by hand" in told.sent[2][1]
    assert [level for level, _ in told.sent] == ["warning", "warning", "page", "warning"]


def test_a_gateway_that_never_restarts_is_announced_by_nobody(told: Told) -> None:
    """No time ahead is no reminder: a simulated gateway wants no log-in."""
    config = Config(environment="sim", alerts=AlertSettings(remind_before_s=0))
    quiet, look = SessionAlarms(config, SessionState(told, told, told)), Look()
    for minute in range(0, 3 * 24 * 60, 5):
        look(quiet, minute * 60)
    assert told.sent == []


def test_a_log_in_that_no_session_will_see_is_told_before_the_session_ends(watchman: SessionAlarms, told: Told) -> None:
    """On Friday half an hour before the end, once, with the session that needs it; it calls nobody yet."""
    until = START.replace(hour=20, minute=55)
    for minute in range(6 * 60):
        now = START + timedelta(minutes=minute)
        watchman.look(cast(Session, Look()), now, until)
        assert bool(told.sent) is (now >= until - timedelta(minutes=30))
    ((level, text),) = told.sent
    assert level == "warning"
    assert "weekly log-in of the gateway from Sunday 01:00 EST on: log in to the gateway by hand" in text
    assert "before the session of Monday 09:30 EST" in text


@pytest.mark.parametrize(
    ("starts_at", "until"),
    [
        (START - timedelta(days=1), START - timedelta(hours=18)),  # Thursday: Friday's session comes first
        (START, START + timedelta(days=4)),  # over the weekend: it is paged when it is due
    ],
)
def test_a_log_in_is_told_by_the_last_session_before_it_alone(
    watchman: SessionAlarms, told: Told, starts_at: datetime, until: datetime
) -> None:
    """Neither a day too early, nor by a session that is there when the log-in is due."""
    while starts_at < until and exchange_day(starts_at) < date(2026, 11, 22):
        watchman.look(cast(Session, Look()), starts_at, until)
        starts_at += timedelta(minutes=5)
    assert not [text for _, text in told.sent if "before the session of" in text]
