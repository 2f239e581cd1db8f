"""What of a connection works: the tables of its layers, their state and history, and the look at what is silent."""

from momentum_kit.bridge.health.canary import Canary
from momentum_kit.bridge.health.health import SHOWN_MOVES, Consequence, Health
from momentum_kit.bridge.health.link_watch import LinkWatch
from momentum_kit.bridge.health.table import FARM, LINE, LINK, SOCKET, FarmWord, LineWord, LinkWord, SocketWord, after

__all__ = [
    "FARM", "LINE", "LINK", "SHOWN_MOVES", "SOCKET", "Canary", "Consequence", "FarmWord", "Health", "LineWord",
    "LinkWatch", "LinkWord", "SocketWord", "after",
]  # fmt: skip
