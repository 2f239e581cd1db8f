import math
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.detection.batch import (
    NOWHERE,
    EventColumns,
    QuoteColumns,
    bar_columns,
    day_columns,
    decision_times,
    feature_arrays,
    micros,
    quote_columns,
)
from momentum_kit.detection.batch.columns import columns_of
from momentum_kit.detection.live import Tape, build_baseline, compute_features, floor_time, merge
from momentum_kit.errors import ResearchError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import Bar, MarketDataType, Quote
from momentum_kit.models.news import Catalyst, Headline, NewsItem
from momentum_kit.sessions import NEW_YORK, previous_sessions, session_on

REGULAR, HALF_DAY, SATURDAY = date(2026, 11, 24), date(2026, 11, 27), date(2026, 11, 28)
BASELINE_SESSIONS = 6
NO_QUOTES = QuoteColumns(np.empty(0, dtype=np.int64), *(np.empty(0) for _ in range(4)))


@dataclass
class Case:
    """One day of one contract and the headlines on it; quotes: (start, bid, ask, bid size, ask size)."""

    day: date
    minutes: list[Bar]
    fives: list[Bar]
    quotes: list[tuple[datetime, float, float, float, float]]
    received: list[datetime]
    published: list[datetime]


def walk(rng, start: datetime, seconds: int, count: int, price: float, trades: float) -> list[Bar]:
    """Bars of a random walk in cents; a bar comes into being with the probability `trades`."""
    bars = []
    for i in np.flatnonzero(rng.random(count) < trades):
        open_ = max(0.02, round(price + rng.integers(-3, 4) / 100, 2))
        close = max(0.02, round(open_ + rng.integers(-3, 5) / 100, 2))
        high, low = max(open_, close) + 0.01, max(0.01, min(open_, close) - 0.01)
        wap, volume = (high + low) / 2, float(rng.integers(1, 3000))
        bars.append(
            Bar(
                start + timedelta(seconds=seconds * int(i)),
                seconds,
                open_,
                high,
                low,
                close,
                volume,
                wap,
                int(volume) % 40 or -1,  # IB's word for not known
            )
        )
        price = close
    return bars


def minutes_of(fives: list[Bar]) -> list[Bar]:
    """The same trades by the minute."""
    minutes: list[Bar] = []
    for bar in fives:
        start = floor_time(bar.start, 60)
        if minutes and minutes[-1].start == start:
            minutes[-1] = merge(minutes[-1], bar, start, 60)
        else:
            minutes.append(Bar(start, 60, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.wap, bar.count))
    return minutes


