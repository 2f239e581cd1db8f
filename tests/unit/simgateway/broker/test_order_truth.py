"""What the broker does on its own, holds back, caps, previews and lists."""

from datetime import timedelta
from decimal import Decimal

import pytest

from momentum_kit.simgateway.events import ExecutionReport, OpenOrderReport, OrderBound, OrderErrorReport, StatusReport

ACME = 1001


def reports(desk):
    """Executions as clients heard them."""
    return [event for event in desk.events if isinstance(event, ExecutionReport)]


def test_every_execution_may_come_again_as_a_correction(make_desk):
    """The same but for the id, which ends in .02; the broker's own list keeps one of the two."""
    desk = make_desk(choices={"execution_correction": "every"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100)
    desk.wait(5)
    first, second = reports(desk)
    assert (first.exec_id[-3:], second.exec_id[-3:]) == (".01", ".02")
    assert first.exec_id[:-3] == second.exec_id[:-3]
    assert (first.shares, first.price, first.time) == (second.shares, second.price, second.time)
    assert [report.exec_id for report in desk.broker.executions()] == [second.exec_id]
    assert desk.broker.commission_of(second.exec_id).commission == 1.0
    assert desk.account.quantity(ACME) == 100


def test_a_correction_may_move_the_price(desk):
    """Cash and the average cost of what is held follow it; an id that does not stand any more is unknown."""
    desk.place(1, "BUY", 100)
    exec_id = reports(desk)[0].exec_id
    cash, cost = desk.account.cash_usd, desk.account.holding(ACME).average_cost
    (corrected,) = desk.broker.correct(exec_id, desk.now, 9.92)
    assert (corrected.price, corrected.shares) == (9.92, 100)
    assert desk.account.cash_usd - cash == pytest.approx(10.0)
    assert desk.account.holding(ACME).average_cost - cost == pytest.approx(-0.10)
    with pytest.raises(KeyError):
        desk.broker.correct(exec_id, desk.now)


@pytest.mark.parametrize(("answer", "left"), [("cancelled", 0), ("live", 1)])
def test_the_broker_liquidates(make_desk, answer, left):
    """One execution with liquidation=1 and order id -1, whatever orders rest; flat afterwards."""
    desk = make_desk(choices={"liquidated_orders": answer})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 100, "STP", stop_price=9.50, tif="GTC")
    events = desk.broker.liquidate(ACME, desk.now)
    (report,) = [event for event in events if isinstance(event, ExecutionReport)]
    assert (report.liquidation, report.order.order_id, report.side, report.shares) == (True, -1, "SLD", 100)
    assert desk.broker.positions() == []
    assert len(desk.broker.open_orders(1)) == left
    assert desk.broker.liquidate(ACME, desk.now) == []


def test_a_far_limit_is_capped(desk):
    """2161 and mktCapPrice; it trades up to the cap and rests beyond it, until a modify brings it back."""
    said = desk.place(1, "BUY", 1_500, "LMT", limit_price=20.0)
    assert "1 error 2161" in said
    assert [e.order.market_cap_price for e in desk.events if isinstance(e, StatusReport)][-1] == 11.02
    assert desk.account.quantity(ACME) == 1_000
    desk.quote(11.50, 11.60)
    assert desk.account.quantity(ACME) == 1_000
    desk.place(1, "BUY", 1_500, "LMT", limit_price=11.60)
    assert desk.account.quantity(ACME) == 1_500


