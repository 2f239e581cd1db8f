"""The four layers of being connected; only transitions are reported, because 1100 repeats many times in a reset."""

import re
from collections.abc import Callable

from momentum_kit.bridge.codes import Action
from momentum_kit.models import ConnectionHealth, LinkState

# The last word, after a colon ("... is OK:usfarm.nj") or the full stop of the sentence ("... upon demand.ushmds")
_FARM_NAME = re.compile(r"[:.]\s*([^\s:]+)\s*$")
_FARMS = {
    Action.FARM_UP: LinkState.UP,
    Action.FARM_DOWN: LinkState.DOWN,
    Action.FARM_DORMANT: LinkState.UNKNOWN,  # opens on demand: no reason to hold anything back
    Action.FARM_CONNECTING: LinkState.DEGRADED,
}
_LINKS = {
    Action.LINK_DOWN: LinkState.DOWN,
    Action.LINK_UP: LinkState.UP,
    Action.LINK_UP_DATA_LOST: LinkState.UP,
}


class Health:
    """State of one connection. incident(kind, text) is told of each transition once."""

    def __init__(self, incident: Callable[[str, str], None]) -> None:
        self._incident = incident
        self.socket = LinkState.UNKNOWN
        self.broker = LinkState.UNKNOWN
        self.farms: dict[str, LinkState] = {}
        self.server_version = 0
        self._conflicts: set[int] = set()  # request ids that another session robbed of their data
        self._reported: set[str] = set()  # farms that a person knows to be down

    def connected(self, server_version: int) -> None:
        """The session is ready; the gateway speaks up only if its own link is down."""
        self.socket = LinkState.UP
        if self.broker is LinkState.UNKNOWN:
            self.broker = LinkState.UP
        self.server_version = server_version

    def disconnected(self, reason: str, *, expected: bool) -> None:
        """The socket is gone, and with it all knowledge of what is behind it."""
        if self.socket is LinkState.UP and not expected:
            self._incident("connection", f"connection to the gateway lost: {reason}")
        self.socket, self.broker = LinkState.DOWN, LinkState.UNKNOWN
        self.farms = {}
        self._conflicts.clear()

    def act(self, action: Action, req_id: int, code: int, text: str) -> None:
        """Take what a code says about a layer."""
        if action in _LINKS:
            self._move_broker(_LINKS[action], code, text)
        elif action in _FARMS:
            named = _FARM_NAME.search(text)
            self._move_farm(named[1] if named else "unnamed", _FARMS[action])
        elif action is Action.CONFLICT:
            if not self._conflicts:
                self._incident("session conflict", text)
            self._conflicts.add(req_id)

    def flows(self, req_id: int) -> None:
        """Live data arrives on a line again: its conflict is over."""
        if self._conflicts:
            self._conflicts.discard(req_id)
            if not self._conflicts:
                self._incident("session conflict", "over: live market data flows again")

    @property
    def competing(self) -> bool:
        """Another session has taken the data of a line."""
        return bool(self._conflicts)

    def snapshot(self, stale_con_ids: frozenset[int]) -> ConnectionHealth:
        """All four layers, frozen."""
        return ConnectionHealth(
            socket=self.socket,
            broker=self.broker,
            farms=dict(self.farms),
            stale_con_ids=stale_con_ids,
            server_version=self.server_version,
            competing_session=self.competing,
        )

    def _move_broker(self, state: LinkState, code: int, text: str) -> None:
        if self.broker is not state:
            self.broker = state
            self._incident("broker link", f"{state}: {text} ({code})")

    def _move_farm(self, farm: str, state: LinkState) -> None:
        self.farms[farm] = state
        if state is LinkState.DOWN and farm not in self._reported:
            self._reported.add(farm)
            self._incident("data farm", f"{farm} is down")
        elif state is LinkState.UP and farm in self._reported:
            self._reported.discard(farm)
            self._incident("data farm", f"{farm} is up again")