@st.composite
def cases(draw) -> Case:
    """Any hour of a regular day, a half day or a Saturday; liquid or hardly traded; with a baseline or without."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    day = draw(st.sampled_from([REGULAR, HALF_DAY, SATURDAY]))
    price = draw(st.sampled_from([0.6, 2.5, 8.0]))
    trades = draw(st.sampled_from([0.01, 0.2, 0.9]))
    earlier = previous_sessions(day, draw(st.sampled_from([0, 1, BASELINE_SESSIONS])) or 1)
    history = [bar for s in earlier for bar in walk(rng, s.open, 60, 390, price, trades) if bar.start < s.close]
    if draw(st.booleans()) and trades < 0.1:
        history = []
    hour = draw(st.sampled_from([9.0, 9.4, 9.55, 10.5, 12.9, 15.5, 15.95, 16.1]))
    start = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK) + timedelta(hours=hour)
    start = floor_time(start.astimezone(session_on(REGULAR).open.tzinfo), 60)
    session = session_on(day)
    morning = []
    if session and start > session.open and draw(st.booleans()):
        morning = walk(rng, session.open, 60, int((start - session.open) / timedelta(minutes=1)), price, trades)
        morning = [bar for bar in morning if bar.start < session.close + timedelta(minutes=30)]
    fives = walk(rng, start, 5, 12 * 40, price, draw(st.sampled_from([0.02, 0.3, 0.95])))
    quotes = []
    for bar in walk(rng, start, 5, 12 * 40, price, draw(st.sampled_from([0.0, 0.1, 0.9]))):
        bid, ask = bar.low, draw(st.sampled_from([bar.high, bar.low, math.nan, bar.low - 0.005]))
        quotes.append((bar.start, bid, ask, float(bar.volume), draw(st.sampled_from([0.0, 300.0, math.nan]))))
    received = [start + timedelta(microseconds=int(us)) for us in sorted(rng.integers(0, 39 * 60_000_000, 4))]
    received.append(floor_time(received[0], 60))
    published = [at + timedelta(seconds=float(rng.uniform(-90, 3))) for at in received]
    return Case(day, [*history, *morning, *minutes_of(fives)], fives, quotes, received, published)


def of_case(case: Case, bars: list[Bar], bar_s: int):
    """The vectorised features of a case, and its decision times."""
    minutes = bar_columns(columns_of(case.minutes), 60)
    days = day_columns(minutes, [case.day], BASELINE_SESSIONS)
    received = np.array([micros(at) for at in case.received])
    events = EventColumns(
        received, np.array([micros(at) for at in case.published]), np.zeros(received.size, dtype=np.int64),
        np.full(received.size, 0.5), np.full(received.size, np.nan), np.full(received.size, 2.0),
    )  # fmt: skip
    names = ("bid_close", "ask_close", "bid_size", "ask_size")
    values = {name: np.array([quote[i + 1] for quote in case.quotes]) for i, name in enumerate(names)}
    starts = np.array([micros(quote[0]) for quote in case.quotes], dtype=np.int64)
    quotes = quote_columns({"start": starts, **values}, 5)
    at = decision_times(received, bar_s)
    return at, feature_arrays(events, at, minutes, bar_columns(columns_of(bars), bar_s), quotes, days)


def expected(case: Case, bars: list[Bar], n: int, at: datetime):
    """What the engine computes: history as of the headline, then the bars as they close."""
    session, received = session_on(case.day), case.received[n]
    baseline = build_baseline(case.minutes, previous_sessions(case.day, BASELINE_SESSIONS), received)
    today = [bar for bar in case.minutes if session and session.contains(bar.start)]
    tape = Tape(session, today, received)
    tape.extend(bar for bar in bars if bar.start >= received - timedelta(seconds=1800) and bar.end <= at)
    standing = [quote for quote in case.quotes if quote[0] + timedelta(seconds=5) <= at]
    ticks = [quote[0] + timedelta(seconds=5) for quote in standing[-1:]] + [bar.end for bar in tape.bars[-1:]]
    age_s = (at - max(ticks)).total_seconds() if ticks else math.nan
    quote = None
    if standing:
        received_at, bid, ask, bid_size, ask_size = standing[-1]
        quote = Quote(1, bid, ask, bid_size, ask_size, bid, False, MarketDataType.LIVE, received_at)
    headline = Headline(
        provider="BRFG", article_id="BRFG$1", text="text", published_at=case.published[n], received_at=received
    )
    item = NewsItem(
        item_id="s:1",
        story_id="s",
        headline=headline,
        contract=Contract("ACME", 1),
        text="text",
        catalyst=Catalyst.FDA,
        catalyst_rule="rule",
        sentiment=0.5,
        n_tickers=2,
    )
    return compute_features(at, tape, baseline, item, quote, age_s), quote


@pytest.mark.parametrize("bar_s", [5, 60])
@given(case=cases())
@settings(max_examples=8, deadline=None)
def test_equal_to_compute_features(bar_s, case):
    """Every feature at every decision time, nan where nan, in and out of hours, with gaps and without a baseline."""
    bars = case.fives if bar_s == 5 else case.minutes
    at, found = of_case(case, bars, bar_s)
    for n, k in np.argwhere(at != NOWHERE)[:: 1 if bar_s == 60 else 5]:
        t = np.datetime64(int(at[n, k]), "us").item().replace(tzinfo=case.received[0].tzinfo)
        features, quote = expected(case, bars, n, t)
        assert found.quoted[n, k] == (features is not None and quote is not None and 0 < quote.bid <= quote.ask)
        if features is None:
            assert all(np.isnan(values[n, k]) for values in found.features.values())
            continue
        theirs = {name: value for name, value in asdict(features).items() if name != "at"}
        ours = {name: values[n, k] for name, values in found.features.items()}
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9, nan_ok=True)


def test_decision_times_are_the_bar_closes_after_reception():
    """From 5 s to 120 s after it: 23 or 24 closes of 5 s bars, one or two of minutes; none at the reception itself."""
    close = micros(datetime(2026, 11, 24, 15, 0, tzinfo=session_on(REGULAR).open.tzinfo))
    received = np.array([close, close + 1, close + 56_000_000])
    fives = (decision_times(received) - close) / 1e6
    assert fives.shape == (3, 24)
    assert fives[0, 0] == 5
    assert fives[0, -1] == 120
    assert fives[1, 0] == 10
    assert (decision_times(received)[1] != NOWHERE).sum() == 23
    minutes = decision_times(received, 60)
    assert ((minutes[:2] - close) / 1e6).tolist() == [[60, 120], [60, 120]]
    assert minutes[2].tolist() == [close + 120_000_000, NOWHERE]


def test_a_decision_before_the_headline_is_refused():
    """No array of decision times can make the past know the future."""
    minutes = bar_columns(columns_of([]), 60)
    days = day_columns(minutes, [REGULAR])
    received = np.array([micros(datetime(2026, 11, 24, 15, 0, tzinfo=session_on(REGULAR).open.tzinfo))])
    one = np.zeros(1)
    events = EventColumns(received, received, np.zeros(1, dtype=np.int64), one, one, one)
    with pytest.raises(ResearchError, match="event 0: look-ahead"):
        feature_arrays(events, received[:, None], minutes, minutes, NO_QUOTES, days)
