"""The chain of `momentum-kit research` on the committed sample, as a shell runs it."""

import json
import shutil
from pathlib import Path

import pytest

from momentum_kit import Study
from momentum_kit.cli import main
from momentum_kit.config import load_thresholds

ROOT = Path(__file__).resolve().parents[3]
AXES = ("min_z_tod=2,6,10", "min_rvol_bar=2,6", "max_spread_bps=100,35", "min_rvol_cum=0.5", "max_spread_share=0.5")

pytestmark = pytest.mark.usefixtures("own_record")


@pytest.fixture(scope="module")
def study(tmp_path_factory, own_record) -> Path:
    """A folder with the event table of the sample."""
    folder = tmp_path_factory.mktemp("study")
    Study(ROOT / "data" / "sample", folder=folder, config=ROOT / "config" / "sim.yaml").build()
    return folder


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command in the project; returns its status, its last line as JSON where asked for, and stderr."""
    monkeypatch.chdir(ROOT)

    def run(*arguments: str) -> tuple[int, dict, str]:
        status = main(["research", *arguments])
        said = capsys.readouterr()
        plain = json.loads(said.out.splitlines()[-1]) if "--json" in arguments and not status else {}
        return status, plain, said.err if status else said.out

    return run


def swept(run, study: Path) -> dict:
    """The sweep that the chain goes on from."""
    axes = [word for axis in AXES for word in ("--axis", axis)]
    status, found, _ = run("sweep", *axes, "--study", str(study), "--json")
    assert status == 0
    return found


def test_headlines_are_counted_with_what_came_of_them(run):
    """Every item of the sample is counted once by each column."""
    status, found, _ = run("headlines", "--json")
    assert (status, found["headlines"], found["items"]) == (0, 330, 330)
    for by in ("provider", "catalyst", "session"):
        assert sum(row["items"] for row in found[by]) == 330
    assert {row["session"] for row in found["session"]} == {"regular"}


def test_labelled_headlines_are_evaluated_instead(run, tmp_path):
    """One object with every measure of the reading; what the labels do not carry is null, for JSON knows no nan."""
    (file := tmp_path / "own.jsonl").write_text('{"text": "Globex (NASDAQ: GLBX) Soars", "tickers": ["GLBX"]}\n')
    (pairs := tmp_path / "pairs.jsonl").write_text('{"a": "GLBX Up", "b": "GLBX Down", "same": false}\n')
    status, found, _ = run("headlines", "--evaluate", str(file), "--pairs", str(pairs), "--json")
    assert (status, found["ticker_precision"], found["distinct_kept"], found["headlines"]) == (0, 1.0, 1.0, 1)
    assert found["by_rule"]["exchange"]["precision"]["low"] < 1
    assert {name for name, value in found.items() if value is None} >= {"dilution_recall", "false_per_1000"}
    status, _, shown = run("headlines", "--evaluate", str(file))
    assert (status, "companies found that are concerned" in shown) == (0, True)


def test_labels_that_cannot_be_read_are_told_by_row(run, tmp_path):
    """Status 2 and one line; pairs without headlines to evaluate are refused as well."""
    (file := tmp_path / "own.jsonl").write_text('{"text": "Globex Soars"}\n{"text": "Globex Sinks", "bar": 1}\n')
    status, _, said = run("headlines", "--evaluate", str(file))
    assert (status, said.strip()) == (2, f"{file}, row 2: bar must be true or false, not 1")
    status, _, said = run("headlines", "--pairs", str(file))
    assert (status, said.strip()) == (2, "--pairs: only with --evaluate FILE")


def test_events_are_built_with_outcomes_and_kept(run, tmp_path):
    """The table of one day, with an exit rule of one's own beside the session's."""
    exits = tmp_path / "exits.yaml"
    exits.write_text("live: {}\nquick: {time_stop_s: 120, target_r: null}\n")
    days = ("--from", "2026-05-05", "--to", "2026-05-05")
    status, found, _ = run("events", *days, "--exits", str(exits), "--study", str(tmp_path / "s"), "--json")
    assert (status, found["exits"], found["first_day"], found["last_day"]) == (
        0, ["live", "quick"], "2026-05-05", "2026-05-05",
    )  # fmt: skip
    assert Path(found["file"]).is_file()
    assert found["events"] == 22


@pytest.mark.parametrize("by", ["all", "price", "shock"])
def test_the_study_shows_groups_and_a_picture(run, study, tmp_path, by):
    """Groups add up to the events that do not overlap; the sealed days are not among them."""
    png = tmp_path / "study.png"
    status, found, _ = run("study", "--by", by, "--png", str(png), "--study", str(study), "--json")
    assert status == 0
    assert sum(row["events"] for row in found["groups"]) == found["events"] - found["overlapping"]
    assert found["events"] == 264
    assert png.read_bytes().startswith(b"\x89PNG")
    status, _, words = run("study", "--by", by, "--study", str(study))
    assert (status, "net_bps" in words) == (0, True)


def test_a_tear_sheet_is_written_beside_the_study(run, study):
    """One page; its numbers as JSON; another exit rule than the events have is refused in one line."""
    status, found, _ = run("tear-sheet", "--study", str(study), "--json")
    assert (status, found["exit_rule"], found["fills"]) == (0, "live", sum(row["fills"] for row in found["by"]["exit"]))
    assert Path(found["page"]) == study / "tear_sheet.html"
    status, _, said = run("tear-sheet", "--exit", "quick", "--study", str(study))
    assert (status, "no exit rule quick" in said) == (2, True)


def test_from_sweep_to_verdict_to_thresholds(run, study, tmp_path):
    """The chain: every trial counted, cannot tell on so few days, no export without a reason, and then a valid file."""
    found = swept(run, study)
    assert (found["cells"], found["days"]) == (12, 12)
    assert found["trials"] >= 12
    assert swept(run, study)["new_trials"] == 0
    status, judged, said = run("validate", "--placebos", "1", "--study", str(study), "--json")
    assert status == 0, said
    assert (status, judged["verdict"], judged["sealed_opened"]) == (0, "cannot tell", False)
    assert "Verdict: cannot tell" in Path(judged["md"]).read_text()
    assert "<h1>Verdict: cannot tell</h1>" in Path(judged["html"]).read_text()
    status, _, refusal = run("export", "tuned", "--into", str(tmp_path), "--study", str(study))
    assert (status, "give a reason" in refusal) == (4, True)
    status, exported, _ = run(
        "export", "tuned", "--despite", "to test the chain", "--into", str(tmp_path), "--study", str(study), "--json"
    )
    thresholds = load_thresholds(exported["file"])
    assert status == 0
    assert thresholds.export is not None
    assert (thresholds.export.verdict, thresholds.export.despite) == ("cannot tell", "to test the chain")


def test_the_seal_opens_once(run, study, tmp_path, monkeypatch):
    """The second look is refused by name."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))  # what is opened stays so for other tests too
    study = Path(shutil.copytree(study, tmp_path / "study"))
    swept(run, study)
    status, judged, _ = run("validate", "--open-seal", "--study", str(study), "--json")
    assert (status, judged["sealed_opened"]) == (0, True)
    status, _, refusal = run("validate", "--open-seal", "--study", str(study))
    assert (status, "were opened at" in refusal, len(refusal.splitlines())) == (4, True, 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sweep",), "no grid"),
        (("sweep", "--axis", "min_z_tod"), "expected NAME=value"),
        (("sweep", "--axis", "min_z_tod=2,x"), "are not numbers"),
        (("sweep", "--axis", "min_z_tod=4,2"), "steps must ascend"),
        (("sweep", "--axis", "min_ztod=2,4"), "did you mean min_z_tod"),
        (("sweep", "--axis", "min_z_tod=2", "--axis", "min_z_tod=3,4"), "given twice"),
        (("sweep", "--axis", "min_z_tod=2"), "one value"),
        (("sweep", "no.yaml"), "No such file"),
        (("sweep", "--axis", "min_z_tod=2,4", "--exit", "mine"), "no outcomes for the exit rule mine"),
        (("study", "--by", "mood"), "cannot group by mood"),
        (("study", "--market", "SPY"), "no bars of the market symbol SPY"),
        (("study", "--exit", "mine"), "no outcomes for the exit rule mine"),
        (("study", "--archive", "nowhere"), "no archive here"),
        (("headlines", "--from", "soon"), "expected YYYY-MM-DD"),
        (("headlines", "--from", "2030-01-01", "--to", "2030-01-02"), "no headlines from"),
        (("headlines", "--impute", "soon"), "expected seconds"),
        (("events", "--exits", "no.yaml"), "No such file"),
        (("validate", "--later", "nowhere"), "no archive here"),
        (("validate", "--placebos", "-1"), "placebos"),
    ],
)
def test_bad_input_is_one_clear_line(run, study, arguments, words):
    """Exit status 2, and what to do instead."""
    where = () if arguments[0] == "headlines" else ("--study", str(study))
    status, _, said = run(*arguments, *where)
    assert status == 2
    assert words in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("study",), "run: momentum-kit research events"),
        (("sweep", "--axis", "min_z_tod=2,4"), "run: momentum-kit research events"),
        (("export", "x"), "run: momentum-kit research validate"),
    ],
)
def test_a_step_before_its_predecessor_names_it(run, tmp_path, command, words):
    """Nothing is built on the sly."""
    status, _, said = run(*command, "--study", str(tmp_path / "empty"))
    assert (status, words in said) == (2, True)


