"""Recorded bars told again are the recorded bars, and a recorded market knows nothing too early."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.detection.live import BarBuilder
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import Bar, TradeTick
from momentum_kit.models.news import Headline
from momentum_kit.sessions import session_on
from momentum_kit.simgateway.embedding import (
    HistoryError,
    LockStep,
    RecordedSymbol,
    from_ms,
    open_recorded_market,
    stock_instrument,
)
from momentum_kit.simgateway.market.prints_from_bars import prints, quote_events, trade_groups
from momentum_kit.simgateway.scenario import parse_scenario

DAY = date(2026, 11, 20)
OPEN = session_on(DAY).open
SCENARIO = parse_scenario({"market": "archive", "day": DAY, "start": "09:30", "end": "10:00", "history_sessions": 2})


def micros(at):
    """Microseconds since 1970."""
    return int(at.timestamp()) * 1_000_000


@st.composite
def recorded_bars(draw):
    """Consistent 5 s bars on a cent grid: one trade has one price, two have no extremes of their own."""
    bars = []
    for number in draw(st.lists(st.integers(0, 40), unique=True, max_size=12).map(sorted)):
        cents = sorted(draw(st.lists(st.integers(95, 130), min_size=4, max_size=4)))
        low, one, other, high = cents
        count = draw(st.integers(1, 60))
        opened, close = (one, other) if draw(st.booleans()) else (other, one)
        if count == 1:
            low = high = opened = close = one
        elif count == 2:
            low, high = min(opened, close), max(opened, close)
        elif count == 3:
            high = max(opened, close)
        volume = draw(st.integers(count, 5_000_000))
        share = draw(st.floats(0.2, 0.8))
        wap = round((low + (high - low) * share) / 100, 4) if high > low else low / 100
        start = OPEN + timedelta(seconds=5 * number)
        bars.append(Bar(start, 5, opened / 100, high / 100, low / 100, close / 100, float(volume), wap, count))
    return bars


def columns(bars):
    """As an archive gives them."""
    names = ("open", "high", "low", "close", "volume", "wap", "count")
    return {
        "start": np.array([micros(bar.start) for bar in bars], np.int64),
        **{name: np.array([getattr(bar, name) for bar in bars], np.float64) for name in names},
    }


def rebuilt(rows):
    """Bars that the detection engine builds from (ms, price, size, count)."""
    builder, total = BarBuilder(), 0.0
    for ms, price, size, count in rows:
        total += size
        builder.add(TradeTick(1, from_ms(ms), price, size, total, 0.0, from_ms(ms), count=count))
    assert not builder.duplicates
    return builder.close_until(OPEN + timedelta(hours=1))


@settings(max_examples=150, deadline=None)
@given(recorded_bars())
def test_bars_come_out_as_they_were_recorded(bars):
    """By groups and print by print: open, high, low, close, volume, wap and count are equal to the last bit."""
    groups = trade_groups(columns(bars))
    by_group = rebuilt(zip(*(c.tolist() for c in (groups.ms, groups.price, groups.size, groups.count)), strict=True))
    ms, price, size = (column.tolist() for column in prints(groups))
    one_by_one = rebuilt(zip(ms, price, size, [1] * len(ms), strict=True))
    assert by_group == one_by_one == bars
    assert all(share > 0 for share in size)


def test_a_count_that_cannot_be_gives_way_to_the_prices():
    """A record with three prices and one trade, or none counted: the prices are told, by as many prints as it takes."""
    bar = Bar(OPEN, 5, 1.0, 1.2, 0.9, 1.1, 300.0, 1.05, 1)
    groups = trade_groups(columns([bar]))
    (told,) = rebuilt(zip(*(c.tolist() for c in (groups.ms, groups.price, groups.size, groups.count)), strict=True))
    assert (told.open, told.high, told.low, told.close, told.volume, told.wap, told.count) == (
        1.0, 1.2, 0.9, 1.1, 300.0, 1.05, 4,
    )  # fmt: skip
    assert not len(trade_groups(columns([Bar(OPEN, 5, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0)])).ms)


def test_quotes_end_at_the_recorded_close_and_never_stand_still():
    """The last quote of a bar is its close with its sizes; even an unchanged quote ticks once in a bar."""
    start = np.array([micros(OPEN), micros(OPEN) + 5_000_000], np.int64)
    side = {name: np.array([5.0, 5.0]) for name in ("open", "high", "low", "close")}
    sizes = {"bid_size": np.array([300.0, 200.0]), "ask_size": np.array([np.nan, 100.0])}
    quotes = {
        "start": start,
        **{f"bid_{n}": v for n, v in side.items()},
        **{f"ask_{n}": v + 1 for n, v in side.items()},
    }
    ms, bid, ask, bid_size, ask_size = quote_events({**quotes, **sizes})
    assert np.diff(ms).min() >= 1000
    assert (bid[3], ask[3], bid_size[3], ask_size[3]) == (5.0, 6.0, 300, 500)
    assert bid_size[2] != bid_size[3]


def market_of(bars, headlines=()):
    """A market of one symbol; its minutes are those of the bars' first hour."""
    empty = {"start": np.empty(0, np.int64)} | {
        f"{side}_{name}": np.empty(0) for side in ("bid", "ask") for name in ("open", "high", "low", "close", "size")
    }
    recorded = RecordedSymbol(columns(bars), empty, columns([]))
    return open_recorded_market(SCENARIO, [stock_instrument("TESTQ", 7)], headlines, lambda _: recorded)


