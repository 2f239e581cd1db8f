"""Market orders that the simulated broker does not fill at the touch: capped, or left where they are."""

import pytest

from momentum_kit.simgateway.events import OrderErrorReport

GROUP = {"oca_group": "exits", "oca_type": 2}


def cap_told(desk):
    """The cap of the latest event that shows an order."""
    return [e.order.market_cap_price for e in desk.events if hasattr(e, "order")][-1]


def capped(make_desk, **choices):
    """100 shares of 200 are sold at 10.00, and the market has fallen through the cap of the rest: what was told."""
    desk = make_desk(choices={"market_order": "capped", **choices})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 200, "LMT", limit_price=10.02)
    desk.quote(10.00, 10.02, 100)
    desk.place(2, "SELL", 200, **GROUP)
    return desk, desk.quote(9.90, 9.92)


def test_a_market_order_that_fills_at_once_tells_of_no_cap(make_desk):
    """It is as ever: one price, no 2161."""
    desk = make_desk(choices={"market_order": "capped"})
    desk.quote(10.00, 10.02)
    told = desk.place(1, "BUY", 200) + desk.wait(1)
    assert "1 Filled 200+0" in told
    assert not any(isinstance(event, OrderErrorReport) for event in desk.events)
    assert cap_told(desk) == 0


def test_a_capped_market_order_rests_where_the_market_leaves_it(make_desk):
    """Half a per cent below the bid that it met: told once, by 2161 and mktCapPrice; sold there when a bid is back."""
    desk, told = capped(make_desk)
    assert told == ["2 error 2161", "2 Submitted 100+100"]
    assert cap_told(desk) == 9.95
    assert desk.quote(9.80, 9.82) == []
    assert "2 SLD 100 @ 9.95" in desk.quote(9.96, 9.98)


def test_a_market_order_may_sit(make_desk):
    """Told Submitted and not matched, whatever the touch does, until its time is over."""
    desk = make_desk(choices={"market_order": "sits", "market_order_sits_ms": 10_000})
    desk.quote(10.00, 10.02)
    assert "1 Submitted 0+10" in desk.place(1, "BUY", 10) + desk.wait(0)
    assert [desk.quote(10.00, 10.02, after_s=3) for _ in range(3)] == [[], [], []]
    assert "1 Filled 10+0" in desk.wait(3)


@pytest.mark.parametrize("kind", ["capped", "sits"])
def test_a_limit_by_modify_trades_at_once(make_desk, kind):
    """Its new terms are those of a limit order, and the cap is over."""
    desk, _ = capped(make_desk, market_order=kind)
    left = desk.account.quantity(1001)
    told = desk.place(2, "SELL", 200, "LMT", limit_price=9.80, **GROUP) + desk.wait(1)
    assert f"2 SLD {left} @ 9.9" in told
    assert (desk.account.quantity(1001), cap_told(desk)) == (0, 0)


def test_a_limit_by_modify_may_be_refused(make_desk):
    """329: it stays the market order that it is, at its cap."""
    desk, _ = capped(make_desk, market_to_limit="refused")
    assert desk.place(2, "SELL", 200, "LMT", limit_price=9.80, **GROUP) == ["2 error 329"]
    order = desk.broker.open_orders(1)[0].order
    assert (order.order_type, order.market_cap_price) == ("MKT", 9.95)


def test_a_limit_by_modify_may_end_the_order(make_desk):
    """201, Inactive, and the other members of its group live on."""
    desk, _ = capped(make_desk, market_to_limit="inactive")
    desk.place(3, "SELL", 100, "STP", stop_price=9.00, **GROUP)
    told = desk.place(2, "SELL", 200, "LMT", limit_price=9.80, **GROUP)
    assert told[0] == "2 error 201"
    assert "2 Inactive 100+100" in told
    assert [each.order.order_id for each in desk.broker.open_orders(1)] == [3]


def test_a_resting_market_order_is_called_back_for_a_stop_of_its_group(make_desk):
    """Overfill protection: the stop that triggers gets the way to the market."""
    desk, _ = capped(make_desk, overfill_protection="one_at_a_time")
    desk.place(3, "SELL", 100, "STP", stop_price=9.50, **GROUP)
    desk.wait(1)
    desk.quote(9.40, 9.42)
    told = desk.trade(9.40) + desk.wait(1) + desk.quote(9.40, 9.42)
    assert "3 SLD 100 @ 9.4" in told
    assert desk.account.quantity(1001) == 0
