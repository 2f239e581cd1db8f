"""The examples under deploy/: their syntax, and that what they call exists."""

import ast
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from momentum_kit.cli.common import app
from momentum_kit.runtime.production.papermill import declared_parameters

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SERVICE, TIMER = DEPLOY / "systemd" / "momentum-kit.service", DEPLOY / "systemd" / "momentum-kit.timer"
PAGE = DEPLOY / "systemd" / "momentum-kit-page.service"
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def cron_fields_are_valid(fields: list[str]) -> bool:
    """Five fields of numbers, ranges, lists and steps, each within its bounds."""
    for field, (low, high) in zip(fields, BOUNDS, strict=True):
        for part in field.split(","):
            found = re.fullmatch(r"(\*|(\d+)(-(\d+))?)(/\d+)?", part)
            if not found or not all(low <= int(each) <= high for each in found.group(2, 4) if each):
                return False
    return True


def commands_in(text: str) -> list[list[str]]:
    """The words of every call of momentum-kit."""
    return [shlex.split(each)[1:] for each in re.findall(r"momentum-kit (?:run|stop|page) [^>|`'\"\n]*", text)]


def known_options(command: str) -> set[str]:
    """The options of one of our commands."""
    group = typer.main.get_command(app)
    return {option for parameter in group.commands[command].params for option in parameter.opts}  # type: ignore[attr-defined]


def test_crontab_lines_have_five_valid_fields_and_escaped_percent_signs() -> None:
    """Cron takes a bare percent sign for the command's end and mails a puzzle every morning."""
    lines = [line for line in (DEPLOY / "crontab").read_text().splitlines() if line and not line.startswith("#")]
    jobs = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert len(jobs) == 2
    for job in jobs:
        *fields, command = job.split(maxsplit=5)
        assert cron_fields_are_valid(fields), job
        assert not re.search(r"(?<!\\)%", command), job
    assert not cron_fields_are_valid(["61", "9", "*", "*", "1-5"])
    assert not cron_fields_are_valid(["20", "9", "*", "*", "Mo"])


@pytest.mark.parametrize("file", [DEPLOY / "crontab", SERVICE, PAGE, DEPLOY / "airflow" / "momentum_kit_dag.py"])
def test_every_command_and_option_that_is_called_exists(file: Path) -> None:
    """An example that names an option we renamed would fail on the first morning."""
    found = commands_in(file.read_text())
    assert found
    for command, *words in found:
        assert {word for word in words if word.startswith("--")} <= known_options(command)


def test_files_that_the_examples_name_exist() -> None:
    """Notebook and configuration as they are shipped."""
    for file in ("notebooks/production.ipynb", "config/paper.yaml"):
        for example in (DEPLOY / "crontab", SERVICE, DEPLOY / "airflow" / "momentum_kit_dag.py"):
            assert file in example.read_text()
        assert (ROOT / file).is_file()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """Every key is known to systemd, and the calendar means 09:20 in New York."""
    for unit in (SERVICE, TIMER, PAGE):
        # the user and the folder exist where it is installed, not here
        lines = unit.read_text().replace("User=momentum\n", "").replace("/srv/momentum", str(tmp_path))
        (tmp_path / unit.name).write_text(lines)
    units = [str(tmp_path / unit.name) for unit in (SERVICE, TIMER, PAGE)]
    checked = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
    ours = [line for line in checked.stderr.splitlines() if "momentum-kit" in line]
    assert (checked.returncode, ours) == (0, []), checked.stderr
    (when,) = re.findall(r"OnCalendar=(.*)", TIMER.read_text())
    asked = subprocess.run(["systemd-analyze", "calendar", when], capture_output=True, text=True, timeout=60)
    assert asked.returncode == 0
    assert "Mon..Fri *-*-* 09:20:00 America/New_York" in asked.stdout


def test_the_service_keeps_its_promises() -> None:
    """The settings that the safety of a session rests on."""
    settings = dict(re.findall(r"^(\w+)=(.*)$", SERVICE.read_text(), re.MULTILINE))
    assert settings["Type"] == "notify"
    assert int(settings["WatchdogSec"]) >= 20  # an engine is silent after 5 s, and may be busy for some
    assert settings["KillMode"] == "mixed"  # SIGTERM to the run alone: it ends the rest in order
    assert settings["OOMPolicy"] == "continue"  # the kernel may go, the session stays
    assert settings["Restart"] == "on-abnormal"
    assert "exec " in settings["ExecStart"]  # the run itself is the main process, which may notify


def test_the_dag_parses_and_passes_only_what_the_notebook_declares() -> None:
    """Papermill only logs an unknown parameter, and the session would trade with the default instead."""
    tree = ast.parse((DEPLOY / "airflow" / "momentum_kit_dag.py").read_text())
    calls = {node.func.id: node for node in ast.walk(tree)
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    given = {word.arg: word.value for word in calls["PapermillOperator"].keywords}
    assert {"task_id", "input_nb", "output_nb", "parameters", "kernel_name"} <= given.keys()
    names = {key.value for key in given["parameters"].keys}  # type: ignore[attr-defined]
    assert names <= declared_parameters(ROOT / "notebooks" / "production.ipynb").keys()
    schedule = next(word.value for word in calls["DAG"].keywords if word.arg == "schedule")
    assert cron_fields_are_valid(ast.literal_eval(schedule).split())
