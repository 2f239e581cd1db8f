"""Journals as a session leaves them, made of a seeded market, and an engine that is told what to do."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from momentum_kit.config import Config, load_config
from momentum_kit.storage.journal import SqliteJournal
from tests.helpers.journal_rows import put
from tests.helpers.told_endpoint import ToldEndpoint, told_endpoint

ROOT = Path(__file__).resolve().parents[3]
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
REASONS = ["move", "z", "rvol bar", "spread", "price range", "barred catalyst", "extension", "no baseline", "halted"]
UNHEARD = ["no ticker", "duplicate story", "round-up"]
WORDS = [
    "announces positive topline results from its phase 3 trial in a rare disease",
    "wins 240 million dollar contract from the Department of Defense for secure radios",
    "reports third quarter earnings above expectations and raises full year guidance",
    "and Nvidia enter strategic partnership on edge inference",
    "receives FDA clearance",
]


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    """An empty journal."""
    path = tmp_path / "journal.db"
    SqliteJournal(path).close()
    return path


@pytest.fixture
def write_session(journal_path: Path) -> Callable[..., Path]:
    """Writes a whole session: `headlines` news of which each `every`-th is traded."""

    def write(headlines: int = 48, every: int = 5, seed: int = 3, minutes: int = 85) -> Path:
        journal = SqliteJournal(journal_path)
        _Session(journal, np.random.default_rng(seed)).run(headlines, every, minutes)
        journal.close()
        return journal_path

    return write


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The simulated account, its state below a temporary folder."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    return load_config(ROOT / "config" / "sim.yaml")


@pytest.fixture
async def endpoint(config: Config, tmp_path: Path) -> AsyncIterator[ToldEndpoint]:
    """An engine's endpoint that owns the account."""
    async with told_endpoint(config, tmp_path / "run") as served:
        yield served


