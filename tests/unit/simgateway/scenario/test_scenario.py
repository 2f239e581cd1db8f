from datetime import date, time
from pathlib import Path

import pytest

from momentum_kit.errors import ScenarioError
from momentum_kit.simgateway.scenario import known_scenarios, load_scenario, parse_scenario

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def _in_project(monkeypatch):
    monkeypatch.chdir(ROOT / "tests")


@pytest.mark.parametrize("name", ["archive", "demo", "halfday", "quiet", "single"])
def test_every_shipped_scenario_loads_by_name_from_a_folder_below(name):
    """A name is found in config/scenarios above the working folder."""
    assert load_scenario(name).name == name


def test_the_shipped_scenarios_are_found_from_anywhere(monkeypatch, tmp_path):
    """Where no project is above the working folder, the one beside the package serves."""
    monkeypatch.chdir(tmp_path)
    assert "demo" in known_scenarios()


def test_seed_and_day_replace_those_of_the_file():
    """What the caller gives wins over the file."""
    scenario = load_scenario("demo", 7, date(2026, 11, 19))
    assert (scenario.seed, scenario.day) == (7, date(2026, 11, 19))


def test_an_unknown_name_lists_the_known_ones():
    """The error says what could have been meant."""
    with pytest.raises(ScenarioError, match=r"no scenario named dmeo; known: archive, demo, halfday, quiet, single"):
        load_scenario("dmeo")


def test_a_missing_path_is_named(tmp_path):
    """A path that does not exist is not mistaken for a name."""
    with pytest.raises(ScenarioError, match=r"no such scenario file: .*x.yaml"):
        load_scenario(tmp_path / "x.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sede: 3", r"unknown key sede; did you mean seed\?"),
        ("news: {decoys: {pmup: 1}}", r"unknown key news.decoys.pmup; did you mean pump\?"),
        ("universe: {symbols: [{symbol: ABCQ, prize_usd: 3}]}", r"universe.symbols.0.prize_usd; .* price_usd\?"),
        ("day: 2026-11-26", "day 2026-11-26 is not an exchange day"),
        ("day: [", r"bad.yaml line \d+: not valid YAML"),
        ("start: '12:00'\nend: '11:00'", "end 11:00 is not after start 12:00"),
        ("start: '07:00'", "start 07:00 is before 08:00"),
        ("start: '9.30'", "start: expected HH:MM"),
        ("market: archive\nnews: {planted: 1}", "nothing can be planted"),
        ("- 1", "expected keys and values, found list"),
        ("news: {providers: [BZZ]}", "news.providers.0"),
        ("limits: {mesages_per_s: 10}", "limits.mesages_per_s; did you mean messages_per_s"),
        ("faults: [{kind: drop_soket, at: '09:31'}]", "faults.0.kind: .*did you mean drop_socket"),
        ("faults: [{kind: drop_socket, at: '09:31', hwo: fin}]", "faults.0.drop_socket.hwo; did you mean how"),
        ("faults: [{kind: stall, before: placeOrdr 2}]", "'placeOrdr' is unknown; did you mean placeOrder"),
        ("faults: [{kind: stall, before: placeOrder 0}]", "'placeOrder 0' is unknown; did you mean placeOrder"),
        ("faults: [{kind: reorder, after: fil 2}]", "did you mean fill"),
        ("faults: [{kind: duplicate, messages: [ordrStatus], at: '09:31'}]", "did you mean orderStatus"),
        ("faults: [{kind: stall}]", "never happens: give one of at, before and after"),
        ("faults: [{kind: stall, at: '09:31', after: fill}]", "one of at, before and after"),
        ("broker: {latency_ms: -1}", "broker.latency_ms: .*greater than or equal to 0"),
    ],
)
def test_bad_content_is_one_line_with_file_and_key(tmp_path, text, words):
    """Each mistake gives one line that names the file, the key and the remedy."""
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(ScenarioError, match=words) as caught:
        load_scenario(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unquoted_clock_time_is_understood(tmp_path):
    """YAML 1.1 reads 12:30 as the number 750; a person means half past twelve."""
    file = tmp_path / "noon.yaml"
    file.write_text("start: 12:30\nend: 13:00")
    assert load_scenario(file).start == time(12, 30)


def test_an_empty_file_is_the_default_scenario(tmp_path):
    """Nothing written means every default."""
    file = tmp_path / "empty.yaml"
    file.write_text("")
    assert load_scenario(file) == parse_scenario({"name": "empty"})
