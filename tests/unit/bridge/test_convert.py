"""ibapi's objects to ours and back."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibapi.commission_and_fees_report import CommissionAndFeesReport
from ibapi.common import BarData
from ibapi.const import UNSET_DECIMAL, UNSET_DOUBLE, UNSET_INTEGER, UNSET_LONG
from ibapi.contract import Contract as IBContract
from ibapi.contract import ContractDetails as IBContractDetails
from ibapi.execution import Execution as IBExecution
from ibapi.order import Order as IBOrder

from momentum_kit.bridge import convert
from momentum_kit.models.contracts import Contract
from momentum_kit.models.orders import OrderAction, OrderRequest

NOW = datetime(2026, 4, 14, 15, tzinfo=UTC)
PRICES = st.floats(min_value=0.01, max_value=10_000).map(lambda value: round(value, 4))
TEXT = st.text("abcXYZ-019", max_size=8)
HOURS = st.integers(0, 1_000).map(lambda days: datetime(2026, 1, 1, 14, 40, 7, tzinfo=UTC) + timedelta(days=days))


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    """Orders with exactly the prices their type has."""
    kind = draw(st.sampled_from(["MKT", "LMT", "STP", "STP LMT", "TRAIL"]))
    by_percent = draw(st.booleans())
    return OrderRequest(
        action=draw(st.sampled_from(OrderAction)),
        quantity=Decimal(draw(st.integers(1, 100_000))),
        order_type=kind,
        limit_price=draw(PRICES) if kind in ("LMT", "STP LMT") else None,
        stop_price=draw(PRICES) if kind in ("STP", "STP LMT", "TRAIL") else None,
        trailing_percent=draw(PRICES) if kind == "TRAIL" and by_percent else None,
        trailing_usd=draw(PRICES) if kind == "TRAIL" and not by_percent else None,
        tif=draw(st.sampled_from(["DAY", "GTC", "IOC"])),
        outside_rth=draw(st.booleans()),
        good_after=draw(st.none() | HOURS),
        transmit=draw(st.booleans()),
        order_id=draw(st.integers(1, 10**6)),
        parent_id=draw(st.integers(0, 10**6)),
        oca_group=draw(TEXT),
        oca_type=draw(st.integers(0, 3)),
        order_ref=draw(TEXT),
        account=draw(TEXT),
    )


@given(requests())
def test_an_order_survives_the_way_there_and_back(request: OrderRequest) -> None:
    """Nothing of an order is lost or invented between our form and IB's."""
    assert convert.order_request(convert.to_ib_order(request)) == request


@pytest.mark.parametrize(
    ("hour", "written"),
    [
        (datetime(2026, 11, 20, 20, 55, tzinfo=UTC), "20261120 15:55:00 US/Eastern"),
        (datetime(2026, 7, 8, 19, 55, 9, tzinfo=UTC), "20260708 15:55:09 US/Eastern"),
    ],
)
def test_an_hour_is_written_as_new_yorks_clock_shows_it(hour: datetime, written: str) -> None:
    """In winter and in summer, with its zone."""
    request = OrderRequest(action=OrderAction.SELL, quantity=Decimal(1), order_type="MKT", good_after=hour)
    assert convert.to_ib_order(request).goodAfterTime == written


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("20261120 15:55:00 EST", datetime(2026, 11, 20, 20, 55, tzinfo=UTC)),
        ("20261120-20:55:00", datetime(2026, 11, 20, 20, 55, tzinfo=UTC)),
        ("20261120 14:55:00 Central Standard Time", datetime(2026, 11, 20, 20, 55, tzinfo=UTC)),
        ("tomorrow", None),
        ("20261320 15:55:00 US/Eastern", None),
        ("20261120 15:55:00 Nowhere/Land", None),
    ],
)
def test_an_hour_that_cannot_be_read_hides_no_order(written: str, hour: datetime | None) -> None:
    """Somebody's order with a strange time is still an order, whose shares count."""
    ib = convert.to_ib_order(OrderRequest(action=OrderAction.SELL, quantity=Decimal(7), order_type="MKT"))
    ib.goodAfterTime = written
    request = convert.order_request(ib)
    assert (request.quantity, request.good_after) == (7, hour)


def test_a_contract_survives_the_way_there_and_back() -> None:
    """Every field of a contract is carried."""
    contract = Contract(
        "AAPL",
        265598,
        sec_type="STK",
        exchange="SMART",
        currency="USD",
        primary_exchange="NASDAQ",
        local_symbol="AAPL",
        trading_class="NMS",
    )
    assert convert.contract(convert.to_ib_contract(contract)) == contract


def test_a_fresh_order_has_no_prices_but_its_own() -> None:
    """A market order leaves IB's fields unset: 0 would be a price."""
    order = convert.to_ib_order(OrderRequest(action=OrderAction.BUY, quantity=Decimal(1), order_type="MKT"))
    assert (order.lmtPrice, order.auxPrice, order.trailStopPrice) == (UNSET_DOUBLE,) * 3


