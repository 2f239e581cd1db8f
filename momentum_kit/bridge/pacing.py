"""IB's request limits on the wall clock: messages a second and the rules for small history bars."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

SMALL_BAR_S = 30  # bars up to here fall under the hard history rules
MAX_OPEN_HISTORY, MAX_OPEN_SMALL = 50, 40  # the rest is for larger bars
RESEARCH_SHARE = 20  # of the 60 small bars in 10 minutes, for what a notebook asks beside a session
MARGIN_S = 0.5  # the gateway counts when a request arrives, we when it is sent: on top of each window
ORDINARY, OF_ALL = 20, 45  # messages of a second that requests may take, so that orders and cancels find room
OF_IB, LUMP_S = 50, 1.25  # IB's own limit, and the seconds of sending that may arrive within one


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


class SendRate:
    """IB's limit of messages a second, as the gateway counts what arrives; one for all connections of a client.

    What is sent evenly may arrive in a lump: in a quarter of a second more no more than IB's own limit goes out.

    orders: False where nobody orders, and requests may have the whole rate.
    """

    def __init__(
        self, messages_per_s: float = 45.0, clock: Callable[[], float] = time.monotonic, *, orders: bool = True
    ) -> None:
        ordinary = messages_per_s * ORDINARY / OF_ALL if orders else messages_per_s
        self.clock = clock
        self._all = RateWindow(max(messages_per_s, 1.0), 1.0)
        self._lump = RateWindow(max(messages_per_s * OF_IB / OF_ALL, 1.0), LUMP_S)
        self._ordinary = RateWindow(max(ordinary, 1.0), 1.0)

    def delay_s(self, *, ordinary: bool) -> float:
        """Seconds until one more message may go; 0 means now."""
        now = self.clock()
        delay_s = max(self._all.delay_s(now), self._lump.delay_s(now))
        return max(delay_s, self._ordinary.delay_s(now)) if ordinary else delay_s

    def record(self, *, ordinary: bool) -> None:
        """Count a message that goes now."""
        now = self.clock()
        self._all.record(now)
        self._lump.record(now)
        if ordinary:
            self._ordinary.record(now)


class Outbox:
    """Hands requests to the socket within the message rate. Orders go first and never wait for anything else."""

    def __init__(self, rate: SendRate) -> None:
        self._rate = rate
        self._clock = rate.clock
        self._queues: tuple[deque[_Send], deque[_Send]] = (deque(), deque())  # urgent, ordinary
        self._timer: asyncio.TimerHandle | None = None
        self._paused_until = -math.inf

    def post(self, send: Callable[[], None], *, urgent: bool = False) -> "asyncio.Future[None]":
        """Send now if the rate allows, else as soon as it does; the future carries what `send` raised.

        Cancelling the future before its turn means that nothing is sent.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queues[0 if urgent else 1].append((send, future, self._clock()))
        self._pump()
        return future

    def pause(self, seconds: float) -> None:
        """Hold ordinary requests back: the broker said that we are too fast."""
        self._paused_until = self._clock() + seconds

    @property
    def empty(self) -> bool:
        """Nothing waits for its turn."""
        return not any(self._queues)

    @property
    def waiting(self) -> tuple[int, float]:
        """How many wait for their turn, and for how many seconds the oldest has."""
        posted = [at for waiting in self._queues for _, future, at in waiting if not future.done()]
        return len(posted), self._clock() - min(posted) if posted else 0.0

    def close(self, error: Exception) -> None:
        """Fail everything that has not been sent."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for waiting in self._queues:
            while waiting:
                _, future, _ = waiting.popleft()
                if not future.done():
                    future.set_exception(error)

    def _pump(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for waiting in self._queues:
            while waiting:
                ordinary = waiting is self._queues[1]
                delay_s = self._rate.delay_s(ordinary=ordinary)
                if ordinary:
                    delay_s = max(delay_s, self._paused_until - self._clock())
                if delay_s > 0:
                    self._timer = asyncio.get_running_loop().call_later(delay_s, self._pump)
                    return
                send, future, _ = waiting.popleft()
                self._send(send, future, ordinary=ordinary)

    def _send(self, send: Callable[[], None], future: "asyncio.Future[None]", *, ordinary: bool) -> None:
        if future.done():
            return
        self._rate.record(ordinary=ordinary)
        try:
            send()
        except Exception as error:  # noqa: BLE001  it belongs to whoever asked for the send, and reaches him
            future.set_exception(error)
        else:
            future.set_result(None)


_Send = tuple[Callable[[], None], "asyncio.Future[None]", float]  # the last: when it was posted


class HistoryPacer:
    """IB's history limits: 50 open requests; for bars up to 30 s also 60 in 10 minutes, 5 in 2 s, none twice in 15 s.

    Larger bars never wait for small ones: those hold no place while they wait for their turn, and not every place.
    https://interactivebrokers.github.io/tws-api/historical_limitations.html
    """

    def __init__(self, *, small_bar_rules: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._open = asyncio.Semaphore(MAX_OPEN_HISTORY)
        self._open_small = asyncio.Semaphore(MAX_OPEN_SMALL)
        self._rules = small_bar_rules
        self._clock = clock
        self._all = RateWindow(60, 600.0 + MARGIN_S)
        self._contracts: dict[Hashable, RateWindow] = {}
        self._requests: dict[Hashable, RateWindow] = {}
        self._since: dict[object, float] = {}  # who waits, and since when

    @property
    def waiting(self) -> tuple[int, float]:
        """How many wait for their turn, and for how many seconds the oldest has."""
        return len(self._since), self._clock() - min(self._since.values()) if self._since else 0.0

    @asynccontextmanager
    async def slot(
        self, contract: Hashable, request: Hashable, bar_s: int, what: str, share: RateWindow | None = None
    ) -> AsyncIterator[None]:
        """Wait for a turn and hold one of the open requests; `request` is everything that makes it identical.

        share: what the asker may take of the allowance of small bars.
        """
        async with AsyncExitStack() as held:
            me = object()
            self._since[me] = self._clock()
            try:
                if self._rules and bar_s <= SMALL_BAR_S:
                    weight = 2 if what == "BID_ASK" else 1
                    await self._small_turn(held, (contract, what), request, weight, share)
                else:
                    await held.enter_async_context(self._open)
            finally:
                del self._since[me]
            yield

    async def _small_turn(
        self, held: AsyncExitStack, contract: Hashable, request: Hashable, weight: int, share: RateWindow | None
    ) -> None:
        while True:
            async with AsyncExitStack() as places:
                await places.enter_async_context(self._open_small)
                await places.enter_async_context(self._open)
                delay_s = self._take(contract, request, weight, share)
                if delay_s <= 0:
                    held.push_async_callback(places.pop_all().aclose)
                    return
            await asyncio.sleep(delay_s)

    def _take(self, contract: Hashable, request: Hashable, weight: int, share: RateWindow | None) -> float:
        """Count a request that goes now; seconds until one may go, if that is later."""
        now = self._clock()
        self._forget(now)
        windows = [
            (self._all, weight),
            (self._contracts.setdefault(contract, RateWindow(5, 2.0 + MARGIN_S)), weight),
            (self._requests.setdefault(request, RateWindow(1, 15.0 + MARGIN_S)), 1),
        ]
        if share is not None:
            windows.append((share, weight))
        delay_s = max(window.delay_s(now, cost) for window, cost in windows)
        if delay_s <= 0:
            for window, cost in windows:
                window.record(now, cost)
        return delay_s

    def _forget(self, now: float) -> None:
        for windows in (self._contracts, self._requests):
            if len(windows) > 1000:
                for key in [key for key, window in windows.items() if window.idle(now)]:
                    del windows[key]


class ResearchHistory:
    """The same windows for questions of a notebook: they get a share, so that headlines always find the rest."""

    def __init__(self, pacer: HistoryPacer) -> None:
        self._pacer = pacer
        self._share = RateWindow(RESEARCH_SHARE, 600.0 + MARGIN_S)

    def slot(self, contract: Hashable, request: Hashable, bar_s: int, what: str) -> AbstractAsyncContextManager[None]:
        """As HistoryPacer.slot."""
        return self._pacer.slot(contract, request, bar_s, what, self._share)

    @property
    def waiting(self) -> tuple[int, float]:
        """As HistoryPacer.waiting."""
        return self._pacer.waiting


class Pacing:
    """All windows of one client; whoever connects anew lends them to the next bridge, since IB counts on.

    messages_per_s: IB ends the session above 50. small_bar_rules: False, and infinite messages, suit a simulated
    gateway. orders: False for a client that never orders.
    """

    def __init__(self, *, messages_per_s: float = 45.0, orders: bool = True, small_bar_rules: bool = True) -> None:
        self.messages = SendRate(messages_per_s, orders=orders)
        self.history: HistoryPacer | ResearchHistory = HistoryPacer(small_bar_rules=small_bar_rules)
        self.ticks = small_bar_rules  # tick-by-tick data has a window a contract

    def for_research(self, messages_per_s: float) -> "Pacing":
        """Windows of a second connection of the same login: a message rate of its own, a share of this history."""
        other = Pacing(messages_per_s=messages_per_s, orders=False, small_bar_rules=self.ticks)
        if isinstance(self.history, HistoryPacer):
            other.history = ResearchHistory(self.history)
        return other
