import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.models.contracts import PriceIncrement
from momentum_kit.trading import US_STOCK_BANDS, exit_limit
from momentum_kit.trading.prices import entry_limit, round_price

THREE_BANDS = (PriceIncrement(0.0, 0.0001), PriceIncrement(1.0, 0.01), PriceIncrement(100.0, 0.05))


@pytest.mark.parametrize(
    ("price", "rounding", "expected"),
    [
        (5.123, "down", 5.12),
        (5.123, "up", 5.13),
        (5.125, "nearest", 5.12),
        (5.12, "up", 5.12),
        (0.12345, "down", 0.1234),
        (0.99995, "up", 1.0),
        (1.05 * 1.005, "down", 1.05),
        (1.1 * 1.1, "up", 1.21),
    ],
)
def test_rounds_to_the_band(price, rounding, expected):
    """A price moves onto its band's grid in the direction asked for, and binary noise is not a tick."""
    assert round_price(price, US_STOCK_BANDS, rounding) == expected


def test_no_band_is_an_error():
    """An empty rule, or a price below every band, has no valid price."""
    with pytest.raises(ValueError, match="no price band"):
        round_price(5.0, (), "up")
    with pytest.raises(ValueError, match="no price band"):
        round_price(-1.0, US_STOCK_BANDS, "up")


@given(st.floats(0.0001, 500), st.sampled_from(["down", "up", "nearest"]))
def test_result_is_on_the_grid_and_on_the_right_side(price, rounding):
    """Rounding down never raises, up never lowers, and rounding a rounded price changes nothing."""
    rounded = round_price(price, THREE_BANDS, rounding)
    if rounding == "down":
        assert rounded <= price + 1e-8
    if rounding == "up":
        assert rounded >= price - 1e-8
    assert round_price(rounded, THREE_BANDS, rounding) == rounded
    step = next(band.increment for band in reversed(THREE_BANDS) if band.low_edge <= rounded)
    assert Decimal(repr(rounded)) % Decimal(repr(step)) == 0


@given(st.floats(0.01, 500), st.floats(1, 300))
def test_entry_limit_holds_its_cap(ask, cap_bps):
    """The entry's limit reaches the ask and exceeds the cap by less than the tick that reaching the ask needs."""
    limit = entry_limit(ask, cap_bps, THREE_BANDS)
    assert limit >= ask - 1e-8
    assert limit <= max(ask * (1 + cap_bps / 1e4), round_price(ask, THREE_BANDS, "up")) + 1e-8


@given(st.floats(0.01, 500), st.floats(1, 300))
def test_exit_limit_reaches_the_bid(bid, cap_bps):
    """A marketable sell is never above the bid."""
    limit = exit_limit(bid, cap_bps, THREE_BANDS)
    assert limit <= bid + 1e-8
    assert math.isfinite(limit)
