"""The flight log over journals of which is known what is in them."""

import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.models.session import ConnectionHealth, EngineStatus, LinkState, PositionView, TradingState
from momentum_kit.notebook.flight_log import quality
from momentum_kit.notebook.flight_log.flight_log import FlightLog, LogSection
from momentum_kit.notebook.flight_log.incidents import episodes
from momentum_kit.notebook.flight_log.quality import NOT_RECORDED
from momentum_kit.notebook.record import RecordTables
from momentum_kit.runtime.control import encode_status
from momentum_kit.runtime.production import KernelDeath
from momentum_kit.runtime.production.deaths import leave_deaths
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put

CONFIG = Path(__file__).resolve().parents[4] / "config" / "demo.yaml"
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"
SECTIONS = ("verdict", "configured", "counts", "result", "round_trips", "orders", "decisions", "incidents",
            "data_quality", "parity", "needs_a_human")  # fmt: skip


def log_of(journal: Path, **changes: Any) -> FlightLog:
    """The flight log of a run that left this journal and, unless status is None, this last word."""
    given: dict[str, Any] = {
        "state": TradingState.STOPPED, "reason": "stop by schedule", "environment": "sim", "account": "DU1",
        "market_time": OPEN, "started_at": OPEN, "health": ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP),
        "counts": {},
        "skips": {}, "queues": {}, "positions": (), "realised_usd": 0.0, "unrealised_usd": 0.0, "costs_usd": 0.0,
        "run_dir": str(journal.parent), "pid": 1,
    }  # fmt: skip
    last = EngineStatus(**given | changes)
    (journal.parent / "engine.json").write_text(encode_status(last))
    return reopened(journal)


def reopened(journal: Path) -> FlightLog:
    """The flight log of whatever lies there."""
    tables = RecordTables()
    tables.run_dir = journal.parent
    return FlightLog(tables, CONFIG, "close-5m")


def said(section: LogSection) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", section, flags=re.DOTALL))


def test_a_whole_session_is_told_in_every_section(write_session: Callable[..., Path]) -> None:
    """Orders with their headlines, round trips with R, costs beside the table, and nothing for a human."""
    log = log_of(write_session())
    words = {name: said(getattr(log, name)()) for name in SECTIONS}
    assert "nothing needs a human" in words["verdict"]
    assert "sha256" in words["configured"]
    assert "0.1.0+src." in words["configured"]
    assert "close-5m" in words["configured"]
    assert re.search(r"entry BUY \d+ LMT [\d.]+ fda: \w+ Holdings", words["orders"])
    assert "takes the profit of its entry" in words["orders"]
    assert "not exported by research" in words["result"]
    assert "by costs.yaml, plan fixed" in words["result"]
    assert words["parity"].strip() == NOT_RECORDED
    assert "Nothing: the session ended in order" in words["needs_a_human"]


def test_a_session_in_which_nothing_happened_says_so(journal_path: Path) -> None:
    """Every section stands, empty ones in words."""
    log = log_of(journal_path)
    words = {name: said(getattr(log, name)()) for name in SECTIONS}
    assert "no order was sent" in words["orders"]
    assert "no position was closed" in words["round_trips"]
    assert "no incident" in words["incidents"]
    assert "no story was tied to a symbol" in words["decisions"]


def test_an_engine_without_a_last_word_needs_a_human(journal_path: Path) -> None:
    """Killed, nobody knows what it held: the report is written all the same and says where to look."""
    log = reopened(journal_path)
    for name in SECTIONS:
        assert getattr(log, name)()
    assert "ended without a last word" in said(log.verdict())
    assert "the broker's own positions" in said(log.needs_a_human()).replace("&#x27;", "'")


def test_what_is_held_and_latched_needs_a_human(journal_path: Path) -> None:
    """With its number of shares, and the way out of a kill."""
    held = PositionView(
        symbol="SYLQ",
        con_id=1,
        quantity=300.0,
        average_price=5.0,
        last_price=5.1,
        unrealised_usd=30.0,
        stop_price=4.8,
        r=0.2,
        opened_at=OPEN,
    )
    log = log_of(journal_path, positions=(held,), state=TradingState.KILLED, arguments="--config mine.yaml")
    words = said(log.needs_a_human())
    assert "300 SYLQ" in words
    assert "momentum-kit clear --config mine.yaml" in words
    assert "2 for a human" in said(log.verdict())


def test_a_dead_kernel_is_told_with_what_happened_then(journal_path: Path) -> None:
    """Under incidents, and among what needs a human."""
    leave_deaths(
        journal_path.parent,
        [KernelDeath(at=OPEN, words="the kernel was ended by SIGKILL", kept="", then="the session goes on")],
    )
    log = log_of(journal_path)
    assert "the kernel was ended by SIGKILL" in said(log.incidents())
    assert "the session goes on" in said(log.incidents())
    assert "kernel died 1 times" in said(log.needs_a_human())


def test_words_from_outside_are_text(journal_path: Path) -> None:
    """A headline, a symbol and an incident that carry markup stay letters."""
    journal = SqliteJournal(journal_path)
    put(journal, "headlines", at=OPEN, story_id="1", text=HOSTILE, outcome="item", received_at=OPEN, published_at=OPEN)
    put(journal, "items", at=OPEN, item_id="1:1", story_id="1", symbol=HOSTILE, con_id=1, catalyst=HOSTILE)
    put(journal, "decisions", at=OPEN, item_id="1:1", story_id="1", symbol=HOSTILE, con_id=1, decided_at=OPEN,
                  verdict="skip", reason=HOSTILE, detail=HOSTILE, final=1)  # fmt: skip
    put(journal, "orders", at=OPEN, item_id="1:1", order_id=1, leg="entry", symbol=HOSTILE, con_id=1, action="BUY",
                  order_type="LMT", quantity=1, limit_price=2.0, change="place")  # fmt: skip
    put(journal, "order_updates", at=OPEN, order_id=1, status=HOSTILE, filled=0, remaining=1, avg_fill_price=0.0)
    put(journal, "incidents", at=OPEN, kind="failure", text=HOSTILE)
    put(journal, "notices", at=OPEN, order_id=1, code=202, text=HOSTILE, meaning=HOSTILE)
    journal.close()
    log = log_of(journal_path, reason=HOSTILE)
    for name in SECTIONS:
        assert "<img" not in getattr(log, name)()
    assert "&lt;img" in log.orders()


