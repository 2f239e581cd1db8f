import math
from datetime import timedelta

import numpy as np
import pytest

from momentum_kit.detection.live import Tape


@pytest.fixture
def at(today):
    """So many seconds after the open."""
    return lambda seconds: today.open + timedelta(seconds=seconds)


def test_price_is_of_the_last_bar_that_had_ended(today, at, make_bar):
    """Neither a bar in progress nor one that comes later is seen."""
    tape = Tape(today)
    tape.extend([make_bar(at(0), 10.0), make_bar(at(5), 11.0)])
    assert math.isnan(tape.price_at(at(4.9)))
    assert tape.price_at(at(5)) == tape.price_at(at(9.9)) == 10.0
    assert tape.price_at(at(10)) == tape.price_at(at(1000)) == 11.0


def test_window_is_open_on_the_left(today, at, make_bar):
    """The last 60 s are twelve bars, whole ones only."""
    tape = Tape(today)
    tape.extend(make_bar(at(5 * k), 10.0) for k in range(40))
    assert [bar.start for bar in tape.window(at(100), 60)] == [at(5 * k) for k in range(8, 20)]
    assert tape.window(at(0), 60) == []


def test_bars_must_follow_each_other(today, at, make_bar):
    """A bar out of order is refused, not sorted in: that would change the past."""
    tape = Tape(today)
    tape.extend([make_bar(at(5), 10.0)])
    with pytest.raises(ValueError, match="does not follow"):
        tape.extend([make_bar(at(0), 10.0)])


def test_minutes_of_history_go_on_as_minutes_of_live_bars(today, at, make_bar):
    """From the minute that ran when history was asked for, 5 s bars make the minutes; nothing counts twice."""
    history = [make_bar(at(60 * k), 10.0 + k, seconds=60, volume=600) for k in range(5)]
    tape = Tape(today, history, asked_at=at(270))  # the minute from 240 s is in progress and is left out
    tape.extend(make_bar(at(5 * k), 20.0, volume=50) for k in range(42, 66))  # history's recent bars from 210 s
    assert [bar.close for bar in tape.minutes_until(at(330))] == [10, 11, 12, 13, 20]
    assert tape.totals_at(at(240))[0] == 2400
    assert tape.totals_at(at(245))[0] == 2450
    assert tape.totals_at(at(330))[0] == 2400 + 18 * 50
    assert tape.open_at(at(330)) == 10.0
    assert np.array_equal(tape.minute_closes(at(335)), [10, 11, 12, 13, 20])


def test_without_minutes_the_live_bars_are_all_there_is(today, at, make_bar):
    """Where history failed, totals count what was seen, from the open on."""
    tape = Tape(today)
    tape.extend([make_bar(at(-5), 9.0), make_bar(at(0), 10.0), make_bar(at(125), 12.0)])
    assert tape.totals_at(at(130)) == (200.0, 2200.0)
    assert tape.open_at(at(130)) == 10.0
    assert np.array_equal(tape.minute_closes(at(180)), [10, 10, 12])


def test_extended_hours_have_prices_but_no_totals(today, at, make_bar):
    """Before the open there is a price to anchor on and no regular volume."""
    tape = Tape(today)
    tape.extend([make_bar(at(-60), 9.0)])
    assert tape.price_at(at(0)) == 9.0
    assert tape.totals_at(at(0)) == (0.0, 0.0)
    assert math.isnan(tape.open_at(at(0)))
    assert tape.minute_closes(at(0)).size == 0


def test_a_day_without_session(at, make_bar):
    """On a holiday there are prices at most."""
    tape = Tape(None)
    tape.extend([make_bar(at(0), 9.0)])
    assert tape.price_at(at(10)) == 9.0
    assert tape.totals_at(at(10)) == (0.0, 0.0)
    assert tape.minute_closes(at(100)).size == 0
