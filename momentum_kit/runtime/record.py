"""RecordingGateway: a gateway around another one that also tells the recorder what the session gets to see.

It stands between bridge and services when `storage.record` is set; nothing of what it passes on is changed. Every call
is forwarded by name and typed, so that a port that grows is an error of mypy here, not a call that goes unrecorded.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from momentum_kit.errors import NoData
from momentum_kit.models import (
    AccountValue,
    Article,
    Bar,
    ConnectionHealth,
    Contract,
    ContractDetails,
    Execution,
    Headline,
    NewsProvider,
    OpenOrder,
    OrderPreview,
    OrderRequest,
    Position,
    PriceIncrement,
    Quote,
    TradeTick,
)
from momentum_kit.ports import OrderEvent
from momentum_kit.runtime.gateway import Gateway
from momentum_kit.storage.recording import FILE, ArticleAnswer, Connected, HistoryAnswer, Recorder, Watched

T = TypeVar("T")


class RecordedStream(AsyncIterator[T], Generic[T]):
    """A stream whose values are recorded as they are read: what the session saw, in the order in which it saw it."""

    def __init__(self, stream: AsyncIterator[T], recorder: Recorder, watched: tuple[Watched, ...] = ()) -> None:
        self._stream = stream
        self._recorder = recorder
        self._watched = watched
        for each in watched:
            recorder.put(each)

    def __aiter__(self) -> "RecordedStream[T]":
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


def record_gateway(
    gateway: Gateway, *, run_dir: Path, now: Callable[[], datetime], on_incident: Callable[[str, str], None]
) -> Gateway:
    """The gateway, with all it says recorded in the run's folder. on_incident is called on the running loop."""
    loop = asyncio.get_running_loop()

    def alarm(kind: str, text: str) -> None:  # on the recorder's thread
        loop.call_soon_threadsafe(on_incident, kind, text)

    return RecordingGateway(gateway, Recorder(run_dir / FILE, now, alarm), now)


