"""ExitPrices: at what price an exit sells next, a step at a time; for the exit desk.

In regular hours an exit begins as a market order. IB simulates those by limits of its own, so that one may rest where
the market has left it behind (2161, mktCapPrice): then it steps down the ladder below the bid, and after the last step
it is a market order again, for which the broker draws a new limit by prices of its own. Outside regular hours there is
no market order, and the ladder ends at its last step.
"""

from collections.abc import Callable
from decimal import Decimal

from momentum_kit.models import OrderRequest, Quote
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.sessions import tradable
from momentum_kit.trading import exit_limit
from momentum_kit.trading.orders import Bracket, as_limit, as_market

LADDER_PCT = (0.5, 1.0, 2.0, 4.0)  # below the bid, step by step, where no market order sells


class ExitPrices:
    """Prices for one bracket at a time; keeps nothing but the session's hours that a bracket's steps were made in."""

    def __init__(self, context: SessionContext, *, rules: PriceRules, quote: Callable[[int], Quote | None]) -> None:
        self._context = context
        self._rules = rules
        self._quote = quote

    def step(self, bracket: Bracket, *, unfilled: bool) -> int:
        """The step that is due: the one after the last if that did not fill; other hours begin anew."""
        in_hours = self._context.regular_hours(self._context.clock.now())
        if in_hours is not bracket.exit_in_hours:
            bracket.exit_in_hours, bracket.exit_steps = in_hours, 0
            return 0
        return bracket.exit_steps + unfilled

    def priced(self, bracket: Bracket, order: OrderRequest, quantity: Decimal, step: int) -> OrderRequest | None:
        """The order as it sells at a step; None where it takes a limit and nobody knows a price."""
        if bracket.exit_in_hours:
            step %= len(LADDER_PCT) + 1
            below = self._reference(bracket) if step else 0.0
            if not below:
                return as_market(order, quantity)
            return self._limited(bracket, order, quantity, below, LADDER_PCT[step - 1])
        below = self._bid(bracket)
        if not below:
            return None
        return self._limited(bracket, order, quantity, below, LADDER_PCT[min(step, len(LADDER_PCT) - 1)])

    def nobody_bids(self) -> str:
        """Why there is no price, for the status."""
        return "no bid" if tradable(self._context.clock.now(), self._context.calendar) else "market closed"

    def _limited(
        self, bracket: Bracket, order: OrderRequest, quantity: Decimal, below: float, pct: float
    ) -> OrderRequest:
        """A limit below a price; each that IB's price check refused (202) halves the way to the next."""
        bps = pct * 100 / 2**bracket.prices_refused
        return as_limit(order, quantity, exit_limit(below, bps, self._rules.known(bracket.intent.contract)))

    def _bid(self, bracket: Bracket) -> float:
        """USD, 0 where nobody bids."""
        quote = self._quote(bracket.intent.contract.con_id)
        return quote.bid if quote is not None and quote.bid > 0 else 0.0

    def _reference(self, bracket: Bracket) -> float:
        """USD: the bid; without one the lower of the last price and the limit that the broker has told; 0 without."""
        quote = self._quote(bracket.intent.contract.con_id)
        told = [leg.cap_price for leg in bracket if leg.selling and leg.protecting]
        others = [price for price in (*told, quote.last if quote is not None else 0.0) if price > 0]
        return self._bid(bracket) or min(others, default=0.0)
