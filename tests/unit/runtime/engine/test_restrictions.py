import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from momentum_kit.errors import StorageError
from momentum_kit.models import JournalRow, TradingState
from momentum_kit.runtime.engine.restrictions import Restrictions
from momentum_kit.runtime.engine.session_state import SessionState
from momentum_kit.runtime.ownership import Restriction, StateFolder


class Told:
    """Alerts, journal and clock in one."""

    def send(self, level: str, text: str) -> None:
        """Nobody hears it here."""

    def page(self, matter: str, text: str) -> None:
        """Nobody hears it here."""

    def settle(self, matter: str, text: str = "") -> None:
        """Nobody hears it here."""

    def write(self, row: JournalRow) -> None:
        """Nobody reads it here."""

    def now(self) -> datetime:
        """A standing clock."""
        return datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    """An account of its own."""
    found = StateFolder("DU1", str(tmp_path))
    found.create()
    return found


async def test_what_is_done_waits_for_no_disk(folder: StateFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries are cancelled while the latch hangs in the disk; the answer tells that both are done."""
    free, cancelled, write = threading.Event(), asyncio.Event(), StateFolder.latch

    def hang(found: StateFolder, restriction: Restriction) -> None:
        assert free.wait(30)
        write(found, restriction)

    async def cancel_entries() -> None:
        cancelled.set()

    monkeypatch.setattr(StateFolder, "latch", hang)
    imposing = asyncio.create_task(Restrictions(folder, state()).impose("pause", "test", cancel_entries()))
    try:
        async with asyncio.timeout(30):
            await cancelled.wait()
        assert not imposing.done()
    finally:
        free.set()
    await imposing
    assert folder.latched()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> "Disk":
    """One that hangs before it forgets a latch."""
    hanging = Disk(StateFolder.lift)
    monkeypatch.setattr(StateFolder, "lift", lambda found, *names: hanging.lift(found, *names))
    return hanging


class Disk:
    """asked: a latch is to be lifted. free: it goes on."""

    def __init__(self, lift: Callable[..., None]) -> None:
        self.asked, self.free = threading.Event(), threading.Event()
        self._lift = lift

    def lift(self, found: StateFolder, *names: str) -> None:
        """After a while."""
        self.asked.set()
        assert self.free.wait(60)
        self._lift(found, *names)


async def nothing() -> None:
    """No entry works."""


def willing() -> str:
    """Nothing speaks against a resume."""
    return ""


async def test_what_is_forbidden_while_a_resume_waits_for_the_disk_stands(folder: StateFolder, disk: Disk) -> None:
    """The later word counts, in memory and on the disk; a resume after it lifts it."""
    restrictions = Restrictions(folder, state())
    await restrictions.impose("pause", "one", nothing())
    lifting = asyncio.create_task(restrictions.lift(willing))
    assert await asyncio.to_thread(disk.asked.wait, 60)
    await restrictions.impose("reduce_only", "another", nothing())
    disk.free.set()
    assert "forbidden again meanwhile" in await lifting
    assert restrictions.start_state is TradingState.REDUCE_ONLY
    assert folder.latched() == restrictions.current
    assert await restrictions.lift(willing) == ""
    assert (folder.latched(), restrictions.current) == (None, None)


async def test_a_resume_that_is_refused_in_the_end_lifts_nothing(folder: StateFolder, disk: Disk) -> None:
    """Such as by a stop, which forbids nothing itself: what stood stands, in memory and on the disk."""
    refusals: list[str] = []
    restrictions = Restrictions(folder, state())
    await restrictions.impose("reduce_only", "one", nothing())
    given = restrictions.current
    lifting = asyncio.create_task(restrictions.lift(lambda: "".join(refusals)))
    assert await asyncio.to_thread(disk.asked.wait, 60)
    refusals.append("the session is stopping")
    disk.free.set()
    assert await lifting == "the session is stopping"
    assert (restrictions.current, folder.latched()) == (given, given)


async def test_a_resume_that_nobody_waits_for_any_more_lifts_nothing(folder: StateFolder, disk: Disk) -> None:
    """The session has ended while the disk hung: for the next one all stands as it did, once the disk is back."""
    restrictions = Restrictions(folder, state())
    await restrictions.impose("reduce_only", "one", nothing())
    given = restrictions.current
    lifting = asyncio.create_task(restrictions.lift(willing))
    assert await asyncio.to_thread(disk.asked.wait, 60)
    lifting.cancel()
    await asyncio.gather(lifting, return_exceptions=True)
    disk.free.set()
    for thread in threading.enumerate():
        if thread.name.startswith("latch"):
            await asyncio.to_thread(thread.join, 60)
    assert (restrictions.current, folder.latched()) == (given, given)


async def test_a_disk_that_takes_a_latch_and_gives_none_back_is_told(
    folder: StateFolder, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resume that was refused in the end, and then no room for what it had lifted: it holds for this session only."""

    def refuse(_folder: StateFolder, _restriction: Restriction) -> None:
        raise StorageError("no space left")

    session_state = state()
    restrictions = Restrictions(folder, session_state)
    await restrictions.impose("reduce_only", "one", nothing())
    monkeypatch.setattr(StateFolder, "latch", refuse)
    disk.free.set()
    assert await restrictions.lift(lambda: "the disk is full") == "the disk is full"
    assert restrictions.start_state is TradingState.REDUCE_ONLY
    assert "reduce-only holds for this session only: no space left" in session_state.incidents[0]


async def test_a_flatten_that_is_done_while_a_resume_waits_for_the_disk_leaves_nothing(
    folder: StateFolder, disk: Disk
) -> None:
    """It was given before the resume, which lifts what would be left of it."""
    restrictions = Restrictions(folder, state())
    await restrictions.impose("flatten", "one", nothing())
    lifting = asyncio.create_task(restrictions.lift(willing))
    assert await asyncio.to_thread(disk.asked.wait, 60)
    restrictions.flat()
    disk.free.set()
    assert await lifting == ""
    assert (folder.latched(), restrictions.current) == (None, None)


async def test_a_disk_that_refuses_is_told_and_forbids_all_the_same(
    folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A human hears that it ends with the session; until then it stands."""

    def refuse(_folder: StateFolder, _restriction: Restriction) -> None:
        raise StorageError("no space left")

    monkeypatch.setattr(StateFolder, "latch", refuse)
    session_state = state()
    restrictions = Restrictions(folder, session_state)
    await restrictions.impose("reduce_only", "test", nothing())
    assert restrictions.start_state is TradingState.REDUCE_ONLY
    assert "holds for this session only: no space left" in session_state.incidents[0]


def state() -> SessionState:
    """A session's state, told to nobody."""
    told = Told()
    return SessionState(told, told, told)
