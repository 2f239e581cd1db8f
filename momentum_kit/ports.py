"""Ports: the Protocols between services and the outside, few methods each.

Services know nothing but these; runtime/session.py decides what stands behind them.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from momentum_kit.models import (
    AccountValue,
    Article,
    Bar,
    CommissionReport,
    ConnectionHealth,
    Contract,
    ContractDetails,
    Execution,
    Headline,
    Intent,
    IntentState,
    JournalRow,
    NewsProvider,
    OpenOrder,
    OrderNotice,
    OrderPreview,
    OrderRequest,
    OrderUpdate,
    Position,
    PriceIncrement,
    Quote,
    Reading,
    TradeTick,
)

OrderEvent = OrderUpdate | OpenOrder | OrderNotice | Execution | CommissionReport
"""Whatever the broker says about orders."""


class Clock(Protocol):
    """Market time. Bars, ages, cool-downs and sessions follow `now`; time-outs and patience follow `elapsed`."""

    def now(self) -> datetime:
        """Aware UTC market time; on the wall it may step either way."""
        ...

    def elapsed(self) -> float:
        """Market seconds since some moment, which no step of the wall clock changes and a closed lid counts in."""
        ...

    def wall_limit(self, market_s: float) -> float | None:
        """Wall seconds in which so many pass; None where time stands still while anybody works, and none may decide."""
        ...


class NewsFeed(Protocol):
    """Where headlines come from."""

    def stream_headlines(self, source: Sequence[Contract] | str) -> AsyncIterator[Headline]:
        """Headlines of these contracts, or of one provider's broad tape (its code, such as 'BRFG')."""
        ...

    async def fetch_news_providers(self) -> tuple[NewsProvider, ...]:
        """The feeds the account is entitled to."""
        ...

    async def fetch_historical_news(
        self, con_id: int, providers: Sequence[str], start: datetime | None, end: datetime | None, limit: int = 300
    ) -> tuple[Headline, ...]:
        """Headlines of a contract that IB has on record, at most `limit`, the newest where no span is named."""
        ...

    async def fetch_news_article(self, provider: str, article_id: str) -> Article:
        """The body behind a headline."""
        ...


class MarketData(Protocol):
    """Where prices come from. Trades and quotes of one contract share one market-data line."""

    def stream_trades(self, contract: Contract) -> AsyncIterator[TradeTick]:
        """RTTradeVolume ticks until the iterator is closed."""
        ...

    def stream_quotes(self, contract: Contract) -> AsyncIterator[Quote]:
        """The quote after each update; conflated when the reader is slow."""
        ...

    async def fetch_historical_data(
        self,
        contract: Contract,
        end: datetime | None,
        duration: str,
        bar_size: str,
        what: str = "TRADES",
        use_rth: bool = True,
    ) -> tuple[Bar, ...]:
        """Bars in time order; end None means now, duration and bar_size in IB's words ('5 D', '1 min')."""
        ...

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """Every contract that matches; NoData if none does."""
        ...

    async def fetch_market_rule(self, rule_id: int) -> tuple[PriceIncrement, ...]:
        """Price bands, ascending."""
        ...


class Broker(Protocol):
    """The only way back: orders out, broker truth in.

    What is fetched is whole, or it is unknown: RequestTimeout if its end did not come, AnswerIncomplete if a row could
    not be read. Executions that came all the same are told by stream_order_events.
    """

    def next_order_id(self, above: int = 0) -> int:
        """A fresh order id of this client, beyond `above`; each call draws another."""
        ...

    async def place_order(self, contract: Contract, order: OrderRequest) -> OrderRequest:
        """Hand the order over (an existing order_id modifies it) and return it with its order_id.

        Returns once the bytes are handed to the socket; acknowledgement comes by stream_order_events.
        """
        ...

    async def cancel_order(self, order_id: int) -> None:
        """Hand a cancel over; the verdict comes by stream_order_events."""
        ...

    def stream_order_events(self) -> AsyncIterator[OrderEvent]:
        """Everything the broker says about orders, in the order it said it; never dropped."""
        ...

    async def fetch_open_orders(self) -> tuple[OpenOrder, ...]:
        """This client's open orders, each as last said before the answer's end: its status may be final by then."""
        ...

    async def fetch_completed_orders(self) -> tuple[OpenOrder, ...]:
        """Today's completed orders placed through the API."""
        ...

    async def fetch_executions(self) -> tuple[Execution, ...]:
        """Executions since midnight; their commission reports arrive by stream_order_events."""
        ...

    def stream_positions(self) -> AsyncIterator[Position]:
        """Every position row as the broker says it, also those of answers, in order; never dropped.

        Rows of changes come once fetch_positions has asked; they trail the executions, by seconds in bad moments.
        """
        ...

    async def fetch_positions(self) -> tuple[Position, ...]:
        """All holdings; a row of 0 shares is one that was closed. The broker says changes from here on."""
        ...

    async def fetch_account_summary(self) -> tuple[AccountValue, ...]:
        """Net liquidation, buying power and the like."""
        ...

    async def fetch_what_if(self, contract: Contract, order: OrderRequest) -> OrderPreview:
        """What an order would do to the account; nothing is placed. RequestFailed as the broker refuses it."""
        ...

    @property
    def health(self) -> ConnectionHealth:
        """The four layers, as of now."""
        ...


class Journal(Protocol):
    """The append-only record: every decision, every refusal with its reason."""

    def write(self, row: JournalRow) -> None:
        """Queue one row; batched to disk."""
        ...


class Intents(Protocol):
    """Durable intents. The future of a write is done once the row is on disk, or has StorageError.

    Entries wait for it; what reduces risk does not. Reads raise StorageError where the file cannot be read in time.
    """

    def record(self, intent: Intent) -> "Future[None]":
        """Write a new intent before its orders are sent."""
        ...

    def mark(self, intent_id: str, state: IntentState, **order_ids: int) -> "Future[None]":
        """Move an intent to a new state, optionally with its entry/target/stop order ids."""
        ...

    def note_execution(self, execution: Execution) -> "Future[None]":
        """Write an execution of ours down; one that is known already changes nothing."""
        ...

    def find(self, intent_ids: Collection[str]) -> tuple[Intent, ...]:
        """The intents of these ids that are on disk, however they ended; waits for no write."""
        ...

    def executions(self, order_refs: Collection[str]) -> tuple[Execution, ...]:
        """What was written down of these intents: the broker lists executions since midnight only."""
        ...

    def unresolved(self) -> tuple[Intent, ...]:
        """Every intent that is neither CLOSED nor REFUSED, oldest first."""
        ...

    def entries_since(self, at: datetime) -> tuple[Intent, ...]:
        """Every entry decided at or after a market time, however it ended, oldest first."""
        ...


class HeadlineReader(Protocol):
    """A second reading of a headline, by an AI service or anything else."""

    async def read(self, text: str, symbol: str, body: str = "") -> Reading | None:
        """A reading within the reader's own deadline, else None: the rules' reading stands."""
        ...


class Alerts(Protocol):
    """Tells a human."""

    def send(self, level: str, text: str) -> None:
        """level: info, warning or critical; collected into a digest. Never raises, never blocks."""
        ...

    def page(self, matter: str, text: str) -> None:
        """Call somebody at once, and again until it is acknowledged or settled.

        Only for what money hangs on now: naked, flipped, a way out that is not done, an engine that is gone, a log-in.
        """
        ...

    def settle(self, matter: str, text: str = "") -> None:
        """The matter of a page is over."""
        ...


NewsCallback = Callable[[Headline], None]
"""The push form of a stream of headlines."""
