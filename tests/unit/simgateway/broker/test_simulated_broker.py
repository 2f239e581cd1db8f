"""What a client hears of single orders: types, times in force, modifies, cancels, races."""

from decimal import Decimal

import pytest

from momentum_kit.simgateway.events import CommissionReportDue, ExecutionReport, OpenOrderReport, OrderErrorReport


def test_a_market_order_fills_at_the_opposite_touch(desk):
    """PreSubmitted, execution, Filled with its openOrder, commission: as recorded."""
    assert desk.place(1, "BUY", 100) == [
        "1 open PreSubmitted",
        "1 PreSubmitted 0+100",
        "1 BOT 100 @ 10.02",
        "1 open Filled",
        "1 Filled 100+0",
        "cost 1.00",
    ]
    assert desk.place(2, "SELL", 100)[1:3] == ["2 Submitted 0+100", "2 SLD 100 @ 10.0"]


def test_nothing_reaches_the_market_before_the_latency_is_over(make_desk):
    """The quote that counts is the one in force when the order arrives."""
    desk = make_desk(latency_ms=500)
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100)
    assert desk.quote(10.10, 10.12, after_s=0.4) == []
    assert desk.broker.next_due() is not None
    assert desk.wait(0.2)[0] == "1 BOT 100 @ 10.12"


def test_displayed_size_limits_a_fill_and_the_next_quote_brings_more(desk):
    """Each quote event can be taken once; the status between is Submitted."""
    desk.quote(10.00, 10.02, size=300)
    assert desk.place(1, "BUY", 700)[-3:] == ["1 open Submitted", "1 Submitted 300+400", "cost 1.50"]
    assert desk.trade(10.02) == []
    assert desk.quote(10.01, 10.03, size=300)[0] == "1 BOT 300 @ 10.03"
    assert desk.quote(10.01, 10.03, size=300)[:3] == ["1 BOT 100 @ 10.03", "1 open Filled", "1 Filled 700+0"]


def test_two_orders_share_the_displayed_size(desk):
    """The older order comes first."""
    desk.quote(10.00, 10.02, size=100)
    desk.place(1, "BUY", 80)
    assert "2 BOT 20 @ 10.02" in desk.place(2, "BUY", 80)


def test_a_marketable_limit_order_gets_the_better_price(desk):
    """It pays the touch, not its limit, and takes liquidity."""
    desk.place(1, "BUY", 10, "LMT", limit_price=10.50)
    report = next(event for event in desk.events if isinstance(event, ExecutionReport))
    assert (report.price, report.liquidity, report.cumulative) == (10.02, 2, Decimal(10))


def test_a_resting_limit_order_fills_at_its_limit_once_crossed(desk):
    """It adds liquidity; touching is not enough."""
    assert desk.place(1, "BUY", 10, "LMT", limit_price=9.90) == ["1 open Submitted", "1 Submitted 0+10"]
    assert desk.quote(9.91, 9.92) == []
    assert desk.quote(9.80, 9.85)[0] == "1 BOT 10 @ 9.9"
    assert next(event for event in desk.events if isinstance(event, ExecutionReport)).liquidity == 1


def test_a_print_through_the_limit_fills_a_resting_order(desk):
    """At the limit others may stand first; the print's size is the most it can get."""
    desk.place(1, "SELL", 100, "LMT", limit_price=10.10)
    assert desk.trade(10.10) == []
    assert desk.trade(10.11, size=30)[:3] == ["1 SLD 30 @ 10.1", "1 open Submitted", "1 Submitted 30+70"]


def test_ioc_fills_what_is_there_and_cancels_the_rest_without_an_error(desk):
    """PendingCancel, Cancelled, no 202: as recorded."""
    assert desk.place(1, "BUY", 10, "LMT", limit_price=9.50, tif="IOC") == [
        "1 open Submitted",
        "1 PendingCancel 0+10",
        "1 Cancelled 0+10",
    ]
    desk.quote(10.00, 10.02, size=4)
    assert desk.place(2, "BUY", 10, "LMT", limit_price=10.02, tif="IOC")[-2:] == [
        "2 PendingCancel 4+6",
        "2 Cancelled 4+6",
    ]


def test_fok_fills_whole_or_goes_inactive(desk):
    """Never in part."""
    desk.quote(10.00, 10.02, size=4)
    assert desk.place(1, "BUY", 5, "LMT", limit_price=10.05, tif="FOK") == ["1 open Submitted", "1 Inactive 0+5"]
    assert "2 Filled 4+0" in desk.place(2, "BUY", 4, "LMT", limit_price=10.05, tif="FOK")


def test_a_stop_is_echoed_twice_and_its_first_echo_carries_a_stray_limit(desk):
    """Its whyHeld is trigger; the stray limit is gone in the second openOrder."""
    assert desk.place(1, "SELL", 10, "STP", stop_price=9.50) == [
        "1 open PreSubmitted",
        "1 PreSubmitted 0+10 trigger",
        "1 open PreSubmitted",
        "1 PreSubmitted 0+10 trigger",
    ]
    echoes = [event.order.limit_price for event in desk.events if isinstance(event, OpenOrderReport)]
    assert echoes == [pytest.approx(9.52), None]


