import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from momentum_kit.errors import GuardRefused
from momentum_kit.runtime.ownership import EngineIdentity, StateFolder, birth_of, end_engine

OWNER = """
import sys
from momentum_kit.runtime.ownership import ControlAddress, StateFolder
import os
folder = StateFolder("sim-4102")
with folder.own():
    folder.publish(ControlAddress(port=1, token="a secret", pid=os.getpid(), run_dir="", arguments=""))
    print("owns", flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Owner:
    """A process that owns an account as an engine does."""

    process: "subprocess.Popen[bytes]"
    folder: StateFolder

    @property
    def identity(self) -> EngineIdentity:
        """Its own."""
        return EngineIdentity(pid=self.process.pid, born=birth_of(self.process.pid), token="a secret")

    @property
    def lives(self) -> bool:
        """It has not been ended."""
        return self.process.poll() is None


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Owner]:
    """In a state folder of its own."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    process = subprocess.Popen([sys.executable, "-c", OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"owns\n"
    yield Owner(process, StateFolder("sim-4102"))
    process.kill()
    process.communicate()


def test_the_engine_that_is_meant_is_ended_and_its_account_free(owner: Owner) -> None:
    """Lock, address, token and time of birth belong together: it is killed, and nobody holds the lock afterwards."""
    end_engine(owner.folder, owner.identity)
    assert owner.process.wait(60) == -9
    assert not owner.folder.locked


def test_a_process_that_was_born_at_another_time_is_left_alone(owner: Owner) -> None:
    """A process id that was given to somebody else since proves nothing."""
    for born in ("1", ""):
        with pytest.raises(GuardRefused, match="born later"):
            end_engine(owner.folder, replace(owner.identity, born=born))
    assert owner.lives


def test_an_engine_that_has_taken_over_since_is_left_alone(owner: Owner) -> None:
    """Another token, or another process in the published address: the account is another engine's by now."""
    with pytest.raises(GuardRefused, match="another engine"):
        end_engine(owner.folder, replace(owner.identity, token="an older one"))
    file = owner.folder.path / "control.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"pid": 1}))
    with pytest.raises(GuardRefused, match=r"another engine \(pid 1\)"):
        end_engine(owner.folder, owner.identity)
    file.unlink()
    with pytest.raises(GuardRefused, match="no address"):
        end_engine(owner.folder, owner.identity)
    assert owner.lives


def test_a_process_without_the_lock_is_left_alone(owner: Owner) -> None:
    """Whoever does not hold the account's lock is no engine of it, whatever was published once."""
    stranger = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        other = StateFolder("sim-4103")
        other.create()
        for file in owner.folder.path.iterdir():
            (other.path / file.name).write_text(file.read_text())
        with pytest.raises(GuardRefused, match="nobody holds the lock"):
            end_engine(other, EngineIdentity(pid=stranger.pid, born=birth_of(stranger.pid), token="a secret"))
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.communicate()


def test_nobody_is_born_at_a_number_that_no_process_has() -> None:
    """A process that has ended has no time of birth, and cannot be ended again."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert birth_of(process.pid) == ""


def test_the_account_counts_as_owned_while_it_is_handed_over(owner: Owner) -> None:
    """Between the end of one engine and the first word of the next no third one is started."""
    with owner.folder.handing_over():
        end_engine(owner.folder, owner.identity)
        assert (owner.folder.locked, owner.folder.owned) == (False, True)
        with owner.folder.own():
            assert owner.folder.locked
    assert not owner.folder.owned
