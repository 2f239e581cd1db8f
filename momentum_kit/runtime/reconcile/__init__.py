"""A day's sessions against IB's own statement of it."""

from momentum_kit.runtime.reconcile.statement_check import StatementCheck, check_statement

__all__ = ["StatementCheck", "check_statement"]
