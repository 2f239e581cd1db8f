import asyncio

import pytest

from momentum_kit.config import BodySettings
from momentum_kit.detection.news import SymbolMaster
from momentum_kit.errors import NotConnected, RequestFailed
from momentum_kit.models import Article

UPDATE = "Acme Therapeutics (NASDAQ: ACME) Provides Business Update"
SELLS = Article(0, "<p>Acme entered into a securities purchase agreement with investors to sell shares.</p>")


@pytest.fixture
async def reading(desk):
    """A desk that reads articles."""
    await desk.start(bodies=BodySettings(enabled=True, max_articles_per_hour=2, deadline_s=0.2))
    return desk


async def settled(desk) -> None:
    """Every article that was asked for has been read, or has not come in time."""
    await desk.handler.queues["articles"].join()


async def test_an_article_bars_what_its_headline_did_not(reading):
    """The item goes out at once, and again with the words of its article; the journal has what was read."""
    reading.feed.articles["BRFG$u1"] = SELLS
    assert await reading.hear(UPDATE, article_id="BRFG$u1") == "item"
    await settled(reading)
    first, again = reading.taken()
    assert (first.item_id, first.body_dilution) == (again.item_id, "")
    assert "securities purchase agreement" in again.body_dilution
    (row,) = reading.journal["articles"]
    assert (row["outcome"], row["kind"], row["chars"], row["article_id"]) == (
        "read",
        "html",
        len(SELLS.text),
        "BRFG$u1",
    )
    assert row["fetch_ms"] >= 0


async def test_an_article_with_nothing_in_it_changes_nothing(reading):
    """It was read, and the item is not sent again."""
    reading.feed.articles["BRFG$u1"] = Article(0, "Acme says that its product sells well.")
    await reading.hear(UPDATE, article_id="BRFG$u1")
    await settled(reading)
    assert len(reading.taken()) == 1
    assert [row["outcome"] for row in reading.journal["articles"]] == ["read"]


@pytest.mark.parametrize(
    ("listed", "reason"), [({"GLBX": "Globex Corp"}, "no ticker"), (None, "unknown contract")], ids=["master", "none"]
)
async def test_an_article_names_the_company_that_the_headline_left_open(desk, listed, reason):
    """Its item is that of the headline: received then, and judged from then on."""
    await desk.start(bodies=BodySettings(enabled=True), master=SymbolMaster(listed) if listed else None)
    desk.feed.articles["BRFG$u1"] = Article(0, "BOSTON -- Globex Corp (NASDAQ: GLBX) won approval.")
    assert await desk.hear("Maker of a skin drug (GLBZ-X) wins approval", article_id="BRFG$u1") == reason
    await settled(desk)
    items = desk.taken()
    assert [(item.contract.symbol, item.headline.article_id, item.n_tickers) for item in items] == [
        ("GLBX", "BRFG$u1", 1)
    ]


async def test_a_ticker_in_an_article_must_be_that_companys(reading):
    """The broker's name is held against the article's words, as against a headline's."""
    reading.feed.articles["BRFG$u1"] = Article(0, "BOSTON -- Northwind Biotech (NASDAQ: GLBX) won approval.")
    await reading.hear("Maker of a skin drug (GLBZ-X) wins approval", article_id="BRFG$u1")
    await settled(reading)
    assert reading.taken() == []
    assert reading.journal["articles"][0]["symbols"] == ["GLBX"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (RequestFailed(10172, "Failed to request news article:No data available"), "No data available"),
        (NotConnected("the gateway is gone"), "the gateway is gone"),
        (None, "too late"),
    ],
)
async def test_an_article_that_does_not_come_is_unread_and_changes_nothing(reading, answer, reason):
    """With the reason in the journal; the item stands as it was, and the next article is read."""
    reading.feed.articles |= {"BRFG$u1": answer, "BRFG$u2": SELLS}
    await reading.hear(UPDATE, article_id="BRFG$u1")
    await settled(reading)
    assert [item.body_dilution for item in reading.taken()] == [""]
    (row,) = reading.journal["articles"]
    assert row["outcome"] == "unread"
    assert reason in row["reason"]
    await reading.hear("Globex (NASDAQ: GLBX) Provides Business Update", article_id="BRFG$u2")
    await settled(reading)
    assert reading.taken()[-1].body_dilution


