import json
import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from momentum_kit import Study
from momentum_kit.cli import main
from momentum_kit.config import Thresholds, load_thresholds
from momentum_kit.errors import GuardRefused, ResearchError
from momentum_kit.models import Contract, Execution, Fill, OrderAction
from momentum_kit.storage.archive import Archive, Provenance, now

ROOT = Path(__file__).resolve().parents[4]
AXES = {
    "min_z_tod": [2, 6, 10], "min_rvol_bar": [2, 6], "max_spread_bps": [100, 35], "min_rvol_cum": [0.5],
    "max_spread_share": [0.5],
}  # fmt: skip
SEALED_DAY = "2026-05-21"


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    """Nobody has looked at the sample yet, as far as each of these tests remembers."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """An archive of the sample and its study, whose events are built."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT / "data" / "sample", folder / "archive")
    Study(folder / "archive", config=ROOT / "config" / "sim.yaml").build()
    return folder


@pytest.fixture(scope="module")
def judged_once(built, tmp_path_factory) -> Path:
    """The same, swept and validated, and what is remembered of that."""
    folder = tmp_path_factory.mktemp("judged")
    shutil.copytree(built, folder / "mine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOMENTUM_KIT_STATE_DIR", str(folder / "state"))
        study = Study(folder / "mine" / "archive", config=ROOT / "config" / "sim.yaml")
        study.sweep(AXES)
        study.validate()
    return folder


@pytest.fixture
def study(built, tmp_path) -> Study:
    """A copy of what was built that a test may spoil."""
    shutil.copytree(built, tmp_path / "mine")
    return Study(tmp_path / "mine" / "archive")


@pytest.fixture
def judged(judged_once, tmp_path) -> Study:
    """A copy of what was judged, with its memory."""
    shutil.copytree(judged_once, tmp_path, dirs_exist_ok=True)
    return Study(tmp_path / "mine" / "archive")


def test_a_copy_under_another_name_finds_what_was_opened_and_tried(judged, tmp_path):
    """Ledger and seal belong to the days: a copy of the archive with a study of its own is no new data."""
    judged.validate(open_seal=True)
    shutil.copytree(judged.archive.root, tmp_path / "elsewhere" / "renamed")
    copy = Study(tmp_path / "elsewhere" / "renamed", folder=tmp_path / "temporary")
    copy.build()
    assert copy.sweep(AXES).result.new_trials == 0
    with pytest.raises(GuardRefused, match="were opened at"):
        copy.validate(open_seal=True)
    assert copy.validate().evidence.openings[0].standing


def test_other_symbols_on_the_same_tape_are_the_same_days(study, tmp_path):
    """Prices name a day: renaming every company unseals nothing."""
    study.sweep(AXES)
    before = study.events()
    table = before.table
    renamed = table.events.assign(symbol="Z" + table.events["symbol"])
    assert set(table.instrument_days) == set(type(table)(
        events=renamed, at=table.at, features=table.features, gate=table.gate
    ).instrument_days)  # fmt: skip
    assert len(set(table.instrument_days)) == len(table.events.groupby(["symbol", "day"]))
    assert not any(" " in content for content in table.instrument_days)


def test_only_sealed_days_give_no_study_of_their_own(study, tmp_path):
    """Whoever builds the last days alone finds them sealed."""
    assert study.events().open_days.sealed is not None
    alone = Study(study.archive.root, folder=tmp_path / "alone")
    with pytest.raises(ResearchError, match="every day of this selection is sealed"):
        alone.build("2026-05-20", "2026-05-22").open_days  # noqa: B018


def test_what_an_opening_found_stands_in_every_later_verdict_page_and_export(judged, tmp_path):
    """A plain validate after the opening does not forget it."""
    judged.validate(open_seal=True)
    first = judged.validate(open_seal=False).evidence
    assert first.sealed is not None
    assert first.sealed_days is not None
    page = (judged.folder / "verdict.md").read_text(encoding="utf-8")
    assert "What was opened before" in page
    assert "were opened for this candidate" in page
    export = judged.export("late", despite="to see what stands in it", folder=tmp_path)
    assert "sealed_net_bps:" in export.read_text(encoding="utf-8")


