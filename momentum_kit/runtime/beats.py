"""Beats move market time: a Beat goes into each service's queue, by the wall or in lock-step with the gateway.

How lock-step works. A simulated gateway in lock-step advances its market by one step each time that it is asked for the
time in milliseconds, and at no other time. Before every step all is settled: the bridge is idle (no request pending,
nothing undelivered, every stream's reader waiting) and every queue of the services is done, where an item counts as
done only once all that it led to is visible elsewhere: in another queue, or as a request (services/consuming.py). Then
the clock is set to the step's end, the market steps, what it sent is handled, and the services get their beats one
after the other in a fixed order, each settled before the next.

What was sent to the gateway (an order, a subscription) is followed by a request for the time before the market steps:
the gateway answers in order, so that all that it has to say at once has come in the same step, on a fast machine and on
a slow one.

Why it is right. A decision depends on what has arrived, in which order, and on market time. Nothing new arrives while
anybody is at work, and time moves only when nobody is, so neither the speed nor the load of the machine can change a
decision. A queue that was done may be filled again by another one while that is waited for; hence `settle` looks once
more at bridge and queues together, without an await in between, and only that look proves that all is quiet.

An answer that the gateway holds back comes with a later step and not before: to wait for it would stop the market for
good. The simulated gateway answers in order, so that a request which a later one (reqCurrentTime) overtakes is being
held back. Once that is known of every request that waits, whoever is still at work waits for such an answer, directly
or behind somebody who does (a lock, a shared future, a queue), if nothing else can wake it: nothing received is
undelivered, nothing is to be sent, no callback of the loop is ready, and no thread, disk or other server is at work for
a service (services.outside). All this is looked at in one go; it is the state of the program and no matter of timing,
so that such a run repeats itself as well. Patience and ping decide only when to look. What waits by the wall in a
service (asyncio.sleep) is not seen, and has no place in one. A run without held-back answers never gets this far.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from momentum_kit.errors import BrokerError
from momentum_kit.models import Beat
from momentum_kit.runtime.clock import AnyClock, SteppedClock
from momentum_kit.services import work_outside

PATIENCE_S = 0.02  # wall seconds until somebody looks whether an answer is held back; no decision depends on it


class SteppedBroker(Protocol):
    """What lock-step needs of the bridge."""

    @property
    def idle(self) -> bool:
        """No request pending, nothing undelivered, every stream's reader waiting."""
        ...

    @property
    def last_received_ns(self) -> int:
        """perf_counter_ns at the arrival of the latest message."""
        ...

    async def settled(self) -> None:
        """Return when `idle`."""
        ...

    @property
    def unheard(self) -> bool:
        """Something was sent after the latest request that was answered: there may be words to come at once."""
        ...

    @property
    def held_back(self) -> int:
        """Answers that the gateway is known to hold back."""
        ...

    async def waits_in_vain(self) -> bool:
        """True if the gateway holds back every answer that is awaited; asks it for the time unless that is known."""
        ...

    async def fetch_current_time(self) -> datetime:
        """The gateway's market time; the market does not move."""
        ...

    async def fetch_current_time_millis(self) -> datetime:
        """Let the gateway take one step; its market time afterwards."""
        ...


def busy(queue: asyncio.Queue[Any]) -> bool:
    """True until task_done was called for everything that was put (asyncio offers join() but no such question)."""
    return bool(queue._unfinished_tasks)  # type: ignore[attr-defined]


async def settle(broker: SteppedBroker, queues: Sequence[asyncio.Queue[Any]]) -> None:
    """Return when everything received has been handled, as far as it can be before the market moves."""
    while broker.unheard or not broker.idle or any(map(busy, queues)):
        if broker.unheard and broker.idle:
            await broker.fetch_current_time()
            continue
        if broker.held_back and await _only_the_market_can_help(broker):
            return
        try:
            async with asyncio.timeout(PATIENCE_S):
                await broker.settled()
                for queue in queues:
                    if busy(queue):
                        await queue.join()
        except TimeoutError:
            if await _only_the_market_can_help(broker):
                return


async def _only_the_market_can_help(broker: SteppedBroker) -> bool:
    """True once all that is still at work waits for answers that are held back; False if others are due."""
    loop = asyncio.get_running_loop()
    while True:
        if jobs := work_outside():
            await asyncio.wait(jobs)
        elif loop._ready:  # type: ignore[attr-defined]  # callbacks that can run now (asyncio offers no such question)
            await asyncio.sleep(0)
        elif not await broker.waits_in_vain():
            return False
        elif not (work_outside() or loop._ready):  # type: ignore[attr-defined]
            return True


async def beat_by_wall(
    clock: AnyClock,
    every_s: float,
    beats: Sequence[asyncio.Queue[Beat]],
    after: Callable[[datetime], Awaitable[bool]],
    *,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Beat every `every_s` wall seconds until `after` says stop; a service that is behind gets only the latest.

    before: called when a beat is due, before any service knows of it.
    """
    while True:
        await asyncio.sleep(every_s)
        before()
        beat = Beat(clock.now(), time.perf_counter_ns())
        for queue in beats:
            if queue.empty():
                queue.put_nowait(beat)
        if await after(beat.now):
            return


async def beat_in_steps(
    clock: SteppedClock,
    broker: SteppedBroker,
    step_s: float,
    rate: float,
    beats: Sequence[asyncio.Queue[Beat]],
    queues: Sequence[asyncio.Queue[Any]],
    after: Callable[[datetime], Awaitable[bool]],
    leap: Callable[[], timedelta] = timedelta,
) -> None:
    """Lock-step: the market stands still until all that it sent has been handled; `rate` only limits the speed.

    leap: makes the market's next step longer, where nothing can happen in it, and says by how much.

    A market that answers with a time before the step's end announces what happens then: the clock is set to it, it
    happens and is handled, and the step goes on (simgateway/lock_step.py). Raises BrokerError if the market does
    anything else.
    """
    step = timedelta(seconds=step_s)
    origin, started = clock.now(), time.perf_counter()
    while True:
        await settle(broker, queues)
        due = clock.now() + step + leap()
        ahead_s = (due - origin).total_seconds() / rate - (time.perf_counter() - started)
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        clock.start(due)  # before the step: whatever it brings is received at its end
        while (reached := await broker.fetch_current_time_millis()) < due:
            clock.start(reached)
            _expect(reached, await broker.fetch_current_time_millis())
            await settle(broker, queues)
            clock.start(due)
        _expect(due, reached)
        beat = Beat(due, broker.last_received_ns)
        await settle(broker, queues)
        for queue in beats:  # one service after the other, so that their order never depends on load
            queue.put_nowait(beat)
            await settle(broker, queues)
        if await after(due):
            return


def _expect(due: datetime, reached: datetime) -> None:
    if reached != due:
        raise BrokerError(f"lock-step broken: market time {reached:%H:%M:%S.%f}, expected {due:%H:%M:%S.%f}")
