from pathlib import Path

import pytest

from momentum_kit.config import find_project, load_config
from momentum_kit.errors import InputError
from momentum_kit.runtime import init_project

CHECKOUT = Path(__file__).resolve().parents[3]


def test_a_laid_out_project_is_complete_and_loads(tmp_path):
    """Every configuration, threshold, scenario, notebook and schedule is there, and sim.yaml works from it."""
    written = init_project(tmp_path / "mine")
    names = {str(file.relative_to(tmp_path / "mine")) for file in written}
    tracked = [*(CHECKOUT / "config").rglob("*.yaml"), *(CHECKOUT / "notebooks").glob("*.ipynb")]
    units = ["systemd/momentum-kit.service", "systemd/momentum-kit.timer", "systemd/momentum-kit-page.service"]
    schedules = ["crontab", "airflow/momentum_kit_dag.py", *units, "prometheus/prometheus.yml", "prometheus/rules.yml"]
    assert names == {str(file.relative_to(CHECKOUT)) for file in tracked} | {f"deploy/{name}" for name in schedules}
    assert all(file.is_file() for file in written)
    assert find_project(tmp_path / "mine" / "notebooks") == tmp_path / "mine"
    assert load_config(tmp_path / "mine" / "config" / "sim.yaml").environment == "sim"


def test_what_is_built_from_a_checkout_stays_there(tmp_path):
    """deploy/compose, and with it a user's secrets, is never laid out elsewhere."""
    assert (CHECKOUT / "deploy" / "compose" / "compose.yaml").is_file()
    assert not [file for file in init_project(tmp_path) if "compose" in file.parts]


def test_nothing_is_ever_overwritten(tmp_path):
    """One file in the way and nothing is written; the error names it."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "live.yaml").write_text("mine")
    with pytest.raises(InputError, match=r"live\.yaml exists already; nothing was written"):
        init_project(tmp_path)
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["live.yaml"]
    assert (tmp_path / "config" / "live.yaml").read_text() == "mine"


def test_a_second_layout_is_refused_with_the_count(tmp_path):
    """Running init twice says how much is there already."""
    count = len(init_project(tmp_path))
    with pytest.raises(InputError, match=f"and {count - 1} more exists already"):
        init_project(tmp_path)


def test_a_target_that_is_no_folder_is_named(tmp_path):
    """A file where the folder should be is one clear line."""
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(InputError, match="mine: cannot be written: "):
        init_project(tmp_path / "mine")


def test_a_failure_on_the_way_leaves_no_half_of_a_project(tmp_path):
    """When a later folder cannot be made, the files of the earlier one are gone again."""
    (tmp_path / "notebooks").write_text("a file, not a folder")
    with pytest.raises(InputError, match="cannot be written"):
        init_project(tmp_path)
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["notebooks"]
