from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Headline, HeadlinePhase
from momentum_kit.models.orders import CommissionReport, Execution, Fill, OrderAction
from momentum_kit.storage.archive import Archive, Listing, Provenance, joined_spans

AT = datetime(2026, 11, 20, 15, 0, 0, 250_000, tzinfo=UTC)
DAY = date(2026, 11, 20)
ORIGIN = Provenance(source="a test", sha256="", imported_at=datetime(2026, 11, 22, tzinfo=UTC), adjusted=False)
ACME = Contract("ACME", 4242, primary_exchange="NASDAQ")


def headline(article: str = "BRFG$1", at: datetime = AT, received: datetime | None = None, **changed) -> Headline:
    """One headline of ACME."""
    line = Headline(
        provider="BRFG",
        article_id=article,
        text="{A:1:L:en}Acme wins",
        published_at=at,
        received_at=received,
        extra="K:1.00",
        contract=ACME,
        phase=HeadlinePhase.BACKFILL,
    )
    return replace(line, **changed)


def fill(exec_id: str = "0000.1.01", price: float = 10.0, commission: float | None = None) -> Fill:
    """One execution of ACME."""
    execution = Execution(
        exec_id=exec_id, order_id=7, perm_id=77, client_id=17, contract=ACME, account="DU1", side=OrderAction.BUY,
        shares=Decimal("100.5"), price=price, time=AT, order_ref="intent", exchange="ISLAND",
        cumulative_shares=Decimal("100.5"), average_price=price, liquidation=False,
        received_at=AT + timedelta(milliseconds=3),
    )  # fmt: skip
    report = (
        CommissionReport(exec_id=exec_id, commission_usd=commission, currency="USD", realized_pnl_usd=float("inf"))
        if commission is not None
        else None
    )
    return Fill(execution, report)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An empty archive."""
    return Archive(tmp_path / "archive")


def test_headlines_come_back_as_they_were(archive):
    """Text, times, contract and phase survive; a headline without a contract has none; the order is publication's."""
    untied = headline("BRFG$2", AT - timedelta(hours=1), contract=None, phase=HeadlinePhase.LIVE)
    received = headline(received=AT + timedelta(milliseconds=800))
    assert archive.add_headlines([received, untied], ORIGIN) == 2
    assert archive.headlines(DAY, DAY) == (untied, received)
    assert archive.headlines(DAY, DAY)[0].published_at.tzinfo is UTC
    assert archive.headlines(date(2026, 11, 21), date(2026, 12, 31)) == ()


def test_a_day_of_headlines_is_new_yorks(archive):
    """A headline of the early UTC morning belongs to the New York evening before, also at the end of a month."""
    late = headline(at=datetime(2026, 12, 1, 2, 0, tzinfo=UTC))
    archive.add_headlines([late], ORIGIN)
    assert archive.headlines(date(2026, 11, 30), date(2026, 11, 30)) == (late,)
    assert (archive.root / "headlines/month=2026-11/headlines.parquet").is_file()


def test_what_was_received_beats_what_was_downloaded(archive):
    """received_at is never lost to a later download, is learned from a recording, and the earliest one stays."""
    heard, sooner = AT + timedelta(seconds=2), AT + timedelta(seconds=1)
    archive.add_headlines([headline()], ORIGIN)
    assert archive.add_headlines([headline(received=heard)], ORIGIN) == 1
    assert archive.add_headlines([headline()], ORIGIN) == 0
    assert archive.add_headlines([headline(received=sooner), headline(received=heard)], ORIGIN) == 1
    assert [line.received_at for line in archive.headlines(DAY, DAY)] == [sooner]


def test_one_story_of_two_contracts_is_two_rows(archive):
    """The same article under another contract is another headline."""
    archive.add_headlines([headline(), headline(contract=Contract("IBM", 8314)), headline(contract=None)], ORIGIN)
    assert len(archive.headlines(DAY, DAY)) == 3


def test_coverage_says_what_was_asked_for(archive):
    """Times asked for are kept by contract and provider, over months, joined where they touch."""
    key, hour = (4242, "BRFG"), timedelta(hours=1)
    first = (AT, AT + timedelta(days=20))
    archive.add_headlines([], ORIGIN, {key: (first,)})
    archive.add_headlines([], ORIGIN, {key: ((first[1], first[1] + hour),), (1, "DJNL"): ((AT, AT + hour),)})
    assert archive.headline_coverage(DAY, date(2026, 12, 31)) == {
        key: ((AT, first[1] + hour),),
        (1, "DJNL"): ((AT, AT + hour),),
    }
    assert archive.headlines(DAY, DAY) == ()


def test_spans_join_where_they_meet():
    """Overlapping and touching spans are one, others stay apart, in time order."""
    at = [AT + timedelta(hours=number) for number in range(6)]
    assert joined_spans([(at[4], at[5]), (at[0], at[2]), (at[1], at[3])]) == ((at[0], at[3]), (at[4], at[5]))


def test_executions_keep_their_highest_correction_and_their_commission(archive):
    """A correction replaces its match, a late commission is joined, nothing is counted twice."""
    archive.add_executions([fill(), fill("0000.2.01", commission=1.25)], ORIGIN)
    assert archive.add_executions([fill("0000.1.02", price=10.5)], ORIGIN) == 1
    assert archive.add_executions([fill("0000.1.01")], ORIGIN) == 0
    assert archive.add_executions([fill("0000.1.02", price=10.5, commission=0.75)], ORIGIN) == 1
    first, second = archive.executions(DAY, DAY)
    assert first == fill("0000.1.02", price=10.5, commission=0.75)
    assert second == fill("0000.2.01", commission=1.25)
    assert (first.execution.shares, first.execution.exchange) == (Decimal("100.5"), "ISLAND")


def test_the_symbol_master_is_the_one_of_its_time(archive):
    """A question as of a day is answered by the newest master that was known then, and by none before the first."""
    acme, gone = (
        Listing(symbol="ACME", con_id=4242, name="Acme Inc", primary_exchange="NASDAQ"),
        Listing(symbol="GONE", con_id=99, name="Gone Corp"),
    )
    archive.add_symbol_master(date(2026, 1, 5), [acme, gone], ORIGIN)
    archive.add_symbol_master(date(2026, 6, 1), [acme], ORIGIN)
    archive.add_symbol_master(date(2026, 6, 1), [replace(acme, name="Acme Holdings")], ORIGIN)
    assert archive.symbol_master(date(2026, 1, 4)) is None
    assert archive.symbol_master(date(2026, 5, 31)).listings == (acme, gone)
    latest = archive.symbol_master(date(2027, 1, 1))
    assert (latest.day, latest.names(), latest.source) == (date(2026, 6, 1), {"ACME": "Acme Holdings"}, "a test")


def test_events_answer_sql(archive):
    """Headlines, executions and listings are tables of the archive's SQL."""
    archive.add_headlines([headline()], ORIGIN)
    archive.add_executions([fill()], ORIGIN)
    archive.add_symbol_master(DAY, [Listing(symbol="ACME", con_id=4242, name="Acme Inc")], ORIGIN)
    joined = "headlines h JOIN executions e USING (con_id) JOIN symbols s USING (con_id)"
    assert archive.sql(f"SELECT h.symbol, e.price, s.name FROM {joined}").to_pylist() == [
        {"symbol": "ACME", "price": 10.0, "name": "Acme Inc"}
    ]
