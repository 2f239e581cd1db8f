"""What happens, told to whoever listens: journal rows and log lines on their way from the engine to its readers.

Publishing never waits. Each reader has a bounded buffer, loses snapshots before events, and is told what it lost.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from momentum_kit.models import JournalRow
from momentum_kit.ports import Journal

RING = 1_000  # events kept for a reader that comes back
BUFFERED = 2_000  # events that wait for one reader
UNSHOWN = frozenset({"marks", "meta"})  # a row a symbol every 5 s; and what `thresholds` says already

Event = tuple[int, str, Mapping[str, Any]]  # number, kind, content


@dataclass(kw_only=True)
class Subscription:
    """One reader's buffer: the newest snapshot, and events in order."""

    wake: asyncio.Event = field(default_factory=asyncio.Event)
    events: deque[Event] = field(default_factory=deque)
    snapshot: str = ""
    lost_events: int = 0
    lost_snapshots: int = 0

    def offer(self, event: Event) -> None:
        """Append, at the cost of the oldest event where the reader is too far behind."""
        if len(self.events) >= BUFFERED:
            self.events.popleft()
            self.lost_events += 1
        self.events.append(event)

    def show(self, snapshot: str) -> None:
        """Replace a snapshot that was not read."""
        self.lost_snapshots += bool(self.snapshot)
        self.snapshot = snapshot
        self.wake.set()


@dataclass(frozen=True, slots=True)
class Portion:
    """What one reader gets next; lost: how many events and snapshots it missed since the last portion."""

    events: list[Event]
    snapshot: str
    lost: dict[str, int]


class EventHub:
    """Owned by the engine; `publish` may be called from any thread, everything else on the engine's loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._ring: deque[Event] = deque(maxlen=RING)
        self._last = 0
        self._readers: list[Subscription] = []
        self.closed = False

    @property
    def readers(self) -> tuple[Subscription, ...]:
        """Whoever listens now."""
        return tuple(self._readers)

    def publish(self, kind: str, content: Mapping[str, Any]) -> None:
        """Tell every reader; the content is encoded later, by the readers, and must not be changed any more."""
        with self._lock:
            self._last += 1
            event = (self._last, kind, content)
            self._ring.append(event)
            readers = self.readers
            for reader in readers:
                reader.offer(event)
        if readers:
            self._wake(readers)

    def subscribe(self, since: int | None = None) -> Subscription:
        """A new reader; `since` is the number of the last event that it has seen, so that it misses none."""
        reader = Subscription()
        with self._lock:
            if since is not None:
                missed = [event for event in self._ring if event[0] > since]
                reader.events.extend(missed)
                reader.lost_events = max(0, self._last - since - len(missed))
            self._readers.append(reader)
        if reader.events or reader.lost_events:
            reader.wake.set()
        return reader

    def take(self, reader: Subscription, most: int) -> Portion:
        """What waits for a reader, at most so many events; the snapshot comes with the last of them."""
        with self._lock:
            events = [reader.events.popleft() for _ in range(min(most, len(reader.events)))]
            lost = {"events": reader.lost_events, "snapshots": reader.lost_snapshots}
            reader.lost_events = reader.lost_snapshots = 0
            snapshot = ""
            if not reader.events:
                snapshot, reader.snapshot = reader.snapshot, ""
                reader.wake.clear()
            return Portion(events, snapshot, lost)

    def unsubscribe(self, reader: Subscription) -> None:
        """It has gone."""
        with self._lock:
            self._readers.remove(reader)

    def close(self) -> None:
        """Let every reader come to its end."""
        self.closed = True
        for reader in self.readers:
            reader.wake.set()

    def _wake(self, readers: tuple[Subscription, ...]) -> None:
        if threading.get_ident() == self._thread:
            for reader in readers:
                reader.wake.set()
            return
        with suppress(RuntimeError):  # the loop has ended, and with it every reader
            for reader in readers:
                self._loop.call_soon_threadsafe(reader.wake.set)


class PublishedJournal:
    """The Journal port on another journal: what is written is also told to the hub, under its table's name.

    measure(row): sees every row as well, for the metrics.
    """

    def __init__(self, journal: Journal, hub: EventHub, measure: Callable[[JournalRow], None]) -> None:
        self._journal = journal
        self._hub = hub
        self._measure = measure

    def write(self, row: JournalRow) -> None:
        """Queue one row; errors of the journal pass through and nothing is told."""
        self._journal.write(row)
        self._measure(row)
        if row.table not in UNSHOWN:
            self._hub.publish(row.table, row.columns())
