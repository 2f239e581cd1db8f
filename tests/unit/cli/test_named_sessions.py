"""Whom a command names: the configuration it is given, or the only engine that runs."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from momentum_kit.cli import main
from momentum_kit.config import load_config
from momentum_kit.runtime.ownership import ControlAddress, StateFolder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def running(name: str, pid: int, **overrides: int) -> Iterator[StateFolder]:
    """An engine that owns its account and listens nowhere."""
    config = load_config(f"config/{name}.yaml", {f"broker.{key}": value for key, value in overrides.items()})
    folder = StateFolder.of(config)
    with folder.own():
        folder.publish(ControlAddress(port=9, token="t", pid=pid, run_dir="", arguments=config.arguments))
        yield folder


@pytest.mark.parametrize("name", ["kill", "pause", "resume", "reduce-only", "flatten", "stop"])
def test_a_command_where_nothing_runs_is_refused(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Status 4 and one plain sentence, however the account is called; nobody's account is latched by a guess."""
    assert main([name]) == 4
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert "no engine runs" in told.err
    assert not (project / "state").exists()
    assert main([name, "--config", "config/paper.yaml"]) == 4
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 1)
    assert "no engine runs" in told.err
    assert bool(StateFolder.of(load_config("config/paper.yaml")).killed) is (name == "kill")


def test_a_question_where_nothing_runs_has_no_answer(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, as with a configuration: nothing was refused."""
    assert main(["status"]) == 1
    assert "no engine runs" in capsys.readouterr().err


def test_the_only_engine_is_meant(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever its configuration; one that hangs is latched by the kill that names nobody."""
    with running("paper", 4711) as folder:
        for name in ("pause", "status"):
            assert main([name]) != 0
            assert "pid 4711" in capsys.readouterr().err
        assert main(["kill"]) != 0
        assert "NOT flat" in capsys.readouterr().err
        assert folder.killed


@pytest.mark.parametrize("name", ["kill", "pause", "status"])
def test_of_several_none_is_guessed(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """One line that names each engine as a command has to name it; nothing is done to any."""
    with ExitStack() as engines:
        folders = [engines.enter_context(running("paper", 1)), engines.enter_context(running("demo", 2, port=4999))]
        assert main([name]) == 4
        told = capsys.readouterr()
        assert (told.out, len(told.err.splitlines())) == ("", 1)
        assert f"--config {project}/config/paper.yaml (paper-127.0.0.1-4002, pid 1)" in told.err
        assert f"--config {project}/config/demo.yaml --port 4999 (sim-4999, pid 2)" in told.err
        assert not any(folder.killed for folder in folders)
        assert main(["pause", "--config", "config/demo.yaml", "--port", "4999"]) == 1
        assert "pid 2" in capsys.readouterr().err


def test_an_engine_in_a_shared_folder_is_found(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The project's configurations say where else to look."""
    paper = project / "config" / "paper.yaml"
    paper.write_text(paper.read_text() + f"\nstorage: {{state_dir: {project}/shared}}\n")
    with running("paper", 4711) as folder:
        assert folder.path.parent == project / "shared"
        assert main(["pause"]) == 1
        assert "pid 4711" in capsys.readouterr().err


def test_a_latch_is_cleared_only_by_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No engine runs by then, so that nothing says which account is meant."""
    assert main(["clear"]) == 2
    assert "--config" in capsys.readouterr().err
    assert not (project / "state").exists()