class RecordingGateway:
    """runtime.gateway.Gateway around another one.

    Recorded are the streams, the answers that recreate what the session knew, and the connection's begin. What only the
    account or the clock is asked, and everything that is sent, passes through.
    """

    def __init__(self, gateway: Gateway, recorder: Recorder, now: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._recorder = recorder
        self._now = now

    # -- the connection ----------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """The recording begins, or ends with the failure."""
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

    @property
    def accounts(self) -> tuple[str, ...]:
        """Not recorded."""
        return self._gateway.accounts

    @property
    def health(self) -> ConnectionHealth:
        """Not recorded."""
        return self._gateway.health

    # -- streams -----------------------------------------------------------------------------------------------------

    def stream_headlines(self, source: Sequence[Contract] | str) -> AsyncIterator[Headline]:
        """Recorded, with the subscription to contracts' own news."""
        contracts = () if isinstance(source, str) else tuple(source)
        watched = tuple(Watched("headlines", contract, open=True) for contract in contracts)
        return RecordedStream(self._gateway.stream_headlines(source), self._recorder, watched)

    def stream_trades(self, contract: Contract) -> AsyncIterator[TradeTick]:
        """Recorded, with the subscription."""
        watched = (Watched("trades", contract, open=True),)
        return RecordedStream(self._gateway.stream_trades(contract), self._recorder, watched)

    def stream_quotes(self, contract: Contract) -> AsyncIterator[Quote]:
        """Recorded, with the subscription."""
        watched = (Watched("quotes", contract, open=True),)
        return RecordedStream(self._gateway.stream_quotes(contract), self._recorder, watched)

    def stream_order_events(self) -> AsyncIterator[OrderEvent]:
        """Recorded."""
        return RecordedStream(self._gateway.stream_order_events(), self._recorder)

    def stream_positions(self) -> AsyncIterator[Position]:
        """Recorded."""
        return RecordedStream(self._gateway.stream_positions(), self._recorder)

    # -- answers -----------------------------------------------------------------------------------------------------

    async def fetch_historical_data(
        self,
        contract: Contract,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        use_rth: bool = True,
    ) -> tuple[Bar, ...]:
        """Recorded with the time at which it was asked for; that there is nothing is an answer too."""
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
        """Recorded."""
        return self._recorded(await self._gateway.fetch_contract_details(contract))

    async def fetch_executions(self) -> tuple[Execution, ...]:
        """Recorded."""
        return self._recorded(await self._gateway.fetch_executions())

    async def fetch_open_orders(self) -> tuple[OpenOrder, ...]:
        """Recorded."""
        return self._recorded(await self._gateway.fetch_open_orders())

    async def fetch_all_open_orders(self) -> tuple[OpenOrder, ...]:
        """Not recorded: it decides whether a session begins."""
        return await self._gateway.fetch_all_open_orders()

    async def fetch_completed_orders(self) -> tuple[OpenOrder, ...]:
        """Recorded."""
        return self._recorded(await self._gateway.fetch_completed_orders())

    async def fetch_positions(self) -> tuple[Position, ...]:
        """Its rows are recorded where they are streamed."""
        return await self._gateway.fetch_positions()

    async def fetch_account_summary(self) -> tuple[AccountValue, ...]:
        """Not recorded."""
        return await self._gateway.fetch_account_summary()

    async def fetch_what_if(self, contract: Contract, order: OrderRequest) -> OrderPreview:
        """Not recorded here: the journal has each answer and what was made of it."""
        return await self._gateway.fetch_what_if(contract, order)

    async def fetch_market_rule(self, rule_id: int) -> tuple[PriceIncrement, ...]:
        """Not recorded."""
        return await self._gateway.fetch_market_rule(rule_id)

    async def fetch_news_providers(self) -> tuple[NewsProvider, ...]:
        """Not recorded."""
        return await self._gateway.fetch_news_providers()

    async def fetch_historical_news(
        self, con_id: int, providers: Sequence[str], start: datetime | None, end: datetime | None, limit: int = 300
    ) -> tuple[Headline, ...]:
        """Not recorded."""
        return await self._gateway.fetch_historical_news(con_id, providers, start, end, limit)

    async def fetch_news_article(self, provider: str, article_id: str) -> Article:
        """Recorded where it can be read; one that came too late was cancelled, and is not."""
        article = await self._gateway.fetch_news_article(provider, article_id)
        if article.article_type == 0:
            self._recorder.put(ArticleAnswer(provider, article_id, article.text))
        return article

    # -- orders ------------------------------------------------------------------------------------------------------

    def next_order_id(self, above: int = 0) -> int:
        """Not recorded."""
        return self._gateway.next_order_id(above)

    async def place_order(self, contract: Contract, order: OrderRequest) -> OrderRequest:
        """Not recorded; what becomes of it is."""
        return await self._gateway.place_order(contract, order)

    async def cancel_order(self, order_id: int) -> None:
        """Not recorded; what becomes of it is."""
        await self._gateway.cancel_order(order_id)

    # -- lock-step ---------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Not recorded."""
        return self._gateway.idle

    @property
    def last_received_ns(self) -> int:
        """Not recorded."""
        return self._gateway.last_received_ns

    async def settled(self) -> None:
        """Not recorded."""
        await self._gateway.settled()

    @property
    def unheard(self) -> bool:
        """Not recorded."""
        return self._gateway.unheard

    @property
    def held_back(self) -> int:
        """Not recorded."""
        return self._gateway.held_back

    async def waits_in_vain(self) -> bool:
        """Not recorded."""
        return await self._gateway.waits_in_vain()

    async def fetch_current_time(self) -> datetime:
        """Not recorded."""
        return await self._gateway.fetch_current_time()

    async def fetch_current_time_millis(self) -> datetime:
        """Not recorded."""
        return await self._gateway.fetch_current_time_millis()

    def _recorded(self, answers: tuple[T, ...]) -> tuple[T, ...]:
        for each in answers:
            self._recorder.put(each)
        return answers