def test_replays_of_sealed_days_are_refused_or_on_record(study, capsys):
    """And whoever opened a day by a replay has used the seal up."""
    study.sweep(AXES)
    root = str(study.archive.root)
    assert main(["replay", SEALED_DAY, "--archive", root]) == 4
    assert f"{SEALED_DAY} of {root} is sealed" in capsys.readouterr().err
    assert main(["demo", "--archive", root, "--date", SEALED_DAY]) == 4
    assert main(["sim", "--archive", root, "--date", SEALED_DAY]) == 4
    capsys.readouterr()
    assert main(["replay", SEALED_DAY, "--archive", root, "--open-seal", "--out", str(study.folder / "run")]) == 0
    with pytest.raises(GuardRefused, match=f"the sealed days {SEALED_DAY}.*for candidate replay"):
        study.validate(open_seal=True)
    (opening,) = study.validate().evidence.openings
    assert (opening.standing, str(opening.first_day)) == (True, SEALED_DAY)


def test_the_tape_of_a_sealed_headline_is_not_drawn(study):
    """Headlines of all days are counted, and only those of open days are shown on their tape."""
    study.sweep(AXES)
    items = study.counts().items
    assert study.tape_plot(items.iloc[0]).axes
    with pytest.raises(GuardRefused, match="is sealed"):
        study.tape_plot(items.iloc[-1])


def fill_on(study: Study, day: str) -> Fill:
    """A share that a session bought at noon."""
    at = study.archive.headlines(date.fromisoformat(day), date.fromisoformat(day))[0].published_at
    execution = Execution(
        exec_id="0001.01", order_id=1, perm_id=2, client_id=3,
        contract=Contract(con_id=1, symbol="QNTM", sec_type="STK", exchange="SMART", currency="USD"),
        account="DU1", side=OrderAction.BUY, shares=Decimal(1), price=5.0, time=at + timedelta(seconds=30),
        order_ref="", exchange="SMART", cumulative_shares=Decimal(1), average_price=5.0, liquidation=False,
        received_at=at + timedelta(seconds=31),
    )  # fmt: skip
    return Fill(execution=execution, commission=None)


def test_a_day_that_was_traded_live_has_been_seen(study):
    """It is never sealed, and may be replayed; the days around it stay sealed."""
    origin = Provenance(source="live", sha256="", imported_at=now(), adjusted=False)
    study.archive.add_executions([fill_on(study, SEALED_DAY)], origin)
    opened = study.events().open_days
    assert np.datetime64(SEALED_DAY) in opened.table.days
    assert opened.sealed is not None
    assert opened.sealed.last_day.isoformat() == "2026-05-22"
    assert opened.sealed.days >= 2


@pytest.mark.parametrize("step", ["sweep", "validate", "export", "event_study"])
def test_a_table_of_other_data_is_refused(judged, step):
    """One headline more below the table, and every step says what to run."""
    line = judged.archive.headlines(date(2026, 5, 5), date(2026, 5, 5))[0]
    origin = Provenance(source="made up", sha256="", imported_at=now(), adjusted=False)
    Archive(judged.archive.root).add_headlines([type(line)(
        provider="MINE", article_id="MINE$1", text="Good news", published_at=line.published_at,
        received_at=line.received_at,
    )], origin)  # fmt: skip
    steps = {"sweep": lambda: judged.sweep(AXES), "validate": judged.validate, "export": lambda: judged.export("x"),
             "event_study": judged.event_study}  # fmt: skip
    with pytest.raises(ResearchError, match=r"built from other data than .*; run: momentum-kit research events"):
        steps[step]()


def test_another_study_s_table_is_refused(judged, tmp_path):
    """A file that was put in the place of the events is not what was built."""
    table = judged.events().table
    table.save(judged.folder / "events.parquet")
    with pytest.raises(ResearchError, match="not the events that were built here"):
        judged.sweep(AXES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spread_bps": 5.0}, "spread_bps was nan when the events were built, 5.0 now"),
        ({"exits": "exits.yaml"}, r"exits.*target_r was .* when the events were built, 9 now"),
    ],
)
def test_other_options_than_the_events_were_built_with_are_refused(judged, tmp_path, change, words):
    """By name, with both values."""
    if "exits" in change:
        change = {"exits": tmp_path / "exits.yaml"}
        change["exits"].write_text("live: {target_r: 9}\n")
    other = Study(judged.archive.root, folder=judged.folder, **change)
    with pytest.raises(ResearchError, match=words):
        other.validate()
    with pytest.raises(ResearchError, match=r"impute was None when the events were built, 2\.0 now"):
        judged.validate(impute=2.0)


