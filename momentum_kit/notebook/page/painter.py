"""Paints the parts of the page for all its viewers at once: however many look, the engine has one reader.

A viewer that is slow is given the newest of each part, and no queue of old ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from momentum_kit.config import Config
from momentum_kit.notebook.html import STALE_S, positions_table, vitals
from momentum_kit.notebook.live_view import (
    CLOSABLE,
    SessionCommands,
    SessionFollower,
    equity_curve,
    head,
    headlines_table,
    kill_words,
    log_tail,
    offered,
    orders_table,
    signals_table,
)
from momentum_kit.notebook.page.page_metrics import page_metrics
from momentum_kit.runtime.ownership import StateFolder

PAINT_S = 0.2  # wall seconds between two paintings where nothing is heard; there are buttons and clocks
GATHER_S = 0.02  # what comes within so long after a word is painted with it
CALM_S = 1.0  # between two paintings in which only clocks, ages and prices are new: a phone pays for its data
KILL_OPEN_S = 10.0  # the second step of a kill: a phone may be slow
BUTTONS = ("pause", "reduce_only", "flatten")  # beside a kill: nothing here ever adds risk
STALE = (
    f"This page has heard nothing for {STALE_S} s: what stands below is OLD and its buttons may do nothing. The "
    "session goes on without it; in a terminal: momentum-kit status {0}, momentum-kit kill {0}."
)


@dataclass(frozen=True, slots=True)
class PagePart:
    """One part of the page as it is now; a string is HTML, anything else is for the page's script."""

    version: int
    content: object


class Painter:
    """Follows a session and paints it. `paint` is called by one thread at a time, `parts` is read by any.

    heard: called on a thread of its own whenever there may be something to paint.
    """

    def __init__(self, config: Config, folder: StateFolder, heard: Callable[[], None]) -> None:
        self._config = config
        self._folder = folder
        self._follower = SessionFollower(folder, heard)
        self.commands = SessionCommands(folder, self._follower.contact, source="page", clicked_ago_s=lambda: 0.0)
        self.parts: Mapping[str, PagePart] = {}
        self._version = 0
        self._beat = 0
        self._painted: dict[str, object] = {}
        self._painted_at: dict[str, float] = {}

    def start(self) -> None:
        """Begin to listen to the engine."""
        self._follower.start()

    def close(self) -> None:
        """Listen no more."""
        self._follower.close()

    @property
    def closable(self) -> list[str]:
        """The symbols whose position can be closed now."""
        contact, busy = self._follower.contact, self.commands.busy
        status, connected = contact.status, contact.connected
        if status is None or not offered(CLOSABLE, status, connected, busy):
            return []
        return [view.symbol for view in status.positions if f"{CLOSABLE} {view.symbol}" not in busy]

    def metrics(self) -> bytes:
        """What a collector is told."""
        return page_metrics(self._follower.contact, self._folder)

    def kill_words(self) -> str:
        """What a kill would do just now."""
        contact = self._follower.contact
        return kill_words(contact.status, contact.connected, self._config, KILL_OPEN_S)

    def paint(self) -> None:
        """Take what came, and paint what is due."""
        self._follower.take()
        contact, record, status = self._follower.contact, self._follower.record, self._follower.contact.status
        painted: dict[str, object] = {"controls": self._controls()}
        standing = (
            (status.state, status.reason, status.waits, status.incidents, len(status.positions)) if status else ()
        )
        if self._due("head", (contact.words(), self.commands.outcome, standing)):
            self._beat += 1
            painted["head"] = head(contact, self._config, self.commands.outcome, self._beat, STALE)
        if self._due("session", (self._follower.contacts, standing)):
            painted["positions"] = positions_table(status.positions if status else ())
            painted["engine"] = vitals(status) if status else ""
        if self._due("record", (self._follower.contacts, record.version)):
            painted |= {
                "headlines": headlines_table(record),
                "signals": signals_table(record),
                "equity": equity_curve(record.curve),
                "orders": orders_table(record),
                "log": log_tail(record),
            }
        self._keep(painted)

    def _due(self, what: str, version: object) -> bool:
        """True where something is new, or the last painting long enough ago."""
        if self._painted.get(what) == version and monotonic() - self._painted_at[what] < CALM_S:
            return False
        self._painted[what], self._painted_at[what] = version, monotonic()
        return True

    def _controls(self) -> dict[str, object]:
        contact, busy = self._follower.contact, self.commands.busy
        status, connected = contact.status, contact.connected
        return {
            "open": [name for name in BUTTONS if offered(name, status, connected, busy)],
            "close": list(dict.fromkeys(self.closable)),
            "killing": "kill" in busy,
        }

    def _keep(self, painted: Mapping[str, object]) -> None:
        parts = dict(self.parts)
        for name, content in painted.items():
            if name not in parts or parts[name].content != content:
                self._version += 1
                parts[name] = PagePart(self._version, content)
        self.parts = parts
