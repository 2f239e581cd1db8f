import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from momentum_kit.errors import ConfigError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import CommissionReport, Execution, Fill, OrderAction
from momentum_kit.trading import FillCosts, commission, parse_costs
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


def fill(shares, price, cost=None, currency="USD", side=BUY, at=datetime(2026, 11, 20, 15, 0, tzinfo=UTC)):
    """An execution with its report, or without."""
    execution = Execution(
        exec_id="1.01", order_id=1, perm_id=1, client_id=17, contract=Contract("ABC", 1), account="DU1", side=side,
        shares=Decimal(shares), price=price, time=at, order_ref="mk-1", exchange="X", cumulative_shares=Decimal(shares),
        average_price=price, liquidation=False, received_at=at,
    )  # fmt: skip
    if cost is None:
        return Fill(execution)
    return Fill(
        execution, CommissionReport(exec_id="1.01", commission_usd=cost, currency=currency, realized_pnl_usd=math.nan)
    )


EURO = {date(2026, 1, 2): 1.1, date(2026, 11, 2): 1.2}
FX = parse_costs({**CONTENT, "fx": [{"since": day, "currency": "EUR", "usd": usd} for day, usd in EURO.items()]})


@pytest.mark.parametrize(
    ("told", "currency", "expected"),
    [
        (1.25, "USD", (1.25, "reported")),
        (-0.4, "USD", (-0.4, "reported")),  # a rebate
        (1.0, "EUR", (1.2, "converted")),
        (1.0, "JPY", (5.0, "estimated")),
        (1.0, "", (5.0, "estimated")),
        (math.nan, "USD", (5.0, "estimated")),
        (math.inf, "USD", (5.0, "estimated")),
        (math.nan, "EUR", (5.0, "estimated")),
        (None, "", (5.0, "estimated")),
    ],
)
def test_a_cost_is_the_brokers_word_in_usd_or_an_estimate(told, currency, expected):
    """Another currency is converted by that day's rate, never added as USD; what is unset or unknown is estimated."""
    cost = FillCosts(FX, "fixed").of_fill(fill(1000, 5.0, told, currency), 0.0, 0.0)
    assert cost == (pytest.approx(expected[0], abs=0.01), expected[1])


def test_a_rate_holds_from_its_day_on():
    """Before the first entry of a currency no rate is known; after it the latest one counts."""
    costs = FillCosts(FX, "fixed")
    report = fill(1000, 5.0, 1.0, "EUR").commission
    found = [costs.of_report(report, on) for on in (date(2025, 12, 31), date(2026, 1, 2), date(2026, 11, 1))]
    assert found == [None, (1.1, "converted"), (1.1, "converted")]


def test_the_least_commission_is_paid_once_an_order():
    """Ten fills of one order are estimated as the one order that they are."""
    costs = FillCosts(TABLE, "fixed")
    parts = [costs.of_fill(fill(20, 5.0), 20.0 * n, 100.0 * n) for n in range(10)]
    assert {part.basis for part in parts} == {"estimated"}
    assert sum(part.usd for part in parts) == pytest.approx(commission(TABLE, "fixed", BUY, 200, 5.0, TODAY))
    assert parts[0].usd == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("price", [math.nan, math.inf])
def test_without_a_table_or_a_price_a_cost_is_unknown_and_no_nan(price):
    """It adds nothing to a sum, and says that it is unknown."""
    assert FillCosts().of_fill(fill(100, 5.0), 0.0, 0.0) == (0.0, "unknown")
    assert FillCosts(TABLE).of_fill(fill(100, price), 0.0, 0.0) == (0.0, "unknown")


def test_a_shipped_table_converts_nothing_that_nobody_entered():
    """No exchange rate is made up."""
    assert TABLE.fx == ()
