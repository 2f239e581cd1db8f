import asyncio
from datetime import timedelta

import pytest

from momentum_kit.detection.news import SymbolMaster
from momentum_kit.errors import NotConnected, RequestTimeout
from momentum_kit.models.contracts import Contract
from momentum_kit.models.news import Catalyst, Headline, HeadlinePhase, Reading
from momentum_kit.storage.symbols import bundled_master

ACME = Contract("ACME", 101)


async def test_a_live_headline_becomes_an_item(desk):
    """Cleaned, tied to its contract, classified, with metadata and the milliseconds of its stages."""
    await desk.start()
    outcome = await desk.hear(
        "Acme Therapeutics (NASDAQ: ACME) receives FDA approval &#x2014; shares rise",
        article_id="BRFG$1e1f54ec",
        extra="A:800015:L:en:K:0.84:C:0.83",
    )
    (item,) = desk.taken()
    assert outcome == "item"
    assert (item.item_id, item.story_id, item.contract.con_id) == ("1e1f54ec:101", "1e1f54ec", 101)
    assert item.catalyst is Catalyst.FDA
    assert (item.sentiment, item.confidence, item.n_tickers) == (0.84, 0.83, 1)
    assert "\u2014" in item.text
    assert set(item.stage_ms) == {"parse", "resolve"}
    assert [row["item_id"] for row in desk.journal["items"]] == [item.item_id]
    assert desk.counts == {"headlines": 1, "items": 1}


async def test_one_item_for_each_company(desk):
    """Up to three tickers make an item each; buyer and bought get their own catalyst."""
    await desk.start()
    await desk.hear("Globex (GLBX) to acquire Acme Therapeutics (ACME) for $9 per share in cash")
    items = {item.contract.symbol: item.catalyst for item in desk.taken()}
    assert items == {"GLBX": Catalyst.MA_ACQUIRER, "ACME": Catalyst.MA_TARGET}


@pytest.mark.parametrize(
    ("text", "fields", "reason"),
    [
        ("Acme (ACME) wins contract", {"phase": HeadlinePhase.SNAPSHOT}, "not live"),
        ("Acme (ACME) wins contract", {"phase": HeadlinePhase.BACKFILL, "received_at": None}, "not live"),
        ("Stocks drift before the Fed", {}, "no ticker"),
        ("Early movers: A1 (ACME), B (GLBX), C (AAPL), D (ZZZZ)", {}, "round-up"),
        ("Unknown Corp (ZZZZ) soars on record order", {}, "unknown contract"),
    ],
)
async def test_what_is_skipped_and_why(desk, text, fields, reason):
    """Replays, nobody's news, lists and unknown tickers each have their stable reason, in journal and counts."""
    await desk.start()
    assert await desk.hear(text, **fields) == reason
    assert desk.taken() == []
    assert desk.counts[f"skip: {reason}"] == 1


async def test_published_long_before_it_arrived_is_not_live(desk):
    """The limit is max_age_s; a stamp from the future is believed as little."""
    await desk.start(max_age_s=120)
    now = desk.clock.at
    assert await desk.hear("Acme (ACME) wins a first contract", published_at=now - timedelta(seconds=120)) == "item"
    assert (
        await desk.hear("Acme (ACME) wins b second contract", published_at=now - timedelta(seconds=121)) == "not live"
    )
    assert await desk.hear("Acme (ACME) wins c third contract", published_at=now + timedelta(hours=5)) == "future stamp"


async def test_one_story_on_two_feeds_is_judged_once(desk):
    """By the hash after the dollar sign, and by its words where ids differ; after dedupe_h it is new again."""
    await desk.start(dedupe_h=24)
    assert await desk.hear("Acme (ACME) wins army contract", article_id="BRFG$11111111") == "item"
    assert await desk.hear("Other words (ACME)", article_id="BRFUPDN$11111111", key="BRFUPDN") == "duplicate story"
    assert await desk.hear("Acme (ACME) WINS army contract.", article_id="BRFG$33333333") == "duplicate story"
    desk.clock.at += timedelta(hours=24, seconds=1)
    assert await desk.hear("Acme (ACME) wins army contract", article_id="BRFG$11111111") == "item"


async def test_a_replayed_story_is_old_when_it_comes_live(desk):
    """What the subscription replayed has been traded by others; its live repetition is a duplicate."""
    await desk.start()
    await desk.hear("Acme (ACME) wins contract", article_id="BRFG$1", phase=HeadlinePhase.SNAPSHOT)
    assert await desk.hear("Acme (ACME) wins contract", article_id="BRFG$1") == "duplicate story"


