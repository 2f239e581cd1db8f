"""A journal on which somebody sits: the engine's loop goes on, and what waited is written afterwards."""

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from momentum_kit.storage.journal import query
from momentum_kit.storage.journal.sqlite import BUSY_TIMEOUT_S
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import engine_of, market, until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own with the shipped configuration; state below it as well."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def test_a_journal_that_cannot_be_written_stops_no_beat(project: Path) -> None:
    """Another program keeps the file locked for twenty market seconds: no beat waits for it, and no row is lost."""
    async with market(project) as gateway:
        config = configure(project, gateway.port, clock={"rate": 500})
        async with engine_of(project, config) as engine:
            engine.start()
            await until(engine, lambda status: status.positions, "a position")
            journal = engine.run_dir / "journal.db"
            with closing(sqlite3.connect(journal, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                before = engine.status().market_time
                looked_at, longest_s = time.perf_counter(), 0.0
                while engine.status().market_time < before + timedelta(seconds=20):
                    await asyncio.sleep(0.01)
                    longest_s = max(longest_s, time.perf_counter() - looked_at)
                    looked_at = time.perf_counter()
                other.execute("ROLLBACK")
            assert longest_s < BUSY_TIMEOUT_S
        meanwhile = query(journal, "SELECT count(*) FROM equity WHERE at > ?", [before.isoformat()])
        assert meanwhile[0][0] >= 3
