"""A trailing stop in a bracket, under every answer to what nobody has documented of it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from momentum_kit.simgateway.events import OpenOrderReport

CLOSE = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)


def trailing_bracket(make_desk, *, fill=True, **choices):
    """A desk with a bracket of 100 whose stop trails by 0.20 from 9.80 on; filled at 10.02 unless it waits at 9.50."""
    desk = make_desk(choices=choices)
    desk.quote(10.00, 10.02)
    desk.trade(10.00)
    terms = {"parent_id": 1, "oca_group": "exits", "oca_type": 2, "tif": "GTC"}
    desk.place(1, "BUY", 100, "LMT", limit_price=10.02 if fill else 9.50, transmit=False)
    desk.place(2, "SELL", 100, "LMT", limit_price=10.90, transmit=False, **terms)
    desk.told = desk.place(3, "SELL", 100, "TRAIL", stop_price=9.80, trailing_amount=0.20, **terms)
    return desk


def stop(desk):
    """The trailing stop at the broker."""
    return desk.broker._book.get(1, 3).order


def echoes(desk):
    """What openOrders have told so far of the trailing stop: where it stands, and its amount."""
    told = [event.order for event in desk.events if isinstance(event, OpenOrderReport) and event.order.order_id == 3]
    return [(order.echoed_stop, order.echoed_amount) for order in told]


def again(desk, quantity, stop_price):
    """The client changes its size, and says where it believes that it stands."""
    terms = {"parent_id": 1, "oca_group": "exits", "oca_type": 2, "tif": "GTC"}
    return desk.place(3, "SELL", quantity, "TRAIL", stop_price=stop_price, trailing_amount=0.20, **terms)


def test_it_follows_the_price_once_its_parent_has_filled(make_desk):
    """From where it was to start; a fall changes nothing, and the price that meets it sells."""
    desk = trailing_bracket(make_desk)
    assert stop(desk).stop_price == 9.80
    desk.trade(10.30)
    desk.trade(10.15)
    assert stop(desk).stop_price == 10.10
    assert "3 Submitted 0+100" in desk.trade(10.10)


@pytest.mark.parametrize(("answer", "level"), [("parent_filled", 9.80), ("submitted", 10.10)])
def test_before_the_parents_fill(make_desk, answer, level):
    """What was reached before it counts, or does not."""
    desk = trailing_bracket(make_desk, fill=False, trail_start=answer)
    desk.trade(10.30)
    assert stop(desk).stop_price == level


@pytest.mark.parametrize(("answer", "level"), [("keeps", 10.10), ("as_sent", 10.05), ("market", 9.95)])
def test_after_a_modify(make_desk, answer, level):
    """A new size: at the old level, at the one that was sent, or anew from the last price; the echo says so."""
    desk = trailing_bracket(make_desk, trail_modified=answer)
    desk.trade(10.30)
    desk.trade(10.15)
    again(desk, 60, 10.05)
    assert (stop(desk).stop_price, stop(desk).quantity) == (level, Decimal(60))
    assert echoes(desk)[-1][0] == level


@pytest.mark.parametrize(
    ("answer", "told"),
    [("moved", [9.80, 9.80, 10.10]), ("each_move", [9.80, 9.80, 10.10, 10.10]), ("as_sent", [9.80] * 3)],
)
def test_what_an_echo_says_of_where_it_stands(make_desk, answer, told):
    """Where it stands, after each move or when it is asked for, or only what was sent."""
    desk = trailing_bracket(make_desk, trail_told=answer)
    desk.trade(10.30)
    desk.tell(desk.broker.open_orders(1))
    assert [level for level, _ in echoes(desk)] == told


@pytest.mark.parametrize(("answer", "amount"), [("untold", None), ("told", 0.20)])
def test_what_an_echo_says_of_its_amount(make_desk, answer, amount):
    """Recorded: no aux price."""
    assert {each for _, each in echoes(trailing_bracket(make_desk, trail_amount_told=answer))} == {amount}


@pytest.mark.parametrize(("answer", "word"), [("refused", "3 error 201"), ("inactive", "3 Inactive 0+100")])
def test_it_may_not_be_taken(make_desk, answer, word):
    """With a parent and a group; entry and target live on."""
    desk = trailing_bracket(make_desk, trail_in_group=answer)
    assert word in desk.told
    assert desk.broker._book.get(1, 2).is_open
    assert desk.broker.positions()[0].quantity == 100


def test_it_sleeps_outside_regular_hours(make_desk):
    """After the close it neither follows nor sells."""
    desk = trailing_bracket(make_desk)
    desk.until(CLOSE)
    desk.trade(10.50)
    desk.trade(9.00)
    assert (stop(desk).stop_price, stop(desk).filled) == (9.80, 0)


def test_its_group_reduces_it_and_leaves_it_where_it_stands(make_desk):
    """A part of the target sells: the rest of the trail rests at its level."""
    desk = trailing_bracket(make_desk)
    desk.trade(10.30)
    desk.quote(10.90, 10.92, 40)
    assert (stop(desk).quantity, stop(desk).stop_price) == (Decimal(60), 10.10)
