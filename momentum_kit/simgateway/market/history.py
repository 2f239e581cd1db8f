"""Historical bars and ticks from the tape and from earlier sessions, refused where IB refuses."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from momentum_kit.models import Bar
from momentum_kit.sessions import NEW_YORK, TradingSession, exchange_day, session_on
from momentum_kit.simgateway.events import QuoteEvent, TradeEvent
from momentum_kit.simgateway.market.tape import BarSeries, DayTape, Floats, Ints, TapeSource, to_ms
from momentum_kit.simgateway.trading_hours import hours

BAR_SIZES = {
    "1 secs": 1,
    "5 secs": 5,
    "10 secs": 10,
    "15 secs": 15,
    "30 secs": 30,
    "1 min": 60,
    "2 mins": 120,
    "3 mins": 180,
    "5 mins": 300,
    "10 mins": 600,
    "15 mins": 900,
    "20 mins": 1200,
    "30 mins": 1800,
    "1 hour": 3600,
    "1 day": 86_400,
}
SHOWN_AS_BARS = ("TRADES", "MIDPOINT", "BID", "ASK")
SHOWN_AS_TICKS = ("TRADES", "BID_ASK", "MIDPOINT")
MOST_TICKS = 1000
# Longest request per bar size in seconds; IB keeps no limit from 1 min upwards.
# https://interactivebrokers.github.io/tws-api/historical_limitations.html
LONGEST_S = {1: 2000, 5: 7200, 10: 14_400, 15: 14_400, 30: 28_800}
SERVICE = "Historical Market Data Service error message:"


class HistoryError(Exception):
    """A history request IB would refuse: its error code and its words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRequest:
    """A validated request: bars of `seconds` that start in [start, end), both ms since 1970 UTC."""

    start_ms: int
    end_ms: int
    seconds: int
    what: str
    use_rth: bool

    @classmethod
    def parse(cls, end: datetime, duration: str, bar_size: str, what: str, *, use_rth: bool) -> "BarRequest":
        """HistoryError where IB would not even try."""
        if bar_size not in BAR_SIZES:
            raise HistoryError(
                321,
                f"Error validating request.-'bx' : cause - Historical data bar size setting is invalid. "
                f"Legal ones are: {', '.join(BAR_SIZES)}",
            )
        if what not in SHOWN_AS_BARS:
            raise HistoryError(321, f"Error validating request.-'bx' : cause - What to show {what} is not supported")
        seconds = BAR_SIZES[bar_size]
        found = re.fullmatch(r"(\d+) ([SDWMY])", duration)
        if not found or not int(found[1]):
            raise HistoryError(
                321,
                "Error validating request.-'bx' : cause - Historical data query end date/time string is invalid."
                if not duration
                else f"Error validating request.-'bx' : cause - Invalid duration format: {duration}",
            )
        start = _start(end, int(found[1]), found[2])
        longest = LONGEST_S.get(seconds)
        if longest and (found[2] != "S" or int(found[1]) > longest):
            raise HistoryError(162, f"{SERVICE}Time length exceed max.")
        if found[2] == "S" and int(found[1]) > 86_400:
            raise HistoryError(
                321,
                "Error validating request.-'bx' : cause - Historical data requests for durations longer than "
                "86400 seconds must be made in days.",
            )
        return cls(start_ms=to_ms(start), end_ms=to_ms(end), seconds=seconds, what=what, use_rth=use_rth)


def _start(end: datetime, amount: int, unit: str) -> datetime:
    if unit == "S":
        return end - timedelta(seconds=amount)
    if unit == "D":
        return _sessions_back(end, amount)
    days = {"W": 7, "M": 30, "Y": 365}[unit] * amount
    # Whole days: the first one is served from its beginning.
    local = end.astimezone(NEW_YORK) - timedelta(days=days)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _sessions_back(end: datetime, amount: int) -> datetime:
    """Midnight (New York) of the first of the last `amount` exchange days up to end."""
    day = (end - timedelta(milliseconds=1)).astimezone(NEW_YORK).date()
    while True:
        if session_on(day):
            amount -= 1
        if amount == 0:
            return datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
        day -= timedelta(days=1)


def bars(source: TapeSource, con_id: int, today: date, now: datetime, request: BarRequest) -> list[Bar]:
    """What IB would send: oldest first, never beyond now; HistoryError 162 for nothing."""
    end_ms = min(request.end_ms, to_ms(now) + 1)
    columns = []
    for day in (*source.earlier_days, today):
        session = session_on(day)
        if session is None or not _touches(session, request.start_ms, end_ms):
            continue
        if day == today or request.seconds < 60:
            tape = source.tape(con_id, day)
            found = _from_tape(tape, session, request, end_ms) if tape else None
        else:
            minutes = _minutes(source, con_id, day, request.what)
            found = _merged(_within(minutes, session, request, end_ms), session, request) if minutes else None
        if found is not None and len(found):
            columns.append(found)
    if not columns:
        raise HistoryError(162, f"{SERVICE}HMDS query returned no data")
    return [bar for part in columns for bar in _to_bars(part, request.seconds)]


