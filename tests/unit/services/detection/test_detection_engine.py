import asyncio
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from momentum_kit.errors import NotConnected, RequestFailed, RequestTimeout
from momentum_kit.models.contracts import Contract
from momentum_kit.models.market import MarketDataType
from momentum_kit.models.news import Catalyst, Reading

ACME = Contract("ACME", 101)
T0 = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
GLBX = Contract("GLBX", 102)
THIRD = Contract("THRD", 103)


def seconds(row):
    """When a decision row was decided, in seconds after T0."""
    return (row["decided_at"] - T0).total_seconds()


async def test_a_shock_after_a_headline_is_a_signal(lab):
    """The first decision time at which every rule passes buys at the ask; afterwards the item is only observed."""
    await lab.start()
    await lab.news()
    await lab.shock(0.0, 60)
    signal = lab.signals.get_nowait()
    assert lab.signals.empty()
    (row,) = lab.decisions(final=True)
    assert row["verdict"] == "signal"
    assert all(verdict.passed for verdict in row["rules"])
    assert signal.decided_at == row["decided_at"]
    assert signal.item_id == "s1:101"
    # judged half a second after the bar closed, with the ask and the message of that moment
    tick = int(seconds(row) * 2)
    assert signal.reference_price == pytest.approx(10.0 + 0.01 * (tick + 1))
    assert signal.deciding_ns == tick
    assert signal.elapsed_s == pytest.approx(signal.decided_at.timestamp() + 0.5 - 1_000)
    assert signal.features.price == pytest.approx(10.0 + 0.01 * tick)
    assert signal.atr > 0
    assert lab.counts["signals"] == 1
    decided = [seconds(each) for each in lab.decisions()]
    assert decided == sorted(decided)
    assert max(decided) == seconds(row)


async def test_decision_times_are_bar_closes(lab):
    """From the first close at least 5 s after the headline to the last within 120 s, then the last word."""
    await lab.start()
    await lab.run_until(3)
    await lab.news()
    await lab.run_until(140)
    assert [seconds(row) for row in lab.decisions(final=False)] == list(range(10, 125, 5))
    (final,) = lab.decisions(final=True)
    assert (final["verdict"], seconds(final)) == ("skip", 120)


async def test_a_headline_exactly_at_a_close_belongs_to_the_next_bar(lab):
    """Received at T0, the close at T0 is past; the first decision is at the next one."""
    await lab.start()
    await lab.news()
    await lab.run_until(140)
    times = [seconds(row) for row in lab.decisions(final=False)]
    assert (times[0], times[-1]) == (5, 120)


async def test_the_last_word_names_what_came_closest(lab):
    """Most rules passed, then the latest: not whatever failed at the end, when the move was over."""
    await lab.start(max_quote_age_s=1000)
    await lab.news()
    await lab.shock(0.0, 25, step=0.0055)  # up 2.75% on volume: one rule short
    await lab.run_until(140)
    (final,) = lab.decisions(final=True)
    best = max(lab.decisions(final=False), key=lambda row: (sum(v.passed for v in row["rules"]), row["decided_at"]))
    assert final["reason"] == best["reason"] == "move"
    assert final["features"] == best["features"]
    assert f"closest at {best['decided_at']:%H:%M:%S}" in final["detail"]
    assert lab.counts["skip: move"] == 1


async def test_history_gives_anchor_and_windows_at_once(lab):
    """The first decision knows the price before the headline, five minutes of tape, and ten sessions."""
    await lab.start()
    await lab.news()
    await lab.shock(0.0, 6)
    features = lab.decisions()[0]["features"]
    assert features.anchor == 10.0
    assert features.ret_60s == features.ret_300s == pytest.approx(math.log(10.10 / 10.0))
    assert features.baseline_days == 10
    assert features.rvol_cum == pytest.approx((30 * 600 + 9 * 500) / (600 * (30 + 5 / 60)))
    assert sorted(lab.market.requests) == [(101, "1800 S", "5 secs", False), (101, "21 D", "1 min", True)]


