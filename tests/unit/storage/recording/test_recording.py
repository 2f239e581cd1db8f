import errno
import gzip
import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from momentum_kit.errors import ArchiveError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import Bar, MarketDataType, Quote, TradeTick
from momentum_kit.models.news import Headline
from momentum_kit.models.orders import CommissionReport, Execution, OrderAction, OrderUpdate
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, Archive, Provenance
from momentum_kit.storage.recording import (
    FILE,
    ArticleAnswer,
    Connected,
    HistoryAnswer,
    Recorder,
    Watched,
    convert_recording,
)
from momentum_kit.storage.recording.conversion import Recording

ACME = Contract("ACME", 4242)
DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


class Session:
    """Records into a folder by a clock that the test moves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.alarms: list[tuple[str, str]] = []
        self.alarmed = threading.Event()
        self.now = OPEN
        folder.mkdir(parents=True, exist_ok=True)
        self.recorder = Recorder(folder / FILE, lambda: self.now, self._alarm)

    def _alarm(self, kind: str, text: str) -> None:
        self.alarms.append((kind, text))
        self.alarmed.set()

    def at(self, seconds: float, *values: Any) -> None:
        """Values that arrive so many seconds after the open."""
        self.now = OPEN + timedelta(seconds=seconds)
        for value in values:
            self.recorder.put(value)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session that records."""
    session = Session(tmp_path / "run")
    yield session
    session.recorder.close()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


def trade(seconds: float, price: float, size: float = 100.0, late: float = 0.1) -> TradeTick:
    """A trade so many seconds after the open, received a little later."""
    at = OPEN + timedelta(seconds=seconds)
    return TradeTick(4242, at, price, size, 1e6 + seconds, price, at + timedelta(seconds=late))


def quote(seconds: float, bid: float, ask: float, data_type: MarketDataType = MarketDataType.LIVE) -> Quote:
    """A quote so many seconds after the open."""
    at = OPEN + timedelta(seconds=seconds)
    return Quote(4242, bid, ask, 300.0, 500.0, 0.0, False, data_type, at, 7)


def bar(seconds: float, length: int = 5, volume: float = 50.0) -> Bar:
    """A bar of history."""
    return Bar(OPEN + timedelta(seconds=seconds), length, 9.0, 9.0, 9.0, 9.0, volume, 9.0, 1)


def answer(at: float, size: str, *bars: Bar) -> HistoryAnswer:
    """History asked for so many seconds after the open."""
    return HistoryAnswer(
        contract=ACME,
        end=None,
        duration="1800 S",
        bar_size=size,
        what="TRADES",
        use_rth=False,
        asked_at=OPEN + timedelta(seconds=at),
        bars=bars,
    )


def test_every_value_comes_back_as_it_was(session):
    """Times, decimals, enumerations, nested contracts, nan and infinity survive the file, in order."""
    update = OrderUpdate(
        order_id=1,
        perm_id=2,
        client_id=3,
        parent_id=0,
        status="Filled",
        filled=Decimal("100.5"),
        remaining=Decimal(0),
        avg_fill_price=1.5,
        last_fill_price=float("nan"),
        why_held="",
        market_cap_price=float("inf"),
        received_at=OPEN,
    )
    headline = Headline(
        provider="BRFG",
        article_id="BRFG$1",
        text='{K:0.5}"quoted"\n',
        published_at=OPEN,
        received_at=None,
        contract=ACME,
    )
    values = [Connected(), Watched("trades", ACME, True), trade(1, 10.01), quote(1, 9.99, 10.01), update, headline]
    values += [answer(3, "5 secs", bar(-5))]
    session.at(1.5, *values)
    session.recorder.close()
    read = list(Recording(session.folder))
    assert [repr(each.value).replace("TzInfo(0)", "datetime.timezone.utc") for each in read] == [
        repr(value) for value in values
    ]
    assert {each.at for each in read} == {OPEN + timedelta(seconds=1.5)}


def test_trades_become_the_bars_that_the_session_had(session, archive):
    """History's bars, the one in progress completed by ticks, ticks after it; a tick that came too late is left out."""
    session.at(12, Watched("trades", ACME, True))
    session.at(13, answer(12, "5 secs", bar(0), bar(5, volume=0), bar(10)))
    for tick in (trade(11, 99), trade(13, 10), trade(14.9, 12, late=0.4), trade(16, 11, late=0.2), trade(21, 13)):
        session.at((tick.received_at - OPEN).total_seconds(), tick)
    session.at(23, trade(16.5, 99, late=6.5))
    session.at(30, Watched("trades", ACME, False))
    session.recorder.close()
    convert_recording(session.folder, archive)
    bars = archive.bars("ACME", DAY, BARS_5S)
    assert [((each.start - OPEN).total_seconds(), each.open, each.close, each.volume) for each in bars] == [
        (0, 9, 9, 50),
        (10, 9, 12, 250),
        (15, 11, 11, 100),
        (20, 13, 13, 100),
    ]
    origin = archive.provenance(BARS_5S, "ACME", DAY)
    assert origin.covered == ((OPEN, OPEN + timedelta(seconds=30)),)
    assert (origin.source, origin.adjusted) == ("recording run", False)


