"""What hurts: refused stops, presets, changes that kill, overfill protection, good-after times, and larger children."""

from datetime import timedelta

import pytest

from momentum_kit.simgateway.broker import Presets, StopTrouble

ACME = 1001


def truth(desk, order_id):
    """The broker's own row of an order."""
    return next(row for row in desk.broker.truth()["orders"] if row["order_id"] == order_id)


def bracket(desk, quantity=100, **stop):
    """A limit entry that crosses, a target and a stop in one group that reduces with block."""
    group = {"oca_group": "exits", "oca_type": 2, "parent_id": 1}
    desk.place(1, "BUY", quantity, "LMT", limit_price=10.02, transmit=False)
    desk.place(2, "SELL", quantity, "LMT", limit_price=10.50, transmit=False, **group)
    return desk.place(3, "SELL", quantity, "STP", stop_price=9.50, **(group | stop))


@pytest.mark.parametrize(("answer", "kind", "codes"), [("refused", "STP", [329]), ("accepted", "MKT", [])])
def test_a_stop_may_be_kept_from_changing_its_type(make_desk, answer, kind, codes):
    """329, and the stop rests on as it was; or it becomes the other order."""
    desk = make_desk(choices={"stop_type_change": answer})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 100, "STP", stop_price=9.50)
    told = desk.place(2, "SELL", 100, "MKT")
    assert [phrase for phrase in told if "error" in phrase] == [f"2 error {code}" for code in codes]
    assert (truth(desk, 2)["order_type"], truth(desk, 2)["open"]) == (kind, kind == "STP")


def test_a_limit_order_changes_its_type_where_a_stop_may_not(make_desk):
    """Recorded: LMT to MKT is obeyed; and a stop's price may still be changed."""
    desk = make_desk(choices={"stop_type_change": "refused"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 50, "LMT", limit_price=12.0)
    desk.place(3, "SELL", 50, "STP", stop_price=9.50)
    assert "2 Filled 50+0" in desk.place(2, "SELL", 50, "MKT")
    desk.place(3, "SELL", 50, "STP", stop_price=9.60)
    assert truth(desk, 3)["stop_price"] == 9.60


@pytest.mark.parametrize(
    ("presets", "order", "code"),
    [
        (Presets(size=500), ("BUY", 501, "MKT", {}), 383),
        (Presets(value_usd=2_000), ("BUY", 200, "MKT", {}), 451),
        (Presets(value_usd=2_000), ("BUY", 201, "LMT", {"limit_price": 9.96}), 451),
        (Presets(percentage=3), ("BUY", 10, "LMT", {"limit_price": 9.00}), 109),
        (Presets(size=500, value_usd=6_000, percentage=3), ("BUY", 500, "LMT", {"limit_price": 10.0}), None),
    ],
)
def test_presets_refuse_at_the_door(desk, presets, order, code):
    """Each with its code; what keeps within them goes through, and without presets everything does."""
    action, quantity, kind, terms = order
    desk.broker.troubles.presets = presets
    told = desk.place(1, action, quantity, kind, **terms)
    assert told == [f"1 error {code}"] if code else "1 error" not in str(told)
    desk.broker.troubles.presets = Presets()
    assert "error" not in str(desk.place(2, action, quantity, kind, **terms))


def test_a_preset_meets_a_change_as_well(desk):
    """The order stays as it was."""
    desk.place(1, "BUY", 100, "LMT", limit_price=9.00)
    desk.broker.troubles.presets = Presets(size=500)
    assert desk.place(1, "BUY", 600, "LMT", limit_price=9.00) == ["1 error 383"]
    assert truth(desk, 1)["quantity"] == "100"


def test_stops_are_refused_while_market_orders_pass(desk):
    """201 for a stop, a stop-limit and a bracket's stop, whose entry goes through and is bare."""
    desk.broker.troubles.stops.append(StopTrouble(con_id=ACME, code=201, grid_usd=0.05, left=None))
    told = bracket(desk)
    assert [phrase for phrase in told if phrase.startswith("3")] == [
        "3 error 201",
        "3 open Inactive",
        "3 Inactive 0+100",
    ]
    assert "1 Filled 100+0" in told
    for order_id, kind in ((4, "STP"), (5, "STP LMT"), (6, "TRAIL")):
        terms = {"stop_price": 9.5, "limit_price": 9.4, "trailing_percent": 1.0}
        assert desk.place(order_id, "SELL", 100, kind, **terms)[0] == f"{order_id} error 201"
    assert "7 Filled 100+0" in desk.place(7, "SELL", 100)


def test_a_stop_off_the_grid_is_taken_once_it_is_on_it(desk):
    """110 for a price that only the broker's coarser grid refuses."""
    desk.place(1, "BUY", 100)
    desk.broker.troubles.stops.append(StopTrouble(con_id=ACME, code=110, grid_usd=0.05, left=None))
    assert desk.place(2, "SELL", 100, "STP", stop_price=9.52)[0] == "2 error 110"
    assert "error" not in str(desk.place(3, "SELL", 100, "STP", stop_price=9.50))


def test_a_stop_in_a_group_is_taken_without_it_and_the_trouble_ends(desk):
    """10326 once; the same stop outside the group at once, in the group the next time."""
    desk.place(1, "BUY", 100)
    desk.broker.troubles.stops.append(StopTrouble(con_id=ACME, code=10326, grid_usd=0.05, left=1))
    group = {"oca_group": "exits", "oca_type": 2}
    assert desk.place(2, "SELL", 100, "STP", stop_price=9.50, **group)[0] == "2 error 10326"
    assert "error" not in str(desk.place(3, "SELL", 50, "STP", stop_price=9.50))
    assert "error" not in str(desk.place(4, "SELL", 50, "STP", stop_price=9.50, **group))


def test_a_change_may_end_the_order(desk):
    """201 and Inactive, once, and only for an order of the type that was named."""
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 50, "STP", stop_price=9.50)
    desk.place(3, "SELL", 50, "LMT", limit_price=12.0)
    desk.broker.troubles.doomed.append((ACME, "LMT"))
    assert "error" not in str(desk.place(2, "SELL", 50, "STP", stop_price=9.60))
    assert desk.place(3, "SELL", 50, "LMT", limit_price=11.0) == ["3 error 201", "3 Inactive 0+50"]
    assert not truth(desk, 3)["open"]
    desk.place(4, "SELL", 50, "LMT", limit_price=12.0)
    assert "error" not in str(desk.place(4, "SELL", 50, "LMT", limit_price=11.0))


