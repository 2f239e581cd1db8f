import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import CommissionReport, Execution, OrderAction
from momentum_kit.trading import FillCosts, parse_costs
from momentum_kit.trading.account import Ledger, split_exec_id, undoing

ROOT = Path(__file__).resolve().parents[4]
START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
BUY, SELL = OrderAction.BUY, OrderAction.SELL


def execution(number, side, shares, price, *, second=None, con_id=1, order_id=None, correction=1):
    """One match; `number` orders them in time unless `second` says otherwise."""
    exec_id = f"0000e0d5.{number:08x}.01.{correction:02d}"
    at = START + timedelta(seconds=number if second is None else second)
    return Execution(
        exec_id=exec_id, order_id=order_id or number, perm_id=1, client_id=17, contract=Contract(f"S{con_id}", con_id),
        account="DU1", side=side, shares=Decimal(shares), price=price, time=at,
        order_ref=f"mk-{con_id}", exchange="SIM", cumulative_shares=Decimal(shares), average_price=price,
        liquidation=False, received_at=at,
    )  # fmt: skip


def cost(of, usd=1.0):
    """The commission report of an execution."""
    return CommissionReport(exec_id=of.exec_id, commission_usd=usd, currency="USD", realized_pnl_usd=float("nan"))


def ledger_of(*inputs):
    """A ledger fed in this order."""
    ledger = Ledger()
    for each in inputs:
        ledger.add_commission(each) if isinstance(each, CommissionReport) else ledger.add_execution(each)
    return ledger


def state_of(ledger):
    """Everything that can be seen of a ledger."""
    return (
        ledger.holdings(),
        ledger.round_trips(),
        ledger.fills().__repr__(),
        ledger.realised_usd,
        ledger.costs_usd,
        ledger.unrealised_usd(lambda _con_id: 6.0),
        [ledger.filled(f"mk-{con_id}", order_id) for con_id in (1, 2) for order_id in range(8)],
    )


def test_round_trip():
    """Bought in two matches, sold in one: averages, gross, costs, net and R."""
    buys = execution(1, BUY, 100, 5.0, order_id=1), execution(2, BUY, 300, 5.2, order_id=1)
    sell = execution(3, SELL, 400, 5.5)
    ledger = ledger_of(*buys, sell, *(cost(e) for e in (*buys, sell)))
    (trip,) = ledger.round_trips()
    assert (trip.quantity, trip.entry_price, trip.exit_price) == (400, pytest.approx(5.15), 5.5)
    assert (trip.gross_usd, trip.costs_usd, trip.net_usd) == (pytest.approx(140), 3.0, pytest.approx(137))
    assert trip.r(100.0) == pytest.approx(1.37)
    assert (trip.opened_at, trip.closed_at) == (buys[0].time, sell.time)
    assert ledger.realised_usd == pytest.approx(140)
    assert (ledger.holdings(), ledger.position(1), ledger.filled("mk-1", 1)) == ((), 0, 400)


def test_a_day_earns_what_its_own_executions_closed():
    """What was bought on Friday and sold on Monday is Monday's, each cost is its own day's; New York's days count."""
    monday, night = 3 * 86_400, 13 * 3_600  # 04:00 UTC of Saturday is 23:00 of Friday in New York
    trades = (
        execution(1, BUY, 100, 5.0),
        execution(2, SELL, 40, 6.0, second=night),
        execution(3, SELL, 60, 4.0, second=monday),
    )
    ledger = ledger_of(*trades, *map(cost, trades))
    assert ledger.net_usd_on(START.date()) == pytest.approx(40 - 2)
    assert ledger.net_usd_on(START.date() + timedelta(days=1)) == 0
    assert ledger.net_usd_on(START.date() + timedelta(days=3)) == pytest.approx(-60 - 1)
    assert ledger.realised_usd - ledger.costs_usd == pytest.approx(40 - 60 - 3)


def test_first_in_first_out():
    """A partial sale realises the oldest lot, and the rest keeps the price of the younger."""
    ledger = ledger_of(execution(1, BUY, 100, 5.0), execution(2, BUY, 100, 6.0), execution(3, SELL, 100, 7.0))
    (holding,) = ledger.holdings()
    assert ledger.realised_usd == pytest.approx(200)
    assert (holding.quantity, holding.average_price, holding.opened_at) == (100, 6.0, START + timedelta(seconds=2))
    assert ledger.unrealised_usd(lambda _: 6.5) == pytest.approx(50)
    assert ledger.unrealised_usd(lambda _: float("nan")) == 0


def test_one_second_holds_a_whole_round_trip():
    """IB's times are whole seconds: an exit in the entry's second still comes after it, by order id."""
    sell, buy = execution(9, SELL, 100, 5.5, second=1), execution(4, BUY, 100, 5.0, second=1)
    (trip,) = ledger_of(sell, buy).round_trips()
    assert trip.gross_usd == pytest.approx(50)


