"""Asks for a download until there is an answer: again after pacing, silence, a lost gateway; a true "none" counts."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import stamina

from momentum_kit.bridge import IBKRBridge
from momentum_kit.errors import BrokerError, ConnectionFailed, NoData, NotConnected, PacingViolation, RequestTimeout

log = logging.getLogger(__name__)

T = TypeVar("T")
PACING_WAIT_S = 20.0  # beyond the 15 s in which an identical request may not be repeated
SILENCE_WAIT_S = 16.0
PATIENCE_S = 7200.0  # longer than IB's nightly reset


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """An answer, or in whose words there is none."""

    value: T | None
    none: str = ""


class Asker:
    """Asks through a bridge that may lose its gateway. patience_s: how long one request is tried in all.

    Raises BrokerError once patience is over, and RequestFailed for what asking again cannot change.
    """

    def __init__(self, bridge: IBKRBridge, patience_s: float = PATIENCE_S) -> None:
        self.requests = 0
        self._bridge = bridge
        self._patience_s = patience_s
        self._connecting = asyncio.Lock()

    async def ask(self, request: Callable[[], Awaitable[T]], what: str) -> Asked[T]:
        """The answer to one request. An empty reply may be pacing in disguise: it counts when it comes twice."""
        try:
            return Asked(await self._insist(request, what))
        except NoData as first:
            if "no data" in first.text or first.code != 162:
                return Asked(None, first.text)
        await asyncio.sleep(SILENCE_WAIT_S)
        try:
            return Asked(await self._insist(request, what))
        except NoData as again:
            return Asked(None, f"empty answer, twice: {again.text}")

    async def _insist(self, request: Callable[[], Awaitable[T]], what: str) -> T:
        retrying = stamina.retry_context(
            on=_backoff, attempts=None, timeout=self._patience_s, wait_initial=1, wait_max=60, wait_jitter=1
        )
        async for attempt in retrying:
            with attempt:
                if attempt.num > 1:
                    log.info("%s: attempt %d", what, attempt.num)
                async with self._connecting:
                    await self._bridge.connect()  # does nothing while it is up
                self.requests += 1
                return await request()
        raise BrokerError(f"{what}: no answer")  # not reached: the last attempt raises


def _backoff(error: Exception) -> bool | float:
    if isinstance(error, PacingViolation):
        return PACING_WAIT_S
    return isinstance(error, RequestTimeout | NotConnected | ConnectionFailed)


class TimeLeft:
    """How long a stage will still take: at the pace so far, but never faster than IB's history limits allow."""

    def __init__(self, total: int, *, floor_s: float = 0.0, free: int = 0, clock: Callable[[], float] = time.monotonic):
        self._total = total
        self._floor_s = floor_s
        self._free = free
        self._clock = clock
        self._began = clock()

    def after(self, done: int) -> float:
        """Seconds left after so many; nan before the first."""
        if not done:
            return float("nan")
        left = self._total - done
        paced = max(left - max(self._free - done, 0), 0) * self._floor_s
        return max((self._clock() - self._began) / done * left, paced)
