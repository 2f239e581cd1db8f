"""Orders that the broker does not take, and in which words."""

import pytest

from momentum_kit.simgateway.events import OrderErrorReport

REFUSED = {
    "unknown type": ({"kind": "FEELINGS", "limit_price": 10.0}, 321, "-'bF' : cause - Invalid order type was entered"),
    "unsupported type": ({"kind": "MOC"}, 387, "Unsupported order type"),
    "fractional": ({"quantity": "1.5"}, 10243, "Fractional-sized order cannot be placed via API."),
    "zero": ({"quantity": 0}, 434, "size cannot be zero"),
    "unknown contract": ({"con_id": 5}, 200, "No security definition has been found for the request"),
    "side": ({"action": "HOLD"}, 321, "Invalid side"),
    "foreign account": ({"account": "DU2"}, 321, "Invalid account code"),
    "time in force": ({"tif": "GTD"}, 201, "Time in force GTD"),
    "tick": ({"kind": "LMT", "limit_price": 10.001}, 110, "minimum price variation"),
    "tick of the stop": ({"kind": "STP", "stop_price": 9.999}, 110, "minimum price variation"),
    "no limit": ({"kind": "LMT"}, 321, "Limit price"),
    "no stop": ({"kind": "STP"}, 321, "Stop price"),
    "no trail": ({"kind": "TRAIL"}, 321, "Trailing"),
}


@pytest.mark.parametrize(("terms", "code", "words"), REFUSED.values(), ids=REFUSED)
def test_an_order_that_makes_no_sense_is_answered_with_one_error(desk, terms, code, words):
    """And is forgotten: the same id may be used for a better one."""
    order = {"action": "BUY", "quantity": 10, "kind": "MKT"} | terms
    assert desk.place(1, **order) == [f"1 error {code}"]
    assert words in next(event.text for event in desk.events if isinstance(event, OrderErrorReport))
    assert "1 Filled 10+0" in desk.place(1, "BUY", 10)


@pytest.mark.parametrize(("price", "fits"), [(0.5001, True), (0.50005, False), (1.0, True), (1.0001, False)])
def test_a_price_fits_the_increment_of_its_band(desk, price, fits):
    """Below one dollar prices move in 0.0001, above in 0.01."""
    told = desk.place(1, "BUY", 10, "LMT", limit_price=price)
    assert told == (["1 open Submitted", "1 Submitted 0+10"] if fits else ["1 error 110"])


def test_an_order_beyond_the_funds_is_rejected_with_201_and_goes_inactive(make_desk):
    """Error first, then openOrder and orderStatus; a bracket's children go with it."""
    desk = make_desk(cash_usd=1_000.0)
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 1_000, "LMT", limit_price=10.02, transmit=False)
    assert desk.place(2, "SELL", 1_000, "STP", stop_price=9.50, parent_id=1) == [
        "1 error 201",
        "1 open Inactive",
        "1 Inactive 0+1000",
        "2 error 135",
    ]
    assert desk.broker.open_orders() == []


def test_the_id_of_an_ended_order_cannot_be_used_again(desk):
    """Error 103, and the ended order stays as it is."""
    desk.place(1, "BUY", 10)
    assert desk.place(1, "BUY", 10) == ["1 error 103"]
    assert desk.broker.positions()[0].quantity == 10


def test_a_missing_time_in_force_becomes_day_with_a_warning(desk):
    """10349 is no refusal."""
    assert desk.place(1, "BUY", 10, tif="")[:2] == ["1 error 10349", "1 open PreSubmitted"]


def test_an_order_being_cancelled_cannot_be_modified(make_desk):
    """2102; the cancel goes on."""
    desk = make_desk(latency_ms=100)
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    desk.cancel(1)
    assert desk.place(1, "BUY", 10, "LMT", limit_price=9.10) == ["1 error 2102"]
    assert desk.wait(1) == ["1 Cancelled 0+10", "1 error 202"]
