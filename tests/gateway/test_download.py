"""Downloads from the simulated gateway: what arrives is stored with its provenance, and a killed run goes on."""

import asyncio
import json
import math
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import InputError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import Bar
from momentum_kit.models.news import Headline, HeadlinePhase
from momentum_kit.runtime.download import DownloadRequest
from momentum_kit.runtime.download.download import Download, Progress
from momentum_kit.runtime.download.plan import DownloadReport, windows
from momentum_kit.runtime.download.small_bars import SPACING_S
from momentum_kit.sessions import NEW_YORK
from momentum_kit.simgateway.scenario import DropSocket, parse_scenario
from momentum_kit.simgateway.server import SimulatedGateway
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, Archive
from momentum_kit.storage.quality import examine

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.timeout(400)  # a download that begins five times, on a machine however busy
FIRST, LAST = date(2026, 11, 12), date(2026, 11, 20)
SCENARIO = {
    "history_sessions": 5,
    "universe": {"small_caps": 1, "large_caps": 0},
    "news": {"providers": ["BRFG", "DJNL"], "neutral": 2, "earlier": 5},
}
STRICT = {**SCENARIO, "limits": {"enforced": "always"}}


@asynccontextmanager
async def serving(scenario: dict[str, Any]) -> AsyncIterator[SimulatedGateway]:
    """Two symbols, half an hour into the session."""
    async with SimulatedGateway(parse_scenario(scenario), lock_step_s=1800) as gateway:
        async with IBKRBridge(port=gateway.port, client_id=1) as bridge:
            await bridge.fetch_current_time_millis()
        yield gateway


@pytest.fixture
async def gateway() -> AsyncIterator[SimulatedGateway]:
    """A gateway without limits."""
    async with serving(SCENARIO) as gateway:
        yield gateway


def symbols(gateway: SimulatedGateway) -> tuple[str, ...]:
    """What the gateway lists."""
    return tuple(sorted(each.symbol for each in gateway.hub.market.instruments.values()))


def wanted(gateway: SimulatedGateway, **changed: Any) -> DownloadRequest:
    """A week of both, with short windows around headlines."""
    return DownloadRequest(
        **{"symbols": symbols(gateway), "first_day": FIRST, "last_day": LAST, "after_s": 600.0, **changed}
    )


async def download(
    gateway: SimulatedGateway,
    archive: Archive,
    what: DownloadRequest,
    *,
    progress: Progress = lambda *_: None,
    paced: bool = False,
) -> DownloadReport:
    """One run; paced as for the real broker, or as fast as it goes."""
    incidents: list[str] = []
    bridge = IBKRBridge(
        port=gateway.port,
        client_id=9,
        messages_per_s=45 if paced else math.inf,
        orders=False,
        small_bar_pacing=paced,
        on_incident=lambda kind, _: incidents.append(kind),
    )
    try:
        spacing_s = SPACING_S if paced else 0.0
        report = await Download(
            bridge=bridge, archive=archive, wanted=what, progress=progress, spacing_s=spacing_s
        ).run()
    finally:
        await bridge.disconnect()
    assert "pacing" not in incidents
    return report


async def test_everything_wanted_is_stored_within_the_limits(tmp_path: Path) -> None:
    """Master, minutes, headlines, 5 s bars and quotes arrive without one pacing violation; a gap is recorded."""
    archive, seen = Archive(tmp_path / "archive"), []
    async with serving(STRICT) as gateway:
        what = wanted(gateway, symbols=(*symbols(gateway), "NOPE"))
        report = await download(gateway, archive, what, progress=lambda *told: seen.append(told), paced=True)
    assert (report.complete, report.unknown) == (True, ["NOPE"])
    master = archive.symbol_master(LAST)
    assert master is not None
    assert tuple(each.symbol for each in master.listings) == symbols(gateway)
    assert archive.days("AAPL") == tuple(date(2026, 11, day) for day in (13, 16, 17, 18, 19, 20))
    assert archive.provenances(BARS, "AAPL")[FIRST][0] == 0
    assert f"bars_1m AAPL {FIRST}" in report.gaps
    origin = archive.provenance(BARS, "AAPL", date(2026, 11, 19))
    assert (origin.adjusted, origin.covered) == (True, ())
    headlines = archive.headlines(FIRST, LAST)
    assert headlines
    assert all(
        line.received_at is None and line.phase is HeadlinePhase.BACKFILL and line.contract for line in headlines
    )
    assert archive.symbols(kind=BARS_5S) == archive.symbols(kind=QUOTES_5S) != ()
    assert {stage: done == total for stage, done, total, _ in seen} == dict.fromkeys(
        ("contracts", "minutes", "headlines", "5 s bars and quotes"), True
    )
    assert not [each for each in examine(archive).findings if each.severity == "error"]


