"""One recorded day, three ways: virtual replay and wire replay agree row by row, and parity explains what differs."""

import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from momentum_kit.cli import main
from momentum_kit.runtime.parity import RunToReplay, parity_of_run
from momentum_kit.runtime.parity.compare_runs import compare_runs
from momentum_kit.runtime.parity.series_parity import data_parity
from momentum_kit.runtime.replay import Replay, run_replay
from momentum_kit.sessions import session_on
from momentum_kit.storage.archive import BARS_5S, QUOTES_5S, Archive, Series
from momentum_kit.storage.journal import query
from tests.parity.small_days import SOURCE, Made, write_days

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = ROOT / "config" / "replay.yaml"
DAY = date(2026, 11, 20)
UNTIL = session_on(DAY).open + timedelta(minutes=45)
DECIDED = "SELECT story_id, con_id, decided_at, verdict, reason, detail, final, price, features, rules FROM decisions"
TRADED = "SELECT story_id, con_id, at, verdict, reason, quantity, limits FROM risk"
ORDERED = "SELECT at, order_id, leg, con_id, order_type, quantity, limit_price, stop_price, change FROM orders"
FILLED = "SELECT exec_id, order_id, side, shares, price, time FROM executions"
ENDED = "SELECT at, item_id, opened_at, closed_at, quantity, entry_price, exit_price, net_usd, reason FROM round_trips"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A small day with surges, most of them after headlines of the first half hour."""
    folder = tmp_path_factory.mktemp("archive")
    return write_days(folder, DAY, symbols=4, headlines=8, seed=4, quiet=0.0, last_s=1500)


def day_of(made: Made, **changes: Any) -> Replay:
    """Its first 45 minutes."""
    return Replay(archive=made.folder, day=DAY, config=CONFIG, until=UNTIL, **changes)


@pytest.fixture(scope="module")
def virtual(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the virtual replay."""
    folder = tmp_path_factory.mktemp("virtual")
    summary = run_replay(day_of(made), ROOT, folder)
    assert summary["signals"] and summary["entries"] and summary["round_trips"]
    return folder


@pytest.mark.parametrize("server_version", [200, 226])
def test_virtual_and_wire_replay_are_equal_row_by_row(
    made: Made, virtual: Path, tmp_path: Path, server_version: int
) -> None:
    """Decisions with every feature, risk verdicts, orders, fills and round trips; by text and by protobuf."""
    run_replay(day_of(made, wire=True, server_version=server_version), ROOT, tmp_path)
    for what in (DECIDED, TRADED, ORDERED, FILLED, ENDED):
        rows = query(tmp_path / "journal.db", what)
        assert rows
        assert sorted(map(str, rows)) == sorted(map(str, query(virtual / "journal.db", what)))
    found = compare_runs(virtual, tmp_path)
    assert (found.differing, found.traded_differing, found.fills_differing) == (0, 0, 0)
    assert found.decisions > 100


def test_every_headline_has_its_decision_times(made: Made, virtual: Path) -> None:
    """Each 5 s close from 5 s to 120 s after its arrival, until it signals: 23 or 24; received to the millisecond."""
    headlines = {line.article_id: line for line in Archive(made.folder).headlines(DAY, DAY)}
    rows = query(virtual / "journal.db", "SELECT article_id, story_id, received_at FROM headlines")
    for article_id, story_id, received in rows:
        arrived = headlines[article_id].received_at
        assert datetime.fromisoformat(received) == arrived
        times = query(
            virtual / "journal.db",
            "SELECT decided_at, verdict FROM decisions WHERE story_id = ? AND (final = 0 OR verdict = 'signal')",
            [story_id],
        )
        ages = [(datetime.fromisoformat(at) - arrived).total_seconds() for at, _ in times]
        assert all(5 <= age <= 120 for age in ages)
        assert len(times) in (23, 24) or times[-1][1] == "signal"


def test_parity_names_the_rule_that_differs(made: Made, virtual: Path, tmp_path: Path) -> None:
    """Another threshold: the decisions that change are listed, with value and limit of the rule on both sides."""
    run_replay(day_of(made, overrides={"thresholds.min_z_tod": 1000.0}), ROOT, tmp_path)
    found = compare_runs(virtual, tmp_path)
    assert found.differing
    assert any("z: " in each.why and "fails 1000" in each.why for each in found.differences)
    assert found.traded_differing == found.traded
    assert found.features["z_tod"] == {"absolute": 0.0, "relative": 0.0}


