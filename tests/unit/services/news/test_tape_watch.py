"""Whether the tapes are heard, by what IB has on record of busy names."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from momentum_kit.models import Beat, Contract, Headline, HeadlinePhase, LinkState
from momentum_kit.services.contracts import ContractBook
from momentum_kit.services.news import TapeRecord, TapeWatch
from tests.helpers.contexts import context_of
from tests.unit.services.news.conftest import LISTED, Desk

FORD, ACME = LISTED["F"][0], LISTED["ACME"][0]


class Listening:
    """A news desk with a tape watch: time passes when the test says so."""

    def __init__(self, desk: Desk, record: TapeRecord | None = None) -> None:
        self.desk = desk
        self.record = record or TapeRecord()
        self.up = True
        self.watched: list[Contract] = []
        self.beats: asyncio.Queue[Beat] = asyncio.Queue()
        self.number = 0

    async def start(self) -> None:
        """Subscribe, and look for the first time."""
        await self.desk.start()
        self.watch = TapeWatch(
            context_of(clock=self.desk.clock, journal=self.desk.journal, counts=self.desk.counts),
            feed=self.desk.feed, book=ContractBook(self.desk.book, self.desk.clock),
            witnesses=("AAPL", "F", "ZZZZ"), every_s=300, record=self.record, beats=self.beats,
            tapes=lambda: self.desk.handler.tapes, listening=lambda: self.up,
            watched=lambda: self.watched, note=self.desk.handler.note,
        )  # fmt: skip
        self.desk.handler._heard = self.watch.heard
        self.task = asyncio.create_task(self.watch.run())
        await self.pass_time(1)

    async def pass_time(self, seconds: float) -> None:
        """A beat each second; every question is answered before the next."""
        for _ in range(int(seconds)):
            self.desk.clock.at += timedelta(seconds=1)
            self.beats.put_nowait(Beat(self.desk.clock.at))
            await self.beats.join()
            if self.watch._asking is not None:
                await asyncio.wait([self.watch._asking])

    def publish(self, con_id: int = FORD, provider: str = "BRFG", age_s: float = 3.0) -> Headline:
        """An article, on IB's record from now on."""
        self.number += 1
        headline = self.desk.headline(
            f"Ford Motor (F) says number {self.number}", key=provider,
            published_at=self.desk.clock.at - timedelta(seconds=age_s),
        )  # fmt: skip
        row = replace(headline, received_at=None, phase=HeadlinePhase.BACKFILL)
        self.desk.feed.on_record.setdefault(con_id, []).append(row)
        return headline

    def told(self) -> list[str]:
        """What a person was told of tapes."""
        return [row["text"] for row in self.desk.journal["incidents"] if row["kind"] == "news tape"]


@pytest.fixture
async def listening(desk: Desk) -> AsyncIterator[Listening]:
    """Running; ended with the test."""
    made = Listening(desk)
    yield made
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)


async def test_what_is_heard_proves_the_tape_and_tells_how_late(listening: Listening) -> None:
    """Share and delay are shown, and written down by provider and hour."""
    await listening.start()
    for _ in range(3):
        await listening.desk.feed.push(listening.publish())
        await listening.pass_time(200)
    heard, silent = listening.watch.views
    assert (heard.provider, heard.state, heard.heard, heard.missed, heard.delay_s) == ("BRFG", LinkState.UP, 3, 0, 3.0)
    assert (silent.state, math.isnan(silent.delay_s)) == (LinkState.UNKNOWN, True)
    assert str(heard) == "BRFG heard 3 of 3, 3.0 s late"
    assert listening.told() == []
    written = [row for row in listening.desk.journal["meta"] if row["key"].startswith("tape ")]
    assert written[-1] == {"key": "tape BRFG 2026-11-19T15Z", "value": "heard 3 of 3, 3.0 s late"}


async def test_a_silent_tape_is_an_incident_and_what_it_missed_trades_nothing(listening: Listening) -> None:
    """IB has the article, nobody heard it: told once, written down as fetched late, and no item is made of it."""
    await listening.start()
    listening.publish()
    await listening.pass_time(1000)
    (text,) = listening.told()
    assert text.startswith("BRFG: 1 articles of busy names are on IB's record and were not heard")
    assert listening.watch.views[0].state is LinkState.DOWN
    (row,) = listening.desk.journal["headlines"]
    assert (row["phase"], row["outcome"], row["reason"]) == (HeadlinePhase.BACKFILL, "skip", "not live")
    assert listening.desk.taken() == []
    await listening.desk.feed.push(listening.publish())
    await listening.pass_time(600)
    assert listening.watch.views[0].state is LinkState.DEGRADED
    assert len(listening.told()) == 1


