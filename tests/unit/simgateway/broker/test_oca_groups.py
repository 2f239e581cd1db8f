"""Families and OCA groups: staging, waiting children, reduction, and what a death does to the others."""

import pytest


def place_bracket(desk, quantity=100, *, limit=10.02, tif="DAY", **child_terms):
    """Entry 1, target 2 at 11.00, stop 3 at 9.50, transmitted together."""
    told = desk.place(1, "BUY", quantity, "LMT", limit_price=limit, transmit=False, tif=tif)
    terms = {"parent_id": 1, "tif": "GTC"} | child_terms
    told += desk.place(2, "SELL", quantity, "LMT", limit_price=11.00, transmit=False, **terms)
    return told, desk.place(3, "SELL", quantity, "STP", stop_price=9.50, **terms)


def test_staged_orders_are_silent_and_the_last_child_transmits_the_family(desk):
    """Children wait with whyHeld child, a stop with child,trigger."""
    staged, told = place_bracket(desk, limit=9.90)
    assert staged == []
    assert told == [
        "1 open Submitted",
        "1 Submitted 0+100",
        "2 open PreSubmitted",
        "2 PreSubmitted 0+100 child",
        "3 open PreSubmitted",
        "3 PreSubmitted 0+100 child,trigger",
    ]


def test_a_staged_order_is_sent_by_its_own_id_with_transmit(desk):
    """No callback at all before, one pair after: as recorded."""
    assert desk.place(1, "BUY", 10, "LMT", limit_price=9.00, transmit=False) == []
    assert desk.broker.open_orders() == []
    assert desk.place(1, "BUY", 10, "LMT", limit_price=9.00) == ["1 open Submitted", "1 Submitted 0+10"]


def test_a_staged_child_may_show_a_transient_cancelled(make_desk):
    """A switch; the child lives all the same."""
    desk = make_desk(choices={"staged_child": "transient_cancelled"})
    desk.quote(10.00, 10.02)
    staged, told = place_bracket(desk)
    assert staged == ["2 Cancelled 0+100"]
    assert "2 Submitted 0+100" in told


def test_children_go_live_when_the_parent_is_filled(desk):
    """The target works, the stop is held by the broker for its trigger."""
    _, told = place_bracket(desk)
    assert told[-4:] == ["2 open Submitted", "2 Submitted 0+100", "3 open PreSubmitted", "3 PreSubmitted 0+100 trigger"]


def test_siblings_form_a_group_so_that_one_fill_ends_the_other(desk):
    """The broker groups bracket children itself: type 3, named by the parent's perm id."""
    place_bracket(desk)
    assert desk.quote(11.00, 11.02)[-2:] == ["3 Cancelled 0+100", "3 error 202"]
    rows = desk.broker.truth()["orders"]
    assert rows[1]["oca_group"] == rows[2]["oca_group"] == str(rows[0]["perm_id"])
    assert desk.broker.positions() == []


def test_a_partial_fill_of_the_target_reduces_the_stop(desk):
    """What protects never exceeds what is held."""
    place_bracket(desk)
    assert desk.quote(11.00, 11.02, size=30)[-2:] == ["3 open PreSubmitted", "3 PreSubmitted 0+70 trigger"]
    desk.trade(9.40)
    desk.quote(9.40, 9.42)
    assert desk.broker.positions() == []


def test_children_wait_while_the_parent_is_partly_filled(desk):
    """By default; a stop price that is passed meanwhile triggers nothing."""
    desk.quote(10.00, 10.02, size=40)
    place_bracket(desk)
    assert desk.trade(9.40) == []
    assert desk.broker.positions()[0].quantity == 40


def test_children_may_go_live_under_a_partly_filled_parent(make_desk):
    """The other answer to that switch: the stop sells what was filled, never more, and waits for the rest."""
    desk = make_desk(choices={"partial_parent": "children_activate"})
    desk.quote(10.00, 10.02, size=40)
    place_bracket(desk)
    assert "3 SLD 40 @ 10.0" in desk.trade(9.40)
    assert desk.broker.positions() == []
    told = desk.quote(10.00, 10.02, size=60)
    assert "1 Filled 100+0" in told
    assert "3 Filled 100+0" in told


