import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from momentum_kit.detection.batch import GATES, micros
from momentum_kit.detection.live import Tape, build_baseline, compute_features
from momentum_kit.errors import ResearchError
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import MarketDataType, Quote
from momentum_kit.models.news import Catalyst, NewsItem
from momentum_kit.research.events import EventSettings, EventTable, build, event_table
from momentum_kit.research.events.events import build_files, load_files
from momentum_kit.sessions import previous_sessions
from momentum_kit.storage.archive import BARS, BARS_5S, QUOTES_5S, Archive, Provenance, in_days
from momentum_kit.storage.archive.rows import to_rows

ORIGIN = Provenance(source="test", sha256="", imported_at=datetime(2026, 7, 1, tzinfo=UTC), adjusted=False)


@pytest.fixture(scope="module")
def days(sessions):
    """First and last day of the studies here: what comes before is baseline."""
    return sessions[25].day, sessions[-1].day


@pytest.fixture(scope="module")
def table(source, days) -> EventTable:
    """All headlines of the last fifteen sessions."""
    return build(source, *days)


def assert_same(left: EventTable, right: EventTable) -> None:
    """The same events, decision times, features and gates."""
    pd.testing.assert_frame_equal(left.events, right.events)
    np.testing.assert_array_equal(left.at, right.at)
    np.testing.assert_array_equal(left.gate, right.gate)
    for name, values in left.features.items():
        np.testing.assert_array_equal(values, right.features[name], name)


def rows_by_item(table: EventTable) -> dict[str, tuple]:
    """Everything of an event by its item_id, but the content of its whole day, which no decision sees."""
    parts = [table.at, table.gate, *table.features.values()]
    events = table.events.drop(columns="content")
    rows = zip(events["item_id"], events.itertuples(index=False), range(len(table)), strict=True)
    return {item_id: (*event, *(part[i].tobytes() for part in parts)) for item_id, event, i in rows}


def test_every_headline_becomes_its_event(table):
    """Tied to its contract, classified, with its day and session."""
    assert table.events["symbol"].value_counts().to_dict() == {"ACME": 15, "GLBX": 15, "HOOL": 15}
    first = table.events.iloc[0]
    assert first["item_id"] == f"{first['story_id']}:100"
    assert (first["catalyst"], first["session"], first["imputed"]) == ("contract_award", "regular", False)
    assert first["received_at"] - first["published_at"] == pd.Timedelta(milliseconds=284)


def test_bars_decide_the_decision_times(table):
    """24 closes of 5 s bars where the archive has them, else one or two minutes; the table says so."""
    fine = (table.events["symbol"] == "ACME").to_numpy()
    assert np.isin((~np.isnat(table.at[fine])).sum(axis=1), (23, 24)).all()
    assert ((~np.isnat(table.at[~fine])).sum(axis=1) <= 2).all()
    assert set(table.marks) == {"BARS 60 s", "NO QUOTES"}


def test_what_is_missing_is_a_gate(table):
    """Without bars or quotes no threshold helps; where all is there the rules decide."""
    by_symbol = {
        symbol: table.select((table.events["symbol"] == symbol).to_numpy()) for symbol in ("ACME", "GLBX", "HOOL")
    }
    there = ~np.isnat(by_symbol["ACME"].at)
    assert (by_symbol["ACME"].gate[there] == 0).mean() > 0.7
    assert (by_symbol["GLBX"].gate[~np.isnat(by_symbol["GLBX"].at)] == GATES.index("no quote")).all()
    assert (by_symbol["HOOL"].gate == GATES.index("no bars")).all()


def test_a_spread_may_be_assumed(source, days):
    """Where there are no quotes at all, and the table is marked."""
    table = build(source, *days, EventSettings(assumed_spread_bps=35.0))
    other = (table.events["symbol"] == "GLBX").to_numpy()
    assert np.nanmax(table.features["spread_bps"][other]) == 35.0
    assert (table.gate[other] == 0).any()
    assert "NO QUOTES: a spread of 35 bps is assumed" in table.marks


