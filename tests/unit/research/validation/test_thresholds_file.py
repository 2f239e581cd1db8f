import dataclasses
import os
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from momentum_kit.config import Config, Thresholds, export_hash, judged_settings, load_config, load_thresholds
from momentum_kit.errors import ConfigError, GuardRefused, ResearchError, StorageError
from momentum_kit.research import code_version
from momentum_kit.research.events.outcomes import ExitRule
from momentum_kit.research.validation import (
    Evidence,
    JudgedWith,
    Verdict,
    export_thresholds,
    judge,
    judged_with,
    validate,
)
from momentum_kit.research.validation.thresholds_file import exported
from momentum_kit.trading import parse_costs

ROOT = Path(__file__).resolve().parents[4]
JUDGED = JudgedWith(
    settings=judged_settings(Config(environment="sim")), archive="sha256:data", costs_as_of=date(2025, 5, 14)
)
ACCEPT = Verdict(word="accept", why="every question was answered as it had to be", checks=(), power=0.9)


@pytest.fixture
def evidence(planted, swept) -> Evidence:
    """Evidence of a planted edge."""
    table = planted(events=3000, edge_bps=80, marks=("BARS 60 s",))
    return validate(swept(table), table, reps=200)


def test_an_exported_file_loads_in_live_and_says_where_it_comes_from(evidence, tmp_path):
    """Values, data range, code version, trial count, DSR, PBO and the rate come back, under a hash that holds."""
    file = export_thresholds(tmp_path / "thresholds", "shock_2025", evidence, ACCEPT, judged=JUDGED)
    loaded = load_thresholds(file)
    assert evidence.candidate is not None
    assert loaded.model_copy(update={"export": None, "name": "default"}) == evidence.candidate
    stamp = loaded.export
    assert stamp is not None
    assert (loaded.name, stamp.exit_rule, stamp.verdict) == ("shock_2025", evidence.exit_rule, "accept")
    assert (stamp.first_day, stamp.last_day) == (evidence.first_day, evidence.last_day)
    assert (stamp.code_version, stamp.trials, stamp.marks) == (code_version(), 150, ("BARS 60 s",))
    assert (stamp.dsr, stamp.pbo) == (evidence.sharpe.dsr, evidence.pbo.probability)
    assert stamp.signals_per_session_low < stamp.signals_per_session < stamp.signals_per_session_high
    (tmp_path / "live.yaml").write_text(
        "environment: live\nbroker: {port: 4001, account_prefix: U}\n"
        "detection: {thresholds: thresholds/shock_2025.yaml, thresholds_must_be_exported: true}\n"
    )
    assert load_config(tmp_path / "live.yaml").thresholds == loaded


def test_any_change_of_any_value_breaks_the_hash(evidence, tmp_path):
    """Every single line of the file but the hash itself is under the hash."""
    file = export_thresholds(tmp_path, "mine", evidence, ACCEPT, judged=JUDGED)
    content = yaml.safe_load(file.read_text())
    for section, values in ((content, dict(content)), (content["export"], dict(content["export"]))):
        for key, value in values.items():
            if key in ("export", "name", "exit_rule", "code_version", "verdict", "hash", "despite") or not value:
                continue
            if isinstance(value, dict):
                section[key] = value | {"exits.time_stop_s": 4500.0}
                file.write_text(yaml.safe_dump(content))
                with pytest.raises(ConfigError, match="changed since research exported"):
                    load_thresholds(file)
                section[key] = value
                continue
            nearby = value * 1.01 if isinstance(value, float) else value + 1 if isinstance(value, int) else value
            section[key] = (
                [*value, "x"]
                if isinstance(value, list)
                else value[:-1] + ("8" if value.endswith("9") else "9")
                if isinstance(value, str)
                else nearby
            )
            file.write_text(yaml.safe_dump(content))
            with pytest.raises(ConfigError, match=r"changed since research exported|min_price_usd exceeds|valid date"):
                load_thresholds(file)
            section[key] = value
    file.write_text(yaml.safe_dump(content))
    assert load_thresholds(file).export is not None


