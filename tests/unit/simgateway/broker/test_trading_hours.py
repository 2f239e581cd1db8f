"""Regular and extended hours, halts, and how DAY orders end."""

from datetime import UTC, datetime, timedelta

import pytest

from momentum_kit.simgateway.events import OrderErrorReport

OPENING = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
BEFORE = OPENING - timedelta(hours=1)


def test_a_market_order_before_the_open_waits_for_the_first_quote_after_it(make_desk):
    """PreSubmitted with warning 399, Submitted at the open, filled at the session's own price."""
    desk = make_desk(start=BEFORE)
    desk.quote(10.00, 10.10)
    assert desk.place(1, "BUY", 10) == ["1 open PreSubmitted", "1 PreSubmitted 0+10", "1 error 399"]
    warning = next(event for event in desk.events if isinstance(event, OrderErrorReport))
    assert warning.text == (
        "Order Message:\nBUY 10 ACME NASDAQ.NMS\n"
        "Warning: Your order will not be placed at the exchange until 2026-11-20 09:30:00 US/Eastern."
    )
    assert desk.quote(10.05, 10.15) == []
    assert desk.until(OPENING) == ["1 open Submitted", "1 Submitted 0+10"]
    assert desk.quote(10.30, 10.40)[0] == "1 BOT 10 @ 10.4"


def test_only_outside_rth_lets_a_limit_order_trade_before_the_open(make_desk):
    """A market order never does, whatever it says."""
    desk = make_desk(start=BEFORE)
    desk.quote(10.00, 10.10)
    assert "1 Filled 10+0" in desk.place(1, "BUY", 10, "LMT", limit_price=10.10, outside_rth=True)
    assert "2 error 399" in desk.place(2, "BUY", 10, outside_rth=True)
    assert "3 error 399" in desk.place(3, "BUY", 10, "LMT", limit_price=10.10)


def test_nothing_trades_in_the_night(make_desk):
    """Extended hours are 04:00 to 20:00 New York."""
    desk = make_desk(start=OPENING - timedelta(hours=6))
    desk.quote(10.00, 10.10)
    assert "1 error 399" in desk.place(1, "BUY", 10, "LMT", limit_price=10.10, outside_rth=True)
    assert desk.until(OPENING - timedelta(hours=5, minutes=30)) == ["1 open Submitted", "1 Submitted 0+10"]
    assert "1 Filled 10+0" in desk.quote(10.00, 10.10)


@pytest.mark.parametrize("outside", [False, True])
def test_a_stop_triggers_outside_regular_hours_only_if_it_may(make_desk, outside):
    """The print that would have triggered it is not remembered."""
    desk = make_desk(start=BEFORE)
    desk.quote(10.00, 10.10)
    desk.place(1, "SELL", 10, "STP", stop_price=9.50, tif="GTC", outside_rth=outside)
    assert bool(desk.trade(9.40)) is outside


def test_in_a_halt_nothing_fills_and_nothing_triggers(desk):
    """Both happen after the resumption, at its prices."""
    desk.place(1, "BUY", 10)
    desk.place(2, "SELL", 10, "STP", stop_price=9.50, tif="GTC")
    desk.halt(2)
    assert desk.place(3, "BUY", 10)[-1] == "3 Submitted 0+10"
    assert desk.quote(9.00, 9.05) == []
    assert desk.trade(9.00) == []
    assert desk.halt(0) == []
    assert "3 BOT 10 @ 8.05" in desk.quote(8.00, 8.05)
    assert "2 SLD 10 @ 8.0" in desk.trade(8.02)


def test_a_limit_order_gets_the_price_of_a_reopening(desk):
    """An auction gives everyone its one price, better than the limit."""
    desk.place(1, "BUY", 10, "LMT", limit_price=9.50)
    desk.halt(1)
    desk.quote(9.90, 9.92)
    desk.halt(0)
    assert desk.quote(8.90, 9.00)[0] == "1 BOT 10 @ 9.0"


def test_a_day_order_dies_at_the_close_and_a_gtc_order_does_not(desk):
    """Cancelled, without an error; also on an order that waits for its parent."""
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    desk.place(2, "BUY", 10, "LMT", limit_price=9.00, tif="GTC")
    desk.place(3, "SELL", 10, "LMT", limit_price=12.00, parent_id=2)
    assert desk.until(CLOSE) == ["1 Cancelled 0+10", "3 Cancelled 0+10"]
    assert desk.until(CLOSE + timedelta(days=2, hours=20)) == []  # noon on Monday
    assert "2 Filled 10+0" in desk.quote(8.00, 8.05)


def test_a_day_order_with_outside_rth_lives_to_the_end_of_extended_hours(desk):
    """20:00 New York."""
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00, outside_rth=True)
    assert desk.until(CLOSE) == []
    assert desk.until(CLOSE + timedelta(hours=4)) == ["1 Cancelled 0+10"]


def test_the_half_day_ends_early(make_desk):
    """The day after Thanksgiving closes at 13:00."""
    half_day = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
    desk = make_desk(start=half_day + timedelta(hours=1))
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    assert desk.until(half_day + timedelta(hours=3, minutes=30)) == ["1 Cancelled 0+10"]


def test_an_ioc_order_outside_its_hours_ends_at_once(make_desk):
    """It never waits."""
    desk = make_desk(start=BEFORE)
    desk.quote(10.00, 10.10)
    assert desk.place(1, "BUY", 10, "LMT", limit_price=11.0, tif="IOC")[-1] == "1 Cancelled 0+10"


def test_an_order_made_fit_for_extended_hours_trades_at_once(make_desk):
    """This is how a position is left in pre-market."""
    desk = make_desk(start=BEFORE)
    desk.quote(10.00, 10.10)
    desk.place(1, "BUY", 10, "LMT", limit_price=10.10)
    told = desk.place(1, "BUY", 10, "LMT", limit_price=10.10, outside_rth=True)
    assert "1 Filled 10+0" in told


def test_executions_and_completed_orders_are_those_since_midnight_in_new_york(desk):
    """Yesterday's are gone from the answers, not from the truth."""
    desk.place(1, "BUY", 10)
    assert [report.cumulative for report in desk.broker.executions(1)] == [10]
    assert desk.broker.executions(2) == []
    assert desk.broker.executions(1, desk.now + timedelta(seconds=1)) == []
    assert [(done.order.order_id, done.status) for done in desk.broker.completed_orders()] == [(1, "Filled Size: 10")]
    desk.wait(86_400)
    assert (desk.broker.executions(1), desk.broker.completed_orders()) == ([], [])
    assert len(desk.broker.truth()["fills"]) == 1
