"""Two engines that cannot see each other's locks: their orders say whose they are."""

from decimal import Decimal
from pathlib import Path

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.config import load_config, state_root
from momentum_kit.errors import GuardRefused
from momentum_kit.models import Contract, OrderAction, OrderRequest
from momentum_kit.runtime.ownership import owner_id
from momentum_kit.simgateway.embedding import AAPL
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import engine_of, market, project_folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    return project_folder(tmp_path, monkeypatch)


async def place(port: int, reference: str) -> None:
    """An order that rests far from the market, of a client that then goes away."""
    bridge = IBKRBridge("127.0.0.1", port, 71)
    await bridge.connect()
    contract = (await bridge.fetch_contract_details(Contract(AAPL.symbol)))[0].contract
    order = OrderRequest(
        action=OrderAction.BUY, quantity=Decimal(1), order_type="LMT", limit_price=1.0, tif="GTC", order_ref=reference
    )
    await bridge.place_order(contract, order)
    assert any(order.request.order_ref == reference for order in await bridge.fetch_open_orders())
    await bridge.disconnect()


async def test_a_start_is_refused_where_an_engine_elsewhere_has_orders(project: Path) -> None:
    """Its owner and ours are named; a person's own orders, and those of before there were owners, refuse nothing."""
    async with market(project) as gateway:
        config = configure(project, gateway.port)
        await place(gateway.port, "by hand")
        await place(gateway.port, "mk-9f8e7d6c5b4a39281706f5e4d3c2b1a0")
        async with engine_of(project, config) as engine:
            assert engine.status().account
        await place(gateway.port, "mk-c0ffee-9f8e7d6c5b4a39281706")
        own = owner_id(state_root(load_config(config).storage.state_dir))
        with pytest.raises(GuardRefused, match=f"owner c0ffee; this one is {own}"):
            async with engine_of(project, config):
                pytest.fail("it started")
