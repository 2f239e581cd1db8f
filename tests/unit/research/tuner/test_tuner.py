"""The tuner's numbers: on the committed sample, and on a made-up table of sixty days."""

import dataclasses
import itertools
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selectolax.lexbor import LexborHTMLParser

from momentum_kit.config import Thresholds, load_thresholds
from momentum_kit.errors import ResearchError
from momentum_kit.research.events import EventTable, ExitRule, exit_rules
from momentum_kit.research.events.table import FEATURES, event_frame
from momentum_kit.research.study import StudySteps
from momentum_kit.research.sweep import TrialLedger, by_day, first_triggers, outcomes
from momentum_kit.research.tuner import Dials, Exploration, Tuning, days_chart, explore, heat_chart, look
from momentum_kit.research.validation import mean_band

ROOT = Path(__file__).resolve().parents[4]
SAMPLE, CONFIG = ROOT / "data" / "sample", ROOT / "config" / "sim.yaml"
AXES = {"min_z_tod": [2, 6, 8], "max_spread_bps": [100, 50, 25], "min_rvol_cum": [0.5], "max_spread_share": [0.5]}
EXITS = {"target_r": [1, 2], "time_stop_s": [300, 900]}
CELLS = 3 * 3 * 2 * 2
pytestmark = pytest.mark.usefixtures("own_record")


@pytest.fixture(scope="module")
def built(tmp_path_factory, own_record) -> Path:
    """The folder of a study of the sample whose events are built."""
    folder = tmp_path_factory.mktemp("built")
    StudySteps(SAMPLE, folder=folder, config=CONFIG).events()
    return folder


@pytest.fixture(scope="module")
def study(built, tmp_path_factory) -> StudySteps:
    """A study of the sample whose events are built and one exit rule of which was swept."""
    made = StudySteps(SAMPLE, folder=shutil.copytree(built, tmp_path_factory.mktemp("study") / "own"), config=CONFIG)
    made.sweep(AXES)
    return made


@pytest.fixture
def unseen(built, tmp_path, monkeypatch) -> StudySteps:
    """The same study where nobody else has tried anything."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    made = StudySteps(SAMPLE, folder=shutil.copytree(built, tmp_path / "study"), config=CONFIG)
    made.sweep(AXES)
    return made


@pytest.fixture
def tuning(study) -> Tuning:
    """Its tuner, over the dials of that sweep."""
    return study.tuning(exits=EXITS)


def made_up(events: int = 900, days: int = 60, times: int = 6) -> EventTable:
    """Walks of the features that decide, and outcomes that depend a little on the shock."""
    rng = np.random.default_rng(23)
    shape = (events, times)
    shock = rng.exponential(1, (events, 1)) * np.exp(rng.normal(0, 0.3, shape).cumsum(axis=1))
    columns = dict.fromkeys(FEATURES, np.zeros(shape)) | {
        "price": np.full(shape, 6.0), "ret_60s": 0.02 * shock, "ret_300s": 0.03 * shock[:, ::-1], "z_tod": 4 * shock,
        "ret_news": np.full(shape, 0.05), "rvol_bar": np.full(shape, 9.0), "rvol_cum": np.full(shape, 9.0),
        "dollar_volume_60s": np.full(shape, 1e6), "trades_60s": np.full(shape, 99.0), "clv": np.ones(shape),
        "spread_bps": rng.uniform(5, 110, shape),
    }  # fmt: skip
    on = np.sort(pd.bdate_range("2026-01-02", periods=days).to_numpy()[rng.integers(0, days, events)])
    at = pd.DatetimeIndex(on).tz_localize("UTC") + pd.Timedelta(hours=15)
    frame = event_frame(
        {"item_id": [f"i{n}" for n in range(events)], "story_id": "s", "symbol": "ABC", "con_id": np.arange(events),
         "day": on, "provider": "P", "catalyst": "other", "session": "regular", "published_at": at, "received_at": at,
         "imputed": False, "text": "t", "content": [f"c{day}" for day in on]}
    )  # fmt: skip
    net = np.where(rng.random(shape) < 0.1, np.nan, 12 * shock - 15 + rng.normal(0, 70, shape))
    gate = np.where(rng.random(shape) < 0.05, np.int8(8), np.int8(0))
    decided = at.tz_localize(None).to_numpy().astype("datetime64[us]")[:, None] + np.arange(1, times + 1) * 5_000_000
    return EventTable(
        events=frame, at=decided, features=columns, gate=gate, net_bps={"live": net}, gross_bps={"live": net}
    )


RULE = ExitRule(name="live")
BASE = Thresholds(max_price_usd=50, max_extension=9, max_spread_share=9, name="file")
WALKED = {
    "min_ret_60s": (0.01, 0.02, 0.04), "min_ret_300s": (0.02, 0.05), "min_z_tod": (1.0, 3.0, 5.0),
    "max_spread_bps": (100.0, 60.0, 30.0),
}  # fmt: skip


def priced(table: EventTable, rules) -> EventTable:
    """Another holding time adds so many bps: enough to tell exit rules apart."""
    nets = {rule.name: table.net_bps["live"] + rule.time_stop_s / 100 for rule in rules}
    return dataclasses.replace(table, net_bps=nets, gross_bps=nets)


def explored(folder: Path, axes=None, exits=None, against: Thresholds = BASE) -> Exploration:
    """The made-up table's tuner, with a ledger of its own."""
    dials = Dials.of(axes or WALKED, BASE, exits or {}, RULE)
    with TrialLedger(folder / "trials.db") as ledger:
        return explore(made_up(), dials, against, ledger=ledger, price=priced, known=[RULE])


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> Exploration:
    """Four threshold dials, both moves among them, and one of the exit rule."""
    return explored(tmp_path_factory.mktemp("walked"), exits={"time_stop_s": (300, 900)})


