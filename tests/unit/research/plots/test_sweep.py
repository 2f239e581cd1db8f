import numpy as np
import pytest
from matplotlib.patches import Rectangle

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.plots.style import around_zero
from momentum_kit.research.plots.sweep import heat_map, sensitivity_plot, signals_by_day
from momentum_kit.research.sweep import CellSums, Grid, SweepResult
from momentum_kit.research.sweep.grid import TUNABLE
from momentum_kit.research.sweep.sweep import CellStatistics
from momentum_kit.research.threshold_labels import LABELS, held

GRID = Grid({"min_ret_60s": (0.01, 0.02, 0.03), "max_spread_bps": (90.0, 60.0, 40.0, 20.0), "min_z_tod": (2.0, 4.4)})


@pytest.fixture
def result():
    """Ten days; the mean is -20 bps in the loosest cell and rises by 2 with each cell, whose n falls by 5."""
    numbers, days = np.arange(GRID.size), 10
    mean, fills = numbers * 2.0 - 20, 130 - numbers * 5
    cells = CellStatistics(
        signals=fills, fills=fills, no_fill_share=mean * 0, hit_rate=mean * 0, mean_bps=mean,
        se_bps=mean * 0 + 3, t_day=mean / 3, sharpe_day=mean / 30, worst_day_bps=mean, thin=fills < 30,
    )  # fmt: skip
    signals = np.tile(fills // days, (days, 1)).astype(np.int32)
    units = np.tile((mean * 2.0**32).astype(np.int64), (1, days, 1))
    when = np.arange("2026-03-02", "2026-03-12", dtype="datetime64[D]")
    sums = CellSums(
        days=when,
        events=500,
        keys=np.zeros(1, np.uint64),
        signals=signals,
        fills=signals[None],
        hits=signals[None],
        units=units,
    )
    return SweepResult(
        grid=GRID,
        base=Thresholds(),
        exits=("bracket",),
        sums=sums,
        statistics={"bracket": cells},
        marks=("IMPUTED",),
        trials=24,
        new_trials=24,
    )


def words(figure):
    """Everything written in a figure."""
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_heat_map_shows_net_and_n_of_its_plane(result):
    """Every cell of the plane says its mean and its n, the axes say the units, and the held threshold is named."""
    figure = heat_map(result, "min_ret_60s", "max_spread_bps", (1, 2, 1))
    axes = figure.axes[0]
    shown = axes.images[0].get_array()
    assert shown.shape == (4, 3)
    for (up, across), value in np.ndenumerate(np.ma.filled(shown, np.nan)):
        number = np.ravel_multi_index((across, up, 1), GRID.shape)
        assert np.isnan(value) if number > 20 else value == number * 2 - 20
        assert f"{number * 2 - 20:+d}\nn {130 - 5 * number}" in words(figure)
    assert axes.get_xlabel() == "least return over 60 s, %"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["90", "60", "40", "20"]
    assert any("least z for the time of day 4.4" in text and "IMPUTED" in text for text in words(figure))
    assert "2026-03-02 to 2026-03-11" in axes.get_title(loc="left")
    assert "bps" in figure.axes[1].get_ylabel()


def test_the_same_plane_can_be_turned(result):
    """Swapping the axes transposes the picture."""
    one = heat_map(result, "min_ret_60s", "max_spread_bps", (1, 2, 1)).axes[0].images[0].get_array()
    other = heat_map(result, "max_spread_bps", "min_ret_60s", (1, 2, 1)).axes[0].images[0].get_array()
    assert np.array_equal(one.T, other, equal_nan=True)


def test_the_chosen_cell_and_the_plateau_are_framed(result):
    """A frame stands at the cell, and a line around the plateau's part of the plane."""
    plateau = result.plateau()
    figure = heat_map(result, "min_ret_60s", "max_spread_bps", plateau.center, plateau=plateau)
    frame = next(patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle) and not patch.get_fill())
    assert frame.get_x() + frame.get_width() / 2 == pytest.approx(plateau.center[0])
    assert frame.get_y() + frame.get_height() / 2 == pytest.approx(plateau.center[1])
    members = plateau.members[:, :, plateau.center[2]]
    edges = sum(int((np.diff(np.pad(members, 1).astype(int), axis=axis) != 0).sum()) for axis in (0, 1))
    assert len(figure.axes[0].lines) == edges > 3


@pytest.mark.parametrize("values", [[-3.0, 40.0, np.nan], [5.0, 9.0], [np.nan], [0.0]])
def test_zero_is_the_middle_of_the_scale(values):
    """Whatever the values, zero is white, and gains and losses of one size are equally strong."""
    norm = around_zero(np.array(values))
    assert norm(0.0) == 0.5
    assert norm.vmax == -norm.vmin


def test_sensitivity_has_a_panel_for_every_threshold(result):
    """Each axis has its line through the chosen cell, its steps in words and n."""
    figure = sensitivity_plot(result, (1, 2, 1))
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in panels] == [LABELS[name].text for name in GRID.names]
    line = panels[1].lines[1]
    assert line.get_ydata().tolist() == [2.0 * np.ravel_multi_index((1, step, 1), GRID.shape) - 20 for step in range(4)]
    assert panels[0].get_xticklabels()[0].get_text() == f"1\nn {130 - 5 * 5}"


def test_signals_by_day_add_up(result):
    """The bars are the signals of the days, the line is the net result so far, in bps."""
    figure = signals_by_day(result, (0, 0, 1))
    upper, lower = figure.axes
    assert [bar.get_height() for bar in upper.patches] == [12] * 10
    assert lower.lines[1].get_ydata()[-1] == -180.0
    assert any("120 signals on 10 days, 12.00 a day" in text for text in words(figure))


def test_what_cannot_be_drawn_is_refused(result):
    """An axis the sweep does not have, the same axis twice, or a cell outside the grid."""
    with pytest.raises(ResearchError, match="min_clv is no axis of this sweep; axes: min_ret_60s"):
        heat_map(result, "min_ret_60s", "min_clv", (0, 0, 0))
    with pytest.raises(ResearchError, match="both axes"):
        heat_map(result, "min_ret_60s", "min_ret_60s", (0, 0, 0))
    for draw in (sensitivity_plot, signals_by_day):
        with pytest.raises(ResearchError, match="no cell"):
            draw(result, (0, 4, 0))


def test_every_threshold_has_words_and_a_unit():
    """Whatever can be swept can be labelled."""
    assert LABELS.keys() == set(TUNABLE)
    assert held("min_ret_60s", 0.035) == "least return over 60 s 3.5 %"