def _touches(session: TradingSession, start_ms: int, end_ms: int) -> bool:
    midnight = to_ms(datetime(session.day.year, session.day.month, session.day.day, tzinfo=NEW_YORK))
    return midnight < end_ms and midnight + 86_400_000 > start_ms


def _bounds(session: TradingSession, request: BarRequest, end_ms: int) -> tuple[int, int]:
    # Bars stand on the clock: a request that begins inside one gets the whole of it.
    start, end = int(_starts(np.array([request.start_ms]), session, request.seconds)[0]), end_ms
    if request.use_rth or request.seconds == 86_400:
        start, end = max(start, to_ms(session.open)), min(end, to_ms(session.close))
    return start, end


def _within(minutes: BarSeries, session: TradingSession, request: BarRequest, end_ms: int) -> BarSeries:
    start, end = _bounds(session, request, end_ms)
    return minutes.rows((minutes.start_ms >= start) & (minutes.start_ms < end))


def _minutes(source: TapeSource, con_id: int, day: date, what: str) -> BarSeries | None:
    if what != "MIDPOINT":
        return source.minutes(con_id, day, what)
    bid, ask = source.minutes(con_id, day, "BID"), source.minutes(con_id, day, "ASK")
    if bid is None or ask is None:
        return None
    opened, high, low, close = (
        (getattr(bid, name) + getattr(ask, name)) / 2 for name in ("open", "high", "low", "close")
    )
    return BarSeries.of_quotes(bid.start_ms, opened, high, low, close)


def _starts(ms: Ints, session: TradingSession, seconds: int) -> Ints:
    """Start of the bar that holds each ms: on the clock, but never before the open inside the session.

    So the first hour of the day is a bar of 09:30 to 10:00, as recorded from IB.
    """
    opened, midnight = to_ms(session.open), _midnight(session)
    if seconds == 86_400:
        return np.full(len(ms), opened, dtype=np.int64)
    starts = midnight + (ms - midnight) // (seconds * 1000) * (seconds * 1000)
    return np.where(ms >= opened, np.maximum(starts, opened), starts)


def _midnight(session: TradingSession) -> int:
    return to_ms(datetime(session.day.year, session.day.month, session.day.day, tzinfo=NEW_YORK))


def _merged(minutes: BarSeries, session: TradingSession, request: BarRequest) -> BarSeries:
    if request.seconds == 60 or not len(minutes):
        return minutes
    starts, first = np.unique(_starts(minutes.start_ms, session, request.seconds), return_index=True)
    last = np.r_[first[1:], len(minutes)] - 1
    trades = request.what == "TRADES"
    volume = np.add.reduceat(minutes.volume, first)
    value = np.add.reduceat(minutes.wap * minutes.volume, first)
    nothing = np.full(len(first), -1.0)
    return BarSeries(
        starts,
        minutes.open[first],
        np.maximum.reduceat(minutes.high, first),
        np.minimum.reduceat(minutes.low, first),
        minutes.close[last],
        volume if trades else nothing,
        np.round(value / np.maximum(volume, 1), 4) if trades else nothing,
        np.add.reduceat(minutes.count, first) if trades else nothing.astype(np.int64),
    )


def _from_tape(tape: DayTape, session: TradingSession, request: BarRequest, end_ms: int) -> BarSeries:
    start, end = _bounds(session, request, end_ms)
    if request.what == "TRADES":
        low, high = np.searchsorted(tape.trade_ms, [start, end])
        return trade_bars(tape, slice(int(low), int(high)), session, request.seconds)
    price = {"BID": tape.bid, "ASK": tape.ask, "MIDPOINT": (tape.bid + tape.ask) / 2}[request.what]
    return _quote_bars(tape.quote_ms, price, (start, end), session, request.seconds)


def trade_bars(tape: DayTape, rows: slice, session: TradingSession, seconds: int) -> BarSeries:
    """TRADES bars of a stretch of a tape's prints; an interval without one has no bar."""
    ms, price, size = tape.trade_ms[rows], tape.price[rows], tape.size[rows]
    starts, first = np.unique(_starts(ms, session, seconds), return_index=True)
    if not len(first):
        return BarSeries.empty()
    ends = np.r_[first[1:], len(ms)]
    volume = np.add.reduceat(size, first)
    wap = np.add.reduceat(price * size, first) / np.maximum(volume, 1)
    return BarSeries(
        starts,
        price[first],
        np.maximum.reduceat(price, first),
        np.minimum.reduceat(price, first),
        price[ends - 1],
        volume.astype(float),
        np.round(wap, 4),
        (ends - first).astype(np.int64),
    )


