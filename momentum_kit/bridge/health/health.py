"""Health: the layers of one connection and the history of their moves; told of every code by the router.

Only moves are told to a person, because 1100 repeats many times in a reset. IB names no farm a symbol: that a farm of
data is down makes every line doubtful, and each line then shows by its own ticks whether it was meant.
"""

import re
from collections import deque
from collections.abc import Callable
from datetime import datetime
from enum import Enum, StrEnum, auto

from momentum_kit.bridge.codes import Action
from momentum_kit.bridge.health.table import FARM, LINK, SOCKET, FarmWord, LinkWord, SocketWord, after
from momentum_kit.models import ConnectionHealth, HealthMove, LineState, LinkState

SHOWN_MOVES = 20
UNNAMED = "unnamed"

# The last word, after a colon ("... is OK:usfarm.nj") or the full stop of the sentence ("... upon demand.ushmds")
_FARM_NAME = re.compile(r"[:.]\s*([^\s:]+)\s*$")
# "... data maintained. The following farms are connected: usfarm.nj; ushmds. ... are not connected: eufarm."
_FARM_LIST = re.compile(r"are (not )?connected:\s*([^\s;]+(?:;\s*[^\s;]+)*)")
_WORDS = {
    Action.FARM_UP: FarmWord.OK,
    Action.FARM_DOWN: FarmWord.BROKEN,
    Action.FARM_DORMANT: FarmWord.DORMANT,
    Action.FARM_CONNECTING: FarmWord.CONNECTING,
}
_LINKS = {
    Action.LINK_DOWN: LinkWord.LOST,
    Action.LINK_UP: LinkWord.KEPT,
    Action.LINK_UP_DATA_LOST: LinkWord.DATA_LOST,
}


class FarmKind(StrEnum):
    """What a farm serves."""

    DATA = "data"
    HISTORY = "history"
    DEFINITIONS = "definitions"


_KINDS = dict.fromkeys((2105, 2106, 2107), FarmKind.HISTORY) | dict.fromkeys((2157, 2158), FarmKind.DEFINITIONS)
_KINDS |= dict.fromkeys((2103, 2104, 2108, 2119), FarmKind.DATA)


class Consequence(Enum):
    """What follows for the market-data lines."""

    NONE = auto()
    DOUBT_ALL = auto()  # a farm of data broke: each line may be silent from here on
    FRESH_TICK = auto()  # the link to IB was away: what was known may be old
    ASK_SILENT = auto()  # a farm is back, which does not always revive its lines
    ASK_ALL = auto()  # the broker has lost them


