"""Commands that look: at a session's folder here, at a running one in tests/chaos."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from momentum_kit.cli import main
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

AT = "2026-11-20T15:0{}:00.000Z"


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Path]:
    """A session that heard one headline and placed one order."""
    folder = tmp_path / "runs" / "2026-11-20T14-29-58Z"
    folder.mkdir(parents=True)
    journal = SqliteJournal(folder / "journal.db")
    put(journal, "headlines", at=AT.format(1), provider="XY", story_id="s", text="Quarst wins", symbols=["QRST"],
        outcome="item", reason="")  # fmt: skip
    put(journal, "orders", at=AT.format(2), symbol="QRST", order_id=4, leg="entry", action="BUY", order_type="LMT",
        quantity=30, limit_price=4.25, change="place")  # fmt: skip
    put(journal, "equity", at=AT.format(3), realised_usd=0.0, unrealised_usd=1.5, costs_usd=0.5)
    journal.close()
    yield folder


def test_orders_why_and_log_read_a_folder_in_new_york_time(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No engine has to run; the hour is the exchange's."""
    assert main(["orders", "--run", str(run)]) == 0
    told = capsys.readouterr().out
    assert "10:02:00  QRST    entry  place   BUY" in told
    assert "New York" in told
    assert main(["why", "qrst", "--run", str(run)]) == 0
    assert "10:02:00 EST  order     QRST: entry sent: BUY 30 LMT, limit 4.25" in capsys.readouterr().out
    assert main(["log", "--run", str(run)]) == 0
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == ["headline", "order"]


def test_runs_lists_every_session_of_a_folder(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what it earned; for a program as JSON."""
    assert main(["runs", str(run.parent)]) == 0
    assert run.name in capsys.readouterr().out
    assert main(["runs", str(run.parent), "--json"]) == 0
    (only,) = json.loads(capsys.readouterr().out)["runs"]
    assert (only["run"], only["net_usd"], only["headlines"]) == (run.name, 1.0, 1)


def test_drift_is_a_status_that_a_schedule_can_ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 where a number drifted, 0 where none did, and the table says below what nobody can tell."""
    generator = np.random.default_rng(9)
    for name, signals in (("reference", 3.0), ("alike", 3.0), ("other", 9.0)):
        for number in range(22):
            folder = tmp_path / name / f"2026-09-{number + 1:02}T13-29-58Z"
            folder.mkdir(parents=True)
            journal = SqliteJournal(folder / "journal.db")
            for _ in range(generator.poisson(signals)):
                put(journal, "decisions", at=AT.format(1), decided_at=AT.format(1), verdict="signal", final=1)
            journal.close()
    reference = str(tmp_path / "reference")
    assert main(["drift", reference, str(tmp_path / "alike")]) == 0
    told = capsys.readouterr().out
    assert "quiet; cannot tell below a change of" in told
    assert "smallest_N" in told
    assert main(["drift", reference, str(tmp_path / "other"), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["drifted"]
    assert {each["number"]: each["verdict"] for each in found["numbers"]}["signals"].startswith("drifted (higher)")


@pytest.mark.parametrize(
    "arguments",
    [["orders", "--run"], ["why", "QRST", "--run"], ["log", "--run"], ["runs"], ["drift"]],
    ids=lambda each: each[0],
)
def test_a_folder_that_is_not_there_is_one_line(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the folder, and nothing is made there; nor does it hang on a `runs` that a checkout happens to have."""
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, str(tmp_path / "nowhere")]) != 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere" in line
    assert not list(tmp_path.iterdir())


def test_features_that_moved_are_a_status_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the first decision on each item alone; a delay that grew is named beside them."""
    generator = np.random.default_rng(5)
    for name, spread, delay_s in (("reference", 40.0, 2), ("alike", 40.0, 2), ("other", 90.0, 30)):
        for number in range(8):
            folder = tmp_path / name / f"2026-09-{number + 1:02}T13-29-58Z"
            folder.mkdir(parents=True)
            journal = SqliteJournal(folder / "journal.db")
            for item in range(15):
                for later in (0.0, 1_000.0):
                    put(journal, "decisions", at=AT.format(1), item_id=f"i{item}",
                        features={"spread_bps": float(generator.normal(spread, 5.0)) + later, "clv": None})  # fmt: skip
                seconds = delay_s + int(generator.integers(0, 5))
                put(journal, "headlines", at=AT.format(1), outcome="item", published_at="2026-11-20T15:00:00.000Z",
                    received_at=f"2026-11-20T15:00:{seconds:02}.000Z")  # fmt: skip
            journal.close()
    assert main(["drift", str(tmp_path / "reference"), str(tmp_path / "alike"), "--features", "--json"]) == 0
    numbers = json.loads(capsys.readouterr().out)["numbers"]
    assert {each["feature"] for each in numbers} == {"spread_bps", "delay_s"}
    assert [each["values"] for each in numbers] == [120, 120]
    assert main(["drift", str(tmp_path / "reference"), str(tmp_path / "other"), "--features"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in told if line.startswith(("spread_bps", "delay_s"))] == ["moved", "moved"]
    assert told[0].split()[:5] == ["feature", "verdict", "psi", "chance_95", "smallest"]
    (delay,) = [line.split() for line in told if line.startswith("delay_s")]
    assert delay[-4:-2] == ["4", "32"]  # medians, four digits at most: 2 to 6 s then, 30 to 34 now
    (tmp_path / "nothing").mkdir()
    assert main(["drift", str(tmp_path / "reference"), str(tmp_path / "nothing"), "--features"]) == 0
    assert "not judged: known then only" in capsys.readouterr().out
    assert main(["drift", str(tmp_path / "nothing"), str(tmp_path / "nothing"), "--features"]) == 0
    assert "nothing was judged" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["[1]", "null", '"x"', '{"spread_bps": 1' + "0" * 400 + "}", "{", "[" * 100_000])
def test_one_damaged_row_of_features_hides_no_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """In one of twelve sessions, a row that is none of ours."""
    generator = np.random.default_rng(5)
    for name in ("then", "now"):
        for number in range(6):
            journal = SqliteJournal(tmp_path / name / f"{number}" / "journal.db")
            for item in range(9):
                features = {"spread_bps": float(generator.normal(40, 5))}
                put(journal, "decisions", at=AT.format(1), item_id=f"i{item}", features=features)
            journal.close()
    with closing(sqlite3.connect(tmp_path / "now" / "5" / "journal.db")) as journal, journal:
        journal.execute("UPDATE decisions SET features = ? WHERE id = 1", (text,))
    assert main(["drift", str(tmp_path / "then"), str(tmp_path / "now"), "--features"]) == 0
    assert "spread_bps  quiet" in capsys.readouterr().out