def test_a_far_limit_may_be_refused(make_desk):
    """202 with a price check's words: cancelled without ever working, children and all."""
    desk = make_desk(choices={"far_limit": "refused"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100, "LMT", limit_price=20.0, transmit=False)
    assert desk.place(2, "SELL", 100, "STP", stop_price=9.0, parent_id=1) == [
        "1 error 202",
        "1 open Cancelled",
        "1 Cancelled 0+100",
        "2 error 135",
    ]
    assert "price" in next(e.text for e in desk.events if isinstance(e, OrderErrorReport))
    assert desk.broker.open_orders() == []


def test_what_if_shows_margin_and_places_nothing(desk):
    """An openOrder with the margin before and after, and the commission; a hopeless one is refused with 201."""
    events = desk.broker.what_if(desk.order(1, "BUY", 1_000, "LMT", limit_price=10.0), desk.now)
    (told,) = events
    assert isinstance(told, OpenOrderReport)
    assert told.order.status == "PreSubmitted"
    assert (told.order.perm_id, told.order.raw["initMarginChange"]) == (0, "2500.00")
    assert told.order.raw["commissionAndFees"] == "5.00"
    assert desk.broker.open_orders() == []
    assert desk.broker.next_order_id(1) == 2
    (refused,) = desk.broker.what_if(desk.order(2, "BUY", 1_000_000, "LMT", limit_price=10.0), desk.now)
    assert refused.code == 201


def test_manual_orders_have_no_id_until_client_0_binds_them(desk):
    """Shown to all with order id 0, cancelled by nobody; bound to client 0 they get a negative id and can be."""
    desk.broker.enter_manually(desk.order(7, "BUY", 10, "LMT", limit_price=9.0), desk.now)
    desk.broker.enter_manually(desk.order(8, "BUY", 20, "LMT", limit_price=9.1), desk.now)
    (first, second) = desk.broker.open_orders()
    assert (first.order.client_id, first.order.order_id, second.order.order_id) == (0, 0, 0)
    assert desk.cancel(0, client_id=0) == ["0 error 10147"]
    bound = desk.broker.bind_manual()
    assert [(b.client_id, b.order_id) for b in bound if isinstance(b, OrderBound)] == [(0, -2), (0, -3)]
    assert desk.broker.bind_manual() == []
    assert desk.cancel(-2, client_id=1) == ["-2 error 10147"]
    assert "-2 Cancelled 0+10" in desk.cancel(-2, client_id=0)
    desk.broker.bind_manual(new_ones=True)
    desk.tell(desk.broker.enter_manually(desk.order(9, "BUY", 30, "LMT", limit_price=9.2), desk.now))
    assert [e.order_id for e in desk.events if isinstance(e, OrderBound)] == [-4]
    assert len(desk.broker.completed_orders()) == 1
    assert desk.broker.completed_orders(api_only=True) == []


@pytest.mark.parametrize(("answer", "said"), [("owner", "5 error 10147"), ("client_0_too", "5 Cancelled 0+100")])
def test_whose_cancel_is_obeyed(make_desk, answer, said):
    """Another client's never; that of client 0 if the switch says so."""
    desk = make_desk(choices={"cancel_rights": answer})
    desk.quote(10.00, 10.02)
    desk.place(5, "BUY", 100, "LMT", limit_price=9.0)
    assert desk.cancel(5, client_id=2) == ["5 error 10147"]
    assert said in desk.cancel(5, client_id=0)


@pytest.mark.parametrize(("answer", "left"), [("every_order", 0), ("own_orders", 1)])
def test_a_global_cancel_reaches_others_or_not(make_desk, answer, left):
    """As the switch says."""
    desk = make_desk(choices={"global_cancel": answer})
    desk.quote(10.00, 10.02)
    desk.place(5, "BUY", 100, "LMT", limit_price=9.0)
    desk.place(6, "BUY", 100, "LMT", limit_price=9.0, client_id=2)
    desk.tell(desk.broker.global_cancel(2, desk.now))
    assert len(desk.broker.open_orders()) == left


@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        ("nothing", []),
        ("open_orders", ["OpenOrderReport", "StatusReport"]),
        ("orders_and_executions", ["OpenOrderReport", "StatusReport", "ExecutionReport"]),
    ],
)
def test_what_is_repeated_after_1102(make_desk, answer, kinds):
    """The client's working orders, its executions of the day, or nothing."""
    desk = make_desk(choices={"restored_replay": answer})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100)
    desk.place(2, "BUY", 100, "LMT", limit_price=9.0)
    assert [type(event).__name__ for event in desk.broker.restored(1)] == kinds
    assert desk.broker.restored(2) == []


