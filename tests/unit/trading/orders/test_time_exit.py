from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from momentum_kit.config import ExitSettings
from momentum_kit.models.contracts import Contract
from momentum_kit.models.intents import Intent, IntentKind
from momentum_kit.models.orders import OrderAction
from momentum_kit.sessions import NEW_YORK, session_at
from momentum_kit.trading import US_STOCK_BANDS
from momentum_kit.trading.orders import (
    Leg,
    OrderState,
    bracket_legs,
    goes_first,
    gone_by,
    time_exit_order,
    wakes,
)

EXITS = ExitSettings(time_stop_s=900, entry_timeout_s=10, flat_before_close_s=300)


def hour(day, clock, exits=EXITS):
    """When what is ordered at a New York time must be gone, as New York's clock says it; None where none rests."""
    at = datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=NEW_YORK)
    gone = gone_by(at, session_at(at), exits)
    return gone and f"{gone.astimezone(NEW_YORK):%H:%M:%S}"


@pytest.mark.parametrize(
    ("day", "clock", "gone"),
    [
        ("2026-11-20", "10:00:00", "10:15:10"),
        ("2026-11-20", "10:00:00.000001", "10:15:11"),
        ("2026-11-20", "15:44:00", "15:55:00"),
        ("2026-11-27", "12:44:00", "12:55:00"),  # the half day after Thanksgiving
        ("2026-07-08", "10:00:00", "10:15:10"),  # summer time
        ("2026-11-20", "09:20:00", "09:35:10"),  # bought before the open, to be sold after it
    ],
)
def test_the_hour_is_the_end_of_the_holding_time_or_the_sessions_deadline(day, clock, gone):
    """Whichever comes first, in whole seconds; the holding time begins once the entry has had its patience."""
    assert hour(day, clock) == gone


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("2026-11-20", "08:00:00"),  # to be sold at 08:15, when no market order trades
        ("2026-11-20", "15:55:00"),  # at the deadline
        ("2026-11-20", "16:30:00"),
        ("2026-11-21", "10:00:00"),  # a Saturday
        ("2026-11-26", "10:00:00"),  # Thanksgiving
    ],
)
def test_no_time_exit_rests_where_a_market_order_could_not_sell(day, clock):
    """Its hour would lie outside of regular hours: the exit is this machine's, by limits."""
    assert hour(day, clock) is None


def test_a_deadline_at_the_close_itself_is_no_hour():
    """An order that wakes with the close waits for the next open."""
    assert hour("2026-11-20", "15:58:00", EXITS.model_copy(update={"flat_before_close_s": 0.0})) is None


INTENT = Intent(
    intent_id="mk-1", kind=IntentKind.ENTRY, item_id="s:1", contract=Contract("AAA", 1), account="DU1",
    action=OrderAction.BUY, quantity=Decimal(100), limit_price=5.02, target_price=5.2, stop_price=4.9, risk_usd=12.0,
    created_at=datetime(2026, 11, 20, 15, tzinfo=UTC), entry_order_id=7, target_order_id=8, stop_order_id=9,
    timed_order_id=10,
)  # fmt: skip
HOUR = datetime(2026, 11, 20, 15, 15, 10, tzinfo=UTC)


def test_the_leg_is_a_child_in_the_group_of_stop_and_target():
    """It sells what they would sell, at the market, after its hour, whatever the day; and transmits nobody."""
    order = time_exit_order(INTENT, HOUR)
    _, target, stop = bracket_legs(INTENT, regular_hours=True, stop_slack_pct=2.0, bands=US_STOCK_BANDS)
    assert (order.action, order.order_type, order.tif, order.good_after) == (OrderAction.SELL, "MKT", "GTC", HOUR)
    assert {order.oca_group, target.oca_group} == {stop.oca_group}
    assert (order.oca_type, order.parent_id, order.quantity) == (stop.oca_type, stop.parent_id, stop.quantity)
    assert (order.order_id, order.order_ref, order.account, order.transmit) == (10, "mk-1", "DU1", False)


@pytest.mark.parametrize(
    ("seconds", "awake", "first"),
    [(-900, False, False), (-3, False, False), (-2, True, True), (0, True, True), (4, True, True), (5, True, False)],
)
def test_about_its_hour_it_goes_first(seconds, awake, first):
    """From 2 s before to 5 s after; one that has not sold by then leaves it to others."""
    leg = Leg(role="timed", request=time_exit_order(INTENT, HOUR), sent_at=0.0, state=OrderState.HELD)
    now = HOUR + timedelta(seconds=seconds)
    assert (wakes(leg, now), goes_first(leg, now)) == (awake, first)


@pytest.mark.parametrize("state", [OrderState.INACTIVE, OrderState.CANCELLED, OrderState.REJECTED, OrderState.FILLED])
def test_one_that_cannot_sell_goes_before_nobody(state):
    """An exit waits for no order that is refused or over."""
    leg = Leg(role="timed", request=time_exit_order(INTENT, HOUR), sent_at=0.0, state=state)
    assert not goes_first(leg, HOUR)


def test_it_sells_once_its_hour_has_come_and_the_broker_works_it():
    """Before, it is no way out: a stop must rest beside it, and an exit must not wait for it."""
    leg = Leg(role="timed", request=time_exit_order(INTENT, HOUR), sent_at=0.0, state=OrderState.WORKING)
    assert not leg.selling
    leg.turned, leg.state = True, OrderState.HELD
    assert not leg.selling
    leg.state = OrderState.WORKING
    assert leg.selling