async def test_the_baseline_is_fetched_once_a_day(lab):
    """Warmed before, a headline needs today's minutes only."""
    await lab.start()
    await lab.engine.warm([Contract("ACME", 101)])
    lab.market.requests.clear()
    await lab.news()
    await lab.run_until(6)
    assert sorted(lab.market.requests) == [(101, "1 D", "1 min", True), (101, "1800 S", "5 secs", False)]
    assert lab.decisions()[0]["features"].baseline_days == 10


async def test_a_bar_in_progress_is_completed(lab):
    """History as of 2 s holds the bar in progress; the trades after it complete it, none counts twice."""
    await lab.start()
    await lab.run_until(2)
    partial = replace(lab.market.history["5 secs"][-1], start=T0, volume=70.0, count=7)
    lab.market.history["5 secs"] = (*lab.market.history["5 secs"], partial)
    await lab.news()
    await lab.trade(10.5, 30, time=T0 + timedelta(seconds=3))
    await lab.trade(99.0, 30, time=T0 + timedelta(seconds=1))  # before the request: history has it
    await lab.run_until(10.5)
    features = lab.decisions()[0]["features"]
    assert features.price == 10.5
    assert features.trades_60s == 8 + 10 * 5  # ten whole bars before, for the window ends at 10 s


async def test_no_baseline_where_the_broker_has_no_history(lab, no_data):
    """An honest nothing is a reason, not an incident."""
    lab.market.history["1 min"] = no_data
    await lab.start()
    await lab.news()
    await lab.quote(10.0, 10.01)
    await lab.trade(10.0, 100)
    await lab.run_until(6)
    assert lab.reasons() == ["no baseline"]
    assert lab.journal["incidents"] == []


async def test_a_failed_history_request_is_repeated(lab):
    """A time-out is an incident; after 15 s, as IB's pacing wants, it is asked again and the item can be judged."""
    bars = lab.market.history["1 min"]
    lab.market.history["1 min"] = RequestTimeout("1 min bars")
    await lab.start()
    await lab.news()
    await lab.quote(10.0, 10.01)
    await lab.run_until(10)
    assert "1 min bars" in lab.journal["incidents"][0]["text"]
    assert set(lab.reasons()) == {"no baseline"}
    lab.market.history["1 min"] = bars
    await lab.run_until(21)
    assert [request[2] for request in lab.market.requests].count("1 min") == 2
    assert lab.decisions()[-1]["features"].baseline_days == 10


async def test_too_few_sessions_are_a_thin_baseline(lab):
    """Ten are asked for by default; a fresh listing with fewer is not judged by them."""
    await lab.start(min_baseline_sessions=11)
    await lab.news()
    await lab.quote(10.0, 10.01)
    await lab.run_until(6)
    assert lab.reasons() == ["thin baseline"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"halted": True}, "halted"),
        ({"data_type": MarketDataType.DELAYED}, "data not live"),
        ({"bid": math.nan}, "no quote"),
    ],
)
async def test_a_quote_that_must_not_be_traded_on(lab, fields, reason):
    """However strong the tape, a halt, delayed data or half a quote refuses."""
    await lab.start()
    await lab.news()
    await lab.shock(0.0, 30)
    assert lab.signals.qsize() == 1
    await lab.news(story="s2")
    values = {"bid": 10.58, "ask": 10.60} | fields
    for _ in range(12):
        await lab.quote(**values)
        await lab.beat((lab.now_at - T0).total_seconds() + 0.5)
    assert lab.signals.qsize() == 1
    assert lab.reasons()[-1] == reason


async def test_a_tape_that_has_gone_quiet_is_stale(lab):
    """Neither trade nor quote for more than max_quote_age_s; a trade alone keeps a standing quote fresh."""
    await lab.start(max_quote_age_s=4)
    await lab.news()
    await lab.quote(10.0, 10.01)
    await lab.run_until(8)
    await lab.trade(10.0, 100)
    await lab.run_until(16)
    assert lab.reasons() == ["stale quote", "move", "stale quote"]


