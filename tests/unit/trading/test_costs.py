from datetime import date
from pathlib import Path

import pytest
import yaml

from momentum_kit.errors import ConfigError
from momentum_kit.models.orders import OrderAction
from momentum_kit.trading import commission, parse_costs
from momentum_kit.trading.costs import round_trip_bps

ROOT = Path(__file__).resolve().parents[3]
CONTENT = yaml.safe_load((ROOT / "config" / "costs.yaml").read_text())
TABLE = parse_costs(CONTENT)
TODAY = date(2026, 11, 20)
BUY, SELL = OrderAction.BUY, OrderAction.SELL


@pytest.mark.parametrize(
    ("shares", "price", "fixed_bps", "tiered_bps"), [(1000, 5.0, 20.2, 27.0), (2000, 2.0, 50.2, 67.3)]
)
def test_published_check_numbers(shares, price, fixed_bps, tiered_bps):
    """Round trips of November 2026, taking liquidity on both sides."""
    assert round(round_trip_bps(TABLE, "fixed", shares, price, TODAY), 1) == fixed_bps
    assert round(round_trip_bps(TABLE, "tiered", shares, price, TODAY), 1) == tiered_bps


def test_minimum_and_cap():
    """One dollar at least, but never more than one per cent of the value."""
    assert commission(TABLE, "fixed", BUY, 10, 50.0, TODAY) == pytest.approx(1.0, abs=1e-3)
    assert commission(TABLE, "fixed", BUY, 10, 2.0, TODAY) == pytest.approx(0.20, abs=1e-3)
    assert commission(TABLE, "fixed", BUY, 0, 2.0, TODAY) == 0


def test_fees_follow_the_date():
    """SEC's fee starts on 2026-04-04, TAF pauses on 2026-10-01; both fall on sells only."""

    def sell(on: date) -> float:
        return commission(TABLE, "fixed", SELL, 1000, 10.0, on) - commission(TABLE, "fixed", BUY, 1000, 10.0, on)

    assert sell(date(2026, 4, 3)) == pytest.approx(0.195)
    assert sell(date(2026, 4, 4)) == pytest.approx(0.195 + 0.206)
    assert sell(date(2026, 10, 1)) == pytest.approx(0.206)


def test_taf_is_capped():
    """At most 9.79 USD an order."""
    many = commission(TABLE, "fixed", SELL, 100_000, 10.0, date(2026, 3, 2))
    assert many - commission(TABLE, "fixed", BUY, 100_000, 10.0, date(2026, 3, 2)) == pytest.approx(9.79)


def test_tiers_are_marginal():
    """An order across 300,000 shares of the month pays each share at its own rate."""
    across = commission(TABLE, "tiered", BUY, 2000, 10.0, TODAY, monthly_shares=299_000)
    below = commission(TABLE, "tiered", BUY, 1000, 10.0, TODAY)
    above = commission(TABLE, "tiered", BUY, 1000, 10.0, TODAY, monthly_shares=300_000)
    assert across == pytest.approx(below + above)
    assert above < below


def test_resting_is_cheaper():
    """Adding liquidity saves the access fee."""
    taken = commission(TABLE, "tiered", BUY, 1000, 5.0, TODAY)
    rested = commission(TABLE, "tiered", BUY, 1000, 5.0, TODAY, removes=False)
    assert taken - rested == pytest.approx(3.0)


def test_a_day_before_the_table_uses_its_first_entry():
    """Old archives get the oldest rates we know."""
    assert commission(TABLE, "fixed", SELL, 100, 190.0, date(2013, 10, 11)) > 0


def test_a_wrong_key_is_named():
    """A typo in the table is one clear line."""
    wrong = {**CONTENT, "sec": [{"since": date(2026, 1, 1), "per_milion_usd": 1.0}]}
    with pytest.raises(ConfigError, match=r"costs: sec\.0\.per_mil"):
        parse_costs(wrong)