def test_features_are_the_engines(source, sessions, table):
    """What the tape of a live engine would have said, from history as of the headline and 5 s bars."""
    i = 7
    event = table.events.iloc[i]
    received = event["received_at"].to_pydatetime()
    session = next(s for s in sessions if s.day == event["day"].date())
    minutes, fives = (to_rows(kind, source.series[kind, "ACME"]) for kind in (BARS, BARS_5S))
    headline = next(line for line in source.news if line.article_id.endswith(event["story_id"]))
    item = NewsItem(
        item_id=event["item_id"],
        story_id=event["story_id"],
        headline=headline,
        contract=Contract("ACME", 100),
        text="",
        catalyst=Catalyst.OTHER,
        catalyst_rule="",
    )
    baseline = build_baseline(minutes, previous_sessions(session.day, 20), session.open)
    quotes = source.series[QUOTES_5S, "ACME"]
    for k in (0, 11, 22):
        at = pd.Timestamp(table.at[i, k], tz="UTC").to_pydatetime()
        tape = Tape(session, [bar for bar in minutes if session.contains(bar.start)], received)
        tape.extend(bar for bar in fives if bar.start >= received - timedelta(seconds=1800) and bar.end <= at)
        q = np.searchsorted(quotes["start"] + 5_000_000, micros(at), side="right") - 1
        quote = Quote(
            100, quotes["bid_close"][q], quotes["ask_close"][q], 300, 100, 5, False, MarketDataType.LIVE, at
        )  # fmt: skip
        age_s = (micros(at) - int(quotes["start"][q])) / 1e6 - 5
        theirs = dataclasses.asdict(compute_features(at, tape, baseline, item, quote, age_s))
        ours = {name: values[i, k] for name, values in table.features.items()}
        assert ours == pytest.approx({k: v for k, v in theirs.items() if k != "at"}, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8])
def test_later_data_changes_no_earlier_row(source, days, table, share):
    """Whatever is cut off the end, what was decided before the cut stays to the last bit, also under wild prices."""
    received = table.events["received_at"].sort_values()
    cut = micros((received.iloc[int(share * len(received))] + pd.Timedelta(seconds=121)).to_pydatetime())
    rng = np.random.default_rng(1)

    def wild(kind: str, columns: dict) -> dict:
        seconds = 60 if kind == BARS else 5
        later = columns["start"] + seconds * 1_000_000 > cut
        names = [name for name in columns if name != "start"]
        return columns | {n: np.where(later, columns[n] * rng.uniform(1, 9, later.size), columns[n]) for n in names}

    def cut_off(kind: str, columns: dict) -> dict:
        keep = columns["start"] + (60 if kind == BARS else 5) * 1_000_000 <= cut
        return {name: values[keep] for name, values in columns.items()}

    news = [line for line in source.news if micros(line.received_at) + 120_000_000 <= cut]
    whole = rows_by_item(table)
    for change, lines in ((cut_off, news), (wild, source.news)):
        series = {key: change(key[0], columns) for key, columns in source.series.items()}
        changed = rows_by_item(build(dataclasses.replace(source, series=series, news=lines), *days))
        for line in news:
            if days[0] <= line.published_at.date():
                item_id = next(i for i in whole if i.startswith(line.article_id.partition("$")[2]))
                assert changed[item_id] == whole[item_id]


def test_an_archive_gives_the_same_table(source, days, table, tmp_path):
    """From files as from memory."""
    archive = Archive(tmp_path)
    archive.extend(each for (kind, symbol), c in source.series.items() for each in in_days(kind, symbol, c, ORIGIN))
    archive.add_headlines(source.news, ORIGIN)
    archive.add_symbol_master(source.masters[0].day, source.masters[0].listings, ORIGIN)
    assert_same(build(archive, *days), table)


def test_files_by_symbol_and_month_hold_the_same(source, days, table, tmp_path):
    """Built part by part, read back as one."""
    files = build_files(source, *days, tmp_path)
    assert [str(file.relative_to(tmp_path).parent) for file in files][:2] == [
        "symbol=ACME/month=2026-06", "symbol=GLBX/month=2026-06"
    ]  # fmt: skip
    loaded = load_files(tmp_path, ["z_tod", "price"])
    pd.testing.assert_frame_equal(loaded.events, table.events)
    np.testing.assert_array_equal(loaded.features["z_tod"], table.features["z_tod"])
    with pytest.raises(ResearchError, match="no event files"):
        load_files(tmp_path / "elsewhere")


def test_known_news_items_need_no_headlines(source, table):
    """Who has his items gets their table; a naive time and an empty selection are refused."""
    news = table.events.assign(sentiment=np.nan, confidence=np.nan, n_tickers=1)
    again = event_table(news.sample(frac=1, random_state=1), source)
    assert_same(again, table)
    with pytest.raises(ResearchError, match="received_at is naive"):
        event_table(news.assign(received_at=news["received_at"].dt.tz_localize(None)), source)
    with pytest.raises(ResearchError, match="selection is empty"):
        event_table(news.iloc[:0], source)


def test_unsorted_bars_are_refused(source, days):
    """With the series, the row and the remedy."""
    broken = {name: values.copy() for name, values in source.series[BARS, "GLBX"].items()}
    broken["start"][500] = broken["start"][498]
    with pytest.raises(ResearchError, match=r"bars_1m of GLBX: row \d+ .* import again"):
        build(dataclasses.replace(source, series=dict(source.series) | {(BARS, "GLBX"): broken}), *days)


def test_bars_of_one_size_may_be_asked_for(source, days):
    """A study on minutes alone does not depend on which days have finer bars."""
    table = build(source, *days, EventSettings(bar_s=60))
    assert table.at.shape[1] == 2
