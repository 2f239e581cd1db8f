import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pdoc.doc_ast import walk_tree
from pydantic import ValidationError

from momentum_kit.config import (
    BrokerSettings,
    Config,
    RiskSettings,
    Settings,
    Thresholds,
    export_hash,
    find_project,
    judged_settings,
    load_config,
    load_thresholds,
)
from momentum_kit.errors import ConfigError

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config folder with a base, a sim file and default thresholds."""
    (tmp_path / "thresholds").mkdir()
    (tmp_path / "thresholds" / "default.yaml").write_text("name: default\nmin_rvol_bar: 6\n")
    (tmp_path / "base.yaml").write_text("risk:\n  max_positions: 3\nbroker:\n  client_id: 21\n")
    (tmp_path / "sim.yaml").write_text("environment: sim\nbroker:\n  port: 4102\n")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    """sim.yaml with this content."""
    file = folder / "sim.yaml"
    file.write_text(text)
    return file


def test_a_file_lies_on_top_of_base_and_the_thresholds_beside_it(folder):
    """base.yaml, the file and the threshold file are merged key by key, the rest are defaults."""
    config = load_config(folder / "sim.yaml")
    assert config.broker.port == 4102
    assert config.broker.client_id == 21
    assert config.risk.max_positions == 3
    assert config.thresholds.min_rvol_bar == 6
    assert config.exits.target_r == 2


def test_overrides_reach_any_depth_and_win(folder):
    """A dotted override replaces one key and leaves its neighbours alone."""
    overrides = {"broker.port": 5000, "news.reader.deadline_s": "0.5", "thresholds.min_clv": 0.7, "calendar": "XLON"}
    config = load_config(folder / "sim.yaml", overrides)
    assert (config.broker.port, config.broker.client_id) == (5000, 21)
    assert config.news.reader.deadline_s == 0.5
    assert (config.thresholds.min_clv, config.thresholds.min_rvol_bar) == (0.7, 6)
    assert config.calendar == "XLON"


def test_thresholds_can_be_chosen_and_adjusted_in_the_file(folder):
    """detection.thresholds names the file, a thresholds section adjusts single limits on top of it."""
    (folder / "thresholds" / "large_cap.yaml").write_text("name: large_cap\nmax_price_usd: 5000\nmin_price_usd: 5\n")
    file = write(
        folder,
        "environment: sim\ndetection:\n  thresholds: thresholds/large_cap.yaml\nthresholds:\n  min_price_usd: 10\n",
    )
    thresholds = load_config(file).thresholds
    assert (thresholds.name, thresholds.max_price_usd, thresholds.min_price_usd) == ("large_cap", 5000, 10)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environment: sim\nbrokr:\n  port: 1\n", "sim.yaml: unknown key brokr; did you mean broker?"),
        ("environment: sim\nbroker:\n  prt: 1\n", "sim.yaml: unknown key broker.prt; did you mean port?"),
        (
            "environment: sim\nnews:\n  reader:\n    dead_line: 1\n",
            "sim.yaml: unknown key news.reader.dead_line; did you mean deadline_s?",
        ),
        ("environment: sim\nbroker:\n  port: four\n", "sim.yaml: broker.port: Input should be a valid integer"),
        ("environment: sim\nbroker:\n  port:\n", "sim.yaml: broker.port: Input should be a valid integer"),
        ("environment: sim\nbroker: 4002\n", "sim.yaml: broker: Input should be a valid dictionary"),
        ("environment: sim\nthresholds: tight\n", "sim.yaml: thresholds: Input should be a valid dictionary"),
        ("environment: sim\ndetection: fast\n", "sim.yaml: detection: Input should be a valid dictionary"),
        ("environment: sim\nrisk:\n  max_positions: 0\n", "sim.yaml: risk.max_positions: Input should be greater than"),
        (
            "environment: sim\nrisk:\n  max_order_notional_usd: .inf\n",
            "sim.yaml: risk.max_order_notional_usd: Input should be a finite number",
        ),
        ("environment: test\n", "sim.yaml: environment: Input should be 'sim', 'paper' or 'live'"),
        ("news:\n  max_tickers: 3\n", "sim.yaml: environment: Field required"),
        (
            "environment: sim\nnews:\n  watch_symbols: [IBM, ON]\n",  # YAML reads a bare ON as true
            "sim.yaml: news.watch_symbols.1: Input should be a valid string",
        ),
        (
            "environment: sim\ndetection:\n  thresholds: thresholds/none.yaml\n",
            "sim.yaml: detection.thresholds: no such file",
        ),
        (
            "environment: sim\ndetection:\n  baseline_sessions: 5\n",
            "sim.yaml: detection: min_baseline_sessions exceeds baseline_sessions",
        ),
        (
            "environment: sim\ndetection:\n  judge_until_s: 1000\n",
            "sim.yaml: detection: judge_until_s exceeds observe_until_s",
        ),
        (
            "environment: sim\nthresholds:\n  min_price_usd: 50\n",
            "sim.yaml: thresholds: min_price_usd exceeds max_price_usd",
        ),
        ("- environment\n- sim\n", "sim.yaml: expected sections, found list"),
        ("environment: sim\nbroker:\n\tport: 1\n", "sim.yaml line 3: not valid YAML: "),
        (
            "environment: sim\nrisk: {}\nbroker: {}\nrisk: {}\n",
            "sim.yaml line 4: not valid YAML: key risk is given twice",
        ),
        ("environment: s\x00im\n", "sim.yaml: not valid YAML: "),
    ],
)
def test_bad_input_is_one_line_with_file_key_and_remedy(folder, text, expected):
    """Each mistake in a file is a ConfigError of one line that names the file and the key or line."""
    with pytest.raises(ConfigError) as caught:
        load_config(write(folder, text))
    assert expected in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_error_names_the_file_that_holds_the_mistake(folder):
    """A mistake in base.yaml, in the threshold file or in an override is blamed on it, not on the file above."""
    (folder / "base.yaml").write_text("risk:\n  max_position: 3\n")
    with pytest.raises(ConfigError, match=r"base\.yaml: unknown key risk\.max_position; did you mean max_positions\?"):
        load_config(folder / "sim.yaml")
    (folder / "base.yaml").write_text("")
    with pytest.raises(ConfigError, match=r"^override: unknown key broker\.hots; did you mean host\?"):
        load_config(folder / "sim.yaml", {"broker.hots": "localhost"})
    (folder / "thresholds" / "default.yaml").write_text("min_clw: 0.5\n")
    with pytest.raises(ConfigError, match=r"default\.yaml: unknown key min_clw; did you mean min_clv\?"):
        load_config(folder / "sim.yaml")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("thresholds.min_ret_60s", 3, "less than or equal to 1, not 3"),  # meant: 3%
        ("thresholds.min_clv", 60, "less than or equal to 1, not 60"),
        ("thresholds.max_price_usd", 0, "greater than 0, not 0"),
        ("thresholds.max_spread_bps", 1e6, "less than or equal to 10000, not 1000000"),
        ("risk.risk_per_order_usd", 1e9, "less than or equal to 1000000, not 1000000000"),
        ("risk.max_positions", 5_000, "less than or equal to 1000, not 5000"),
        ("risk.max_signal_age_s", 0, "greater than 0, not 0"),
        ("risk.max_signal_age_s", 3_600, "less than or equal to 120, not 3600"),
        ("risk.price_collar_pct", 300, "less than or equal to 50, not 300"),
        ("exits.stop_min_pct", 100, "less than 100, not 100"),
        ("exits.entry_cap_bps", 5_000, "less than or equal to 1000, not 5000"),
        ("exits.time_stop_s", 1e9, "less than or equal to 604800, not 1000000000"),
    ],
)
def test_an_absurd_limit_is_named_with_its_value_and_its_bound(folder, key, value, words):
    """In a file, in an override and in a call alike: the setting, what it was, and what it may be."""
    section, name = key.split(".")
    with pytest.raises(ConfigError, match=rf"^override: {key}: Input should be {words}") as caught:
        load_config(folder / "sim.yaml", {key: value})
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match=rf"sim\.yaml: {key}: Input should be {words}"):
        load_config(write(folder, f"environment: sim\n{section}:\n  {name}: {value!r}\n"))
    with pytest.raises(ValidationError, match=name):
        Config.model_fields[section].annotation(**{name: value})


def test_an_override_below_a_single_value_is_refused(folder):
    """An override that reaches into something that is not a section says which key it is."""
    with pytest.raises(ConfigError, match=r"^override: calendar: Input should be a valid string"):
        load_config(folder / "sim.yaml", {"calendar.code": "XNYS"})


def test_an_empty_section_changes_nothing(folder):
    """A section with every key commented out keeps what lies below it."""
    config = load_config(write(folder, "environment: sim\nrisk:\nexits:\nthresholds:\n"))
    assert config.risk == RiskSettings(max_positions=3)
    assert config.thresholds.min_rvol_bar == 6


def test_a_missing_or_unreadable_file_is_one_line(folder):
    """A file that does not exist, or is not UTF-8, is named with the remedy."""
    with pytest.raises(ConfigError, match=r"no such config file: .*none\.yaml; momentum-kit init DIR"):
        load_config(folder / "none.yaml")
    with pytest.raises(ConfigError, match=r"no such config file: config/none\.yaml"):
        load_config("config/none.yaml")
    (folder / "sim.yaml").write_bytes(b"environment: sim\ncalendar: \xff\n")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 27"):
        load_config(folder / "sim.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("environment: paper\nbroker:\n  port: 4001\n", "4001 is a live port, but environment is paper"),
        ("environment: sim\nbroker:\n  port: 7496\n", "7496 is a live port, but environment is sim"),
        (
            "environment: live\nbroker:\n  port: 4002\n  account_prefix: U\n",
            "4002 is a paper port, but environment is live",
        ),
        ("environment: paper\nbroker:\n  account_prefix: U\n", "account_prefix 'U' contradicts environment paper"),
        ("environment: paper\nbroker:\n  account_prefix: ''\n", "account_prefix '' contradicts environment paper"),
        ("environment: live\nbroker:\n  port: 4001\n", "account_prefix 'DU' contradicts environment live"),
        ("environment: paper\nbroker:\n  account: U1234567\n", "account U1234567 does not start with DU"),
        (
            "environment: live\nbroker:\n  port: 4001\n  account_prefix: U\nclock:\n  kind: stepped\n",
            "clock.kind must be wall in the live environment",
        ),
    ],
)
def test_an_environment_that_contradicts_its_address_is_refused(folder, text, expected):
    """Port, account and clock must fit the environment, so that paper never reaches a live account."""
    with pytest.raises(ConfigError, match=r"sim\.yaml: ") as caught:
        load_config(write(folder, text))
    assert expected in str(caught.value)


def test_a_relative_path_is_found_upwards_from_the_working_folder(folder, monkeypatch):
    """A notebook in a subfolder finds config/sim.yaml of its project."""
    project = folder / "project"
    notebooks = project / "notebooks"
    notebooks.mkdir(parents=True)
    (folder / "thresholds").rename(project / "thresholds")
    config = project / "config"
    config.mkdir()
    for name in ("base.yaml", "sim.yaml"):
        (folder / name).rename(config / name)
    (project / "thresholds").rename(config / "thresholds")
    monkeypatch.chdir(notebooks)
    assert load_config("config/sim.yaml").broker.port == 4102
    assert find_project() == project


def test_a_folder_without_a_project_says_what_to_run(tmp_path):
    """Where no config/base.yaml stands above, the remedy is momentum-kit init."""
    with pytest.raises(ConfigError, match="momentum-kit init DIR"):
        find_project(tmp_path)


def test_a_project_is_found_from_a_folder_that_is_not_there(tmp_path):
    """A path that is looked for upwards, such as a notebook's config/demo.yaml, may begin where no folder is."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "base.yaml").write_text("")
    assert find_project(tmp_path / "notebooks" / "config") == tmp_path


