"""The ibapi side of the bridge: socket, client, callbacks, and the queue that hands their values to the loop."""

from momentum_kit.bridge.wire.inbox import Inbox, Message
from momentum_kit.bridge.wire.link import Link

__all__ = ["Inbox", "Link", "Message"]