class Health:
    """State of one connection. incident(kind, text) is told of each move once; moves: kept beyond the connection."""

    def __init__(
        self, incident: Callable[[str, str], None], now: Callable[[], datetime], moves: deque[HealthMove]
    ) -> None:
        self._incident = incident
        self._now = now
        self._moves = moves
        self.socket = LinkState.DOWN
        self.broker = LinkState.UNKNOWN
        self.farms: dict[str, LinkState] = {}
        self.server_version = 0
        self.link_returns = 0
        self._kinds: dict[str, FarmKind] = {}
        self._reported: set[str] = set()  # farms that a person knows to be down
        self._move_socket(SocketWord.OPENING, "")

    def connected(self, server_version: int) -> None:
        """The session is ready; the gateway speaks up only if its own link is down."""
        self._move_socket(SocketWord.READY, f"server version {server_version}")
        self._move_link(LinkWord.READY, "")
        self.server_version = server_version

    def disconnected(self, reason: str, *, expected: bool) -> None:
        """The socket is gone, and with it all knowledge of what is behind it."""
        if self.socket is LinkState.UP and not expected:
            self._incident("connection", f"connection to the gateway lost: {reason}")
        self._move_socket(SocketWord.ENDED, reason)
        self._move_link(LinkWord.ENDED, "")
        self.farms = {}

    def hear(self, action: Action, code: int, text: str) -> Consequence:
        """Take what a code says about a layer; what follows for the lines."""
        if action in _LINKS:
            return self._hear_of_link(_LINKS[action], code, text)
        if action not in _WORDS:
            return Consequence.NONE
        named = _FARM_NAME.search(text.rstrip(" .\t\r\n"))
        return self._move_farm(named[1] if named else UNNAMED, _WORDS[action], _kind(code, text), f"{text} ({code})")

    def canary(self, symbol: str, word: FarmWord, why: str) -> Consequence:
        """What a liquid line shows of its farm, whatever the gateway says of that."""
        return self._move_farm(f"the farm of {symbol}", word, FarmKind.DATA, why, f": {why}")

    def line_moved(self, line: str, before: LineState, state: LineState, why: str) -> None:
        """Note that a subscription has another state."""
        self._note(line, before, state, why)

    def snapshot(self, lines: dict[int, LineState], stale_con_ids: frozenset[int] = frozenset()) -> ConnectionHealth:
        """All four layers, frozen."""
        ticks = LineState.LIVE in lines.values()  # each was doubted when the farm broke, and has ticked since
        harmless = (name for name, kind in self._kinds.items() if ticks or kind is not FarmKind.DATA)
        return ConnectionHealth(
            socket=self.socket,
            broker=self.broker,
            farms=dict(self.farms),
            harmless_farms=frozenset(harmless),
            lines=lines,
            stale_con_ids=stale_con_ids,
            server_version=self.server_version,
            competing_session=LineState.TAKEN in lines.values(),
            link_returns=self.link_returns,
            moves=tuple(self._moves)[-SHOWN_MOVES:],
        )

    def _hear_of_link(self, word: LinkWord, code: int, text: str) -> Consequence:
        before = self.broker
        self._move_link(word, f"{text} ({code})")
        if self.broker is not before:
            self._incident("broker link", f"{self.broker}: {text} ({code})")
        if word is LinkWord.LOST:
            return Consequence.NONE
        self.link_returns += 1
        for missing, names in _FARM_LIST.findall(text):
            for name in names.rstrip(".").split(";"):
                heard = FarmWord.BROKEN if missing else FarmWord.OK
                self._move_farm(name.strip(), heard, _kind(code, name), f"({code})")
        return Consequence.ASK_ALL if word is LinkWord.DATA_LOST else Consequence.FRESH_TICK

    def _move_socket(self, word: SocketWord, why: str) -> None:
        before, self.socket = self.socket, after(SOCKET, self.socket, word)
        self._note("socket", before, self.socket, why)

    def _move_link(self, word: LinkWord, why: str) -> None:
        before, self.broker = self.broker, after(LINK, self.broker, word)
        self._note("broker", before, self.broker, why)

    def _move_farm(self, farm: str, word: FarmWord, kind: FarmKind, why: str, detail: str = "") -> Consequence:
        kind = self._kinds.setdefault(farm, kind)
        before = self.farms.get(farm, LinkState.UNKNOWN)
        state = self.farms[farm] = after(FARM, before, word)
        self._note(farm, before, state, why)
        if word is FarmWord.OK and farm != UNNAMED and self._kinds.get(UNNAMED) is kind and UNNAMED in self.farms:
            self._move_farm(UNNAMED, word, kind, why)  # one that was not named ends with the next of its kind
        if state is LinkState.DOWN and farm not in self._reported:
            self._reported.add(farm)
            self._incident("data farm", f"{farm} is down{detail}")
        elif state is LinkState.UP and farm in self._reported:
            self._reported.discard(farm)
            self._incident("data farm", f"{farm} is up again")
        if kind is not FarmKind.DATA or state is before:
            return Consequence.NONE
        if state is LinkState.DOWN:
            return Consequence.DOUBT_ALL
        return Consequence.ASK_SILENT if before is LinkState.DOWN else Consequence.NONE

    def _note(self, layer: str, before: StrEnum, state: StrEnum, why: str) -> None:
        if state is not before:
            self._moves.append(HealthMove(self._now(), layer, str(before), str(state), why[:200]))


def _kind(code: int, text: str) -> FarmKind:
    """By the code, since the gateway's words may be in any language; by its name where the code is another."""
    if code in _KINDS:
        return _KINDS[code]
    words = text.lower()
    if "hmds" in words:
        return FarmKind.HISTORY
    return FarmKind.DEFINITIONS if re.search(r"sec-?def", words) else FarmKind.DATA
