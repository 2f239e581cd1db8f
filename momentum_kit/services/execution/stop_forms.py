"""StopForms: gives a resting stop the form that it needs in this session, at the level that it has reached.

How it works. A plain or trailing stop sleeps outside regular hours, a stop-limit does not trail; and the broker changes
no stop's type. So another stop joins its group, is seen working, and then the guardian takes the old one away.

Why it is right. The level is the highest that the broker has told or we have sent, and never computed from prices. What
may fire in this moment is not joined by another: from the close on the old one sleeps, and its last fills have come
after SUITS_LATE_S; in regular hours the market must be far from it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from momentum_kit.models import OrderRequest, Quote
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.services.execution.order_desk import OrderDesk, age_s
from momentum_kit.services.execution.witnesses import Witnesses
from momentum_kit.trading import round_price
from momentum_kit.trading.orders import Bracket, Leg, SymbolEvidence, at_level, stop_type, suits

SUITS_LATE_S = 2.0

PlacesStop = Callable[[Bracket, Decimal, float, str, str], Awaitable[bool]]


class StopForms:
    """For the guardian, under the service's lock. place: bracket, shares, now, why, level of alert; True if it is out.

    slack_pct: how far the limit of a stop-limit is below its trigger, per cent.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        desk: OrderDesk,
        witnesses: Witnesses,
        rules: PriceRules,
        quote: Callable[[int], Quote | None],
        slack_pct: float,
        place: PlacesStop,
    ) -> None:
        self._context = context
        self._desk = desk
        self._witnesses = witnesses
        self._rules = rules
        self._quote = quote
        self._slack_pct = slack_pct
        self._place = place

    def level(self, bracket: Bracket) -> float | None:
        """Where its stop stands at least, USD; where it has trailed, on the exchange's grid and never below."""
        level, trails = bracket.stop_level, bracket.intent.trail_usd is not None
        return round_price(level, self._rules.known(bracket.intent.contract), "up") if trails and level else level

    def of_size(self, bracket: Bracket, order: OrderRequest, quantity: Decimal) -> OrderRequest | None:
        """An order of a bracket at another size; None for a stop that trails by nobody knows how much.

        A size alone may start a trail anew: it goes out with the level and the distance, which an echo need not tell.
        """
        resized = replace(order, quantity=quantity, transmit=True)
        if order.order_type != "TRAIL":
            return resized
        trail = resized.trailing_usd or bracket.intent.trail_usd
        return None if trail is None else replace(resized, stop_price=self.level(bracket), trailing_usd=trail)

    async def suit(self, bracket: Bracket, evidence: SymbolEvidence, now: float) -> None:
        """A stop that needs another form in this session is joined by that in its group, which then takes its place."""
        stop, regular_hours = bracket.stop, self._context.regular_hours(self._context.clock.now())
        if stop is None or not stop.at_rest or not evidence.sellable:
            return
        suited = suits(stop.request, stop_type(regular_hours=regular_hours, trails=bracket.trails))
        bracket.unsuited_since = None if suited else bracket.unsuited_since or now
        if suited:
            await self._raise_stop(bracket, stop)
        elif age_s(bracket.unsuited_since, now) < SUITS_LATE_S:
            return  # it may have fired in the last moment, which would be sold once more
        elif not regular_hours:
            if await self._place(bracket, evidence.sellable, now, "its stop sleeps until the open", "critical"):
                self._ask_where_it_stood(bracket, stop)
        elif not bracket.trails:
            await self._place(bracket, evidence.sellable, now, "its stop is to stand still", "critical")
        elif bracket.exit is None and not self._witnesses.sold(bracket) and self._is_far(bracket):
            await self._place(bracket, evidence.sellable, now, "its stop is to trail", "info")

    def watch(self, bracket: Bracket, evidence: SymbolEvidence) -> None:
        """A human is told where the broker takes no trailing stop."""
        planned = bracket.intent.trail_usd is not None
        if evidence.held and planned and not bracket.trails and not bracket.uncertain:
            why = (
                f"{bracket.intent.contract.symbol}: the broker takes no trailing stop; a plain one rests, not trailing"
            )
            self._desk.alert_once(bracket, "does not trail", "warning", why)

    def _is_far(self, bracket: Bracket) -> bool:
        """True where the market is not near its stop, which could fire before the one that joins it has come."""
        quote, level, trail = self._quote(bracket.intent.contract.con_id), bracket.stop_level, bracket.intent.trail_usd
        return quote is not None and level is not None and trail is not None and quote.bid - level > trail / 2

    async def _raise_stop(self, bracket: Bracket, stop: Leg) -> None:
        """One that stands still for one that trailed: what that is told to have reached later counts as well."""
        level, at = self.level(bracket), stop.request.stop_price
        if bracket.intent.trail_usd is None or stop.request.order_type == "TRAIL" or level is None or at is None:
            return
        if at < level:
            bands = self._rules.known(bracket.intent.contract)
            raised = at_level(stop.request, level, stop_slack_pct=self._slack_pct, bands=bands)
            await self._desk.modify(bracket, stop, raised, "stop")

    def _ask_where_it_stood(self, bracket: Bracket, stop: Leg) -> None:
        """The old stop goes only once a list has told how far it had trailed."""
        if stop.request.order_type == "TRAIL":
            self._desk.mark_uncertain(
                bracket, f"only the list tells where trailing stop {stop.request.order_id} stands"
            )
