"""Records that are not as a session writes them: damaged, of another version, by another hand; one hides no other."""

import json
import os
from pathlib import Path

import pytest

from tests.hostile.outsider import momentum_kit, refused, taken
from tests.hostile.told_sessions import BEGIN, DAY, SYMBOL, plant, session

RUBBISH = {"words": "junk", "deep": "[" * 10_000, "bytes": b"\xff\xfe", "infinite": 1e999, "list": '[1, [2], {"a": 3}]',
           "object": '{"a": 1}', "nothing": "", "null": None}  # fmt: skip
ALONE = (("orders",), ("why", SYMBOL), ("log",))
TOGETHER = (("runs",), ("drift", "runs", "runs"), ("drift", "runs", "runs", "--features"), ("review",))
FLEX = """<FlexQueryResponse type="AF"><FlexStatements><FlexStatement accountId="DU1" fromDate="20261117"
toDate="20261117"><Trades/><OpenPositions/><TransactionFees/></FlexStatement></FlexStatements></FlexQueryResponse>"""


@pytest.fixture
def runs(project: Path) -> Path:
    """Two sessions, whose second one is spoilt."""
    for name in ("1-good", "2-spoilt"):
        session(project / "runs" / name)
    return project / "runs"


@pytest.mark.parametrize("name", RUBBISH)
def test_a_spoilt_record_is_told_in_a_line_and_hides_no_other(name: str, runs: Path) -> None:
    """By every command that looks; a reconciliation takes it for a difference, since it may hide fills."""
    plant(runs / "2-spoilt", RUBBISH[name])
    (runs.parent / "statement.xml").write_text(FLEX)
    for command in ALONE:
        done = momentum_kit(runs.parent, *command, "--run", str(runs / "2-spoilt"))
        if done.returncode:
            refused(done, "not as a session of this version writes it")
    for command in TOGETHER:
        said = taken(momentum_kit(runs.parent, *command))
        assert command[0] == "drift" or "1-good" in said or "1 trade" in said or "2 trades" in said, said
    done = momentum_kit(runs.parent, "reconcile", DAY, "--flex", "statement.xml", "--account", "DU1")
    assert "Traceback" not in done.stderr
    assert done.returncode in (1, 2)
    if name == "words":
        assert "2-spoilt" in done.stdout
        assert "not as a session of this version writes it" in done.stdout


@pytest.mark.parametrize("column", ["at", "symbols", "rules", "decided_at", "limits", "exec_id"])
@pytest.mark.parametrize("name", ["words", "deep", "bytes", "object"])
def test_a_single_column_of_rubbish_is_told_as_well(name: str, column: str, runs: Path) -> None:
    """Whatever the column: no traceback."""
    plant(runs / "2-spoilt", RUBBISH[name], (column,))
    for command in ALONE:
        done = momentum_kit(runs.parent, *command, "--run", str(runs / "2-spoilt"))
        assert done.returncode in (0, 1), done.stderr[-2_000:]
        assert "Traceback" not in done.stderr, done.stderr[-2_000:]


def test_a_folder_whose_name_is_no_text_hides_no_session(runs: Path) -> None:
    """Named in Latin-1, or by an escape: shown with a mark in its place."""
    session(runs / os.fsdecode(b"3-caf\xe9\x1b[2J"))
    rows = json.loads(taken(momentum_kit(runs.parent, "runs", "--json")).splitlines()[-1])["runs"]
    assert [row["run"] for row in rows] == ["1-good", "2-spoilt", "3-caf?\x1b[2J"]
    for command in (*TOGETHER, ("review", "--page", "week.html")):
        said = taken(momentum_kit(runs.parent, *command))
        assert "\x1b" not in said
    assert "3 trades" in taken(momentum_kit(runs.parent, "review"))


@pytest.mark.parametrize("content", ["[" * 10_000, "{", '{"account": 7}', "\0", "9" * 6_000])
def test_a_last_word_that_is_none_is_told(content: str, runs: Path) -> None:
    """Of a session that ended: beside the others, and by a reconciliation as of nobody."""
    (runs / "2-spoilt" / "engine.json").write_text(content)
    assert "not readable as a last snapshot" in taken(momentum_kit(runs.parent, "runs"))
    (runs.parent / "statement.xml").write_text(FLEX)
    done = momentum_kit(runs.parent, "reconcile", f"{BEGIN:%Y-%m-%d}", "--flex", "statement.xml", "--account", "DU1")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["[" * 10_000, "{}", "[]", '{"day": 7}', "9" * 6_000, '"\\ud800"'])
def test_a_replay_file_that_is_none_is_told(content: str, runs: Path) -> None:
    """By a parity that asks what made the run."""
    (runs / "1-good" / "replay.json").write_text(content)
    refused(momentum_kit(runs.parent, "parity", "runs/1-good"), "replay.json", "malformed")
