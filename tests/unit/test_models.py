import dataclasses
import inspect
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from momentum_kit import models
from momentum_kit.models.contracts import Contract, ContractDetails
from momentum_kit.models.market import Bar, MarketDataType, Quote
from momentum_kit.models.orders import Execution, OrderAction
from momentum_kit.models.session import ConnectionHealth, LinkState

AT = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


def execution(exec_id: str) -> Execution:
    """One match with this id."""
    return Execution(
        exec_id=exec_id, order_id=1, perm_id=2, client_id=17, contract=Contract("AAPL", 265598), account="DU1",
        side=OrderAction.BUY, shares=Decimal(100), price=10.0, time=AT, order_ref="", exchange="SMART",
        cumulative_shares=Decimal(100), average_price=10.0, liquidation=False, received_at=AT,
    )  # fmt: skip


@pytest.mark.parametrize(
    "model",
    [each for _, each in inspect.getmembers(models, dataclasses.is_dataclass)],
    ids=lambda model: model.__name__,
)
def test_every_value_is_frozen_slotted_and_explained(model):
    """What crosses a boundary cannot change afterwards and says what it is."""
    assert model.__dataclass_params__.frozen
    assert hasattr(model, "__slots__")
    assert not model.__doc__.startswith(f"{model.__name__}(")


def test_a_contract_reads_as_symbol_and_id():
    """An unresolved contract is its symbol alone."""
    assert (str(Contract("AAPL")), str(Contract("AAPL", 265598))) == ("AAPL", "AAPL(265598)")


def test_sides_have_a_sign_and_an_opposite():
    """BUY adds, SELL takes away, each closes what the other opens."""
    assert (OrderAction.BUY.sign, OrderAction.SELL.sign) == (1, -1)
    assert OrderAction.BUY.opposite is OrderAction.SELL
    assert OrderAction.SELL.opposite is OrderAction.BUY


def test_a_bar_may_be_used_from_its_end_on():
    """The end is the start plus the interval."""
    assert Bar(AT, 5, 1, 1, 1, 1, 1, 1, 1).end == AT + timedelta(seconds=5)


def test_a_spread_is_measured_from_the_middle():
    """Bid 9.99, ask 10.01: 20 bps of 10; without a bid it is nan, never zero."""
    quote = Quote(1, 9.99, 10.01, 1, 1, 10, False, MarketDataType.LIVE, AT)
    assert quote.mid == 10.0
    assert quote.spread_bps == pytest.approx(20)
    assert math.isnan(dataclasses.replace(quote, bid=math.nan).spread_bps)


@pytest.mark.parametrize(
    ("exec_id", "base", "correction"),
    [("0000e0d5.1.01.01", "0000e0d5.1.01", 1), ("0000e0d5.1.01.12", "0000e0d5.1.01", 12), ("plain", "plain", 0)],
)
def test_a_correction_shares_its_base_with_what_it_corrects(exec_id, base, correction):
    """The last part of an execution id counts corrections; an id without one is its own base."""
    assert (execution(exec_id).base_id, execution(exec_id).correction) == (base, correction)


def test_the_market_rule_is_that_of_the_contracts_exchange():
    """Rules run in parallel to the exchanges; an exchange without one falls back to the first, no rules give None."""

    def rule(exchange: str, rules: tuple[int, ...]) -> int | None:
        contract = Contract("AAPL", exchange=exchange)
        return ContractDetails(
            contract=contract,
            long_name="",
            min_tick=0.01,
            valid_exchanges=("SMART", "NYSE", "IEX"),
            market_rule_ids=rules,
            time_zone_id="US/Eastern",
            trading_hours="",
            liquid_hours="",
        ).smart_rule_id

    assert rule("NYSE", (26, 557, 3)) == 557
    assert rule("IEX", (26, 557)) == 26
    assert rule("LSE", (26, 557, 3)) == 26
    assert rule("SMART", ()) is None


UP = ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP, farms={"usfarm": LinkState.UP})


@pytest.mark.parametrize(
    ("change", "may_enter"),
    [
        ({}, True),
        ({"socket": LinkState.DOWN}, False),
        ({"broker": LinkState.UNKNOWN}, False),
        ({"farms": {"usfarm": LinkState.UP, "ushmds": LinkState.DOWN}}, False),
        ({"farms": {"ushmds": LinkState.DOWN}, "harmless_farms": frozenset({"ushmds"})}, True),
        ({"farms": {"a": LinkState.DOWN, "b": LinkState.DOWN}, "harmless_farms": frozenset({"b"})}, False),
        ({"competing_session": True}, False),
        ({"stale_con_ids": frozenset({1})}, True),
    ],
)
def test_entries_need_every_layer_above_the_single_subscription(change, may_enter):
    """A layer that is down or unknown bars entries; one stale symbol bars only itself, elsewhere."""
    assert dataclasses.replace(UP, **change).may_enter is may_enter
