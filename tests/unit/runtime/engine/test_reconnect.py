"""How long a gateway that is away is asked for."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from momentum_kit.config import RiskSettings
from momentum_kit.runtime.engine.reconnect import Patience

NEW_YORK = ZoneInfo("America/New_York")


class Away:
    """A gateway that is away from a moment on, and the time that passes."""

    def __init__(self, since: str) -> None:
        self.began = datetime.fromisoformat(since).replace(tzinfo=NEW_YORK)
        self.seconds = 0.0
        self.told: list[str] = []
        self.patience = Patience(
            300.0,
            windows=RiskSettings().maintenance,
            now=lambda: self.began.astimezone(ZoneInfo("UTC")) + timedelta(seconds=self.seconds),
            told=self.told.append,
            elapsed=lambda: self.seconds,
        )

    def minutes_until_over(self) -> float:
        """Asked every two seconds."""
        while not self.patience.over:
            self.seconds += 2
        return self.seconds / 60


def test_in_the_day_it_is_the_usual_time() -> None:
    """And nothing is said of maintenance."""
    away = Away("2026-11-25 11:00")
    assert (away.minutes_until_over(), away.told) == (5, [])


def test_in_a_window_it_is_the_windows_length_and_the_usual_time() -> None:
    """The nightly one, the weekend's, and one that begins while it is waited: told once each, with its end."""
    for since, minutes, until in (
        ("2026-11-25 00:20", 85 + 5, "Wednesday 01:45"),
        ("2026-11-27 23:10", 230 + 5, "Saturday 03:00"),
        ("2026-11-25 00:12", 93 + 5, "Wednesday 01:45"),
    ):
        away = Away(since)
        assert abs(away.minutes_until_over() - minutes) < 0.1
        (text,) = away.told
        assert f"waited for until {until} New York" in text


def test_just_before_a_window_it_is_the_usual_time() -> None:
    """What is away for another reason is given up before the window begins."""
    assert Away("2026-11-25 00:09").minutes_until_over() == 5
