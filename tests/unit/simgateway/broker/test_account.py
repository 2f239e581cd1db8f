from decimal import Decimal

import pytest

from momentum_kit.simgateway.broker import Account
from momentum_kit.simgateway.scenario import CommissionSpec

ACME = 1001


def account_with(cash_usd: float, **commission: float) -> Account:
    """An account at four times its equity, whose executions cost what is named."""
    return Account(name="DU1", cash_usd=cash_usd, commission=CommissionSpec(**commission), leverage=4.0)


def values(account: Account, price: float) -> dict[str, float]:
    """The summary's amounts with ACME at `price`."""
    return {line.tag: float(line.value) for line in account.values({ACME: price}) if line.currency}


def test_an_opening_realises_nothing_and_its_cost_enters_the_average():
    """As at IB, the average cost includes the commission."""
    account = account_with(10_000.0)
    assert account.book(ACME, Decimal(100), 10.0, 1.0) is None
    assert account.holding(ACME).average_cost == pytest.approx(10.01)
    assert account.cash_usd == pytest.approx(10_000 - 1_000 - 1)


def test_closing_a_part_realises_that_part_after_its_commission():
    """The rest keeps its average cost."""
    account = account_with(10_000.0)
    account.book(ACME, Decimal(100), 10.0, 1.0)
    assert account.book(ACME, Decimal(-40), 11.0, 1.0) == pytest.approx(40 * (11 - 10.01) - 1)
    assert account.holding(ACME) == (ACME, Decimal(60), pytest.approx(10.01))


def test_selling_through_zero_closes_the_long_and_opens_a_short():
    """The commission is shared by the two parts; a short's average cost is what it brought in."""
    account = account_with(10_000.0)
    account.book(ACME, Decimal(50), 10.0, 0.0)
    realized = account.book(ACME, Decimal(-150), 12.0, 3.0)
    assert realized == pytest.approx(50 * 2 - 1)
    assert account.holding(ACME) == (ACME, Decimal(-100), pytest.approx(12 - 0.02))
    assert account.book(ACME, Decimal(100), 11.0, 0.0) == pytest.approx(100 * (11.98 - 11))
    assert account.open_holdings() == []


def test_equity_is_cash_and_positions_at_their_marks():
    """The summary's lines fit each other."""
    account = account_with(10_000.0)
    account.book(ACME, Decimal(100), 10.0, 0.0)
    amounts = values(account, 12.0)
    assert amounts["NetLiquidation"] == pytest.approx(10_200)
    assert amounts["GrossPositionValue"] == pytest.approx(1_200)
    assert amounts["UnrealizedPnL"] == pytest.approx(200)
    assert amounts["AvailableFunds"] == pytest.approx(10_200 - 300)
    assert amounts["BuyingPower"] == pytest.approx(4 * (10_200 - 300))


def test_an_order_beyond_the_margin_is_refused_in_the_words_of_ib():
    """Equity must exceed the margin of the position after the order."""
    account = account_with(1_000.0)
    assert account.refusal(ACME, Decimal(400), 10.0, {}) is None
    words = account.refusal(ACME, Decimal(401), 10.0, {})
    assert words is not None
    assert "EQUITY WITH LOAN VALUE [1000.00 USD] MUST EXCEED THE INITIAL MARGIN [1002.50 USD]" in words


def test_an_order_that_closes_is_never_refused():
    """Also not when equity is gone."""
    account = account_with(1_000.0)
    account.book(ACME, Decimal(100), 40.0, 0.0)
    assert account.refusal(ACME, Decimal(-100), 5.0, {ACME: 5.0}) is None


@pytest.mark.parametrize(
    ("shares", "price", "commission"),
    [(1, 257.95, 1.0), (1_000, 10.0, 5.0), (1, 20.0, 0.20), (100, 10.0, 1.0)],
    ids=["floor", "per share", "cap below the floor", "small order"],
)
def test_the_fixed_plan_has_a_floor_and_a_cap_that_wins_over_it(shares, price, commission):
    """USD 0.005 a share, at least 1.00 an order, at most 1% of its value."""
    assert account_with(0).order_commission(shares, shares * price) == pytest.approx(commission)


def test_regulatory_fees_fall_on_sales_and_the_audit_trail_on_both_sides():
    """The trading activity fee is capped for each execution."""
    account = account_with(
        0, sec_usd_per_million=20.0, taf_per_share_usd=0.0002, taf_most_usd=9.79, cat_per_share_usd=0.000003
    )
    assert account.execution_fees(100_000, 1_000_000, sale=False) == pytest.approx(0.3)
    assert account.execution_fees(100_000, 1_000_000, sale=True) == pytest.approx(0.3 + 20 + 9.79)
