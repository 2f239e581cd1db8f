from pathlib import Path

import pytest

from momentum_kit import Study
from momentum_kit.errors import ResearchError
from momentum_kit.notebook.tuner.tuner import Tuner
from momentum_kit.research import StudySteps

ROOT = Path(__file__).resolve().parents[4]
AXES = {"min_z_tod": [2, 6, 8], "max_spread_bps": [100, 50, 25], "min_rvol_cum": [0.5], "max_spread_share": [0.5]}
pytestmark = pytest.mark.usefixtures("own_record")


@pytest.fixture(scope="module")
def study(tmp_path_factory, own_record) -> Study:
    """A study of the sample whose events are built."""
    made = Study(ROOT / "data" / "sample", folder=tmp_path_factory.mktemp("s"), config=ROOT / "config" / "sim.yaml")
    made.events()
    return made


@pytest.fixture
def tuner(study) -> Tuner:
    """Its tuner."""
    return study.tuner(AXES, {"target_r": [1, 2]})


def test_a_slider_moves_the_dial_and_every_view(tuner):
    """Figures, map and days are those of the new position; the undo button opens, and leads back with the slider."""
    before = {name: tuner.views[name].value for name in ("face", "heat", "days", "moved")}
    assert tuner.undo.disabled
    start = tuner.sliders["max_spread_bps"].value
    tuner.sliders["max_spread_bps"].value = 1
    assert tuner.tuning.view().thresholds.max_spread_bps == 50
    assert all(tuner.views[name].value != was for name, was in before.items())
    tuner.undo.click()
    assert tuner.sliders["max_spread_bps"].value == start
    assert {name: tuner.views[name].value for name in before} == before
    assert tuner.undo.disabled


def test_both_sides_of_the_map_are_never_the_same_dial(tuner):
    """The other side takes what this one was; an exit may be a side as well."""
    x, y = (side.value for side in tuner.sides)
    tuner.sides[0].value = y
    assert [side.value for side in tuner.sides] == [y, x]
    tuner.sides[1].value = "target_r"
    assert "target, R" in tuner.views["heat"].value


def test_a_chosen_event_shows_its_headline_and_its_tape(tuner, study):
    """As text, whatever it holds; a tape that is not there is said, and no picture stays."""
    tuner.events.index = 0
    event = tuner.tuning.event(tuner.tuning.view().gained[0])
    assert event["symbol"] in tuner.views["headline"].value
    assert bytes(tuner.tape.value).startswith(b"\x89PNG")

    def nothing(_row):
        raise ResearchError("no 5 s bars of it")

    tuner._tape = nothing
    tuner.events.index = 1
    assert tuner.tape.layout.display == "none"
    assert "no 5 s bars of it" in tuner.views["says"].value


def test_a_dial_is_opened_with_its_trials_told(tuner):
    """How many it adds at most stands on the button before, how many it added beside it afterwards."""
    tuner.held.value = "min_clv"
    assert tuner.open.description == "Open this dial: up to 54 trials more"
    tuner.open.click()
    assert "54 trials were added" in tuner.views["says"].value
    assert "min_clv" in tuner.sliders
    assert "min_clv" not in [value for _, value in tuner.held.options]
    assert "TRIALS 74 on these days" in tuner.views["head"].value


def test_a_page_without_a_kernel_shows_where_the_dials_stood(tuner):
    """A stored notebook keeps words and pictures beside the widget."""
    shown = tuner._repr_mimebundle_()
    bundle = shown[0] if isinstance(shown, tuple) else shown
    assert "SELECTED" in bundle["text/html"]
    assert bundle["text/plain"].startswith("SELECTED: ")
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_the_study_of_a_notebook_is_the_study(study):
    """The same steps, with the tuner beside them."""
    assert isinstance(study, StudySteps)
    assert not hasattr(StudySteps, "tuner")