async def test_a_quote_that_stands_is_not_stale_beside_a_live_tape(lab):
    """IB sends a quote only when it changes."""
    await lab.start(max_quote_age_s=4)
    await lab.news()
    await lab.quote(10.0, 10.01)
    for second in range(12):
        await lab.trade(10.0, 100)
        await lab.run_until(second + 1)
    assert "stale quote" not in lab.reasons()


async def test_a_symbol_without_permission_stays_blind(lab):
    """IB's refusal of a stream is an incident of that symbol; the engine goes on."""
    await lab.start()
    await lab.news()
    lab.market.streams["quotes", 101].put_nowait(RequestFailed(354, "Requested market data is not subscribed"))
    await lab.run_until(6)
    assert "354" in lab.journal["incidents"][0]["text"]
    assert lab.reasons() == ["no quote"]
    assert not lab.task.done()


async def test_a_lost_connection_ends_the_engine_with_its_own_error(lab):
    """The session reconnects on that error and on no other."""
    await lab.start()
    await lab.news()
    lab.market.streams["trades", 101].put_nowait(NotConnected("socket closed"))
    with pytest.raises(NotConnected):
        await lab.task


async def test_barred_catalyst_and_a_second_reading(lab):
    """A reading that arrives behind its item bars it; rows before it stand as they were."""
    await lab.start()
    item = await lab.news()
    await lab.run_until(6)
    lab.items.put_nowait(
        replace(item, reading=Reading(catalyst=Catalyst.OFFERING, direction=-1.0, confidence=0.9, source="test"))
    )
    await lab.shock(6.0, 40)
    assert lab.signals.empty()
    assert lab.reasons()[0] != "barred catalyst"
    assert set(lab.reasons()[1:]) == {"barred catalyst"}


async def test_a_reading_and_an_article_both_stay(lab):
    """Each comes with the item as it first was; neither takes the other back, whichever is last."""
    await lab.start()
    item = await lab.news()
    harmless = Reading(catalyst=Catalyst.FDA, direction=1.0, confidence=0.9, source="test")
    lab.items.put_nowait(replace(item, body_dilution="priced an offering"))
    lab.items.put_nowait(replace(item, reading=harmless))
    await lab.run_until(6)
    assert lab.reasons() == ["barred catalyst"]


async def test_an_article_comes_too_late_for_an_item_that_gave_its_line_away(lab):
    """It brings nothing back to be judged."""
    await lab.start()
    item = await lab.news()
    lab.items.put_nowait(replace(item, item_id="other:101", body_dilution="priced an offering"))
    await lab.run_until(6)
    assert {row["item_id"] for row in lab.journal["decisions"]} == {item.item_id}


async def test_an_update_bars_its_item_and_starts_nothing(lab):
    """A later telling with an offering in it: no signal after it; for an item that nobody follows it is nothing."""
    await lab.start()
    item = await lab.news()
    await lab.run_until(6)
    lab.items.put_nowait(replace(item, catalyst=Catalyst.OFFERING, update=True))
    harmless = Reading(catalyst=Catalyst.FDA, direction=1.0, confidence=0.9, source="test")
    lab.items.put_nowait(replace(item, reading=harmless))  # of the first words; it lifts no bar
    await lab.shock(6.0, 40)
    assert lab.signals.empty()
    assert set(lab.reasons()[1:]) == {"barred catalyst"}
    lab.items.put_nowait(replace(item, item_id="s9:102", contract=GLBX, catalyst=Catalyst.OFFERING, update=True))
    await lab.items.join()
    assert {con_id for _, con_id in lab.market.open_lines} == {101}