def test_a_stop_is_triggered_by_the_last_price_and_fills_at_the_touch(desk):
    """A quote alone does not trigger it."""
    desk.place(1, "SELL", 10, "STP", stop_price=9.50)
    assert desk.quote(9.40, 9.42) == []
    assert desk.trade(9.50)[:3] == ["1 open Submitted", "1 Submitted 0+10", "1 SLD 10 @ 9.4"]


def test_a_stop_limit_rests_at_its_limit_after_the_trigger(desk):
    """A gap beyond the limit leaves it unfilled."""
    desk.place(1, "SELL", 10, "STP LMT", stop_price=9.50, limit_price=9.45)
    desk.quote(9.30, 9.32)
    assert desk.trade(9.31) == ["1 open Submitted", "1 Submitted 0+10"]
    assert desk.quote(9.46, 9.48)[0] == "1 SLD 10 @ 9.45"


@pytest.mark.parametrize("terms", [{"trailing_amount": 0.50}, {"trailing_percent": 5.0}])
def test_a_trailing_stop_follows_the_price_and_never_back(desk, terms):
    """By an amount or by a share of the price."""
    desk.trade(10.00)
    desk.place(1, "SELL", 10, "TRAIL", **terms)
    desk.trade(12.00)
    desk.trade(11.70)
    stop = 11.50 if "trailing_amount" in terms else 11.40
    assert desk.trade(round(stop + 0.01, 2)) == []
    assert desk.trade(stop)[0] == "1 open Submitted"


def test_modifying_a_limit_order_to_market_tells_filled_before_the_execution(desk):
    """As recorded: openOrder, Filled, and the execution with its commission 100 ms later."""
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    assert desk.place(1, "BUY", 10) == ["1 open Submitted", "1 Filled 10+0"]
    assert desk.wait(0.2) == ["1 BOT 10 @ 10.02", "cost 1.00"]


def test_a_modified_stop_becomes_a_market_order(make_desk):
    """Where the switch lets a stop change its type."""
    desk = make_desk(choices={"stop_type_change": "accepted"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 10)
    desk.place(2, "SELL", 10, "STP", stop_price=9.50, tif="GTC")
    assert desk.place(2, "SELL", 10, tif="GTC") == ["2 open Submitted", "2 Filled 10+0"]
    assert desk.broker.positions() == []


def test_the_old_terms_hold_until_a_modify_arrives(make_desk):
    """In between the old limit may still be hit; then the modify comes too late."""
    desk = make_desk(latency_ms=500)
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 10, "LMT", limit_price=9.95)
    desk.wait(1)
    assert desk.place(1, "BUY", 10, "LMT", limit_price=9.00) == ["1 open Submitted"]
    assert "1 Filled 10+0" in desk.quote(9.80, 9.85, after_s=0.1)
    assert desk.wait(1) == ["1 error 104"]


def test_a_modify_of_side_or_below_the_filled_size_is_refused_and_the_order_lives(desk):
    """Error 105; a wrong tick is 110; both leave the old terms in force."""
    desk.quote(10.00, 10.02, size=4)
    desk.place(1, "BUY", 10, "LMT", limit_price=10.02)
    assert desk.place(1, "SELL", 10, "LMT", limit_price=10.02) == ["1 error 105"]
    assert desk.place(1, "BUY", 4, "LMT", limit_price=10.02) == ["1 error 105"]
    assert desk.place(1, "BUY", 10, "LMT", limit_price=10.021) == ["1 error 110"]
    assert "1 Filled 10+0" in desk.quote(10.00, 10.02, size=6)


def test_a_modify_may_not_change_the_oca_group(make_desk):
    """Error 10326; what becomes of the order is a switch."""
    for choice, alive in (("order_lives", True), ("order_cancelled", False)):
        desk = make_desk(choices={"oca_revision": choice})
        desk.quote(10.00, 10.02)
        desk.place(1, "BUY", 10, "LMT", limit_price=9.00, oca_group="a", oca_type=1)
        told = desk.place(1, "BUY", 10, "LMT", limit_price=9.10, oca_group="b", oca_type=1)
        assert told[0] == "1 error 10326"
        assert bool(desk.broker.open_orders()) is alive


def test_a_cancel_is_confirmed_with_202(make_desk):
    """With or without PendingCancel before."""
    for choice, first in (("direct", []), ("pending_first", ["1 PendingCancel 0+10"])):
        desk = make_desk(choices={"cancel_status": choice})
        desk.quote(10.00, 10.02)
        desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
        assert desk.cancel(1) == [*first, "1 Cancelled 0+10", "1 error 202"]


