"""Ticks of the past, trading schedules and scans: what a market knows beyond bars."""

from collections.abc import Callable, Iterable
from datetime import date, datetime

import numpy as np

from momentum_kit.sessions import exchange_day, session_on
from momentum_kit.simgateway.events import QuoteEvent, TradeEvent
from momentum_kit.simgateway.market.history import SERVICE, HistoryError
from momentum_kit.simgateway.market.tape import Ints, Tape, TapeSource, to_ms
from momentum_kit.simgateway.trading_hours import hours

MOST_TICKS = 1000
SHOWN = ("TRADES", "BID_ASK", "MIDPOINT")


def ticks(
    source: TapeSource,
    con_id: int,
    today: date,
    now: datetime,
    what: str,
    start: datetime | None,
    end: datetime | None,
    count: int,
    *,
    use_rth: bool,
) -> tuple[list[QuoteEvent], list[TradeEvent]]:
    """At least `count` ticks from `start` on or up to `end`, never beyond now; HistoryError as IB would refuse.

    The last second is always whole, as at IB, so that it may be a few more.
    """
    if what not in SHOWN or not 1 <= count <= MOST_TICKS or (start is None) == (end is None):
        cause = "Historical ticks need TRADES, BID_ASK or MIDPOINT, 1 to 1000 ticks, and either a start or an end"
        raise HistoryError(321, f"Error validating request.-'bX' : cause - {cause}")
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
        first, last = (to_ms(moment) for moment in hours(session, extended=not use_rth))
        first = max(first, to_ms(start)) if start else first
        last = min(last, to_ms(now) + 1, to_ms(end) + 1 if end else last)
        missing = count - len(quotes) - len(trades)
        if what == "TRADES":
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


Glance = tuple[float, int, float]  # last price USD, shares so far, previous close USD
_RANK: dict[str, Callable[[Glance], float]] = {
    "TOP_PERC_GAIN": lambda seen: seen[0] / seen[2] - 1,
    "TOP_PERC_LOSE": lambda seen: 1 - seen[0] / seen[2],
    "MOST_ACTIVE": lambda seen: seen[1],
    "MOST_ACTIVE_USD": lambda seen: seen[0] * seen[1],
}
SCANS = tuple(_RANK)


def scan(
    code: str, seen: Iterable[tuple[int, Glance]], above: float | None, below: float | None, volume: int | None
) -> list[int]:
    """Con ids by rank, best first; above, below: prices in USD, volume: shares, None where open."""
    rank = _RANK[code]
    rows = [
        (-rank(glance), con_id)
        for con_id, glance in seen
        if glance[0] >= (above or 0.0) and glance[0] <= (below or float("inf")) and glance[1] >= (volume or 0)
    ]
    return [con_id for _, con_id in sorted(rows)]


def glance(tape: Tape, at_ms: int, previous_close: float) -> Glance | None:
    """A contract's state at a moment; None before its first print or where no close is known."""
    last = tape.last_at(at_ms)
    if last is None or not previous_close > 0:
        return None
    return last.price, last.total_volume, previous_close
