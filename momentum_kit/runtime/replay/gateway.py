# ruff: noqa: ARG002  the ports' whole signatures
"""A gateway without a wire: all ports over a recorded market and the simulated broker, in virtual time.

Between runtime/session.py and simgateway: what the wire carries as bytes (the hub, its client sessions and the bridge)
is here handed over as values. Orders meet the same simulated broker on the same events: fills follow the same rules.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from momentum_kit.bridge import bar_seconds
from momentum_kit.bridge.streams import Feed, Stream
from momentum_kit.errors import NoData, RequestFailed
from momentum_kit.models import (
    Article,
    Bar,
    Contract,
    ContractDetails,
    Headline,
    NewsProvider,
    PriceIncrement,
    Quote,
    TradeTick,
)
from momentum_kit.runtime.replay import conversion
from momentum_kit.runtime.replay.broker import Fifo, ReplayBroker
from momentum_kit.runtime.replay.market_line import ReplayLine
from momentum_kit.sessions import exchange_day
from momentum_kit.simgateway.embedding import HistoryError, LockStep, RecordedMarket, SimulatedBroker
from momentum_kit.simgateway.embedding import events as sim


class ReplayGateway(ReplayBroker):
    """runtime.gateway.Gateway over one recorded day. now: the session's clock, which stamps what arrives.

    step: by how much each fetch_current_time_millis moves the market. leap: by how much more at most where no contract
    is watched and no order or position is there, so that nothing happens but headlines, at which it stops.
    """

    def __init__(
        self,
        *,
        market: RecordedMarket,
        broker: SimulatedBroker,
        now: Callable[[], datetime],
        step: timedelta,
        leap: timedelta = timedelta(),
    ) -> None:
        super().__init__(market, broker, now)
        self._most = leap
        self.last_received_ns = 0
        self._rhythm = LockStep(market, step)
        self._lines: dict[int, ReplayLine] = {}
        self._news: list[tuple[Contract | str, Feed[Headline]]] = []

    # -- connection and market time -----------------------------------------------------------------------------------

    async def connect(self) -> None:
        """There is nothing to connect to."""

    async def disconnect(self) -> None:
        """Streams end."""
        lines = [feed for line in self._lines.values() for feed in line.feeds]
        for feed in [*lines, *(feed for _, feed in self._news), *self._orders, *self._holdings]:
            feed.end()

    async def fetch_current_time(self) -> datetime:
        """The market's time, to the second."""
        return self._at.replace(microsecond=0)

    def leap(self) -> timedelta:
        """Where nothing is watched, ordered or held, up to what it was made for; else nothing."""
        if not self._most or self._lines or self.concerned:
            return timedelta()
        return self._rhythm.leap(self._most)

    async def fetch_current_time_millis(self) -> datetime:
        """One step, or the announcement of a headline (simgateway/lock_step.py)."""
        self.last_received_ns = time.perf_counter_ns()
        to, moves = self._rhythm.next()
        if moves:
            self._advance(to)
        return to

    def _advance(self, to: datetime) -> None:
        """As simgateway's Hub does: each event to the broker, and what it makes of it to its client."""
        for event in self._market.advance(to):
            self._pass(event.time)
            if isinstance(event, sim.NewsEvent):
                self._relay(event)
            self._tell(self._broker.on_market(event))
        self._pass(to)
        now, ns = self._now(), self.last_received_ns
        for con_id, line in list(self._lines.items()):
            if line.feeds:
                self._touched += line.advance(to, now, ns)
            else:
                del self._lines[con_id]
        self._rest()

    # -- news ---------------------------------------------------------------------------------------------------------

    def stream_headlines(self, source: Sequence[Contract] | str) -> Stream[Headline]:
        """Headlines of these contracts, or of one provider."""
        feed: Feed[Headline] = self._feed(Fifo(), self._drop_news)
        self._news += [(one, feed) for one in ((source,) if isinstance(source, str) else source)]
        return Stream(feed)

    async def fetch_news_providers(self) -> tuple[NewsProvider, ...]:
        """Whoever published on this day."""
        return tuple(NewsProvider(code, name) for code, name in self._market.providers.items())

    async def fetch_historical_news(
        self,
        con_id: int,
        providers: Sequence[str],
        start: datetime | None,
        end: datetime | None,
        limit: int = 300,
    ) -> tuple[Headline, ...]:
        """None: a replayed day is what a session heard, and nobody asks it for more."""
        return ()

    async def fetch_news_article(self, provider: str, article_id: str) -> Article:
        """One that the recorded session had read in time."""
        found = self._market.article(provider, article_id)
        if found is None or not found[1]:
            raise RequestFailed(10172, f"no body of {provider} {article_id} is on record")
        return Article(*found)

    def _relay(self, event: sim.NewsEvent) -> None:
        for source, feed in self._news:
            contract = source if isinstance(source, Contract) else None
            if contract.con_id in event.con_ids if contract else event.broad_tape and source == event.provider:
                feed.put(conversion.headline(event, contract, self._now(), self.last_received_ns))
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
        return tuple(conversion.contract_details(item, exchange_day(self._at)) for item in found)

    async def fetch_market_rule(self, rule_id: int) -> tuple[PriceIncrement, ...]:
        """Price bands, ascending."""
        return tuple(PriceIncrement(*band) for band in self._market.market_rules[rule_id])

    def _line(self, contract: Contract) -> ReplayLine:
        line = self._lines.get(contract.con_id)
        if line is None or not line.feeds:
            recorded = self._market.source.recorded(contract.con_id)
            line = self._lines[contract.con_id] = ReplayLine(contract.con_id, recorded, self._at)
        return line
