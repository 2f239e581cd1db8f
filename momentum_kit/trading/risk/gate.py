"""The risk gate: every limit, checked on plain values before an intent is written; the last word before an order."""

from dataclasses import dataclass
from decimal import Decimal

from momentum_kit.config import RiskSettings
from momentum_kit.models import RiskCheck, TradingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the gate must know of the world; money in USD, times in market seconds.

    since_last_entry_s: since the last entry in this symbol, inf if there was none today.
    to_close_s: until the regular session ends, negative after it, nan on a day without one.
    day_pnl_usd: realised plus open profit less costs.
    notional_usd: positions and working entries of all symbols; slots: how many symbols that is.
    symbol_quantity: shares held or on order in this symbol; opposite_orders: our working orders that sell it.
    entries_on_item: entries made on this very news item before.
    """

    state: TradingState
    may_enter: bool
    symbol_quantity: Decimal
    entries_on_item: int
    opposite_orders: int
    slots: int
    notional_usd: float
    entries_last_minute: int
    since_last_entry_s: float
    to_close_s: float
    day_pnl_usd: float


@dataclass(frozen=True, slots=True)
class RiskVerdict:
    """All limits as they stood; reason is the first that failed, empty when accepted."""

    checks: tuple[RiskCheck, ...]

    @property
    def accepted(self) -> bool:
        """True if every limit holds."""
        return all(check.passed for check in self.checks)

    @property
    def reason(self) -> str:
        """Name of the first limit that failed."""
        return next((check.rule for check in self.checks if not check.passed), "")


def check_entry(exposure: Exposure, quantity: Decimal, limit_price: float, settings: RiskSettings) -> RiskVerdict:
    """Judge one entry of quantity shares at limit_price USD.

    Every rule is evaluated, so a refusal shows all that stood against it. A value that is nan fails its rule.
    Only RUNNING opens positions: a kill stays latched for as long as the state says KILLED.
    """
    notional = float(quantity) * limit_price
    now, e = exposure.state, exposure
    return RiskVerdict(
        (
            _at_least("not running", float(now is TradingState.RUNNING), 1),
            _at_least("connection", float(e.may_enter), 1),
            _at_least("near close", e.to_close_s, settings.no_entry_before_close_s),
            _below("daily loss", 0.0 - e.day_pnl_usd, settings.max_daily_loss_usd),
            _at_most("already held", float(abs(e.symbol_quantity)) + e.entries_on_item, 0),
            _at_most("opposite order", e.opposite_orders, 0),
            _at_least("cool-down", e.since_last_entry_s, settings.cool_down_s),
            _at_most("max positions", e.slots + 1, settings.max_positions),
            _at_most("order rate", e.entries_last_minute + 1, settings.max_orders_per_minute),
            _at_least("too small", float(quantity), 1),
            _at_most("order notional", notional, settings.max_order_notional_usd),
            _at_most("total notional", e.notional_usd + notional, settings.max_total_notional_usd),
        )
    )


def _at_most(rule: str, value: float, limit: float) -> RiskCheck:
    return RiskCheck(rule=rule, value=value, limit=limit, passed=value <= limit)


def _below(rule: str, value: float, limit: float) -> RiskCheck:
    return RiskCheck(rule=rule, value=value, limit=limit, passed=value < limit)


def _at_least(rule: str, value: float, limit: float) -> RiskCheck:
    return RiskCheck(rule=rule, value=value, limit=limit, passed=value >= limit)
