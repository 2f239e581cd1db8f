import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from momentum_kit.models.session import ConnectionHealth, EngineStatus, LinkState, TradingState
from momentum_kit.runtime.control import EventStream, StreamEvent, encode_status
from momentum_kit.runtime.endpoint import EventHub
from momentum_kit.runtime.endpoint.stream import EventStreams
from momentum_kit.runtime.ownership import ControlAddress, StateFolder

STATUS = EngineStatus(
    state=TradingState.RUNNING, reason="started", environment="sim", account="DU1",
    market_time=datetime(2026, 11, 20, 15, tzinfo=UTC), started_at=datetime(2026, 11, 20, 14, tzinfo=UTC),
    health=ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP), counts={}, skips={}, queues={}, positions=(),
    realised_usd=0.0, unrealised_usd=0.0, costs_usd=0.0, run_dir="runs/x", pid=1, message_age_s=0.5,
)  # fmt: skip


class Seen:
    """What a panel would see, with a way to wait for it."""

    def __init__(self) -> None:
        self.events: list[StreamEvent] = []
        self._changed = threading.Condition()

    def deliver(self, event: StreamEvent) -> None:
        """From the stream's thread."""
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    async def until(self, kind: str, count: int = 1) -> list[StreamEvent]:
        """All of a kind, once there are so many."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: len(self.of(kind)) >= count, 60)

        assert await asyncio.to_thread(wait), (kind, self.events)
        return self.of(kind)

    def of(self, kind: str) -> list[StreamEvent]:
        """Those of one kind so far."""
        return [event for event in self.events if event.kind == kind]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    """A state folder below a temporary home."""
    monkeypatch.setenv("MOMENTUM_KIT_STATE_DIR", str(tmp_path))
    found = StateFolder("DU1")
    found.create()
    return found


@asynccontextmanager
async def serving(folder: StateFolder, hub: EventHub, token: str = "t") -> AsyncIterator[web.AppRunner]:
    """A real server with the real streams, published as an engine's."""
    streams = EventStreams(hub, lambda: encode_status(STATUS))
    application = web.Application()
    application.add_routes([web.get("/events", streams.serve)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    streams.start()
    with folder.own():
        folder.publish(
            ControlAddress(port=runner.addresses[0][1], token=token, pid=os.getpid(), run_dir="runs/x", arguments="")
        )
        try:
            yield runner
        finally:
            folder.withdraw()
            await streams.stop()
            await runner.cleanup()


async def test_snapshots_and_events_arrive_and_close_ends_the_thread(folder: StateFolder) -> None:
    """A status comes at once, events in order with their numbers; after close nothing is delivered any more."""
    hub, seen, others = EventHub(), Seen(), set(threading.enumerate())
    async with serving(folder, hub):
        stream = EventStream(folder, seen.deliver).start()
        (status, *_) = await seen.until("status", 2)
        assert status.status == STATUS
        hub.publish("decisions", {"at": STATUS.market_time, "symbol": "<b>AAPL</b>", "price": float("nan")})
        (decision,) = await seen.until("decisions")
        assert decision.content == {"at": "2026-11-20T15:00:00.000Z", "symbol": "<b>AAPL</b>", "price": None}
        assert decision.number == 1
        await asyncio.to_thread(stream.close)
        count = len(seen.events)
        hub.publish("decisions", {"symbol": "late"})
        await asyncio.sleep(0.3)
        assert len(seen.events) == count
    assert "event stream" not in [thread.name for thread in set(threading.enumerate()) - others]


async def test_it_reconnects_takes_up_where_it_was_and_tells_a_gap(folder: StateFolder) -> None:
    """A broken connection is told; what happened meanwhile follows, and what is gone for good is a number."""
    hub, seen = EventHub(), Seen()
    async with serving(folder, hub) as runner:
        with EventStream(folder, seen.deliver):
            await seen.until("status")
            hub.publish("decisions", {"n": 1})
            await seen.until("decisions")
            assert runner.server
            for connection in runner.server.connections:
                assert connection.transport
                connection.transport.abort()
            await seen.until("disconnected")
            hub.publish("decisions", {"n": 2})
            await seen.until("connected", 2)
            decisions = await seen.until("decisions", 2)  # no lines of a log: any thread of this process may tell one
            assert [event.content["n"] for event in decisions] == [1, 2]
            assert [event.content["new"] for event in seen.of("connected")] == [True, False]
            reader = hub.readers[-1]
            reader.lost_events = 5
            reader.wake.set()
            (lost,) = await seen.until("lost")
            assert lost.content["events"] == 5


async def test_the_end_of_a_session_and_the_next_engine(folder: StateFolder) -> None:
    """`ended` is delivered, then silence is told once; the next engine's numbers start anew without a gap."""
    seen = Seen()
    with EventStream(folder, seen.deliver):
        (away,) = await seen.until("disconnected")
        assert away.content["reason"] == "no engine runs"
        first = EventHub()
        async with serving(folder, first):
            await seen.until("status")
            for number in range(5):
                first.publish("decisions", {"n": number})
            await seen.until("decisions", 5)
        await seen.until("ended")
        async with serving(folder, EventHub(), token="another"):
            await seen.until("connected", 2)
            assert [event.content["new"] for event in seen.of("connected")] == [True, True]
            assert seen.of("lost") == []


async def test_what_a_reader_raises_costs_that_event_only(folder: StateFolder) -> None:
    """A panel with a bug in one handler still gets everything else."""
    hub, seen = EventHub(), Seen()

    def deliver(event: StreamEvent) -> None:
        if event.kind == "orders":
            raise ValueError("a bug of the panel")
        seen.deliver(event)

    async with serving(folder, hub):
        with EventStream(folder, deliver):
            await seen.until("status")
            hub.publish("orders", {})
            hub.publish("executions", {"n": 1})
            assert (await seen.until("executions"))[0].content == {"n": 1}


async def test_no_line_break_from_outside_can_forge_an_event(folder: StateFolder) -> None:
    """A headline with the stream's own syntax in it arrives as text."""
    hub, seen = EventHub(), Seen()
    text = 'x"}\n\nevent: status\ndata: {}\n\n\r\u2028'
    async with serving(folder, hub):
        with EventStream(folder, seen.deliver):
            await seen.until("status")
            hub.publish("headlines", {"text": text})
            assert (await seen.until("headlines"))[0].content == {"text": text}
            assert json.dumps([event.kind for event in seen.events]).count("headlines") == 1