def test_a_replay_ends_when_what_is_held_has_no_market_any_more(made: Made, virtual: Path, tmp_path: Path) -> None:
    """A recording that stops while something is held: the replay says so, and ends with the recorded day."""
    opened = min(map(str, (at for (at,) in query(virtual / "journal.db", "SELECT opened_at FROM round_trips"))))
    ends = datetime.fromisoformat(opened)
    cut, source = Archive(tmp_path / "cut"), Archive(made.folder)
    last_us = int(ends.timestamp() * 1e6)
    for symbol in source.symbols(DAY, BARS_5S):
        for kind in ("bars_1m", BARS_5S, QUOTES_5S):
            for day in source.days(symbol, kind):
                columns = source.columns(kind, symbol, day, day)
                kept = {name: of[columns["start"] < last_us] for name, of in columns.items()}
                if kind == QUOTES_5S:
                    kept["bid_size"] = np.ones_like(kept["bid_size"])  # the last bid does not take all of it
                cut.extend([Series(kind=kind, symbol=symbol, day=day, rows=kept, provenance=SOURCE)])
    run, until = tmp_path / "run", ends + timedelta(seconds=10)
    replay = Replay(archive=cut.root, day=DAY, config=CONFIG, until=until, headlines=made.folder)
    assert run_replay(replay, ROOT, run)["entries"]
    ((told,),) = query(run / "journal.db", "SELECT text FROM incidents WHERE kind = 'not flat'")
    assert "no market any more" in told
    assert "held: " in told


def test_a_live_run_is_replayed_to_the_moment_it_left(made: Made, virtual: Path, tmp_path: Path) -> None:
    """From the archive that recorded it: decisions, risk verdicts and fills are the same, and none comes after."""
    shutil.copy(virtual / "journal.db", tmp_path)
    (tmp_path / "again").mkdir()
    found = parity_of_run(
        RunToReplay(run=tmp_path, archive=made.folder, config=CONFIG, project=ROOT, folder=tmp_path / "again")
    )
    assert (found.differing, found.traded_differing, found.fills_differing) == (0, 0, 0), str(found)
    assert found.decisions > 100


def test_data_parity_finds_what_was_changed(made: Made, tmp_path: Path) -> None:
    """History that lost a symbol's quotes and moved another's prices: series and decisions say so, and nothing else."""
    later = tmp_path / "later"
    archive, source = Archive(later), Archive(made.folder)
    first, second, *rest = source.symbols(DAY, BARS_5S)
    for kind in ("bars_1m", BARS_5S, QUOTES_5S):
        for symbol in (first, second, *rest):
            days = source.days(symbol, kind)
            for day in days:
                columns = dict(source.columns(kind, symbol, day, day))
                if kind == QUOTES_5S and symbol == first:
                    continue
                if kind == BARS_5S and symbol == second:
                    columns["high"] = columns["high"] + 0.01
                archive.extend([Series(kind=kind, symbol=symbol, day=day, rows=columns, provenance=SOURCE)])
    found = data_parity(day_of(made), later, ROOT, tmp_path / "parity")
    apart = {(each.kind, each.symbol): each for each in found.series if each.differing or each.later != each.recorded}
    assert set(apart) == {(QUOTES_5S, first), (BARS_5S, second)}
    assert apart[BARS_5S, second].largest == {"high": pytest.approx(0.01)}
    assert apart[QUOTES_5S, first].later == 0
    assert {each.symbol for each in found.decided.differences} <= {first, second}
    assert np.isclose(found.decided.features["ret_60s"]["absolute"], 0.0)


def test_the_commands_speak_json(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`replay` prints its summary; what cannot be replayed is one line and exit status 2."""
    monkeypatch.chdir(ROOT)
    given = ["replay", str(DAY), "--archive", str(made.folder), "--out", str(tmp_path), "--json"]
    assert main([*given, "--set", "detection.observe_until_s=120"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["headlines"] == 8
    assert summary["run"] == str(tmp_path)
    assert main(["replay", "yesterday", "--json"]) == 2
    assert main(["parity", str(made.folder), "--json"]) == 2
    assert main(["replay", "2026-11-19", "--archive", str(made.folder), "--out", str(tmp_path / "none")]) != 0
    assert "no 5 s bars on 2026-11-19" in capsys.readouterr().err
