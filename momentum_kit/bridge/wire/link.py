"""One connection's thread: runs the official client's blocking run(), and says so when that ends."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from datetime import datetime

from momentum_kit.bridge.events import LinkEnded
from momentum_kit.bridge.wire.client import IBClient
from momentum_kit.bridge.wire.inbox import Inbox
from momentum_kit.bridge.wire.wrapper import IBWrapper
from momentum_kit.errors import BrokerError, ConnectionFailed, NotConnected

log = logging.getLogger(__name__)

_GRACE_S = 0.5  # for the gateway to close after our half-close; then the socket is cut


class Link:
    """A client, its wrapper, its inbox and its thread, for one connection. `ended` is set when nothing more comes."""

    def __init__(
        self, address: tuple[str, int, int], connect_timeout_s: float, inbox: Inbox, now: Callable[[], datetime]
    ) -> None:
        self.inbox = inbox
        self.wrapper = IBWrapper(inbox, now)
        self.client = IBClient(self.wrapper, connect_timeout_s)
        self.ended = asyncio.Event()
        self.stopping = False
        self._address = address
        self._loop = asyncio.get_running_loop()
        host, port, client_id = address
        self._thread = threading.Thread(target=self._run, name=f"ibapi-{host}:{port}-{client_id}", daemon=True)

    def start(self) -> None:
        """Start connecting, on the thread; the outcome comes through the inbox."""
        self._thread.start()

    async def stop(self) -> None:
        """End the connection and the thread, whatever they are doing; safe with a backlog, and twice."""
        self.stopping = True
        connection = self.client.link
        if connection is not None:
            connection.stop()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), _GRACE_S)
            connection.abort()
        await self.ended.wait()
        self._thread.join()

    def _run(self) -> None:
        error: BrokerError = NotConnected("the connection ended")
        try:
            self.client.connect(*self._address)
            if not self.stopping:  # stop() may have come before there was a socket to end
                self.client.run()
            connection = self.client.link
            error = NotConnected(connection.failure if connection and connection.failure else "the connection ended")
        except ConnectionFailed as failure:
            error = failure
        except Exception as failure:  # a thread that dies silently would leave every request waiting
            log.exception("the ibapi thread died")
            error = NotConnected(f"the reader thread died: {failure!r}")
        finally:
            self.client.disconnect()
            self.inbox.post(LinkEnded(error))
            self.inbox.commit()
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.ended.set)