def test_a_threshold_file_can_be_read_alone(folder):
    """Research reads thresholds without a session's config, with the same errors."""
    assert load_thresholds(folder / "thresholds" / "default.yaml") == Thresholds(min_rvol_bar=6)
    (folder / "tight.yaml").write_text("max_spread: 10\n")
    with pytest.raises(ConfigError, match=r"tight\.yaml: unknown key max_spread; did you mean max_spread_bps\?"):
        load_thresholds(folder / "tight.yaml")


STAMP = """export:
  exit_rule: bracket
  first_day: 2026-01-05
  last_day: 2026-06-30
  code_version: 0.1.0+src.abc
  trials: 343
  dsr: 0.97
  pbo:
  verdict: accept
  signals_per_session: 3.5
  signals_per_session_low: 2.5
  signals_per_session_high: 4.5
  signals_dispersion: 1.2
  judged: {}
  hash: {}
"""
LIVE = (
    "environment: live\nbroker:\n  port: 4001\n  account_prefix: U\n"
    "detection:\n  thresholds: thresholds/mine.yaml\n  thresholds_must_be_exported: true\n"
)


def exported(folder: Path, limits: str = "name: mine\nmin_rvol_bar: 7\nmin_clv: 0.7\n") -> Path:
    """thresholds/mine.yaml as research exports it, with a hash that holds."""
    file = folder / "thresholds" / "mine.yaml"
    judged = json.dumps(judged_settings(Config(environment="sim")))
    plain = yaml.safe_load(limits + STAMP.format(judged, "none"))
    plain["export"] |= {key: str(plain["export"][key]) for key in ("first_day", "last_day")}
    for key in ("min_rvol_bar", "min_clv"):
        plain[key] = float(plain[key])
    file.write_text(limits + STAMP.format(judged, export_hash(plain)))
    return file


