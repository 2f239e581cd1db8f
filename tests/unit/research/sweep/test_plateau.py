import numpy as np
import pandas as pd
import pytest

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.sweep import CellSums, Grid, SweepResult, find_plateau
from momentum_kit.research.sweep.plateau import smooth
from momentum_kit.research.sweep.sweep import CellStatistics

GRID = Grid({"min_z_tod": tuple(range(1, 10)), "min_rvol_bar": tuple(range(1, 8))})


def hill(center, height=4.0, width=2.0):
    """A t that falls off around a cell."""
    far = sum((i - c) ** 2 for i, c in zip(np.indices(GRID.shape), center, strict=True))
    return height * np.exp(-far / (2 * width**2))


def test_a_plateau_lies_around_the_best_region_and_its_center_is_chosen():
    """Around a smooth hill the region is connected, holds the top, and its centre is the top."""
    plateau = find_plateau(GRID, hill((4, 3)))
    assert plateau.center == plateau.best == (4, 3)
    assert (4, 3) in plateau
    assert (0, 0) not in plateau
    assert plateau.low < (4, 3) < plateau.high
    assert plateau.on_edge == ()
    assert plateau.size == plateau.members.sum() > 5


def test_a_lucky_cell_among_bad_neighbours_is_not_taken():
    """The highest t of all loses to a lower one whose neighbours are good too."""
    t = hill((6, 4), height=3.5)
    t[1, 1] = 6.0
    plateau = find_plateau(GRID, t)
    assert (1, 1) not in plateau
    assert plateau.center == (6, 4)


def test_the_center_of_a_lopsided_region_is_not_its_best_cell():
    """Where the best cell stands at one end, the centre of the region is recommended."""
    t = np.full(GRID.shape, -1.0)
    t[1:8, 2:5] = 2.5
    t[1:3, 2:5] = 2.9
    plateau = find_plateau(GRID, t)
    assert plateau.best[0] <= 2
    assert plateau.center == (4, 3)
    assert np.array_equal(plateau.members, t > 0)


def test_a_second_hill_does_not_belong_to_the_first():
    """A region is connected by single steps along one axis; cells that touch at a corner only are apart."""
    t = np.full(GRID.shape, -1.0)
    t[0:3, 0:3], t[3:6, 3:6] = 3.0, 2.9
    plateau = find_plateau(GRID, t)
    assert plateau.members.sum() == 9
    assert (3, 3) not in plateau


def test_a_region_that_ends_at_the_grid_says_so():
    """Where the plateau reaches the first or last step of an axis, it may go on outside."""
    assert find_plateau(GRID, hill((8, 3), width=1.5)).on_edge == ("min_z_tod",)


def test_cells_that_cannot_be_judged_are_left_out():
    """A nan neither belongs to the region nor counts among its neighbours."""
    t = hill((4, 3))
    t[4, 4] = np.nan
    plateau = find_plateau(GRID, t)
    assert (4, 4) not in plateau
    assert np.isnan(plateau.smoothed[4, 4])
    assert smooth(t)[0, 0] == pytest.approx(t[:2, :2].mean())
    assert smooth(t)[4, 5] == pytest.approx(np.nanmean(t[3:6, 4:7]))


@pytest.mark.parametrize(("t", "words"), [(1.6, "highest t is 1.60"), (np.nan, "no cell has enough fills")])
def test_without_a_good_cell_there_is_no_plateau(t, words):
    """Where no cell's own lower bound exceeds zero nothing is recommended."""
    with pytest.raises(ResearchError, match=words):
        find_plateau(GRID, np.full(GRID.shape, t))


def result_of(mean_bps):
    """A result with this mean in each cell, and signals that count the cells."""
    size, numbers = GRID.size, np.arange(GRID.size)
    flat = np.asarray(mean_bps, float).reshape(-1)
    cells = CellStatistics(
        signals=numbers,
        fills=numbers,
        no_fill_share=flat * 0,
        hit_rate=flat * 0,
        mean_bps=flat,
        se_bps=flat * 0 + 1,
        t_day=flat,
        sharpe_day=flat,
        worst_day_bps=flat,
        thin=numbers < 30,
    )
    empty = np.zeros((1, 1, size), np.int32)
    day = np.array(["2026-03-02"], "datetime64[D]")
    sums = CellSums(
        days=day, events=99, keys=np.zeros(1, np.uint64), signals=empty[0], fills=empty, hits=empty, units=empty
    )
    return SweepResult(
        grid=GRID,
        base=Thresholds(),
        exits=("exit",),
        sums=sums,
        statistics={"exit": cells},
        marks=(),
        trials=0,
        new_trials=0,
    )


def test_sensitivity_walks_every_axis_through_the_cell():
    """Each axis is one line of cells with the others held, and the change from step to step."""
    t = hill((4, 3))
    frame = result_of(t).sensitivity((4, 2))
    assert len(frame) == sum(GRID.shape)
    along = frame[frame["axis"] == "min_rvol_bar"]
    assert along["value"].tolist() == list(range(1, 8))
    assert along["mean_bps"].tolist() == t[4].tolist()
    assert along.loc[along["chosen"], "step"].tolist() == [2]
    assert along["change_bps"].tolist()[1:] == pytest.approx(np.diff(t[4]))
    assert pd.isna(along["change_bps"].iloc[0])
    assert frame[frame["axis"] == "min_z_tod"]["signals"].tolist() == list(range(2, 63, 7))
    with pytest.raises(ResearchError, match="no cell"):
        result_of(t).sensitivity((9, 0))
