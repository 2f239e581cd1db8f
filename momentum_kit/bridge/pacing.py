"""IB's request limits on the wall clock: messages a second and the rules for small history bars."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager

SMALL_BAR_S = 30  # bars up to here fall under the hard history rules
MAX_OPEN_HISTORY = 50
MARGIN_S = 0.5  # the gateway counts when a request arrives, we when it is sent: on top of each window
ORDINARY, OF_ALL = 20, 45  # messages of a second that requests may take, so that orders and cancels find room


class RateWindow:
    """At most `limit` in any `per_s` seconds; math.inf for no limit."""

    def __init__(self, limit: float, per_s: float) -> None:
        self._limit = limit
        self._per_s = per_s
        self._times: deque[float] = deque()

    def delay_s(self, now: float, weight: int = 1) -> float:
        """Seconds until `weight` more fit; 0 means now."""
        while self._times and self._times[0] <= now - self._per_s:
            self._times.popleft()
        over = math.ceil(len(self._times) + weight - self._limit) if self._limit < math.inf else 0
        if over <= 0:
            return 0.0
        oldest_to_leave = self._times[min(over, len(self._times)) - 1] if self._times else now
        return oldest_to_leave + self._per_s - now

    def record(self, now: float, weight: int = 1) -> None:
        """Count `weight` at `now`."""
        if self._limit < math.inf:
            self._times.extend([now] * weight)

    def idle(self, now: float) -> bool:
        """Nothing counted within the window."""
        return not self._times or self._times[-1] <= now - self._per_s


class Outbox:
    """Hands requests to the socket within the message rate. Orders go first and never wait for anything else.

    orders: False where nobody orders, and requests may have the whole rate.
    """

    def __init__(
        self, messages_per_s: float, clock: Callable[[], float] = time.monotonic, *, orders: bool = True
    ) -> None:
        self._all = RateWindow(max(messages_per_s, 1.0), 1.0)
        self._ordinary = RateWindow(max(messages_per_s * ORDINARY / OF_ALL if orders else messages_per_s, 1.0), 1.0)
        self._clock = clock
        self._queues: tuple[deque[_Send], deque[_Send]] = (deque(), deque())  # urgent, ordinary
        self._timer: asyncio.TimerHandle | None = None
        self._paused_until = -math.inf

    def post(self, send: Callable[[], None], *, urgent: bool = False) -> "asyncio.Future[None]":
        """Send now if the rate allows, else as soon as it does; the future carries what `send` raised.

        Cancelling the future before its turn means that nothing is sent.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[0 if urgent else 1].append((send, future))
        self._pump()
        return future

    def pause(self, seconds: float) -> None:
        """Hold ordinary requests back: the broker said that we are too fast."""
        self._paused_until = self._clock() + seconds

    @property
    def empty(self) -> bool:
        """Nothing waits for its turn."""
        return not any(self._queues)

    def close(self, error: Exception) -> None:
        """Fail everything that has not been sent."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for waiting in self._queues:
            while waiting:
                _, future = waiting.popleft()
                if not future.done():
                    future.set_exception(error)

    def _pump(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for waiting in self._queues:
            while waiting:
                now, ordinary = self._clock(), waiting is self._queues[1]
                delay_s = self._all.delay_s(now)
                if ordinary:
                    delay_s = max(delay_s, self._ordinary.delay_s(now), self._paused_until - now)
                if delay_s > 0:
                    self._timer = asyncio.get_running_loop().call_later(delay_s, self._pump)
                    return
                self._send(*waiting.popleft(), ordinary=ordinary)

    def _send(self, send: Callable[[], None], future: "asyncio.Future[None]", *, ordinary: bool) -> None:
        if future.done():
            return
        now = self._clock()
        self._all.record(now)
        if ordinary:
            self._ordinary.record(now)
        try:
            send()
        except Exception as error:  # noqa: BLE001  it belongs to whoever asked for the send, and reaches him
            future.set_exception(error)
        else:
            future.set_result(None)


_Send = tuple[Callable[[], None], "asyncio.Future[None]"]


class HistoryPacer:
    """IB's history limits: 50 open requests; for bars up to 30 s also 60 in 10 minutes, 5 in 2 s, none twice in 15 s.

    https://interactivebrokers.github.io/tws-api/historical_limitations.html
    """

    def __init__(self, *, small_bar_rules: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._open = asyncio.Semaphore(MAX_OPEN_HISTORY)
        self._rules = small_bar_rules
        self._clock = clock
        self._all = RateWindow(60, 600.0 + MARGIN_S)
        self._contracts: dict[Hashable, RateWindow] = {}
        self._requests: dict[Hashable, RateWindow] = {}

    @asynccontextmanager
    async def slot(self, contract: Hashable, request: Hashable, bar_s: int, what: str) -> AsyncIterator[None]:
        """Wait for a turn and hold one of the open requests; `request` is everything that makes it identical."""
        async with self._open:
            if self._rules and bar_s <= SMALL_BAR_S:
                await self._turn((contract, what), request, weight=2 if what == "BID_ASK" else 1)
            yield

    async def _turn(self, contract: Hashable, request: Hashable, weight: int) -> None:
        while True:
            now = self._clock()
            self._forget(now)
            windows = (
                (self._all, weight),
                (self._contracts.setdefault(contract, RateWindow(5, 2.0 + MARGIN_S)), weight),
                (self._requests.setdefault(request, RateWindow(1, 15.0 + MARGIN_S)), 1),
            )
            delay_s = max(window.delay_s(now, cost) for window, cost in windows)
            if delay_s <= 0:
                for window, cost in windows:
                    window.record(now, cost)
                return
            await asyncio.sleep(delay_s)

    def _forget(self, now: float) -> None:
        for windows in (self._contracts, self._requests):
            if len(windows) > 1000:
                for key in [key for key, window in windows.items() if window.idle(now)]:
                    del windows[key]
