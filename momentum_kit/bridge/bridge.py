"""IBKRBridge: the broker as awaitables and streams; each method is a line or three, the work is in its neighbours."""

import logging
import re
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from ibapi.account_summary_tags import AccountSummaryTags

from momentum_kit.bridge import convert, events
from momentum_kit.bridge.account_inquiries import AccountInquiries
from momentum_kit.bridge.codes import CodeTable, load_codes
from momentum_kit.bridge.gateway_link import GatewayLink, weakly
from momentum_kit.bridge.health import SHOWN_MOVES
from momentum_kit.bridge.lists import merged_orders, merged_positions
from momentum_kit.bridge.pacing import Pacing
from momentum_kit.bridge.session import GatewaySession, SessionOptions
from momentum_kit.bridge.streams import LatestBuffer, Stream
from momentum_kit.bridge.times import news_request_time, request_time
from momentum_kit.errors import InputError, NoData
from momentum_kit.models import (
    AccountValue,
    Article,
    Bar,
    ConnectionHealth,
    Contract,
    ContractDetails,
    Headline,
    HealthMove,
    LinkState,
    NewsProvider,
    OpenOrder,
    OrderRequest,
    Position,
    PriceIncrement,
    Quote,
    SymbolMatch,
    TradeTick,
)
from momentum_kit.plain_text import plain_text
from momentum_kit.ports import NewsCallback, OrderEvent

log = logging.getLogger(__name__)

STALE_AFTER_S = 60.0  # a watched contract without a tick for this long is reported as stale
MAX_NEWS_RESULTS = 300
KEPT_MOVES = 1000
_BAR_UNITS_S = {"sec": 1, "min": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000}
_OFFLINE = ConnectionHealth(socket=LinkState.DOWN, broker=LinkState.UNKNOWN)


def utc_now() -> datetime:
    """Wall time, aware UTC."""
    return datetime.now(UTC)


def bar_seconds(bar_size: str) -> int:
    """IB's bar size ('5 secs', '1 min', '1 day') in seconds; InputError if it is none."""
    match = re.fullmatch(r"(\d+) (sec|min|hour|day|week|month)s?", bar_size.strip())
    if match is None:
        raise InputError(f"unknown bar size {bar_size!r}; IB's are '5 secs', '1 min', '1 hour', '1 day' and the like")
    return int(match[1]) * _BAR_UNITS_S[match[2]]


