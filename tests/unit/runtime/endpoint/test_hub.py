import asyncio
import threading
from datetime import UTC, datetime

import pytest

from momentum_kit.errors import StorageError
from momentum_kit.models import JournalRow
from momentum_kit.runtime.endpoint import EventHub, PublishedJournal
from momentum_kit.runtime.endpoint.hub import BUFFERED, RING
from momentum_kit.runtime.endpoint.stream import HubLines
from tests.helpers.journal_rows import Rows, put

AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


class Refusing(Rows):
    """A journal that refuses incidents."""

    def write(self, row: JournalRow) -> None:
        """Keep the others."""
        if row.table == "incidents":
            raise StorageError("refused")
        super().write(row)


async def test_a_reader_gets_events_in_order_and_the_newest_snapshot() -> None:
    """Snapshots that were not read are replaced and counted; events are not."""
    hub = EventHub()
    reader = hub.subscribe()
    for number in range(3):
        hub.publish("decisions", {"n": number})
        reader.show(f"snapshot {number}")
    await reader.wake.wait()
    portion = hub.take(reader, 100)
    assert [(number, kind, content["n"]) for number, kind, content in portion.events] == [
        (1, "decisions", 0), (2, "decisions", 1), (3, "decisions", 2),
    ]  # fmt: skip
    assert portion.snapshot == "snapshot 2"
    assert portion.lost == {"events": 0, "snapshots": 2}
    assert not reader.wake.is_set()


async def test_a_reader_too_far_behind_loses_the_oldest_events_and_is_told() -> None:
    """Its buffer is bounded, its loss is counted, and another reader loses nothing by it."""
    hub = EventHub()
    deaf, quick = hub.subscribe(), hub.subscribe()
    seen = 0
    for number in range(BUFFERED + 7):
        hub.publish("log", {"n": number})
        seen += len(hub.take(quick, 10).events)
    assert seen == BUFFERED + 7
    assert len(deaf.events) == BUFFERED
    portion = hub.take(deaf, 1)
    assert portion.lost["events"] == 7
    assert portion.events[0][2]["n"] == 7
    assert portion.snapshot == ""  # comes with the last of the events


async def test_a_reader_that_comes_back_misses_nothing_or_is_told_what() -> None:
    """Since its last number everything that the ring still has, the rest as a number."""
    hub = EventHub()
    for number in range(10):
        hub.publish("log", {"n": number})
    again = hub.take(hub.subscribe(since=6), 100)
    assert [number for number, _, _ in again.events] == [7, 8, 9, 10]
    assert again.lost["events"] == 0
    for number in range(RING):
        hub.publish("log", {"n": number})
    late = hub.take(hub.subscribe(since=6), RING)
    assert (len(late.events), late.lost["events"]) == (RING, 4)


async def test_other_threads_publish_and_wake_readers() -> None:
    """Log lines come from any thread; nothing is lost between them and numbers are never given twice."""
    hub = EventHub()
    reader = hub.subscribe()
    threads = [
        threading.Thread(target=lambda: [hub.publish("log", {}) for _ in range(100)]) for _ in range(4)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.wait_for(reader.wake.wait(), 30)
    assert sorted(number for number, _, _ in hub.take(reader, 1_000).events) == list(range(1, 401))


async def test_the_journal_s_rows_are_told_and_measured() -> None:
    """Each row goes to journal, hub and metrics; what the journal refuses is told to nobody."""
    hub, rows, measured = EventHub(), Refusing(), list[str]()
    reader = hub.subscribe()
    journal = PublishedJournal(rows, hub, lambda row: measured.append(row.table))
    put(journal, "decisions", at=AT, symbol="AAPL")
    put(journal, "marks", at=AT, symbol="AAPL")
    with pytest.raises(StorageError):
        put(journal, "incidents", at=AT)
    assert [row.table for row in rows.rows] == measured == ["decisions", "marks"]
    ((number, kind, content),) = hub.take(reader, 10).events
    assert (number, kind, content["symbol"]) == (1, "decisions", "AAPL")


async def test_log_lines_are_words(caplog: pytest.LogCaptureFixture) -> None:
    """Structured lines and plain ones arrive as level, logger and one text."""
    import logging

    hub = EventHub()
    reader = hub.subscribe()
    handler, logger = HubLines(hub), logging.getLogger("momentum_kit.test_lines")
    logger.addHandler(handler)
    try:
        logger.warning("plain %s", "words")
        logger.warning({"event": "state", "state": "paused", "reason": "by ann", "detail": "", "market_time": AT})
        logger.warning({"event": "over"})
    finally:
        logger.removeHandler(handler)
    lines = [(content["at"], content["text"]) for _, _, content in hub.take(reader, 10).events]
    assert lines == [("", "plain words"), (str(AT), "state: paused, reason by ann"), ("", "over")]