def test_unset_values_become_ours() -> None:
    """IB's largest numbers never reach a calculation."""
    assert math.isnan(convert.price(UNSET_DOUBLE)) and math.isnan(convert.price(None))
    assert convert.price(0.0) == 0.0
    assert convert.shares(UNSET_DECIMAL) == convert.shares(None) == 0
    assert convert.number(UNSET_INTEGER) == convert.number(UNSET_LONG) == convert.number(None) == 0


def test_a_position_without_a_number_is_unknown_and_not_flat() -> None:
    """IB's many ways of saying nothing are refused where what is held is said; nothing held is a plain 0."""
    for unset in (None, UNSET_DECIMAL, Decimal(2**31 - 1)):
        with pytest.raises(ValueError, match="without a number"):
            convert.holding(unset)
    assert convert.holding(Decimal(0)) == 0
    assert convert.holding(Decimal(-30)) == -30


def test_a_commission_without_a_realized_profit_is_nan() -> None:
    """An opening trade has no realized profit, which is not a profit of 1.8e308."""
    report = CommissionAndFeesReport()
    report.execId, report.commissionAndFees, report.currency, report.realizedPNL = "x.01", 1.0, "USD", UNSET_DOUBLE
    assert math.isnan(convert.commission_report(report).realized_pnl_usd)


def test_a_commission_report_before_10_33_is_read_as_well() -> None:
    """The field's older name is found by looking, not by version."""

    class OldReport:
        execId, commission, currency, realizedPNL = "x.01", 1.25, "USD", 3.0  # noqa: N815

    assert convert.commission_report(OldReport()).commission_usd == 1.25


def test_a_short_sale_is_a_sale() -> None:
    """SSHORT is not one of our sides."""
    order = IBOrder()
    order.action, order.orderType, order.totalQuantity = "SSHORT", "MKT", Decimal(5)
    assert convert.order_request(order).action is OrderAction.SELL


def test_a_liquidation_says_so() -> None:
    """IB's forced sales are told apart from ours."""
    execution = IBExecution()
    execution.execId, execution.time, execution.side = "a.b.01", "20260413 15:27:04 US/Eastern", "SLD"
    execution.shares, execution.price, execution.liquidation, execution.orderId = Decimal(7), 9.5, 1, -1
    ours = convert.execution(IBContract(), execution, NOW, NOW, from_request=True)
    assert (ours.liquidation, ours.order_id, ours.side, ours.from_request) == (True, -1, OrderAction.SELL, True)


def test_details_without_rules_have_none() -> None:
    """Empty lists are empty, not one empty name."""
    details = convert.contract_details(IBContractDetails())
    assert (details.valid_exchanges, details.market_rule_ids, details.smart_rule_id) == ((), (), None)


def test_a_bar_of_quotes_has_no_volume() -> None:
    """MIDPOINT bars carry -1 where trades would be."""
    bar = BarData()
    bar.date, bar.open, bar.high, bar.low, bar.close = "1775136600", 1.0, 2.0, 0.5, 1.5
    bar.volume, bar.wap, bar.barCount = Decimal(-1), Decimal(-1), -1
    ours = convert.bar(bar, 60)
    assert (ours.volume, ours.count, math.isnan(ours.wap)) == (0.0, 0, True)
    assert ours.start == datetime(2026, 4, 2, 13, 30, tzinfo=UTC)


def test_a_trade_tick_is_read_in_full() -> None:
    """Price, size, exchange time, day volume and VWAP."""
    tick = convert.trade_tick(265598, "701.28;100;1348075471534;67854;701.46918464;true", NOW, 42)
    assert tick is not None
    assert (tick.con_id, tick.price, tick.size, tick.total_volume, tick.vwap) == (
        265598,
        701.28,
        100,
        67854,
        701.46918464,
    )
    assert tick.time == datetime(2012, 9, 19, 17, 24, 31, 534000, tzinfo=UTC)
    assert (tick.received_at, tick.received_ns) == (NOW, 42)


@pytest.mark.parametrize("text", [";0;1348075471534;67854;701.4;true", "0;100;1348075471534;1;1;true", "5;;1;;;false"])
def test_ticks_that_are_no_trades_are_passed_over(text: str) -> None:
    """IB corrects volumes with lines that have no price or no size."""
    assert convert.trade_tick(1, text, NOW, 0) is None


@pytest.mark.parametrize("text", ["", "1;2;3", "a;1;1348075471534;1;1;true"])
def test_ticks_that_cannot_be_read_are_refused(text: str) -> None:
    """A malformed line is an error, never a trade."""
    with pytest.raises(ValueError):
        convert.trade_tick(1, text, NOW, 0)