def _quote_bars(
    quote_ms: Ints, price: Floats, bounds: tuple[int, int], session: TradingSession, seconds: int
) -> BarSeries:
    """Bars of a quoted price: every interval from the first quote on has one, opening at the quote in force."""
    start = max(bounds[0], int(quote_ms[0])) if len(quote_ms) else bounds[1]
    if start >= bounds[1]:
        return BarSeries.empty()
    every = np.arange(start // 1000 * 1000, bounds[1], 1000, dtype=np.int64)
    starts = np.unique(_starts(every, session, seconds))
    in_force = np.maximum(np.searchsorted(quote_ms, starts, side="right") - 1, 0)
    end = np.searchsorted(quote_ms, np.r_[starts[1:], bounds[1]])
    end = np.maximum(end, in_force + 1)
    pairs = np.stack([in_force, end], axis=1).ravel()
    padded = np.r_[price, price[-1:]]  # reduceat needs every index to exist
    return BarSeries.of_quotes(
        starts,
        price[in_force],
        np.maximum.reduceat(padded, pairs)[::2],
        np.minimum.reduceat(padded, pairs)[::2],
        price[end - 1],
    )


def _to_bars(columns: BarSeries, seconds: int) -> list[Bar]:
    lists = [getattr(columns, name).tolist() for name in ("open", "high", "low", "close", "volume", "wap", "count")]
    lists[5] = [float(f"{wap:.3f}") for wap in lists[5]]  # as IB gives it
    return [
        Bar(datetime.fromtimestamp(ms / 1000, UTC), seconds, *values)
        for ms, *values in zip(columns.start_ms.tolist(), *lists, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TickRequest:
    """`count` ticks from `start` on, or up to `end`: one of both is given."""

    what: str
    start: datetime | None
    end: datetime | None
    count: int
    use_rth: bool

    def __post_init__(self) -> None:
        known = self.what in SHOWN_AS_TICKS and 1 <= self.count <= MOST_TICKS
        if not known or (self.start is None) == (self.end is None):
            cause = "Historical ticks need TRADES, BID_ASK or MIDPOINT, 1 to 1000 ticks, and either a start or an end"
            raise HistoryError(321, f"Error validating request.-'bX' : cause - {cause}")


def ticks(
    source: TapeSource, con_id: int, today: date, now: datetime, request: TickRequest
) -> tuple[list[QuoteEvent], list[TradeEvent]]:
    """At least as many ticks as asked for, never beyond now; HistoryError 162 for nothing.

    The last second is always whole, as at IB, so that it may be a few more.
    """
    start, end, count = request.start, request.end, request.count
    days = [*source.earlier_days, today]
    quotes: list[QuoteEvent] = []
    trades: list[TradeEvent] = []
    for day in days if start else reversed(days):
        if (start and day < exchange_day(start)) or (end and day > exchange_day(end)):
            continue
        tape = source.tape(con_id, day)
        session = session_on(day)
        if tape is None or session is None:
            continue
        first, last = (to_ms(moment) for moment in hours(session, extended=not request.use_rth))
        first = max(first, to_ms(start)) if start else first
        last = min(last, to_ms(now) + 1, to_ms(end) + 1 if end else last)
        missing = count - len(quotes) - len(trades)
        if request.what == "TRADES":
            found = tape.trades_between(*_rows(tape.trade_ms, first, last, missing, forwards=start is not None))
            trades = trades + found if start else found + trades
        else:
            seen = tape.quotes_between(*_rows(tape.quote_ms, first, last, missing, forwards=start is not None))
            quotes = quotes + seen if start else seen + quotes
        if len(quotes) + len(trades) >= count:
            break
    if not quotes and not trades:
        raise HistoryError(162, f"{SERVICE}HMDS query returned no data")
    return quotes, trades


def _rows(ms: Ints, first: int, last: int, count: int, *, forwards: bool) -> tuple[int, int]:
    """Rows in [first, last) ms: the first or the last `count` of them, and what shares a second with the outermost."""
    low, high = (int(row) for row in np.searchsorted(ms, [first, max(first, last)]))
    if forwards and high - low > count:
        second = int(ms[low + count - 1]) // 1000
        high = min(high, int(np.searchsorted(ms, (second + 1) * 1000)))
    elif not forwards and high - low > count:
        second = int(ms[high - count]) // 1000
        low = max(low, int(np.searchsorted(ms, second * 1000)))
    return low, high