def test_a_live_session_loads_exported_thresholds(folder):
    """With a hash that holds the limits are those of the file; layout and comments may change."""
    file = exported(folder)
    thresholds = load_config(write(folder, LIVE)).thresholds
    assert (thresholds.min_rvol_bar, thresholds.min_ret_60s) == (7, 0.03)
    assert thresholds.export is not None
    assert thresholds.export.signals_per_session == 3.5
    file.write_text("# a note\n" + file.read_text().replace("min_rvol_bar: 7\n", "min_rvol_bar:    7.0\n"))
    assert load_thresholds(file) == thresholds


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("min_rvol_bar: 7", "min_rvol_bar: 6.99"),
        ("min_clv: 0.7\n", ""),
        ("min_clv: 0.7\n", "min_clv: 0.7\nmin_z_tod: 3\n"),
        ("verdict: accept", "verdict: refuse"),
        ("trials: 343", "trials: 1"),
        ("last_day: 2026-06-30", "last_day: 2026-07-30"),
    ],
)
def test_thresholds_that_were_changed_after_their_export_are_refused_everywhere(folder, old, new):
    """A changed, missing or added limit, and a changed claim about them, break the hash: one line, exit 2."""
    file = exported(folder)
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    for load in (lambda: load_thresholds(file), lambda: load_config(write(folder, LIVE))):
        with pytest.raises(ConfigError, match=r"mine\.yaml: changed since research exported them") as caught:
            load()
        assert "\n" not in str(caught.value)
        assert caught.value.exit_status == 2


