"""Regular and extended hours of US stocks: what IB lists, when an order may trade and when a DAY order dies."""

from datetime import datetime, timedelta

from momentum_kit.sessions import TradingSession, exchange_day, session_on

PRE_MARKET = timedelta(hours=5, minutes=30)  # 04:00 before an opening at 09:30
AFTER_HOURS = timedelta(hours=4)  # to 20:00; to 17:00 on a half day


def hours(session: TradingSession, extended: bool) -> tuple[datetime, datetime]:
    """First and last moment of a session's regular or extended hours."""
    if extended:
        return session.open - PRE_MARKET, session.close + AFTER_HOURS
    return session.open, session.close


def _running_or_next(at: datetime, extended: bool) -> tuple[datetime, datetime]:
    day = exchange_day(at)
    while True:
        session = session_on(day)
        if session is not None:
            start, end = hours(session, extended)
            if at < end:
                return start, end
        day += timedelta(days=1)


def may_trade(at: datetime, extended: bool) -> bool:
    """Whether an order trades at this instant; `extended` includes pre-market and after-hours."""
    session = session_on(exchange_day(at))
    if session is None:
        return False
    start, end = hours(session, extended)
    return start <= at < end


def next_start(at: datetime, extended: bool) -> datetime:
    """`at` if the hours are running, else when they next begin."""
    return max(at, _running_or_next(at, extended)[0])


def day_end(at: datetime, extended: bool) -> datetime:
    """When a DAY order placed at `at` dies: the end of the running hours, or of the next ones."""
    return _running_or_next(at, extended)[1]


def schedule(start: datetime, end: datetime, *, use_rth: bool) -> list[tuple[datetime, datetime]]:
    """Opening and closing of every session that begins in [start, end], aware."""
    day, spans = exchange_day(start), []
    while day <= exchange_day(end):
        session = session_on(day)
        if session is not None:
            spans.append(hours(session, extended=not use_rth))
        day += timedelta(days=1)
    return spans
