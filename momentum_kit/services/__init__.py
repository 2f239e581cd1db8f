"""The four services of DESIGN.md, joined by named queues; they know the outside by the Protocols of ports.py alone."""

from momentum_kit.services.consuming import outside, work_outside
from momentum_kit.services.context import SessionContext
from momentum_kit.services.contracts import ContractBook, PriceRules
from momentum_kit.services.input_guard import InputGuard

__all__ = ["ContractBook", "InputGuard", "PriceRules", "SessionContext", "outside", "work_outside"]
