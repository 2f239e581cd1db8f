"""A day by our own book beside the broker's statement of it, pure: what differs, in words."""

from momentum_kit.trading.statement.comparison import Comparison, Totals, compare_day
from momentum_kit.trading.statement.differences import StatementDifference
from momentum_kit.trading.statement.values import (
    AccountStatement,
    BookFill,
    ChargedFee,
    DayBook,
    LateCorrection,
    StatementFill,
    StatementPosition,
)

__all__ = [
    "AccountStatement",
    "BookFill",
    "ChargedFee",
    "Comparison",
    "DayBook",
    "LateCorrection",
    "StatementDifference",
    "StatementFill",
    "StatementPosition",
    "Totals",
    "compare_day",
]
