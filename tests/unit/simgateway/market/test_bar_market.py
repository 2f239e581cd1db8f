from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.errors import ArchiveError
from momentum_kit.models.market import Bar
from momentum_kit.sessions import session_on
from momentum_kit.simgateway.embedding import RealDay, open_bar_market
from momentum_kit.simgateway.events import QuoteEvent, TradeEvent
from momentum_kit.simgateway.scenario import load_scenario, parse_scenario
from momentum_kit.storage.archive import Archive, QuoteBar
from momentum_kit.storage.imports import import_lean

DAY, BEFORE = date(2026, 11, 20), date(2026, 11, 19)
ARCHIVE = {"market": "archive", "start": "09:30", "end": "09:40", "news": {"unplanted": 2}}


@st.composite
def minute_bars(draw, day=DAY):
    """Up to ten minutes of bars on a cent grid; some minutes have none, some a single share."""
    opened = session_on(day).open
    bars = []
    for minute in range(10):
        cents = draw(st.tuples(*[st.integers(480, 520)] * 4))
        volume = draw(st.sampled_from([0, 1, 7, 900, 60_000]))
        low, high = min(cents), max(cents)
        prices = (high, low) if volume == 7 else (cents[0], cents[1])
        if volume == 1:
            prices, low, high = (cents[0], cents[0]), cents[0], cents[0]
        if volume:
            start = opened + timedelta(minutes=minute)
            bars.append(Bar(start, 60, prices[0] / 100, high / 100, low / 100, prices[1] / 100, volume, 0.0, 0))
    return bars


def ohlcv(bars):
    """What both the record and the market know of a bar."""
    return [(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


@settings(max_examples=40, deadline=None)
@given(minute_bars(), minute_bars(BEFORE), st.integers(0, 9))
def test_the_walk_adds_up_to_the_real_bars(today, yesterday, seed):
    """Minute bars from history are the given ones, today's and earlier ones."""
    days = {"TESTQ": {DAY: RealDay(today), BEFORE: RealDay(yesterday)}}
    if not today:
        return
    market = open_bar_market(parse_scenario(ARCHIVE | {"seed": seed}), days)
    (instrument,) = market.find(symbol="TESTQ")
    market.advance(market.ends)
    found = market.bars(instrument.con_id, None, "2 D", "1 min", "TRADES", True)
    assert ohlcv(found) == ohlcv(yesterday + today)
    small = market.bars(instrument.con_id, None, "3600 S", "5 secs", "TRADES", True)
    assert sum(bar.volume for bar in small) == sum(bar.volume for bar in today)


def test_prints_stay_inside_their_minute_and_seeds_differ():
    """Every print lies in its bar's range; another seed walks another way."""
    start = session_on(DAY).open
    bar = Bar(start, 60, 5.0, 5.2, 4.9, 5.1, 5000, 0.0, 0)
    tapes = []
    for seed in (1, 2):
        market = open_bar_market(parse_scenario(ARCHIVE | {"seed": seed}), {"TESTQ": {DAY: RealDay([bar])}})
        market.activate(market.find(symbol="TESTQ")[0].con_id)
        events = market.advance(market.ends)
        tapes.append([e for e in events if isinstance(e, TradeEvent)])
        assert all(4.9 <= e.price <= 5.2 and start <= e.time < bar.end for e in tapes[-1])
    assert tapes[0] != tapes[1]


def test_quotes_follow_the_given_quote_bars():
    """Bid and ask stay in the range of their bars, and bid below ask."""
    start = session_on(DAY).open
    trades = [Bar(start, 60, 5.0, 5.2, 4.9, 5.1, 5000, 0.0, 0)]
    quotes = [QuoteBar(start, 60, 4.98, 5.18, 4.88, 5.08, 300, 5.02, 5.22, 4.92, 5.12, 500)]
    market = open_bar_market(parse_scenario(ARCHIVE), {"TESTQ": {DAY: RealDay(trades, quotes)}})
    market.activate(market.find(symbol="TESTQ")[0].con_id)
    found = [e for e in market.advance(market.ends) if isinstance(e, QuoteEvent)]
    assert len(found) == 60
    assert all(4.88 <= e.bid <= 5.18 and 4.92 <= e.ask <= 5.22 and e.bid < e.ask for e in found)


def test_headlines_are_told_about_the_served_symbols_and_nothing_is_planted():
    """Unplanted headlines name the symbols with bars; the truth has no planted row."""
    bars = [Bar(session_on(DAY).open, 60, 5.0, 5.2, 4.9, 5.1, 5000, 0.0, 0)]
    market = open_bar_market(parse_scenario(ARCHIVE), {"TESTQ": {DAY: RealDay(bars)}, "OLDQ": {BEFORE: RealDay(bars)}})
    truth = market.truth()
    assert truth["planted"] == []
    assert [(row["symbol"], row["kind"]) for row in truth["decoys"]] == [("TESTQ", "unplanted")] * 2


def test_a_day_without_bars_is_refused():
    """The missing day is named."""
    with pytest.raises(ArchiveError, match="no bars of 2026-11-20"):
        open_bar_market(parse_scenario(ARCHIVE), {"TESTQ": {BEFORE: RealDay([]), DAY: RealDay([])}})


def test_aapl_exists_even_without_bars():
    """AAPL is listed everywhere; without bars it has neither quote nor tape."""
    bars = [Bar(session_on(DAY).open, 60, 5.0, 5.2, 4.9, 5.1, 5000, 0.0, 0)]
    market = open_bar_market(parse_scenario(ARCHIVE), {"TESTQ": {DAY: RealDay(bars)}})
    assert market.find(symbol="AAPL")[0].con_id == 265598
    assert market.quote(265598) is None


def test_a_real_day_is_served_as_recorded(shared_data, tmp_path):
    """SPY on 2013-10-11 with its earlier sessions: the minute bars are the recorded ones, the tape opens at 09:30."""
    archive = Archive(tmp_path / "archive")
    import_lean(shared_data / "lean", archive)
    day = date(2013, 10, 11)
    known = [d for d in archive.days("SPY") if d <= day]
    days = {"SPY": {d: RealDay(archive.bars("SPY", d), archive.quotes("SPY", d)) for d in known}}
    market = open_bar_market(load_scenario("archive", 3, day), days)
    market.advance(market.ends)
    (spy,) = market.find(symbol="SPY")
    found = market.bars(spy.con_id, None, "6 D", "1 min", "TRADES", True)
    real = [bar for d in known for bar in days["SPY"][d].trades if session_on(d).contains(bar.start)]
    assert ohlcv(found) == ohlcv(bar for bar in real if bar.end <= market.now)
    assert found[0].start < datetime(2013, 10, 5, tzinfo=UTC)
    quote, last = market.quote(spy.con_id), market.last(spy.con_id)
    assert quote.bid < quote.ask
    assert abs(last.price / quote.bid - 1) < 0.001
