"""A configuration that somebody else has left lying about: named, refused, and never a way to send a secret out."""

import os
import shutil
from pathlib import Path

import pytest

from tests.hostile.outsider import momentum_kit, refused

STRANGER = 54321
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")


@pytest.fixture
def below(project: Path) -> Path:
    """A folder of the user's somewhere below the one with the configuration."""
    folder = project / "deep" / "down"
    folder.mkdir(parents=True)
    return folder


def kill_from(folder: Path, project: Path):
    """A command that acts on what a configuration names."""
    return momentum_kit(folder, "kill", "--config", "config/sim.yaml", MOMENTUM_KIT_STATE_DIR=str(project / "state"))


def test_a_configuration_found_above_is_named(below: Path, project: Path) -> None:
    """By its whole path, on stderr, before what the command itself has to say."""
    first, *rest = kill_from(below, project).stderr.splitlines()
    assert str(project / "config" / "sim.yaml") in first
    assert "above this folder" in first
    assert len(rest) == 1


def test_one_in_the_working_folder_is_not_talked_about(project: Path) -> None:
    """It is what the user means."""
    assert "above" not in kill_from(project, project).stderr


@only_root
@pytest.mark.parametrize("what", ["config/sim.yaml", "config", "."])
def test_what_belongs_to_another_is_not_obeyed(what: str, below: Path, project: Path) -> None:
    """Nor what another may put in its place; nothing is latched by it."""
    os.chown(project / what, STRANGER, -1)
    refused(kill_from(below, project), "above this folder", f"belongs to user {STRANGER}")
    assert not (project / "state").exists()


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o666])
@pytest.mark.parametrize("what", ["config/sim.yaml", "config", "."])
def test_what_everybody_may_write_is_not_obeyed(what: str, mode: int, below: Path, project: Path) -> None:
    """One who can write there commands whatever looks for a configuration below."""
    (project / what).chmod(mode | (0o111 if (project / what).is_dir() else 0))
    refused(kill_from(below, project), "above this folder", "everybody may write")
    assert not (project / "state").exists()


@only_root
def test_a_group_of_others_may_not_write_it_either(below: Path, project: Path) -> None:
    """Of a group that nobody knows nobody can say who is in it."""
    os.chown(project / "config" / "sim.yaml", -1, STRANGER)
    (project / "config" / "sim.yaml").chmod(0o664)
    refused(kill_from(below, project), "above this folder", f"the group {STRANGER} may write")


def test_the_folder_of_everybody_keeps_what_is_ones_own(below: Path, project: Path) -> None:
    """/tmp, where nobody can replace what belongs to another."""
    project.chmod(0o1777)
    assert "everybody may" not in kill_from(below, project).stderr


@only_root
def test_a_link_is_judged_by_where_it_leads(below: Path, project: Path, tmp_path: Path) -> None:
    """A name of our own for a file of somebody else's."""
    theirs = tmp_path / "theirs"
    shutil.copytree(project / "config", theirs)
    os.chown(theirs / "sim.yaml", STRANGER, -1)
    (project / "config" / "sim.yaml").unlink()
    (project / "config" / "sim.yaml").symlink_to(theirs / "sim.yaml")
    refused(kill_from(below, project), f"belongs to user {STRANGER}")


SENT = {
    "the reader's key": "news:\n  reader:\n    url: http://127.0.0.1:9/v1\n    model: any\n    api_key_env: {name}\n",
    "the alerts' addresses": "alerts:\n  urls_env: {name}\n",
}


@pytest.mark.parametrize("use", SENT)
@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "PATH", "", "HOME"])
def test_no_setting_sends_any_variable_of_the_environment(use: str, name: str, project: Path) -> None:
    """One line says how to give it to the kit; the value is shown nowhere."""
    words = SENT[use].format(name=name or "''")
    (project / "config" / "gift.yaml").write_text(f"environment: sim\n{words}")
    done = momentum_kit(project, "status", "--config", "config/gift.yaml", AWS_SECRET_ACCESS_KEY="wJalrXUt")
    refused(done, "MOMENTUM_KIT_SECRETS", "gift.yaml")
    assert "wJalrXUt" not in done.stdout + done.stderr


def test_one_use_takes_no_secret_of_another(project: Path) -> None:
    """The alerts' addresses are no key to be sent to whoever claims to read headlines."""
    words = SENT["the reader's key"].format(name="MOMENTUM_KIT_ALERT_URLS")
    (project / "config" / "gift.yaml").write_text(f"environment: sim\n{words}")
    refused(momentum_kit(project, "status", "--config", "config/gift.yaml"), "MOMENTUM_KIT_AI_")


def test_what_the_user_lists_is_given(project: Path) -> None:
    """By the environment alone, where no configuration can write."""
    words = SENT["the reader's key"].format(name="OPENAI_API_KEY")
    (project / "config" / "own.yaml").write_text(f"environment: sim\n{words}")
    done = momentum_kit(project, "status", "--config", "config/own.yaml", MOMENTUM_KIT_SECRETS="X OPENAI_API_KEY")
    assert "no engine runs" in done.stderr
