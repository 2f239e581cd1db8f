"""The layers of a connection as tables: state x what was heard -> state; for health and subscriptions.

An unlisted move raises: nobody has thought of it, and a layer is never guessed to be up.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from momentum_kit.errors import BrokerError
from momentum_kit.models import LineState, LinkState

_State = TypeVar("_State", bound=StrEnum)
_Word = TypeVar("_Word", bound=StrEnum)


class SocketWord(StrEnum):
    """What happens to our socket."""

    OPENING = "opening"
    READY = "ready"  # accounts and the next order id are known
    ENDED = "ended"


class LinkWord(StrEnum):
    """What is heard of the gateway's link to IB."""

    READY = "ready"  # a gateway that has no link says so before
    LOST = "lost"
    KEPT = "back"  # subscriptions live on
    DATA_LOST = "back, data lost"
    ENDED = "ended"  # of the socket: nothing is heard any more


class FarmWord(StrEnum):
    """What is heard of one farm."""

    OK = "ok"
    BROKEN = "broken"
    DORMANT = "dormant"  # opens on demand: no reason to hold anything back
    CONNECTING = "connecting"


class LineWord(StrEnum):
    """What happens to one market-data line."""

    LIVE_TICK = "live tick"
    OTHER_TICK = "other tick"  # delayed or frozen, or a number that says nothing of the market
    NOT_LIVE = "not live"  # the broker says that delayed or frozen data comes
    LIVE_TYPE = "live"  # it says that live data comes
    TAKEN = "taken"  # 10197
    DOUBTED = "doubted"  # the farm broke, or the link to IB was away
    ASKED_AGAIN = "asked again"


class UnlistedMove(BrokerError):
    """A layer of the connection was told what its state does not allow."""


_UNKNOWN, _UP, _DOWN, _DEGRADED = LinkState.UNKNOWN, LinkState.UP, LinkState.DOWN, LinkState.DEGRADED
_S, _L, _F, _W = SocketWord, LinkWord, FarmWord, LineWord

SOCKET: dict[LinkState, dict[SocketWord, LinkState]] = {
    _DOWN: {_S.OPENING: _UNKNOWN, _S.ENDED: _DOWN},
    _UNKNOWN: {_S.READY: _UP, _S.ENDED: _DOWN},
    _UP: {_S.ENDED: _DOWN},
}

LINK: dict[LinkState, dict[LinkWord, LinkState]] = {
    _UNKNOWN: {_L.READY: _UP, _L.LOST: _DOWN, _L.KEPT: _UP, _L.DATA_LOST: _UP, _L.ENDED: _UNKNOWN},
    _DOWN: {_L.READY: _DOWN, _L.LOST: _DOWN, _L.KEPT: _UP, _L.DATA_LOST: _UP, _L.ENDED: _UNKNOWN},
    _UP: {_L.READY: _UP, _L.LOST: _DOWN, _L.KEPT: _UP, _L.DATA_LOST: _UP, _L.ENDED: _UNKNOWN},
}

FARM: dict[LinkState, dict[FarmWord, LinkState]] = {
    _UNKNOWN: {_F.OK: _UP, _F.BROKEN: _DOWN, _F.DORMANT: _UNKNOWN, _F.CONNECTING: _DEGRADED},
    _UP: {_F.OK: _UP, _F.BROKEN: _DOWN, _F.DORMANT: _UNKNOWN, _F.CONNECTING: _DEGRADED},
    # a broken farm that connects is broken until it says OK
    _DOWN: {_F.OK: _UP, _F.BROKEN: _DOWN, _F.DORMANT: _UNKNOWN, _F.CONNECTING: _DOWN},
    _DEGRADED: {_F.OK: _UP, _F.BROKEN: _DOWN, _F.DORMANT: _UNKNOWN, _F.CONNECTING: _DEGRADED},
}

_ASKED, _LIVE, _DOUBTED, _TAKEN, _NOT_LIVE = (
    LineState.ASKED,
    LineState.LIVE,
    LineState.DOUBTED,
    LineState.TAKEN,
    LineState.NOT_LIVE,
)
LINE: dict[LineState, dict[LineWord, LineState]] = {
    _ASKED: {
        _W.LIVE_TICK: _LIVE, _W.OTHER_TICK: _ASKED, _W.NOT_LIVE: _NOT_LIVE, _W.LIVE_TYPE: _ASKED,
        _W.TAKEN: _TAKEN, _W.DOUBTED: _DOUBTED, _W.ASKED_AGAIN: _ASKED,
    },
    _LIVE: {
        _W.LIVE_TICK: _LIVE, _W.OTHER_TICK: _LIVE, _W.NOT_LIVE: _NOT_LIVE, _W.LIVE_TYPE: _LIVE,
        _W.TAKEN: _TAKEN, _W.DOUBTED: _DOUBTED, _W.ASKED_AGAIN: _DOUBTED,
    },
    _DOUBTED: {
        _W.LIVE_TICK: _LIVE, _W.OTHER_TICK: _DOUBTED, _W.NOT_LIVE: _NOT_LIVE, _W.LIVE_TYPE: _DOUBTED,
        _W.TAKEN: _TAKEN, _W.DOUBTED: _DOUBTED, _W.ASKED_AGAIN: _DOUBTED,
    },
    # delayed ticks also tick, and another session may have live data all the same
    _TAKEN: {
        _W.LIVE_TICK: _LIVE, _W.OTHER_TICK: _TAKEN, _W.NOT_LIVE: _TAKEN, _W.LIVE_TYPE: _TAKEN,
        _W.TAKEN: _TAKEN, _W.DOUBTED: _TAKEN, _W.ASKED_AGAIN: _DOUBTED,
    },
    # some numbers of such a line may be live; the broker's word alone makes it so
    _NOT_LIVE: {
        _W.LIVE_TICK: _NOT_LIVE, _W.OTHER_TICK: _NOT_LIVE, _W.NOT_LIVE: _NOT_LIVE, _W.LIVE_TYPE: _DOUBTED,
        _W.TAKEN: _TAKEN, _W.DOUBTED: _NOT_LIVE, _W.ASKED_AGAIN: _NOT_LIVE,
    },
}  # fmt: skip


def after(table: Mapping[_State, Mapping[_Word, _State]], state: _State, word: _Word) -> _State:
    """The state that follows; UnlistedMove if the table has none."""
    try:
        return table[state][word]
    except KeyError:
        raise UnlistedMove(f"a layer that is {state} cannot be told {word!r}: not in its table") from None
