from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.detection.live import BarBuilder, floor_time, merge, split_history
from momentum_kit.models.market import Bar, TradeTick

T0 = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after T0."""
    return T0 + timedelta(seconds=seconds)


def test_trades_become_a_bar_by_their_own_time(make_tick):
    """Open, high, low, close, volume, weighted price and count of one interval; the end is exclusive."""
    builder = BarBuilder()
    for seconds, price, size in ((0, 10.0, 100), (2, 12.0, 300), (4.999, 11.0, 100), (5, 20.0, 100)):
        builder.add(make_tick(at(seconds), price, size, total=seconds))
    assert builder.close_until(at(5)) == [Bar(T0, 5, 10.0, 12.0, 10.0, 11.0, 500, 11.4, 3)]


def test_a_bar_is_usable_only_when_it_has_ended(make_tick):
    """Nothing closes early; an interval without a trade brings no bar."""
    builder = BarBuilder()
    builder.add(make_tick(at(1)))
    builder.add(make_tick(at(16)))
    assert builder.close_until(at(4.9)) == []
    assert [bar.start for bar in builder.close_until(at(30))] == [at(0), at(15)]
    assert builder.close_until(at(30)) == []


def test_late_ticks_are_counted_and_left_out(make_tick):
    """A bar that was given out never changes."""
    builder = BarBuilder()
    builder.add(make_tick(at(1)))
    builder.close_until(at(5))
    builder.add(make_tick(at(4)))
    assert (builder.late, builder.close_until(at(10))) == (1, [])


def test_repeated_ticks_are_left_out(make_tick):
    """The same trade twice is one trade; equal trades with another total are two."""
    builder = BarBuilder()
    for total in (100, 100, 200):
        builder.add(make_tick(at(1), total=total))
    (bar,) = builder.close_until(at(5))
    assert (bar.volume, bar.count, builder.duplicates) == (200, 2, 1)


def test_history_and_live_join_without_gap_or_overlap(make_tick, make_bar):
    """History asked for at 7 s covers what traded until then, also in its bar in progress; ticks complete it."""
    history = [make_bar(at(0), 10.0), make_bar(at(5), 11.0, volume=40, count=2)]
    closed, partial = split_history(history, at(7))
    builder = BarBuilder(covered_until=at(7))
    builder.add(make_tick(at(6.5), 99.0, total=1))  # in history already
    builder.add(make_tick(at(8), 12.0, 60, total=2))
    assert partial
    assert builder.seed(partial)
    live = builder.close_until(at(10))
    assert closed == history[:1]
    assert [(bar.start, bar.open, bar.close, bar.volume, bar.count) for bar in live] == [(at(5), 11.0, 12.0, 100, 3)]
    assert builder.late == 0


def test_a_seed_that_comes_too_late_is_refused(make_tick, make_bar):
    """A bar that was given out cannot be completed; the caller merges."""
    builder = BarBuilder(covered_until=at(7))
    builder.add(make_tick(at(8)))
    builder.close_until(at(10))
    assert not builder.seed(make_bar(at(5), 11.0))


def test_merge_of_bars_without_volume(make_bar):
    """Two empty bars have the last close as their price."""
    assert merge(make_bar(at(0), 10, volume=0), make_bar(at(5), 11, volume=0), T0, 10).wap == 11


ticks = st.lists(
    st.tuples(st.integers(0, 59_000), st.integers(1, 500), st.integers(1, 1000)), min_size=1, max_size=60
).map(
    lambda rows: [
        TradeTick(1, at(ms / 1000), price / 10, size, float(index), 0.0, at(ms / 1000))
        for index, (ms, price, size) in enumerate(sorted(rows, key=lambda row: row[0]))
    ]
)


@given(ticks, st.lists(st.integers(0, 60), max_size=10))
def test_closing_often_or_once_gives_the_same_bars(trades, moments):
    """Shares, trades and turnover are kept, bars ascend, and when they are asked for does not matter."""
    once, often, stepped = BarBuilder(), BarBuilder(), []
    for tick in trades:
        once.add(tick)
    moments = sorted(moments)
    for tick in trades:
        while moments and at(moments[0]) <= tick.time:
            stepped += often.close_until(at(moments.pop(0)))
        often.add(tick)
    stepped += often.close_until(at(60))
    bars = once.close_until(at(60))
    assert bars == stepped
    assert sum(bar.volume for bar in bars) == sum(tick.size for tick in trades)
    assert sum(bar.count for bar in bars) == len(trades)
    assert all(one.end <= two.start for one, two in pairwise(bars))
    assert all(bar.low <= bar.wap <= bar.high or abs(bar.wap - bar.low) < 1e-6 for bar in bars)
    assert all(floor_time(bar.start) == bar.start for bar in bars)
