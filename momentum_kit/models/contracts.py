"""Instruments as IB identifies them."""

import re
from dataclasses import KW_ONLY, dataclass

# Vendors write preferreds as TpC, T-PC, T.PRC or T/PR/C; IB writes T PRC.
_PREFERRED = re.compile(r"([A-Z]{1,5})(?:p([A-Z]?)|[ ./_-]PR?[ ./_-]?([A-Z])|[ ./_-]PR)")


def canonical_symbol(text: str) -> str:
    """One spelling for every source, IB's: BRK.B, BRK-B and BRK/B are "BRK B", TpC and T-PC are "T PRC"."""
    text = text.strip()
    preferred = _PREFERRED.fullmatch(text)
    if preferred:
        return f"{preferred[1]} PR{preferred[2] or preferred[3] or ''}"
    return re.sub(r"[./-]", " ", text.upper())


@dataclass(frozen=True, slots=True)
class Contract:
    """An instrument; con_id 0 means not resolved yet. A symbol alone is only text."""

    symbol: str
    con_id: int = 0
    _: KW_ONLY
    sec_type: str = "STK"
    exchange: str = "SMART"
    currency: str = "USD"
    primary_exchange: str = ""
    local_symbol: str = ""
    trading_class: str = ""

    def __str__(self) -> str:
        return f"{self.symbol}({self.con_id})" if self.con_id else self.symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractDetails:
    """What IB knows of a contract.

    min_tick: USD, the smallest over all price bands (round by the market rule, not by this).
    market_rule_ids: one per exchange of valid_exchanges.
    trading_hours, liquid_hours: IB's own strings, in time_zone_id.
    """

    contract: Contract
    long_name: str
    min_tick: float
    valid_exchanges: tuple[str, ...]
    market_rule_ids: tuple[int, ...]
    time_zone_id: str
    trading_hours: str
    liquid_hours: str
    stock_type: str = ""
    industry: str = ""
    category: str = ""
    subcategory: str = ""

    @property
    def smart_rule_id(self) -> int | None:
        """The market rule of the contract's own exchange; None where IB sent no rules."""
        if self.contract.exchange in self.valid_exchanges:
            index = self.valid_exchanges.index(self.contract.exchange)
            if index < len(self.market_rule_ids):
                return self.market_rule_ids[index]
        return self.market_rule_ids[0] if self.market_rule_ids else None


@dataclass(frozen=True, slots=True)
class PriceIncrement:
    """One band of a market rule: from low_edge (USD) upwards prices move in steps of increment (USD)."""

    low_edge: float
    increment: float


@dataclass(frozen=True, slots=True)
class SymbolMatch:
    """One answer to a symbol search."""

    contract: Contract
    description: str
    derivative_sec_types: tuple[str, ...] = ()
