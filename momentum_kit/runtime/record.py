"""A gateway that is overheard: everything it tells the session also goes to the recorder, and nothing else changes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from momentum_kit.errors import NoData
from momentum_kit.models import Bar, Contract, ContractDetails, Execution, Headline, OpenOrder, Quote, TradeTick
from momentum_kit.ports import OrderEvent
from momentum_kit.runtime.gateway import Gateway
from momentum_kit.storage.recording import FILE, Connected, HistoryAnswer, Recorder, Watched

T = TypeVar("T")


class OverheardStream(AsyncIterator[T], Generic[T]):
    """A stream whose values are recorded as they are read: what the session saw, in the order in which it saw it."""

    def __init__(self, stream: AsyncIterator[T], recorder: Recorder, watched: tuple[Watched, ...] = ()) -> None:
        self._stream = stream
        self._recorder = recorder
        self._watched = watched
        for each in watched:
            recorder.put(each)

    def __aiter__(self) -> "OverheardStream[T]":
        return self

    async def __anext__(self) -> T:
        value = await self._stream.__anext__()
        self._recorder.put(value)
        return value

    async def aclose(self) -> None:
        """Unsubscribe."""
        watched, self._watched = self._watched, ()
        for each in watched:
            self._recorder.put(Watched(each.what, each.contract, open=False))
        if aclose := getattr(self._stream, "aclose", None):
            await aclose()


def overheard(
    gateway: Gateway, run_dir: Path, now: Callable[[], datetime], incident: Callable[[str, str], None]
) -> Gateway:
    """The gateway, with all it says recorded in the run's folder. incident is called on the running loop."""
    loop = asyncio.get_running_loop()

    def alarm(kind: str, text: str) -> None:
        loop.call_soon_threadsafe(incident, kind, text)

    return cast("Gateway", OverheardGateway(gateway, Recorder(run_dir / FILE, now, alarm), now))


class OverheardGateway:
    """runtime.gateway.Gateway around another one.

    What is not recorded passes through: questions about the account, the clock, and everything that is sent.
    """

    def __init__(self, gateway: Gateway, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._recorder = recorder
        self._now = now

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def connect(self) -> None:
        """As the gateway; the recording begins, or ends with the failure."""
        self._recorder.put(Connected())
        try:
            await self._gateway.connect()
        except BaseException:
            self._recorder.close()
            raise

    async def disconnect(self) -> None:
        """End the connection and the recording."""
        try:
            await self._gateway.disconnect()
        finally:
            self._recorder.close()

    def stream_headlines(self, source: Sequence[Contract] | str) -> AsyncIterator[Headline]:
        """As the gateway."""
        contracts = () if isinstance(source, str) else tuple(source)
        watched = tuple(Watched("headlines", contract, open=True) for contract in contracts)
        return OverheardStream(self._gateway.stream_headlines(source), self._recorder, watched)

    def stream_trades(self, contract: Contract) -> AsyncIterator[TradeTick]:
        """As the gateway."""
        watched = (Watched("trades", contract, open=True),)
        return OverheardStream(self._gateway.stream_trades(contract), self._recorder, watched)

    def stream_quotes(self, contract: Contract) -> AsyncIterator[Quote]:
        """As the gateway."""
        watched = (Watched("quotes", contract, open=True),)
        return OverheardStream(self._gateway.stream_quotes(contract), self._recorder, watched)

    def stream_order_events(self) -> AsyncIterator[OrderEvent]:
        """As the gateway."""
        return OverheardStream(self._gateway.stream_order_events(), self._recorder)

    async def fetch_historical_data(
        self,
        contract: Contract,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        use_rth: bool = True,
    ) -> tuple[Bar, ...]:
        """As the gateway; the answer is recorded with the time at which it was asked for."""
        asked = (contract, end, duration, bar_size, what, use_rth)
        asked_at = self._now()
        try:
            bars = await self._gateway.fetch_historical_data(*asked)
        except NoData:
            self._recorder.put(HistoryAnswer(*asked, asked_at, ()))
            raise
        self._recorder.put(HistoryAnswer(*asked, asked_at, bars))
        return bars

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """As the gateway."""
        return self._kept(await self._gateway.fetch_contract_details(contract))

    async def fetch_executions(self) -> tuple[Execution, ...]:
        """As the gateway."""
        return self._kept(await self._gateway.fetch_executions())

    async def fetch_open_orders(self) -> tuple[OpenOrder, ...]:
        """As the gateway."""
        return self._kept(await self._gateway.fetch_open_orders())

    async def fetch_completed_orders(self) -> tuple[OpenOrder, ...]:
        """As the gateway."""
        return self._kept(await self._gateway.fetch_completed_orders())

    def _kept(self, answers: tuple[T, ...]) -> tuple[T, ...]:
        for each in answers:
            self._recorder.put(each)
        return answers
