"""A gateway without a wire: all ports over a recorded market and the simulated broker, in virtual time.

Between runtime/session.py and simgateway: what the wire carries as bytes (hub.py, client_session.py and the bridge)
is here handed over as values. Orders meet the same Exchange on the same events, so that fills follow the same rules.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from momentum_kit.bridge.bridge import bar_seconds
from momentum_kit.bridge.codes import CodeTable, load_codes
from momentum_kit.bridge.streams import Feed, Stream
from momentum_kit.errors import NoData, RequestFailed
from momentum_kit.models import (
    AccountValue,
    Article,
    Bar,
    ConnectionHealth,
    Contract,
    ContractDetails,
    Execution,
    Headline,
    LinkState,
    NewsProvider,
    OpenOrder,
    OrderRequest,
    Position,
    PriceIncrement,
    Quote,
    TradeTick,
)
from momentum_kit.ports import OrderEvent
from momentum_kit.runtime import replay_values as values
from momentum_kit.runtime.replay_lines import ReplayLine
from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway import events as sim
from momentum_kit.simgateway.history import HistoryError
from momentum_kit.simgateway.lock_step import LockStep
from momentum_kit.simgateway.matching import Exchange
from momentum_kit.simgateway.recorded_market import RecordedMarket

CLIENT_ID = 17
T = TypeVar("T")


class Fifo(deque[T], Generic[T]):
    """A stream's buffer in memory; the market waits for its readers, so it stays short."""

    put = deque.append
    get = deque.popleft
    close = deque.clear