def test_incidents_have_durations(journal_path: Path) -> None:
    """What begins and ends is one trouble; farms one by one, and a halt of entries until a human resumes."""
    journal = SqliteJournal(journal_path)
    told = [
        (0, "connection", "connection to the gateway lost: EOF"), (2, "connection", "no gateway for 60 s"),
        (5, "data farm", "usfarm is down"), (6, "data farm", "ushmds is down"), (9, "data farm", "usfarm is up again"),
        (30, "connection", "reconnected and reconciled"), (40, "entries halted", "the journal cannot be written"),
        (200, "news", "not entitled to DJNL"),
    ]  # fmt: skip
    for seconds, kind, text in told:
        put(journal, "incidents", at=OPEN + timedelta(seconds=seconds), kind=kind, text=text)
    put(journal, "commands", at=OPEN + timedelta(seconds=340), command="resume", source="panel", outcome="accepted")
    journal.close()
    found = {f"{each.kind}: {each.text}": each.lasted for each in episodes(journal_path)}
    assert found == {
        "connection: connection to the gateway lost: EOF; no gateway for 60 s": "30 s",
        "data farm: usfarm is down": "4 s",
        "data farm: ushmds is down": "to the end",
        "entries halted: the journal cannot be written": "5.0 min",
        "news: not entitled to DJNL": "",
    }
    words = said(log_of(journal_path).needs_a_human())
    assert "ushmds is down" in words
    assert "usfarm is down" not in words


def test_the_production_notebook_defines_nothing() -> None:
    """What a test should cover lies in the package; cells stay short and end within a screen."""
    cells = json.loads((CONFIG.parents[1] / "notebooks" / "production.ipynb").read_text())["cells"]
    for cell in cells:
        source = "".join(cell["source"])
        assert not re.search(r"^\s*(async )?(def|class) ", source, re.MULTILINE)
        assert len(cell["source"]) <= 14
        assert not cell.get("outputs")


@pytest.mark.parametrize("signals", [0, 60])
def test_signals_that_do_not_fit_the_promise_need_a_human(
    journal_path: Path, tmp_path: Path, signals: int, exported: Callable[[Path], Path]
) -> None:
    """Whole session, 20 to 25 signals promised: none at all, and sixty, are told."""
    journal = SqliteJournal(journal_path)
    for hours in (0, 6.5):
        put(journal, "equity", at=OPEN + timedelta(hours=hours), realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0)
    for number in range(signals):
        put(journal, "decisions", at=OPEN, item_id=str(number), verdict="signal", decided_at=OPEN, con_id=1)
    journal.close()
    log_of(journal_path)
    tables = RecordTables()
    tables.run_dir = journal_path.parent
    log = FlightLog(tables, exported(tmp_path))
    side = "many" if signals else "few"
    assert f"too {side}" in said(log.result())
    assert f"Too {side} signals" in said(log.needs_a_human())
    assert "20.0 to 25.0 in 1.00 of a session" in said(log.result())


@pytest.fixture
def exported() -> Callable[[Path], Path]:
    """Writes a configuration whose thresholds research exported: 20 to 25 signals a session."""
    import shutil

    import yaml

    from momentum_kit.config import export_hash

    def write(folder: Path) -> Path:
        shutil.copytree(CONFIG.parent, folder / "config")
        stamp = {
            "exit_rule": "live", "first_day": "2026-01-02", "last_day": "2026-06-30", "code_version": "0.1.0",
            "trials": 9, "dsr": 0.97, "pbo": 0.1, "verdict": "accept", "signals_per_session": 22.0,
            "signals_per_session_low": 20.0, "signals_per_session_high": 25.0, "signals_dispersion": 1.0,
        }  # fmt: skip
        content: dict[str, Any] = {"name": "tuned", "export": stamp}
        stamp["hash"] = export_hash(content)
        (folder / "config" / "thresholds" / "tuned.yaml").write_text(yaml.safe_dump(content))
        config = folder / "config" / "tuned.yaml"
        settings = yaml.safe_load((folder / "config" / "demo.yaml").read_text())
        settings["detection"] = {"thresholds": "thresholds/tuned.yaml"}
        config.write_text(yaml.safe_dump(settings))
        return config

    return write


def test_a_recording_that_cannot_be_replayed_is_said_in_one_sentence(journal_path: Path) -> None:
    """A report is written with what is known; an empty recording is no day."""
    with gzip.open(journal_path.parent / "recording.jsonl.gz", "wb"):
        pass
    words = said(log_of(journal_path).parity())
    assert "could not be read" in words or "was not possible" in words


def test_a_replay_that_takes_too_long_is_given_up(journal_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to ask again, and the report goes on."""
    (journal_path.parent / "recording.jsonl.gz").touch()
    (journal_path.parent / "parity").mkdir()
    monkeypatch.setattr(quality, "PATIENCE_S", 0.01)
    words = said(log_of(journal_path).parity())
    assert "was given up; ask at leisure: momentum-kit parity" in words
