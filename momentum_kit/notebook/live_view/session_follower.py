"""Follows one account's session for who shows it, panel or page: what it says now, and what it has told so far."""

import queue
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import structlog

from momentum_kit.errors import StorageError
from momentum_kit.notebook.live_view.engine_contact import EngineContact
from momentum_kit.notebook.live_view.session_record import KEPT, SessionRecord
from momentum_kit.runtime.control import EventStream, StreamEvent
from momentum_kit.runtime.ownership import StateFolder

SECOND_READ_S = 2.0  # what an engine still buffered at the first reading of its journal is on disk then

log = structlog.get_logger("live view")


class SessionFollower:
    """Whichever engine runs is heard on a thread; `take` brings contact and record up to what was heard.

    contacts: counts the engines and streams that were met; what was shown before the newest is to be shown anew.
    heard: called on that thread whenever there is something to take.
    """

    def __init__(self, folder: StateFolder, heard: Callable[[], None] = lambda: None) -> None:
        self.contact = EngineContact(folder)
        self.record = SessionRecord()
        self.contacts = 0
        self._events: queue.SimpleQueue[StreamEvent] = queue.SimpleQueue()
        self._reread_at = float("inf")
        self._heard = heard
        self._stream = EventStream(folder, self._hear)

    def start(self) -> None:
        """Begin to listen; returns at once."""
        self._stream.start()

    def close(self) -> None:
        """Listen no more."""
        self._stream.close()

    def _hear(self, event: StreamEvent) -> None:
        self._events.put(event)
        self._heard()

    def take(self) -> None:
        """Everything that came since; called by one thread, never waits."""
        with suppress(queue.Empty):
            while True:
                self._take(self._events.get_nowait())
        if monotonic() >= self._reread_at:
            self._reread_at = float("inf")
            self._read_journal(KEPT)

    def _take(self, event: StreamEvent) -> None:
        self.contact.take(event)
        match event.kind:
            case "connected":
                if event.content["new"]:
                    self.record = SessionRecord()
                    self._read_journal()
                self._reread_at = monotonic() + SECOND_READ_S
                self.contacts += 1
            case "lost" | "ended":
                self._reread_at = monotonic() + SECOND_READ_S
            case "status":
                pass
            case _:
                self.record.take(event.kind, event.content)

    def _read_journal(self, most: int | None = None) -> None:
        if self.contact.run_dir is None:
            return
        try:
            self.record.read_journal(self.contact.run_dir / "journal.db", most)
        except StorageError as error:
            log.warning("the journal was not read", error=str(error))