async def test_lines_go_by_strength_then_recency(lab):
    """With two lines the weakest item gives way to a stronger one and gets its last word."""
    await lab.start(max_lines=2)
    await lab.news(Catalyst.OTHER, story="s1")
    await lab.news(Catalyst.FDA, GLBX, story="s2")
    await lab.news(Catalyst.CONTRACT_AWARD, THIRD, story="s3")
    assert [(row["symbol"], row["reason"]) for row in lab.decisions(final=True)] == [("ACME", "no capacity")]
    await lab.news(Catalyst.OTHER, Contract("FRTH", 104), story="s4")
    assert [row["symbol"] for row in lab.decisions(final=True)] == ["ACME", "FRTH"]
    assert lab.market.most_lines == 2
    assert lab.counts["skip: no capacity"] == 2


async def test_who_is_observed_only_gives_way_first(lab):
    """A line whose item has been decided serves a new headline, however strong the old one was."""
    await lab.start(max_lines=1)
    await lab.news(Catalyst.FDA)
    await lab.run_until(121)
    await lab.news(Catalyst.OTHER, GLBX, story="s2")
    assert {con_id for _, con_id in lab.market.open_lines} == {102}
    assert [(row["symbol"], row["reason"]) for row in lab.decisions(final=True)] == [("ACME", "no quote")]


async def test_a_position_keeps_its_line(lab):
    """Held contracts are neither displaced nor given back; without the position the line goes."""
    await lab.start(max_lines=1, judge_until_s=10, observe_until_s=20)
    await lab.news(Catalyst.OTHER)
    lab.engine.hold([101])
    await lab.news(Catalyst.FDA, GLBX, story="s2")
    assert [row["symbol"] for row in lab.decisions(final=True)] == ["GLBX"]
    await lab.run_until(60)
    assert {con_id for _, con_id in lab.market.open_lines} == {101}
    lab.engine.hold([])
    await lab.run_until(61)
    assert lab.market.open_lines == []


async def test_a_position_found_at_start_is_watched(lab):
    """Prices are there without a headline."""
    await lab.start()
    lab.engine.hold([102])
    assert await lab.engine.watch(GLBX)
    await lab.settle()
    await lab.quote(5.0, 5.02, 102)
    assert lab.engine.quote(102).ask == 5.02
    assert lab.engine.last_price(102) == 5.0
    await lab.trade(5.01, 100, 102)
    assert lab.engine.last_price(102) == 5.01
    await lab.run_until(30)
    assert lab.engine.quote(102)
    assert lab.engine.quote(999) is None
    assert math.isnan(lab.engine.last_price(999))


async def test_the_line_is_given_back_after_observation(lab):
    """Watched for observe_until_s after the headline, with a mark for every closed bar, and not longer."""
    await lab.start(judge_until_s=10, observe_until_s=30)
    await lab.news()
    await lab.run_until(1)
    await lab.trade(10.0, 100)
    await lab.run_until(20)
    await lab.trade(10.1, 100)
    await lab.run_until(29)
    assert lab.market.open_lines
    await lab.run_until(31)
    assert lab.market.open_lines == []
    assert [row["price"] for row in lab.journal["marks"]] == [10.0, 10.1]


async def test_after_a_stall_only_the_newest_close_is_judged(lab):
    """A quote of now says nothing about a bar of a minute ago; the missed decision times are counted."""
    await lab.start()
    await lab.news()
    await lab.quote(10.0, 10.01)
    await lab.beat(0.6)
    await lab.beat(61)
    assert [seconds(row) for row in lab.decisions()] == [60]
    assert lab.counts["late decision times"] == 11


async def test_an_item_judged_to_the_end_in_a_stall_still_gets_its_last_word(lab):
    """No item is left without a final row."""
    await lab.start()
    await lab.news()
    await lab.beat(0.6)
    await lab.beat(600)
    assert [row["reason"] for row in lab.decisions(final=True)] == ["no bars"]


async def test_stopping_says_the_last_word(lab):
    """Items still open when the session ends are decided, not forgotten."""
    await lab.start()
    await lab.news()
    await lab.run_until(20)
    lab.task.cancel()
    await asyncio.gather(lab.task, return_exceptions=True)
    assert [bool(row["final"]) for row in lab.decisions()][-1]


