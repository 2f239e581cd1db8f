import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from momentum_kit.errors import ArchiveError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Headline
from momentum_kit.sessions import previous_sessions, session_on
from momentum_kit.storage.archive import BARS, QUOTES, Archive, Listing, Provenance, Series
from momentum_kit.storage.quality import examine

ORIGIN = Provenance(source="a test", sha256="", imported_at=datetime(2026, 11, 22, tzinfo=UTC), adjusted=False)
DAYS = [session.day for session in previous_sessions(date(2026, 11, 21), 4)]
DAY = DAYS[2]


def trades(day: date = DAY, price: float = 10.0) -> dict[str, np.ndarray]:
    """A full session of calm minutes."""
    session = session_on(day)
    minutes = int((session.close - session.open) / timedelta(minutes=1))
    start = int(session.open.timestamp()) * 1_000_000 + np.arange(minutes) * 60_000_000
    flat = np.full(minutes, price)
    wave = flat * (1 + 0.001 * np.sin(np.arange(minutes)))
    columns = {"open": wave * 1, "high": wave * 1.001, "low": wave * 0.999, "close": wave * 1, "wap": wave}
    return {"start": start, **columns, "volume": np.full(minutes, 1000.0), "count": np.full(minutes, 9.0)}


def quotes(day: date = DAY, price: float = 10.0) -> dict[str, np.ndarray]:
    """A full session of quotes, a cent or two around the price."""
    start = trades(day)["start"]
    sides = {"bid": price - 0.02, "ask": price + 0.02}
    prices = {
        f"{side}_{name}": np.full(len(start), at)
        for side, at in sides.items()
        for name in ("open", "high", "low", "close")
    }
    return {"start": start, **prices, "bid_size": np.full(len(start), 100.0), "ask_size": np.full(len(start), 100.0)}


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Four clean days of one symbol's trades and quotes."""
    archive = Archive(tmp_path / "archive")
    archive.extend(Series(kind=BARS, symbol="ACME", day=day, rows=trades(day), provenance=ORIGIN) for day in DAYS)
    archive.extend(Series(kind=QUOTES, symbol="ACME", day=day, rows=quotes(day), provenance=ORIGIN) for day in DAYS)
    return archive


def checks(archive: Archive) -> set[str]:
    """What the report complains about."""
    return set(examine(archive).counts)


def put(archive: Archive, columns: dict[str, np.ndarray], kind: str = BARS, day: date = DAY) -> None:
    """Replace a day."""
    archive.extend([Series(kind=kind, symbol="ACME", day=day, rows=columns, provenance=ORIGIN)])


def only(archive: Archive, check: str):
    """The one finding of the whole report."""
    (found,) = examine(archive).findings
    assert found.check == check
    return found


def test_a_clean_archive_has_nothing_to_complain_about(archive):
    """Full sessions of calm prices give no finding, and the report says what it looked at."""
    report = examine(archive)
    assert report.findings == ()
    assert (report.rows[BARS], report.rows[QUOTES], report.symbols) == (1560, 1560, 1)
    assert report.raw == ("bars_1m ACME", "quotes_1m ACME")
    assert str(report).splitlines()[-1] == "nothing to complain about"
    assert json.loads(json.dumps(report.to_json()))["counts"] == {}


def test_a_gap_and_a_halt_are_told_apart(archive):
    """A silent stretch that ends in a large print is a halt; without one it is a gap; both say where."""
    columns = trades()
    keep = np.ones(390, bool)
    keep[100:120] = False
    put(archive, {name: column[keep] for name, column in columns.items()})
    assert "20 silent minutes from 100 min after the open" in only(archive, "gap").detail
    columns["volume"][120] = 50_000.0
    put(archive, {name: column[keep] for name, column in columns.items()})
    assert "then 50,000 shares in a minute" in only(archive, "halt").detail


def test_a_thin_symbol_is_not_accused_of_gaps(tmp_path):
    """Where most minutes have no trade, silence is usual."""
    archive = Archive(tmp_path / "archive")
    for day in DAYS:
        put(archive, {name: column[::3] for name, column in trades(day).items()}, day=day)
    assert checks(archive) == {"thin"}


def test_missing_days_and_recorded_gaps_are_told_apart(archive):
    """A trading day without rows is missing, unless the source was asked and had nothing."""
    archive.extend(
        [Series(kind=BARS, symbol="IBM", day=day, rows=trades(day), provenance=ORIGIN) for day in (DAYS[0], DAYS[3])]
    )
    found = [each for each in examine(archive).findings if each.symbol == "IBM"]
    assert [(each.check, each.count, each.day) for each in found] == [("missing days", 2, str(DAYS[1]))]
    archive.extend(
        [
            Series(kind=BARS, symbol="IBM", day=day, rows=[], provenance=replace(ORIGIN, source="162 no data"))
            for day in DAYS[1:3]
        ]
    )
    found = [each for each in examine(archive).findings if each.symbol == "IBM"]
    assert [(each.check, each.detail) for each in found] == [("recorded gap", "162 no data")] * 2


def test_rows_of_a_holiday_are_suspicious(archive):
    """Nobody trades on Thanksgiving."""
    holiday = date(2026, 11, 26)
    columns = trades()
    shifted = columns["start"] + (holiday - DAY).days * 86_400_000_000
    put(archive, {**columns, "start": shifted}, day=holiday)
    assert "no session" in checks(archive)