class IBKRBridge(AccountInquiries):
    """One client of one gateway: NewsFeed, MarketData and Broker in one.

    A bridge that nobody holds any more, none of its streams included, gives its thread and its client id back.

    client_id_patience_s: for so long a client id that is in use (326) is asked for again: the gateway may keep it a
    while for a connection that broke.
    now: the market clock, asked on the ibapi thread for every batch received. Time-outs and pacing follow the wall.
    messages_per_s: IB ends the session above 50; float('inf') and small_bar_pacing=False suit a simulated gateway.
    orders: False for a client that never orders: requests may then have the whole rate, else less than half.
    pacing: windows that outlive this bridge, instead of its own; then the three above say nothing.
    in_order: in lock-step nothing overtakes; else headlines, order events and answers overtake ticks.
    codes: the table of broker codes, read from config/error_codes.yaml if None.
    on_incident(kind, text): told, on the loop, of whatever a person may want to know.
    canary: a liquid contract; where it is silent although canary_ticks(market time), its farm counts as down. It takes
    one line, and is not watched in lock-step.
    spill_dir: where streams that must lose nothing overflow to; the system's folder for temporary files if None.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 4002,
        client_id: int = 17,
        *,
        now: Callable[[], datetime] = utc_now,
        connect_timeout_s: float = 10.0,
        client_id_patience_s: float = 15.0,
        request_timeout_s: float = 30.0,
        messages_per_s: float = 45.0,
        orders: bool = True,
        in_order: bool = False,
        small_bar_pacing: bool = True,
        pacing: Pacing | None = None,
        market_data_lines: int = 100,
        codes: CodeTable | None = None,
        on_incident: Callable[[str, str], None] | None = None,
        spill_dir: Path | None = None,
        canary: Contract | None = None,
        canary_ticks: Callable[[datetime], bool] = lambda _: False,
    ) -> None:
        self.news_handler_callback: NewsCallback | None = None
        self._on_incident = on_incident
        self._options = SessionOptions(
            host=host,
            port=port,
            client_id=client_id,
            now=now,
            connect_timeout_s=connect_timeout_s,
            request_timeout_s=request_timeout_s,
            pacing=pacing or Pacing(messages_per_s=messages_per_s, orders=orders, small_bar_rules=small_bar_pacing),
            in_order=in_order,
            market_data_lines=market_data_lines,
            codes=codes or load_codes(),
            incident=weakly(self._incident),
            on_headline=weakly(self._push_headline),
            spill_dir=spill_dir,
            moves=deque(maxlen=KEPT_MOVES),
            canary=canary,
            canary_ticks=canary_ticks,
        )
        link = GatewayLink(self._options, client_id_patience_s)
        super().__init__(link, self._options.pacing)

    # -- connection ---------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect; ready means that accounts and the next order id are known. ConnectionFailed leaves nothing behind.

        Calls that overlap are one. Each connection has new streams: those of an earlier one have ended.
        """
        await self._link.connect()

    async def disconnect(self) -> None:
        """End the connection and its thread; streams deliver what was received and end. Does no harm when repeated."""
        await self._link.disconnect()

    async def __aenter__(self) -> "IBKRBridge":
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    @property
    def health(self) -> ConnectionHealth:
        """The four layers, as of now."""
        session = self._link.session
        return session.state(STALE_AFTER_S) if session else replace(_OFFLINE, moves=self.health_moves[-SHOWN_MOVES:])

    @property
    def health_moves(self) -> tuple[HealthMove, ...]:
        """How the layers have changed, oldest first, those of earlier connections of this bridge included."""
        return tuple(self._options.moves)

    @property
    def managed_accounts(self) -> tuple[str, ...]:
        """The account ids of this login, as the gateway named them."""
        return self._session.accounts

    accounts = managed_accounts

    async def fetch_current_time(self) -> datetime:
        """The gateway's time, to the second."""
        return await self._ask_one_by_name(events.CURRENT_TIME, "reqCurrentTime")

    async def fetch_current_time_millis(self) -> datetime:
        """The gateway's time, to the millisecond; with a gateway in lock-step this is the step itself."""
        return await self._ask_one_by_name(events.CURRENT_TIME_MILLIS, "reqCurrentTimeInMillis")

    # -- quiet: what lock-step needs ----------------------------------------------------------------------------------

    @property
    def pending(self) -> int:
        """Requests on their way, those that wait for their turn included."""
        return self._session.requests.active

    @property
    def idle(self) -> bool:
        """No request pending, everything received delivered, every stream's reader waiting for more."""
        return self._session.dispatcher.idle

    @property
    def last_received_ns(self) -> int:
        """perf_counter_ns at the arrival of the latest message."""
        return self._session.dispatcher.inbox.last_received_ns

    async def settled(self) -> None:
        """Return when `idle`."""
        await self._session.dispatcher.settled()

    async def applied(self) -> None:
        """Return when all that was received before this call, every tick included, has been handled and handed over.

        Behind an awaited answer it stands for everything that the gateway had sent before that answer.
        """
        await self._session.applied()

    @property
    def unheard(self) -> bool:
        """Something was sent after the latest request that was answered: there may be words to come at once."""
        return self._session.requests.held_back.unheard

    @property
    def held_back(self) -> int:
        """Answers that the gateway is known to hold back."""
        return len(self._session.requests.held_back)

    async def waits_in_vain(self) -> bool:
        """True if the gateway holds back every answer that is awaited; asks it for the time unless that is known.

        Right for a gateway that answers in order: what it has not answered before the time, it holds back.
        """
        session = self._session
        if session.requests.active and not session.waits_in_vain:
            await session.requests.held_back.find(self.fetch_current_time)
        return session.waits_in_vain

    # -- history and contracts ----------------------------------------------------------------------------------------

    async def fetch_historical_data(
        self,
        contract: Contract,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        use_rth: bool = True,
    ) -> tuple[Bar, ...]:
        """Bars in time order; end None means now. NoData where IB has none: it never answers with an empty tuple.

        Who asks the same while it is on its way gets the same answer, never one older than his question.
        """
        session = self._session
        asked = (request_time(end), duration, bar_size, what, int(use_rth))
        key = (contract, asked)
        until_now = partial(session.in_flight.leave, key) if end is None else None

        async def ask() -> tuple[Bar, ...]:
            return await self._ask_for_bars(session, contract, asked, handed_over=until_now)

        if session.options.in_order:  # lock-step counts every question by itself
            return await ask()
        bars: tuple[Bar, ...] = await session.in_flight.share(key, ask)
        return bars

    async def _ask_for_bars(
        self,
        session: GatewaySession,
        contract: Contract,
        asked: tuple[Any, ...],
        *,
        handed_over: Callable[[], None] | None,
    ) -> tuple[Bar, ...]:
        """handed_over: called at the hand-over of a question up to now, whose answer is of that moment."""
        _, duration, bar_size, what, _ = asked
        seconds, req_id = bar_seconds(bar_size), session.requests.next_id()
        session.thread.wrapper.bar_seconds[req_id] = seconds
        async with AsyncExitStack() as stack:
            stack.callback(session.thread.wrapper.bar_seconds.pop, req_id)

            async def send(sent: Callable[[], None]) -> None:
                key = contract.con_id or contract
                await stack.enter_async_context(self._history.slot(key, (key, *asked), seconds, what))

                def at_hand_over() -> None:
                    sent()
                    if handed_over is not None:
                        handed_over()

                ib = convert.to_ib_contract(contract)
                rest: tuple[Any, ...] = (*asked, 2, False, [])  # 2: times as epoch seconds
                await session.send("reqHistoricalData", req_id, ib, *rest, at_hand_over=at_hand_over)

            bars = await session.requests.ask(
                req_id,
                send,
                f"{what} bars of {contract}",
                cancel=lambda: session.send_quietly("cancelHistoricalData", req_id),
            )
        if not bars:
            raise NoData(162, f"no {what} bars of {contract} for {duration} of {bar_size}")
        return tuple(sorted(bars, key=lambda bar: bar.start))

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """Every contract that matches; NoData if none does."""
        found = await self._ask(
            "contract details", "reqContractDetails", convert.to_ib_contract(contract), cancel="cancelContractData"
        )
        if not found:
            raise NoData(200, f"no contract matches {contract}")
        return found

    async def fetch_matching_symbols(self, text: str) -> tuple[SymbolMatch, ...]:
        """Contracts whose symbol or name starts with `text`, IB's choice of at most 16."""
        return await self._ask("matching symbols", "reqMatchingSymbols", text)

    async def fetch_market_rule(self, rule_id: int) -> tuple[PriceIncrement, ...]:
        """Price bands, ascending."""
        return await self._ask_by_name(events.market_rule_key(rule_id), "reqMarketRule", rule_id)

    # -- news ---------------------------------------------------------------------------------------------------------

    async def fetch_news_providers(self) -> tuple[NewsProvider, ...]:
        """The feeds the account is entitled to."""
        return await self._ask_by_name(events.NEWS_PROVIDERS, "reqNewsProviders")

    async def fetch_historical_news(
        self, con_id: int, providers: Sequence[str], start: datetime | None, end: datetime | None, limit: int = 300
    ) -> tuple[Headline, ...]:
        """Headlines of a contract, in IB's order, at most 300; start is exclusive; () if there are none."""
        codes, total = "+".join(providers), min(limit, MAX_NEWS_RESULTS)
        span = (news_request_time(start), news_request_time(end))
        return await self._ask("historical news", "reqHistoricalNews", con_id, codes, *span, total, [])

    async def fetch_news_article(self, provider: str, article_id: str) -> Article:
        """The body behind a headline."""
        article: Article = (await self._ask("article", "reqNewsArticle", provider, article_id, []))[0]
        return article

    def stream_headlines(self, source: Sequence[Contract] | str) -> Stream[Headline]:
        """Headlines of these contracts, or of one provider's broad tape (its code); none is ever dropped."""
        session = self._session
        sources = (source,) if isinstance(source, str) else tuple(source)
        feed = session.line_feed(session.lossless("headlines"))
        session.lines.add_headlines(sources, feed)
        return Stream(feed, keeps=self)

    # -- market data --------------------------------------------------------------------------------------------------

    def stream_quotes(self, contract: Contract) -> Stream[Quote]:
        """The quote after each update; a slow reader gets the latest one only."""
        session = self._session
        feed = session.line_feed(LatestBuffer())
        session.lines.add_quotes(contract, feed)
        return Stream(feed, keeps=self)

    def stream_trades(self, contract: Contract) -> Stream[TradeTick]:
        """RTTradeVolume ticks, the series of the bars; none is ever dropped."""
        session = self._session
        feed = session.line_feed(session.lossless(f"trades of {contract}"))
        session.lines.add_trades(contract, feed)
        return Stream(feed, keeps=self)

    # -- orders -------------------------------------------------------------------------------------------------------

    async def place_order(self, contract: Contract, order: OrderRequest) -> OrderRequest:
        """Hand the order over (an existing order_id modifies it) and return it with its order_id.

        Returns once the bytes are with the socket. NotConnected, RequestFailed: nothing was sent.
        RequestTimeout: the send broke off and the outcome is unknown; reconcile, never send again.
        """
        request = order if order.order_id else replace(order, order_id=self.next_order_id())
        ib_contract, ib_order = convert.to_ib_contract(contract), convert.to_ib_order(request)
        await self._session.send("placeOrder", request.order_id, ib_contract, ib_order, urgent=True)
        return request

    async def cancel_order(self, order_id: int) -> None:
        """Hand a cancel over; the verdict comes by stream_order_events. Raises as place_order does."""
        await self._session.send("cancel", order_id, urgent=True)

    async def cancel_everything(self) -> None:
        """Hand a global cancel over: by IB's documents it ends the orders of all clients and of TWS. Raises alike."""
        await self._session.send("cancel_everything", urgent=True)

    def stream_order_events(self) -> Stream[OrderEvent]:
        """All the broker says about orders, in its order, never dropped; the first stream starts at the connect."""
        session = self._session
        feed, session.early_orders = session.early_orders or session.order_feed(), None
        return Stream(feed, keeps=self)

    async def fetch_open_orders(self) -> tuple[OpenOrder, ...]:
        """This client's open orders, each as last said before the end of the answer: its status may be final by then.

        Client 0 also gets those of other clients and of TWS.
        """
        return merged_orders(await self._ask_by_name(events.OPEN_ORDERS, "reqOpenOrders"))

    async def fetch_completed_orders(self) -> tuple[OpenOrder, ...]:
        """Today's completed orders placed through the API."""
        return await self._ask_by_name(events.COMPLETED_ORDERS, "reqCompletedOrders", True)

    # -- account ------------------------------------------------------------------------------------------------------

    def stream_positions(self) -> Stream[Position]:
        """Every position row as the broker says it, never dropped; the first stream starts at the connect.

        Rows of changes come once fetch_positions has asked.
        """
        session = self._session
        feed, session.early_positions = session.early_positions or session.position_feed(), None
        return Stream(feed, keeps=self)

    async def fetch_positions(self) -> tuple[Position, ...]:
        """All holdings, each as last said before the end of the answer; from here on IB sends each change."""
        return merged_positions(await self._ask_by_name(events.POSITIONS, "reqPositions"))

    async def fetch_account_summary(self) -> tuple[AccountValue, ...]:
        """Net liquidation, buying power and the like, of all accounts."""
        asked = ("reqAccountSummary", "All", AccountSummaryTags.AllTags)
        return await self._ask("account summary", *asked, cancel="cancelAccountSummary", always=True)

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _ask_one_by_name(self, name: str, request: str) -> datetime:
        value: datetime = (await self._ask_by_name(name, request))[0]
        return value

    def _push_headline(self, headline: Headline) -> None:
        if self.news_handler_callback is not None:
            try:
                self.news_handler_callback(headline)
            except Exception as error:  # a notebook's handler must not stop the dispatcher
                log.exception("news_handler_callback")
                self._incident("news handler", f"news_handler_callback failed: {error!r}")

    def _incident(self, kind: str, text: str) -> None:
        text = plain_text(text)  # a broker's words, which a terminal or a notebook's cell shows
        log.warning("%s: %s", kind, text)
        if self._on_incident is not None:
            try:
                self._on_incident(kind, text)
            except Exception:  # nor must whoever listens to incidents
                log.exception("on_incident")
