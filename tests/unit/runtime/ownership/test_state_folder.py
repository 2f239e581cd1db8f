import json
import os
import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from momentum_kit.errors import GuardRefused, StorageError
from momentum_kit.runtime import stop_file
from momentum_kit.runtime.ownership import ControlAddress, Restriction, StateFolder

ADDRESS = ControlAddress(port=1234, token="secret", pid=os.getpid(), run_dir="runs/x", arguments="--config sim.yaml")


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
        folder.require_armed("U1", "momentum-kit arm")
    folder.arm("U1", datetime.now(UTC) + timedelta(minutes=1))
    folder.require_armed("U1", "momentum-kit arm")
    with pytest.raises(GuardRefused, match="armed for U1"):
        folder.require_armed("U2", "momentum-kit arm")
    folder.arm("U1", datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(GuardRefused, match="expired"):
        folder.require_armed("U1", "momentum-kit arm")


def test_a_stop_file_is_taken_once(folder: StateFolder) -> None:
    """Whoever left it, by hand or by the kit: it is read, removed, and bounded; without one there is nothing."""
    folder.create()
    assert folder.take_command() is None
    (folder.path / "stop").touch()
    os.utime(folder.path / "stop", (0, 0))
    assert folder.take_command() == ""
    folder.leave_command("kill")
    assert folder.take_command() == "kill"
    assert folder.take_command() is None
    (folder.path / "stop").write_bytes(b"\xff" * 1_000)
    assert len(folder.take_command() or "") == 100


def test_a_stop_file_without_its_words_yet_is_no_stop(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """`echo pause > stop` makes the file before it writes: it is left for the next look, and then obeyed as it says."""
    monkeypatch.setattr(stop_file, "BEING_WRITTEN_S", 600)
    folder.create()
    with (folder.path / "stop").open("w") as file:
        assert folder.take_command() is None
        file.write("pause\n")
    assert folder.take_command() == "pause"


@pytest.mark.parametrize("age_s", [600, -600], ids=["of old", "from before a clock was set back"])
def test_a_stop_file_that_stays_empty_is_a_stop(folder: StateFolder, age_s: float) -> None:
    """Somebody only touched it, and has had the time to write."""
    folder.create()
    (folder.path / "stop").touch()
    touched = time.time() - age_s
    os.utime(folder.path / "stop", (touched, touched))
    assert folder.take_command() == ""


def test_clearing_a_kill_clears_what_nobody_obeyed(folder: StateFolder) -> None:
    """A kill that waited for an engine which never woke must not meet the next session."""
    folder.create()
    folder.latch(Restriction("kill", "by test"))
    folder.leave_command("kill")
    folder.clear_kill()
    assert folder.take_command() is None


@pytest.mark.parametrize(("given", "stands"), [(("pause",), "pause"), (("flatten", "pause"), "flatten")])
def test_the_strongest_restriction_stands_until_it_is_lifted(
    folder: StateFolder, given: tuple[str, ...], stands: str
) -> None:
    """Whichever came last; a kill's clearing leaves none of them."""
    folder.create()
    assert folder.latched() is None
    for name in given:
        folder.latch(Restriction(name, "by test"))
    assert StateFolder("DU1").latched() == Restriction(stands, "by test")
    assert not folder.killed
    folder.lift(stands)
    assert folder.latched() == (Restriction("pause", "by test") if len(given) > 1 else None)
    folder.latch(Restriction("kill", "by test"))
    folder.clear_kill()
    assert folder.latched() is None


def test_an_account_is_owned_by_both_its_names(folder: StateFolder) -> None:
    """Found by its address and named by another configuration: one owner, one address, one latch."""
    by_address = StateFolder("paper-127.0.0.1-4002")
    with by_address.own(), by_address.own_as_well("DU1"):
        by_address.publish(ADDRESS)
        assert folder.address() == ADDRESS
        with pytest.raises(GuardRefused, match=r"started with --config sim\.yaml"), folder.own():
            pass
        folder.leave_command("kill")
        assert by_address.take_command() == "kill"
        by_address.latch(Restriction("reduce_only", "by test"))
    assert folder.latched() == Restriction("reduce_only", "by test")
    assert not folder.owned
    assert folder.address() is None
    refused = pytest.raises(GuardRefused, match="another engine")
    with folder.own(), by_address.own(), refused, by_address.own_as_well("DU1"):
        pass


def test_a_shared_folder_is_its_groups(tmp_path: Path) -> None:
    """Whatever the umask: members of the group see the owner, reach the engine and may kill; nobody else."""
    before = os.umask(0o077)
    try:
        shared = StateFolder("DU1", str(tmp_path / "shared"))
        with shared.own():
            shared.publish(ADDRESS)
            assert StateFolder("DU1", str(tmp_path / "shared")).address() == ADDRESS
    finally:
        os.umask(before)
    assert stat.S_IMODE(shared.path.stat().st_mode) == 0o2770
    assert stat.S_IMODE((shared.path / "owner.lock").stat().st_mode) == 0o660
    with shared.own():
        shared.publish(ADDRESS)
        assert stat.S_IMODE((shared.path / "control.json").stat().st_mode) == 0o660


def test_another_users_folder_is_refused_in_words(tmp_path: Path) -> None:
    """Neither a traceback nor a second owner: what cannot be looked at is refused."""
    theirs = StateFolder("DU1", str(tmp_path / "shared"))
    with theirs.own():
        pass
    theirs.path.chmod(0o000)
    user = os.geteuid()
    try:
        if user == 0:  # root sees everything
            os.seteuid(65_534)
        with pytest.raises(GuardRefused, match="another user's"):
            _ = theirs.owned
    finally:
        os.seteuid(user)
        theirs.path.chmod(0o700)


def test_an_engine_of_the_first_release_is_still_reached(folder: StateFolder) -> None:
    """It tells its configuration in another way, and a kill must not wait for its end."""
    with folder.own():
        said = {"port": 1, "token": "t", "pid": 2, "run_dir": "runs/x", "config": "config/paper.yaml"}
        folder.write_private("control.json", json.dumps(said))
        found = folder.address()
        assert found
        assert (found.pid, found.arguments) == (2, "--config config/paper.yaml")


def test_an_acknowledgement_is_known_by_either_name(tmp_path: Path) -> None:
    """The latest counts, whichever configuration it came by; what is no time is none."""
    by_address, by_name = StateFolder("paper-127.0.0.1-4002", str(tmp_path)), StateFolder("DU1", str(tmp_path))
    with by_address.own(), by_address.own_as_well("DU1"):
        assert by_address.acknowledged_at() is None
        by_name.acknowledge()
        first = by_address.acknowledged_at()
        assert first == by_name.acknowledged_at() is not None
        by_address.acknowledge()
        assert by_address.acknowledged_at() > first
        (by_name.path / "acknowledged").write_text("yes")
        assert by_name.acknowledged_at() is None