def test_quotes_become_bars_that_end_where_they_were_known(session, archive):
    """Open carries over, extremes and the close are the interval's, a quote at the very end is known there."""
    session.at(0.5, Watched("quotes", ACME, True), quote(0.5, 9.0, 9.2), quote(3, 8.9, 9.3), quote(5, 9.1, 9.2))
    session.at(6, quote(6, 9.15, 9.25), quote(7, 9.15, 9.25, MarketDataType.DELAYED), quote(8, float("nan"), 9.3))
    session.at(16, quote(16, 9.5, 9.6))
    session.at(20, Watched("quotes", ACME, False))
    session.recorder.close()
    convert_recording(session.folder, archive)
    first, second, third = archive.quotes("ACME", DAY, QUOTES_5S)
    assert (first.start, first.bid_open, first.bid_high, first.bid_low, first.bid_close) == (OPEN, 9.0, 9.1, 8.9, 9.1)
    assert (first.ask_open, first.ask_high, first.ask_low, first.ask_close) == (9.2, 9.3, 9.2, 9.2)
    assert (second.bid_open, second.bid_close, second.bid_size, second.ask_size) == (9.1, 9.15, 300, 500)
    assert (third.start, third.bid_open, third.bid_close) == (OPEN + timedelta(seconds=15), 9.15, 9.5)


def test_headlines_executions_and_minutes_are_kept(session, archive):
    """received_at is the session's, a commission joins its execution, the baseline's minutes are the gateway's."""
    heard = Headline(
        provider="BRFG",
        article_id="BRFG$1",
        text="Acme wins",
        published_at=OPEN,
        received_at=OPEN + timedelta(seconds=1),
        contract=ACME,
    )
    execution = Execution(
        exec_id="1.1", order_id=7, perm_id=77, client_id=17, contract=ACME, account="DU1", side=OrderAction.BUY,
        shares=Decimal(100), price=10.0, time=OPEN, order_ref="ref", exchange="ISLAND", cumulative_shares=Decimal(100),
        average_price=10.0,
        liquidation=False, received_at=OPEN,
    )  # fmt: skip
    session.at(
        1,
        heard,
        execution,
        CommissionReport(exec_id="1.1", commission_usd=1.0, currency="USD", realized_pnl_usd=float("nan")),
    )
    session.at(130, answer(60, "1 min", bar(0, 60)), answer(125, "1 min", bar(0, 60), bar(60, 60), bar(120, 60)))
    session.recorder.close()
    report = convert_recording(session.folder, archive)
    assert archive.headlines(DAY, DAY) == (heard,)
    assert archive.executions(DAY, DAY)[0].commission.commission_usd == 1.0
    assert [each.start for each in archive.bars("ACME", DAY)] == [OPEN, OPEN + timedelta(minutes=1)]
    origin = archive.provenance(BARS, "ACME", DAY)
    assert (origin.adjusted, origin.covered) == (True, ((OPEN, OPEN + timedelta(minutes=2)),))
    assert report.rows == {"bars_1m": 2, "bars_5s": 0, "quotes_5s": 0, "headlines": 1, "executions": 1}


def test_an_article_is_kept_with_its_headline(session, archive):
    """What a session read in time a replay reads too; an archive from before learns it, and forgets it no more."""
    heard = Headline(
        provider="BRFG", article_id="BRFG$1", text="Acme wins", published_at=OPEN, received_at=OPEN, contract=ACME
    )
    earlier = replace(heard, received_at=OPEN - timedelta(milliseconds=1))
    origin = Provenance(source="before", sha256="", imported_at=OPEN, adjusted=False)
    assert archive.add_headlines([heard], origin) == 1
    session.at(1, heard, ArticleAnswer("BRFG", "BRFG$1", "<p>And sells shares.</p>"))
    session.recorder.close()
    convert_recording(session.folder, archive)
    assert archive.headlines(DAY, DAY) == (replace(heard, body="<p>And sells shares.</p>"),)
    assert archive.add_headlines([heard], origin) == 0
    assert archive.add_headlines([earlier], origin) == 1
    assert archive.headlines(DAY, DAY) == (replace(earlier, body="<p>And sells shares.</p>"),)


