import math
from dataclasses import replace
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from momentum_kit.models.session import ConnectionHealth, EngineStatus, LinkState, PositionView, TradingState
from momentum_kit.runtime.endpoint import Metrics
from tests.helpers.journal_rows import partial_row

AT = datetime(2026, 11, 20, 15, tzinfo=UTC)
STATUS = EngineStatus(
    state=TradingState.RUNNING, reason="started", environment="sim", account="DU1", market_time=AT, started_at=AT,
    health=ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP, farms={"usfarm": LinkState.DOWN}),
    counts={"headlines": 3},
    skips={'a "quoted" reason': 2}, queues={"items": 4},
    positions=(PositionView(symbol="AAPL", con_id=1, quantity=100.0, average_price=10.0, last_price=11.0,
            unrealised_usd=100.0, stop_price=9.5, r=2.0, opened_at=AT),),
    realised_usd=5.0, unrealised_usd=100.0, costs_usd=1.5, run_dir="runs/x", pid=1,
    data_ages_s={"AAPL": 1.5, "MSFT": math.nan}, lags_s={"loop": 0.01},
)  # fmt: skip


def samples(metrics: Metrics, status: EngineStatus) -> dict[tuple[str, str], float]:
    """What Prometheus' own parser reads: (name, first label's value) to value."""
    families = text_string_to_metric_families(metrics.text(status).decode())
    return {
        (sample.name.removeprefix("momentum_kit_"), next(iter(sample.labels.values()), "")): sample.value
        for family in families
        for sample in family.samples
    }


def test_a_scrape_carries_the_whole_snapshot() -> None:
    """State, layers, counts, skips by reason, depths, lags, ages, positions and profit, in Prometheus' own syntax."""
    read = samples(Metrics(), STATUS)
    assert (read["state", "running"], read["state", "killed"]) == (1.0, 0.0)
    assert (read["layer_up", "gateway"], read["layer_up", "farms"]) == (1.0, 0.0)
    assert read["events_total", "headlines"] == 3
    assert read["skips_total", 'a "quoted" reason'] == 2
    assert read["queue_depth", "items"] == 4
    assert read["data_age_seconds", "AAPL"] == 1.5
    assert ("data_age_seconds", "MSFT") not in read  # nothing has ticked: no number
    assert read["position_unrealised_usd", "AAPL"] == 100.0
    assert (read["profit_usd", "realised"], read["profit_usd", "costs"]) == (5.0, -1.5)


def test_latencies_are_counted_over_the_session() -> None:
    """Rows with milliseconds become observations in seconds; rows without are none. Two engines share nothing."""
    metrics = Metrics()
    metrics.observe(partial_row("decisions", features_ms=1.0, rules_ms=0.2))
    metrics.observe(partial_row("orders", decide_to_sent_ms=None))
    metrics.observe(partial_row("executions", price=1.0))
    read = samples(metrics, STATUS)
    assert read["stage_seconds_count", "features"] == 1
    assert read["stage_seconds_sum", "features"] == 0.001
    assert ("stage_seconds_count", "decide_to_sent") not in read
    assert ("stage_seconds_count", "features") not in samples(Metrics(), STATUS)


def test_the_lights_of_the_connection() -> None:
    """Four layers from the socket outwards: the worst farm counts, and stale subscriptions out of those watched."""
    gateway, broker, farms, data = STATUS.layers
    assert [gateway.name, broker.name, farms.name, data.name] == ["gateway", "broker", "farms", "data"]
    assert (farms.state, farms.detail) == (LinkState.DOWN, "usfarm down")
    assert (data.state, data.age_s) == (LinkState.UP, 1.5)
    stale = replace(STATUS, health=replace(STATUS.health, farms={}, stale_con_ids=frozenset({1})))
    assert stale.layers[2].state is LinkState.UNKNOWN
    assert (stale.layers[3].state, stale.layers[3].detail) == (LinkState.DEGRADED, "2 watched, 1 stale")
    assert replace(stale, data_ages_s={"AAPL": 9.0}).layers[3].state is LinkState.DOWN
    assert replace(STATUS, data_ages_s={}).layers[3].state is LinkState.UNKNOWN
    robbed = replace(STATUS, health=replace(STATUS.health, competing_session=True))
    assert robbed.layers[3].state is LinkState.DOWN
    assert STATUS.net_usd == 103.5


def test_a_position_without_a_stop_is_told_as_unprotected() -> None:
    """By the stop that rests at the broker; what is not held is neither."""
    (held,) = STATUS.positions
    bare, gone = replace(held, symbol="BARE", stop_price=math.nan), replace(held, symbol="GONE", quantity=0.0)
    read = samples(Metrics(), replace(STATUS, positions=(held, bare, gone)))
    assert (read["position_protected", "AAPL"], read["position_protected", "BARE"]) == (1.0, 0.0)
    assert ("position_protected", "GONE") not in read


def test_a_layer_of_which_nothing_is_known_is_neither_up_nor_down() -> None:
    """Nothing is watched, and so no data can be down; the farm that is down is."""
    read = samples(Metrics(), replace(STATUS, data_ages_s={}))
    assert (read["layer_up", "data"], read["layer_down", "data"]) == (0.0, 0.0)
    assert (read["layer_up", "farms"], read["layer_down", "farms"]) == (0.0, 1.0)
