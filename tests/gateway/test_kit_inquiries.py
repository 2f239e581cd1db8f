"""What a notebook asks through its kit: engine, control endpoint and gateway are the real ones."""

import asyncio
import math
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from momentum_kit import Kit
from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import BrokerError, InputError
from momentum_kit.models import (
    CommissionReport,
    Contract,
    Execution,
    MarketDataType,
    OrderAction,
    OrderPreview,
    OrderRequest,
)
from momentum_kit.runtime.sim import gateway_process

ROOT = Path(__file__).resolve().parent.parent.parent
SPEED = 20


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with the shipped configuration; market time runs twenty times as fast as the wall."""
    folder = tmp_path_factory.mktemp("asked")
    shutil.copytree(ROOT / "config", folder / "config")
    config = folder / "config" / "sim.yaml"
    config.write_text(config.read_text().replace("rate: 1 ", f"rate: {SPEED} "))
    return folder


@pytest.fixture(scope="module")
def port(project: Path) -> Iterator[int]:
    """A gateway in a process of its own, in protobuf."""
    arguments = ["--port", "0", "--scenario", "demo", "--seed", "3", "--speed", str(SPEED)]
    arguments += ["--server-version", "226"]
    with gateway_process(arguments, project / "gateway.err") as found:
        yield found


@pytest.fixture
async def kit(project: Path, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Kit]:
    """Attached to an engine that was never started: nothing trades."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(project)
    opened = await Kit.open(project / "config" / "sim.yaml", port=port, run_dir=tmp_path, in_process=True)
    yield opened
    await opened.stop()


async def test_the_market_is_asked(kit: Kit) -> None:
    """Scans, ticks, bars, hours and bulletins are tables with typed columns; a quote is a value."""
    gainers = await kit.scan("TOP_PERC_GAIN", rows=4)
    assert list(gainers["rank"]) == [0, 1, 2, 3]
    symbol = gainers["symbol"].iloc[0]
    assert "TOP_PERC_GAIN" in set((await kit.scan_codes())["code"])
    ticks = await kit.tick_by_tick("AAPL", "BidAsk", seconds=2)
    assert (ticks["ask"] >= ticks["bid"]).all()
    assert str(ticks.index.tz) == "UTC"
    bars = await kit.real_time_bars("AAPL", seconds=5)
    assert len(bars) >= 3
    assert set(bars.index.to_series().diff().dropna()) == {pd.Timedelta(seconds=5)}
    now = kit.status().market_time
    past = await kit.historical_ticks(symbol, end=now, count=10)
    assert len(past) >= 1
    assert past.index.max() <= now
    hours = await kit.schedule("AAPL", "5 D")
    assert (hours["closes"] > hours["opens"]).all()
    assert await kit.head_timestamp("AAPL") < datetime.now(UTC)
    assert (await kit.bulletins(seconds=3))["kind"].iloc[0] == 1
    quote = await kit.quote("AAPL")
    assert quote.data_type is MarketDataType.LIVE
    assert quote.ask >= quote.bid > 0
    assert (await kit.quote("AAPL", delayed=True)).bid > 0


async def test_the_account_is_asked(kit: Kit) -> None:
    """Values and profit of the session's account; nothing is ordered or executed, and tables say so."""
    profit = await kit.profit()
    assert profit.account == kit.status().account
    assert math.isfinite(profit.daily)
    values = await kit.account_values()
    assert "NetLiquidation" in set(values["tag"])
    for table in (await kit.valued_positions(), await kit.positions_by_account(), await kit.all_open_orders()):
        assert set(table["symbol"]) <= {"AAPL"}  # what another test may have bought by then
        assert {"symbol", "quantity"} <= set(table.columns)
    preview = await kit.what_if("AAPL", "BUY", 100, limit_price=200)
    assert isinstance(preview, OrderPreview)
    assert preview.margin_change > 0
    assert (await kit.all_open_orders()).empty
    assert kit.orders().empty
    assert (await kit.gateway_settings()).read_only is False


async def test_what_somebody_else_bought_is_seen_and_stays_apart(kit: Kit, port: int) -> None:
    """Executions come with their costs, holdings with their worth; the session's own record has none of it."""
    async with IBKRBridge(port=port, client_id=40) as other:
        (details,) = await other.fetch_contract_details(Contract("AAPL"))
        events = other.stream_order_events()
        order = OrderRequest(action=OrderAction.BUY, quantity=Decimal(20), order_type="MKT")
        await other.place_order(details.contract, order)
        shares, costless = Decimal(0), set[str]()
        async with asyncio.timeout(60):
            while shares < 20 or costless:
                match await anext(events):
                    case Execution() as execution:
                        shares += execution.shares
                        costless.add(execution.exec_id)
                    case CommissionReport() as report:
                        costless.discard(report.exec_id)
    executions = await kit.executions(days=2)
    assert executions["shares"].sum() >= 20
    assert (executions["commission"] > 0).all()
    assert (await kit.position_profit("AAPL")).quantity >= 20
    for table in (await kit.valued_positions(), await kit.positions_by_account()):
        assert table.set_index("symbol")["quantity"]["AAPL"] >= 20
    assert kit.fills().empty


async def test_what_cannot_be_asked_is_one_clear_line(kit: Kit) -> None:
    """Wrong words never reach the broker; its refusals arrive as what they are."""
    with pytest.raises(InputError, match="tick_by_tick: kind"):
        await kit.tick_by_tick("AAPL", "Lasst")
    with pytest.raises(InputError, match="what_if: quantity"):
        await kit.what_if("AAPL", "BUY", -5)
    with pytest.raises(InputError, match=r"what_if: .*lmt_price"):
        await kit.what_if("AAPL", "BUY", 5, lmt_price=3)
    with pytest.raises(InputError, match="seconds"):
        await kit.bulletins(seconds=3600)
    with pytest.raises(BrokerError, match="NOSUCH"):
        await kit.head_timestamp("NOSUCH")
    with pytest.raises(BrokerError, match="NOT_A_SCAN"):
        await kit.scan("NOT_A_SCAN")


async def test_every_inquiry_has_its_plain_twin(kit: Kit) -> None:
    """The twin waits where it is called: in plain code here; within a running loop it changes asyncio for good."""
    assert (await asyncio.to_thread(kit.profit_sync)).account == kit.status().account
    assert (await asyncio.to_thread(kit.scan_sync, "MOST_ACTIVE", rows=2))["rank"].tolist() == [0, 1]


async def test_a_session_tells_what_is_wrong_with_the_gateways_settings(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From server version 219 on they are read when a session starts: sizes in lots alarm, presets are an incident."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(project)
    ill = tmp_path / "ill.yaml"
    ill.write_text("universe: {small_caps: 0}\napi: {lots_for_us_stocks: true, bypass_order_precautions: false}\n")
    arguments = ["--port", "0", "--scenario", str(ill), "--speed", str(SPEED), "--server-version", "226"]
    with gateway_process(arguments, tmp_path / "gateway.err") as port:
        kit = await Kit.open(project / "config" / "sim.yaml", port=port, run_dir=tmp_path, in_process=True)
        await kit.start()
        async with asyncio.timeout(60):
            while len(told := [each for each in kit.status().incidents if "gateway setting" in str(each)]) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await kit.stop()
    assert any("lots" in str(each) for each in told)
    assert any("Precautions" in str(each) for each in told)