def test_a_verdict_needs_a_sweep(run, study, tmp_path):
    """The table alone cannot be judged."""
    for name in ("events.parquet", "basis.json"):
        (tmp_path / name).write_bytes((study / name).read_bytes())
    status, _, said = run("validate", "--study", str(tmp_path))
    assert (status, "run: momentum-kit research sweep" in said) == (2, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- 1", "expected keys and values"),
        ("live: 3", "exit rule live"),
        ("live: {time: 3}", "no key time"),
        ("live: {time_stop_s: soon}", "must be a number"),
        ("live: {time_stop_s: -3}", "must be positive"),
        ("{}", "no exit rules"),
    ],
)
def test_exit_rules_that_cannot_be_are_refused(run, study, tmp_path, text, words):
    """With the file and the key."""
    file = tmp_path / "exits.yaml"
    file.write_text(text)
    status, _, said = run("events", "--exits", str(file), "--study", str(tmp_path / "s"))
    assert (status, words in said, len(said.splitlines())) == (2, True, 1)


def test_a_grid_file_and_options_go_together(run, study, tmp_path):
    """The options go over the file, one value alone is held."""
    file = tmp_path / "grid.yaml"
    file.write_text("min_z_tod: [2, 4]\nmin_rvol_bar: [2, 4, 6]\nmin_rvol_cum: 0.5\n")
    status, found, _ = run("sweep", str(file), "--axis", "min_rvol_bar=2,4", "--study", str(study), "--json")
    assert (status, found["cells"]) == (0, 4)
    assert {row["min_rvol_bar"] for row in found["finalists"]} <= {2.0, 4.0}