@pytest.mark.parametrize(("answer", "sold_at_once"), [("atomic", True), ("one_at_a_time", False)])
def test_a_triggered_stop_may_wait_for_the_targets_recall(make_desk, answer, sold_at_once):
    """In a group with block the target is at the market: the stop sells when it has been called back."""
    desk = make_desk(choices={"overfill_protection": answer, "recall_ms": 800})
    desk.quote(10.00, 10.02)
    bracket(desk)
    desk.quote(9.45, 9.46)
    told = desk.trade(9.45)
    assert ("3 Filled 100+0" in told) is sold_at_once
    if not sold_at_once:
        assert "3 Submitted 0+100" in told
        assert desk.wait(0.7) == []
        assert "3 Filled 100+0" in desk.wait(0.2)
    assert desk.broker.positions() == []


def test_the_target_may_fill_while_it_is_called_back(make_desk):
    """The race the protection is for: what it sells the stop does not."""
    desk = make_desk(choices={"overfill_protection": "one_at_a_time", "recall_ms": 800})
    desk.quote(10.00, 10.02)
    bracket(desk)
    desk.quote(9.45, 9.46)
    desk.trade(9.45)
    told = desk.quote(10.55, 10.56, after_s=0.3)
    assert "2 Filled 100+0" in told
    desk.wait(5)
    assert (desk.broker.positions(), truth(desk, 3)["filled"]) == ([], "0")


def test_once_the_stop_is_there_the_target_is_not(make_desk):
    """A stop that has sold a part keeps the way; the target cannot fill beside it."""
    desk = make_desk(choices={"overfill_protection": "one_at_a_time", "recall_ms": 800})
    desk.quote(10.00, 10.02)
    bracket(desk)
    desk.quote(9.45, 9.46, 40)
    desk.trade(9.45)
    assert "3 Submitted 40+60" in desk.wait(1)
    told = desk.quote(10.55, 10.56, 200)
    assert "3 Filled 100+0" in told
    assert (truth(desk, 2)["filled"], desk.broker.positions()) == ("0", [])


