"""What is held and what it earned, pure: fills to lots, positions and profit."""

from momentum_kit.trading.account.ledger import Holding, Ledger, split_exec_id, undoing
from momentum_kit.trading.account.lots import RoundTrip

__all__ = ["Holding", "Ledger", "RoundTrip", "split_exec_id", "undoing"]