def test_history_ends_now():
    """Closed bars as recorded, the one in progress as far as it has been told, and nothing of what comes."""
    bars = [Bar(OPEN + timedelta(seconds=5 * n), 5, 1.0, 1.2, 0.9, 1.1, 400.0, 1.05, 4) for n in range(3)]
    market = market_of(bars)
    with pytest.raises(HistoryError):
        market.bars(7, None, "60 S", "5 secs", "TRADES", False)
    market.advance(OPEN + timedelta(seconds=7.2))
    closed, running = market.bars(7, None, "60 S", "5 secs", "TRADES", False)
    assert closed == bars[0]
    assert (running.start, running.open, running.low, running.high, running.count) == (bars[1].start, 1.0, 0.9, 1.0, 2)
    market.advance(OPEN + timedelta(seconds=10))
    assert market.bars(7, None, "60 S", "5 secs", "TRADES", False) == bars[:2]


def test_a_headline_is_announced_and_then_told_at_its_own_time():
    """Lock-step stops for it to the millisecond, rounded up, and then goes on to the end of the step."""
    received = OPEN + timedelta(seconds=6, microseconds=123_400)
    line = Headline(
        provider="BZ",
        article_id="BZ$1",
        text="text",
        published_at=OPEN,
        received_at=received,
        contract=Contract("TESTQ", 7),
    )
    market = market_of([], [line])
    rhythm, step = LockStep(market, timedelta(seconds=5)), timedelta(seconds=5)
    stop = OPEN + timedelta(seconds=6, milliseconds=124)
    expected = [(OPEN + step, True), (stop, False), (stop, True), (OPEN + 2 * step, True), (OPEN + 3 * step, True)]
    told = []
    for to, moves in expected:
        assert rhythm.next() == (to, moves)
        told += market.advance(to) if moves else []
    (event,) = told
    assert (event.time, event.con_ids, event.broad_tape) == (stop, (7,), False)


def test_what_nobody_saw_arrive_is_not_told():
    """A headline without a received_at is no part of a replay unless the caller imputes one."""
    line = Headline(
        provider="BZ",
        article_id="BZ$1",
        text="text",
        published_at=datetime(2026, 11, 20, 15, tzinfo=UTC),
        received_at=None,
    )
    with pytest.raises(ValueError, match="nobody recorded when"):
        market_of([], [line])
