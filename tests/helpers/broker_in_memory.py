"""A small broker that follows ports.Broker, for tests: acks, fills, rejections and silence on command."""

import asyncio
import math
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from momentum_kit.errors import BrokerError
from momentum_kit.models.contracts import Contract, ContractDetails, PriceIncrement
from momentum_kit.models.inquiries import OrderPreview
from momentum_kit.models.market import MarketDataType, Quote
from momentum_kit.models.orders import (
    CommissionReport,
    Execution,
    OpenOrder,
    OrderAction,
    OrderNotice,
    OrderRequest,
    OrderUpdate,
    Position,
)
from momentum_kit.models.session import ConnectionHealth, LinkState

ACCOUNT = "DU1"
OPEN = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)  # Friday, New York open
HEALTHY = ConnectionHealth(socket=LinkState.UP, broker=LinkState.UP)
ZERO = Decimal(0)
DEAD = ("Filled", "Cancelled", "Inactive", "")


def contract_of(con_id: int) -> Contract:
    """A resolved contract."""
    return Contract(f"SYM{con_id}", con_id)


class TestClock:
    """Market time that moves by hand; `stepped` is how far somebody has set the wall clock off."""

    __test__ = False

    def __init__(self, now: datetime = OPEN + timedelta(hours=1)) -> None:
        self.time = now
        self.stepped = timedelta(0)

    def now(self) -> datetime:
        """Aware UTC."""
        return self.time + self.stepped

    def elapsed(self) -> float:
        """Seconds since the open, whatever became of the wall clock."""
        return (self.time - OPEN).total_seconds()

    def wall_limit(self, market_s: float) -> float:
        """By the wall."""
        return market_s


class Held:
    """One order at the broker."""

    def __init__(self, contract: Contract, request: OrderRequest, perm_id: int) -> None:
        self.contract = contract
        self.request = request
        self.perm_id = perm_id
        self.status = ""
        self.filled = ZERO
        self.cap_price = 0.0
        self.kind = _kind(request)

    @property
    def alive(self) -> bool:
        """May still fill."""
        return self.status not in DEAD

    @property
    def remaining(self) -> Decimal:
        """Shares not filled."""
        return self.request.quantity - self.filled