async def test_a_story_tied_to_a_second_contract_is_new_for_that_one(desk):
    """The same story on two companies' own feeds makes an item each; beyond max_tickers it is a round-up."""
    await desk.start(watch_symbols=("ACME",), max_tickers=2)
    story = {"key": "own", "article_id": "DJ-N$12345678"}
    text = "Regulator opens the market for implants of Acme, Globex and Ford"
    assert await desk.hear(text, contract=ACME, **story) == "item"
    assert await desk.hear(text, contract=ACME, **story) == "duplicate story"
    assert await desk.hear(text, contract=Contract("GLBX", 102), **story) == "item"
    assert await desk.hear(text, contract=Contract("F", 103), **story) == "round-up"
    assert [item.contract.con_id for item in desk.taken()] == [101, 102]


async def test_contracts_are_asked_for_once(desk):
    """Answers and refusals are remembered; a time-out is not."""
    await desk.start()
    desk.book.failure = RequestTimeout("no answer")
    assert await desk.hear("Acme (ACME) wins first contract today") == "unknown contract"
    assert await desk.hear("Acme (ACME) wins second contract today") == "item"
    assert await desk.hear("Acme (ACME) wins third contract today") == "item"
    assert await desk.hear("Unknown (ZZZZ) wins first contract") == "unknown contract"
    assert await desk.hear("Unknown (ZZZZ) wins second contract") == "unknown contract"
    assert desk.book.asked == ["ACME", "ACME", "ZZZZ"]


async def test_two_listings_of_one_symbol_are_nobody(desk):
    """Which of two is meant cannot be guessed with money."""
    desk.book.double.add("ACME")
    await desk.start()
    assert await desk.hear("Acme (ACME) wins contract") == "unknown contract"


async def test_without_a_master_the_gateways_name_must_agree(desk):
    """A short ticker in brackets counts only beside the name of the company that the gateway knows."""
    await desk.start()
    assert await desk.hear("Ford Motor (F) recalls trucks again today") == "item"
    assert await desk.hear("Vitamin (F) deficiency is rare, study finds") == "name disagrees"
    assert desk.journal["headlines"][-1]["detail"] == "F, FORD MOTOR CO"


async def test_the_master_decides_before_the_gateway_is_asked(desk):
    """What the master does not know is no ticker at all."""
    await desk.start(master=SymbolMaster({"ACME": "Acme Therapeutics"}))
    assert await desk.hear("Globex (GLBX) wins contract") == "no ticker"
    assert await desk.hear("Acme (ACME) wins contract") == "item"
    assert desk.book.asked == ["ACME"]


async def test_a_ticker_that_the_broker_gives_another_company_is_skipped(desk):
    """Tickers are used again: what is bought is the company that the words named, or nothing."""
    master = SymbolMaster({"GLBX": "Glacier Bioxide Inc", "ACME": "Acme Therapeutics"})
    await desk.start(master=master)
    for text in ("Glacier Bioxide wins a patent for its battery", "Glacier Bioxide (NASDAQ: GLBX) wins an order"):
        assert await desk.hear(text) == "name disagrees"
        assert desk.journal["headlines"][-1]["detail"] == "GLBX, GLOBEX CORP"
    assert await desk.hear("Acme (OTCQB: ACME) wins contract") == "exchange disagrees"
    assert desk.journal["headlines"][-1]["detail"] == "ACME, OTCQB in the text, listed on NASDAQ"
    assert desk.counts["skip: name disagrees"] == 2
    assert desk.taken() == []


async def test_the_journal_says_why_a_headline_named_nobody(desk):
    """The candidates and the check that refused each; the reason itself stays the same for all."""
    await desk.start(master=SymbolMaster({"AMD": "Advanced Micro Devices", "GLBX": "Globex Corp"}))
    assert await desk.hear("Macular degeneration (AMD) drug meets its goal") == "no ticker"
    assert desk.journal["headlines"][-1]["detail"] == "name disagrees: AMD, Advanced Micro Devices"
    assert desk.counts["skip: no ticker"] == 1


async def test_a_company_is_followed_by_its_name_alone(desk):
    """No ticker in the text: the name leads to the symbol, and the broker's name bears it out."""
    await desk.start(master=SymbolMaster({"GLBX": "Globex Corp", "ACME": "Acme Therapeutics"}))
    assert await desk.hear("Globex Announces $40 Million Contract") == "item"
    assert [item.contract.symbol for item in desk.taken()] == ["GLBX"]