def test_twenty_active_orders_a_side(desk):
    """The next one on that side is refused with 201; the other side has its own twenty."""
    for number in range(1, 21):
        desk.place(number, "BUY", 10, "LMT", limit_price=9.0)
    assert "21 error 201" in desk.place(21, "BUY", 10, "LMT", limit_price=9.0)
    assert "22 error 201" not in desk.place(22, "SELL", 10, "LMT", limit_price=11.0)
    desk.cancel(1)
    assert "23 error 201" not in desk.place(23, "BUY", 10, "LMT", limit_price=9.0)


def test_outside_rth_is_ignored_for_market_orders(desk):
    """2109, and the order goes on."""
    said = desk.place(1, "BUY", 100, outside_rth=True)
    assert said[0] == "1 error 2109"
    assert desk.account.quantity(ACME) == 100


def test_short_sales_wait_for_shares(desk):
    """404 and PreSubmitted with whyHeld locate; it fills once the shares are found, or ends by a cancel before."""
    desk.market.lendable[ACME] = 2.0
    assert desk.place(1, "SELL", 100) == ["1 open PreSubmitted", "1 PreSubmitted 0+100 locate", "1 error 404"]
    desk.place(2, "SELL", 100)
    assert "2 Cancelled 0+100" in desk.cancel(2)
    desk.place(1, "SELL", 50)
    assert desk.account.quantity(ACME) == 0
    desk.wait(31)
    assert desk.account.quantity(ACME) == -50
    desk.market.lendable[ACME] = 1.0
    assert "3 error 201" in desk.place(3, "SELL", 100)


def test_selling_what_is_held_needs_no_shares_to_borrow(desk):
    """Only what goes short is held."""
    desk.market.lendable[ACME] = 1.0
    desk.place(1, "BUY", 100)
    desk.place(2, "SELL", 100)
    assert desk.account.quantity(ACME) == 0


def test_an_ioc_parent_may_be_refused(make_desk):
    """201, and its children die with it; without children it is taken."""
    desk = make_desk(choices={"ioc_parent": "refused"})
    desk.quote(10.00, 10.02)
    desk.place(1, "BUY", 100, "LMT", limit_price=10.02, tif="IOC", transmit=False)
    said = desk.place(2, "SELL", 100, "STP", stop_price=9.0, parent_id=1)
    assert ("1 error 201" in said, "2 error 135" in said) == (True, True)
    desk.place(3, "BUY", 100, "LMT", limit_price=10.02, tif="IOC")
    assert desk.account.quantity(ACME) == 100


def test_executions_of_earlier_days_only_when_asked_for(desk):
    """Since midnight by default; lastNDays and specific dates reach further; time and client narrow it down."""
    desk.place(1, "BUY", 100)
    day = desk.now.date()
    desk.until(desk.now + timedelta(days=3))
    desk.quote(10.00, 10.02)
    desk.place(2, "SELL", 40)
    desk.place(3, "BUY", 10, client_id=2)
    now, listed = desk.now, desk.broker.executions
    assert [e.shares for e in listed()] == [Decimal(40), Decimal(10)]
    assert [e.shares for e in listed(1)] == [Decimal(40)]
    assert [e.shares for e in listed(days=4)] == [Decimal(100), Decimal(40), Decimal(10)]
    assert [e.shares for e in listed(on=[day])] == [Decimal(100)]
    assert listed(since=now + timedelta(seconds=1)) == []


@pytest.mark.parametrize("price", [1e9, 1e200, float("inf")])
def test_a_price_out_of_this_world_is_refused(desk, price):
    """110, for a new order and for a modify alike."""
    assert desk.place(1, "BUY", 100, "LMT", limit_price=price) == ["1 error 110"]
    desk.place(2, "BUY", 100, "LMT", limit_price=9.0)
    assert desk.place(2, "BUY", 100, "LMT", limit_price=price) == ["2 error 110"]
