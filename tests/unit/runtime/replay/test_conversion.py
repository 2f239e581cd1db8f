from datetime import UTC, datetime
from decimal import Decimal

from momentum_kit.bridge import load_codes
from momentum_kit.models import Contract, OpenOrder, OrderAction, OrderRequest
from momentum_kit.runtime.replay.conversion import order_event, sim_order
from momentum_kit.simgateway.embedding import AAPL, Market, Scenario
from momentum_kit.simgateway.embedding import events as sim
from tests.helpers.trading_floor import PathSource, steady

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_a_trailing_stop_survives_the_way_to_the_simulated_broker_and_back():
    """Where it stands and by how much it trails, as over the wire; an echo that hides the amount has none."""
    scenario = Scenario()
    market = Market(scenario, PathSource(scenario.starts_at, {AAPL: steady(5.0, 10)}))
    request = OrderRequest(
        action=OrderAction.SELL, quantity=Decimal(10), order_type="TRAIL", stop_price=4.9, trailing_usd=0.05, tif="GTC"
    )
    order = sim_order(Contract("AAPL", AAPL.con_id), request, 17)
    told = order_event(sim.OpenOrderReport(order), market, NOW, load_codes())
    assert isinstance(told, OpenOrder)
    assert told.request == request
    order.amount_told, order.told_stop, order.stop_price = False, 4.8, 4.95
    told = order_event(sim.OpenOrderReport(order), market, NOW, load_codes())
    assert isinstance(told, OpenOrder)
    assert (told.request.stop_price, told.request.trailing_usd) == (4.8, None)