async def test_own_news_of_watched_symbols(desk):
    """A contract's own feed is a hint: its company must be named, and no further look-up is needed."""
    await desk.start(watch_symbols=("ACME", "ZZZZ"))
    assert await desk.hear("Acme's study met its primary endpoint", key="own", contract=ACME) == "item"
    assert await desk.hear("Phase 3 study met its endpoint", key="own", contract=ACME) == "name disagrees"
    assert desk.journal["headlines"][-1]["detail"] == "ACME, ACME THERAPEUTICS INC"
    assert desk.feed.sources[-1][0].con_id == 101
    assert any("ZZZZ" in row["text"] for row in desk.journal["incidents"])
    assert desk.book.asked == ["ACME", "ZZZZ"]


async def test_a_tape_that_is_not_entitled_is_an_incident(desk):
    """It is not subscribed, and a person can read why nothing came from it."""
    desk.feed.providers = ("BRFG",)
    await desk.start()
    await desk.hear("Acme (ACME) wins contract")
    assert desk.feed.sources == ["BRFG"]
    assert "not entitled to BRFUPDN" in desk.journal["incidents"][0]["text"]


async def test_a_refused_tape_leaves_the_others_alone(desk):
    """321 on one feed is an incident; the other feed is still heard."""
    desk.feed.refused.add("BRFUPDN")
    await desk.start()
    assert await desk.hear("Acme (ACME) wins contract") == "item"
    assert "321" in desk.journal["incidents"][0]["text"]


async def test_without_any_feed_the_service_stays(desk):
    """No news is an incident, not the end of a session that may hold positions."""
    desk.feed.providers = ()
    await desk.start()
    await asyncio.sleep(0)
    assert not desk.task.done()
    assert any("no headlines are heard" in row["text"] for row in desk.journal["incidents"])


async def test_a_lost_connection_ends_the_service_with_its_own_error(desk):
    """The session tells a lost connection from a bug by the error's type."""

    async def lost(source):
        raise NotConnected("socket closed")
        yield

    desk.feed.stream_headlines = lost
    await desk.start()
    with pytest.raises(NotConnected):
        await desk.task


class SlowReader:
    """A HeadlineReader that answers when told."""

    def __init__(self, reading):
        self.reading, self.go, self.asked = reading, asyncio.Event(), []

    async def read(self, text, symbol, body=""):
        """The reading, once allowed."""
        self.asked.append((text, symbol, body))
        await self.go.wait()
        return self.reading


async def test_a_second_reading_follows_its_item_and_delays_nothing(desk):
    """The item leaves at once; the reading comes behind it as the same item, and the row is written once."""
    reader = SlowReader(Reading(catalyst=Catalyst.OFFERING, direction=-1.0, confidence=0.9, source="test"))
    await desk.start(reader=reader)
    await desk.hear("Acme (ACME) wins contract")
    (first,) = desk.taken()
    assert first.reading is None
    assert desk.journal["items"] == []
    await desk.hear("Globex (GLBX) wins contract")  # the next headline does not wait either
    reader.go.set()
    await desk.handler.queues["readings"].join()
    items = desk.taken()
    again = next(item for item in items if item.item_id == first.item_id)
    assert again.reading is reader.reading
    assert len(desk.journal["items"]) == 2
    assert desk.counts["items"] == 2


async def test_a_reader_without_an_answer_changes_nothing(desk):
    """The item is not sent twice; its row is written without a reading."""
    reader = SlowReader(None)
    reader.go.set()
    await desk.start(reader=reader)
    await desk.hear("Acme (ACME) wins contract")
    await desk.handler.queues["readings"].join()
    assert len(desk.taken()) == 1
    assert [row["reading"] for row in desk.journal["items"]] == [None]
    assert reader.asked == [("Acme (ACME) wins contract", "ACME", "")]


async def test_a_burst_leaves_every_other_task_its_turns(desk):
    """A stream that has more to give never waits by itself; an order must not wait until it is read up."""
    await desk.start()
    await desk.hear("Markets are quiet")
    turns, tape = 0, desk.feed.queues["BRFG"]

    async def something_else() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    other = asyncio.create_task(something_else())
    for number in range(100):
        at = desk.clock.at
        tape.put_nowait(
            Headline(provider="BRFG", article_id=f"BRFG$b{number:03d}", text="", published_at=at, received_at=at)
        )
    await tape.join()
    other.cancel()
    assert turns >= 100