def test_a_correction_replaces():
    """The highest correction of a match wins, in whatever order they come, and keeps the cost already reported."""
    first, second = execution(1, BUY, 100, 5.0), execution(1, BUY, 90, 5.1, correction=2)
    for order in ((first, cost(first), second), (second, first, cost(first))):
        ledger = ledger_of(*order)
        assert ledger.position(1) == 90
        assert ledger.costs_usd == 1.0
    assert not ledger_of(second).add_execution(first)


def test_late_and_missing_costs():
    """A trip says how many reports are outstanding; a report that comes later completes it."""
    buy, sell = execution(1, BUY, 100, 5.0), execution(2, SELL, 100, 5.5)
    ledger = ledger_of(buy, sell, cost(sell, 1.5))
    assert (ledger.round_trips()[0].pending, ledger.costs_usd) == (1, 1.5)
    assert ledger.add_commission(cost(buy))
    assert not ledger.add_commission(cost(buy))
    assert (ledger.round_trips()[0].pending, ledger.costs_usd) == (0, 2.5)


COSTS = FillCosts(parse_costs(yaml.safe_load((ROOT / "config" / "costs.yaml").read_text())), "fixed")


@pytest.mark.parametrize(
    ("report", "basis"),
    [
        (None, "estimated"),
        ({"commission_usd": float("nan")}, "estimated"),
        ({"commission_usd": 900.0, "currency": "JPY"}, "estimated"),
        ({"commission_usd": 2.5}, "reported"),
    ],
)
def test_a_cost_that_nobody_told_is_estimated_and_marked(report, basis):
    """Unset, missing or in yen: the sums stay finite and plausible, and the trip says what of them is an estimate."""
    ledger = Ledger(COSTS)
    buy, sell = execution(1, BUY, 500, 5.0), execution(2, SELL, 500, 5.5)
    for each in (buy, sell, cost(buy, 2.5)):
        ledger.add_commission(each) if isinstance(each, CommissionReport) else ledger.add_execution(each)
    if report is not None:
        ledger.add_commission(replace(cost(sell), **report))
    (trip,) = ledger.round_trips()
    assert trip.costs_basis == basis
    assert trip.costs_usd == ledger.costs_usd == pytest.approx(5.0, abs=0.1)
    assert trip.estimated_usd == (0.0 if basis == "reported" else pytest.approx(2.5, abs=0.1))
    assert trip.net_usd == pytest.approx(250 - trip.costs_usd)
    assert trip.r(100.0) == pytest.approx(2.45, abs=0.01)
    assert trip.pending == (report is None)


def test_a_report_takes_the_place_of_its_estimate():
    """Whenever it comes: nothing of the estimate stays."""
    ledger = Ledger(COSTS)
    buy, sell = execution(1, BUY, 500, 5.0), execution(2, SELL, 500, 5.5)
    for each in (buy, sell):
        ledger.add_execution(each)
    assert ledger.costs_usd == pytest.approx(5.0, abs=0.1)
    for each in (buy, sell):
        ledger.add_commission(cost(each, 0.5))
    (trip,) = ledger.round_trips()
    assert (ledger.costs_usd, trip.costs_basis, trip.estimated_usd) == (1.0, "reported", 0.0)


@pytest.mark.parametrize("price", [float("nan"), float("inf")])
def test_an_execution_without_a_price_moves_shares_and_no_sum(price):
    """Its trip has no profit that could be known; realised profit and costs of the day stay finite."""
    ledger = Ledger(COSTS)
    for each in (
        execution(1, BUY, 100, 5.0), execution(2, SELL, 100, 5.5),
        execution(3, BUY, 100, price, con_id=2), execution(4, SELL, 100, 5.5, con_id=2),
    ):  # fmt: skip
        ledger.add_execution(each)
    assert (ledger.position(2), ledger.realised_usd) == (0, pytest.approx(50))
    assert 0 < ledger.costs_usd < 10
    known, unknown = ledger.round_trips()
    assert (known.costs_basis, unknown.costs_basis) == ("estimated", "unknown")
    assert not math.isfinite(unknown.net_usd)


def test_crossing_through_flat_opens_the_other_side():
    """The rest of an execution that closes more than is held becomes a position of its own."""
    ledger = ledger_of(execution(1, BUY, 100, 5.0), execution(2, SELL, 150, 6.0))
    (holding,) = ledger.holdings()
    assert (holding.quantity, holding.average_price, ledger.realised_usd) == (-50, 6.0, pytest.approx(100))
    assert len(ledger.round_trips()) == 1


