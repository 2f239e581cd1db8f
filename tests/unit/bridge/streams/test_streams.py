"""Streams: order kept, nothing dropped that may not be, and no one left subscribed."""

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum_kit.bridge.streams import Feed, LatestBuffer, LosslessBuffer, Stream
from momentum_kit.bridge.streams.buffers import Spill
from momentum_kit.errors import NotConnected
from momentum_kit.models.orders import CommissionReport

Alarms = list[tuple[str, str]]


class Reading:
    """A feed, its stream, and what its owner heard."""

    def __init__(self, buffer: Any) -> None:
        self.closed = 0
        self.changes = 0
        self.feed: Feed[Any] = Feed(buffer, self._on_close, self._on_change)
        self.stream = Stream(self.feed)

    def _on_close(self, _: Feed[Any]) -> None:
        self.closed += 1

    def _on_change(self) -> None:
        self.changes += 1


@pytest.fixture
async def reading(tmp_path: Path) -> Reading:
    """A stream that loses nothing."""
    return Reading(LosslessBuffer("test", folder=tmp_path, alarm=lambda *_: None))


async def waiting(reading: Reading) -> None:
    """Wait until the reader waits."""
    while not reading.feed.idle:  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0)


@given(st.lists(st.one_of(st.integers(), st.none())), st.integers(1, 5))
def test_nothing_is_lost_and_the_order_is_kept_over_disk(steps: list[int | None], bound: int) -> None:
    """Whatever the interleaving of writes and reads (None), values come out once and in order."""
    alarms: Alarms = []
    buffer: LosslessBuffer[int] = LosslessBuffer(
        "test", folder=None, alarm=lambda kind, text: alarms.append((kind, text)), bound=bound
    )
    put, got = [], []
    for step in steps:
        if step is not None:
            buffer.put(step)
            put.append(step)
        elif len(buffer):
            got.append(buffer.get())
    while len(buffer):
        got.append(buffer.get())
    assert got == put
    buffer.close()


def test_an_overflow_alarms_once_and_keeps_real_values(tmp_path: Path) -> None:
    """One alarm an overflow; our frozen values survive the disk."""
    alarms: Alarms = []
    buffer: LosslessBuffer[CommissionReport] = LosslessBuffer(
        "fills", folder=tmp_path, alarm=lambda *told: alarms.append(told), bound=2
    )
    reports = [
        CommissionReport(exec_id=f"{number}.01", commission_usd=1.0, currency="USD", realized_pnl_usd=0.5)
        for number in range(10)
    ]
    for report in reports:
        buffer.put(report)
    assert len(alarms) == 1
    assert "fills" in alarms[0][1]
    assert [buffer.get() for _ in range(len(buffer))] == reports
    for report in reports:
        buffer.put(report)
    assert len(alarms) == 2
    buffer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_loses_nothing(tmp_path: Path) -> None:
    """No folder to spill to: an alarm, and everything stays in memory."""
    alarms: Alarms = []
    buffer: LosslessBuffer[int] = LosslessBuffer(
        "fills", folder=tmp_path / "gone", alarm=lambda *told: alarms.append(told), bound=3
    )
    for number in range(100):
        buffer.put(number)
    assert [buffer.get() for _ in range(100)] == list(range(100))
    assert "cannot spill" in alarms[-1][1]
    assert len(alarms) == 2


def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on disk already comes back before what follows in memory."""
    alarms: Alarms = []
    buffer: LosslessBuffer[int] = LosslessBuffer(
        "fills", folder=tmp_path, alarm=lambda *told: alarms.append(told), bound=3
    )
    for number in range(6):
        buffer.put(number)

    def full(self: Spill, value: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Spill, "put", full)
    for number in range(6, 10):
        buffer.put(number)
    assert [buffer.get() for _ in range(10)] == list(range(10))
    assert "no space left" in alarms[-1][1]
    buffer.close()


async def test_quotes_conflate() -> None:
    """A slow reader gets the latest quote and no backlog."""
    reading = Reading(LatestBuffer())
    for number in range(100):
        reading.feed.put(number)
    assert await anext(reading.stream) == 99
    reading.feed.put(100)
    assert await anext(reading.stream) == 100


async def test_idle_means_empty_and_waited_for(reading: Reading) -> None:
    """A stream is idle only while its reader asks for more: not before, and not while it handles a value."""
    assert not reading.stream.idle
    task = asyncio.create_task(anext(reading.stream))
    await waiting(reading)
    assert reading.stream.idle
    assert reading.changes == 1
    reading.feed.put("value")
    assert not reading.stream.idle
    assert await task == "value"
    assert not reading.stream.idle


async def test_break_unsubscribes(reading: Reading) -> None:
    """A reader that leaves its loop and lets go of the stream is unsubscribed."""
    reading.feed.put(1)
    stream, reading.stream = reading.stream, None  # type: ignore[assignment]
    async for _ in stream:
        break
    del stream
    gc.collect()
    while not reading.closed:  # noqa: ASYNC110  what is waited for has no event
        await asyncio.sleep(0)
    assert reading.closed == 1


async def test_a_wait_that_timed_out_loses_nothing(reading: Reading) -> None:
    """The stream is not over: what comes next is read next, and nobody was unsubscribed."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(reading.stream), 0.01)
    assert not reading.feed.idle  # nobody waits: lock-step must not go on
    reading.feed.put(1)
    assert await asyncio.wait_for(anext(reading.stream), 1) == 1
    assert reading.closed == 0


async def test_aclose_unsubscribes_once(reading: Reading) -> None:
    """Closing twice is closing once; what comes later is dropped."""
    await reading.stream.aclose()
    await reading.stream.aclose()
    reading.feed.put(1)
    assert reading.closed == 1
    assert [value async for value in reading.stream] == []


async def test_the_end_comes_after_what_was_received(reading: Reading) -> None:
    """Ended by the other side: first the rest, then the end."""
    for number in range(3):
        reading.feed.put(number)
    reading.feed.end()
    reading.feed.put(99)
    assert [value async for value in reading.stream] == [0, 1, 2]
    assert reading.closed == 0


async def test_a_lost_connection_is_an_error_after_the_rest(reading: Reading) -> None:
    """A service must notice that its source is gone, once it has handled everything."""
    reading.feed.put(1)
    reading.feed.end(NotConnected("lost"))
    assert await anext(reading.stream) == 1
    with pytest.raises(NotConnected):
        await anext(reading.stream)
    with pytest.raises(StopAsyncIteration):
        await anext(reading.stream)


async def test_a_waiting_reader_hears_of_the_end(reading: Reading) -> None:
    """Nobody waits for a stream that has ended."""
    task = asyncio.create_task(anext(reading.stream, "ended"))
    await waiting(reading)
    reading.feed.end()
    assert await task == "ended"


async def test_one_stream_has_one_reader(reading: Reading) -> None:
    """Two readers would each get half: refused."""
    task = asyncio.create_task(anext(reading.stream, None))
    await waiting(reading)
    with pytest.raises(RuntimeError, match="one reader"):
        await anext(reading.stream)
    reading.feed.end()
    await task
