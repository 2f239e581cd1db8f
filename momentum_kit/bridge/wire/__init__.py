"""The ibapi side of the bridge: socket, client, callbacks, and the queue that hands their values to the loop."""

from momentum_kit.bridge.wire.client import ClientThread
from momentum_kit.bridge.wire.inbox import Dispatcher

__all__ = ["ClientThread", "Dispatcher"]