def test_every_position_shows_what_its_thresholds_bring(walked):
    """Signals, days, mean and band are those of the thresholds themselves, as validation computes them."""
    for position in itertools.product(*map(range, walked.dials.shape)):
        view = look(walked, position)
        found = outcomes(priced(walked.table, [view.exit_rule]), view.thresholds, view.exit_rule.name)
        net = found.net_bps - (9 if view.exit_rule == RULE else 0)  # what `priced` adds was not in the table's own rule
        sums = by_day(walked.days, walked.table.days, net)
        fills = by_day(walked.days, walked.table.days, found.filled.astype(float))
        assert (view.signals, view.fills) == (found.signalled.sum(), found.filled.sum()), position
        assert view.day_bps == pytest.approx(sums), position
        assert view.net.low == pytest.approx(mean_band(sums, fills, 1000).low), position
        assert view.net.estimate == pytest.approx(walked.mean_bps[position]), position
        assert view.fills == walked.fills[position]


def test_gains_and_losses_are_counted_from_the_file(walked):
    """An event is gained, lost, in both or in neither, by whether either set of thresholds signals."""
    position = (1, 1, 0, 2, 1)
    view = look(walked, position)
    here, there = (first_triggers(walked.table, limits) >= 0 for limits in (view.thresholds, BASE))
    assert (view.gained_count, view.lost_count) == ((here & ~there).sum(), (there & ~here).sum())
    assert view.gained_count > 0 < view.lost_count
    assert view.both == (here & there).sum()
    assert view.file_signals == there.sum()
    assert {each.row for each in view.lost} <= set(np.flatnonzero(there & ~here))
    sizes = [abs(each.net_bps) for each in view.gained if np.isfinite(each.net_bps)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_moved_dial_is_judged_by_what_it_alone_keeps_out(walked):
    """The events that signal at its loosest step and not here, with the band of their mean; an exit bars nothing."""
    position = (1, 0, 1, 2, 1)
    moved = look(walked, position, moved="max_spread_bps").moved
    loose = outcomes(walked.table, walked.dials.thresholds((1, 0, 1, 0, 1)), "live")
    here = outcomes(walked.table, walked.dials.thresholds(position), "live")
    barred = loose.signalled & ~here.signalled
    net = np.where(barred, loose.net_bps, np.nan)
    sums, fills = (by_day(walked.days, walked.table.days, each) for each in (net, np.isfinite(net).astype(float)))
    assert moved.barred == barred.sum() > 100
    assert moved.saved_bps == pytest.approx(-np.nansum(net))
    assert moved.net.high == pytest.approx(mean_band(sums, fills, 1000).high)
    assert moved.later_bps["5 min"] == pytest.approx(np.nanmean(net) + 3)
    assert look(walked, position, moved="time_stop_s").moved is None
    assert look(walked, (1, 0, 1, 0, 1), moved="max_spread_bps").moved.barred == 0


def test_a_map_shows_the_cells_beside_the_position(walked):
    """Rows are of y, columns of x, whichever stands first among the dials; twice the same dial is refused."""
    position = (2, 1, 1, 0, 0)
    for x, y in itertools.permutations([dial.name for dial in walked.dials.all], 2):
        found = look(walked, position, x=x, y=y).plane
        assert found.mean_bps.shape == (len(found.y.values), len(found.x.values))
        across, up = found.at
        assert found.mean_bps[up, across] == walked.mean_bps[position]
        assert np.array_equal(found.thin, found.fills < 30)
    with pytest.raises(ResearchError, match="cannot be both sides"):
        look(walked, position, x="min_z_tod", y="min_z_tod")


def test_a_picture_holds_every_day_and_every_cell(walked):
    """However many there are: no path of it is cut short like words that are too long."""
    view = look(walked, (0, 0, 0, 0, 0), x="min_z_tod", y="min_ret_60s")
    days = LexborHTMLParser(days_chart(walked, view))
    assert len(days.css_first("polyline").attributes["points"].split()) == len(walked.days) + 1
    assert days.css_first("path").attributes["d"].count("M") == np.count_nonzero(view.day_fills)
    cells = LexborHTMLParser(heat_chart(walked, view.plane)).css("rect")
    assert len(cells) == view.plane.mean_bps.size + 1  # one more for where the dials stand


def test_opening_books_the_grid_once_and_only_what_is_new_of_a_larger_one(tmp_path):
    """Again: nothing. Finer steps or one dial more: the cells that were not there before. The file counts as well."""
    first = explored(tmp_path)
    assert first.new_trials == first.trials == 3 * 2 * 3 * 3 + 1
    assert explored(tmp_path).new_trials == 0
    finer = explored(tmp_path, WALKED | {"min_z_tod": (1.0, 2.0, 3.0, 5.0)})
    assert finer.new_trials == 3 * 2 * 1 * 3
    wider = explored(tmp_path, WALKED | {"min_clv": (0.0, 0.6)})
    assert wider.new_trials == 3 * 2 * 3 * 3
    exits = explored(tmp_path, exits={"time_stop_s": (300, 900)})
    assert exits.new_trials == 3 * 2 * 3 * 3 + 1
    assert exits.trials == first.trials + finer.new_trials + wider.new_trials + exits.new_trials


def test_more_trials_make_the_same_result_worth_less(tmp_path):
    """What is deflated by is every trial on these days, and the same cell loses by each that is added."""
    before = explored(tmp_path)
    position = before.start
    known = look(before, position).dsr
    explored(tmp_path, WALKED | {"min_clv": tuple(np.linspace(0, 0.9, 10))})
    after = explored(tmp_path)
    assert look(after, position).dsr < known


def test_a_study_s_tuner_counts_what_was_swept_as_the_same_trials(unseen):
    """The sweep's own exit rule stands on the dials under its name; the others are new, and dragging adds none."""
    study, tuning = unseen, unseen.tuning(exits=EXITS)
    held = study.tuning(exits=EXITS)
    assert held.caption.new_trials == 0
    with TrialLedger(study.record / "trials.db") as ledger:
        before = ledger.count()
        swept = ledger.sweeps()
    assert int(swept["new"].iloc[0]) == 9
    assert int(swept["new"].sum()) == CELLS + 4  # the file's own thresholds under each exit rule
    for position in itertools.product(*map(range, tuning.dials.shape)):
        for dial, step in zip(tuning.dials.all, position, strict=True):
            tuning.turn(dial.name, step)
        tuning.view()
    with TrialLedger(study.record / "trials.db") as ledger:
        assert ledger.count() == before


def test_sealed_days_are_nowhere_in_it(tuning):
    """Neither a day nor an event after the open ones."""
    assert str(tuning.exploration.days[-1]) == "2026-05-19"
    assert len(tuning.exploration.table) == 264
    shown = tuning._repr_html_()
    assert "3 sealed days (2026-05-20 to 2026-05-22) are not looked at" in shown
    assert "2026-05-20 " not in shown.replace("(2026-05-20 to", "")


def test_it_says_that_it_was_selected_and_how_often_somebody_tried(tuning):
    """In a cell and in words: the mark, the trials on these days, and that twelve days carry no band."""
    shown = tuning._repr_html_()
    assert "SELECTED" in shown
    assert f"TRIALS {tuning.exploration.trials:,} on these days" in shown
    assert "no band: 12 days with events are too few" in shown
    assert "a choice after the fact" not in shown  # nothing was turned yet
    tuning.turn("max_spread_bps", 2)
    assert "a choice after the fact" in tuning._repr_html_()
    tuning.turn("max_spread_bps", 0)
    assert "is this dial&#x27;s loosest step: it keeps nothing out" in tuning._repr_html_()
    assert tuning.summary()["net_bps"] == tuning.view().net.estimate


def test_what_was_turned_is_taken_back(tuning):
    """One turn after the other, to where it began and no further; a turn to the same place is none."""
    start = tuning.position
    tuning.turn("min_z_tod", 0)
    tuning.turn("min_z_tod", 0)
    tuning.turn("time_stop_s", 0)
    assert tuning.undoable == 2
    tuning.undo()
    assert tuning.moved == "min_z_tod"
    tuning.undo()
    tuning.undo()
    assert (tuning.position, tuning.moved, tuning.undoable) == (start, "", 0)
    with pytest.raises(ResearchError, match="no position"):
        tuning.turn("min_z_tod", 3)
    with pytest.raises(ResearchError, match="min_clv is not open; open: min_z_tod, max_spread_bps"):
        tuning.turn("min_clv", 0)


def test_a_held_dial_is_opened_where_the_others_stand(unseen):
    """Its suggested steps hold the value that it was held at, and there it stands; what was tried is told."""
    tuning = unseen.tuning(exits=EXITS)
    tuning.turn("max_spread_bps", 1)
    before = tuning.view()
    assert "min_clv" in [dial.name for dial in tuning.dials.held]
    opened = tuning.caption.new_trials
    added = tuning.open_dial("min_clv")
    assert (added, tuning.caption.new_trials) == (3 * CELLS, opened + 3 * CELLS)
    after = tuning.view()
    assert (after.thresholds, after.exit_rule) == (before.thresholds, before.exit_rule)
    assert after.signals == before.signals
    assert after.dsr < before.dsr
    assert "min_clv" not in [dial.name for dial in tuning.dials.held]


def test_a_candidate_is_kept_as_files_and_judged_by_the_whole_grid(study, tuning):
    """Both files read back as what stood there; a name is taken once; `validate` then judges what was explored."""
    tuning.turn("min_z_tod", 1)
    view = tuning.view()
    saved = tuning.save("by_hand")
    assert load_thresholds(saved.thresholds).model_dump(exclude={"name"}) == view.thresholds.model_dump(
        exclude={"name"}
    )
    assert exit_rules(saved.exits, study.config) == (view.exit_rule,)
    assert saved.thresholds.read_text().startswith("# SELECTED: ")
    assert study.validate().evidence.cells == 9
    with pytest.raises(ResearchError, match=r"by_hand\.yaml exists already"):
        tuning.save("by_hand")
    with pytest.raises(ResearchError, match="no name for a file"):
        tuning.save("../elsewhere")
    tuning.turn("time_stop_s", 0)
    other = tuning.save("quicker")
    assert f"--exits {other.exits}" in other.next_step
    assert exit_rules(other.exits, study.config)[0].time_stop_s == 300


@pytest.mark.parametrize(
    ("axes", "exits", "words"),
    [
        ({"min_z_tod": [2, 4]}, {"trail_r": [1]}, "no exit dial trail_r; there are: stop_atr, stop_min_pct"),
        ({"min_z_tod": [2, 4]}, {"target_r": [0, 1]}, "target_r: steps must be numbers above 0"),
        ({"min_z_tod": [4, 2]}, {}, "steps must ascend"),
        ({name: np.arange(1, 90) for name in ("min_z_tod", "min_rvol_bar", "min_trades_60s")}, {}, "704,969 cells"),
    ],
)  # fmt: skip
def test_dials_that_cannot_be_are_refused_in_one_line(study, axes, exits, words):
    """Before anything is priced or booked."""
    with pytest.raises(ResearchError, match=words):
        study.tuning(axes, exits)


def test_an_unknown_exit_rule_names_those_that_the_events_have(study):
    """The exit dials start from one that was built."""
    with pytest.raises(ResearchError, match="no exit rule slow; the events were built with: live"):
        study.tuning(exit_rule="slow")
