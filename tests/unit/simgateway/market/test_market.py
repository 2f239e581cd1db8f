import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum_kit.errors import ScenarioError
from momentum_kit.simgateway.embedding import HistoryError, open_market
from momentum_kit.simgateway.events import HaltEvent, NewsEvent, QuoteEvent, TradeEvent
from momentum_kit.simgateway.instrument import EXCHANGES, ORDER_TYPES
from momentum_kit.simgateway.scenario import parse_scenario

AAPL = 265598
BUSY = {
    "start": "09:30",
    "end": "10:00",
    "universe": {"small_caps": 6, "large_caps": 1},
    "news": {
        "providers": ["BRFG", "BRFUPDN", "DJNL", "DJ-N", "DJ-RT"],
        "planted": 3,
        "neutral": 3,
        "earlier": 12,
        "decoys": {"halt": 1, "stale": 1, "second_feed": 1, "round_up": 1, "silent_move": 1},
    },
}


def market(seed=1, **changes):
    """A small busy market."""
    return open_market(parse_scenario(BUSY | {"seed": seed} | changes))


def everything(market, until, step_s):
    """All events up to `until`, advanced in equal steps."""
    events = []
    to = market.now
    while market.now < until:
        to = min(to + timedelta(seconds=step_s), until)
        events += market.advance(to)
    return events


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=12), st.integers(0, 3))
def test_events_do_not_depend_on_how_advance_is_sliced(steps_ms, seed):
    """advance(a + b) yields what advance(a) and advance(b) yield, in the same order."""
    whole, sliced = market(seed), market(seed)
    for one in (whole, sliced):
        for con_id in one.instruments:
            one.activate(con_id)
    start = whole.now
    pieces = []
    for step in steps_ms:
        pieces += sliced.advance(sliced.now + timedelta(milliseconds=step))
    assert whole.advance(start + timedelta(milliseconds=sum(steps_ms))) == pieces
    assert pieces == sorted(pieces, key=lambda event: event.time)


def test_a_contract_has_the_same_tape_whoever_else_is_watched():
    """A symbol's day depends on seed and symbol alone."""
    alone, crowd = market(), market()
    chosen = max(alone.instruments)
    for con_id in crowd.instruments:
        crowd.activate(con_id)
    alone.activate(chosen)
    until = alone.now + timedelta(minutes=4)
    mine = [e for e in alone.advance(until) if not isinstance(e, NewsEvent)]
    theirs = [e for e in crowd.advance(until) if not isinstance(e, NewsEvent) and e.con_id == chosen]
    assert mine == theirs
    assert mine


def test_a_later_activation_joins_the_running_tape():
    """What is activated late sees the same events from there on."""
    early, late = market(), market()
    early.activate(AAPL)
    half = early.now + timedelta(minutes=2)
    early.advance(half)
    late.advance(half)
    late.activate(AAPL)
    until = half + timedelta(seconds=20)
    assert late.advance(until) == early.advance(until)


def test_seeds_give_different_markets():
    """Another seed is another day."""
    one, two = (open_market(parse_scenario(BUSY | {"seed": seed})) for seed in (1, 2))
    one.activate(AAPL)
    two.activate(AAPL)
    assert one.advance(one.now + timedelta(minutes=1)) != two.advance(two.now + timedelta(minutes=1))


def test_nothing_is_yielded_for_a_contract_nobody_activated():
    """Without subscriptions only news happens."""
    quiet = market()
    assert all(isinstance(event, NewsEvent) for event in quiet.advance(quiet.ends))


def test_the_market_stops_at_its_end():
    """Beyond the scenario's end time stands still and nothing happens."""
    over = market()
    over.activate(AAPL)
    over.advance(over.ends + timedelta(hours=1))
    assert over.now == over.ends
    assert over.advance(over.ends + timedelta(hours=2)) == []


def test_quote_and_last_are_the_newest_events():
    """The state that can be asked for is the one the events led to."""
    running = market()
    events = (running.activate(AAPL), running.advance(running.now + timedelta(seconds=90)))[1]
    assert running.quote(AAPL) == [e for e in events if isinstance(e, QuoteEvent)][-1]
    assert running.last(AAPL) == [e for e in events if isinstance(e, TradeEvent)][-1]


def test_a_halt_stops_the_tape_and_a_resume_starts_it_again():
    """Between state 2 and state 0 lie five minutes without a quote or a print."""
    halting = market()
    symbol = next(row["symbol"] for row in halting.truth()["decoys"] if row["kind"] == "halt")
    (instrument,) = halting.find(symbol=symbol)
    halting.activate(instrument.con_id)
    events = [e for e in halting.advance(halting.ends) if not isinstance(e, NewsEvent)]
    halts = [e for e in events if isinstance(e, HaltEvent)]
    assert [halt.state for halt in halts] == [2, 0]
    assert halts[1].time - halts[0].time == timedelta(minutes=5)
    assert not [e for e in events if halts[0].time < e.time < halts[1].time]
    after = [e for e in events if e.time >= halts[1].time and not isinstance(e, HaltEvent)]
    assert isinstance(after[0], QuoteEvent)
    assert after[0].time - halts[1].time < timedelta(seconds=1)
    assert [e for e in after if isinstance(e, TradeEvent)]


