"""What an order costs on a given day, by the dated table config/costs.yaml; for research, simulated broker and ledger.

The ledger takes what the broker reports, in USD, and estimates by the table what it does not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from momentum_kit.config import Settings
from momentum_kit.errors import ConfigError
from momentum_kit.models import CommissionReport, Fill, OrderAction
from momentum_kit.sessions import exchange_day

CommissionPlan = Literal["fixed", "tiered"]
Floats = npt.NDArray[np.float64]


class Dated(Settings):
    """An entry of a dated list: it holds from this day until the next entry."""

    since: date


_Entry = TypeVar("_Entry", bound=Dated)


class FixedRate(Dated):
    """IBKR Pro Fixed, all exchange fees included."""

    per_share_usd: float
    min_usd: float
    max_pct: float


class Tier(Settings):
    """Rate for the shares of a month up to `to_shares` (None: beyond all others)."""

    to_shares: float | None
    per_share_usd: float


class TieredRate(Dated):
    """IBKR Pro Tiered: the broker's part by monthly volume, then what it passes on."""

    tiers: tuple[Tier, ...] = Field(min_length=1)
    min_usd: float
    max_pct: float
    clearing_per_share_usd: float
    remove_per_share_usd: float
    add_per_share_usd: float
    pass_through: float
    """NYSE's and FINRA's shares of the broker's commission, as a fraction of it."""


class SecFee(Dated):
    """SEC section 31, sells only."""

    per_million_usd: float


class TafFee(Dated):
    """FINRA trading activity fee, sells only."""

    per_share_usd: float
    cap_usd: float


class CatFee(Dated):
    """Consolidated audit trail, both sides."""

    per_share_usd: float


class ExchangeRate(Dated):
    """USD for one unit of another currency; it says nothing on days before its first entry."""

    currency: str = Field(min_length=3, max_length=3)
    usd: float = Field(gt=0)


class CostTable(Settings):
    """The dated lists, each ascending."""

    fixed: tuple[FixedRate, ...] = Field(min_length=1)
    tiered: tuple[TieredRate, ...] = Field(min_length=1)
    sec: tuple[SecFee, ...] = Field(min_length=1)
    taf: tuple[TafFee, ...] = Field(min_length=1)
    cat: tuple[CatFee, ...] = Field(min_length=1)
    fx: tuple[ExchangeRate, ...] = ()


CostBasis = Literal["reported", "converted", "estimated", "unknown"]
"""Where a cost comes from: the broker in USD, the broker in another currency, the table, or nowhere; best first."""

BASES: tuple[CostBasis, ...] = ("reported", "converted", "estimated", "unknown")


class FillCost(NamedTuple):
    """USD, always finite, and where it comes from."""

    usd: float
    basis: CostBasis


@dataclass(frozen=True, slots=True)
class FillCosts:
    """Costs of fills; without a table nothing can be converted or estimated, and is 0 of unknown basis."""

    table: CostTable | None = None
    plan: CommissionPlan = "fixed"

    def of_report(self, report: CommissionReport, on: date) -> FillCost | None:
        """What a report says, in USD; None where it is unset, or in a currency whose rate is not known."""
        if not math.isfinite(report.commission_usd):
            return None
        rate = self.usd_per(report.currency, on)
        if math.isnan(rate):
            return None
        return FillCost(report.commission_usd * rate, "reported" if report.currency == "USD" else "converted")

    def usd_per(self, currency: str, on: date) -> float:
        """USD for one unit of a currency on a day; nan where no rate is known."""
        if currency == "USD":
            return 1.0
        rates = [rate for rate in self.table.fx if rate.currency == currency and rate.since <= on] if self.table else []
        return max(rates, key=lambda rate: rate.since).usd if rates else math.nan

    def of_fill(self, fill: Fill, shares_before: float, value_before_usd: float) -> FillCost:
        """What one fill costs; before: of the same order, since the least commission is an order's, not a fill's."""
        execution = fill.execution
        on = exchange_day(execution.time)
        told = self.of_report(fill.commission, on) if fill.commission else None
        if told is not None:
            return told
        shares = shares_before + float(execution.shares)
        value_usd = value_before_usd + float(execution.shares) * execution.price
        if self.table is None or not math.isfinite(value_usd):
            return FillCost(0.0, "unknown")
        after = commission(self.table, self.plan, execution.side, shares, value_usd / shares, on) if shares else 0.0
        if not shares_before:
            return FillCost(after, "estimated")
        before = commission(self.table, self.plan, execution.side, shares_before, value_before_usd / shares_before, on)
        return FillCost(after - before, "estimated")


def parse_costs(content: Mapping[str, Any]) -> CostTable:
    """The table from what config/costs.yaml holds; ConfigError with the first key that is wrong."""
    try:
        return CostTable.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"costs: {where}: {first['msg']}") from None


