"""The risk gate: every limit, checked on plain values before an intent is written; the last word before an order."""

from collections.abc import Callable
from dataclasses import dataclass

from momentum_kit.config import RiskSettings
from momentum_kit.models import RiskCheck
from momentum_kit.trading.risk import checks
from momentum_kit.trading.risk.facts import EntryFacts

CHECKS: tuple[Callable[[EntryFacts, RiskSettings], RiskCheck], ...] = (
    checks.running,
    checks.account,
    checks.connection,
    checks.restricted,
    checks.near_close,
    checks.maintenance,
    checks.market_rule,
    checks.permission,
    checks.signal_age,
    checks.stale_symbol,
    checks.halt,
    checks.reopening,
    checks.live_data,
    checks.quote_age,
    checks.signal_price,
    checks.daily_loss,
    checks.symbol_loss,
    checks.losses_in_a_row,
    checks.already_held,
    checks.opposite_order,
    checks.evidence,
    checks.cool_down,
    checks.max_positions,
    checks.concentration,
    checks.order_rate,
    checks.too_small,
    checks.price_collar,
    checks.luld_distance,
    checks.order_shares,
    checks.order_notional,
    checks.symbol_notional,
    checks.total_notional,
    checks.preset_shares,
    checks.preset_value,
    checks.preset_percentage,
    checks.buying_power,
    checks.settled_cash,
)
"""In the order in which they name a refusal: whether at all, the signal and its market, losses, what is open, size."""


@dataclass(frozen=True, slots=True)
class RiskVerdict:
    """All limits as they stood; reason is the first that failed, empty when accepted."""

    checks: tuple[RiskCheck, ...]

    @property
    def accepted(self) -> bool:
        """True if every limit holds."""
        return all(check.passed for check in self.checks)

    @property
    def refusal(self) -> RiskCheck | None:
        """The first limit that failed; None when accepted."""
        return next((check for check in self.checks if not check.passed), None)

    @property
    def reason(self) -> str:
        """Its name."""
        return self.refusal.rule if self.refusal else ""


def check_entry(facts: EntryFacts, settings: RiskSettings) -> RiskVerdict:
    """Judge one entry. Every check is made, so a refusal shows all that stood against it."""
    return RiskVerdict(tuple(check(facts, settings) for check in CHECKS))
