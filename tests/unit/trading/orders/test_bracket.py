from datetime import UTC, datetime
from decimal import Decimal

import pytest

from momentum_kit.models.contracts import Contract
from momentum_kit.models.intents import Intent, IntentKind
from momentum_kit.models.orders import OrderAction
from momentum_kit.trading import US_STOCK_BANDS
from momentum_kit.trading.orders import as_limit, as_market, bracket_legs, stop_order

INTENT = Intent(
    intent_id="mk-1", kind=IntentKind.ENTRY, item_id="s:1", contract=Contract("AAA", 1), account="DU1",
    action=OrderAction.BUY, quantity=Decimal(100), limit_price=5.02, target_price=5.2, stop_price=4.9, risk_usd=12.0,
    created_at=datetime(2026, 11, 20, 15, tzinfo=UTC), entry_order_id=7, target_order_id=8, stop_order_id=9,
)  # fmt: skip


def legs(*, regular_hours=True):
    """The three orders of INTENT."""
    return bracket_legs(INTENT, regular_hours=regular_hours, stop_slack_pct=2.0, bands=US_STOCK_BANDS)


def test_only_the_last_leg_is_transmitted():
    """Entry and target wait for the stop, which releases all three at once."""
    assert [leg.transmit for leg in legs()] == [False, False, True]


def test_children_hang_on_the_entry_in_one_group():
    """Target and stop name the entry as parent and share an OCA group that reduces; the entry is in none."""
    entry, target, stop = legs()
    assert (entry.parent_id, entry.oca_group) == (0, "")
    assert {target.parent_id, stop.parent_id} == {7}
    assert target.oca_group == stop.oca_group != ""
    assert (target.oca_type, stop.oca_type) == (2, 2)


def test_every_leg_is_complete():
    """Each leg carries tif, account, the intent's reference and its own order id."""
    assert [leg.tif for leg in legs()] == ["DAY", "GTC", "GTC"]
    assert [leg.order_id for leg in legs()] == [7, 8, 9]
    assert {(leg.order_ref, leg.account, leg.quantity) for leg in legs()} == {("mk-1", "DU1", Decimal(100))}
    assert [leg.action for leg in legs()] == ["BUY", "SELL", "SELL"]


def test_regular_hours_use_a_plain_stop():
    """STP in regular hours, and nothing works outside them."""
    entry, target, stop = legs()
    assert (entry.order_type, target.order_type, stop.order_type) == ("LMT", "LMT", "STP")
    assert (stop.stop_price, stop.limit_price) == (4.9, None)
    assert not any(leg.outside_rth for leg in legs())


def test_outside_hours_the_stop_can_trigger():
    """A plain stop sleeps outside regular hours: there it is STP LMT with outsideRth, its limit below the trigger."""
    stop = legs(regular_hours=False)[2]
    assert (stop.order_type, stop.stop_price, stop.limit_price) == ("STP LMT", 4.9, 4.8)
    assert all(leg.outside_rth for leg in legs(regular_hours=False))


def test_standalone_stop_has_no_parent():
    """It is sent at once and hangs on nothing."""
    stop = stop_order(INTENT, Decimal(40), regular_hours=True, stop_slack_pct=2.0, bands=US_STOCK_BANDS)
    assert (stop.parent_id, stop.transmit, stop.quantity, stop.tif) == (0, True, Decimal(40), "GTC")


@pytest.mark.parametrize("regular", [True, False])
def test_an_exit_is_the_same_order(regular):
    """The exit keeps order id, parent and group, so that it takes the target with it."""
    stop = legs(regular_hours=regular)[2]
    for order in (as_market(stop, Decimal(60)), as_limit(stop, Decimal(60), 4.88)):
        assert (order.order_id, order.parent_id, order.oca_group) == (9, 7, stop.oca_group)
        assert (order.quantity, order.action, order.stop_price, order.tif) == (Decimal(60), "SELL", None, "GTC")
    assert as_market(stop, Decimal(60)).order_type == "MKT"
    assert as_limit(stop, Decimal(60), 4.88).outside_rth