async def test_decisions_do_not_depend_on_the_number_of_workers(make_lab):
    """One worker or eight, in whatever order the headlines came: the same rows in one order."""
    rows = []
    for workers, order in ((1, (0, 1, 2)), (8, (2, 0, 1))):
        lab = make_lab()
        await lab.start(workers=workers)
        contracts = (Contract("ACME", 101), GLBX, THIRD)
        for index in order:
            await lab.news(contract=contracts[index], story=f"s{index}")
        for contract in contracts:
            await lab.quote(10.0, 10.01, contract.con_id)
        await lab.shock(0.0, 40, con_id=102)
        rows.append([(row["symbol"], row["decided_at"], row["reason"], row["rules"]) for row in lab.decisions()])
    assert repr(rows[0]) == repr(rows[1])
    assert len({row[0] for row in rows[0]}) == 3


async def test_another_day_is_another_baseline(lab):
    """A position held over night gets the new day's session and history."""
    await lab.start()
    lab.engine.hold([101])
    assert await lab.engine.watch(Contract("ACME", 101))
    await lab.settle()
    await lab.beat(1)
    lab.market.requests.clear()
    await lab.beat(24 * 3600)
    assert (101, "21 D", "1 min", True) in lab.market.requests


async def test_internal_queues_are_visible(lab):
    """Whoever waits for idleness sees loads, questions for market rules, and jobs."""
    await lab.start()
    assert set(lab.engine.queues) == {"loads", "rules", "jobs"}


async def test_the_market_rule_is_asked_when_a_symbol_is_first_watched(lab):
    """Long before its signal, once, and again only while the broker does not tell: every 15 s, as an incident."""
    await lab.start()
    lab.market.details = RequestFailed(200, "No security definition")
    await lab.news()
    assert lab.market.rules_asked == [101]
    assert lab.rules.told(ACME) is None
    assert [row["kind"] for row in lab.journal["incidents"]] == ["market rule"]
    await lab.run_until(14.5)
    assert lab.market.rules_asked == [101]
    lab.market.details = None
    await lab.run_until(20)
    assert lab.market.rules_asked == [101, 101]
    assert lab.rules.told(ACME) is not None
    await lab.news(story="s2")
    await lab.run_until(60)
    assert lab.market.rules_asked == [101, 101]


async def test_a_slow_market_rule_holds_nothing_back(lab):
    """While the broker is silent about the rule, the symbol's shock is judged and signals."""
    answered = asyncio.Event()

    async def silent(_contract):
        await answered.wait()
        raise RequestTimeout("no answer")

    lab.market.fetch_contract_details = silent
    await lab.start()
    asked = lab.engine.queues.pop("rules")  # nobody waits for it: on the wall nobody does
    await lab.news()
    await lab.shock(0.0, 60)
    assert lab.signals.qsize() == 1
    answered.set()
    await asked.join()
    assert {row["kind"] for row in lab.journal["incidents"]} == {"market rule"}


async def test_a_quote_is_as_old_as_the_last_tick_beside_it(lab):
    """A print renews what a quiet quote says: the bid and ask that stand are those of now."""
    await lab.start()
    await lab.news()
    await lab.quote(4.99, 5.0)
    assert lab.engine.quote(101).received_at == T0
    await lab.beat(20)
    await lab.trade(5.0, 100)
    assert lab.engine.quote(101).received_at == T0 + timedelta(seconds=20)
    assert lab.engine.quote(101).ask == 5.0


async def test_a_halt_is_remembered_with_its_end(lab):
    """The last word on a halt, the quote that ends it included, goes along with every later quote."""
    await lab.start()
    await lab.news()
    await lab.quote(4.99, 5.0)
    assert lab.engine.quote(101).halted_at is None
    await lab.beat(10)
    await lab.quote(4.99, 5.0, halted=True)
    await lab.beat(70)
    await lab.quote(5.49, 5.5)
    await lab.beat(80)
    await lab.quote(5.59, 5.6)
    assert lab.engine.quote(101).halted_at == T0 + timedelta(seconds=70)
    assert not lab.engine.quote(101).halted