@pytest.mark.parametrize(("market_s", "outcome", "reason"), [(3.9, "read", ""), (4.1, "unread", "too late")])
async def test_only_market_time_makes_an_article_late(desk, monkeypatch, market_s, outcome, reason):
    """In lock-step no wall time ends the wait; what came after the deadline by the market's clock is of no use."""
    passed = [0.0]
    monkeypatch.setattr(desk.clock, "elapsed", lambda: passed[0])
    monkeypatch.setattr(desk.clock, "wall_limit", lambda _: None)

    async def answer_late(*_):
        passed[0] = market_s
        return SELLS

    monkeypatch.setattr(desk.feed, "fetch_news_article", answer_late)
    await desk.start(bodies=BodySettings(enabled=True, deadline_s=4.0))
    await desk.hear(UPDATE, article_id="BRFG$u1")
    await settled(desk)
    assert [(row["outcome"], row["reason"]) for row in desk.journal["articles"]] == [(outcome, reason)]


async def test_an_hour_has_its_articles_counted(reading):
    """What goes beyond is unread, at once, and without a request."""
    for number, company in enumerate(("Acme (NASDAQ: ACME)", "Globex (NASDAQ: GLBX)", "Apple (NASDAQ: AAPL)")):
        reading.feed.articles[f"BRFG$u{number}"] = SELLS
        await reading.hear(f"{company} Provides Update {number}", article_id=f"BRFG$u{number}")
        await settled(reading)
    assert [row["outcome"] for row in reading.journal["articles"]] == ["read", "read", "unread"]
    assert reading.journal["articles"][-1]["reason"] == "as many as an hour may have"
    assert reading.counts["articles unread"] == 1


@pytest.mark.parametrize(("size", "outcome"), [(1_000, "kept"), (10_000_000, "unread")])
async def test_a_pdf_is_kept_and_not_read(reading, size, outcome):
    """For people; one too large is told and not kept."""
    reading.feed.articles["BRFG$u1"] = Article(1, "JVBE" * (size // 4))
    await reading.hear(UPDATE, article_id="BRFG$u1")
    await settled(reading)
    (row,) = reading.journal["articles"]
    assert (row["outcome"], row["kind"], row["chars"]) == (outcome, "pdf", size)
    assert len(row["content"]) == (size if outcome == "kept" else 0)
    assert len(reading.taken()) == 1


@pytest.mark.parametrize(
    "text",
    ["<div>" * 2_000_000, '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "&b;&b;">]><a>&b;</a>', "\ud800" * 10_000_000],
)
async def test_a_hostile_article_neither_ends_nor_trades_anything(reading, text):
    """It is read, says nothing, and the tape goes on."""
    reading.feed.articles["BRFG$u1"] = Article(0, text)
    await reading.hear(UPDATE, article_id="BRFG$u1")
    await settled(reading)
    assert [item.body_dilution for item in reading.taken()] == [""]
    assert await reading.hear("Globex (NASDAQ: GLBX) Wins Order") == "item"


async def test_no_article_is_fetched_unless_asked_for(desk):
    """Off by default: a study reads headlines alone."""
    desk.feed.articles["BRFG$u1"] = SELLS
    await desk.start()
    await desk.hear(UPDATE, article_id="BRFG$u1")
    await asyncio.sleep(0)
    assert (desk.feed.fetched, desk.journal["articles"]) == ([], [])


async def test_what_is_barred_or_not_live_needs_no_article(reading):
    """Neither costs a request."""
    await reading.hear("Acme (NASDAQ: ACME) Prices Public Offering Of Common Stock", article_id="BRFG$u1")
    await reading.hear(UPDATE, article_id="BRFG$u2", received_at=None)
    await settled(reading)
    assert reading.feed.fetched == []
