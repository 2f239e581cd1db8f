"""Asking: how a bridge puts a question to the gateway of its current connection; the base of all that asks."""

from collections.abc import Awaitable, Callable
from typing import Any

from ibapi.client import EClient

from momentum_kit.bridge.gateway_link import GatewayLink
from momentum_kit.bridge.pacing import Pacing
from momentum_kit.bridge.session import GatewaySession
from momentum_kit.bridge.streams import OwnStream, Stream, must_run_on
from momentum_kit.errors import NotConnected

_LATE_CANCELS = frozenset({"cancelContractData", "cancelHistoricalTicks"})  # since API 10.40
_LATE_CANCELS_FROM = 215  # server version


def known(cancel: str, session: GatewaySession) -> bool:
    """True if this client and this gateway know such a cancel; '' is none."""
    if cancel in _LATE_CANCELS:
        return hasattr(EClient, cancel) and session.health.server_version >= _LATE_CANCELS_FROM
    return bool(cancel)


class Asking:
    """Questions with an id of ours, and those that have none."""

    def __init__(self, link: GatewayLink, pacing: Pacing) -> None:
        self._link = link
        self._history = pacing.history

    @property
    def _session(self) -> GatewaySession:
        session = self._link.session
        if session is None:
            raise NotConnected(f"not connected to {self._link.where}")
        must_run_on(session.loop)
        return session

    async def _ask(
        self, what: str, request: str, *args: Any, cancel: str = "", always: bool = False
    ) -> tuple[Any, ...]:
        """The whole answer. cancel: sent with the id where nobody waits any longer, always: in any case."""
        session = self._session
        req_id = session.requests.next_id()

        def end() -> None:
            if known(cancel, session):
                session.send_quietly(cancel, req_id)

        try:
            return await session.requests.ask(
                req_id,
                lambda sent: session.send(request, req_id, *args, at_hand_over=sent),
                what,
                cancel=None if always else end,
            )
        finally:
            if always:
                end()

    async def _ask_by_name(self, name: str, request: str, *args: Any) -> tuple[Any, ...]:
        session = self._session
        return await session.requests.ask_by_name(name, lambda sent: session.send(request, *args, at_hand_over=sent))

    def _stream(
        self,
        what: str,
        request: str,
        *args: Any,
        cancel: str,
        turn: Callable[[], Awaitable[None]] | None = None,
        complete: Callable[[Any], Any] = lambda value: value,
        of_market: bool = True,
    ) -> Stream[Any]:
        session = self._session
        feed = session.own_feed(what)
        session.own_streams.open(
            OwnStream(
                what=what, request=request, args=args, cancel=cancel, feed=feed, turn=turn, complete=complete,
                of_market=of_market,
            )
        )  # fmt: skip
        return Stream(feed, keeps=self)