@pytest.mark.parametrize("overrides", [{"thresholds.min_rvol_bar": 6}, {"thresholds.min_ret_60s": 0.01}])
def test_an_override_cannot_slip_under_the_hash(folder, overrides):
    """What is laid over an exported file breaks its hash as well, and the override is named."""
    exported(folder)
    with pytest.raises(ConfigError, match=r"^override: thresholds: changed since research exported them"):
        load_config(write(folder, LIVE), overrides)
    file = write(folder, LIVE + "thresholds:\n  min_clv: 0.1\n")
    with pytest.raises(ConfigError, match=r"sim\.yaml: thresholds: changed since research exported them"):
        load_config(file)


def test_without_an_export_a_strict_environment_starts_nothing(folder):
    """A plain file, and one whose stamp was taken away, are refused with the remedy."""
    file = exported(folder)
    file.write_text(file.read_text().partition("export:")[0])
    with pytest.raises(ConfigError, match=r"thresholds/mine\.yaml was not exported .* momentum-kit research export"):
        load_config(write(folder, LIVE))


def test_no_threshold_file_stands_in_the_way_of_a_kill(folder):
    """Whoever only looks for the account gets it, however broken the thresholds are."""
    file = write(folder, LIVE + "thresholds:\n  min_clv: 0.1\n")
    for content in ("min_clw: 1\n", "{", exported(folder).read_text().replace("7", "6")):
        (folder / "thresholds" / "mine.yaml").write_text(content)
        assert load_config(file, {"broker.port": 7496}, with_thresholds=False).owner_key == "live-127.0.0.1-7496"
    (folder / "thresholds" / "mine.yaml").unlink()
    assert load_config(file, with_thresholds=False).broker.port == 4001


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "::1", "[::1]", "127.0.1.1"])
def test_one_gateway_has_one_owner_whatever_its_address_is_called(host):
    """Every name of this machine's loopback is one address; another machine's is another."""
    here = Config(environment="paper", broker=BrokerSettings(host=host))
    assert here.owner_key == "paper-127.0.0.1-4002"
    there = Config(environment="paper", broker=BrokerSettings(host="Trading-Box"))
    assert there.owner_key == "paper-trading-box-4002"