async def test_an_update_of_a_known_story_bars_what_is_being_judged(desk):
    """The same id told anew with an offering in it comes behind its item, barred; a milder one changes nothing."""
    await desk.start()
    assert await desk.hear("Acme (ACME) wins army contract", article_id="BRFG$1234abcd") == "item"
    (first,) = desk.taken()
    again = {"article_id": "BRFUPDN$1234abcd", "key": "BRFUPDN"}
    assert await desk.hear("Acme (ACME) wins army contract, largest so far", **again) == "duplicate story"
    assert desk.taken() == []
    text = "UPDATE: Acme (ACME) wins army contract, prices $20M public offering"
    assert await desk.hear(text, **again) == "duplicate story"
    (update,) = desk.taken()
    assert (update.item_id, update.catalyst, update.update) == (first.item_id, Catalyst.OFFERING, True)
    assert await desk.hear("Acme (ACME) wins army contract", **again) == "duplicate story"
    assert desk.taken() == []
    assert desk.counts["updates"] == 1


async def test_other_words_of_one_story_are_a_duplicate_and_other_numbers_are_not(desk):
    """Two providers, two ids; the amount tells two orders of one day apart."""
    await desk.start()
    assert await desk.hear("Acme Therapeutics (ACME) Awarded $11M Navy Contract") == "item"
    assert await desk.hear("Acme Therapeutics (ACME) Receives $11 Million Contract From Navy") == "duplicate story"
    assert await desk.hear("Acme Therapeutics (ACME) Awarded $19M Navy Contract") == "item"


async def test_stamps_of_the_future_do_not_trade_and_three_in_a_row_are_an_incident(desk):
    """Up to 2 s are the clocks'; beyond them nothing is believed. The broker's clock is the judge."""
    await desk.start()
    now = desk.clock.at
    assert await desk.hear("Acme (ACME) wins a contract", published_at=now + timedelta(seconds=2)) == "item"
    for number in range(4):
        text = f"Acme (ACME) opens plant number {number} today"
        assert await desk.hear(text, published_at=now + timedelta(seconds=2.1)) == "future stamp"
    told = [row["text"] for row in desk.journal["incidents"]]
    assert len(told) == 1
    assert "BRFG: 3 headlines in a row stamped in the future" in told[0]


async def test_a_slow_clock_of_ours_makes_no_future(desk):
    """Three seconds behind the broker: what seems to come from the future is one second old."""
    await desk.start(clock_behind_s=3.0)
    ahead = {"published_at": desk.clock.at + timedelta(seconds=2.5)}
    assert await desk.hear("Acme (ACME) wins a contract", **ahead) == "item"


async def test_an_unknown_symbol_holds_up_nobody(desk):
    """While the broker is asked about one company the next headlines are handled; each is asked about once."""
    await desk.start()
    await desk.hear("Globex (GLBX) wins contract")
    desk.taken()
    desk.book.answer_now.clear()
    for text in ("Unknown (ZZZZ) wins a first contract", "Unknown (ZZZZ) wins a second contract"):
        await desk.feed.push(desk.headline(text))
    await desk.feed.push(desk.headline("Globex (GLBX) receives FDA approval"))
    assert [item.contract.symbol for item in desk.taken()] == ["GLBX"]
    desk.book.answer_now.set()
    await desk.handler.queues["look-ups"].join()
    assert [row["reason"] for row in desk.journal["headlines"][1:]] == ["", "unknown contract", "unknown contract"]
    assert desk.book.asked == ["GLBX", "ZZZZ"]


async def test_the_first_headline_finds_everything_built(desk):
    """The index of names takes a third of a second: it is there before a stream is heard, and holds up no order."""
    bundled_master.cache_clear()
    master = bundled_master()
    assert "index" not in vars(master)
    await desk.start(master=master)
    assert "index" in vars(master)


async def test_a_text_at_which_a_rule_fails_costs_itself_alone(desk, monkeypatch):
    """Unread, counted and told, whatever the failure; the next headline is an item."""
    from momentum_kit.services.news import news_handler

    read = news_handler.parse_headline

    def fail(headline, master):
        if "poison" in headline.text:
            raise RuntimeError("a rule of ours")
        return read(headline, master)

    monkeypatch.setattr(news_handler, "parse_headline", fail)
    await desk.start()
    async with asyncio.timeout(20):
        await desk.feed.push(desk.headline("Acme (ACME) poison"))
        assert await desk.hear("Acme Therapeutics (NASDAQ: ACME) receives FDA approval") == "item"
    assert desk.counts["headlines"] == 2
    (told,) = [row["text"] for row in desk.journal["incidents"]]
    assert "is not read: RuntimeError: a rule of ours" in told
