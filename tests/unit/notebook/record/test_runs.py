"""Sessions by their folders: one, and many side by side."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import momentum_kit
from momentum_kit.errors import InputError
from momentum_kit.notebook.record import Run, Runs
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

AT = "2026-10-01T15:00:00.000Z"


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


def test_drift_tells_what_has_changed_and_what_cannot_be_told(tmp_path: Path) -> None:
    """Two signals a session for twenty sessions, then six: they drifted; of what never happened nothing is claimed."""
    generator = np.random.default_rng(4)
    for name, count, signals in (("before", 24, 2.0), ("now", 20, 6.0)):
        for number in range(count):
            journal = SqliteJournal(tmp_path / name / f"2026-10-{number + 1:02}T14-29-58Z" / "journal.db")
            for _ in range(generator.poisson(signals)):
                put(journal, "decisions", at=AT, decided_at=AT, verdict="signal", final=1)
            journal.close()
    before, now = Runs(tmp_path / "before"), Runs(tmp_path / "now")
    table = now.drift(before).set_index("number")
    assert table.loc["signals", "verdict"].startswith("drifted (higher), seen after ")
    assert table.loc["signals", "here"] > 2 * table.loc["signals", "reference"]
    assert 0 < table.loc["signals", "smallest_60"] <= table.loc["signals", "smallest_20"]
    assert table.loc["slippage, bps", "verdict"] == "not judged: 0 sessions of reference, 20 are needed"
    assert table.loc["entries", "verdict"] == "quiet; so few sessions cannot tell"


def test_drift_speaks_of_every_number_that_a_session_has(folder: Path) -> None:
    """The damaged record counts on neither side, and two sessions are a reference for nothing."""
    table = Runs(folder).drift(Runs(folder)).set_index("number")
    first, second = (Runs(folder)[at].summary() for at in (0, 1))
    costs = [each["costs_usd"] / each["fills"] for each in (first, second)]
    assert table.loc["costs a fill, USD", "here"] == pytest.approx(sum(costs) / 2)
    assert table.loc["slippage, bps", "sessions"] == 2
    assert set(table["verdict"]) == {"not judged: 2 sessions of reference, 20 are needed"}
