"""The composition root: builds real things and joins the services by named queues, for one connected run.

Reading this file is reading the architecture:

    bridge -> news_handler -[items]-> detection_engine -[signals]-> execution_service -[fills]-> position_manager
                                                                            ^----------[exits]---------'
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from momentum_kit.bridge import IBKRBridge, Pacing
from momentum_kit.config import Config, Thresholds
from momentum_kit.detection.news import StoryMemory
from momentum_kit.errors import AnswerIncomplete, BrokerError, NotConnected, RequestFailed, RequestTimeout
from momentum_kit.models import (
    Bar,
    Beat,
    CommissionReport,
    ConnectionHealth,
    Contract,
    Execution,
    ExitRequest,
    LinkState,
    NewsItem,
    TapeView,
    TradeSignal,
    TradingState,
)
from momentum_kit.ports import Alerts, HeadlineReader, Intents, Journal
from momentum_kit.runtime.beats import beat_by_wall, beat_in_steps, busy
from momentum_kit.runtime.clock import AnyClock, SteppedClock
from momentum_kit.runtime.fill_costs import read_fill_costs
from momentum_kit.runtime.gateway import Gateway
from momentum_kit.runtime.record import record_gateway
from momentum_kit.services import ContractBook, InputGuard, PriceRules, SessionContext
from momentum_kit.services.detection import DetectionEngine
from momentum_kit.services.execution import LISTS_UNKNOWN, ExecutionService, FundsWatch, MarginWatch
from momentum_kit.services.news import NewsHandler, TapeRecord, TapeWatch
from momentum_kit.services.positions import JournaledFills, PositionManager
from momentum_kit.sessions import exchange_day, session_at
from momentum_kit.storage.symbols import open_master
from momentum_kit.trading.account import Ledger

LINES_FOR_CANARY = 10  # with fewer lines all of them are for what may be traded
QUEUE_BOUND = 10_000  # items; a full queue holds its producer back, and the bridge's streams spill to disk


@dataclass(frozen=True, kw_only=True)
class EngineContext:
    """What outlives a connection: the engine owns it and lends it to each session.

    on_incident(kind, text): journal it and tell a human. journaled: so that what the broker repeats after a
    reconnect is not journaled twice. stories: those heard, so that none is judged twice; tapes: what of
    them was heard and missed. look_at_clock: called before
    each beat by the wall. pacing: IB's windows, which count on over a reconnect. open_gateway: makes the gateway of the
    next connection, or an archive day. leap: by how much a market in lock-step makes its next step longer. owner: what
    our references carry.
    """

    config: Config
    project: Path
    run_dir: Path
    clock: AnyClock
    journal: Journal
    intents: Intents
    alerts: Alerts
    reader: HeadlineReader | None
    state: Callable[[], TradingState]
    halt_entries: Callable[[str], None]
    on_incident: Callable[[str, str], None]
    stories: StoryMemory
    tapes: TapeRecord = field(default_factory=TapeRecord)
    pacing: Pacing | None = None
    counts: Counter[str] = field(default_factory=Counter)
    journaled: JournaledFills = field(default_factory=JournaledFills)
    look_at_clock: Callable[[], None] = lambda: None
    leap: Callable[[], timedelta] = timedelta
    guard: InputGuard = field(default_factory=InputGuard)
    owner: str = ""
    open_gateway: "Callable[[EngineContext], Gateway]" = lambda context: open_bridge(context)

    def for_session(self, account: str) -> SessionContext:
        """The part that services may know."""
        return SessionContext(
            account=account,
            calendar=self.config.calendar,
            clock=self.clock,
            journal=self.journal,
            intents=self.intents,
            alerts=self.alerts,
            counts=self.counts,
            state=self.state,
            halt_entries=self.halt_entries,
            guard=self.guard,
            owner=self.owner,
        )


class Session:
    """One connected run. Start, reconnect and crash recovery are the same path: a new Session."""

    def __init__(self, context: EngineContext, bridge: Gateway, account: str, *, clock_behind_s: float) -> None:
        config = context.config
        items: asyncio.Queue[NewsItem] = asyncio.Queue(QUEUE_BOUND)
        signals: asyncio.Queue[TradeSignal] = asyncio.Queue(QUEUE_BOUND)
        exit_requests: asyncio.Queue[ExitRequest] = asyncio.Queue(QUEUE_BOUND)
        fills: asyncio.Queue[Execution | CommissionReport] = asyncio.Queue(QUEUE_BOUND)
        detection_beats, execution_beats, position_beats, funds_beats, margin_beats, tape_beats = (
            asyncio.Queue[Beat]() for _ in range(6)
        )
        rules = PriceRules(bridge)  # the watch list learns them, execution uses them
        self.account = account
        costs = read_fill_costs(context.project, config.broker.commission_plan, context.on_incident)
        self.ledger = Ledger(costs)
        self._context = context
        self._bridge = bridge
        self._asked_whether_flat = False
        shared = context.for_session(account)
        master = open_master(context.project, config.news.symbol_master)
        self._news = NewsHandler(
            shared, feed=bridge, market=bridge, settings=config.news, master=master, reader=context.reader,
            items=items, memory=context.stories, clock_behind_s=clock_behind_s,
            heard=lambda headline: self._tapes.heard(headline),
        )  # fmt: skip
        self._detection = DetectionEngine(
            shared, market=bridge, rules=rules, settings=config.detection, thresholds=config.thresholds,
            items=items, beats=detection_beats, signals=signals, grace_s=config.clock.bar_grace_s,
            max_lines=_lines_to_watch(config),
        )  # fmt: skip
        self._tapes = TapeWatch(
            shared, feed=bridge, book=ContractBook(bridge, shared.clock), witnesses=config.news.witnesses,
            every_s=config.news.witnessed_every_s, record=context.tapes, beats=tape_beats,
            tapes=lambda: self._news.tapes, listening=self._listening, watched=lambda: self._detection.contracts,
            note=self._news.note,
        )  # fmt: skip
        self._funds = FundsWatch(shared, broker=bridge, costs=costs, beats=funds_beats)
        self._margins = MarginWatch(
            shared, broker=bridge, rules=rules, risk=config.risk, costs=costs, beats=margin_beats,
            watched=lambda: self._detection.contracts, quote=self._detection.quote,
            currency=lambda: told.currency if (told := self._funds.latest()) else "",
        )  # fmt: skip
        self._execution = ExecutionService(
            shared, broker=bridge, rules=rules, risk=config.risk, exits=config.exits, ledger=self.ledger,
            signals=signals, exit_requests=exit_requests, beats=execution_beats, fills=fills,
            quote=self._detection.quote, health=lambda: bridge.health, funds=self._funds.latest,
            margins=self._margins.terms,
        )  # fmt: skip
        self._positions = PositionManager(
            shared, broker=bridge, exits=config.exits, ledger=self.ledger, fills=fills, exit_requests=exit_requests,
            beats=position_beats, last_price=self._detection.last_price,
            exit_reason=self._execution.exit_reason, leaving=self._execution.leaving, journaled=context.journaled,
        )  # fmt: skip
        # holdings first, then working orders, then new decisions: in lock-step this order is fixed
        self._beats: tuple[asyncio.Queue[Beat], ...] = (
            position_beats, execution_beats, detection_beats, funds_beats, margin_beats,
        )  # fmt: skip
        if config.clock.kind != "stepped":  # a stepped market is as it is replayed, and nothing is asked beside it
            self._beats = (*self._beats, tape_beats)
        self.queues: dict[str, asyncio.Queue[Any]] = {
            "items": items, "signals": signals, "exits": exit_requests, "fills": fills,
            **self._news.queues, **self._detection.queues, **self._execution.queues,
            "position beats": position_beats, "execution beats": execution_beats, "detection beats": detection_beats,
            "funds beats": funds_beats, "margin beats": margin_beats, "tape beats": tape_beats,
        }  # fmt: skip

    @classmethod
    async def connect(cls, context: EngineContext, prove: Callable[[tuple[str, ...]], str]) -> "Session":
        """Connect, prove whose account this is, set the clock, rebuild from broker truth; nothing trades yet.

        prove: the account to trade, of those that the gateway serves, or GuardRefused.
        """
        bridge = context.open_gateway(context)
        await bridge.connect()
        try:
            account = prove(bridge.accounts)
            broker_time = await bridge.fetch_current_time()
            context.clock.start(broker_time)
            session = cls(context, bridge, account, clock_behind_s=_clock_behind_s(context, broker_time))
            await session._positions.reconcile()
            await session._watch_what_matters()
        except BaseException:
            await bridge.disconnect()
            raise
        return session

    async def references_at_work(self) -> tuple[str, ...]:
        """What the open orders of every client carry; none where the gateway does not tell.

        Rows of other clients' orders come as events too, by ids that each client counts for itself: not to be asked
        while an order of ours has no permanent id.
        """
        try:
            return tuple(order.request.order_ref for order in await self._bridge.fetch_all_open_orders())
        except (RequestFailed, RequestTimeout, AnswerIncomplete) as error:
            self._context.on_incident("owner", f"whether an engine elsewhere has orders here is unknown: {error}")
            return ()

    async def run(self, after_beat: Callable[[datetime], Awaitable[bool]]) -> None:
        """Run every service until `after_beat` (market time) says that the session is over.

        Raises NotConnected when the gateway is lost, and whatever a service raises.
        """
        services: dict[str, Coroutine[Any, Any, None]] = {
            "execution_service": self._execution.run(),
            "position_manager": self._positions.run(),
            "detection_engine": self._detection.run(),
            "news_handler": self._news.run(),
            "funds": self._funds.run(),
            "margins": self._margins.run(),
            "tapes": self._tapes.run(),
            "beats": self._drive(after_beat),
        }
        tasks = [asyncio.create_task(service, name=name) for name, service in services.items()]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if any(task.get_name() == "beats" and not task.exception() for task in done):
            return
        if self.health.socket is not LinkState.UP:
            raise NotConnected("the connection to the gateway was lost")
        for task in done:
            if error := task.exception():
                raise error
        raise BrokerError(f"{next(iter(done)).get_name()} ended unexpectedly")

    async def _watch_what_matters(self) -> None:
        """Holdings are watched from the start; the baselines of watched symbols are warmed ahead of the open."""
        self._hold()
        for holding in self.ledger.holdings():
            await self._detection.watch(holding.contract)
        for symbol in self._context.config.news.watch_symbols:
            try:
                details = await self._bridge.fetch_contract_details(Contract(symbol))
            except RequestFailed as error:
                self._context.on_incident("watch list", f"{symbol}: {error}")
            else:
                await self._detection.warm([details[0].contract])

    def _hold(self) -> None:
        """A held contract keeps its market-data line, however old its headline."""
        self._detection.hold([holding.contract.con_id for holding in self.ledger.holdings()])

    def _drive(self, after_beat: Callable[[datetime], Awaitable[bool]]) -> Coroutine[Any, Any, None]:
        clock, settings = self._context.clock, self._context.config.clock

        async def after(now: datetime) -> bool:
            self._hold()
            return await after_beat(now)

        if isinstance(clock, SteppedClock):
            queues = list(self.queues.values())
            leap = self._context.leap
            return beat_in_steps(clock, self._bridge, settings.beat_s, settings.rate, self._beats, queues, after, leap)
        look = self._context.look_at_clock
        return beat_by_wall(clock, settings.beat_s / settings.rate, self._beats, after, before=look)

    async def cancel_entries(self) -> None:
        """Every entry that is still working is cancelled; what fills in between is protected and exited."""
        await self._execution.cancel_entries()

    def request_flatten(self, reason: str) -> None:
        """Every position is on its way out."""
        self._positions.request_flatten(reason, self._execution.held)

    def close_symbol(self, symbol: str, reason: str) -> bool:
        """What is held in a symbol is on its way out; False where nothing of ours is held in it."""
        return self._positions.request_exit(symbol, reason, self._execution.held)

    def adopt(self, symbol: str) -> str:
        """Take shares of a symbol that nobody explains as ours; GuardRefused if there are none."""
        entry = self._execution.adopt(symbol)
        return f"{entry.shares:f} {symbol} are ours from now on, bought at {entry.price:g}; a stop is placed"

    def ignore(self, symbol: str) -> str:
        """Strike a symbol from our book and take our orders for it away; GuardRefused if the book has none of it."""
        entry = self._execution.ignore(symbol)
        return f"{entry.shares:f} {symbol} are not ours any more; no order of ours will stand for them"

    @property
    def flat(self) -> bool:
        """No position, no working entry, and nothing on its way that could make one.

        Beats and headlines do not count: under a clock on the wall there is always one, and nobody enters any more.
        """
        return not self.exposed and not any(busy(self.queues[name]) for name in ("signals", "exits", "fills"))

    def surely_flat(self) -> bool:
        """True once the broker's lists, asked for when it had become flat, say so as well; to be asked at each beat."""
        if not self.flat or not self._execution.flat or self.health.broker is LinkState.DOWN:
            self._asked_whether_flat = False
        elif self._execution.untouched:
            return True
        elif not self._asked_whether_flat:
            self._asked_whether_flat = True
            self._execution.ask_anew()
        else:
            return self._execution.told_anew
        return False

    @property
    def waits(self) -> dict[str, str]:
        """Symbol to what keeps it from being flat, empty while it goes; an empty symbol stands for the account."""
        unowned = "no order of ours is known" if self._execution.recovered else LISTS_UNKNOWN
        found = {holding.contract.symbol: unowned for holding in self.ledger.holdings()} | self._execution.waits
        if self.health.socket is not LinkState.UP:
            return dict.fromkeys(found or ("",), "gateway away")
        if self.health.broker is LinkState.DOWN:
            return dict.fromkeys(found or ("",), "the gateway has no line to IB")
        return found or {"": LISTS_UNKNOWN}

    def ask_anew(self, why: str) -> None:
        """What was heard may be old: entries wait until the broker has told orders and positions again."""
        self._execution.ask_anew(why)

    @property
    def exposed(self) -> bool:
        """True if something is held or an entry may still fill, as far as is known."""
        return not self._positions.flat or bool(self._execution.held or self._execution.working_entries)

    @property
    def exposure(self) -> str:
        """What is at stake, for a person."""
        held = ", ".join(f"{holding.quantity:f} {holding.contract.symbol}" for holding in self.ledger.holdings())
        words = f"held: {held}, their stops rest at the broker" if held else "nothing is held"
        working = self._execution.working_entries
        return f"{words}; orders working in {working} symbols" if working else words

    def retune(self, thresholds: Thresholds) -> None:
        """Judge by these from the next decision time on."""
        self._detection.retune(thresholds)

    @property
    def unprotected(self) -> tuple[str, ...]:
        """Symbols that are held without an order that could trigger as their stop; none before that can be known."""
        if not self._execution.recovered:
            return ()
        protected = self._execution.protected
        contracts = [holding.contract for holding in self.ledger.holdings()]
        return tuple(contract.symbol for contract in contracts if contract.con_id not in protected)

    @property
    def day_pnl_usd(self) -> float:
        """What was closed today plus open profit at the last prices, less today's costs."""
        today = exchange_day(self._context.clock.now())
        return self.ledger.net_usd_on(today) + self.ledger.unrealised_usd(self._detection.last_price)

    @property
    def data_ages_s(self) -> dict[str, float]:
        """Market seconds since each watched symbol last ticked; nan before its first tick."""
        return self._detection.data_ages_s(self._context.clock.now())

    @property
    def message_age_s(self) -> float:
        """Wall seconds since the gateway last said anything; nan without a connection."""
        up = self.health.socket is LinkState.UP
        return (time.perf_counter_ns() - self._bridge.last_received_ns) / 1e9 if up else math.nan

    def _listening(self) -> bool:
        return self.health.socket is LinkState.UP and self.health.broker is LinkState.UP

    @property
    def tapes(self) -> tuple[TapeView, ...]:
        """Each news tape by what its witnesses show."""
        return self._tapes.views

    @property
    def health(self) -> ConnectionHealth:
        """The bridge's four layers."""
        return self._bridge.health

    @property
    def positions(self) -> PositionManager:
        """The owner of the holdings, for views of them."""
        return self._positions

    async def history(self, contract: Contract, duration: str, bar_size: str) -> tuple[Bar, ...]:
        """Bars up to now; errors of the broker pass through."""
        return await self._bridge.fetch_historical_data(contract, None, duration, bar_size)

    async def disconnect(self) -> None:
        """Give the socket and its threads back."""
        await self._bridge.disconnect()


