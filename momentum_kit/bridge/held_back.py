"""HeldBack: what the gateway has not answered yet and will not before its market moves; for lock-step."""

from collections.abc import Awaitable, Callable
from typing import Any


class HeldBack:
    """outstanding() names the answers that are due, late ones that nobody waits for any more included."""

    def __init__(self, outstanding: Callable[[], set[object]]) -> None:
        self._outstanding = outstanding
        self._held: set[object] = set()
        self._heard = 0
        self.handed_over = 0  # messages, orders and requests

    def __len__(self) -> int:
        return len(self._held & self._outstanding())

    @property
    def unheard(self) -> bool:
        """Something was sent after the latest request that was answered: there may be words to come at once."""
        return self._heard < self.handed_over

    @property
    def all_known(self) -> bool:
        """Answers are due, and every one of them is known to be held back."""
        outstanding = self._outstanding()
        return bool(outstanding) and outstanding <= self._held and not self.unheard

    def answered(self, asked_at: int) -> None:
        """A request was answered before which so many messages had been handed over: all of them have been handled."""
        self._heard = max(self._heard, asked_at)

    async def find(self, ping: Callable[[], Awaitable[Any]]) -> None:
        """Learn which answers are held back: those to requests sent before a ping that is answered before them.

        Right for a gateway that answers in the order of the requests, as the simulated one does.
        """
        asked = self._outstanding()
        await ping()
        self._held = asked & self._outstanding()
