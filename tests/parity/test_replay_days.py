"""Many days side by side: each as it is alone, whatever a worker, a bad day or the order does to the others."""

import json
import os
import signal
import threading
from datetime import date, timedelta
from pathlib import Path

import psutil
import pytest

from momentum_kit.cli import main
from momentum_kit.errors import ArchiveError, InputError
from momentum_kit.notebook.record import Runs
from momentum_kit.runtime.replay import Replay, ReplayedDay, days_between, prepare_days_folder, replay_days, run_replay
from momentum_kit.runtime.replay.days import total_of
from momentum_kit.storage.journal import query
from tests.parity.small_days import Made, write_days

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = ROOT / "config" / "replay.yaml"
LAST = date(2026, 11, 20)
DECIDED = "SELECT story_id, con_id, decided_at, verdict, reason, detail, final, price, features, rules FROM decisions"
ORDERED = "SELECT at, order_id, leg, con_id, order_type, quantity, limit_price, stop_price, change FROM orders"
FILLED = "SELECT exec_id, order_id, side, shares, price, time FROM executions"
ENDED = "SELECT at, item_id, opened_at, closed_at, quantity, entry_price, exit_price, net_usd, reason FROM round_trips"
SKIPPED = "SELECT at, story_id, received_at, outcome, reason FROM headlines"
REFUSED = "SELECT story_id, con_id, at, verdict, reason, quantity FROM risk"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two days with surges after the headlines of their first half hour, and hours in which nothing comes."""
    return write_days(
        tmp_path_factory.mktemp("archive"), LAST, days=2, symbols=4, headlines=8, seed=4, quiet=0.0, last_s=1500
    )


@pytest.fixture(scope="module")
def replay(made: Made) -> Replay:
    """What is the same for every day."""
    return Replay(archive=made.folder, day=made.days[0], config=CONFIG, leaps=True)


@pytest.fixture(scope="module")
def lived(made: Made, replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[date]]:
    """All of them in two processes, while one of these is killed; the folder, and the order in which they came."""
    folder, through = tmp_path_factory.mktemp("lived"), list[date]()
    killed = threading.Event()
    killer = threading.Thread(target=_kill_a_worker, args=(killed,))
    killer.start()
    found = replay_days(replay, made.days, ROOT, folder, workers=2, done=lambda each: through.append(each.day))
    killed.set()
    killer.join()
    assert [each.day for each in found] == list(made.days)
    assert [each.failure for each in found] == [""] * 2
    return folder, through


def _kill_a_worker(over: threading.Event) -> None:
    """The first process that lives a day, once it has begun; another one than this test's others."""
    while not over.wait(0.01):
        for child in psutil.Process().children():
            try:
                if "spawn_main" in " ".join(child.cmdline()) and child.cpu_times().user > 1.0:
                    child.kill()
                    return
            except psutil.Error:
                continue


def test_each_day_is_what_it_is_alone_and_beat_by_beat(
    made: Made, replay: Replay, lived: tuple[Path, list[date]], tmp_path: Path
) -> None:
    """Decided, ordered, filled and ended alike to the row, though hours of nothing were passed in minutes."""
    folder, _ = lived
    traded = 0
    for day in made.days:
        alone = tmp_path / str(day)
        traded += run_replay(Replay(archive=made.folder, day=day, config=CONFIG), ROOT, alone)["round_trips"]
        for what in (DECIDED, REFUSED, ORDERED, FILLED, ENDED, SKIPPED):
            rows = query(folder / str(day) / "journal.db", what)
            assert rows == query(alone / "journal.db", what)
        written, fewer = (
            query(each / "journal.db", "SELECT count(*) FROM equity")[0][0] for each in (alone, folder / str(day))
        )
        assert fewer < 0.8 * written
    assert traded, "the days have nothing to compare"


def test_all_days_are_told_once_and_stand_side_by_side(made: Made, lived: tuple[Path, list[date]]) -> None:
    """Though a worker died; `Runs` opens them together."""
    folder, through = lived
    assert sorted(through) == list(made.days)
    runs = Runs(folder)
    assert [run.run_dir.name for run in runs] == [str(day) for day in made.days]
    assert len(runs.sessions()) == 2


def test_a_day_that_cannot_be_lived_costs_no_other(made: Made, replay: Replay, tmp_path: Path) -> None:
    """It is told with its reason, in its place."""
    missing = made.days[0] - timedelta(days=1)
    found = replay_days(replay, [missing, made.days[0]], ROOT, tmp_path, workers=2)
    assert "no 5 s bars on" in found[0].failure
    assert found[0].summary is None
    assert found[1].summary is not None
    assert total_of(found)["days"] == 1


