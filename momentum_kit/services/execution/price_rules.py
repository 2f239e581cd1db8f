"""Market rules of contracts, asked once each; the grid on which the execution service rounds prices."""

from momentum_kit.errors import BrokerError
from momentum_kit.models import Contract, PriceIncrement
from momentum_kit.ports import MarketData
from momentum_kit.trading import US_STOCK_BANDS

Bands = tuple[PriceIncrement, ...]


class PriceRules:
    """The price bands of a contract by its market rule, cached for the session."""

    def __init__(self, market: MarketData) -> None:
        self._market = market
        self._by_rule: dict[int, Bands] = {}
        self._by_contract: dict[int, Bands] = {}

    async def bands(self, contract: Contract) -> Bands:
        """Price bands, ascending; BrokerError if the broker does not tell them."""
        known = self._by_contract.get(contract.con_id)
        if known:
            return known
        details = await self._market.fetch_contract_details(contract)
        rule = next((each.smart_rule_id for each in details if each.smart_rule_id is not None), None)
        if rule is None:
            raise BrokerError(f"{contract}: the broker names no market rule")
        if rule not in self._by_rule:
            self._by_rule[rule] = await self._market.fetch_market_rule(rule)
        self._by_contract[contract.con_id] = self._by_rule[rule]
        return self._by_rule[rule]

    def known(self, contract: Contract) -> Bands:
        """What is cached, else the grid of US stocks: an order that reduces risk never waits for an answer."""
        return self._by_contract.get(contract.con_id, US_STOCK_BANDS)