@pytest.mark.parametrize("choice", ["children_resized", "children_cancelled"])
def test_a_parent_that_dies_half_filled_leaves_fitting_children_or_none(make_desk, choice):
    """Cancelling the rest of an entry either arms the children for what was filled or takes them along."""
    desk = make_desk(choices={"dead_partial_parent": choice})
    desk.quote(10.00, 10.02, size=40)
    place_bracket(desk)
    told = desk.cancel(1)
    if choice == "children_resized":
        assert "2 Submitted 0+40" in told
        assert "3 PreSubmitted 0+40 trigger" in told
    else:
        assert {"2 Cancelled 0+100", "3 Cancelled 0+100"} <= set(told)
    assert desk.broker.positions()[0].quantity == 40


def test_an_ioc_parent_that_dies_unfilled_takes_its_children_along(desk):
    """They can never become live."""
    _, told = place_bracket(desk, limit=9.00, tif="IOC")
    assert told[-6:] == [
        "1 PendingCancel 0+100",
        "1 Cancelled 0+100",
        "2 Cancelled 0+100",
        "2 error 202",
        "3 Cancelled 0+100",
        "3 error 202",
    ]


def test_a_child_of_an_unknown_or_ended_parent_is_refused(desk):
    """10006 where the id was never seen, 135 where the order is at its end."""
    assert desk.place(2, "SELL", 10, parent_id=77) == ["2 error 10006"]
    desk.place(1, "BUY", 10)
    assert desk.place(3, "SELL", 10, parent_id=1) == ["3 error 135"]


def test_type_one_cancels_the_others_at_the_first_fill(desk):
    """Even if it is a partial one."""
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 100, "LMT", limit_price=11.00, oca_group="exit", oca_type=1)
    desk.place(3, "SELL", 100, "STP", stop_price=9.50, oca_group="exit", oca_type=1)
    assert desk.quote(11.00, 11.02, size=30)[-2:] == ["3 Cancelled 0+100", "3 error 202"]


def test_type_one_may_block_until_the_last_fill(make_desk):
    """The other answer to that switch: partial fills block the others, so the group cannot oversell."""
    desk = make_desk(choices={"oca_cancels_on": "last_fill"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 100, "LMT", limit_price=11.00, oca_group="exit", oca_type=1)
    desk.place(3, "SELL", 100, "STP", stop_price=9.50, oca_group="exit", oca_type=1)
    desk.quote(11.00, 11.02, size=30)
    assert desk.trade(9.40) == ["3 open Submitted", "3 Submitted 0+100"]
    assert desk.broker.positions()[0].quantity == 70
    assert desk.quote(11.00, 11.02)[-2:] == ["3 Cancelled 0+100", "3 error 202"]


@pytest.mark.parametrize("oca_type", [2, 3])
def test_types_two_and_three_reduce_in_proportion(desk, oca_type):
    """A quarter of one is a quarter of the other, rounded down."""
    desk.place(1, "SELL", 100, "LMT", limit_price=11.00, oca_group="g", oca_type=oca_type)
    desk.place(2, "SELL", 50, "LMT", limit_price=12.00, oca_group="g", oca_type=oca_type)
    assert desk.quote(11.00, 11.02, size=25)[-1] == "2 Submitted 0+37"


def test_a_clients_cancel_of_one_member_is_a_switch(make_desk):
    """It ends the whole group, or that order alone."""
    for choice, left in (("cancels_group", 0), ("group_lives", 1)):
        desk = make_desk(choices={"oca_member_cancelled": choice})
        desk.quote(10.00, 10.02)
        place_bracket(desk)
        desk.cancel(2)
        assert len(desk.broker.open_orders()) == left


def test_cancelling_a_staged_order_drops_it(desk):
    """ApiCancelled: it never reached the broker; its child has no parent any more."""
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00, transmit=False)
    assert desk.cancel(1) == ["1 ApiCancelled 0+10", "1 error 202"]
    assert desk.place(2, "SELL", 10, parent_id=1) == ["2 error 10006"]


def test_a_waiting_child_can_be_modified(desk):
    """Its new price holds when the parent fills."""
    place_bracket(desk, limit=9.90)
    told = desk.place(3, "SELL", 100, "STP", stop_price=9.70, parent_id=1, tif="GTC")
    assert told == ["3 open PreSubmitted", "3 PreSubmitted 0+100 child,trigger"]
    desk.quote(9.80, 9.85)
    assert "3 Submitted 0+100" in desk.trade(9.70)


def test_an_order_that_joins_a_filled_group_is_rejected(desk):
    """201: the exit has happened already, another one would open a new position."""
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 100, oca_group="exit", oca_type=1)
    assert desk.place(3, "SELL", 100, oca_group="exit", oca_type=1)[0] == "3 error 201"
    assert desk.broker.positions() == []
