"""The wall clocks of this process, set forward by a test: what waits by them comes due, and nobody has waited."""

import asyncio
import time

import pytest

TURNS = 3  # of the loop: timers that have come due are called in the second, who waited for them goes on in the third


class ShiftedWall:
    """The clocks of loops, time-outs and ages run on as ever, plus what has passed by hand.

    Whatever is limited by seconds may keep its own limits, which no busy machine exceeds, and is over all the same.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._ahead_s = 0.0
        monotonic, perf_counter_ns = time.monotonic, time.perf_counter_ns
        patch.setattr(time, "monotonic", lambda: monotonic() + self._ahead_s)  # asyncio's as well
        patch.setattr(time, "perf_counter_ns", lambda: perf_counter_ns() + int(self._ahead_s * 1e9))

    async def pass_time(self, seconds: float) -> None:
        """So many seconds pass, at once."""
        self._ahead_s += seconds
        for _ in range(TURNS):
            await asyncio.sleep(0)