def test_what_is_gone_is_written_off():
    """Shares that the broker no longer has leave the holding without profit or loss; a later word puts it right."""
    buy, sell = execution(1, BUY, 100, 5.0), execution(2, SELL, 100, 6.0)
    ledger = ledger_of(buy)
    assert ledger.write_off(1, Decimal(60))
    assert not ledger.write_off(1, Decimal(60))
    assert (ledger.position(1), ledger.traded(1), ledger.realised_usd, ledger.round_trips()) == (40, 100, 0, ())
    ledger.add_execution(sell)
    assert ledger.write_off(1, Decimal(0))
    assert (ledger.position(1), ledger.realised_usd, len(ledger.round_trips())) == (0, pytest.approx(100), 1)


def test_order_ids_that_begin_anew_are_other_orders():
    """An id that was used before under another reference has filled nothing; nor has another permanent id."""
    ledger = ledger_of(execution(1, BUY, 100, 5.0, order_id=7))
    assert ledger.filled("mk-1", 7) == ledger.filled("mk-1", 7, perm_id=1) == 100
    assert ledger.filled("mk-another", 7) == ledger.filled("mk-1", 7, perm_id=2) == 0


def test_all_orders_of_a_reference_together():
    """Whichever of them sold it, and also where a correction has changed how much."""
    ledger = ledger_of(execution(1, BUY, 100, 5.0, order_id=7), execution(2, SELL, 40, 5.1, order_id=8))
    ledger.add_execution(execution(3, SELL, 50, 5.2, order_id=9))
    assert ledger.bought_and_sold("mk-1") == (100, 90)
    assert ledger.bought_and_sold("mk-another") == (0, 0)


def test_what_undoes_a_sale_holds_as_long_as_the_sale():
    """Without the sale, with it corrected to nothing, or where others bought as many by then, it counts for nothing."""
    buy, sale = execution(1, BUY, 100, 5.0, order_id=7), execution(2, SELL, 100, 5.1, order_id=8)
    undone = replace(execution(9, BUY, 100, 5.1, order_id=0), exec_id=f"{undoing(sale)}.01")
    assert ledger_of(buy, sale, undone).traded(1) == 100
    assert ledger_of(buy, undone).traded(1) == 100
    assert ledger_of(buy, sale, undone, replace(sale, exec_id=f"{sale.base_id}.02", shares=Decimal(0))).traded(1) == 100
    ledger = ledger_of(buy, sale, undone)
    ledger.note_other(replace(execution(5, BUY, 60, 5.0, order_id=0), exec_id="other.01"))
    assert (ledger.traded(1), ledger.position(1)) == (100, 100)
    ledger.note_other(replace(execution(6, BUY, 40, 5.0, order_id=0), exec_id="other.02.01"))
    assert (ledger.traded(1), ledger.position(1)) == (0, 0)


def test_unknown_contract_is_flat():
    """What was never traded is not held."""
    assert Ledger().position(99) == 0
    assert Ledger().round_trips(99) == ()


@pytest.mark.parametrize(
    ("exec_id", "expected"),
    [("0000e0d5.69e02bfb.01.01", ("0000e0d5.69e02bfb.01", 1)), ("late-exec-13", ("late-exec-13", 0))],
)
def test_exec_ids_split_as_executions_do(exec_id, expected):
    """Reports and executions agree on base id and correction."""
    execution_ = replace(execution(1, BUY, 1, 1.0), exec_id=exec_id)
    assert split_exec_id(exec_id) == (execution_.base_id, execution_.correction) == expected


executions = st.builds(
    execution,
    st.integers(1, 6),
    st.sampled_from([BUY, SELL]),
    st.integers(1, 300),
    st.floats(1, 20).map(lambda price: round(price, 2)),
    con_id=st.integers(1, 2),
    second=st.integers(0, 3),
    correction=st.integers(1, 3),
)


@given(st.data(), st.lists(executions, max_size=8, unique_by=lambda e: e.exec_id))
def test_order_and_repetition_do_not_matter(data, matches):
    """Any order and duplication of the same executions and reports gives the same ledger."""
    inputs = [*matches, *(cost(e, 0.5 + e.correction) for e in matches if data.draw(st.booleans()))]
    repeated = inputs + (data.draw(st.lists(st.sampled_from(inputs), max_size=5)) if inputs else [])
    assert state_of(ledger_of(*inputs)) == state_of(ledger_of(*data.draw(st.permutations(repeated))))


@given(st.lists(executions, max_size=10, unique_by=lambda e: e.base_id))
def test_money_is_conserved(matches):
    """Realised plus open profit is what was received less what was paid, whatever the matching."""
    ledger = ledger_of(*matches)
    cash = sum(-float(e.shares) * e.price * e.side.sign for e in matches)
    held = sum(float(ledger.position(con_id)) * 6.0 for con_id in (1, 2))
    assert ledger.realised_usd + ledger.unrealised_usd(lambda _: 6.0) == pytest.approx(cash + held, abs=1e-6)