@pytest.mark.parametrize("hours", [-5, 3])
def test_times_of_another_zone_are_suspected(tmp_path, hours):
    """A series that fits regular hours better when moved by whole hours is called out with the number."""
    archive = Archive(tmp_path / "archive")
    for day in DAYS:
        columns = trades(day)
        put(archive, {**columns, "start": columns["start"] + hours * 3_600_000_000}, day=day)
    words = [
        each.detail for each in examine(archive).findings if each.check == "time zone" and each.severity == "error"
    ]
    assert len(words) == 1
    assert f"moved by {hours:+d} h" in words[0]


def test_a_spike_that_is_back_at_once_is_an_outlier(archive):
    """One bad print is named; a move that stays is none."""
    columns = trades()
    columns["high"][50] *= 1.5
    put(archive, columns)
    found = only(archive, "outlier")
    assert (found.day, found.count) == (str(DAY), 1)
    stays = trades()
    for name in ("open", "high", "low", "close", "wap"):
        stays[name][50:] *= 1.09
    put(archive, stays)
    put(archive, quotes(price=10.5), QUOTES)
    assert checks(archive) == set()


@pytest.mark.parametrize(("factor", "words"), [(0.25, "4:1 split"), (10.0, "1:10 reverse split")])
def test_a_split_like_jump_is_called_out(tmp_path, factor, words):
    """A price that is overnight a simple multiple of itself may mix raw and adjusted parts."""
    archive = Archive(tmp_path / "archive")
    for number, day in enumerate(DAYS):
        put(archive, trades(day, 10 * (factor if number >= 2 else 1)), day=day)
    assert words in only(archive, "split-like jump").detail


def test_prices_that_cannot_be_are_errors(archive):
    """Bars that no import would take, but other tools may write."""
    columns = trades()
    columns["low"][7] = -1.0
    columns["high"][8] = columns["open"][8] / 2
    columns["volume"][9] = 0
    put(archive, columns)
    found = {each.check: (each.severity, each.count) for each in examine(archive).findings}
    assert found == {"bad prices": ("error", 2), "no volume": ("warning", 1)}


def test_crossed_and_locked_quotes_are_counted(archive):
    """A bid above the ask is an error, a bid equal to it is worth knowing."""
    columns = quotes()
    columns["bid_close"][3:6] = 10.03
    columns["bid_close"][9] = columns["ask_close"][9]
    put(archive, columns, QUOTES)
    found = {each.check: (each.severity, each.count) for each in examine(archive).findings}
    assert found == {"crossed quotes": ("error", 3), "locked quotes": ("note", 1)}


def test_adjusted_trades_beside_raw_quotes_are_found(archive):
    """Prices on two bases disagree, and the report says which series is which."""
    origin = replace(ORIGIN, adjusted=True)
    archive.extend(Series(kind=BARS, symbol="IBM", day=day, rows=trades(day, 5.0), provenance=origin) for day in DAYS)
    archive.extend(Series(kind=QUOTES, symbol="IBM", day=day, rows=quotes(day), provenance=ORIGIN) for day in DAYS)
    report = examine(archive, ["IBM"])
    assert report.counts == {"raw and adjusted": 1, "trades and quotes disagree": 4}
    assert (report.raw, report.adjusted) == (("quotes_1m IBM",), ("bars_1m IBM",))


def test_headlines_tell_what_they_lack(archive):
    """Missing and impossible times of receipt, missing contracts and missing bars are named."""
    at = datetime(2026, 11, 20, 15, tzinfo=UTC)
    acme = Contract("ACME", 1)
    archive.add_headlines(
        [
            Headline(provider="BRFG", article_id="1", text="a", published_at=at, received_at=None, contract=acme),
            Headline(
                provider="BRFG",
                article_id="2",
                text="b",
                published_at=at,
                received_at=at - timedelta(hours=5),
                contract=Contract("GONE", 2),
            ),
            Headline(provider="BRFG", article_id="3", text="c", published_at=at, received_at=at + timedelta(hours=5)),
        ],
        ORIGIN,
    )
    archive.add_symbol_master(date(2026, 11, 20), [Listing(symbol="ACME", con_id=1, name="Acme")], ORIGIN)
    assert examine(archive).counts == {
        "late headlines": 1,
        "no contract": 1,
        "not recorded": 1,
        "survivorship": 1,
        "time zone": 1,
    }


def test_a_symbol_that_is_not_there_is_refused(archive):
    """Asking for a symbol without any series is an error, not a clean report."""
    with pytest.raises(ArchiveError, match="nothing of NOPE"):
        examine(archive, ["ACME", "NOPE"])


def test_real_minutes_have_no_errors(shared_data, tmp_path):
    """Lean's real data passes: no error, nothing suspicious but what is really missing."""
    from momentum_kit.storage.imports import import_lean

    archive = Archive(tmp_path / "archive")
    import_lean(shared_data / "lean", archive)
    report = examine(archive)
    expected = {"missing days", "locked quotes", "thin", "gap", "one-sided quotes"}
    assert {each.check for each in report.findings} <= expected
    assert {(each.symbol, each.day) for each in report.findings if each.check == "gap"} <= {("TWX", "2014-06-23")}
    assert not [each for each in report.findings if each.severity == "error"]
