from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.models.market import Bar
from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.embedding import HistoryError, open_market
from momentum_kit.simgateway.events import TradeEvent
from momentum_kit.simgateway.scenario import parse_scenario

SPEC = {
    "start": "09:30",
    "end": "10:15",
    "history_sessions": 30,
    "universe": {"small_caps": 2, "large_caps": 0},
    "news": {"planted": 1},
}
AAPL = 265598


def market(seed=3, **changes):
    """Two small caps and AAPL, one planted move."""
    return open_market(parse_scenario(SPEC | {"seed": seed} | changes))


@cache
def played():
    """A market at its end and everything its contracts did."""
    over = market()
    for con_id in over.instruments:
        over.activate(con_id)
    return over, [e for e in over.advance(over.ends) if isinstance(e, TradeEvent)]


def bars_of(trades, seconds):
    """Bars built the plain way from prints."""
    cells = defaultdict(list)
    for trade in trades:
        stamp = trade.time.timestamp()
        cells[datetime.fromtimestamp(stamp - stamp % seconds, UTC)].append(trade)
    return [
        (start, cell[0].price, max(t.price for t in cell), min(t.price for t in cell), cell[-1].price,
         sum(t.size for t in cell), len(cell))
        for start, cell in sorted(cells.items())
    ]  # fmt: skip


def plain(bar: Bar):
    """A bar without its wap."""
    return (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count)


@settings(max_examples=25, deadline=None)
@given(st.integers(60_000, 2_700_000), st.sampled_from([5, 10, 15, 30]), st.integers(0, 2))
def test_history_of_today_is_what_the_events_added_up_to(after_ms, seconds, index):
    """At any moment, bars from history equal bars built from the prints emitted so far, the running one included."""
    _, trades = played()
    live = market()
    con_id = sorted(live.instruments)[index]
    live.advance(live.now + timedelta(milliseconds=after_ms))
    mine = [t for t in trades if t.con_id == con_id and t.time <= live.now]
    found = live.bars(con_id, None, "3600 S", f"{seconds} secs", "TRADES", True)
    assert [plain(bar) for bar in found] == bars_of(mine, seconds)
    assert found[-1].start <= live.now


def test_minutes_and_seconds_of_an_earlier_day_tell_the_same():
    """5 s bars of an earlier session add up to its minute bars."""
    past = market()
    end = datetime(2026, 11, 18, 11, 0, tzinfo=NEW_YORK)
    for con_id in past.instruments:
        minutes = past.bars(con_id, end, "3600 S", "1 min", "TRADES", True)
        small = past.bars(con_id, end, "3600 S", "5 secs", "TRADES", True)
        assert len(small) > len(minutes)
        for minute in minutes:
            inside = [bar for bar in small if minute.start <= bar.start < minute.end]
            assert (inside[0].open, inside[-1].close) == (minute.open, minute.close)
            assert (max(b.high for b in inside), min(b.low for b in inside)) == (minute.high, minute.low)
            assert (sum(b.volume for b in inside), sum(b.count for b in inside)) == (minute.volume, minute.count)


def test_larger_bars_are_made_of_smaller_ones():
    """Volume, extremes and ends of 5-minute, half-hour, hour and day bars come from the minutes."""
    past = market()
    for size in ("5 mins", "30 mins", "1 hour", "1 day"):
        small = past.bars(AAPL, None, "3 D", "1 min", "TRADES", True)
        large = past.bars(AAPL, None, "3 D", size, "TRADES", True)
        assert sum(bar.volume for bar in large) == sum(bar.volume for bar in small)
        assert max(bar.high for bar in large) == max(bar.high for bar in small)
        assert (large[0].open, large[-1].close) == (small[0].open, small[-1].close)


