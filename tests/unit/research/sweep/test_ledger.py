import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from momentum_kit.config import Thresholds
from momentum_kit.errors import DatabaseTooNew, StorageError
from momentum_kit.research.sweep import Grid, TrialLedger
from momentum_kit.research.sweep.ledger import trial_ids

BASE = Thresholds()
GRID = Grid({"min_z_tod": (2.0, 4.4, 6.0), "max_spread_bps": (100.0, 50.0)})
DAYS = np.array(["2026-03-02", "2026-03-05"], "datetime64[D]")


@pytest.fixture
def ledger(tmp_path):
    """A new ledger."""
    with TrialLedger(tmp_path / "ledger.db") as opened:
        yield opened


def record(ledger, grid=GRID, base=BASE, key=7, exit_name="bracket", sharpes=None):
    """Count a sweep's cells."""
    values = np.linspace(-0.1, 0.4, grid.size) if sharpes is None else np.asarray(sharpes, float)
    return ledger.record(key, exit_name, grid, base, values, 500, DAYS)


def test_the_same_cells_on_the_same_data_count_once(ledger):
    """Running a grid again, or a part of it, adds nothing; widening it adds the new cells only."""
    assert record(ledger) == 6
    assert record(ledger) == 0
    assert record(ledger, Grid({"min_z_tod": (4.4,), "max_spread_bps": (100.0,)})) == 0
    assert record(ledger, Grid({"min_z_tod": (2.0, 4.4, 6.0, 8.0), "max_spread_bps": (100.0, 50.0)})) == 2
    assert ledger.count() == 8
    assert ledger.sweeps()["new"].tolist() == [6, 0, 0, 2]


def test_a_cell_is_its_thresholds_whatever_the_grid(ledger):
    """Another order of axes, or a fixed axis moved into the base, gives the same trials."""
    record(ledger)
    assert record(ledger, Grid({"max_spread_bps": (100.0, 50.0), "min_z_tod": (2.0, 4.4, 6.0)})) == 0
    fixed = BASE.model_copy(update={"max_spread_bps": 50.0, "name": "other"})
    assert record(ledger, Grid({"min_z_tod": (2.0, 4.4)}), fixed) == 0


def test_other_data_another_exit_or_another_base_are_new_trials(ledger):
    """Whatever could have made the result better by luck is counted."""
    record(ledger)
    assert record(ledger, key=8) == 6
    assert record(ledger, exit_name="time") == 6
    assert record(ledger, base=BASE.model_copy(update={"min_clv": 0.5})) == 6
    assert ledger.count() == 24


def test_ids_do_not_collide():
    """A hundred thousand cells have a hundred thousand numbers."""
    grid = Grid(
        {name: tuple(np.linspace(1, 9, 18)) for name in ("min_z_tod", "min_rvol_bar", "min_clv", "min_rvol_cum")}
    )
    assert len(np.unique(trial_ids(grid, BASE, 1, "bracket"))) == 18**4


def test_zero_has_no_sign():
    """-0.0 and 0.0 are the same threshold."""
    zeros = (Grid({"min_ret_news": (zero,)}) for zero in (0.0, -0.0))
    assert len({int(trial_ids(grid, BASE, 1, "bracket")[0]) for grid in zeros}) == 1


def test_variance_is_over_trials_that_have_a_sharpe_ratio(ledger):
    """A cell without one counts as a trial, and not towards the variance."""
    assert np.isnan(ledger.sharpe_variance())
    record(ledger, sharpes=[0.1, 0.2, np.nan, 0.4, np.nan, -0.3])
    assert ledger.count() == 6
    assert ledger.sharpe_variance() == pytest.approx(np.var([0.1, 0.2, 0.4, -0.3], ddof=1))


def test_trials_outlive_the_process(tmp_path):
    """What was recorded is there when the file is opened again, with when, what and on which data."""
    with TrialLedger(tmp_path / "ledger.db") as ledger:
        record(ledger)
    with TrialLedger(tmp_path / "ledger.db") as ledger:
        row = ledger.sweeps().iloc[0]
        assert ledger.count() == 6
    assert (row["data_key"], row["exit_name"], row["events"], row["cells"]) == ("0000000000000007", "bracket", 500, 6)
    assert (row["first_day"], row["last_day"]) == ("2026-03-02", "2026-03-05")
    assert row["at"].tzinfo is not None
    assert '"min_z_tod": [2.0, 4.4, 6.0]' in row["grid"]


