"""Sessions by their folders: one, and many side by side."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import momentum_kit
from momentum_kit.errors import InputError
from momentum_kit.notebook.record import Run, Runs


@pytest.fixture
def folder(tmp_path: Path, write_session: Callable[..., Path]) -> Path:
    """Two sessions, a record that is damaged, and a folder that is none of ours."""
    runs = tmp_path / "runs"
    for name, seed in (("2026-11-19T14-29-58Z", 4), ("2026-11-20T14-29-58Z", 5)):
        journal = write_session(headlines=24, seed=seed)
        (runs / name).mkdir(parents=True)
        shutil.copy(journal, runs / name / "journal.db")
    (runs / "2026-11-21T14-29-58Z").mkdir()
    (runs / "2026-11-21T14-29-58Z" / "journal.db").write_bytes(b"not a database at all" * 100)
    (runs / "notes").mkdir()
    return runs


def test_a_finished_run_has_every_table_and_picture_of_a_kit(folder: Path) -> None:
    """By its folder alone; looking changes no file of it."""
    place = folder / "2026-11-20T14-29-58Z"
    run = Run(place)
    assert len(run.round_trips()) == run.summary()["round_trips"] > 0
    assert run.timeline() is not None
    assert run.status() is None
    assert "round trips" in repr(run)
    assert {file.name for file in place.iterdir()} <= {"journal.db", "journal.db-shm", "journal.db-wal"}


def test_a_folder_without_a_session_is_refused_in_words(folder: Path) -> None:
    """It names the folder and says how to find one."""
    with pytest.raises(InputError, match=r"notes: no journal\.db there"):
        Run(folder / "notes")
    with pytest.raises(InputError, match="no such folder"):
        Runs(folder / "elsewhere")


def test_runs_put_sessions_side_by_side_and_a_damaged_one_hides_no_other(folder: Path) -> None:
    """The sums are the single sessions' own; the damaged record stands there with its reason."""
    runs = Runs(folder)
    table = runs.sessions()
    assert list(table["run"]) == [run.run_dir.name for run in runs]
    first = runs[0].summary()
    assert table["net_usd"].iloc[0] == first["net_pnl_usd"]
    assert "not a database" in table["problem"].iloc[2]
    trades = runs.trades()
    assert len(trades) == table["round_trips"].sum()
    assert set(trades["run"]) == {run.run_dir.name for run in runs[:2]}


def test_an_empty_folder_shows_an_empty_table(tmp_path: Path) -> None:
    """Before the first session there is nothing, which is no error."""
    assert len(Runs(tmp_path).sessions()) == len(Runs(tmp_path).trades()) == 0


def test_both_are_public_names() -> None:
    """`from momentum_kit import Run, Runs`."""
    assert (momentum_kit.Run, momentum_kit.Runs) == (Run, Runs)