def test_the_first_hour_bar_is_half_an_hour():
    """Hour bars stand on the clock and begin at the open, as recorded from IB."""
    past = market()
    end = datetime(2026, 11, 19, 16, 0, tzinfo=NEW_YORK)
    starts = [bar.start.astimezone(NEW_YORK) for bar in past.bars(AAPL, end, "1 D", "1 hour", "TRADES", True)]
    assert [f"{start:%H:%M}" for start in starts] == ["09:30", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00"]


def test_twenty_days_are_twenty_sessions():
    """D counts exchange days and skips weekends and holidays."""
    past = market(day="2026-11-30", start="08:30", end="09:00")
    bars = past.bars(AAPL, datetime(2026, 11, 29, tzinfo=UTC), "20 D", "1 min", "TRADES", True)
    days = sorted({bar.start.astimezone(NEW_YORK).date() for bar in bars})
    assert len(days) == 20
    assert datetime(2026, 11, 26, tzinfo=UTC).date() not in days
    half_day = [bar for bar in bars if bar.start.astimezone(NEW_YORK).date() == days[-1]]
    assert f"{half_day[-1].end.astimezone(NEW_YORK):%H:%M}" == "13:00"


def test_a_request_for_one_day_during_the_session_gets_today():
    """`1 D` up to now holds today's bars only, and none from the future."""
    live = market()
    live.advance(live.now + timedelta(minutes=10))
    bars = live.bars(AAPL, None, "1 D", "1 min", "TRADES", True)
    assert bars[0].start == live.scenario.session.open
    assert all(bar.start <= live.now for bar in bars)


def test_regular_hours_leave_the_pre_market_out():
    """use_rth drops what lies before the open; without it the thin pre-market is there."""
    live = market()
    live.advance(live.now + timedelta(minutes=5))
    opened = live.scenario.session.open
    regular = live.bars(AAPL, None, "2 D", "1 min", "TRADES", True)
    whole = live.bars(AAPL, None, "2 D", "1 min", "TRADES", False)
    assert [bar for bar in whole if bar in regular] == regular
    early = [bar for bar in whole if bar.start < opened and bar.start.date() == opened.date()]
    assert early
    assert max(b.volume for b in early) < max(b.volume for b in regular)


def test_quote_bars_have_no_volume_and_bid_lies_below_ask():
    """BID, ASK and MIDPOINT bars exist for every interval and carry IB's -1."""
    live = market()
    live.advance(live.now + timedelta(minutes=5))
    for duration, size in (("300 S", "5 secs"), ("2 D", "1 min")):
        bid, ask, mid = (live.bars(AAPL, None, duration, size, what, True) for what in ("BID", "ASK", "MIDPOINT"))
        assert [b.start for b in bid] == [a.start for a in ask] == [m.start for m in mid]
        assert all(b.close < m.close < a.close for b, m, a in zip(bid, mid, ask, strict=True))
        assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in mid)
        assert {(bar.volume, bar.wap, bar.count) for bar in mid} == {(-1.0, -1.0, -1)}


def test_history_joins_without_a_break_at_the_night():
    """Yesterday's close and today's open differ by a usual night, and the daily bars tell the previous close."""
    live = market()
    live.advance(live.now + timedelta(minutes=1))
    for con_id in live.instruments:
        daily = live.bars(con_id, None, "20 D", "1 day", "TRADES", True)
        closes = [bar.close for bar in daily]
        assert daily[-1].start == live.scenario.session.open
        assert live.previous_close(con_id) == pytest.approx(daily[-2].close)
        assert all(abs(b / a - 1) < 0.25 for a, b in pairwise(closes))


def test_asking_for_more_history_changes_no_bar():
    """Which days are known does not depend on how many were asked for."""
    short, long = market(), market(history_sessions=60)
    asked = [m.bars(AAPL, None, "5 D", "5 mins", "TRADES", True) for m in (short, long)]
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("duration", "size", "what", "code", "words"),
    [
        ("1 D", "7 secs", "TRADES", 321, "bar size setting is invalid"),
        ("1 D", "1 min", "GUESSES", 321, "GUESSES"),
        ("1 fortnight", "1 min", "TRADES", 321, "duration"),
        ("0 D", "1 min", "TRADES", 321, "duration"),
        ("100000 S", "1 min", "TRADES", 321, "must be made in days"),
        ("7201 S", "5 secs", "TRADES", 162, "Time length exceed max"),
        ("1 D", "5 secs", "TRADES", 162, "Time length exceed max"),
        ("86400 S", "30 secs", "TRADES", 162, "Time length exceed max"),
    ],
)
def test_what_ib_refuses_is_refused(duration, size, what, code, words):
    """Bad sizes, durations and series carry IB's code and words."""
    with pytest.raises(HistoryError, match=words) as caught:
        market().bars(AAPL, None, duration, size, what, True)
    assert caught.value.code == code


def test_nothing_in_reach_is_said_and_never_an_empty_list():
    """A stretch before the known history ends in 162 with IB's words."""
    with pytest.raises(HistoryError, match="HMDS query returned no data") as caught:
        market().bars(AAPL, datetime(2020, 1, 3, tzinfo=UTC), "1 D", "1 min", "TRADES", True)
    assert caught.value.code == 162


@pytest.mark.parametrize("size", ["1 secs", "10 secs", "2 mins", "15 mins"])
def test_other_bar_sizes_are_served(size):
    """IB's other sizes work as well."""
    live = market()
    live.advance(live.now + timedelta(minutes=31))
    assert live.bars(AAPL, None, "1800 S", size, "TRADES", True)
