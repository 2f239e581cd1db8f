"""What a day's sales realised: first in first out, after costs, exact."""

from datetime import date, datetime
from decimal import Decimal

from momentum_kit.sessions import NEW_YORK
from momentum_kit.trading.statement.gains import Traded, realised_on

FRIDAY = date(2026, 11, 20)


def traded(at: str, shares: int, price: str, cost: str) -> Traded:
    """A fill at a New York time."""
    time = datetime.fromisoformat(f"2026-11-{at}").replace(tzinfo=NEW_YORK)
    return Traded(time, Decimal(shares), Decimal(price), Decimal(cost))


def test_a_lot_that_is_sold_in_parts_carries_its_costs_in_parts() -> None:
    """100 for 1,000 and 2.00; 40 of them on Thursday, the rest and half of a second lot on Friday."""
    fills = [
        traded("19 10:00", 100, "10", "2.00"), traded("19 15:00", -40, "11", "1.00"),
        traded("20 09:40", 50, "12", "1.00"), traded("20 11:00", -85, "13", "1.70"),
    ]  # fmt: skip
    # Thursday: 440 - 1.00 - 400.80; Friday: 1105 - 1.70 - (600 + 1.20) - (300 + 0.50)
    assert realised_on(date(2026, 11, 19), fills) == Decimal("38.20")
    assert realised_on(FRIDAY, reversed(fills)) == Decimal("201.60")


def test_a_sale_of_what_nobody_bought_is_unknown_and_not_all_profit() -> None:
    """On the day itself; one of a day before says nothing about this one."""
    sale = traded("20 11:00", -10, "5", "1")
    assert realised_on(FRIDAY, [traded("20 10:00", 9, "4", "1"), sale]) is None
    assert realised_on(FRIDAY, [traded("19 11:00", -10, "5", "1")]) == 0


def test_within_one_second_the_purchase_comes_first() -> None:
    """Times are whole seconds, and the kit sells nothing that it has not."""
    fills = [traded("20 10:00", -10, "5.10", "0"), traded("20 10:00", 10, "5", "0")]
    assert realised_on(FRIDAY, fills) == Decimal("1.00")
