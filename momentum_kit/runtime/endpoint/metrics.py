"""/metrics of the control endpoint: the status snapshot and the stages' latencies in Prometheus' words."""

import math
from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from momentum_kit.models import (
    DecisionRow,
    EngineStatus,
    HeadlineRow,
    JournalRow,
    LinkState,
    OrderRow,
    TradingState,
)
from momentum_kit.plain_text import plain_text

NAME = "momentum_kit_"
BUCKETS_S = (0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """A registry of its own: nothing of the process, nothing of another engine in it."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            f"{NAME}stage_seconds", "Wall time of a stage.", ["stage"], registry=self._registry, buckets=BUCKETS_S
        )

    def observe(self, row: JournalRow) -> None:
        """Take the milliseconds of one journal row."""
        for stage, milliseconds in _stages_ms(row).items():
            if milliseconds is not None:
                self._latency.labels(stage).observe(milliseconds / 1e3)

    def text(self, status: EngineStatus) -> bytes:
        """The exposition: latencies since the start, everything else as of `status`."""
        return generate_latest(self._registry) + snapshot_text(status)


def snapshot_text(status: EngineStatus) -> bytes:
    """The exposition of one snapshot alone."""
    snapshot = CollectorRegistry()
    snapshot.register(_Snapshot(status))
    return generate_latest(snapshot)


def _stages_ms(row: JournalRow) -> dict[str, float | None]:
    """The wall milliseconds that a row carries, by stage."""
    match row:
        case HeadlineRow():
            return {"parse": row.parse_ms, "resolve": row.resolve_ms}
        case DecisionRow():
            return {"features": row.features_ms, "rules": row.rules_ms}
        case OrderRow():
            return {"decide_to_sent": row.decide_to_sent_ms}
        case _:
            return {}


class _Snapshot(Collector):
    """One status as metric families."""

    def __init__(self, status: EngineStatus) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        status = self._status
        yield _gauges("state", "1 for the state that the session is in.", "state", {
            str(each): float(each is status.state) for each in TradingState
        })  # fmt: skip
        yield _gauges("layer_up", "1 where a layer of the connection is up.", "layer", {
            layer.name: float(layer.state is LinkState.UP) for layer in status.layers
        })  # fmt: skip
        yield _gauges("layer_down", "1 where it is known to be down; where nothing is known, it is neither.", "layer", {
            layer.name: float(layer.state is LinkState.DOWN) for layer in status.layers
        })  # fmt: skip
        yield _counters("events", "What the services counted since the start.", "event", status.counts)
        yield _counters("skips", "News items without a signal, by their final reason.", "reason", status.skips)
        yield _gauges("queue_depth", "Items that wait in a named queue.", "queue", status.queues)
        yield _gauges("lag_seconds", "Delay of the event loop, and wall time since the last beat.", "of", status.lags_s)
        yield _gauges("data_age_seconds", "Since a watched symbol last ticked.", "symbol", status.data_ages_s)
        yield _gauges("position_shares", "Shares held.", "symbol", {
            view.symbol: view.quantity for view in status.positions
        })  # fmt: skip
        yield _gauges("position_protected", "1 where a stop rests at the broker.", "symbol", {
            view.symbol: float(not math.isnan(view.stop_price)) for view in status.positions if view.quantity
        })  # fmt: skip
        yield _gauges("exit_waits_seconds", "Market time for which an exit waits; account for the whole.", "symbol", {
            wait.symbol or "account": wait.seconds for wait in status.waits
        })  # fmt: skip
        yield _gauges("position_unrealised_usd", "Open profit.", "symbol", {
            view.symbol: view.unrealised_usd for view in status.positions
        })  # fmt: skip
        yield _gauges("profit_usd", "Profit of the session; costs are negative.", "part", {
            "realised": status.realised_usd, "unrealised": status.unrealised_usd, "costs": -status.costs_usd,
        })  # fmt: skip
        yield _gauges("message_age_seconds", "Since the gateway last said anything.", "of", {
            "gateway": status.message_age_s
        })  # fmt: skip
        yield _gauges("market_time_seconds", "Market time of the session, in epoch seconds.", "of", {
            "clock": status.market_time.timestamp()
        })  # fmt: skip


def _gauges(name: str, words: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(NAME + name, words, labels=[label])
    for key, value in values.items():
        if not math.isnan(value):
            family.add_metric([plain_text(key)], value)
    return family


def _counters(name: str, words: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(NAME + name, words, labels=[label])
    for key, value in values.items():
        family.add_metric([plain_text(key)], value)
    return family