def test_a_day_that_kills_each_worker_is_named_after_two_tries(
    made: Made, replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a day that needs more memory than there is; the others, beside it and after it, are lived all the same."""
    days = [made.days[0], *(made.days[0] + timedelta(days=365 * at) for at in range(1, 9))]
    monkeypatch.setattr("momentum_kit.runtime.replay.days._live", _live_or_die)
    found = replay_days(replay, days, ROOT, tmp_path, workers=2)
    assert [each.day for each in found] == days
    assert "died 2 times" in found[0].failure
    assert [each.summary for each in found[1:]] == [{"lived": True}] * 8
    assert list(tmp_path.iterdir()) == []


def _live_or_die(replay: Replay, _project: Path, folder: Path) -> ReplayedDay:
    (folder / f".{replay.day}").mkdir(exist_ok=True)
    if replay.day.year == LAST.year:
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / f".{replay.day}").rmdir()
    return ReplayedDay(day=replay.day, summary={"lived": True})


def test_the_total_sums_days_and_knows_their_deepest_fall() -> None:
    """Between closes, from the highest one before."""
    nets = [100.0, -30.0, -50.0, 20.0, 90.0, -40.0]
    names = ("headlines", "signals", "entries", "fills", "round_trips", "wins", "costs_usd")
    days = [
        ReplayedDay(day=LAST + timedelta(days=at), summary={**dict.fromkeys(names, 1), "net_pnl_usd": net})
        for at, net in enumerate(nets)
    ]
    total = total_of([*days, ReplayedDay(day=LAST, failure="torn")])
    assert (total["days"], total["entries"], total["net_pnl_usd"]) == (6, 6, 90.0)
    assert (total["worst_day_usd"], total["best_day_usd"], total["drawdown_usd"]) == (-50.0, 100.0, 80.0)


def test_days_are_those_of_the_archive(made: Made, tmp_path: Path) -> None:
    """Both ends included; the wrong way round, or where there is none, is one line."""
    assert days_between(made.folder, LAST, LAST) == (LAST,)
    assert days_between(made.folder, date(2000, 1, 1), date(2100, 1, 1)) == made.days
    with pytest.raises(InputError, match="name the first day first"):
        days_between(made.folder, LAST, made.days[0])
    with pytest.raises(ArchiveError, match=f"its days with 5 s bars: {made.days[0]} to {LAST}"):
        days_between(made.folder, date(2020, 1, 1), date(2020, 2, 1))
    with pytest.raises(ArchiveError, match="nor on any other day"):
        days_between(tmp_path, date(2020, 1, 1), date(2020, 2, 1))


def test_nothing_of_the_users_and_no_day_of_before_is_in_the_way(made: Made, tmp_path: Path) -> None:
    """Another file, or a day that was replayed here, is refused by name; other days may stand beside."""
    (tmp_path / "2020-01-02").mkdir()
    assert prepare_days_folder(tmp_path, made.days) == tmp_path.resolve()
    (tmp_path / str(LAST)).mkdir()
    with pytest.raises(InputError, match=f"holds the replay of {LAST} already"):
        prepare_days_folder(tmp_path, made.days)
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"holds thesis\.tex, which is no day's replay"):
        prepare_days_folder(tmp_path, made.days[:1])
    assert (tmp_path / "thesis.tex").exists()


def test_the_command_line_takes_a_last_day(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row a day and one for all; what is wrong is one line and leaves nothing."""
    out = tmp_path / "out"
    given = ["replay", str(LAST), str(LAST), "--archive", str(made.folder), "--out", str(out), "--workers", "1"]
    assert main(given) == 0
    told = capsys.readouterr().out
    assert all(str(day) in told for day in made.days[1:])
    assert "deepest fall" in told
    assert main([*given, "--json"]) == 2
    assert "already" in capsys.readouterr().err
    assert main(["replay", str(LAST), "yesterday", "--archive", str(made.folder)]) == 2
    assert main([*given[:-4], "--out", str(tmp_path / "sealed"), "--open-seal"]) == 2
    assert "--open-seal belongs to one day" in capsys.readouterr().err
    assert not (tmp_path / "sealed").exists()
    assert main([*given[:-4], "--out", str(tmp_path / "other"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["day"] for each in found["days"]] == [str(day) for day in made.days[1:]]
    assert found["total"]["entries"] == sum(each["entries"] for each in found["days"])
    assert found["failed"] == {}
