"""Limit up, limit down: how wide the bands are and what they do to a path."""

import numpy as np
import pytest

from momentum_kit.simgateway.embedding import open_market
from momentum_kit.simgateway.events import HaltEvent, TradeEvent
from momentum_kit.simgateway.market.luld import band_width, hold_to_bands
from momentum_kit.simgateway.scenario import parse_scenario

DAY_S = 23_400


@pytest.mark.parametrize(
    ("close", "large", "doubled", "width"),
    [
        (10.0, False, False, 1.0),
        (10.0, True, False, 0.5),
        (10.0, True, True, 1.0),
        (10.0, False, True, 1.0),
        (2.0, False, False, 2.0),
        (2.0, False, True, 4.0),
        (0.5, False, False, 0.15),
    ],
)
def test_widths(close, large, doubled, width):
    """By tier and by the previous close, around a reference of $10."""
    assert band_width(close, 10.0, large=large, doubled=doubled) == pytest.approx(width)


def test_a_jump_through_the_band_is_a_limit_state_and_then_a_pause():
    """15 s at the band, five minutes of nothing, reopening where the path is by then."""
    path = np.full(DAY_S, 10.0)
    path[3_600:] = 12.0
    held = hold_to_bands(path, 10.0, large=False)
    ((first, last),) = held.spans
    assert (first, last) == (3_616, 3_916)
    assert held.path[3_599] == 10.0
    assert held.path[3_600:3_616] == pytest.approx(11.0, rel=0.01)
    assert held.path[3_916] == 12.0


def test_a_touch_of_the_band_is_no_pause():
    """Ten seconds beyond it are cut off and forgotten."""
    path = np.full(DAY_S, 10.0)
    path[3_600:3_610] = 12.0
    held = hold_to_bands(path, 10.0, large=False)
    assert held.spans == ()
    assert held.path.max() == pytest.approx(11.0, rel=0.01)


def test_a_scenario_may_ask_for_bands():
    """A cash offer, which jumps by a third, is paused on its way up; nothing prints in between."""
    spec = {"news": {"decoys": {"merger_target": 1}}, "universe": {"small_caps": 3, "large_caps": 0}, "seed": 4}
    halts, prints = {}, {}
    for bands in (False, True):
        market = open_market(parse_scenario(spec | {"price_bands": bands}))
        for con_id in market.instruments:
            market.activate(con_id)
        events = market.advance(market.ends)
        halts[bands] = [e for e in events if isinstance(e, HaltEvent)]
        prints[bands] = [e for e in events if isinstance(e, TradeEvent)]
    assert halts[False] == []
    stops = [e for e in halts[True] if e.state == 2]
    assert stops
    stop = stops[0]
    resumed = next(e for e in halts[True] if e.state == 0 and e.con_id == stop.con_id and e.time > stop.time)
    assert (resumed.time - stop.time).total_seconds() == 300
    during = [e for e in prints[True] if e.con_id == stop.con_id and stop.time < e.time < resumed.time]
    assert during == []