def test_a_group_without_block_has_everybody_at_the_market(make_desk):
    """Type 3 is not protected, whatever the switch says."""
    desk = make_desk(choices={"overfill_protection": "one_at_a_time"})
    desk.quote(10.00, 10.02)
    bracket(desk, oca_type=3)
    desk.quote(9.45, 9.46)
    assert "3 Filled 100+0" in desk.trade(9.45)


def test_an_order_waits_for_its_good_after_time(desk):
    """PreSubmitted, then it works; a time that has passed holds nothing."""
    later = desk.now + timedelta(seconds=30)
    assert desk.place(1, "BUY", 10, good_after=later) == ["1 open PreSubmitted", "1 PreSubmitted 0+10"]
    assert desk.quote(10.00, 10.02, after_s=20) == []
    assert "1 Filled 10+0" in desk.wait(10)
    assert "2 Filled 5+0" in desk.place(2, "SELL", 5, good_after=desk.now - timedelta(seconds=1))


def test_a_good_after_time_can_be_changed_and_cancelled(desk):
    """The new time holds; an order that is held can go."""
    start = desk.now
    desk.place(1, "BUY", 10, good_after=start + timedelta(seconds=10))
    desk.place(1, "BUY", 10, good_after=start + timedelta(seconds=20))
    assert desk.wait(15) == []
    assert "1 Filled 10+0" in desk.wait(5)
    desk.wait(1)
    desk.place(2, "BUY", 10, good_after=desk.now + timedelta(seconds=10))
    assert "2 Cancelled 0+10" in desk.cancel(2)
    assert desk.wait(20) == []


def test_a_time_exit_rests_with_a_bracket(desk):
    """A third member of the group: it waits for its time, sells what is left and takes the others along."""
    exit_at = desk.now + timedelta(seconds=60)
    bracket(desk, transmit=False)
    group = {"oca_group": "exits", "oca_type": 2, "parent_id": 1}
    desk.place(4, "SELL", 100, "MKT", good_after=exit_at, **group)
    assert desk.broker.positions()[0].quantity == 100
    desk.quote(10.00, 10.02, after_s=50)
    assert desk.broker.positions()[0].quantity == 100
    told = desk.wait(15)
    assert {"4 Filled 100+0", "2 Cancelled 0+100", "3 Cancelled 0+100"} <= set(told)
    assert desk.broker.positions() == []


def test_a_time_exit_shrinks_with_its_group(desk):
    """What the target has sold it does not sell again."""
    exit_at = desk.now + timedelta(seconds=60)
    bracket(desk, transmit=False)
    desk.place(4, "SELL", 100, "MKT", good_after=exit_at, oca_group="exits", oca_type=2, parent_id=1)
    desk.quote(10.50, 10.52, 40)
    assert truth(desk, 4)["quantity"] == "60"
    desk.quote(10.00, 10.02, after_s=30)
    assert "4 Filled 60+0" in desk.wait(60)
    assert desk.broker.positions() == []


@pytest.mark.parametrize("attached", [{"parent_id": 1}, {"oca_group": "exits", "oca_type": 2}])
def test_a_good_after_time_may_be_refused_in_a_family_or_group(make_desk, attached):
    """201 where the switch says so; a plain one passes all the same."""
    desk = make_desk(choices={"good_after_time_in_group": "refused"})
    desk.quote(10.00, 10.02)
    later = desk.now + timedelta(seconds=30)
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    assert desk.place(2, "SELL", 10, good_after=later, **attached)[0] == "2 error 201"
    assert "error" not in str(desk.place(3, "BUY", 10, good_after=later))


def resting_time_exit(make_desk, answer, **choices):
    """A desk whose bracket has bought 100 and has a time exit 60 s from now as its fourth order; what was told."""
    desk = make_desk(choices={"good_after_time_in_group": answer, **choices})
    desk.quote(10.00, 10.02)
    exit_at = desk.now + timedelta(seconds=60)
    bracket(desk, transmit=False)
    group = {"oca_group": "exits", "oca_type": 2, "parent_id": 1}
    return desk, desk.place(4, "SELL", 100, "MKT", good_after=exit_at, **group)


