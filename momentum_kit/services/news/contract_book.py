"""Symbols to contracts as the broker confirms them, remembered; the news handler's address book."""

import asyncio
from dataclasses import dataclass

from momentum_kit.errors import BrokerError, RequestFailed
from momentum_kit.models import Contract, ContractDetails
from momentum_kit.ports import MarketData

US_LISTINGS = frozenset({"NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "IEX", "PINK", "OTCQB", "OTCQX"})
LOOK_UP_LIMIT_S = 5.0  # wall seconds: a slow answer must not hold back the headlines behind this one


@dataclass(frozen=True, slots=True)
class LookUp:
    """What became of a symbol: its contract and company name, or why there is none."""

    contract: Contract | None
    long_name: str = ""
    reason: str = ""


class ContractBook:
    """Asks the broker once a symbol; a refusal is remembered as well, a time-out is not."""

    def __init__(self, market: MarketData) -> None:
        self._market = market
        self._known: dict[str, LookUp] = {}

    async def look_up(self, symbol: str) -> LookUp:
        """The US stock of this symbol; never raises."""
        known = self._known.get(symbol)
        if known is None:
            known = await self._ask(symbol)
            if known.contract or not known.reason.startswith("no answer"):
                self._known[symbol] = known
        return known

    async def _ask(self, symbol: str) -> LookUp:
        try:
            async with asyncio.timeout(LOOK_UP_LIMIT_S):
                found = await self._market.fetch_contract_details(Contract(symbol))
        except RequestFailed as error:  # NoData, or 200 "No security definition has been found"
            return LookUp(None, reason=str(error))
        except (BrokerError, TimeoutError) as error:
            return LookUp(None, reason=f"no answer: {error or 'too slow'}")
        return _choose(found)


def _choose(found: tuple[ContractDetails, ...]) -> LookUp:
    stocks = {d.contract.con_id: d for d in found if d.contract.sec_type == "STK" and d.contract.currency == "USD"}
    listed = [d for d in stocks.values() if d.contract.primary_exchange in US_LISTINGS] or list(stocks.values())
    if len(listed) != 1:
        return LookUp(None, reason="ambiguous" if listed else "no US stock")
    return LookUp(listed[0].contract, listed[0].long_name)