async def test_stored_bars_are_the_gateways(gateway: SimulatedGateway, tmp_path: Path) -> None:
    """What the archive has of a window is what the gateway answers to the same question, trades and both sides."""
    archive = Archive(tmp_path / "archive")
    await download(gateway, archive, wanted(gateway))
    symbol = archive.symbols(kind=BARS_5S)[0]
    day = archive.days(symbol, BARS_5S)[-1]
    stored = archive.bars(symbol, day, BARS_5S)
    quotes = {quote.start: quote for quote in archive.quotes(symbol, day, QUOTES_5S)}
    end = stored[-1].end

    async def ask(bridge: IBKRBridge, what: str) -> tuple[Bar, ...]:
        return await bridge.fetch_historical_data(Contract(symbol), end, "60 S", "5 secs", what, use_rth=False)

    async with IBKRBridge(port=gateway.port, client_id=1) as bridge:
        trades, bids, asks = [await ask(bridge, what) for what in ("TRADES", "BID", "ASK")]
    assert [bar for bar in trades if bar.volume > 0] == [bar for bar in stored if bar.start >= trades[0].start]
    for bid, ask_ in zip(bids, asks, strict=True):
        quote = quotes[bid.start]
        assert (quote.bid_open, quote.bid_low, quote.bid_close) == (bid.open, bid.low, bid.close)
        assert (quote.ask_open, quote.ask_high, quote.ask_close) == (ask_.open, ask_.high, ask_.close)


async def test_a_second_run_asks_for_nothing_but_today(gateway: SimulatedGateway, tmp_path: Path) -> None:
    """What is known, gaps included, is not asked for again; the day that is still running is."""
    archive = Archive(tmp_path / "archive")
    first = await download(gateway, archive, wanted(gateway))
    again = await download(gateway, archive, wanted(gateway))
    assert first.requests > 15
    assert again.requests == 2 + len(symbols(gateway))  # the time, the providers, today's minutes
    past = await download(gateway, archive, wanted(gateway, last_day=date(2026, 11, 19)))
    assert (past.requests, past.rows) == (2, {})


async def test_a_lost_gateway_is_waited_for(gateway: SimulatedGateway, tmp_path: Path) -> None:
    """The socket drops in the middle: the download connects again and ends complete, with the same rows."""
    archive, whole = Archive(tmp_path / "archive"), Archive(tmp_path / "whole")
    await download(gateway, whole, wanted(gateway))
    dropped = []

    def progress(stage: str, done: int, *_: Any) -> None:
        if stage == "headlines" and done == 1 and not dropped:
            dropped.append(stage)
            gateway.inject(DropSocket())

    report = await download(gateway, archive, wanted(gateway, small_bars=False), progress=progress)
    assert dropped
    assert report.complete
    assert archive.headlines(FIRST, LAST) == whole.headlines(FIRST, LAST)


async def test_a_refused_provider_is_left_to_the_next_run(gateway: SimulatedGateway, tmp_path: Path) -> None:
    """A feed without entitlement fails with IB's words, the rest is stored."""
    archive = Archive(tmp_path / "archive")
    report = await download(gateway, archive, wanted(gateway, providers=("BRFG", "BZ"), small_bars=False))
    assert not report.complete
    assert len(report.failed) == len(symbols(gateway))
    assert "Not subscribed for 'BZ' provider" in report.failed[0]
    assert "run the same command again" in str(report)
    assert archive.days("AAPL")