class MemoryBroker:
    """Orders live in a dict; `silent` withholds every word, `refuse` kills the next orders, `fail_sends` fails sends.

    refuse: kinds of orders; limits of exits by a price check ("price"); changes ("modify"), or those of a market order
    into a limit ("limit").

    trouble: what becomes of a list ("open orders", "completed orders", "executions", "positions") while it is named
    there: an error (RequestTimeout, AnswerIncomplete) is raised, an event is waited for, and if it is never set the
    list hangs.
    """

    def __init__(self, clock: TestClock) -> None:
        self.clock = clock
        self.orders: dict[int, Held] = {}
        self.staged: list[int] = []
        self.sent: list[tuple[str, OrderRequest]] = []
        self.events: asyncio.Queue[object] = asyncio.Queue()
        self.rows: asyncio.Queue[Position] = asyncio.Queue()
        self.trouble: dict[str, BrokerError | asyncio.Event] = {}
        self.executions: list[Execution] = []
        self.late: list[Execution] = []
        self.reports: list[CommissionReport] = []
        self.positions: dict[int, tuple[Decimal, float]] = {}
        self.previews: dict[int, OrderPreview | BrokerError | asyncio.Event | float] = {}
        self.asked: list[tuple[int, OrderRequest]] = []  # by what-if
        self.silent = False
        self.refuse: set[str] = set()
        self.fail_sends: list[BrokerError | None] = []
        self.group = (
            "reduces"  # by a fill, the rest of its OCA group: reduces, reduces late, dies at once, dies at the end
        )
        self._ids = 100
        self._execs = 0

    # -- ports.Broker ------------------------------------------------------------------------------------------------

    def next_order_id(self, above: int = 0) -> int:
        """Ascending."""
        self._ids = max(self._ids, above) + 1
        return self._ids

    async def place_order(self, contract: Contract, order: OrderRequest) -> OrderRequest:
        """Place or modify; raises the next of fail_sends, if any."""
        await asyncio.sleep(0)
        if self.fail_sends and (error := self.fail_sends.pop(0)) is not None:
            raise error
        known = self.orders.get(order.order_id)
        self.sent.append(("modify" if known else "place", order))
        if known is None:
            known = self.orders[order.order_id] = Held(contract, order, 9000 + order.order_id)
            self.staged.append(order.order_id)
        elif known.alive:
            if "modify" in self.refuse:
                self.notice(order.order_id, 321, "request failed")
                return order
            if "limit" in self.refuse and (known.request.order_type, order.order_type) == ("MKT", "LMT"):
                self.notice(order.order_id, 329, "cancel verdict")
                return order
            if "price" in self.refuse and order.order_type == "LMT":  # an order that is refused so is cancelled
                self.notice(order.order_id, 202, "price refused")
                self.kill(known)
                return order
            known.request = order
            self.echo(known)
        else:
            self.notice(order.order_id, 104, "cancel verdict")
        if order.transmit:
            family = {order.order_id, order.parent_id}
            for order_id in [each for each in self.staged if family & self._kin(each)]:
                self.staged.remove(order_id)
                self._accept(self.orders[order_id])
        return order

    async def cancel_order(self, order_id: int) -> None:
        """Cancel if alive, else a verdict."""
        await asyncio.sleep(0)
        held = self.orders.get(order_id)
        self.sent.append(
            ("cancel", held.request if held else OrderRequest(action=OrderAction.BUY, quantity=ZERO, order_type="LMT"))
        )
        if held is None or not held.alive:
            self.notice(order_id, 10148 if held else 10147, "cancel verdict")
            return
        self.kill(held)

    async def stream_order_events(self) -> AsyncIterator[object]:
        """All events, for ever."""
        while True:
            event = await self.events.get()
            try:
                yield event
            finally:
                self.events.task_done()

    async def fetch_open_orders(self) -> tuple[OpenOrder, ...]:
        """Alive orders."""
        await asyncio.sleep(0)
        await self._trouble("open orders")
        return tuple(self._open(held) for held in self.orders.values() if held.alive)

    async def fetch_completed_orders(self) -> tuple[OpenOrder, ...]:
        """Dead ones."""
        await self._trouble("completed orders")
        return tuple(self._open(held) for held in self.orders.values() if held.status and not held.alive)

    async def fetch_executions(self) -> tuple[Execution, ...]:
        """All of today; their commission reports come by the stream."""
        await self._trouble("executions")
        for report in self.reports:
            self.say(report)
        return tuple(replace(e, from_request=True) for e in self.executions)

    async def stream_positions(self) -> AsyncIterator[Position]:
        """All rows, for ever: of changes and of answers."""
        while True:
            row = await self.rows.get()
            try:
                yield row
            finally:
                self.rows.task_done()

    async def fetch_positions(self) -> tuple[Position, ...]:
        """What is held."""
        await self._trouble("positions")
        return tuple(self.say_position(con_id) for con_id in sorted(self.positions))

    async def fetch_account_summary(self) -> tuple[object, ...]:
        """Nothing."""
        return ()

    async def fetch_what_if(self, contract: Contract, order: OrderRequest) -> OrderPreview:
        """What `previews` has for the contract: an answer, a rate of its margin, an error, or an event that hangs."""
        self.asked.append((contract.con_id, order))
        answer = self.previews.get(contract.con_id, 1.0)
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = 1.0
        if isinstance(answer, BrokerError):
            raise answer
        if isinstance(answer, OrderPreview):
            return answer
        return preview_of(contract, answer * float(order.quantity) * (order.limit_price or 0.0))

    @property
    def health(self) -> ConnectionHealth:
        """Always well."""
        return HEALTHY

    # -- ports.MarketData, as far as execution needs it ---------------------------------------------------------------

    async def fetch_contract_details(self, contract: Contract) -> tuple[ContractDetails, ...]:
        """One match on SMART with rule 26."""
        return (
            ContractDetails(
                contract=contract,
                long_name=contract.symbol,
                min_tick=0.0001,
                valid_exchanges=("SMART",),
                market_rule_ids=(26,),
                time_zone_id="US/Eastern",
                trading_hours="",
                liquid_hours="",
            ),
        )

    async def fetch_market_rule(self, rule_id: int) -> tuple[PriceIncrement, ...]:
        """Cents above a dollar."""
        assert rule_id == 26
        return (PriceIncrement(0.0, 0.0001), PriceIncrement(1.0, 0.01))

    # -- what the market does ----------------------------------------------------------------------------------------

    def leg(self, con_id: int, kind: str) -> Held:
        """The latest order of a contract that was placed as entry, target, stop, exit or timed."""
        found = [h for h in self.orders.values() if h.contract.con_id == con_id and h.kind == kind]
        return found[-1]

    def fill(
        self,
        held: Held,
        shares: int,
        price: float,
        *,
        status: bool = True,
        commission: bool = True,
        late: bool = False,
        row: bool = True,
    ) -> None:
        """Execute part of an order: execution, position row, status, commission, and the OCA group.

        late: the execution is not said before `release`. row=False: the position's row is not said (`say_position`).
        """
        size = min(Decimal(shares), held.remaining)
        assert held.alive and size > 0
        held.filled += size
        sign = held.request.action.sign
        before, cost = self.positions.get(held.contract.con_id, (ZERO, 0.0))
        self.positions[held.contract.con_id] = (before + size * sign, price if sign > 0 else cost)
        self._execs += 1
        execution = Execution(
            exec_id=f"0001.{self._execs:04d}.01",
            order_id=held.request.order_id,
            perm_id=held.perm_id,
            client_id=17,
            contract=held.contract,
            account=ACCOUNT,
            side=held.request.action,
            shares=size,
            price=price,
            time=self.clock.now().replace(microsecond=0),
            order_ref=held.request.order_ref,
            exchange="SIM",
            cumulative_shares=held.filled,
            average_price=price,
            liquidation=False,
            received_at=self.clock.now(),
        )
        self.executions.append(execution)
        if late:
            self.late.append(execution)
        else:
            self.say(execution)
        if row:
            self.say_position(held.contract.con_id)
        if not held.remaining:
            held.status = "Filled"
        if status:
            self.update(held)
        if commission:
            self.reports.append(
                CommissionReport(
                    exec_id=execution.exec_id, commission_usd=1.0, currency="USD", realized_pnl_usd=float("nan")
                )
            )
            self.say(self.reports[-1])
        self._after_fill(held)

    def by_hand(self, con_id: int, shares: int, price: float = 5.0) -> None:
        """A trade of the user elsewhere: the position changes (sales negative) and its row is said, nothing else."""
        before, cost = self.positions.get(con_id, (ZERO, 0.0))
        self.positions[con_id] = (before + shares, price if shares > 0 else cost)
        self.say_position(con_id)

    def say_position(self, con_id: int) -> Position:
        """Say the row of a holding, unless silent; it is returned."""
        quantity, cost = self.positions[con_id]
        row = Position(account=ACCOUNT, contract=contract_of(con_id), quantity=quantity, average_cost=cost)
        if not self.silent:
            self.rows.put_nowait(row)
        return row

    def release(self) -> None:
        """Say the executions that were late."""
        for execution in self.late:
            self.say(execution)
        self.late.clear()

    def kill(self, held: Held, status: str = "Cancelled") -> None:
        """End an order; the children of an unfilled parent end with it."""
        held.status = status
        self.update(held)
        if held.request.parent_id == 0 and held.request.action is OrderAction.BUY and not held.filled:
            for child in self._children(held):
                child.status = "Cancelled"
                self.update(child)

    def update(self, held: Held, status: str = "") -> None:
        """Say an orderStatus."""
        self.say(
            OrderUpdate(
                order_id=held.request.order_id,
                perm_id=held.perm_id,
                client_id=17,
                parent_id=held.request.parent_id,
                status=status or held.status,
                filled=held.filled,
                remaining=held.remaining,
                avg_fill_price=0.0,
                last_fill_price=0.0,
                why_held="",
                market_cap_price=held.cap_price,
                received_at=self.clock.now(),
            )
        )

    def echo(self, held: Held) -> None:
        """Say an openOrder and the status after it."""
        self.say(self._open(held))
        self.update(held)

    def notice(self, order_id: int, code: int, meaning: str) -> None:
        """Say an error on an order."""
        self.say(OrderNotice(order_id=order_id, code=code, text=meaning, meaning=meaning, received_at=self.clock.now()))

    def say(self, event: object) -> None:
        """Queue one event, unless silent."""
        if not self.silent:
            self.events.put_nowait(event)

    async def _trouble(self, which: str) -> None:
        match self.trouble.get(which):
            case asyncio.Event() as until:
                await until.wait()
            case BrokerError() as error:
                raise error

    def _accept(self, held: Held) -> None:
        if "price" in self.refuse and (held.kind, held.request.order_type) == ("exit", "LMT"):
            held.status = "Cancelled"
            self.notice(held.request.order_id, 202, "price refused")
            self.update(held)
            return
        if held.kind in self.refuse:
            held.status = "Inactive" if "inactive" in self.refuse else ""
            self.notice(held.request.order_id, 201, "order dead")
            if held.request.action is OrderAction.BUY:
                for child in self._children(held):
                    child.status = "Cancelled"
            return
        if held.status == "Cancelled":  # its parent died
            self.update(held)
            return
        held.status = "Submitted" if held.request.action is OrderAction.BUY else "PreSubmitted"
        self.echo(held)

    def _kin(self, order_id: int) -> set[int]:
        return {order_id, self.orders[order_id].request.parent_id} - {0}

    def _children(self, parent: Held) -> list[Held]:
        return [h for h in self.orders.values() if h.request.parent_id == parent.request.order_id]

    def _after_fill(self, held: Held) -> None:
        group = held.request.oca_group
        others = [o for o in self.orders.values() if o.request.oca_group == group and o is not held and o.alive]
        for other in others if group else ():
            if not held.remaining or self.group == "dies at once":
                other.status = "Cancelled"
                self.update(other)
            elif self.group == "reduces":
                left = other.filled + min(other.remaining, held.remaining)
                other.request = replace(other.request, quantity=left)
                self.echo(other)

    def _open(self, held: Held) -> OpenOrder:
        return OpenOrder(
            contract=held.contract,
            request=held.request,
            perm_id=held.perm_id,
            client_id=17,
            status=held.status,
            received_at=self.clock.now(),
            filled=held.filled,
        )


def _kind(request: OrderRequest) -> str:
    """What an order is placed as; an exit may turn a target into something else later."""
    if request.action is OrderAction.BUY:
        return "entry"
    if request.order_type.startswith("STP") or request.order_type == "TRAIL":
        return "stop"
    if request.good_after is not None:
        return "timed"
    return "target" if request.parent_id else "exit"


def preview_of(contract: Contract, margin: float, currency: str = "USD") -> OrderPreview:
    """A what-if answer with this change of initial margin."""
    nothing = dict.fromkeys((field.name for field in fields(OrderPreview)), math.nan)
    told = {"contract": contract, "status": "PreSubmitted", "currency": "USD", "warning": "", "margin_change": margin}
    return OrderPreview(**{**nothing, **told, "margin_currency": currency})


def quote_of(con_id: int, bid: float, ask: float, *, halted: bool = False, at: datetime = OPEN) -> Quote:
    """A live quote."""
    return Quote(con_id, bid, ask, 500, 500, ask, halted, MarketDataType.LIVE, at)
