"""Contracts and their price bands as the broker confirms them, each asked for once and remembered.

The news handler looks up the contracts of tickers, the execution service the grid on which it rounds prices.
"""

import asyncio
from dataclasses import dataclass

from momentum_kit.errors import BrokerError, RequestFailed
from momentum_kit.models import Contract, ContractDetails, PriceIncrement
from momentum_kit.ports import Clock, MarketData
from momentum_kit.trading import US_STOCK_BANDS

Bands = tuple[PriceIncrement, ...]

US_LISTINGS = frozenset({"NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "IEX", "PINK", "OTCQB", "OTCQX"})
LOOK_UP_LIMIT_S = 5.0  # wall seconds at any market speed: a slow answer holds back the headlines behind this one


@dataclass(frozen=True, slots=True)
class LookUp:
    """What became of a symbol: its contract and company name, or why there is none."""

    contract: Contract | None
    long_name: str = ""
    stock_type: str = ""
    reason: str = ""


class ContractBook:
    """Asks the broker once a symbol; a refusal is remembered as well, a time-out is not.

    In lock-step the market waits for the answer, and no wall decides whether there is one.
    """

    def __init__(self, market: MarketData, clock: Clock) -> None:
        self._market = market
        self._clock = clock
        self._known: dict[str, LookUp] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    def knows(self, symbol: str) -> bool:
        """Whether a look-up is answered at once."""
        return symbol in self._known

    async def look_up(self, symbol: str) -> LookUp:
        """The US stock of this symbol; never raises. Who asks while another does waits for the same answer."""
        if symbol in self._known:
            return self._known[symbol]
        async with self._asking.setdefault(symbol, asyncio.Lock()):
            known = self._known.get(symbol)
            if known is None:
                known = await self._ask(symbol)
                if known.contract or not known.reason.startswith("no answer"):
                    self._known[symbol] = known
                    self._asking.pop(symbol, None)
        return known

    async def _ask(self, symbol: str) -> LookUp:
        by_wall = self._clock.wall_limit(LOOK_UP_LIMIT_S) is not None
        try:
            async with asyncio.timeout(LOOK_UP_LIMIT_S if by_wall else None):
                found = await self._market.fetch_contract_details(Contract(symbol))
        except RequestFailed as error:  # NoData, or 200 "No security definition has been found"
            return LookUp(None, reason=str(error))
        except (BrokerError, TimeoutError) as error:
            return LookUp(None, reason=f"no answer: {str(error) or 'too slow'}")
        return _choose(found)


def _choose(found: tuple[ContractDetails, ...]) -> LookUp:
    stocks = {d.contract.con_id: d for d in found if d.contract.sec_type == "STK" and d.contract.currency == "USD"}
    listed = [d for d in stocks.values() if d.contract.primary_exchange in US_LISTINGS] or list(stocks.values())
    if len(listed) != 1:
        return LookUp(None, reason="ambiguous" if listed else "no US stock")
    return LookUp(listed[0].contract, listed[0].long_name, listed[0].stock_type)


class PriceRules:
    """The price bands of a contract by its market rule: asked for when it is first watched, cached for the session."""

    def __init__(self, market: MarketData) -> None:
        self._market = market
        self._by_rule: dict[int, Bands] = {}
        self._by_contract: dict[int, Bands] = {}

    async def learn(self, contract: Contract) -> None:
        """Ask the broker, unless it has told before; BrokerError if it does not tell."""
        if contract.con_id in self._by_contract:
            return
        details = await self._market.fetch_contract_details(contract)
        rule = next((each.smart_rule_id for each in details if each.smart_rule_id is not None), None)
        if rule is None:
            raise BrokerError(f"{contract}: the broker names no market rule")
        if rule not in self._by_rule:
            bands = await self._market.fetch_market_rule(rule)
            if not bands:
                raise BrokerError(f"{contract}: market rule {rule} is empty")
            self._by_rule[rule] = bands
        self._by_contract[contract.con_id] = self._by_rule[rule]

    def told(self, contract: Contract) -> Bands | None:
        """Price bands, ascending, as far as the broker has told them; an entry never waits for them."""
        return self._by_contract.get(contract.con_id)

    def known(self, contract: Contract) -> Bands:
        """The same, else the grid of US stocks: an order that reduces risk goes out in any case."""
        return self._by_contract.get(contract.con_id, US_STOCK_BANDS)
