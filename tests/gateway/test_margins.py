"""Margin by what-if over the wire: an engine that asks the simulated gateway, on both wires and whatever it answers."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.runtime.engine.engine import Engine
from momentum_kit.simgateway.embedding import WhatIfAnswers
from tests.chaos.chaos_processes import configure
from tests.helpers.open_engines import engine_of, market, project_folder, until


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of its own."""
    return project_folder(tmp_path, monkeypatch)


@asynccontextmanager
async def trading(project: Path, server_version: int = 200, **fault: Any) -> AsyncIterator[Engine]:
    """A started engine on a market whose what-if orders are all answered in the same way."""
    async with market(project, server_version=server_version) as gateway:
        for item in gateway.hub.market.instruments.values() if fault else ():
            gateway.inject(WhatIfAnswers(symbol=item.symbol, **fault))
        config = configure(project, gateway.port, lasting=True, clock={"rate": 500})
        async with engine_of(project, config) as engine:
            engine.start()
            yield engine


def rows(engine: Engine, question: str) -> list[Any]:
    """What the journal of an engine that has closed answers."""
    with closing(sqlite3.connect(engine.run_dir / "journal.db")) as journal:
        return journal.execute(question).fetchall()


def buying_power(engine: Engine) -> tuple[float, str]:
    """Of the first entry: what it takes over its notional, and the words beside it."""
    ((text,),) = rows(engine, "SELECT limits FROM risk WHERE verdict = 'accepted' ORDER BY id LIMIT 1")
    checks = {check["rule"]: check for check in json.loads(text)}
    return checks["buying power"]["value"] / checks["order notional"]["value"], checks["buying power"]["detail"]


@pytest.mark.parametrize("server_version", [200, 226])
async def test_the_rate_is_asked_before_the_signal_and_written_down(project: Path, server_version: int) -> None:
    """150% for every symbol: told by what-if, in the journal, and what the first entry was held to."""
    async with trading(project, server_version, answer="margin", rate=1.5) as engine:
        await until(engine, lambda status: status.positions, "a position")
    ((verdict, rate, currency),) = rows(engine, "SELECT verdict, rate, currency FROM margins ORDER BY id LIMIT 1")
    assert (verdict, rate, currency) == ("told", pytest.approx(1.5, rel=1e-3), "USD")
    taken, words = buying_power(engine)
    assert taken == pytest.approx(1.5, rel=1e-3)
    assert "rate 1.5 by what-if" in words


async def test_a_refusal_bars_the_symbol_in_the_brokers_words(project: Path) -> None:
    """201 for every what-if: signals come, none of them is bought, and the journal has the words."""
    async with trading(project, answer="refused") as engine:
        await until(engine, lambda status: status.counts.get("refused"), "a refused signal")
    assert rows(engine, "SELECT count(*) FROM orders") == [(0,)]
    ((reason, limits),) = rows(engine, "SELECT reason, limits FROM risk ORDER BY id LIMIT 1")
    assert reason == "permission"
    assert "201: Order rejected - reason:No trading permission for this contract." in limits
    assert rows(engine, "SELECT DISTINCT verdict FROM margins") == [("refused",)]


@pytest.mark.parametrize("fault", [{"answer": "silence"}, {"answer": "late", "delay_ms": 600_000}], ids=str)
async def test_no_signal_waits_for_an_answer(project: Path, fault: dict[str, Any]) -> None:
    """Silence, and an answer ten minutes late: the market goes on, and the setting stands in."""
    async with trading(project, **fault) as engine:
        await until(engine, lambda status: status.positions, "a position")
    taken, words = buying_power(engine)
    assert taken == pytest.approx(1.0)
    assert "no rate by what-if" in words


async def test_what_is_no_amount_is_unknown(project: Path) -> None:
    """IB's largest double for every amount: the setting stands in."""
    async with trading(project, answer="unset") as engine:
        await until(engine, lambda status: status.positions, "a position")
    assert buying_power(engine)[0] == pytest.approx(1.0)
    assert rows(engine, "SELECT DISTINCT verdict FROM margins") == [("unknown",)]