class ReplayGateway:
    """runtime.gateway.Gateway over one recorded day. now: the session's clock, which stamps what arrives.

    step: by how much each fetch_current_time_millis moves the market.
    """

    def __init__(
        self, market: RecordedMarket, exchange: Exchange, now: Callable[[], datetime], step: timedelta
    ) -> None:
        self.accounts = (exchange.account.name,)
        self.last_received_ns = 0
        self.health = ConnectionHealth(LinkState.UP, LinkState.UP)
        self._market = market
        self._exchange = exchange
        self._now = now
        self._rhythm = LockStep(market, step)
        self._codes: CodeTable = load_codes()
        self._at = market.now
        self._next_order_id = 1
        self._lines: dict[int, ReplayLine] = {}
        self._news: list[tuple[Contract | str, Feed[Headline]]] = []
        self._orders: list[Feed[OrderEvent]] = []
        self._traded: set[int] = set()  # contracts whose events the broker needs
        self._touched: list[Feed[Any]] = []  # fed since all was last known to be quiet

    # -- connection and market time -----------------------------------------------------------------------------------

    async def connect(self) -> None:
        """There is nothing to connect to."""

    async def disconnect(self) -> None:
        """Streams end."""
        lines = [feed for line in self._lines.values() for feed in line.feeds]
        for feed in [*lines, *(feed for _, feed in self._news), *self._orders]:
            feed.end()

    async def fetch_current_time(self) -> datetime:
        """The market's time, to the second."""
        return self._at.replace(microsecond=0)

    async def fetch_current_time_millis(self) -> datetime:
        """One step, or the announcement of a headline (simgateway/lock_step.py)."""
        self.last_received_ns = time.perf_counter_ns()
        to, moves = self._rhythm.next()
        if moves:
            self._advance(to)
        return to

    @property
    def idle(self) -> bool:
        """Everything told has been read, and its reader waits for more."""
        self._touched = [feed for feed in self._touched if not feed.idle]
        return not self._touched

    async def settled(self) -> None:
        """Return when `idle`. Nothing here waits for anything but a turn of the loop."""
        while not self.idle:  # noqa: ASYNC110  (readers of this loop, and nothing else, make it so)
            await asyncio.sleep(0)

    def _advance(self, to: datetime) -> None:
        """As simgateway's Hub does: each event to the broker, and what it makes of it to its client."""
        for event in self._market.advance(to):
            self._pass(event.time)
            if isinstance(event, sim.NewsEvent):
                self._relay(event)
            self._tell(self._exchange.on_market(event))
        self._pass(to)
        now, ns = self._now(), self.last_received_ns
        for con_id, line in list(self._lines.items()):
            if line.feeds:
                self._touched += line.advance(to, now, ns)
            else:
                del self._lines[con_id]
        for con_id in [con_id for con_id in self._traded if not self._exchange.concerns(con_id)]:
            self._market.rest(con_id)
            self._traded.discard(con_id)

    def _pass(self, moment: datetime) -> None:
        self._at = max(self._at, moment)
        self._tell(self._exchange.advance(self._at))

    # -- news ---------------------------------------------------------------------------------------------------------

    def stream_headlines(self, source: Sequence[Contract] | str) -> Stream[Headline]:
        """Headlines of these contracts, or of one provider."""
        feed: Feed[Headline] = self._feed(Fifo(), self._drop_news)
        self._news += [(one, feed) for one in ((source,) if isinstance(source, str) else source)]
        return Stream(feed)

    async def fetch_news_providers(self) -> tuple[NewsProvider, ...]:
        """Whoever published on this day."""
        return tuple(NewsProvider(code, name) for code, name in self._market.providers.items())

    async def fetch_news_article(self, provider: str, article_id: str) -> Article:
        """Bodies are not on record."""
        raise RequestFailed(10172, f"no body of {provider} {article_id} is on record")

    def _relay(self, event: sim.NewsEvent) -> None:
        for source, feed in self._news:
            contract = source if isinstance(source, Contract) else None
            if contract.con_id in event.con_ids if contract else event.broad_tape and source == event.provider:
                feed.put(values.headline(event, contract, self._now(), self.last_received_ns))
                self._touched.append(feed)

    def _drop_news(self, feed: Feed[Headline]) -> None:
        self._news = [(source, each) for source, each in self._news if each is not feed]

    # -- market data --------------------------------------------------------------------------------------------------

    def stream_trades(self, contract: Contract) -> Stream[TradeTick]:
        """The day's trades from now on."""
        line = self._line(contract)
        feed: Feed[TradeTick] = self._feed(Fifo(), line.drop)
        line.trades.append(feed)
        return Stream(feed)

    def stream_quotes(self, contract: Contract) -> Stream[Quote]:
        """The quote in force, then the newest one of each step."""
        line = self._line(contract)
        feed: Feed[Quote] = self._feed(Fifo(), line.drop)
        line.quotes.append(feed)
        self._touched += line.greet(feed, self._now(), time.perf_counter_ns())
        return Stream(feed)

    async def fetch_historical_data(
        self,
        contract: Contract,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        use_rth: bool = True,
    ) -> tuple[Bar, ...]:
        """As the market knows it; NoData where there is none."""
        bar_seconds(bar_size)
        try:
            return tuple(self._market.bars(contract.con_id, end, duration, bar_size, what, use_rth))
        except HistoryError as error:
            failure = NoData if error.code == 162 else RequestFailed
            raise failure(error.code, error.text) from None

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """By con id, else by symbol."""
        by_id = self._market.find(con_id=contract.con_id) if contract.con_id else None
        found = by_id if by_id is not None else self._market.find(symbol=contract.symbol)
        if not found:
            raise NoData(200, f"no contract matches {contract}")
        return tuple(values.details(item, exchange_day(self._at)) for item in found)

    async def fetch_market_rule(self, rule_id: int) -> tuple[PriceIncrement, ...]:
        """Price bands, ascending."""
        return tuple(PriceIncrement(*band) for band in self._market.market_rules[rule_id])

    def _line(self, contract: Contract) -> ReplayLine:
        line = self._lines.get(contract.con_id)
        if line is None or not line.feeds:
            recorded = self._market.source.recorded(contract.con_id)
            line = self._lines[contract.con_id] = ReplayLine(contract.con_id, recorded, self._at)
        return line

    # -- orders -------------------------------------------------------------------------------------------------------

    def next_order_id(self) -> int:
        """A fresh order id."""
        self._next_order_id += 1
        return self._next_order_id - 1

    async def place_order(self, contract: Contract, order: OrderRequest) -> OrderRequest:
        """Hand it to the simulated broker; its answers come by stream_order_events."""
        self._wake(contract.con_id)
        self._tell(self._exchange.place(values.sim_order(contract, order, CLIENT_ID), self._at))
        return order

    def _wake(self, con_id: int) -> None:
        """Bring the broker up to date on a contract whose events it did not get while it had nothing to do there."""
        if con_id not in self._traded:
            self._traded.add(con_id)
            for event in (self._market.quote(con_id), self._market.last(con_id)):
                if event is not None:
                    self._tell(self._exchange.on_market(event))

    async def cancel_order(self, order_id: int) -> None:
        """The verdict comes by stream_order_events."""
        self._tell(self._exchange.cancel(CLIENT_ID, order_id, self._at))

    def stream_order_events(self) -> Stream[OrderEvent]:
        """All the simulated broker says."""
        feed: Feed[OrderEvent] = self._feed(Fifo(), self._orders.remove)
        self._orders.append(feed)
        return Stream(feed)

    async def fetch_open_orders(self) -> tuple[OpenOrder, ...]:
        """Working orders; like a gateway, it says so by stream_order_events as well."""
        told = self._tell(self._exchange.open_orders(CLIENT_ID))
        return tuple(event for event in told if isinstance(event, OpenOrder))

    async def fetch_completed_orders(self) -> tuple[OpenOrder, ...]:
        """Orders that ended today."""
        done = self._exchange.completed_orders(api_only=True)
        return tuple(values.completed_order(each, self._market, self._now()) for each in done)

    async def fetch_executions(self) -> tuple[Execution, ...]:
        """Executions of the day; their commission reports come by stream_order_events."""
        found = self._exchange.executions(CLIENT_ID)
        commissions = [self._exchange.commission_of(report.exec_id) for report in found]
        self._tell(report for report in commissions if report is not None)
        return tuple(values.execution(report, self._market, self._now(), from_request=True) for report in found)

    async def fetch_positions(self) -> tuple[Position, ...]:
        """All holdings."""
        return tuple(values.position(held, self._market, self.accounts[0]) for held in self._exchange.positions())

    async def fetch_account_summary(self) -> tuple[AccountValue, ...]:
        """The simulated account."""
        lines = self._exchange.account_values()
        return tuple(AccountValue(self.accounts[0], tag, value, currency) for tag, value, currency in lines)

    def _tell(self, said: Iterable[sim.OrderEvent]) -> list[OrderEvent]:
        found = [values.order_event(event, self._market, self._now(), self._codes) for event in said]
        told = [event for event in found if event is not None]
        for feed in self._orders if told else ():
            for event in told:
                feed.put(event)
            self._touched.append(feed)
        return told

    # -- inside -------------------------------------------------------------------------------------------------------

    def _feed(self, buffer: Any, on_close: Callable[[Feed[Any]], None]) -> Feed[Any]:
        feed: Feed[Any] = Feed(buffer, on_close, _nothing)
        self._touched.append(feed)  # not quiet before its reader waits
        return feed


def _nothing() -> None:
    """A reader waits: `settled` finds out by itself."""


def truth(exchange: Exchange) -> dict[str, Any]:
    """What the simulated broker itself knows, as a gateway's truth file has it."""
    return {**exchange.truth(), "planted": [], "decoys": [], "faults": []}