async def test_what_was_on_record_before_is_no_evidence(listening: Listening) -> None:
    """Also where an older article comes up because a newer one was taken off the record."""
    for _ in range(60):
        listening.publish(age_s=7200 - listening.number)
    await listening.start()
    await listening.pass_time(400)
    del listening.desk.feed.on_record[FORD][-5:]
    await listening.pass_time(1000)
    assert listening.told() == []
    assert listening.watch.views[0].state is LinkState.UNKNOWN


async def test_an_article_may_be_on_record_before_it_is_told(listening: Listening) -> None:
    """It has two minutes and the time to the next look."""
    await listening.start()
    await listening.pass_time(297)
    article = listening.publish()
    await listening.pass_time(100)
    await listening.desk.feed.push(replace(article, received_at=listening.desk.clock.at))
    await listening.pass_time(600)
    assert listening.told() == []
    assert (listening.watch.views[0].heard, listening.watch.views[0].delay_s) == (1, 103.0)


@pytest.mark.parametrize("hours", [-5, 1])
async def test_the_records_zone_does_not_matter(listening: Listening, hours: int) -> None:
    """IB documents none: whatever its stamps say, what was heard is heard, and what is new was missed."""
    await listening.start()
    for heard in (True, False):
        article = listening.publish()
        rows = listening.desk.feed.on_record[FORD]
        rows[-1] = replace(rows[-1], published_at=rows[-1].published_at + timedelta(hours=hours))
        if heard:
            await listening.desk.feed.push(article)
        await listening.pass_time(700)
    assert len(listening.told()) == 1
    assert (listening.watch.views[0].heard, listening.watch.views[0].missed) == (1, 1)
    assert listening.record.shift == timedelta(hours=hours)


async def test_a_week_of_quiet_nights_raises_no_alarm(listening: Listening) -> None:
    """Nothing on record is no evidence against the tape; a refused record is none either."""
    await listening.start()
    await listening.desk.feed.push(listening.publish())
    await listening.pass_time(601)
    for _ in range(7 * 24):
        listening.desk.clock.at += timedelta(hours=1)
        listening.record.listened_until = listening.desk.clock.at
        await listening.pass_time(1)
    assert listening.told() == []


async def test_where_nobody_listened_the_gap_is_said(listening: Listening) -> None:
    """The gateway had lost IB: names that matter are fetched, none trades, and of all others nothing is known."""
    await listening.start()
    await listening.pass_time(10)
    listening.up = False
    await listening.pass_time(60)
    missed, other = listening.publish(), listening.publish(ACME)
    await listening.pass_time(60)
    listening.watched = [Contract("ACME", ACME)]
    listening.up = True
    await listening.pass_time(400)
    (text,) = listening.told()
    assert text.startswith("nobody listened from 15:00:11 to 15:02:12 UTC: 2 headlines of 3 symbols were fetched")
    assert text.endswith("(tape gap unknown)")
    rows = listening.desk.journal["headlines"]
    assert {row["article_id"] for row in rows} == {missed.article_id, other.article_id}
    assert {row["phase"] for row in rows} == {HeadlinePhase.BACKFILL}
    assert listening.desk.taken() == []
    assert (listening.watch.views[0].missed, listening.watch.views[0].state) == (0, LinkState.UNKNOWN)


async def test_a_gap_between_two_connections_is_said_as_well(listening: Listening, desk: Desk) -> None:
    """The record outlives the connection, and knows until when somebody listened."""
    await listening.start()
    await listening.pass_time(10)
    listening.task.cancel()
    desk.clock.at += timedelta(minutes=3)
    listening.publish()
    again = Listening(desk, listening.record)
    again.desk.handler = listening.desk.handler
    listening.watch = TapeWatch(
        context_of(clock=desk.clock, journal=desk.journal, counts=desk.counts),
        feed=desk.feed, book=ContractBook(desk.book, desk.clock), witnesses=("F",), every_s=300,
        record=listening.record, beats=listening.beats, tapes=lambda: desk.handler.tapes, listening=lambda: True,
        watched=list, note=desk.handler.note,
    )  # fmt: skip
    listening.task = asyncio.create_task(listening.watch.run())
    await listening.pass_time(2)
    (text,) = listening.told()
    assert "1 headlines of 1 symbols were fetched" in text


async def test_without_a_witness_nothing_is_asked_and_nothing_claimed(listening: Listening) -> None:
    """No tape is entitled: there is nothing to prove."""
    listening.desk.feed.providers = ()
    await listening.start()
    await listening.pass_time(900)
    assert (listening.desk.feed.record_asked, listening.told(), listening.watch.views) == (0, [], ())
