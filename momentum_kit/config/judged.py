"""What a strategy was judged with, as settings by name, and where a session departs from it: what was judged trades.

A live session may trade smaller, tighter and fewer than research judged, never more, wider or other: each setting that
decides what is traded has a direction here, and a departure is named with both values.
"""

from collections.abc import Mapping
from typing import Any, Literal

from momentum_kit.config.settings import Config

Direction = Literal["at most", "at least", "exactly"]

AT_MOST = (
    "exits.stop_atr", "exits.stop_min_pct", "exits.target_r", "exits.time_stop_s", "exits.entry_cap_bps",
    "exits.entry_timeout_s", "risk.risk_per_order_usd", "risk.max_order_notional_usd", "risk.max_order_shares",
    "risk.max_symbol_notional_usd", "risk.max_total_notional_usd", "risk.max_positions", "risk.max_per_catalyst",
    "risk.max_orders_per_minute", "risk.max_daily_loss_usd", "risk.max_symbol_loss_usd", "risk.max_losses_in_a_row",
    "risk.max_signal_age_s", "risk.max_signal_drift_bps", "risk.max_quote_age_s", "risk.price_collar_pct",
    "detection.judge_until_s", "detection.max_quote_age_s", "news.max_age_s", "news.max_future_s", "news.max_tickers",
)  # fmt: skip
"""More of it is a bigger or a wider trade, or more of them; none is without limit."""

AT_LEAST = (
    "exits.flat_before_close_s", "risk.cool_down_s", "risk.no_entry_before_close_s", "risk.no_entry_after_halt_s",
    "detection.min_baseline_sessions", "news.dedupe_h",
)  # fmt: skip
"""Less of it is more trades, or later ones."""

EXACTLY = (
    "exits.trail_r", "detection.baseline_sessions", "news.symbol_master", "news.reader.url", "news.reader.model",
    "news.bodies.enabled", "broker.commission_plan", "calendar",
)  # fmt: skip
"""Another one is another strategy: what its stop does, baseline, reading, costs, market."""

SINCE: Mapping[str, Any] = {"exits.trail_r": None}
"""Settings that came after files had been exported, with what those were judged with: nothing else was there."""

DIRECTIONS: Mapping[str, Direction] = {
    **dict.fromkeys(AT_MOST, "at most"),
    **dict.fromkeys(AT_LEAST, "at least"),
    **dict.fromkeys(EXACTLY, "exactly"),
}


def judged_settings(config: Config) -> dict[str, Any]:
    """The settings that decide what is traded, by their dotted names."""
    return {name: _value(config, name) for name in DIRECTIONS}


def departures(config: Config) -> tuple[str, ...]:
    """Where a configuration trades more, wider or other than its thresholds were judged with, one line each.

    Nothing for thresholds that research did not export; one line for a file that does not say what it was judged with.
    """
    export = config.thresholds.export
    if export is None:
        return ()
    if not export.judged:
        return ("the threshold file does not say with which exits, sizes and windows it was judged; export it again",)
    now, judged = judged_settings(config), {**SINCE, **export.judged}
    told = []
    for name, direction in DIRECTIONS.items():
        if name not in judged:
            told.append(f"{name} is {_word(now[name])}, and nothing says what it was when it was judged; export again")
        elif not _within(now[name], judged[name], direction):
            told.append(f"{name} is {_word(now[name])}, judged with {direction} {_word(judged[name])}")
    return tuple(told)


def _within(now: Any, judged: Any, direction: Direction) -> bool:
    if direction == "exactly":
        return bool(now == judged)
    if direction == "at least":
        return bool(now >= judged)
    return judged is None or (now is not None and now <= judged)


def _value(config: Config, name: str) -> Any:
    found: Any = config
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _word(value: Any) -> str:
    return "off" if value is None else repr(value) if isinstance(value, str) else f"{value:g}"