def test_a_command_to_copy_names_file_and_port(folder, monkeypatch):
    """The file whole, since a terminal stands elsewhere; the port where it is not the file's own."""
    file = write(folder, "environment: sim\n")
    monkeypatch.chdir(folder)
    assert load_config(file.name).command("kill") == f"momentum-kit kill --config {file}"
    given = load_config(file, {"broker.port": 4999}, with_thresholds=False)
    assert given.command("arm --account U1") == f"momentum-kit arm --account U1 --config {file} --port 4999"


def test_a_shared_state_folder_means_the_same_to_everybody(folder):
    """A relative one would be another in every project."""
    with pytest.raises(ConfigError, match=r"storage: .*state_dir shared is no absolute path"):
        load_config(write(folder, "environment: sim\nstorage:\n  state_dir: shared\n"))


def test_settings_are_frozen():
    """Nothing can change a setting under a running session."""
    with pytest.raises(ValidationError, match="frozen"):
        BrokerSettings().port = 4001


@given(st.dictionaries(st.text(min_size=1, max_size=12), st.integers() | st.text(max_size=5) | st.none(), max_size=4))
def test_no_content_escapes_as_anything_but_a_config_error(tmp_path_factory, content):
    """Whatever stands in a file, loading it gives a Config or a ConfigError."""
    folder = tmp_path_factory.mktemp("config")
    (folder / "thresholds").mkdir()
    (folder / "thresholds" / "default.yaml").write_text("")
    file = folder / "any.yaml"
    file.write_text(yaml.safe_dump({"environment": "sim", **content}, allow_unicode=True), encoding="utf-8")
    try:
        assert isinstance(load_config(file), Config)
    except ConfigError as error:
        assert str(error).startswith(str(file))


@pytest.mark.parametrize("name", ["sim", "paper"])
def test_the_shipped_configs_load_and_say_what_they_are(name):
    """The configs of sim and paper load, and each names its own environment."""
    assert load_config(PROJECT / "config" / f"{name}.yaml").environment == name


def test_the_shipped_live_config_waits_for_exported_thresholds():
    """The live config refuses the thresholds that come with the project, but a kill finds its account all the same."""
    with pytest.raises(ConfigError, match=r"live\.yaml: detection\.thresholds: .* was not exported by research"):
        load_config(PROJECT / "config" / "live.yaml")
    assert load_config(PROJECT / "config" / "live.yaml", with_thresholds=False).environment == "live"


def test_the_shipped_base_lists_every_setting_with_its_default_and_a_comment():
    """base.yaml is complete documentation: every key but the environment's own, at its default, explained."""
    file = PROJECT / "config" / "base.yaml"
    content = yaml.safe_load(file.read_text())
    plain = Config(environment="sim").model_dump(mode="json", exclude={"environment", "thresholds"})
    for key in ("port", "account_prefix"):
        del plain["broker"][key]
    assert content == plain
    settings = [line for line in file.read_text().splitlines() if ": " in line and not line.lstrip().startswith("#")]
    assert [line for line in settings if "#" not in line] == []


UNITLESS = {
    "margin_rate",
    "port",
    "client_id",
    "market_data_lines",
    "rate",
    "max_tickers",
    "workers",
    "baseline_sessions",
    "min_baseline_sessions",
    "max_positions",
    "max_orders_per_minute",
    "max_articles_per_hour",
    "max_requests_per_hour",
    "stop_atr",
    "target_r",
    "log_backups",
    "min_ret_60s",
    "min_ret_300s",
    "min_ret_news",
    "max_extension",
    "min_z_tod",
    "min_rvol_bar",
    "min_rvol_cum",
    "min_trades_60s",
    "max_spread_share",
    "min_clv",
}  # fmt: skip - counts, identifiers, ratios and multiples named in their own unit (ATR, R)
UNITS = ("_s", "_h", "_shares", "_usd", "_bps", "_pct", "_mb", "_per_s")


def sections(root: type[Settings] = Config) -> list[type[Settings]]:
    """Every settings class that can stand in a config file."""
    found = [root]
    for field in root.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Settings):
            found += sections(field.annotation)
    return found


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_every_setting_is_explained_and_has_its_unit(section):
    """A setting without a docstring, a number whose name lacks its unit, a limit without bounds: there is none."""
    explained = walk_tree(section).var_docstrings
    for name, field in section.model_fields.items():
        is_section = isinstance(field.annotation, type) and issubclass(field.annotation, Settings)
        assert is_section or explained.get(name), f"{section.__name__}.{name} has no docstring"
        if field.annotation in (int, float):
            assert name.endswith(UNITS) or name in UNITLESS, f"{section.__name__}.{name} names no unit"
