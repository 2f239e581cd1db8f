from pathlib import Path

import pytest

from momentum_kit.config import (
    DIRECTIONS,
    BrokerSettings,
    Config,
    Thresholds,
    departures,
    export_hash,
    judged_settings,
    load_config,
)
from momentum_kit.errors import ConfigError

MORE = {
    "exits.stop_atr": 7.5, "exits.stop_min_pct": 10.0, "exits.target_r": 5.0, "exits.time_stop_s": 4500.0,
    "exits.entry_cap_bps": 100.0, "exits.entry_timeout_s": 60.0, "exits.flat_before_close_s": 0.0,
    "risk.risk_per_order_usd": 1000.0, "risk.max_order_notional_usd": 100_000.0, "risk.max_order_shares": 200_000,
    "risk.max_symbol_notional_usd": None, "risk.max_total_notional_usd": 400_000.0, "risk.max_positions": 40,
    "risk.max_per_catalyst": None, "risk.max_orders_per_minute": 60, "risk.max_daily_loss_usd": 5000.0,
    "risk.max_symbol_loss_usd": None, "risk.max_losses_in_a_row": None, "risk.max_signal_age_s": 60.0,
    "risk.max_signal_drift_bps": 500.0, "risk.max_quote_age_s": 60.0, "risk.price_collar_pct": 30.0,
    "risk.cool_down_s": 0.0, "risk.no_entry_before_close_s": 0.0, "risk.no_entry_after_halt_s": 0.0,
    "detection.judge_until_s": 600.0, "detection.max_quote_age_s": 60.0, "detection.baseline_sessions": 40,
    "detection.min_baseline_sessions": 1, "news.max_age_s": 3600.0, "news.max_future_s": 60.0, "news.max_tickers": 30,
    "news.dedupe_h": 0.1, "news.symbol_master": "mine.csv", "news.reader.url": "http://127.0.0.1:9",
    "news.reader.model": "other", "news.bodies.enabled": True, "broker.commission_plan": "tiered", "calendar": "XLON",
    "exits.trail_r": 1.5,
}  # fmt: skip
"""Each setting that decides what is traded, as more, wider or other than it was judged with."""

FEWER = {
    "risk.max_order_notional_usd": 500.0, "risk.risk_per_order_usd": 10.0, "risk.max_positions": 1,
    "exits.time_stop_s": 300.0, "exits.entry_cap_bps": 10.0, "exits.flat_before_close_s": 900.0,
    "risk.cool_down_s": 3600.0, "detection.judge_until_s": 30.0, "news.max_tickers": 1, "exits.stop_atr": 1.0,
}  # fmt: skip


def judged(**changes) -> Config:
    """A session with the limits that research judged: all of them, none off."""
    limits = {"max_symbol_notional_usd": 5000, "max_per_catalyst": 2, "max_symbol_loss_usd": 50}
    return Config(environment="sim", risk=limits | {"max_losses_in_a_row": 3}, **changes)


def stamped(with_settings: dict) -> Thresholds:
    """Thresholds as research exports them."""
    content = {"name": "mine", "min_clv": 0.7, "export": {
        "exit_rule": "live", "first_day": "2026-01-05", "last_day": "2026-06-30", "code_version": "0.1.0+src.abc",
        "trials": 343, "dsr": 0.97, "pbo": None, "verdict": "accept", "signals_per_session": 3.5,
        "signals_per_session_low": 2.5, "signals_per_session_high": 4.5, "signals_dispersion": 1.2,
        "judged": with_settings, "hash": "",
    }}  # fmt: skip
    content["export"]["hash"] = export_hash(content)
    return Thresholds.model_validate(content)


def changed(config: Config, name: str, value: object) -> Config:
    """The configuration with one dotted setting changed, unchecked."""
    section, _, rest = name.partition(".")
    if not rest:
        return config.model_copy(update={section: value})
    inner = getattr(config, section)
    new = changed(inner, rest, value) if "." in rest else inner.model_copy(update={rest: value})
    return config.model_copy(update={section: new})


def test_every_setting_that_decides_is_tried():
    """The list of this test is that of the kit."""
    assert MORE.keys() == DIRECTIONS.keys()


@pytest.mark.parametrize("name", MORE)
def test_more_wider_or_other_than_judged_is_named(name):
    """With both values, and nothing else is named with it."""
    config = judged()
    config = config.model_copy(update={"thresholds": stamped(judged_settings(config))})
    assert departures(config) == ()
    (told,) = departures(changed(config, name, MORE[name]))
    assert told.startswith(f"{name} is ")
    assert f"judged with {DIRECTIONS[name]}" in told


@pytest.mark.parametrize("name", FEWER)
def test_smaller_tighter_and_fewer_is_free(name):
    """A person may always do less."""
    config = judged()
    config = config.model_copy(update={"thresholds": stamped(judged_settings(config))})
    assert departures(changed(config, name, FEWER[name])) == ()


def test_a_limit_that_was_off_may_be_set():
    """What was judged without a limit may be traded with one."""
    config = Config(environment="sim")
    config = config.model_copy(update={"thresholds": stamped(judged_settings(config))})
    assert departures(changed(config, "risk.max_per_catalyst", 1)) == ()


def test_thresholds_of_a_hand_are_judged_by_nobody():
    """They start no live session at all; others have nothing to depart from."""
    assert departures(Config(environment="sim")) == ()


def test_a_file_that_does_not_say_what_it_was_judged_with_departs():
    """Of an earlier version, or with a setting that is new."""
    config = Config(environment="sim", thresholds=stamped({}))
    assert departures(config) == (
        "the threshold file does not say with which exits, sizes and windows it was judged; export it again",
    )
    some = {name: value for name, value in judged_settings(config).items() if name != "exits.target_r"}
    (told,) = departures(config.model_copy(update={"thresholds": stamped(some)}))
    assert told.startswith("exits.target_r is 2, and nothing says")


def test_a_live_configuration_is_refused_by_name_and_a_paper_one_loads(tmp_path: Path):
    """Each departure stands in the one line."""
    thresholds = stamped(judged_settings(Config(environment="sim")))
    (tmp_path / "mine.yaml").write_text(thresholds.model_dump_json(exclude_unset=True))
    told = "detection: {thresholds: mine.yaml, thresholds_must_be_exported: true}\n"
    told += "exits: {time_stop_s: 4500}\nrisk: {max_order_notional_usd: 100000, max_positions: 2}\n"
    (tmp_path / "live.yaml").write_text(f"environment: live\nbroker: {{port: 4001, account_prefix: U}}\n{told}")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "live.yaml")
    words = str(caught.value)
    assert "exits.time_stop_s is 4500, judged with at most 900" in words
    assert "risk.max_order_notional_usd is 100000, judged with at most 10000" in words
    assert "max_positions" not in words
    assert "\n" not in words
    paper = f"environment: paper\nbroker: {{port: 4002, account_prefix: DU}}\n{told.replace('true', 'false')}"
    (tmp_path / "paper.yaml").write_text(paper)
    assert len(departures(load_config(tmp_path / "paper.yaml"))) == 2
    assert BrokerSettings().commission_plan == "fixed"


def test_a_strategy_from_before_trails_refuses_a_session_that_trails():
    """Its file does not name the setting: it was judged with a stop that stands still, and only that may trade."""
    config = judged()
    older = {name: value for name, value in judged_settings(config).items() if name != "exits.trail_r"}
    config = config.model_copy(update={"thresholds": stamped(older)})
    assert departures(config) == ()
    told = departures(changed(config, "exits.trail_r", 1.0))
    assert told == ("exits.trail_r is 1, judged with exactly off",)
