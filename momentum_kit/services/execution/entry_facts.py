"""GatheredFacts: what the risk gate must know of a signal, its market, our book and account; for EntryGate."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

from momentum_kit.config import MaintenanceWindow
from momentum_kit.models import ConnectionHealth, Intent, MarketDataType, OrderAction, Quote, TradeSignal
from momentum_kit.services.context import SessionContext
from momentum_kit.services.execution.funds import Funds
from momentum_kit.services.execution.margins import MarginTerms
from momentum_kit.services.execution.order_desk import OrderDesk
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.sessions import exchange_day, session_at
from momentum_kit.trading.account import Ledger
from momentum_kit.trading.orders import Bracket
from momentum_kit.trading.risk import AccountFacts, EntryFacts, EntryOrder, Exposure, MarketFacts, to_maintenance_s

NAN = float("nan")


class GatheredFacts:
    """Remembers the entries of the day and reads the rest from who owns it, as it stands at the moment of asking."""

    def __init__(
        self,
        context: SessionContext,
        *,
        maintenance: tuple[MaintenanceWindow, ...],
        ledger: Ledger,
        desk: OrderDesk,
        witnesses: Witnesses,
        quote: Callable[[int], Quote | None],
        health: Callable[[], ConnectionHealth],
        funds: Callable[[], Funds | None],
        margins: Callable[[int], MarginTerms | None],
    ) -> None:
        self._context = context
        self._maintenance = maintenance
        self._ledger = ledger
        self._desk = desk
        self._witnesses = witnesses
        self._quote = quote
        self._health = health
        self._funds = funds
        self._margins = margins
        self._last_entry: dict[int, datetime] = {}
        self._recent: deque[datetime] = deque(maxlen=1000)
        self._entered: set[str] = set()
        self._catalysts: dict[int, str] = {}  # of the latest entry, by con_id

    def remember(self, intent: Intent) -> None:
        """Count an entry towards cool-down, rate and 'never twice'."""
        con_id = intent.contract.con_id
        self._last_entry[con_id] = max(intent.created_at, self._last_entry.get(con_id, intent.created_at))
        self._recent.append(intent.created_at)
        self._entered.add(intent.item_id)
        self._catalysts[con_id] = intent.reason

    def gather(self, signal: TradeSignal, order: EntryOrder) -> EntryFacts:
        """As of now."""
        now = self._context.clock.now()
        return EntryFacts(
            order=order,
            market=self._market(signal, now),
            exposure=self._exposure(signal, now),
            account=self._account(signal.contract.con_id),
        )

    def _market(self, signal: TradeSignal, now: datetime) -> MarketFacts:
        con_id = signal.contract.con_id
        health, quote = self._health(), self._quote(con_id)
        in_hours = self._context.regular_hours(now)
        heard_ns = quote.received_ns if quote else 0
        return MarketFacts(
            signal_age_s=signal_age_s(signal, now, self._context.clock.elapsed()),
            quote_age_s=_age_s(quote.received_at, now) if quote else NAN,
            reference_price=signal.reference_price,
            bid=quote.bid if quote else NAN,
            ask=quote.ask if quote else NAN,
            may_enter=health.may_enter,
            stale=con_id in health.stale_con_ids or heard_ns < self._witnesses.heard_since_ns,
            live=quote is not None and quote.data_type is MarketDataType.LIVE,
            halted=quote is not None and quote.halted,
            since_halt_s=(now - quote.halted_at).total_seconds() if quote and quote.halted_at else math.inf,
            luld_band=signal.features.price * (1 + signal.features.luld_dist) if in_hours else float("inf"),
        )

    def _exposure(self, signal: TradeSignal, now: datetime) -> Exposure:
        con_id = signal.contract.con_id
        session = session_at(now, self._context.calendar)
        busy = {b.intent.contract.con_id: b for b in self._desk.in_order() if b.any_live}
        held = {h.contract.con_id: h for h in self._ledger.holdings()}
        notional = {each: float(abs(h.quantity)) * h.average_price for each, h in held.items()}
        for each, bracket in busy.items():
            notional[each] = notional.get(each, 0.0) + self._on_order(bracket)
        own = busy.get(con_id)
        quantity = self._ledger.position(con_id)
        if own is not None:
            quantity = max(quantity, own.intent.quantity)
        today = exchange_day(now)
        trips = [trip for trip in self._ledger.round_trips() if exchange_day(trip.closed_at) == today]
        return Exposure(
            state=self._context.state(),
            symbol_quantity=quantity,
            entries_on_item=int(signal.item_id in self._entered),
            doubt=self._witnesses.doubt(con_id),
            opposite_orders=sum(leg.live and leg.request.action is OrderAction.SELL for leg in own or ()),
            slots=len(notional),
            catalyst_slots=sum(self._catalysts.get(each) == signal.catalyst for each in notional),
            notional_usd=sum(notional.values()),
            symbol_notional_usd=notional.get(con_id, 0.0),
            entries_last_minute=sum(now - at < timedelta(seconds=60) for at in self._recent),
            since_last_entry_s=(now - self._last_entry[con_id]).total_seconds()
            if con_id in self._last_entry
            else math.inf,
            to_close_s=(session.close - now).total_seconds() if session else NAN,
            to_maintenance_s=to_maintenance_s(now, self._maintenance),
            day_pnl_usd=self._ledger.net_usd_on(today) + self._ledger.unrealised_usd(self._bid),
            symbol_pnl_usd=sum((trip.net_usd for trip in trips if trip.contract.con_id == con_id), 0.0),
            losses_in_a_row=sum(1 for _ in takewhile(lambda trip: trip.net_usd < 0, reversed(trips))),
        )

    def _account(self, con_id: int) -> AccountFacts:
        funds, terms = self._funds(), self._margins(con_id) or MarginTerms()
        facts = AccountFacts(proven=bool(self._context.account), margin_rate=terms.rate, not_permitted=terms.refusal)
        if funds is None:
            return facts
        ordered = {b.intent.contract.con_id: self._not_in(b, funds) for b in self._desk.in_order()}
        others = [self._margins(each) or MarginTerms() for each, usd in ordered.items() if usd > 0]
        return replace(
            facts,
            proven=facts.proven and funds.named,
            available_usd=funds.available_usd,
            settled_usd=funds.settled_usd,
            age_s=self._context.clock.elapsed() - funds.elapsed_s,
            ordered_usd=math.fsum(ordered.values()),
            ordered_rate=max((each.rate for each in others if math.isfinite(each.rate)), default=NAN),
        )

    def _not_in(self, bracket: Bracket, funds: Funds) -> float:
        """What of an entry the account's amounts do not show, USD."""
        if bracket.sent_at < funds.elapsed_s:
            return self._on_order(bracket)
        intent = bracket.intent
        return float(intent.quantity) * (intent.limit_price or 0.0) if bracket.any_live else 0.0

    def _on_order(self, bracket: Bracket) -> float:
        """What a working entry may still buy, USD."""
        entry = bracket.entry
        if entry is None or not entry.live or entry.request.limit_price is None:
            return 0.0
        left = entry.request.quantity - self._witnesses.filled(entry)
        return float(left) * entry.request.limit_price

    def _bid(self, con_id: int) -> float:
        """What a holding would fetch, USD; nan without a quote."""
        quote = self._quote(con_id)
        return quote.bid if quote is not None else float("nan")


def signal_age_s(signal: TradeSignal, now: datetime, elapsed_s: float) -> float:
    """Market seconds since the bar that decided: the greater of both clocks, so that a step of the wall hides none."""
    wall_s = (now - signal.decided_at).total_seconds()
    since_s = elapsed_s - signal.elapsed_s
    age = wall_s if math.isnan(since_s) else max(wall_s, since_s)
    return age if age >= 0 else NAN  # decided in what is now the future: nobody knows how old it is


def _age_s(received_at: datetime, now: datetime) -> float:
    """Market seconds; nan where the wall clock was set back since."""
    age = (now - received_at).total_seconds()
    return age if age >= 0 else NAN
