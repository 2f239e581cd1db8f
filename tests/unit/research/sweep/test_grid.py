import math

import pytest

from momentum_kit.config import Thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.sweep import Grid
from momentum_kit.research.sweep.bins import FEATURE_OF
from momentum_kit.research.sweep.grid import TUNABLE

GRID = Grid({"min_z_tod": (2.0, 4.4, 6.0), "max_spread_bps": (100.0, 50.0)})


def test_cells_and_thresholds_name_each_other():
    """Every cell's thresholds lie at that cell, and the columns list them in the order of the flat cells."""
    flat = GRID.columns()
    for number, cell in enumerate((i, j) for i in range(3) for j in range(2)):
        thresholds = GRID.thresholds(Thresholds(min_clv=0.1), cell)
        assert GRID.cell(thresholds) == cell
        assert GRID.cell({"min_z_tod": thresholds.min_z_tod, "max_spread_bps": thresholds.max_spread_bps}) == cell
        assert (flat["min_z_tod"][number], flat["max_spread_bps"][number]) == (
            thresholds.min_z_tod,
            thresholds.max_spread_bps,
        )
        assert thresholds.min_clv == 0.1
    assert (GRID.shape, GRID.size, GRID.names) == ((3, 2), 6, ("min_z_tod", "max_spread_bps"))


def test_every_numeric_threshold_can_be_an_axis():
    """Each limit of the rules may be varied, and the sweep knows its feature."""
    limits = {name for name in Thresholds.model_fields if name.startswith(("min_", "max_"))}
    assert set(TUNABLE) == set(FEATURE_OF) == limits
    assert GRID.with_base(Thresholds()).keys() == set(TUNABLE)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({}, "no axes"),
        ({"min_z": (1.0,)}, "no threshold min_z; did you mean min_z_tod"),
        ({"barred_catalysts": (1.0,)}, "no threshold barred_catalysts"),
        ({"min_z_tod": ()}, "min_z_tod has no values"),
        ({"min_z_tod": (1.0, math.nan)}, "not a number"),
        ({"min_z_tod": (4.0, 2.0)}, r"min_z_tod step 1 \(2 after 4\): steps must ascend"),
        ({"min_z_tod": (2.0, 4.0, 4.0)}, "step 2"),
        ({"max_spread_bps": (50.0, 100.0)}, "steps must descend, from loose to strict"),
        ({"max_spread_share": (0.25, 0.0)}, "lets nothing through"),
        ({"min_clv": tuple(i / 300 for i in range(300))}, "300 steps; 255 are possible"),
    ],
)
def test_an_axis_that_cannot_be_swept_is_refused(axes, words):
    """Unknown names, empty, unordered or unusable steps are refused with the axis, the step and the remedy."""
    with pytest.raises(ResearchError, match=words):
        Grid(axes)


def test_a_threshold_outside_the_grid_is_refused():
    """A value on no step is refused with the nearest one; so is a cell that does not exist."""
    with pytest.raises(ResearchError, match=r"min_z_tod 4\.5 is outside the grid; the nearest step is 4\.4"):
        GRID.cell({"min_z_tod": 4.5, "max_spread_bps": 50.0})
    with pytest.raises(ResearchError, match="no value for max_spread_bps"):
        GRID.cell({"min_z_tod": 4.4})
    for cell in ((3, 0), (0, -1), (0,)):
        with pytest.raises(ResearchError, match="no cell"):
            GRID.thresholds(Thresholds(), cell)


def test_price_ranges_that_overlap_are_refused():
    """A grid in which the least price exceeds the highest is refused, whichever of the two the base gives."""
    grid = Grid({"min_price_usd": (1.0, 5.0)})
    with pytest.raises(ResearchError, match="min_price_usd above a max_price_usd"):
        grid.with_base(Thresholds(max_price_usd=4.0))
