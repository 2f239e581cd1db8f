"""An instrument as the simulated broker describes it: everything a contractDetails message needs."""

from dataclasses import KW_ONLY, dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from momentum_kit.sessions import NEW_YORK, session_on
from momentum_kit.simgateway.trading_hours import hours

# Recorded for AAPL from a live gateway; the simulated listings carry the same lists.
ORDER_TYPES = (
    "ACTIVETIM,AD,ADDONT,ADJUST,ALERT,ALGO,ALLOC,AON,AVGCOST,BASKET,BENCHPX,CASHQTY,COND,CONDORDER,DARKONLY,DARKPOLL,"
    "DAY,DEACT,DEACTDIS,DEACTEOD,DIS,DUR,GAT,GTC,GTD,GTT,HID,IBKRATS,ICE,IMB,IOC,LIT,LMT,LOC,MIDPX,MIT,MKT,MOC,MTL,"
    "NGCOMB,NODARK,NONALGO,OCA,OPG,OPGREROUT,PEGBENCH,PEGMID,POSTATS,POSTONLY,PREOPGRTH,PRICECHK,REL,REL2MID,"
    "RELPCTOFS,RPI,RTH,SCALE,SCALEODD,SCALERST,SIZECHK,SNAPMID,SNAPMKT,SNAPREL,STP,STPLMT,SWEEP,TRAIL,TRAILLIT,"
    "TRAILLMT,TRAILMIT,WHATIF"
)
EXCHANGES = (
    "SMART,AMEX,NYSE,CBOE,PHLX,ISE,CHX,ARCA,NASDAQ,DRCTEDGE,BEX,BATS,EDGEA,BYX,IEX,EDGX,FOXRIVER,PEARL,NYSENAT,LTSE,"
    "MEMX,IBEOS,OVERNIGHT,TPLUS0,PSX,T24X"
)
STOCK_RULE = 26
SUB_DOLLAR_TICK, TICK = 0.0001, 0.01  # USD, below and from one dollar on
MARKET_RULES: dict[int, tuple[tuple[float, float], ...]] = {STOCK_RULE: ((0.0, SUB_DOLLAR_TICK), (1.0, TICK))}
HOURS_DAYS = 6  # IB lists the asked day and the five after it


@dataclass(frozen=True, slots=True)
class Instrument:
    """One listed stock; prices in USD, sizes in shares.

    valid_exchanges and market_rule_ids run in parallel (one rule per exchange), as IB sends them.
    """

    con_id: int
    symbol: str
    long_name: str
    _: KW_ONLY
    primary_exchange: str = "NASDAQ"
    trading_class: str = "NMS"
    min_tick: float = 0.01
    valid_exchanges: tuple[str, ...] = field(default=tuple(EXCHANGES.split(",")), repr=False)
    market_rule_ids: tuple[int, ...] = field(default=(STOCK_RULE,) * len(EXCHANGES.split(",")), repr=False)
    order_types: str = field(default=ORDER_TYPES, repr=False)
    industry: str = "Technology"
    category: str = "Computers"
    subcategory: str = "Computers"
    time_zone_id: str = "US/Eastern"
    isin: str = ""
    stock_type: str = "COMMON"
    min_size: float = 0.0001
    size_increment: float = 0.0001
    suggested_size_increment: float = 100.0
    agg_group: int = 1
    sec_type: str = "STK"
    currency: str = "USD"

    def trading_hours(self, day: date) -> str:
        """Hours with extended sessions from `day` on, in IB's format and this instrument's zone."""
        return ";".join(_hours(day + timedelta(days=step), extended=True) for step in range(HOURS_DAYS))

    def liquid_hours(self, day: date) -> str:
        """Regular hours from `day` on, in IB's format and this instrument's zone."""
        return ";".join(_hours(day + timedelta(days=step), extended=False) for step in range(HOURS_DAYS))


def tick_sizes(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The increment (USD) that each price is quoted in."""
    return np.where(prices < 1.0, SUB_DOLLAR_TICK, TICK)


def _hours(day: date, *, extended: bool) -> str:
    session = session_on(day)
    stamp = f"{day:%Y%m%d}"
    if session is None:
        return f"{stamp}:CLOSED"
    start, end = (moment.astimezone(NEW_YORK) for moment in hours(session, extended))
    return f"{stamp}:{start:%H%M}-{stamp}:{end:%H%M}"
