from datetime import date, datetime, time, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.detection.batch import NO_SESSION, bar_columns, day_columns, micros
from momentum_kit.detection.batch.columns import columns_of
from momentum_kit.detection.live import build_baseline
from momentum_kit.errors import ResearchError
from momentum_kit.models.market import Bar
from momentum_kit.sessions import NEW_YORK, previous_sessions, session_on

DAYS = [date(2026, 11, day) for day in (24, 25, 26, 27, 28, 30)]  # Thanksgiving, a half day and a Saturday among them


def market(seed: int, sessions: int, trades: float, tick: float = 0.01) -> list[Bar]:
    """Minutes of the sessions up to the last of DAYS, some without a trade, some days without any; pre-market too."""
    rng = np.random.default_rng(seed)
    bars, price = [], 4.0
    for session in previous_sessions(date(2026, 12, 1), sessions):
        if rng.random() < 0.1:
            continue
        start = session.open - timedelta(minutes=30)
        for i in range(round((session.close - start) / timedelta(minutes=1)) + 10):
            if rng.random() > trades:
                continue
            open_ = round(price * float(np.exp(rng.normal(0, 0.002))) / tick) * tick
            close = round(open_ * float(np.exp(rng.normal(0, 0.002))) / tick) * tick
            volume, price = float(rng.integers(1, 5000)), close
            high, low = max(open_, close) + tick, min(open_, close) - tick
            bars.append(Bar(start + timedelta(minutes=i), 60, open_, high, low, close, volume, (high + low) / 2, 3))
    return bars


@given(seed=st.integers(0, 10_000), sessions=st.integers(1, 24), trades=st.sampled_from([0.02, 0.3, 0.97]))
@settings(max_examples=15, deadline=None)
def test_equal_to_build_baseline(seed, sessions, trades):
    """Every number of every day, with half days, silent minutes, missing days and too short a history."""
    bars = market(seed, sessions, trades)
    columns = day_columns(bar_columns(columns_of(bars), 60), DAYS, 20)
    for d, day in enumerate(DAYS):
        session = session_on(day)
        before = session.open if session else datetime.combine(day, time(), NEW_YORK)
        expected = build_baseline(bars, previous_sessions(day, 20), before)
        assert columns.open_at[d] == (micros(session.open) if session else NO_SESSION)
        if expected is None:
            assert columns.days[d] == 0
            continue
        buckets = columns.buckets[d]
        assert columns.days[d] == expected.days
        assert buckets == expected.volume.size
        assert columns.previous_close[d] == expected.previous_close
        assert columns.s_day[d] == pytest.approx(expected.s_day, rel=1e-9)
        np.testing.assert_allclose(columns.volume[d, :buckets], expected.volume, rtol=1e-9)
        np.testing.assert_allclose(columns.cumulative[d, : buckets + 1], expected.cumulative, rtol=1e-9)
        np.testing.assert_allclose(columns.tod_factor[d, :buckets], expected.tod_factor, rtol=1e-9)
        last = slice(columns.last_lo[d], columns.last_hi[d])
        assert [bar.start for bar in bars[last]] == [bar.start for bar in expected.last_minutes]


def test_overlapping_bars_are_refused():
    """With the row, its time and the remedy."""
    bars = market(1, 1, 0.5)
    with pytest.raises(ResearchError, match=r"bars: row 3 \(2026-11-30 .*import again"):
        bar_columns(columns_of([*bars[:3], bars[1]]), 60)


def test_impossible_prices_are_refused():
    """A negative low is no price."""
    columns = columns_of(market(1, 1, 0.5))
    columns["low"][2] = -1
    with pytest.raises(ResearchError, match=r"bars_1m of ACME: row 2 .* import the day again"):
        bar_columns(columns, 60, "bars_1m of ACME")


def test_an_unknown_volume_stays_unknown():
    """Nan is what a source did not tell: neither zero nor a reason to refuse the day."""
    columns = columns_of(market(1, 1, 0.5))
    columns["volume"][2] = np.nan
    assert np.isnan(bar_columns(columns, 60).volume[2])


def test_naive_times_are_refused():
    """A time without a zone could be anybody's."""
    with pytest.raises(ResearchError, match="naive time 2026-11-30T10:00:00"):
        columns_of([Bar(datetime(2026, 11, 30, 10), 60, 1, 1, 1, 1, 1, 1, 1)])  # noqa: DTZ001