def test_halted_says_the_state_in_force():
    """While the halt lasts the state is 2, before and after it is 0."""
    halting = market()
    row = next(row for row in halting.truth()["decoys"] if row["kind"] == "halt")
    (instrument,) = halting.find(symbol=row["symbol"])
    relay = datetime.fromisoformat(row["time"])
    states = []
    for moment in (relay, relay + timedelta(seconds=30), relay + timedelta(seconds=400)):
        halting.advance(moment)
        states.append(halting.halted(instrument.con_id))
    assert states == [0, 2, 0]


def test_truth_lists_every_headline_of_the_day_once():
    """Planted and decoys together are all the day's headlines, with times and stories as relayed."""
    told = market()
    news = {event.article_id: event for event in told.advance(told.ends)}
    rows = [row for part in told.truth().values() for row in part if row["article_id"]]
    assert sorted(row["article_id"] for row in rows) == sorted(news)
    for row in rows:
        event = news[row["article_id"]]
        assert event.time.isoformat() == row["time"]
        assert event.article_id == f"{event.provider}${row['story']}"
    assert len(told.truth()["planted"]) == BUSY["news"]["planted"]


def test_the_decoys_are_what_they_claim_to_be():
    """A stale headline is hours old, a repeat shares its story, a round-up names more than three, silence is silent."""
    told = market()
    news = {event.article_id: event for event in told.advance(told.ends)}
    decoys = {row["kind"]: row for row in told.truth()["decoys"]}
    stale = news[decoys["stale"]["article_id"]]
    assert stale.time - stale.published > timedelta(hours=1)
    assert decoys["second_feed"]["story"] in {row["story"] for row in told.truth()["planted"]}
    assert len(news[decoys["round_up"]["article_id"]].con_ids) > 3
    assert decoys["silent_move"]["article_id"] == ""


def test_news_history_is_newest_first_and_never_ahead_of_the_market():
    """Only what has been relayed is history; start is exclusive, end inclusive, and the limit says if there is more."""
    told = market()
    con_id = told.advance(told.ends)[0].con_ids[0]
    codes = tuple(told.providers)
    found, more = told.news_history(con_id, codes, None, None, 300)
    assert not more
    assert [e.published for e in found] == sorted((e.published for e in found), reverse=True)
    assert told.news_history(con_id, codes, found[0].published, None, 300)[0] == []
    assert told.news_history(con_id, codes, None, found[-1].published, 300)[0] == [found[-1]]
    assert told.news_history(con_id, (), None, None, 300) == ([], False)
    assert market().news_history(con_id, codes, None, None, 300)[0] == [e for e in found if e.time <= market().now]


def test_a_limited_news_history_says_that_there_is_more():
    """One of many headlines comes with has_more."""
    told = market()
    told.advance(told.ends)
    counts = {c: len(told.news_history(c, tuple(told.providers), None, None, 300)[0]) for c in told.instruments}
    busiest = max(counts, key=lambda con_id: counts[con_id])
    found, more = told.news_history(busiest, tuple(told.providers), None, None, 1)
    assert (len(found), more) == (1, True)


def test_an_article_exists_once_its_headline_was_relayed():
    """The body can be read from the relay on, and only under its own provider."""
    told = market()
    first = market().advance(told.ends)[0]
    assert told.article(first.provider, first.article_id) is None
    told.advance(told.ends)
    assert told.article(first.provider, first.article_id) == (0, first.body)
    assert told.article("DJ-RTG", first.article_id) is None


def test_aapl_is_described_as_recorded(shared_data):
    """Lists, rule and names are those of the recorded contract details."""
    frames = json.loads((shared_data / "gateway" / "frames_sv200.json").read_text())["frames"]
    fields = next(frame["fields"] for frame in frames if frame["callback"] == "contractDetails")
    (aapl,) = market().find(con_id=AAPL)
    assert {EXCHANGES, ORDER_TYPES, aapl.long_name, aapl.isin, aapl.trading_class, aapl.time_zone_id} <= set(fields)
    assert ",".join(str(rule) for rule in aapl.market_rule_ids) in fields
    day = datetime(2026, 4, 5, tzinfo=UTC).date()
    assert aapl.trading_hours(day) in fields
    assert aapl.liquid_hours(day) in fields


def test_hours_of_a_half_day_end_early():
    """On the day after Thanksgiving regular hours end at 13:00."""
    (aapl,) = market().find(symbol="AAPL")
    day = datetime(2026, 11, 27, tzinfo=UTC).date()
    assert aapl.liquid_hours(day).startswith("20261127:0930-20261127:1300;20261128:CLOSED")


def test_find_and_matching_know_symbols_names_and_ids():
    """Exact look-ups find one, a search finds by symbol or name, nonsense finds nothing."""
    listed = market()
    (aapl,) = listed.find(symbol="AAPL")
    assert listed.find(con_id=AAPL) == [aapl]
    assert listed.find(con_id=AAPL, symbol="MSFT") == []
    assert listed.find(symbol="MSFT") == []
    assert listed.matching("aap")[0] == aapl
    assert aapl in listed.matching("apple")
    assert listed.matching(" ") == []


def test_an_unknown_contract_has_no_market():
    """No tape, no quote, no print; history is refused as IB refuses it."""
    listed = market()
    assert listed.quote(1) is None
    assert listed.last(1) is None
    assert listed.halted(1) == 0
    with pytest.raises(HistoryError, match="No security definition") as caught:
        listed.bars(1, None, "1 D", "1 min", "TRADES", True)
    assert caught.value.code == 200


def test_an_archive_scenario_does_not_open_without_bars():
    """The scenario for real bars says what is missing."""
    with pytest.raises(ScenarioError, match="needs real bars: give an archive and a day"):
        open_market(parse_scenario({"market": "archive"}))
