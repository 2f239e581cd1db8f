"""What a round trip went through, and where another exit would have sold, worked out by hand on small tapes."""

import math

import numpy as np
import pytest

from momentum_kit.notebook.review.hindsight import FAMILY, Excursion, Marks, ReviewedExit, Sale, excursion, sale

NAN = math.nan


def tape(*marks: tuple[float, float, float]) -> Marks:
    """Seconds, last price and bid."""
    at_s, price, bid = (np.array(each, dtype=float) for each in zip(*marks, strict=True))
    return Marks(at_s=at_s, price=price, bid=bid)


RISE_AND_FALL = tape(
    (0, 10.00, 9.99), (5, 10.10, 10.08), (10, 10.21, 10.20), (15, 10.12, 10.10), (20, 9.95, 9.93), (25, 9.88, 9.86),
    (30, 9.97, 9.95), (60, 10.40, 10.38),
)  # fmt: skip


def rule(stop: float = 1.0, target: float | None = 2.0, hold_s: float = 900.0) -> ReviewedExit:
    """A stop and a target at one and two distances, unless said otherwise."""
    return ReviewedExit(stop=stop, target=target, hold_s=hold_s)


def test_the_worst_and_the_best_are_of_the_holding_time_and_of_the_own_fills() -> None:
    """Bought at 10.02, sold after 22 s at 9.90: what came later was not lived."""
    seen = excursion(10.02, RISE_AND_FALL, 22.0, [10.02, 9.90])
    assert seen == Excursion(worst_usd=pytest.approx(-0.12), best_usd=pytest.approx(0.19))


def test_a_trade_that_only_rose_has_no_adverse_side() -> None:
    """And one that only fell no favourable one: neither is on the wrong side of zero."""
    assert excursion(9.90, RISE_AND_FALL, 10.0, [10.21]).worst_usd == 0.0
    assert excursion(10.50, RISE_AND_FALL, 30.0, [10.00]).best_usd == 0.0


def test_without_marks_nothing_is_known_but_of_the_shortest() -> None:
    """Held for half a minute unseen: who knows. Held for less than a bar, the own fills are all there can be."""
    nothing = Marks(at_s=np.empty(0), price=np.empty(0), bid=np.empty(0))
    assert math.isnan(excursion(10.0, nothing, 30.0, [9.80]).worst_usd)
    assert excursion(10.0, nothing, 4.0, [9.80]) == Excursion(worst_usd=pytest.approx(-0.20), best_usd=0.0)


@pytest.mark.parametrize(
    ("exit_", "sold"),
    [
        (rule(1.0, 2.0), Sale(at_s=10, price=10.20, by="target")),  # 10.00 + 2 x 0.10: at its own price
        (rule(1.0, 3.0), Sale(at_s=25, price=9.86, by="stop")),  # the bid that triggered it, below 9.90
        (rule(0.5, 3.0), Sale(at_s=20, price=9.93, by="stop")),  # 9.95
        (rule(2.0, None, 15.0), Sale(at_s=15, price=10.10, by="time")),
        (rule(2.0, None, 17.0), Sale(at_s=20, price=9.93, by="time")),  # the first mark behind it
        (rule(1.5, 3.0), Sale(at_s=60, price=10.30, by="target")),  # stop at 9.85 was never reached
        (rule(2.0, None, 61.0), None),  # the marks end before
        (rule(2.0, None, 900.0), None),
    ],
    ids=lambda each: each.name if isinstance(each, ReviewedExit) else "",
)
def test_an_exit_sells_where_its_rule_says(exit_: ReviewedExit, sold: Sale | None) -> None:
    """Paid 10.00 with the stop at 9.90: multiples of ten cents."""
    found = sale(10.00, 9.90, RISE_AND_FALL, exit_)
    if sold is None:
        assert found is None
    else:
        assert found is not None
        assert (found.at_s, found.price, found.by) == (sold.at_s, pytest.approx(sold.price), sold.by)


def test_the_day_s_end_sells_before_the_holding_time_does() -> None:
    """Five seconds before everything had to be flat."""
    assert sale(10.00, 9.90, RISE_AND_FALL, rule(3.0, None), close_s=5.0) == Sale(at_s=5, price=10.08, by="time")


def test_where_nobody_looked_for_a_minute_nothing_is_claimed() -> None:
    """A target that is met behind the gap may have been a stop within it."""
    gap = tape((0, 10.0, 9.99), (5, 10.02, 10.01), (70, 10.40, 10.39))
    assert sale(10.00, 9.90, gap, rule()) is None
    assert sale(10.00, 9.90, tape((65, 10.40, 10.39)), rule()) is None  # nor between the entry and the first mark


def test_a_gap_through_the_stop_sells_at_the_bid_behind_it() -> None:
    """Not at the stop's own price: nobody was there."""
    assert sale(10.0, 9.9, tape((0, 10.0, 9.99), (5, 8.9, 8.8)), rule()) == Sale(at_s=5, price=8.8, by="stop")


def test_a_bid_that_is_not_known_is_stood_in_for_by_the_price() -> None:
    """And a mark without either says nothing."""
    assert sale(10.0, 9.9, tape((0, NAN, NAN), (5, 10.25, NAN)), rule()) == Sale(at_s=5, price=10.2, by="target")


@pytest.mark.parametrize("stop_usd", [10.0, 10.5, NAN, -math.inf])
def test_without_a_stop_below_the_entry_there_is_no_measure(stop_usd: float) -> None:
    """A multiple of nothing is nothing."""
    assert sale(10.0, stop_usd, RISE_AND_FALL, rule()) is None


def test_the_family_is_what_a_session_watches_long_enough_for() -> None:
    """36 exits, each once, none longer than the 15 minutes for which a symbol is watched."""
    assert len({each.name for each in FAMILY}) == len(FAMILY) == 36
    assert max(each.hold_s for each in FAMILY) == 900.0