def open_bridge(context: EngineContext) -> Gateway:
    """The bridge to the gateway that the configuration names."""
    broker = context.config.broker
    bridge = IBKRBridge(
        broker.host,
        broker.port,
        broker.client_id,
        now=context.clock.now,
        connect_timeout_s=broker.connect_timeout_s,
        request_timeout_s=broker.request_timeout_s,
        pacing=context.pacing or make_pacing(context.config),
        in_order=context.config.clock.kind == "stepped",
        market_data_lines=broker.market_data_lines,
        on_incident=context.on_incident,
        spill_dir=context.run_dir,
        canary=Contract(broker.canary_symbol) if _has_canary(context.config) else None,
        canary_ticks=lambda now: _regular_hours(now, context.config.calendar),
    )
    if not context.config.storage.record:
        return bridge
    return record_gateway(bridge, run_dir=context.run_dir, now=context.clock.now, on_incident=context.on_incident)


def make_pacing(config: Config) -> Pacing:
    """IB's limits where market time is the wall's; a faster market asks faster than they allow."""
    real_time = config.clock.kind == "wall"
    return Pacing(messages_per_s=config.broker.messages_per_s if real_time else math.inf, small_bar_rules=real_time)


def _has_canary(config: Config) -> bool:
    """A line is spared for it where there are many, in a market as fast as the wall: its silence is counted there."""
    broker = config.broker
    return bool(broker.canary_symbol) and broker.market_data_lines >= LINES_FOR_CANARY and config.clock.rate <= 1


def _lines_to_watch(config: Config) -> int:
    return config.broker.market_data_lines - _has_canary(config)


def _regular_hours(at: datetime, calendar: str) -> bool:
    session = session_at(at, calendar)
    return session is not None and session.contains(at)


def _clock_behind_s(context: EngineContext, broker_time: datetime) -> float:
    """By how much this machine's clock is behind the broker's, which tells whole seconds: 0 within a second."""
    behind_s = (broker_time - context.clock.now()).total_seconds() + 0.5  # the middle of the second that was told
    if abs(behind_s) <= 1.0:
        return 0.0
    words = f"this machine's clock is {abs(behind_s):.1f} s {'behind' if behind_s > 0 else 'ahead of'} the broker's"
    context.on_incident("clock", f"{words}; headlines are judged by the broker's")
    return behind_s