class _Session:
    def __init__(self, journal: SqliteJournal, rng: np.random.Generator) -> None:
        self.write = partial(put, journal)
        self.rng = rng
        self.realised = self.costs = 0.0
        self.order_id = 100
        self.matches = 0
        self.equity: list[tuple[datetime, float, float]] = []

    def run(self, headlines: int, every: int, minutes: int) -> None:
        times = sorted(self.rng.uniform(60, minutes * 60, headlines))
        for number, second in enumerate(times):
            at = OPEN + timedelta(seconds=float(second))
            story = f"{number:08x}"
            symbol = "".join(chr(65 + int(letter)) for letter in self.rng.integers(0, 26, 3 + number % 2))
            text = f"{symbol.title()} Holdings ({symbol}) {WORDS[number % len(WORDS)]}"
            head: dict[str, Any] = {"at": at, "story_id": story, "text": text, "received_at": at, "published_at": at}
            if number % 4 == 3:
                self.write("headlines", **head, outcome="skip", reason=UNHEARD[number % 3])
                continue
            self.write("headlines", **head, outcome="item", reason="", symbols=[symbol])
            item: dict[str, Any] = {"item_id": f"{story}:{number}", "story_id": story, "symbol": symbol}
            item |= {"con_id": 1000 + number}
            self.write("items", at=at, catalyst="fda", **item)
            self.trade(at, item) if number % every == 0 else self.skip(at, item, number)
        for at, realised, costs in sorted(self.equity):
            self.realised += realised
            self.costs += costs
            self.write("equity", at=at, realised_usd=self.realised, unrealised_usd=0.0, costs_usd=self.costs)

    def prices(self, at: datetime, item: dict[str, Any], drift: float) -> list[tuple[datetime, float]]:
        anchor = float(self.rng.uniform(2, 15))
        start = at.replace(second=at.second // 5 * 5, microsecond=0) + timedelta(seconds=5)
        steps = np.arange(180)
        path = anchor * np.exp(drift * (1 - np.exp(-steps / 25)) + np.cumsum(self.rng.normal(0, 0.0014, 180)))
        marks = [(start + timedelta(seconds=5 * int(step)), round(float(path[step]), 4)) for step in steps]
        for when, price in marks:
            quote = {"price": price, "bid": price - 0.01, "ask": price + 0.01}
            self.write("marks", at=when, con_id=item["con_id"], symbol=item["symbol"], **quote)
        return marks

    def skip(self, at: datetime, item: dict[str, Any], number: int) -> None:
        marks = self.prices(at, item, float(self.rng.normal(0, 0.008)))
        reason = REASONS[int(self.rng.integers(0, len(REASONS)) ** 2 / len(REASONS))]
        for when, price in marks[:24]:
            self.decide(when, item, "skip", reason, price)
        if number % 7 == 1:
            self.decide(marks[6][0], item, "signal", "", marks[6][1], final=True)
            self.write("risk", at=marks[6][0], **item, verdict="refused", reason="max positions")
        else:
            self.decide(marks[24][0], item, "skip", reason, marks[24][1], final=True)

    def decide(
        self, at: datetime, item: dict[str, Any], verdict: str, reason: str, price: float, final: bool = False
    ) -> None:
        row: dict[str, Any] = {"verdict": verdict, "reason": reason, "price": price, "final": int(final)}
        row["rules"] = [{"rule": "z", "value": 3.0, "threshold": 4.4, "passed": False}]
        self.write("decisions", at=at, decided_at=at, **item, **row, features={"z_tod": 3.0, "anchor": None})

    def trade(self, at: datetime, item: dict[str, Any]) -> None:
        marks = self.prices(at, item, float(self.rng.normal(0.035, 0.045)))
        signal = int(self.rng.integers(4, 14))
        for when, price in marks[:signal]:
            self.decide(when, item, "skip", "z", price)
        when, price = marks[signal]
        self.decide(when, item, "signal", "", price, final=True)
        self.write("risk", at=when, **item, verdict="accepted", reason="")
        entry, shares = price + 0.01, 100 * int(self.rng.integers(2, 9))
        stop, target = round(entry * 0.98, 2), round(entry * 1.04, 2)
        legs = [("entry", "BUY", entry * 1.005, None), ("target", "SELL", target, None), ("stop", "SELL", None, stop)]
        first = self.order_id
        for leg, action, limit, trigger in legs:
            row = {"leg": leg, "action": action, "limit_price": limit, "stop_price": trigger, "change": "place"}
            row |= {"order_type": "STP" if trigger else "LMT", "order_id": self.order_id, "quantity": str(shares)}
            row |= {"decide_to_sent_ms": float(self.rng.gamma(4, 0.6)) if leg == "stop" else None}
            self.write("orders", at=when, intent_id=item["item_id"], **item_without_story(item), **row)
            self.order_id += 1
        leg, closed_at, exit_price = "exit", marks[-1][0], marks[-1][1]
        for then, mark in marks[signal + 1 :]:
            if mark >= target or mark <= stop:
                leg, closed_at, exit_price = ("target", then, target) if mark >= target else ("stop", then, stop)
                break
        if leg == "exit":
            row = {"leg": "exit", "action": "SELL", "order_type": "MKT", "change": "modify", "order_id": first + 2}
            self.write("orders", at=closed_at, intent_id="", **item_without_story(item), **row, quantity=str(shares))
        filled = when + timedelta(seconds=1)
        self.fill(filled, item, first, "BUY", shares // 2, entry)
        self.fill(filled, item, first, "BUY", shares - shares // 2, entry)
        self.fill(closed_at, item, first + (1 if leg == "target" else 2), "SELL", shares, exit_price)
        gross = (exit_price - entry) * shares
        costs = max(1.0, 0.005 * shares) * 2
        trip = {"gross_usd": gross, "costs_usd": costs, "net_usd": gross - costs, "r": (gross - costs) / 100}
        trip |= {"opened_at": filled, "closed_at": closed_at, "entry_price": entry, "exit_price": exit_price}
        reason = {"exit": "time stop"}.get(leg, leg)
        names = item_without_story(item)
        self.write("round_trips", at=closed_at, **names, **trip, quantity=str(shares), reason=reason)
        self.equity += [(filled, 0.0, costs / 2), (closed_at, gross, costs / 2)]

    def fill(self, at: datetime, item: dict[str, Any], order_id: int, side: str, shares: int, price: float) -> None:
        self.matches += 1
        exec_id = f"0000e0d5.{order_id:08x}.{self.matches:02d}.01"
        row = {"exec_id": exec_id, "order_id": order_id, "side": side, "shares": str(shares), "price": price}
        row |= {"symbol": item["symbol"], "con_id": item["con_id"], "order_ref": item["item_id"]}
        self.write("executions", at=at, time=at, exchange="SMART", liquidation=0, **row)
        self.write("commissions", at=at, exec_id=exec_id, commission_usd=max(1.0, 0.005 * shares))


def item_without_story(item: dict[str, Any]) -> dict[str, Any]:
    """The columns that orders and round trips share with an item."""
    return {name: item[name] for name in ("item_id", "symbol", "con_id")}