def test_a_fill_can_be_faster_than_a_cancel(make_desk):
    """Then the cancel is answered with 10148, also while PendingCancel was told."""
    desk = make_desk(latency_ms=500, choices={"cancel_status": "pending_first"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 10, "LMT", limit_price=9.95)
    desk.wait(1)
    assert desk.cancel(1) == ["1 PendingCancel 0+10"]
    assert desk.cancel(1) == ["1 error 161"]
    assert "1 Filled 10+0" in desk.quote(9.80, 9.85, after_s=0.1)
    assert desk.wait(1) == ["1 error 10148"]


def test_an_order_may_be_cancelled_by_another_client(desk):
    """Recorded: its own client hears Cancelled and 202, and so does the one that asked."""
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    assert desk.cancel(1, client_id=2) == ["1 Cancelled 0+10", "1 error 202"] * 2
    errors = [event for event in desk.events if isinstance(event, OrderErrorReport)]
    assert [error.client_id for error in errors] == [1, 2]


def test_only_the_client_that_placed_an_order_can_cancel_it(make_desk):
    """As IB documents it, by a switch: to others its id is unknown, 10147."""
    desk = make_desk(choices={"cancel_rights": "owner"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    assert desk.cancel(1, client_id=2) == ["1 error 10147"]
    assert len(desk.broker.open_orders()) == 1


def test_a_global_cancel_ends_the_orders_of_all_clients(desk):
    """Each client hears of its own."""
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    desk.place(1, "BUY", 10, "LMT", limit_price=9.00, client_id=2)
    events = desk.broker.global_cancel(3, desk.now)
    assert len(events) == 4
    assert desk.broker.open_orders() == []


def test_next_order_id_moves_on_for_each_client_apart(desk):
    """It counts refused orders too and survives whatever the client's socket does."""
    desk.place(7, "BUY", 10, "LMT", limit_price=9.00)
    desk.place(9, "BUY", 10, "FEELINGS")
    assert (desk.broker.next_order_id(1), desk.broker.next_order_id(2)) == (10, 1)


def test_first_status_is_a_switch(make_desk):
    """One tells PreSubmitted first and Submitted on arrival, the other Submitted at once."""
    told = {}
    for choice in ("held", "direct"):
        desk = make_desk(choices={"first_status": choice})
        desk.quote(10.00, 10.02)
        told[choice] = desk.place(1, "BUY", 10, "LMT", limit_price=9.00)
    assert told["direct"] == ["1 open Submitted", "1 Submitted 0+10"]
    assert told["held"] == ["1 open PreSubmitted", "1 PreSubmitted 0+10", *told["direct"]]


@pytest.mark.parametrize(
    ("action", "kind", "tif", "first"),
    [
        ("BUY", "MKT", "DAY", "PreSubmitted"),
        ("SELL", "MKT", "DAY", "Submitted"),
        ("BUY", "LMT", "GTC", "PreSubmitted"),
        ("BUY", "LMT", "DAY", "Submitted"),
    ],
)
def test_the_first_status_is_the_recorded_one(make_desk, action, kind, tif, first):
    """A market BUY and a GTC limit are held first, a market SELL (also one that opens) and a DAY limit are not."""
    desk = make_desk(latency_ms=100)
    desk.quote(10.00, 10.02)
    limit = {"limit_price": 9.00} if kind == "LMT" else {}
    assert desk.place(1, action, 10, kind, tif=tif, **limit) == [f"1 open {first}", f"1 {first} 0+10"]
    told = desk.wait(1)
    assert ("1 Submitted 0+10" in told) == (kind == "LMT" and first == "PreSubmitted")


def test_the_commission_of_a_close_may_come_late_or_never(make_desk):
    """A switch; an opening one is prompt and its realised P&L unset."""
    for choice, later in (("late", ["cost 1.00"]), ("missing", [])):
        desk = make_desk(choices={"closing_commission": choice})
        desk.quote(10.00, 10.02)
        assert desk.place(1, "BUY", 10)[-1] == "cost 1.00"
        assert desk.place(2, "SELL", 10)[-1] == "2 Filled 10+0"
        assert desk.wait(60) == later
    opening = next(event for event in desk.events if isinstance(event, CommissionReportDue))
    assert opening.realized_pnl is None


def test_orders_split_by_seed_fill_in_parts(make_desk):
    """Even where the touch could fill them at once; the rest comes with the next quote."""
    desk = make_desk(split_share=1.0)
    desk.quote(10.00, 10.02)
    assert "1 Submitted 50+50" in desk.place(1, "BUY", 100)
    assert "1 Filled 100+0" in desk.quote(10.00, 10.02)
    report = [event for event in desk.events if isinstance(event, CommissionReportDue)]
    assert sum(event.commission for event in report) == pytest.approx(1.0)  # the floor is an order's, not a fill's


def test_the_same_seed_and_calls_give_the_same_events(make_desk):
    """Perm ids and exec ids included; another seed gives others."""

    def day(seed):
        desk = make_desk(seed=seed)
        desk.quote(10.00, 10.02)
        desk.place(1, "BUY", 10)
        desk.place(2, "SELL", 10, "STP", stop_price=9.50)
        desk.trade(9.40)
        return desk.events

    assert day(3) == day(3)
    assert day(3) != day(4)