def test_fewer_barred_catalysts_than_the_events_were_built_with_are_refused(judged, tmp_path):
    """They would be exported, and nothing of theirs was judged."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    limits = tmp_path / "config" / "thresholds" / "default.yaml"
    told = limits.read_text(encoding="utf-8")
    limits.write_text(told[: told.index("barred_catalysts:")] + "barred_catalysts: [offering]\n", encoding="utf-8")
    other = Study(judged.archive.root, folder=judged.folder, config=tmp_path / "config" / "sim.yaml")
    with pytest.raises(ResearchError, match="barred_catalysts was"):
        other.sweep(AXES)


def test_more_trials_since_the_verdict_stop_its_export(judged, tmp_path):
    """The deflation of the verdict is of a ledger that has moved."""
    Study(judged.archive.root, folder=judged.folder).sweep({"min_z_tod": [4, 5, 6], "max_spread_bps": [100, 50]})
    with pytest.raises(ResearchError, match="the sweep changed since the verdict; run: momentum-kit research validate"):
        judged.export("x", despite="a reason", folder=tmp_path)
    judged.sweep(AXES)
    with pytest.raises(ResearchError, match="6 more trials on these data since the verdict"):
        judged.export("x", despite="a reason", folder=tmp_path)


def test_evidence_that_was_edited_is_refused(judged, tmp_path):
    """One fill more, and the hash does not hold."""
    file = judged.folder / "evidence.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["fills"] += 1
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ResearchError, match="its hash does not hold; validate again"):
        judged.export("x", despite="a reason", folder=tmp_path)


def test_a_seal_is_opened_since_the_verdict_stops_its_export(judged, tmp_path):
    """The page of before the opening is not the last word any more."""
    kept = (judged.folder / "evidence.json").read_bytes()
    judged.validate(open_seal=True)
    (judged.folder / "evidence.json").write_bytes(kept)
    with pytest.raises(ResearchError, match="the sealed days were opened since the verdict"):
        judged.export("x", despite="a reason", folder=tmp_path)


def test_sessions_after_a_strategy_s_date_are_its_forward_record(study, tmp_path):
    """Those that were traded live are looked at, the sealed ones counted; what was exported today has none yet."""
    origin = Provenance(source="live", sha256="", imported_at=now(), adjusted=False)
    study.archive.add_executions([fill_on(study, SEALED_DAY)], origin)
    study.build()
    study.sweep(AXES)
    study.validate()
    file = study.export("mine", despite="to follow it", folder=tmp_path)
    with pytest.raises(ResearchError, match=r"no open session after 20.*, when mine was exported; 0 are sealed"):
        study.forward(file)
    known = load_thresholds(file)
    assert known.export is not None
    earlier = known.export.model_copy(update={"exported_on": date(2026, 5, 19), "last_day": date(2026, 5, 19)})
    found = study.forward(known.model_copy(update={"export": earlier}))
    assert [str(day)[:10] for day in found.days["day"]] == [SEALED_DAY]
    assert found.sealed == study.events().open_days.sealed.days_after(date(2026, 5, 19)) > 0
    assert found.summary()["fills"] == found.fills
    assert "sealed and were not looked at" in str(found)
    with pytest.raises(ResearchError, match="does not say when research exported it"):
        study.forward(Thresholds())


def test_a_state_folder_that_has_forgotten_the_opening_is_refused(judged, tmp_path, monkeypatch):
    """The study's own page tells of it: another folder for the record unseals nothing."""
    judged.validate(open_seal=True)
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "another"))
    fresh = Study(judged.archive.root, folder=judged.folder)
    fresh.sweep(AXES)
    with pytest.raises(ResearchError, match="knows nothing of the opening of 2026-05-20 to 2026-05-22"):
        fresh.validate(open_seal=True)
