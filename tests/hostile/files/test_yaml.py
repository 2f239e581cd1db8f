"""YAML that a colleague sends: thresholds, scenarios, costs, grids, exit rules, mappings, observed files, codes."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from momentum_kit.bridge.codes import load_codes
from momentum_kit.config import load_config, load_thresholds
from momentum_kit.errors import InputError
from momentum_kit.research.events.settings import exit_rules
from momentum_kit.research.sweep import read_grid
from momentum_kit.runtime.probe import load_observed
from momentum_kit.simgateway.scenario import load_scenario
from momentum_kit.storage.imports.mapping import load_mapping
from momentum_kit.yaml_files import MOST_VALUES, read_yaml
from tests.hostile.corpus import BOMB, YAML
from tests.hostile.outsider import ROOT, momentum_kit, refused

READERS: Mapping[str, Callable[[Path], Any]] = {
    "configuration": load_config,
    "thresholds": load_thresholds,
    "scenario": load_scenario,
    "observed": load_observed,
    "grid": read_grid,
    "exit rules": lambda file: exit_rules(file, load_config(ROOT / "config" / "sim.yaml")),
    "mapping": load_mapping,
    "codes": load_codes,
}
AT_MOST_S = 20.0  # a busy machine included; what hung before would hang for hours


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", YAML)
def test_a_file_is_taken_or_refused_in_a_line(name: str, reader: str, tmp_path: Path) -> None:
    """Never another exception, never for long, and of an exploding file not even the refusal explodes."""
    file = tmp_path / "theirs.yaml"
    content = YAML[name]
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    begun = time.monotonic()
    try:
        READERS[reader](file)
    except InputError as error:
        assert str(file.parent) in str(error)
        assert "\n" not in str(error)
        assert len(str(error)) < 10_000
    assert time.monotonic() - begun < AT_MOST_S


@pytest.mark.parametrize("place", ["assumptions", "fill_order"])
def test_an_observed_file_that_explodes_is_refused(place: str, project: Path) -> None:
    """Its value was shown in the refusal, and that took for ever."""
    bomb = f"{BOMB}assumptions: {'*j' if place == 'assumptions' else '{fill_order: *j}'}\n"
    (project / "observed.yaml").write_text(bomb)
    refused(momentum_kit(project, "sim", "--observed", "observed.yaml", "--port", "0"), "observed.yaml", "values")


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        ("exit rules", "a: {1: 2, b: 3}"),
        ("exit rules", "a: {hold_s: [1]}"),
        ("exit rules", "a: {hold_s: {b: 1}}"),
        ("exit rules", "a: {hold_s: 2026-11-20}"),
        ("exit rules", "a: {hold_s: .nan}"),
        ("mapping", "columns: 7"),
        ("mapping", "kind: bars_1m\ncolumns: {open: {a: 1}}"),
        ("grid", "min_z_tod: {a: 1}"),
        ("configuration", "1: 2"),
        ("configuration", "risk: {1: 2}"),
        ("configuration", "environment: [sim]\nrisk: [1]"),
        ("codes", "- 7"),
        ("codes", "- {1: 2}"),
        ("scenario", "faults: {a: 1}"),
        ("scenario", "faults: [{1: 2}, {kind: [1]}]"),
        ("observed", "assumptions: {1: 2}"),
        ("observed", "assumptions: {fill_order: [1]}"),
    ],
)
def test_values_of_other_kinds_are_refused_in_a_line(reader: str, text: str, tmp_path: Path) -> None:
    """Numbers for names, lists for numbers, days for seconds."""
    (tmp_path / "theirs.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        READERS[reader](tmp_path / "theirs.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("columns", ["7", "[a]", "abc"])
def test_columns_that_are_none_are_refused_behind_options(columns: str, tmp_path: Path) -> None:
    """Those of the command line, and a vendor's layout, lie over them."""
    (tmp_path / "theirs.yaml").write_text(f"columns: {columns}")
    for more in ({"options": ["columns.open=o"]}, {"layout": {"columns": {"open": "o"}}}):
        with pytest.raises(InputError, match="columns"):
            load_mapping(tmp_path / "theirs.yaml", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("min_z_tod: 2026-13-45\n", "line 1: not valid YAML: no timestamp"),
        ("a: 1\nb: " + "[" * 60, "line 2: not valid YAML: more than 50 levels deep"),
        ("a: &a [1]\na2: 7\nb: [*a, *a]\nc: " + "9" * 30, "line 4: not valid YAML: a number beyond range"),
        ('a: 1\nb: "\\udfff"', "line 2: not valid YAML: half a character"),
        ("a: &a [*a]", "line 1: not valid YAML: an anchor that contains itself"),
        ("a: 1\n'a': 2", "line 2: not valid YAML: key a is given twice"),
    ],
)
def test_a_refusal_names_file_line_and_reason(text: str, words: str, tmp_path: Path) -> None:
    """For the person whose file it is."""
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path / "mine.yaml", InputError)
    assert str(caught.value) == f"{tmp_path / 'mine.yaml'} {words}"


def test_anchors_that_people_use_are_read(tmp_path: Path) -> None:
    """Shared sections, merges and a list of as many values as there may be."""
    text = "shared: &s {x: 1, y: [1, 2]}\nfirst: {<<: *s, x: 2}\nsecond: *s\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert read_yaml(tmp_path / "mine.yaml", InputError) == yaml.safe_load(text)
    (tmp_path / "long.yaml").write_text(f"[{'1,' * (MOST_VALUES // 5)}]")
    assert len(read_yaml(tmp_path / "long.yaml", InputError)) == MOST_VALUES // 5
    (tmp_path / "long.yaml").write_text(f"[{'1,' * MOST_VALUES}]")
    with pytest.raises(InputError, match="line 1: not valid YAML: more than 100,000 values"):
        read_yaml(tmp_path / "long.yaml", InputError)


@pytest.mark.parametrize("value", ["9" * 6_000, "-" + "9" * 20, "1." + "9" * 5_000])
def test_a_parameter_of_many_digits_is_no_traceback(value: str, project: Path) -> None:
    """`--set` on the command line: refused by the setting."""
    done = momentum_kit(project, "demo", "--set", f"risk.max_positions={value}")
    refused(done, "max_positions")


@pytest.mark.parametrize("name", ["n" * 300, "n" * 5_000, "a/" * 3_000, "\0", "n\udcff"])
def test_a_name_that_no_system_takes_is_no_file(name: str, project: Path) -> None:
    """Of thresholds in a configuration, of a configuration, of a scenario (found by the fuzz)."""
    (project / "config" / "other.yaml").write_text(f"detection: {{thresholds: {json.dumps(name)}}}")
    refused(momentum_kit(project, "status", "--config", f"{name}.yaml"))
    refused(momentum_kit(project, "sim", "--scenario", f"{name}.yaml", "--port", "0"))
    with pytest.raises(InputError, match=r"no such file|half a character"):
        load_config(project / "config" / "other.yaml")