def test_a_time_exit_may_become_inactive(make_desk):
    """As soon as its parent has filled and it would be held; target and stop live on."""
    desk, told = resting_time_exit(make_desk, "inactive")
    assert "4 Inactive 0+100" in told + desk.wait(1)
    assert [truth(desk, order_id)["open"] for order_id in (2, 3, 4)] == [True, True, False]


def test_a_time_exit_may_never_wake(make_desk):
    """Its hour passes, and it is held for ever; its group takes it along all the same."""
    desk, _ = resting_time_exit(make_desk, "asleep")
    desk.wait(120)
    assert truth(desk, 4)["status"] == "PreSubmitted"
    told = desk.quote(10.50, 10.52)
    assert {"2 Filled 100+0", "4 Cancelled 0+100"} <= set(told)


def test_a_time_exit_may_be_outside_its_group(make_desk):
    """What the target sells does not shrink it, and what it sells leaves the others as they are."""
    desk, _ = resting_time_exit(make_desk, "alone", family_cap="uncapped")
    desk.quote(10.50, 10.52, 40)
    assert (truth(desk, 3)["quantity"], truth(desk, 4)["quantity"]) == ("60", "100")
    desk.quote(10.00, 10.02, after_s=30)
    told = desk.wait(60)
    assert "4 Filled 100+0" in told
    assert [truth(desk, order_id)["open"] for order_id in (2, 3)] == [True, True]
    assert desk.broker.positions()[0].quantity == -40


def test_a_cancel_of_a_time_exit_outside_its_group_takes_nobody_along(make_desk):
    """Nor does a cancel of another member take it along."""
    desk, _ = resting_time_exit(make_desk, "alone")
    assert "3 Cancelled 0+100" in desk.cancel(2)
    assert truth(desk, 4)["open"]
    desk, _ = resting_time_exit(make_desk, "alone")
    assert "4 Cancelled 0+100" in desk.cancel(4)
    assert [truth(desk, order_id)["open"] for order_id in (2, 3)] == [True, True]


def test_a_changed_time_exit_is_still_held(make_desk):
    """Another size, the same hour: it is told as held, not as working."""
    desk, _ = resting_time_exit(make_desk, "works")
    group = {"oca_group": "exits", "oca_type": 2, "parent_id": 1}
    told = desk.place(4, "SELL", 60, "MKT", good_after=desk.now + timedelta(seconds=30), **group)
    assert "Submitted" not in str([phrase for phrase in told + desk.wait(1) if phrase.startswith("4")]).replace(
        "PreSubmitted", ""
    )


def dead_after_a_part(make_desk, answer):
    """A desk whose entry has bought 300 of 800 and is cancelled; its target and stop are live."""
    desk = make_desk(choices={"family_cap": answer})
    desk.quote(10.00, 10.02, 300)
    bracket(desk, 800)
    desk.cancel(1)
    return desk


@pytest.mark.parametrize(("answer", "left"), [("capped", 0), ("uncapped", -500)])
def test_a_child_may_sell_more_than_its_parent_bought(make_desk, answer, left):
    """Capped it is cut at the parent's end; uncapped the stop sells all 800 and the account is short."""
    desk = dead_after_a_part(make_desk, answer)
    desk.quote(9.45, 9.46, 5_000)
    desk.trade(9.45)
    assert sum(held.quantity for held in desk.broker.positions()) == left


def test_a_child_larger_than_its_parent_may_be_refused(make_desk):
    """201 for one that is larger when it comes, and for a change that would make it so."""
    desk = make_desk(choices={"family_cap": "refused"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100, "LMT", limit_price=9.00)
    assert desk.place(2, "SELL", 120, "STP", stop_price=8.00, parent_id=1)[0] == "2 error 201"
    assert "error" not in str(desk.place(3, "SELL", 100, "STP", stop_price=8.00, parent_id=1))
    assert desk.place(3, "SELL", 120, "STP", stop_price=8.00, parent_id=1) == ["3 error 201"]
