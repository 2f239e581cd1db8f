"""MarginWatch: what the broker asks for a watched symbol and whether it lets us buy it; by what-if, beside the work.

A what-if order is judged as an order is and never placed. The first is asked once the symbol is watched, has a price
and its grid is known; one at a time, so that no signal ever waits for it. What nobody can read is unknown and asked
again a minute later, as is a refusal. The entry gate uses what was told last.
https://interactivebrokers.github.io/tws-api/margin.html
"""

import asyncio
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import structlog

from momentum_kit.config import RiskSettings
from momentum_kit.errors import BrokerError, RequestFailed
from momentum_kit.models import Beat, Contract, MarginRow, OrderAction, OrderRequest, Quote
from momentum_kit.ports import Broker
from momentum_kit.services.consuming import consume
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import PriceRules
from momentum_kit.sessions import exchange_day
from momentum_kit.trading import FillCosts, round_price

log = structlog.get_logger("margins")

AGAIN_S = 60.0  # elapsed seconds from an answer that says nothing, or no, to the next question
MOST_RATE = 10.0  # beyond so many times its notional no initial margin of a stock is believed
MOST_WORDS = 500  # characters of the broker's that are kept
NO_LEAVE = frozenset({201, 203, 460})  # order rejected, not allowed for this account, no trading permission


@dataclass(frozen=True, slots=True)
class MarginTerms:
    """What was told of buying a symbol. rate: initial margin over notional, nan where unknown; refusal: IB's words."""

    rate: float = math.nan
    refusal: str = ""


class MarginWatch:
    """Asks once a symbol and session; a question without an answer keeps nothing and nobody waiting.

    watched: the contracts with a line. currency: that of the account's own amounts, where an answer names none.
    """

    def __init__(
        self,
        context: SessionContext,
        *,
        broker: Broker,
        rules: PriceRules,
        risk: RiskSettings,
        costs: FillCosts,
        watched: Callable[[], Iterable[Contract]],
        quote: Callable[[int], Quote | None],
        currency: Callable[[], str],
        beats: "asyncio.Queue[Beat]",
    ) -> None:
        self._context = context
        self._broker = broker
        self._rules = rules
        self._risk = risk
        self._costs = costs
        self._watched = watched
        self._quote = quote
        self._currency = currency
        self._beats = beats
        self._told: dict[int, MarginTerms] = {}
        self._asked_s: dict[int, float] = {}
        self._asking: asyncio.Task[None] | None = None

    def terms(self, con_id: int) -> MarginTerms | None:
        """What was told last of a contract; None before the first answer."""
        return self._told.get(con_id)

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            await consume(self._beats, partial(self._on_beat, group))

    async def _on_beat(self, group: asyncio.TaskGroup, _: Beat) -> None:
        if self._asking is not None and not self._asking.done():
            return
        due = min(filter(self._is_due, self._watched()), key=self._precedence, default=None)
        order = self._order(due) if due is not None else None
        if due is None or order is None:
            return
        self._asked_s[due.con_id] = self._context.clock.elapsed()
        self._asking = group.create_task(self._ask(due, order), name=f"what-if {due}")
        await asyncio.sleep(0)  # the question is out before this beat is done

    def _precedence(self, contract: Contract) -> tuple[float, int]:
        """Who was never asked comes first, then who waits for longest."""
        return self._asked_s.get(contract.con_id, -math.inf), contract.con_id

    def _is_due(self, contract: Contract) -> bool:
        terms, asked_s = self._told.get(contract.con_id), self._asked_s.get(contract.con_id, -math.inf)
        settled = terms is not None and math.isfinite(terms.rate)
        priced = self._ask_price(contract) > 0 and self._rules.told(contract) is not None
        return priced and not settled and self._context.clock.elapsed() - asked_s >= AGAIN_S

    def _ask_price(self, contract: Contract) -> float:
        quote = self._quote(contract.con_id)
        return quote.ask if quote is not None and 0 < quote.ask < math.inf else 0.0

    def _order(self, contract: Contract) -> OrderRequest | None:
        """A limit order of the largest notional that may be sent; None where not one share fits."""
        bands = self._rules.told(contract)
        ask = self._ask_price(contract)
        if bands is None or ask < bands[0].low_edge:
            return None
        limit = round_price(ask, bands, "up")
        shares = min(int(self._risk.max_order_notional_usd / limit), self._risk.max_order_shares)
        if shares < 1:
            return None
        return OrderRequest(
            action=OrderAction.BUY,
            quantity=Decimal(shares),
            order_type="LMT",
            limit_price=limit,
            outside_rth=not self._context.regular_hours(self._context.clock.now()),
            account=self._context.account,
        )

    async def _ask(self, contract: Contract, order: OrderRequest) -> None:
        margin, currency, words = math.nan, "", ""
        terms = MarginTerms()
        try:
            preview = await self._broker.fetch_what_if(contract, order)
        except RequestFailed as error:
            words = f"{error.code}: {error.text}"[:MOST_WORDS]
            if error.code in NO_LEAVE:
                terms = MarginTerms(refusal=words)
        except BrokerError as error:
            words = str(error)[:MOST_WORDS]
        else:
            margin, words = preview.margin_change, preview.warning[:MOST_WORDS]
            currency = preview.margin_currency or self._currency()
            usd = margin * self._costs.usd_per(currency, exchange_day(self._context.clock.now()))
            terms = MarginTerms(rate=read_rate(usd, order))
        if math.isnan(terms.rate) and not terms.refusal:  # unknown lifts no refusal
            terms = self._told.get(contract.con_id, terms)
        self._told[contract.con_id] = terms
        log.info("margin", symbol=contract.symbol, rate=terms.rate, refusal=terms.refusal, words=words)
        self._context.journal.write(
            MarginRow(
                at=self._context.clock.now(),
                symbol=contract.symbol,
                con_id=contract.con_id,
                quantity=order.quantity,
                limit_price=order.limit_price,
                margin=margin,
                currency=currency,
                rate=terms.rate,
                verdict="refused" if terms.refusal else "told" if math.isfinite(terms.rate) else "unknown",
                words=words,
            )
        )


def read_rate(margin_usd: float, order: OrderRequest) -> float:
    """Initial margin over notional; nan for what no broker asks: nothing, less, or many times the order's worth."""
    notional = float(order.quantity) * (order.limit_price or 0.0)
    rate = margin_usd / notional if notional > 0 else math.nan
    return rate if 0 < rate <= MOST_RATE else math.nan