def test_what_was_not_accepted_needs_a_reason_that_stays_with_it(evidence, tmp_path):
    """Without a reason it is refused; with one, verdict and reason stand in the file."""
    refused = judge(dataclasses.replace(evidence, break_even=0.5, se_bps=5.0))
    assert refused.word == "refuse"
    with pytest.raises(GuardRefused, match="the verdict is refuse: how often can all costs rise"):
        export_thresholds(tmp_path, "mine", evidence, refused, judged=JUDGED)
    stamp = load_thresholds(
        export_thresholds(tmp_path, "mine", evidence, refused, despite="a paper trial", judged=JUDGED)
    ).export
    assert stamp is not None
    assert (stamp.verdict, stamp.despite) == ("refuse", "a paper trial")


@pytest.mark.parametrize("name", ["", "Mine", "../mine", "my file", ".hidden"])
def test_a_name_that_is_none_is_refused(evidence, tmp_path, name):
    """Names are plain: nothing leaves the folder."""
    with pytest.raises(ResearchError, match="is no name for a file"):
        export_thresholds(tmp_path, name, evidence, ACCEPT, judged=JUDGED)


def test_nothing_is_ever_replaced_and_nothing_is_left_half(evidence, tmp_path, monkeypatch):
    """A taken name is refused, also if somebody took it in between; a failed write leaves no file."""
    file = export_thresholds(tmp_path, "mine", evidence, ACCEPT, judged=JUDGED)
    before = file.read_bytes()
    with pytest.raises(ResearchError, match="exists already"):
        export_thresholds(tmp_path, "mine", evidence, ACCEPT, judged=JUDGED)
    assert file.read_bytes() == before
    (tmp_path / "blocked").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="export"):
        export_thresholds(tmp_path / "blocked" / "in", "other", evidence, ACCEPT, judged=JUDGED)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StorageError, match="No space left"):
        export_thresholds(tmp_path, "other", evidence, ACCEPT, judged=JUDGED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["blocked", "ledger.db", "mine.yaml"]


def test_without_a_candidate_there_is_nothing_to_export(evidence, tmp_path):
    """No plateau, no file."""
    with pytest.raises(ResearchError, match="no candidate"):
        export_thresholds(tmp_path, "mine", dataclasses.replace(evidence, candidate=None), ACCEPT, judged=JUDGED)


limits = st.floats(1e-9, 100)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(z=limits, share=limits, clv=st.floats(-1, 1), usd=st.floats(1e-9, 1e9))
def test_the_hash_survives_yaml_for_any_number(evidence, tmp_path, z, share, clv, usd):
    """Floats of any size are written so that they come back to the bit."""
    candidate = Thresholds(min_z_tod=z, max_spread_share=share, min_clv=clv, min_dollar_volume_60s_usd=usd)
    content = exported("any", candidate, evidence, ACCEPT, judged=JUDGED)
    assert content["export"]["hash"] == export_hash(content)
    file = tmp_path / "any.yaml"
    file.write_text(yaml.safe_dump(content))
    loaded = load_thresholds(file)
    assert (loaded.min_z_tod, loaded.min_dollar_volume_60s_usd) == (z, usd)


@pytest.mark.parametrize(
    ("change", "words"), [({"trail_r": 1.0}, "trails its stop"), ({"target_r": None}, "no target")]
)
def test_an_exit_that_no_session_executes_is_not_exported(change, words):
    """What was judged with it would not be what trades."""
    rule = dataclasses.asdict(ExitRule(name="mine")) | change
    config, costs = Config(environment="sim"), parse_costs(yaml.safe_load((ROOT / "config" / "costs.yaml").read_text()))
    with pytest.raises(ResearchError, match=f"exit rule mine .*{words}"):
        judged_with(config, rule, costs, "sha256:data", date(2026, 6, 30))


def test_the_exit_rule_that_was_judged_stands_in_the_place_of_the_session_s():
    """And the costs are dated by the newest entry that the data reach."""
    costs = parse_costs(yaml.safe_load((ROOT / "config" / "costs.yaml").read_text()))
    rule = dataclasses.asdict(ExitRule(name="quick", time_stop_s=120, stop_atr=1.0))
    known = judged_with(Config(environment="sim"), rule, costs, "sha256:data", date(2026, 6, 30))
    assert (known.settings["exits.time_stop_s"], known.settings["exits.stop_atr"]) == (120, 1.0)
    assert known.settings["risk.max_order_notional_usd"] == 10_000
    assert known.costs_as_of == date(2026, 4, 4)