def test_a_lost_connection_ends_what_was_watched(session, archive):
    """Between the last word of one connection and the first of the next nothing is covered."""
    session.at(0, Connected(), Watched("trades", ACME, True), trade(1, 10))
    session.at(10, trade(9.9, 11))
    session.at(60, Connected(), Watched("trades", ACME, True))
    session.at(70, trade(69, 12))
    session.recorder.close()
    convert_recording(session.folder, archive)
    ten, sixty, seventy = (OPEN + timedelta(seconds=number) for number in (10, 60, 70))
    assert archive.provenance(BARS_5S, "ACME", DAY).covered == ((OPEN, ten), (sixty, seventy))


def test_two_runs_of_a_day_stand_side_by_side(session, archive, tmp_path):
    """A second run adds to the day; where both speak for a time, the later conversion counts; nothing doubles."""
    session.at(0, Watched("trades", ACME, True), trade(1, 10))
    session.at(10, Watched("trades", ACME, False))
    session.recorder.close()
    second = Session(tmp_path / "second")
    second.at(20, Watched("trades", ACME, True), trade(21, 11))
    second.at(30, Watched("trades", ACME, False))
    second.recorder.close()
    for folder in (session.folder, second.folder, session.folder, second.folder):
        convert_recording(folder, archive)
    assert [each.open for each in archive.bars("ACME", DAY, BARS_5S)] == [10, 11]
    assert archive.provenance(BARS_5S, "ACME", DAY).source == "recording run; recording second"


def test_a_full_disk_stops_the_recording_and_nothing_else(tmp_path):
    """The alarm comes once, with the reason; values go on being taken without an error."""
    session = Session(tmp_path / "run")
    session.recorder.file = Path("/dev/full")
    session.at(1, trade(1, 10))
    assert session.alarmed.wait(60)
    session.at(2, trade(2, 10))
    session.recorder.close()
    ((kind, text),) = session.alarms
    assert kind == "recorder"
    assert os.strerror(errno.ENOSPC) in text
    assert "recording stopped, the session goes on" in text


def test_a_disk_that_falls_behind_ends_the_recording(session, monkeypatch):
    """Memory is bounded: a disk slower than the market is given up, with an alarm."""
    monkeypatch.setattr("momentum_kit.storage.recording.recorder.MOST_WAITING", 10)
    for number in range(1000):
        session.at(number, trade(number, 10))
    assert session.alarmed.wait(60)
    assert "10 values wait for the disk" in session.alarms[0][1]


def test_a_value_that_cannot_be_written_never_reaches_the_session(session):
    """Something the recorder does not know is an alarm, not an error of whoever handed it over."""
    session.at(1, object())
    assert "object" in session.alarms[0][1]


def test_a_recording_cut_off_is_read_to_its_last_batch(session, archive):
    """Killed in the middle of a write, the file gives all before it, and the report says that it was cut."""
    session.at(1, Headline(provider="BRFG", article_id="1", text="a", published_at=OPEN, received_at=OPEN))
    session.recorder.close()
    file = session.folder / FILE
    half = gzip.compress(b'{"t":"Headline"' * 100)
    file.write_bytes(file.read_bytes() + half[:-12])
    report = convert_recording(session.folder, archive)
    assert (report.whole, report.rows["headlines"]) == (False, 1)
    assert "cut off" in str(report)


def test_what_is_no_recording_is_named(tmp_path, archive):
    """A folder without a recording, and lines that are not ours, are one clear line."""
    with pytest.raises(ArchiveError, match=r"no recording; set storage\.record: true"):
        convert_recording(tmp_path, archive)
    (tmp_path / FILE).write_bytes(gzip.compress(b'{"t":"Quote","at":"2026-11-20T14:30:00+00:00","v":[{}]}\n'))
    with pytest.raises(ArchiveError, match=r"recording\.jsonl\.gz: line 1: "):
        convert_recording(tmp_path, archive)


def test_types_of_a_newer_version_are_passed_over(session):
    """An unknown type is no reason to lose the rest."""
    session.at(1, Connected())
    session.recorder.close()
    file = session.folder / FILE
    file.write_bytes(file.read_bytes() + gzip.compress(b'{"t":"Future","at":"2026-11-20T14:30:00+00:00","v":[]}\n'))
    assert [each.value for each in Recording(session.folder)] == [Connected(), None]
