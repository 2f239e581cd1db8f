"""GatewayLink: the one connection of a bridge, whoever asks for it and however often; the bridge's beginning and end.

Connects that overlap are one. A client id that is in use is asked for again for a while: after a line that broke, the
gateway may keep it for its old owner. A bridge that nobody holds any more, or whose event loop is closed, gives its
thread and its client id back.
"""

import asyncio
import logging
import weakref
from collections.abc import Callable
from time import monotonic

from momentum_kit.bridge.session import GatewaySession, SessionOptions
from momentum_kit.bridge.streams import must_run_on
from momentum_kit.errors import ClientIdInUse, ConnectionFailed
from momentum_kit.models import LinkState

log = logging.getLogger(__name__)

CLIENT_ID_RETRY_S = 1.0  # between two attempts


class GatewayLink:
    """Owned by one bridge; the sessions know nothing of it, so that it can be forgotten.

    client_id_patience_s: wall seconds for which a client id that is in use is asked for.
    """

    def __init__(self, options: SessionOptions, client_id_patience_s: float) -> None:
        self._options = options
        self._patience_s = client_id_patience_s
        self._session: GatewaySession | None = None
        self._opening: GatewaySession | None = None
        self._lock = asyncio.Lock()
        self._ends = 0  # how often the end was asked for
        self._finalizer: weakref.finalize[..., GatewayLink] | None = None

    @property
    def where(self) -> str:
        """The gateway's address, for a person."""
        return self._options.where

    @property
    def session(self) -> GatewaySession | None:
        """The latest one, also after its connection has ended; None after a disconnect, or once its loop is closed."""
        return self._session if self._session is not None and not self._session.loop.is_closed() else None

    async def connect(self) -> None:
        """Be connected; who comes while another connects waits for the same connection."""
        async with self._lock:
            session = self.session
            if session is not None and session.health.socket is LinkState.UP:
                return
            await self._close()
            self._session = await self._open()
            self._finalizer = weakref.finalize(self, _give_back, self._session)
            self._finalizer.atexit = False

    async def disconnect(self) -> None:
        """End the connection, or the attempt to have one."""
        self._ends += 1
        if self._opening is not None:
            must_run_on(self._opening.loop)
            await self._opening.close()
        await self._close()

    async def _close(self) -> None:
        session = self._session
        if session is None:
            return
        if session.loop.is_closed():
            session.cut("its event loop is closed")
        else:
            must_run_on(session.loop)
            await session.close()
        if self._session is session:
            self._session = None
            if self._finalizer is not None:
                self._finalizer.detach()

    async def _open(self) -> GatewaySession:
        ends, until, told = self._ends, monotonic() + self._patience_s, False
        while True:
            session = self._opening = GatewaySession(self._options)
            try:
                await session.open()
            except ClientIdInUse as error:
                if monotonic() + CLIENT_ID_RETRY_S > until:
                    raise
                if not told:
                    told = True
                    self._options.incident("connection", f"{error}; asking again for {self._patience_s:g} s")
            else:
                return session
            finally:
                self._opening = None
            await asyncio.sleep(CLIENT_ID_RETRY_S)
            if ends != self._ends:
                raise ConnectionFailed(f"{self._options.where}: disconnected while it was being connected to")


def weakly(method: Callable[..., None]) -> Callable[..., None]:
    """A call of a bound method that does not keep its object alive, and does nothing once that is gone."""
    kept = weakref.WeakMethod(method)

    def call(*args: object) -> None:
        alive = kept()
        if alive is not None:
            alive(*args)

    return call


_leaving: set["asyncio.Task[None]"] = set()  # the loop alone would not keep them


def _give_back(session: GatewaySession) -> None:
    """Nobody holds the bridge any more; on whichever thread collects garbage."""
    log.warning("a bridge to %s was forgotten without disconnect(): its connection ends", session.options.where)
    try:
        session.loop.call_soon_threadsafe(_leave, session)
    except RuntimeError:  # the loop is closed
        session.cut("the bridge was forgotten")


def _leave(session: GatewaySession) -> None:
    leaving = session.loop.create_task(session.close(), name="forgotten bridge")
    _leaving.add(leaving)
    leaving.add_done_callback(_leaving.discard)
