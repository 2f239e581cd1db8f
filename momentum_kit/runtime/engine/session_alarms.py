"""Looks at a running session between its beats and tells a human what no service would: alerts of the whole."""

from datetime import datetime, timedelta

from momentum_kit.config import Config
from momentum_kit.external import Window, next_windows
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.session import Session
from momentum_kit.sessions import exchange_day, in_words, next_session

UNPROTECTED_S = 5.0  # without a stop; before that it may be a fill on its way
CALENDAR_EVERY = timedelta(minutes=1)


class SessionAlarms:
    """Each finding is told once: a day's loss, a position without a stop, the gateway's own restarts."""

    def __init__(self, config: Config, session_state: SessionState) -> None:
        self._config = config
        self._session_state = session_state
        self._calendar_at: datetime | None = None
        self._bare: dict[str, datetime] = {}  # symbol to when it was first seen without a stop
        self._told: set[object] = set()

    def look(self, session: Session, now: datetime, until: datetime | None = None) -> None:
        """Between two beats, at `now` of market time; until: when the session is told to end."""
        self._protection(session.unprotected, now)
        self._loss(session.day_pnl_usd, now)
        reminds = self._config.alerts.remind_before_s > 0
        if reminds and (self._calendar_at is None or now - self._calendar_at >= CALENDAR_EVERY):
            self._calendar_at = now
            for window in next_windows(now):
                self._remind(window, now)
                if until is not None and window.needs_a_person:
                    self._remind_before_the_end(window, now, until)

    def _protection(self, unprotected: tuple[str, ...], now: datetime) -> None:
        for symbol in self._bare.keys() - set(unprotected):
            self._session_state.settle(f"naked {symbol}", f"{symbol} is covered again, or no longer held")
        self._bare = {symbol: self._bare.get(symbol, now) for symbol in unprotected}
        self._told -= {each for each in self._told if isinstance(each, str) and each not in self._bare}
        for symbol, since in self._bare.items():
            seconds = (now - since).total_seconds()
            if seconds >= UNPROTECTED_S and symbol not in self._told:
                self._told.add(symbol)
                self._session_state.call(
                    f"naked {symbol}", f"{symbol}: held without a stop for {seconds:.0f} s; look at once"
                )

    def _loss(self, pnl_usd: float, now: datetime) -> None:
        limit, day = self._config.risk.max_daily_loss_usd, exchange_day(now)
        if pnl_usd <= -limit and day not in self._told:
            self._told.add(day)
            self._session_state.alarm(
                "daily loss", f"{pnl_usd:+.2f} USD: the day's limit of {limit:g} is reached, no entries"
            )

    def _remind(self, window: Window, now: datetime) -> None:
        soon = now >= window.starts_at - timedelta(seconds=self._config.alerts.remind_before_s)
        if soon and window not in self._told:
            self._told.add(window)
            when = in_words(window.starts_at, "%Y-%m-%d %H:%M")
            text = f"{window.kind} of the gateway at {when}: {window.advice}"
            if window.needs_a_person:
                self._session_state.page("log-in due", text)
            else:
                self._session_state.send("warning", text)

    def _remind_before_the_end(self, window: Window, now: datetime, until: datetime) -> None:
        """A log-in that falls between this session and the next: nobody would be there to remind of it in time."""
        ahead = timedelta(seconds=self._config.alerts.remind_before_s)
        if now < until - ahead or window.starts_at - ahead < until or ("last word", window) in self._told:
            return
        following = next_session(exchange_day(until), self._config.calendar)
        if window.starts_at < following.open:
            self._told.add(("last word", window))
            when, opens = (in_words(at, "%A %H:%M") for at in (window.starts_at, following.open))
            self._session_state.send(
                "warning",
                f"{window.kind} of the gateway from {when} on: {window.advice}, before the session of {opens}",
            )
