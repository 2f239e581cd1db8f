"""The Broker port of a replay: hands orders to the simulated broker, its answers to streams; ReplayGateway's base."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from momentum_kit.bridge import CodeTable, load_codes
from momentum_kit.bridge.streams import Feed, Stream
from momentum_kit.models import (
    AccountValue,
    ConnectionHealth,
    Contract,
    Execution,
    LinkState,
    OpenOrder,
    OrderPreview,
    OrderRequest,
    Position,
)
from momentum_kit.ports import OrderEvent
from momentum_kit.runtime.replay import conversion
from momentum_kit.simgateway.embedding import AccountPosition, RecordedMarket, SimulatedBroker
from momentum_kit.simgateway.embedding import events as sim

CLIENT_ID = 17
T = TypeVar("T")


class Fifo(deque[T], Generic[T]):
    """A stream's buffer in memory; the market waits for its readers, so it stays short."""

    put = deque.append
    get = deque.popleft
    close = deque.clear


class ReplayBroker:
    """ports.Broker on the simulated broker of a recorded market. now: the session's clock, which stamps what it says.

    Also knows when everything told has been read.
    """

    def __init__(self, market: RecordedMarket, broker: SimulatedBroker, now: Callable[[], datetime]) -> None:
        self.accounts = (broker.account.name,)
        self.health = ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP)
        self._market = market
        self._broker = broker
        self._now = now
        self._codes: CodeTable = load_codes()
        self._at = market.now
        self._next_order_id = 1
        self._orders: list[Feed[OrderEvent]] = []
        self._holdings: list[Feed[Position]] = []
        self._traded: set[int] = set()  # contracts whose events the broker needs
        self._touched: list[Feed[Any]] = []  # fed since all was last known to be quiet

    @property
    def idle(self) -> bool:
        """Everything told has been read, and its reader waits for more."""
        self._touched = [feed for feed in self._touched if not feed.idle]
        return not self._touched

    async def settled(self) -> None:
        """Return when `idle`. Nothing here waits for anything but a turn of the loop."""
        while not self.idle:  # noqa: ASYNC110  (readers of this loop, and nothing else, make it so)
            await asyncio.sleep(0)

    @property
    def concerned(self) -> bool:
        """An order works or something is held: what the market does next matters."""
        return bool(self._traded or self._broker.positions())

    @property
    def unheard(self) -> bool:
        """What it has to say it says at once."""
        return False

    @property
    def held_back(self) -> int:
        """Every answer comes at once."""
        return 0

    async def waits_in_vain(self) -> bool:
        """Nobody does."""
        return False

    def next_order_id(self, above: int = 0) -> int:
        """A fresh order id beyond `above`."""
        self._next_order_id = max(self._next_order_id, above + 1) + 1
        return self._next_order_id - 1

    async def place_order(self, contract: Contract, order: OrderRequest) -> OrderRequest:
        """Hand it to the simulated broker; its answers come by stream_order_events."""
        self._wake(contract.con_id)
        self._tell(self._broker.place(conversion.sim_order(contract, order, CLIENT_ID), self._at))
        return order

    def _wake(self, con_id: int) -> None:
        """Bring the broker up to date on a contract whose events it did not get while it had nothing to do there."""
        if con_id not in self._traded:
            self._traded.add(con_id)
            for event in (self._market.quote(con_id), self._market.last(con_id)):
                if event is not None:
                    self._tell(self._broker.on_market(event))

    async def cancel_order(self, order_id: int) -> None:
        """The verdict comes by stream_order_events."""
        self._tell(self._broker.cancel(CLIENT_ID, order_id, self._at))

    def stream_order_events(self) -> Stream[OrderEvent]:
        """All the simulated broker says."""
        feed: Feed[OrderEvent] = self._feed(Fifo(), self._orders.remove)
        self._orders.append(feed)
        return Stream(feed)

    async def fetch_open_orders(self) -> tuple[OpenOrder, ...]:
        """Working orders; like a gateway, it says so by stream_order_events as well."""
        told = self._tell(self._broker.open_orders(CLIENT_ID))
        return tuple(event for event in told if isinstance(event, OpenOrder))

    async def fetch_all_open_orders(self) -> tuple[OpenOrder, ...]:
        """Nobody else is there."""
        return await self.fetch_open_orders()

    async def fetch_completed_orders(self) -> tuple[OpenOrder, ...]:
        """Orders that ended today."""
        done = self._broker.completed_orders(api_only=True)
        return tuple(conversion.completed_order(each, self._market, self._now()) for each in done)

    async def fetch_executions(self) -> tuple[Execution, ...]:
        """Executions of the day; their commission reports come by stream_order_events."""
        found = self._broker.executions(CLIENT_ID)
        commissions = [self._broker.commission_of(report.exec_id) for report in found]
        self._tell(report for report in commissions if report is not None)
        return tuple(conversion.execution(report, self._market, self._now(), from_request=True) for report in found)

    def stream_positions(self) -> Stream[Position]:
        """Each holding after every execution, and every row of an answer."""
        feed: Feed[Position] = self._feed(Fifo(), self._holdings.remove)
        self._holdings.append(feed)
        return Stream(feed)

    async def fetch_positions(self) -> tuple[Position, ...]:
        """All holdings; like a gateway, it says so by stream_positions as well."""
        return self._tell_positions(self._broker.positions())

    async def fetch_account_summary(self) -> tuple[AccountValue, ...]:
        """The simulated account."""
        lines = self._broker.account_values()
        return tuple(
            AccountValue(account=self.accounts[0], tag=tag, value=value, currency=currency)
            for tag, value, currency in lines
        )

    async def fetch_what_if(self, contract: Contract, order: OrderRequest) -> OrderPreview:
        """The simulated broker's, at once; RequestFailed as it refuses."""
        self._wake(contract.con_id)
        asked = conversion.sim_order(contract, replace(order, order_id=self.next_order_id()), CLIENT_ID)
        *others, answer = self._broker.what_if(asked, self._at)
        self._tell(others)
        return conversion.order_preview(answer, self._market)

    def _tell(self, said: Iterable[sim.OrderEvent]) -> list[OrderEvent]:
        found = [conversion.order_event(event, self._market, self._now(), self._codes) for event in said]
        told = [event for event in found if event is not None]
        for feed in self._orders if told else ():
            for event in told:
                feed.put(event)
            self._touched.append(feed)
        account = self._broker.account
        self._tell_positions([account.holding(each.contract.con_id) for each in told if isinstance(each, Execution)])
        return told

    def _tell_positions(self, holdings: list[AccountPosition]) -> tuple[Position, ...]:
        rows = tuple(conversion.position(held, self._market, self.accounts[0]) for held in holdings)
        for feed in self._holdings if rows else ():
            for row in rows:
                feed.put(row)
            self._touched.append(feed)
        return rows

    def _pass(self, moment: datetime) -> None:
        self._at = max(self._at, moment)
        self._tell(self._broker.advance(self._at))

    def _rest(self) -> None:
        """Events of contracts in which the broker has nothing to do are left out."""
        for con_id in [con_id for con_id in self._traded if not self._broker.concerns(con_id)]:
            self._market.deactivate(con_id)
            self._traded.discard(con_id)

    def _feed(self, buffer: Any, on_close: Callable[[Feed[Any]], None]) -> Feed[Any]:
        feed: Feed[Any] = Feed(buffer, on_close, _nothing)
        self._touched.append(feed)  # not quiet before its reader waits
        return feed


def _nothing() -> None:
    """A reader waits: `settled` finds out by itself."""
