import json
import re
from pathlib import Path

import pytest

import momentum_kit
from momentum_kit.cli import main
from momentum_kit.research import code_version

ROOT = Path(__file__).resolve().parents[3]


def test_the_version_is_told_with_the_code_that_studies_name(capsys: pytest.CaptureFixture[str]) -> None:
    """One line and status 0; nothing else is done, whatever else was asked."""
    for arguments in (["--version"], ["--version", "status"]):
        assert main(arguments) == 0
        told = capsys.readouterr()
        assert told.out == f"momentum-kit {momentum_kit.__version__} (code {code_version()})\n"
        assert told.err == ""


def test_the_version_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The same two facts as one object."""
    assert main(["--version", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"version": momentum_kit.__version__, "code_version": code_version()}


def test_json_before_a_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A command would not see it and answer in words: one line and status 2 instead."""
    assert main(["--json", "status"]) == 2
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)


def test_without_a_command_the_day_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command that it names exists."""
    assert main([]) == 0
    told = capsys.readouterr().out
    assert main(["--help"]) == 0
    offered = capsys.readouterr().out
    named = re.findall(r"momentum-kit ([a-z]+)", told)
    assert len(named) >= 8
    assert all(f" {name} " in offered for name in named)


@pytest.mark.parametrize(("given", "asked"), [([], "--config config/sim.yaml"), (["--config", "x.yaml"], "--out")])
def test_a_run_that_does_not_say_whose_money_or_where_is_explained(
    given: list[str], asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says what to give; nothing is guessed where orders are sent."""
    assert main(["run", "notebooks/production.ipynb", *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert asked in line


@pytest.mark.parametrize(
    "command",
    [
        ["replay", "2025-01-06", "--archive", "data/sample"],
        ["replay", "2025-01-06", "2025-01-10", "--archive", "data/sample"],
        ["sim", "--archive", "data/sample", "--date", "2025-01-06", "--port", "0"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_archive_is_found_from_any_folder_of_the_project(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From notebooks/ as from the project's own folder: the days that it does hold are named."""
    monkeypatch.chdir(ROOT / "notebooks")
    assert main(command) == 2
    assert "2026-05-22" in capsys.readouterr().err
