import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from momentum_kit.errors import GuardRefused, StorageError
from momentum_kit.runtime.ownership import ControlAddress, Restriction, StateFolder

ADDRESS = ControlAddress(port=1234, token="secret", pid=os.getpid(), run_dir="runs/x", config="config/sim.yaml")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """A state folder below a temporary home."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    return StateFolder("DU1")


def test_secrets_are_private(folder: StateFolder) -> None:
    """The folder is 0700 and the file with the token 0600."""
    folder.create()
    folder.publish(ADDRESS)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder.path / "control.json").stat().st_mode) == 0o600


def test_a_published_engine_is_found(folder: StateFolder) -> None:
    """What was published is read back until it is withdrawn."""
    with folder.own():
        assert folder.address() is None
        folder.publish(ADDRESS)
        assert folder.address() == ADDRESS
        folder.withdraw()
        assert folder.address() is None


def test_a_dead_engine_is_not_found(folder: StateFolder) -> None:
    """An address whose engine is gone is no address, not even where its process id is in use, and is replaced."""
    folder.create()
    folder.publish(ADDRESS)
    assert ADDRESS.pid == os.getpid()
    assert folder.address() is None
    with folder.own():
        assert folder.address() is None


def test_ownership_can_be_seen_without_taking_it(folder: StateFolder) -> None:
    """Others see that the account is owned, before anything listens, and may look as often as they like."""
    assert not folder.owned
    with folder.own():
        assert StateFolder("DU1").owned
        assert folder.owned
    assert not folder.owned
    assert stat.S_IMODE((folder.path / "owner.lock").stat().st_mode) == 0o600


def test_an_unwritable_folder_is_told_in_words(folder: StateFolder) -> None:
    """What cannot be written is a StorageError that names the file."""
    with pytest.raises(StorageError, match=r"control\.json"):
        folder.publish(ADDRESS)


def test_one_owner_at_a_time(folder: StateFolder) -> None:
    """A second engine for the same account is refused, and admitted once the first has gone."""
    with folder.own(), pytest.raises(GuardRefused, match="another engine owns"), folder.own():
        pass
    with folder.own():
        pass


def test_the_kill_latch_survives_until_cleared(folder: StateFolder) -> None:
    """A new object for the same account still sees the latch; clear removes it."""
    folder.create()
    folder.latch(Restriction("kill", "by test"))
    assert StateFolder("DU1").killed == "by test"
    folder.clear_kill()
    assert not folder.killed


def test_arming_names_the_account_and_expires(folder: StateFolder) -> None:
    """Live trading needs an unexpired arming of exactly this account."""
    with pytest.raises(GuardRefused, match="not armed"):
        folder.require_armed("U1")
    folder.arm("U1", datetime.now(UTC) + timedelta(minutes=1))
    folder.require_armed("U1")
    with pytest.raises(GuardRefused, match="armed for U1"):
        folder.require_armed("U2")
    folder.arm("U1", datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(GuardRefused, match="expired"):
        folder.require_armed("U1")


def test_a_stop_file_is_taken_once(folder: StateFolder) -> None:
    """Whoever left it, by hand or by the kit: it is read, removed, and bounded; without one there is nothing."""
    folder.create()
    assert folder.take_command() is None
    (folder.path / "stop").touch()
    assert folder.take_command() == ""
    folder.leave_command("kill")
    assert folder.take_command() == "kill"
    assert folder.take_command() is None
    (folder.path / "stop").write_bytes(b"\xff" * 1_000)
    assert len(folder.take_command() or "") == 100


def test_clearing_a_kill_clears_what_nobody_obeyed(folder: StateFolder) -> None:
    """A kill that waited for an engine which never woke must not meet the next session."""
    folder.create()
    folder.latch(Restriction("kill", "by test"))
    folder.leave_command("kill")
    folder.clear_kill()
    assert folder.take_command() is None
