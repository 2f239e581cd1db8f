"""InputGuard: marks, times and bars what is read of outside input, so that no text holds the loop unseen, or twice.

Each reading says beforehand what is read. Where the loop is then held for ever, that mark is all that is left to tell
of it (runtime/watchdog): whoever comes next is told which text it was, and leaves that one unread.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from hashlib import blake2b

SLOW_S = 0.25  # of the loop, for one text: what is read here takes under a millisecond, or some of it for an article


def fingerprint(text: str) -> str:
    """Names a text, whoever tells it again under which id, in sixteen characters."""
    return blake2b(text.encode(errors="replace"), digest_size=8).hexdigest()


class InputGuard:
    """mark(words): kept where a process that is held cannot lose it; empty: nothing is read. barred: fingerprints.

    slow(what): told of a text that held the loop and let it go again.
    """

    def __init__(
        self,
        *,
        mark: Callable[[str], None] = lambda _: None,
        slow: Callable[[str], None] = lambda _: None,
        barred: Collection[str] = (),
    ) -> None:
        self._mark = mark
        self._slow = slow
        self._barred = frozenset(barred)

    def bars(self, text: str) -> bool:
        """True for a text that held or ended an earlier engine while it was read."""
        return bool(self._barred) and fingerprint(text) in self._barred

    @contextmanager
    def reading(self, what: str, text: str) -> Iterator[None]:
        """While it is entered, `text` is read on the loop; what: names it for a person."""
        self._mark(f"{fingerprint(text)} {what}")
        started = time.perf_counter()
        try:
            yield
        finally:
            self._mark("")
            seconds = time.perf_counter() - started
            if seconds >= SLOW_S:
                self._slow(f"{what}: {seconds:.1f} s to read {len(text):,} characters, and nothing else ran meanwhile")