async def test_killed_at_any_point_the_same_command_goes_on(tmp_path: Path) -> None:
    """Killed while it stores minutes, headlines and 5 s bars, the command ends with what one whole run stores."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    async with serving(SCENARIO) as gateway:
        run = Command(gateway, tmp_path)
        for trace in ("bars_1m/*/*/*", "headlines/*/*", "bars_5s/*/*/*"):
            await run.killed_once(lambda trace=trace: any((tmp_path / "archive").glob(trace)))
        status, out, err = await run.to_the_end()
        assert (status, err) == (0, "")
        report = json.loads(out.strip())
        assert report["complete"]
        whole = Archive(tmp_path / "whole")
        everything = await download(gateway, whole, wanted(gateway))
    assert report["requests"] < everything.requests
    assert contents(Archive(tmp_path / "archive")) == contents(whole)
    assert not list((tmp_path / "archive").glob(".import-*"))


class Command:
    """`momentum-kit data download` in a process of its own."""

    def __init__(self, gateway: SimulatedGateway, folder: Path) -> None:
        self._folder = folder
        days = ["--from", str(FIRST), "--to", str(LAST), "--after-s", "600", "--archive", "archive", "--json"]
        where = ["--config", "config/sim.yaml", "--port", str(gateway.port)]
        self._command = [sys.executable, "-m", "momentum_kit.cli", "data", "download", *symbols(gateway), *days, *where]

    async def start(self) -> asyncio.subprocess.Process:
        """Start it."""
        environment = {**os.environ, "MOMENTUM_KIT_STATE_DIR": str(self._folder / "state")}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self._command, cwd=self._folder, env=environment, stdout=pipe, stderr=pipe
        )

    async def killed_once(self, condition: Callable[[], bool]) -> None:
        """Kill it as soon as the condition holds; it may have come to its end by then."""
        process = await self.start()
        deadline = time.monotonic() + 60
        while process.returncode is None and not condition():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.001)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()

    async def to_the_end(self) -> tuple[int | None, str, str]:
        """Status, stdout, stderr."""
        process = await self.start()
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


def contents(archive: Archive) -> dict[str, Any]:
    """All rows, and the times they speak for."""
    rows: dict[str, Any] = {"headlines": archive.headlines(FIRST, LAST)}
    for kind in (BARS, BARS_5S, QUOTES_5S):
        for symbol in archive.symbols(kind=kind):
            for day, (count, origin) in archive.provenances(kind, symbol).items():
                read = archive.quotes if kind == QUOTES_5S else archive.bars
                rows[f"{kind} {symbol} {day}"] = (origin.covered, repr(read(symbol, day, kind)) if count else None)
    return rows


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"symbols": ()}, "name at least one symbol"),
        ({"first_day": date(2026, 11, 21)}, "is after the last"),
        ({"after_s": 0.0}, "must reach beyond it"),
    ],
)
def test_nonsense_is_refused_before_anything_is_asked(changed: dict[str, Any], words: str) -> None:
    """No symbols, days in the wrong order and empty windows are bad input."""
    with pytest.raises(InputError, match=words):
        DownloadRequest(**{"symbols": ("SPY",), "first_day": FIRST, "last_day": LAST, **changed})


def test_windows_end_with_trading() -> None:
    """A headline at 19:59 New York has its window cut at 20:00."""
    at = datetime(2026, 11, 19, 19, 59, 30, tzinfo=NEW_YORK)
    line = Headline(
        provider="BRFG", article_id="1", text="text", published_at=at, received_at=None, contract=Contract("SPY", 1)
    )
    spans = windows([line], DownloadRequest(symbols=("SPY",), first_day=FIRST, last_day=LAST), at + timedelta(days=1))
    ((start, end),) = spans["SPY", date(2026, 11, 19)]
    assert (start, end) == (at - timedelta(minutes=30), datetime(2026, 11, 19, 20, tzinfo=NEW_YORK))
