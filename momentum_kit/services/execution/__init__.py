"""The third service and only sender of orders: entries, protection, exits, recovery from broker truth."""

from momentum_kit.services.execution.execution_service import ExecutionService
from momentum_kit.services.execution.exit_desk import LISTS_UNKNOWN
from momentum_kit.services.execution.funds import FundsWatch
from momentum_kit.services.execution.margins import MarginWatch
from momentum_kit.services.execution.reconciliation import (
    BrokerTruth,
    Reconciliation,
    fetch_settled_truth,
    fetch_truth,
    is_ours,
    sells_for_us,
    settle_intent,
)

__all__ = [
    "LISTS_UNKNOWN",
    "BrokerTruth",
    "ExecutionService",
    "FundsWatch",
    "MarginWatch",
    "Reconciliation",
    "fetch_settled_truth",
    "fetch_truth",
    "is_ours",
    "sells_for_us",
    "settle_intent",
]
