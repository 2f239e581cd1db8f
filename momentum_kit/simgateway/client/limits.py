"""IB's limits, enforced as it does: message rate, history pacing, lines; between a client session and its requests.

Rates follow the wall. Where IB says nothing we ASSUME: a message above the rate is not handled, a breach starts a new
second, and a refused history request does not count against the next one.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable

from momentum_kit.simgateway.scenario import Limit, LimitsSpec

PACING = "Historical Market Data Service error message:Historical data request pacing violation"
TOO_MANY_OPEN = "Only 50 simultaneous API historical data requests allowed"
BREACHES_THAT_END = 3
SMALL_BAR_S = 30  # the hard history rules hold for bars up to here
SMALL_BAR_WINDOW_S, BURST_WINDOW_S = 600.0, 2.0


class SlidingWindow:
    """Counts what happened in the last `per_s` seconds."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._times: deque[float] = deque()

    def count(self, now: float) -> int:
        """How many are in the window."""
        while self._times and self._times[0] <= now - self._per_s:
            self._times.popleft()
        return len(self._times)

    def add(self, now: float, weight: int = 1) -> None:
        """One more, or as many as `weight`."""
        self._times.extend([now] * weight)

    def clear(self) -> None:
        """Forget all."""
        self._times.clear()

    def wait_s(self, now: float, limit: int) -> float:
        """Seconds until fewer than `limit` are in the window."""
        over = self.count(now) - limit
        return self._times[over] + self._per_s - now if over >= 0 else 0.0


class MessageRate:
    """The message rate of one connection. paced: it asked for +PACEAPI, and is slowed down instead of refused."""

    def __init__(self, limit: Limit, wall: Callable[[], float]) -> None:
        self.limit = limit
        self.paced = False
        self.breaches = 0
        self._wall = wall
        self._window = SlidingWindow(1.0)

    def wait_s(self) -> float:
        """Seconds a paced connection's next message has to wait."""
        return self._window.wait_s(self._wall(), self.limit) if self.paced and self.limit else 0.0

    def refusal(self) -> str | None:
        """Count one message; IB's words of error 100 if it is one too many."""
        if self.limit is None:
            return None
        now = self._wall()
        self._window.add(now)
        count = self._window.count(now)
        if count <= self.limit or self.paced:
            return None
        self._window.clear()
        self.breaches += 1
        return f"Max rate of messages per second has been exceeded:max={self.limit} rec={count} ({self.breaches})"


class Limits:
    """The limits of one login, shared by its clients.

    wall: seconds that only grow. real_time: market time runs like the wall's. A count that is lifted is infinite.
    """

    def __init__(
        self, spec: LimitsSpec, *, real_time: bool = False, wall: Callable[[], float] = time.monotonic
    ) -> None:
        self._spec = spec
        self._wall = wall
        self._rates_hold = real_time or spec.enforced == "always"
        self._small_bars = SlidingWindow(SMALL_BAR_WINDOW_S)
        self._bursts: defaultdict[Hashable, SlidingWindow] = defaultdict(lambda: SlidingWindow(BURST_WINDOW_S))
        self._asked_s: dict[Hashable, float] = {}

    def message_rate(self) -> MessageRate:
        """What counts the messages of a new connection."""
        return MessageRate(self._spec.messages_per_s if self._rates_hold else None, self._wall)

    @property
    def lines(self) -> float:
        """Market data lines of the login."""
        return _number(self._spec.market_data_lines)

    @property
    def open_history(self) -> float:
        """History requests that may be open at a time."""
        return _number(self._spec.open_history)

    @property
    def headlines(self) -> float:
        """Headlines a call."""
        return _number(self._spec.headlines)

    @property
    def tick_by_tick(self) -> float:
        """Tick-by-tick subscriptions of the login."""
        return _number(self._spec.tick_by_tick)

    def small_bars(self, con_id: int, exchange: str, what: str, *rest: Hashable) -> str | None:
        """Count a request for small bars, or give IB's words of error 162; `rest` tells identical requests apart."""
        if not self._rates_hold:
            return None
        now, spec = self._wall(), self._spec
        # https://interactivebrokers.github.io/tws-api/historical_limitations.html
        weight = 2 if what == "BID_ASK" else 1
        stream = (con_id, exchange, what)
        burst = self._bursts[stream]
        if (
            self._too_soon((*stream, *rest), now, spec.small_bar_identical_s)
            or _over(burst.count(now) + weight, spec.small_bar_burst and spec.small_bar_burst - 1)  # the 6th breaks it
            or _over(self._small_bars.count(now) + weight, spec.small_bar_requests)
        ):
            return PACING
        burst.add(now, weight)
        self._small_bars.add(now, weight)
        self._asked_s[(*stream, *rest)] = now
        return None

    def tick_by_tick_too_soon(self, con_id: int) -> bool:
        """Count a tick-by-tick request; True if the instrument's last one is less than 15 s ago."""
        if not self._rates_hold:
            return False
        now, key = self._wall(), ("tick by tick", con_id)
        if self._too_soon(key, now, self._spec.tick_by_tick_identical_s):
            return True
        self._asked_s[key] = now
        return False

    def _too_soon(self, key: Hashable, now: float, wait_s: float | None) -> bool:
        before = self._asked_s.get(key)
        return wait_s is not None and before is not None and now - before < wait_s


def _number(limit: Limit) -> float:
    return float("inf") if limit is None else limit


def _over(count: int, limit: Limit) -> bool:
    return limit is not None and count > limit