@pytest.mark.parametrize("sql", ["DELETE FROM trials", "UPDATE trials SET sharpe_day = 1", "DELETE FROM sweeps"])
def test_nothing_can_be_forgotten(tmp_path, ledger, sql):
    """The file itself refuses to change or delete a trial."""
    record(ledger)
    connection = sqlite3.connect(tmp_path / "ledger.db")
    with pytest.raises(sqlite3.IntegrityError, match="never changed or forgotten"):
        connection.execute(sql)
    connection.close()


WRITERS = """
import os, sys, numpy as np
from momentum_kit.config import Thresholds
from momentum_kit.research.sweep.grid import Grid
from momentum_kit.research.sweep.ledger import TrialLedger
reading, writing = os.pipe()
children = []
for first in (0, 4, 8):
    if child := os.fork():
        children.append(child)
        continue
    os.close(writing)
    os.read(reading, 1)  # until the parent lets all of them go at once
    with TrialLedger(sys.argv[1]) as ledger:
        for key in range(first, first + 8):
            grid, day = Grid({"min_z_tod": tuple(np.linspace(1, 9, 50))}), np.array(["2026-03-02"], "datetime64[D]")
            ledger.record(key, "bracket", grid, Thresholds(), np.zeros(50), 100, day)
    os._exit(0)
os.close(writing)
sys.exit(sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0 for child in children))
"""


def test_processes_write_at_once(tmp_path):
    """Three processes open a new file together, and every trial of each is counted once."""
    path = tmp_path / "ledger.db"
    done = subprocess.run([sys.executable, "-c", WRITERS, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with TrialLedger(path) as ledger:
        assert ledger.count() == 16 * 50
        assert len(ledger.sweeps()) == 24


def test_a_sweep_that_fails_in_the_middle_counts_nothing(ledger):
    """All of a sweep's cells are recorded, or none."""
    with pytest.raises(IndexError):
        ledger.record(7, "bracket", GRID, BASE, np.zeros(6), 500, DAYS[:0])
    with pytest.raises(StorageError, match="not counted"):
        ledger.record(7, "bracket", GRID, BASE, np.array([0.1, 0.2, 0.3, 0.4, 0.5, object()]), 500, DAYS)
    assert ledger.count() == 0
    assert record(ledger) == 6


def test_foreign_and_newer_files_are_refused(tmp_path):
    """Another program's database, and one of a later kit, are left alone."""
    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("CREATE TABLE t (x)")
    foreign.close()
    with pytest.raises(StorageError, match="not one of this kind"):
        TrialLedger(tmp_path / "foreign.db")
    TrialLedger(tmp_path / "newer.db").close()
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(DatabaseTooNew):
        TrialLedger(tmp_path / "newer.db")


def test_trials_count_on_the_days_they_were_tried_on(ledger):
    """Data that share an instrument day share its trials; others have none."""
    values = np.zeros(GRID.size)
    ledger.record(7, "bracket", GRID, BASE, values, 500, DAYS, ["a", "b"])
    ledger.record(8, "bracket", GRID, BASE, values, 500, DAYS, ["c"])
    assert (ledger.count(["b", "z"]), ledger.count(["c"]), ledger.count(["z"]), ledger.count()) == (6, 6, 0, 12)
    assert ledger.count(["a", "c"]) == 12


def test_a_ledger_of_a_study_folder_is_taken_over_once(ledger, tmp_path):
    """What was tried before the ledger belonged to the days is not forgotten, and not counted twice."""
    with TrialLedger(tmp_path / "old.db") as old:
        record(old)
    assert ledger.adopt(tmp_path / "old.db", ["a"]) == 6
    assert ledger.adopt(tmp_path / "old.db", ["a"]) == 0
    assert (ledger.count(["a"]), ledger.count(["b"])) == (6, 0)
    assert record(ledger) == 0
    (tmp_path / "none.db").write_text("no ledger")
    with pytest.raises(StorageError):
        ledger.adopt(tmp_path / "none.db", ["a"])
