"""A session that records: nothing it does changes, and what it heard becomes rows that equal the gateway's history."""

import json
import math
import shutil
import sqlite3
import statistics
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.cli import main
from momentum_kit.models.contracts import Contract
from momentum_kit.notebook.kit.kit import Kit
from momentum_kit.runtime.sim import gateway_process
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, Archive
from momentum_kit.storage.journal import decisions_digest
from momentum_kit.storage.recording import FILE

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.timeout(400)  # two mornings, which a busy machine takes minutes for
DAY = date(2026, 11, 20)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def gateway(project: Path) -> Iterator[int]:
    """A simulated gateway in lock-step, in a process of its own; always the same market."""
    arguments = ["--port", "0", "--scenario", "demo", "--seed", "3", "--lock-step", "1.0"]
    with gateway_process(arguments, project / "gateway.err") as port:
        yield port


async def session(project: Path, port: int, folder: str, record: bool) -> Path:
    """One session to 09:45 of the market; returns its run folder."""
    run_dir = project / folder
    run_dir.mkdir()
    config = project / "config" / f"{folder}.yaml"
    shipped = (project / "config" / "demo.yaml").read_text()
    config.write_text(f"{shipped}\nstorage: {{record: {str(record).lower()}}}\n")
    kit = await Kit.open(config, port=port, run_dir=run_dir, in_process=True)
    await kit.start(until="09:45")
    final = await kit.wait()
    assert final.incidents == ()
    return run_dir


async def test_a_recorded_session_becomes_an_archive(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The session decides as one that is not recorded; all it heard becomes rows, which later history confirms."""
    with gateway(project) as port:
        plain = await session(project, port, "plain", record=False)
    with gateway(project) as port:
        run_dir = await session(project, port, "run", record=True)
        archive = _converted(project, run_dir, capsys)
        await _compare_with_history(archive, port)
    assert not (plain / FILE).exists()
    assert decisions_digest(plain / "journal.db") == decisions_digest(run_dir / "journal.db")


def _converted(project: Path, run_dir: Path, capsys: pytest.CaptureFixture[str]) -> Archive:
    """The recording as an archive: every headline with its receipt, every execution with its commission."""
    assert main(["data", "record", str(run_dir), "--archive", "recorded", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["whole"]
    archive = Archive(project / "recorded")
    with closing(sqlite3.connect(f"file:{run_dir / 'journal.db'}?mode=ro", uri=True)) as journal:
        heard = journal.execute(
            "SELECT DISTINCT article_id, received_at FROM headlines WHERE phase = 'live'"
        ).fetchall()
        fills = {row[0] for row in journal.execute("SELECT exec_id FROM executions")}
    lines = {line.article_id: line for line in archive.headlines(date(2026, 11, 1), DAY)}
    assert heard
    for article, received_at in heard:
        assert lines[article].received_at == datetime.fromisoformat(received_at)
    stored = archive.executions(DAY, DAY)
    assert {fill.execution.exec_id for fill in stored} == fills != set()
    assert all(fill.commission for fill in stored)
    before = archive.sql("SELECT count(*) AS n FROM bars_5s").to_pylist()
    assert main(["data", "record", str(run_dir / FILE), "--archive", "recorded", "--json"]) == 0
    assert archive.sql("SELECT count(*) AS n FROM bars_5s").to_pylist() == before
    return archive


async def _compare_with_history(archive: Archive, port: int) -> None:
    """Bars of the recorded spans are the gateway's 5 s TRADES bars, quotes end where its BID and ASK bars end."""
    symbols = archive.symbols(DAY, BARS_5S)
    assert symbols
    compared = 0
    async with IBKRBridge(port=port, client_id=5, messages_per_s=math.inf, small_bar_pacing=False) as bridge:
        for symbol in symbols:
            assert archive.days(symbol, BARS), "the baseline's minutes are recorded as well"
            start, end = archive.provenance(BARS_5S, symbol, DAY).covered[-1]
            span = f"{int((end - start).total_seconds())} S"
            asked = [
                await bridge.fetch_historical_data(Contract(symbol), end, span, "5 secs", what, use_rth=False)
                for what in ("TRADES", "BID", "ASK")
            ]
            trades, bids, asks = ([bar for bar in each if start <= bar.start and bar.end <= end] for each in asked)
            recorded = [bar for bar in archive.bars(symbol, DAY, BARS_5S) if start <= bar.start < end]
            expected = [bar for bar in trades if bar.volume > 0]
            assert [(bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in recorded] == [
                (bar.start, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in expected
            ]
            compared += len(recorded)
            quotes = {quote.start: quote for quote in archive.quotes(symbol, DAY, QUOTES_5S)}
            off_bps = [
                abs(quotes[bid.start].bid_close / bid.close - 1) * 1e4 for bid in bids if bid.start in quotes
            ] + [abs(quotes[ask.start].ask_close / ask.close - 1) * 1e4 for ask in asks if ask.start in quotes]
            # live quotes are sampled every 250 ms, history's are not: a bar may end an update apart
            assert statistics.median(off_bps) == 0
            assert statistics.mean(off_bps) < 10
    assert compared > 100
