"""The fourth service: fills to ledger and journal, exits by time, broker truth at the start."""

from momentum_kit.services.positions.fill_records import JournaledFills
from momentum_kit.services.positions.position_manager import PositionManager

__all__ = ["JournaledFills", "PositionManager"]