def commission(
    table: CostTable,
    plan: CommissionPlan,
    side: OrderAction,
    shares: float,
    price: float,
    on: date,
    *,
    monthly_shares: float = 0.0,
    removes: bool = True,
) -> float:
    """Everything one filled order costs, USD: commission, exchange, clearing and regulatory fees.

    price: USD a share; monthly_shares: traded before in this calendar month (tiered only); removes: took liquidity.
    A day before a list begins uses its first entry.
    """
    if shares <= 0:
        return 0.0
    value = shares * price
    if plan == "fixed":
        fixed = _on(table.fixed, on)
        broker = _bounded(shares * fixed.per_share_usd, fixed.min_usd, value * fixed.max_pct / 100)
        venue = 0.0
    else:
        tiered = _on(table.tiered, on)
        own = _tier_cost(tiered.tiers, monthly_shares, shares)
        broker = _bounded(own, tiered.min_usd, value * tiered.max_pct / 100)
        per_share = tiered.remove_per_share_usd if removes else tiered.add_per_share_usd
        venue = shares * (tiered.clearing_per_share_usd + per_share) + broker * tiered.pass_through
    return broker + venue + _regulatory(table, side, shares, value, on)


def round_trip_bps(
    table: CostTable, plan: CommissionPlan, shares: float, price: float, on: date, *, removes: bool = True
) -> float:
    """Buying and selling the same shares at the same price, in bps of the value bought."""
    sides = (commission(table, plan, side, shares, price, on, removes=removes) for side in OrderAction)
    return sum(sides) / (shares * price) * 1e4


class Rates(NamedTuple):
    """What one day's small orders cost, flat: for arithmetic on arrays (each field a float, or an array of them)."""

    per_share_usd: Floats | float
    min_usd: Floats | float
    max_pct: Floats | float
    venue_per_share_usd: Floats | float
    pass_through: Floats | float
    cat_per_share_usd: Floats | float
    sec_per_usd: Floats | float
    taf_per_share_usd: Floats | float
    taf_cap_usd: Floats | float


def rates_on(table: CostTable, plan: CommissionPlan, on: date) -> Rates:
    """The rates of a day for orders that take liquidity, on the lowest tier of a month."""
    cat, sec, taf = _on(table.cat, on), _on(table.sec, on), _on(table.taf, on)
    fees = (cat.per_share_usd, sec.per_million_usd / 1e6, taf.per_share_usd, taf.cap_usd)
    if plan == "fixed":
        fixed = _on(table.fixed, on)
        return Rates(fixed.per_share_usd, fixed.min_usd, fixed.max_pct, 0.0, 0.0, *fees)
    tiered = _on(table.tiered, on)
    venue = tiered.clearing_per_share_usd + tiered.remove_per_share_usd
    own = tiered.tiers[0].per_share_usd
    return Rates(own, tiered.min_usd, tiered.max_pct, venue, tiered.pass_through, *fees)


def commissions(rates: Rates, side: OrderAction, shares: Floats, price: Floats) -> Floats:
    """`commission` of many orders at once, USD; exact while an order stays within the lowest monthly tier."""
    value = shares * price
    broker = np.minimum(np.maximum(shares * rates.per_share_usd, rates.min_usd), value * rates.max_pct / 100)
    cost = broker * (1 + rates.pass_through) + shares * (rates.venue_per_share_usd + rates.cat_per_share_usd)
    if side is OrderAction.SELL:
        cost = cost + value * rates.sec_per_usd + np.minimum(shares * rates.taf_per_share_usd, rates.taf_cap_usd)
    return np.asarray(np.where(shares > 0, cost, 0.0))


def _regulatory(table: CostTable, side: OrderAction, shares: float, value: float, on: date) -> float:
    fees = shares * _on(table.cat, on).per_share_usd
    if side is OrderAction.SELL:
        taf = _on(table.taf, on)
        fees += value * _on(table.sec, on).per_million_usd / 1e6
        fees += min(shares * taf.per_share_usd, taf.cap_usd)
    return fees


def _bounded(amount: float, least: float, most: float) -> float:
    """The cap wins over the minimum: an order worth $20 pays $0.20, not the minimum."""
    return min(max(amount, least), most)


def _tier_cost(tiers: tuple[Tier, ...], before: float, shares: float) -> float:
    """Marginal: each share at the rate of the place it takes in the month."""
    cost, low = 0.0, 0.0
    for tier in tiers:
        high = float("inf") if tier.to_shares is None else tier.to_shares
        inside = min(before + shares, high) - max(before, low)
        cost += max(inside, 0.0) * tier.per_share_usd
        low = high
    return cost


def _on(entries: tuple[_Entry, ...], on: date) -> _Entry:
    return max((e for e in entries if e.since <= on), key=lambda e: e.since, default=entries[0])
