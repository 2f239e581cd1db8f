"""The state folder: whoever may write there commands the engine, so that it is one's own, and a kill outlives it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from momentum_kit.errors import GuardRefused
from momentum_kit.runtime.ownership import Restriction, StateFolder
from tests.hostile.outsider import momentum_kit

STRANGER = 54321
KILL = Restriction("kill", "by a test at noon")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the user keeps state, under the widest umask there is."""
    before = os.umask(0o000)
    home = tmp_path / "home" / "state"
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(home))
    yield home
    os.umask(before)


def start() -> None:
    """What an engine does first."""
    with StateFolder("DU1").own():
        pass


def test_every_folder_that_is_made_is_ones_own(root: Path) -> None:
    """Whatever the umask; what was there before is not changed but the kit's own."""
    start()
    made = [root.parent, root, root / "momentum_kit", root / "momentum_kit" / "DU1"]
    assert [oct(each.stat().st_mode & 0o777) for each in made] == ["0o700"] * 4
    (root / "momentum_kit").chmod(0o777)
    start()
    assert oct((root / "momentum_kit").stat().st_mode & 0o777) == "0o700"


@pytest.mark.parametrize("mode", [0o777, 0o757])
@pytest.mark.parametrize("depth", [0, 1])
def test_a_parent_that_everybody_may_write_starts_no_engine(depth: int, mode: int, root: Path) -> None:
    """One line with the place and the remedy; with it done the engine starts."""
    root.mkdir(parents=True, mode=0o700)
    place = (root, root.parent)[depth]
    place.chmod(mode)
    with pytest.raises(GuardRefused, match=f"everybody may write {place}.*chmod go-w"):
        start()
    place.chmod(0o755)
    root.chmod(0o700)
    root.parent.chmod(0o755)
    start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
@pytest.mark.parametrize("depth", [0, 1])
def test_a_parent_of_somebody_elses_starts_no_engine(depth: int, root: Path) -> None:
    """He could put another folder, with a token of his own, in its place."""
    root.mkdir(parents=True, mode=0o700)
    os.chown((root, root.parent)[depth], STRANGER, -1)
    with pytest.raises(GuardRefused, match=f"belongs to user {STRANGER}"):
        start()


def test_a_link_where_a_file_belongs_is_not_followed(root: Path, tmp_path: Path) -> None:
    """A lock, or a file about to be written, that leads to one of the user's."""
    precious = tmp_path / "precious"
    precious.write_text("what I wrote")
    folder = StateFolder("DU1")
    folder.create()
    for name in ("owner.lock", f".control.json.{os.getpid()}"):
        (folder.path / name).symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"):
        start()
    (folder.path / "owner.lock").unlink()
    start()
    assert precious.read_text() == "what I wrote"


@pytest.mark.parametrize("whole", [False, True], ids=["the account's", "the whole"])
@pytest.mark.parametrize("away", ["rename", "move", "remove"])
def test_a_kill_stands_where_the_folder_is_gone(away: str, whole: bool, root: Path, tmp_path: Path) -> None:
    """However it went, alone or with those of all accounts; only a clear lifts it, and then for good."""
    folder = StateFolder("DU1")
    folder.create()
    folder.latch(KILL)
    gone = folder.path.parent if whole else folder.path
    if away == "rename":
        gone.rename(gone.with_name(f"{gone.name}.old"))
    elif away == "move":
        shutil.move(gone, tmp_path / "elsewhere")
    else:
        shutil.rmtree(gone)
    assert not gone.exists()
    assert folder.killed == KILL.reason
    start()  # makes the folder again
    assert folder.killed == KILL.reason
    folder.clear_kill()
    assert not StateFolder("DU1").killed


def test_the_command_line_says_so(project: Path) -> None:
    """A kill without an engine, the folder renamed: the account is latched still, and a clear wants its phrase."""
    assert momentum_kit(project, "kill", "--config", "config/sim.yaml").returncode == 4
    (folder,) = (project / "state" / "momentum_kit").glob("sim-*")
    folder.rename(folder.with_name("gone"))
    refused = momentum_kit(project, "clear", "--config", "config/sim.yaml")
    assert refused.returncode == 4
    assert "killed by command line" in refused.stderr
    phrase = refused.stderr.strip().rpartition("phrase: ")[2]
    cleared = momentum_kit(project, "clear", "--config", "config/sim.yaml", "--phrase", phrase)
    assert (cleared.returncode, cleared.stdout[:9]) == (0, "sim-4102:")


@pytest.mark.parametrize("whole", [False, True], ids=["the account's", "the whole"])
def test_no_second_engine_starts_where_the_first_ones_folder_was_moved(whole: bool, root: Path) -> None:
    """It trades on, whatever became of its folder, or of all accounts' together; commands find that it lives."""
    first = StateFolder("DU1")
    with first.own():
        gone = first.path.parent if whole else first.path
        gone.rename(gone.with_name("old"))
        assert StateFolder("DU1").owned
        with pytest.raises(GuardRefused, match="another engine owns"):
            start()
    assert not StateFolder("DU1").owned
    start()


def test_a_folder_above_that_is_not_ones_own_to_write_keeps_nobody_from_trading(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as /var/lib/ID made by an administrator: lock and kill then have two places, not three."""
    for place in (root.parent, root, root / "momentum_kit"):
        place.mkdir(mode=0o700)
    root.chmod(0o500)
    if os.geteuid() == 0:  # root may write anywhere, and is told what another is
        may = os.access
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != root and may(path, mode))
    start()
    StateFolder("DU1").latch(KILL)
    assert StateFolder("DU1").killed == KILL.reason
    assert [each.name for each in root.iterdir()] == ["momentum_kit"]
    root.chmod(0o700)


def test_a_shared_folder_leaves_what_lies_above_it_alone(root: Path) -> None:
    """That is an administrator's, and no member of the group could lift what another put there."""
    for place in (root.parent, root):
        place.mkdir(mode=0o700)
    (shared := root / "desk").mkdir(mode=0o770)
    folder = StateFolder("DU1", str(shared))
    with folder.own():
        folder.latch(KILL)
    assert sorted(each.name for each in root.iterdir()) == ["desk"]
    assert folder.killed == KILL.reason
    folder.clear_kill()
    assert not folder.killed
